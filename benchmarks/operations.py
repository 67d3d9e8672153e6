"""What an operation on three numbers costs beside the bare NumPy call, and PyTorch's where it is installed.

OMP_NUM_THREADS=1 python -m benchmarks.operations
"""

import operator
import platform
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

import autodiff as ad

ROUNDS, CALLS = 40, 50


def microseconds(operation: Callable[[], Any]) -> float:
    """Return how long one of some calls takes."""
    started = time.perf_counter()
    for _ in range(CALLS):
        operation()
    return (time.perf_counter() - started) / CALLS * 1e6


def main() -> None:
    """Measure all in turn and print the medians."""
    numbers = np.ones(3, np.float32)
    cases: dict[str, Callable[[], Any]] = {}
    plain, tracked = ad.Tensor(numbers), ad.Tensor(numbers, requires_grad=True)
    for name, value in [("NumPy", numbers), ("autodiff", plain), ("autodiff, with a gradient", tracked)]:
        cases[f"a * b, {name}"] = partial(operator.mul, value, value)
        cases[f"np.exp(a), {name}"] = partial(np.exp, value)
    if find_spec("torch"):
        torch = import_module("torch")
        for name, wanted in [("PyTorch", False), ("PyTorch, with a gradient", True)]:
            tensor = torch.ones(3, requires_grad=wanted)
            cases[f"a * b, {name}"] = partial(operator.mul, tensor, tensor)
            cases[f"exp(a), {name}"] = partial(torch.exp, tensor)
    else:
        print("PyTorch is not installed: pip install torch==2.13.0")
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, case in cases.items():
            times[name].append(microseconds(case))
    print(f"Python {platform.python_version()}, NumPy {np.__version__}")
    print(f"{'one operation on 3 numbers':34}{'microseconds':>14}")
    for name, found in times.items():
        print(f"{name:34}{statistics.median(found):14.2f}")


if __name__ == "__main__":
    main()
