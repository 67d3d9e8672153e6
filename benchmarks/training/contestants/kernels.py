"""Buffers and matrix products for `buffers`, NumPy by hand at its fastest."""

import statistics
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
Kernel = Callable[[], Any]

CACHE_LINE = 64
ROW_MULTIPLE = CACHE_LINE // 4
"""The elements of float32 in a cache line."""

SMALL_PRODUCT = 1200
"""Up to so many elements, OpenBLAS computes A @ B.T without first copying A and B (its kernels for AVX-512)."""


def aligned(shape: tuple[int, ...]) -> Values:
    """Return zeros that start at a cache line."""
    size = 4 * int(np.prod(shape))
    memory = np.zeros(size + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size].view(np.float32).reshape(shape)


def scalar(value: float) -> Values:
    """Return a number as an array without axes: a Python number would be converted at every call."""
    return np.array(value, np.float32)


def fastest_product_with_transpose(left: Values, right: Values, out: Values) -> Kernel:
    """Return what computes left @ right.T into out, the fastest of a few ways at these shapes."""
    ways = [way(left, right, out) for way in WAYS]
    return ways[fastest_way(left.shape, right.shape)]


@cache
def fastest_way(left: tuple[int, ...], right: tuple[int, ...]) -> int:
    """Return the place in WAYS of the fastest for these shapes."""
    kernels = [way(aligned(left), aligned(right), aligned((left[0], right[0]))) for way in WAYS]
    times: list[list[float]] = [[] for _ in kernels]
    for _ in range(15):
        for kernel, found in zip(kernels, times, strict=True):
            started = time.perf_counter()
            kernel()
            found.append(time.perf_counter() - started)
    medians = [statistics.median(found) for found in times]
    return medians.index(min(medians))


def directly(left: Values, right: Values, out: Values) -> Kernel:
    transposed = right.T
    return lambda: np.dot(left, transposed, out)


def in_pieces(left: Values, right: Values, out: Values) -> Kernel:
    """By pieces of rows, each a small product."""
    count = -(-len(left) // max(1, SMALL_PRODUCT // len(right)))
    pieces = list(zip(np.array_split(left, count), np.array_split(out, count), strict=True))
    transposed = right.T

    def compute() -> None:
        for piece, result in pieces:
            np.dot(piece, transposed, result)

    return compute


def with_left_copied(left: Values, right: Values, out: Values) -> Kernel:
    """As (right @ left.T).T with a transposed copy of left: few rows are soon copied."""
    copy, result = aligned(left.shape[::-1]), aligned(out.shape[::-1])
    transposed, result_transposed = left.T, result.T

    def compute() -> None:
        np.copyto(copy, transposed)
        np.dot(right, copy, result)
        np.copyto(out, result_transposed)

    return compute


def with_right_copied(left: Values, right: Values, out: Values) -> Kernel:
    """With a transposed copy of right."""
    copy = aligned(right.shape[::-1])
    transposed = right.T

    def compute() -> None:
        np.copyto(copy, transposed)
        np.dot(left, copy, out)

    return compute


WAYS = [directly, in_pieces, with_left_copied, with_right_copied]
