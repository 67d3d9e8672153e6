"""Derivative rules of functions that reduce axes."""

import math
from typing import Any

import numpy as np

from autodiff.function import no_gradient, rule


def axes_of(axis: int | tuple[int, ...] | None, ndim: int) -> tuple[int, ...]:
    """Return the axes reduced over, none of them negative."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(i % ndim for i in (axis if isinstance(axis, tuple) else (axis,)))


def restore(reduced: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """Return what a reduction made of an array of that shape, with the reduced axes back as length 1."""
    axes = axes_of(axis, len(shape))
    return np.reshape(reduced, tuple(1 if i in axes else length for i, length in enumerate(shape)))


def spread(g: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """Return the gradient of a sum: that of the result, at every element that was summed."""
    return np.broadcast_to(restore(g, shape, axis), shape)


def count(shape: tuple[int, ...], axis: Any) -> int:
    """Return how many elements are reduced into one."""
    return math.prod(shape[i] for i in axes_of(axis, len(shape)))


def share(g: Any, a: Any, out: Any, axis: Any) -> Any:
    """Return the gradient of an extremum, split evenly among the elements tied for it."""
    chosen = a == restore(out, a.shape, axis)
    ties = np.sum(chosen, axis=axis, keepdims=True).astype(g.dtype)
    return np.where(chosen, restore(g, a.shape, axis) / ties, 0)


rule(np.sum, a=lambda g, a_shape, axis: spread(g, a_shape, axis), accepts=["keepdims"])
rule(np.mean, a=lambda g, a_shape, axis: spread(g, a_shape, axis) / count(a_shape, axis), accepts=["keepdims"])
rule(np.max, a=lambda g, a, out, axis: share(g, a, out, axis), accepts=["keepdims"])
rule(np.min, a=lambda g, a, out, axis: share(g, a, out, axis), accepts=["keepdims"])

no_gradient(np.argmax, np.argmin, np.any, np.all, np.count_nonzero)
