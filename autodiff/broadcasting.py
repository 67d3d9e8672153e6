"""Undoing broadcasting: an argument's gradient has its shape, not that of the result it was broadcast to."""

import math
from functools import lru_cache
from typing import Any

import numpy as np


def unbroadcast(gradient: Any, shape: tuple[int, ...]) -> Any:
    """Return a gradient summed over the axes that were added in front, and over those stretched from length 1.

    None where an array of that shape does not broadcast to the gradient's.
    """
    if gradient.shape[-1:] == shape and isinstance(gradient, np.ndarray):
        if gradient.ndim == 2:  # BLAS sums columns several times faster than np.sum
            return ones(len(gradient), gradient.dtype) @ gradient
        if gradient.ndim > 2 and gradient.flags.c_contiguous:
            rows = math.prod(gradient.shape[:-1])
            return ones(rows, gradient.dtype) @ np.reshape(gradient, (rows, *shape))
    added = gradient.ndim - len(shape)
    stretched = tuple(
        axis + added
        for axis, length in enumerate(shape)
        if length == 1 and gradient.shape[axis + added : axis + added + 1] != (1,)
    )
    if added < 0 or any(length not in (1, gradient.shape[axis + added]) for axis, length in enumerate(shape)):
        return None
    axes = (*range(added), *stretched)
    summed = np.sum(gradient, axis=axes)
    return summed if summed.shape == shape else np.reshape(summed, shape)


@lru_cache(maxsize=16)
def ones(size: int, dtype: np.dtype[Any]) -> Any:
    """Return ones, to be read only."""
    array = np.ones(size, dtype)
    array.flags.writeable = False
    return array
