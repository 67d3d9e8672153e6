"""Stamps: what tells a changed array from an unchanged one."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.trees import parts

Stamp = Any

SMALL = 65_536
"""Bytes up to which a copy is cheaper than a fingerprint."""
ROW = 1024


def stamp(value: Any) -> Stamp:
    """Return what tells a changed value from an unchanged one, for arrays and lists of them.

    A small array is its own stamp. That of a large one is a weighted sum of its bits, 64 at a time, which changes with
    any element and with their order. The upper half of the bits counts in the lower one too, at no element's own place:
    what overflows is lost, and from the uppermost bits of two words nothing else might remain.
    """
    if type(value) is np.ndarray and value.nbytes <= SMALL:
        return value.tobytes()
    if not isinstance(value, np.ndarray):
        held = parts(value)
        if held is not None:
            return {key: stamp(part) for key, part in held.items()}
        return value if type(value) in (int, bool) else None
    if not issubclass(type(value), np.ndarray):
        return None  # it is being recorded, and who records it sees every write
    if value.nbytes <= SMALL or value.dtype.kind not in "biuf" or value.dtype.itemsize > 8:
        return value.tobytes()
    bits = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
    end = bits.size // 8 * 8
    words = bits[:end].view(np.uint64)
    mixed = words >> np.uint64(33)
    mixed ^= words
    return weighted_sum(mixed).tobytes(), bits[end:].tobytes()


def weighted_sum(numbers: NDArray[np.uint64]) -> Any:
    """Return the sum of numbers times a weight for each position: one for its row of 1024, one for its place there."""
    rows, rest = divmod(numbers.size, ROW)
    whole = numbers[: rows * ROW].reshape(rows, ROW)
    with np.errstate(all="ignore"):
        sums = np.einsum("ij,j->i", whole, weights(ROW))  # for integers, several times faster than a matrix product
        return np.dot(numbers[rows * ROW :], weights(rest)) + np.dot(sums, weights(rows))


@lru_cache(maxsize=64)
def weights(size: int) -> NDArray[np.uint64]:
    """Return fixed odd weights, no two the same: no change of one number is lost in overflow."""
    return np.random.default_rng(size).integers(0, 2**63, size, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
