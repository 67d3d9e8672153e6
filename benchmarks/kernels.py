"""The kernels that captured steps use, beside NumPy's obvious calls.

    OMP_NUM_THREADS=1 python -m benchmarks.kernels

float32, 300 samples, 100 hidden units, 3 classes, in aligned memory. Rounds are interleaved and medians compared. The
tables in `kernels.py`, `products.py` and `scalars.py` in `autodiff/compiler/passes` are made of these.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.replay.code import store

ROUNDS, CALLS = 40, 200
Array = NDArray[np.float32]


def aligned(shape: tuple[int, ...]) -> Array:
    """Return random numbers that start at a cache line."""
    size = 4 * int(np.prod(shape))
    memory = np.zeros(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    array = memory[start : start + size].view(np.float32).reshape(shape)
    array[...] = np.random.default_rng(0).normal(size=shape)
    return array


def kernels() -> dict[str, list[tuple[str, Callable[[], Any]]]]:
    """Return the ways to compute each thing, the obvious one first."""
    hidden, wide = aligned((300, 100)), aligned((300, 100))
    zeros = np.zeros_like(hidden)
    inputs, weight, bias = aligned((300, 2)), aligned((100, 2)), aligned((100,))
    with_ones, joint = aligned((300, 3)), aligned((3, 100))
    out_weight, out_bias = aligned((3, 100)), aligned((3,))
    columns, rows = aligned((300, 3)), aligned((3, 300))
    flat = rows.reshape(-1)
    index = np.random.default_rng(0).integers(0, 3, 300) * 300 + np.arange(300)
    one_hot = np.zeros(900, np.float32)
    one_hot[index] = 1
    chosen = aligned((300,))
    ones, total, other, difference = np.ones(300, np.float32), *(np.zeros((), np.float32) for _ in range(3))
    scalar, other_scalar = total[()], other[()]

    def layer() -> None:
        np.matmul(inputs, weight.T, wide)
        np.add(wide, bias, wide)

    def layer_at_once() -> None:
        joint[:2] = weight.T
        joint[2] = bias
        np.matmul(with_ones, joint, wide)

    def outputs() -> None:
        np.matmul(hidden, out_weight.T, columns)
        np.add(columns, out_bias, columns)
        np.copyto(rows, columns.T)

    def outputs_by_rows() -> None:
        np.matmul(out_weight, hidden.T, rows)
        np.add(rows, out_bias[:, None], rows)

    def subtract_at() -> None:
        flat[index] -= 1

    def elements() -> None:
        store(chosen, flat[index])

    return {
        "a maximum with 0": [
            ("np.maximum(z, 0, out=z)", lambda: np.maximum(wide, 0, out=wide)),
            ("np.maximum(z, zeros, out=z)", lambda: np.maximum(wide, zeros, out=wide)),
        ],
        "a change at an index": [
            ("t[index] -= 1", subtract_at),
            ("t -= one_hot", lambda: np.subtract(flat, one_hot, flat)),
        ],
        "elements at an index": [
            ("out[...] = t[index], its shape looked at", elements),
            ('t.take(index, None, out, "clip")', lambda: flat.take(index, None, chosen, "clip")),
        ],
        "a negative layer of 2 inputs": [
            ("-z", lambda: np.negative(hidden, out=wide)),
            ("-[w.T; b]", lambda: np.negative(joint, out=joint)),
        ],
        "a sum of 300 numbers": [
            ("np.add.reduce(x, out=out)", lambda: np.add.reduce(chosen, out=total)),
            ("np.dot(ones, x)", lambda: np.dot(ones, chosen)),
        ],
        "a difference of two sums": [
            ("np.subtract(a, b, out), without axes", lambda: np.subtract(total, other, difference)),
            ("a - b, scalars", lambda: scalar - other_scalar),
        ],
        "a layer of 2 inputs": [("x @ w.T; + b", layer), ("[x 1] @ [w.T; b], and copies of w and b", layer_at_once)],
        "a layer of 3 outputs, transposed": [
            ("h @ w.T; + b; .T.copy()", outputs),
            ("w @ h.T; + b[:, None]", outputs_by_rows),
        ],
    }


def microseconds(call: Callable[[], Any]) -> float:
    """Return how long one of some calls takes."""
    started = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - started) / CALLS * 1e6


def main() -> None:
    """Measure and print."""
    print(f"NumPy {np.__version__}, float32, microseconds")
    for what, ways in kernels().items():
        times = [[microseconds(way) for _, way in ways] for _ in range(ROUNDS)]
        print(what)
        for (name, _), found in zip(ways, zip(*times, strict=True), strict=True):
            print(f"    {name:56}{statistics.median(found):8.2f}")


if __name__ == "__main__":
    main()
