"""Windows that slide along the last axes but one of an array, which convolution and pooling look through.

Channels come last here, so that a window's elements lie next to each other in memory.
"""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.declarations import differentiable

Lengths = tuple[int, ...]
"""A number for every axis along which windows slide."""
Widths = Sequence[tuple[int, int]]
"""How much is put before and after each of those axes."""


def added_up(g: Any, x_shape: tuple[int, ...], step: Lengths, dilation: Lengths) -> Any:
    """Return the gradient of `windows`."""
    return fold(g, x_shape, step, dilation)


@differentiable(x=added_up, accepts=["kernel"])
def windows(x: Any, kernel: Lengths, step: Lengths, dilation: Lengths) -> Any:
    """Return a view of every window on an array.

    x: (..., *lengths, channels). kernel: how many elements a window shows along each axis. step: from one window to the
    next. dilation: from one element of a window to the next. Returns (..., *counts, *kernel, channels).
    """
    axes = tuple(range(x.ndim - 1 - len(kernel), x.ndim - 1))
    every = np.lib.stride_tricks.sliding_window_view(x, reaches(kernel, dilation), axis=axes)
    steps, places = ([slice(None, None, one) for one in apart] for apart in (step, dilation))
    index: tuple[Any, ...] = (..., *steps, slice(None), *places)
    return np.moveaxis(every[index], -1 - len(kernel), -1)


@differentiable(
    parts=lambda g, parts_shape, step, dilation: windows(g, parts_shape[-1 - len(step) : -1], step, dilation),
    accepts=["shape"],
)
def fold(parts: Any, shape: tuple[int, ...], step: Lengths, dilation: Lengths) -> Any:
    """Return an array of that shape in which the windows on it are added up: what `windows` is transposed."""
    axes = len(step)
    counts, kernel = parts.shape[-1 - 2 * axes : -1 - axes], parts.shape[-1 - axes : -1]
    if kernel == step and shape[-1 - axes : -1] == tuple(map(operator.mul, counts, kernel)):  # side by side
        first = parts.ndim - 1 - 2 * axes
        pairs = [axis for i in range(first, first + axes) for axis in (i, i + axes)]
        return np.reshape(np.transpose(parts, (*range(first), *pairs, parts.ndim - 1)), shape)
    whole = np.zeros_like(parts, shape=shape, order="C")
    for offset in np.ndindex(*kernel):
        every: Any = map(every_step, offset, counts, step, dilation)
        place = whole[(..., *every, slice(None))]
        np.add(place, parts[(..., *offset, slice(None))], out=place)
    return whole


def every_step(offset: int, count: int, step: int, dilation: int) -> slice:
    """Return where one element of every window is, along an axis."""
    start = offset * dilation
    return slice(start, start + step * (count - 1) + 1, step)


def reaches(kernel: Lengths, dilation: Lengths) -> Lengths:
    """Return how far a window reaches along each axis, from its first element to its last."""
    return tuple(spread * (length - 1) + 1 for length, spread in zip(kernel, dilation, strict=True))


@differentiable(x=lambda g, widths: g[inner(widths, g.shape)], accepts=["value"])
def surrounded(x: Any, widths: Widths, value: float = 0) -> Any:
    """Return (..., *lengths, channels) with a value put before and after each of the axes in the middle."""
    first = x.ndim - 1 - len(widths)
    middle = [before + length + after for length, (before, after) in zip(x.shape[first:-1], widths, strict=True)]
    shape = (*x.shape[:first], *middle, x.shape[-1])
    whole = np.full_like(x, value, shape=shape, order="C") if value else np.zeros_like(x, shape=shape, order="C")
    whole[inner(widths, shape)] = x
    return whole


def inner(widths: Widths, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Return where in an array of that shape is what has been surrounded."""
    lengths = shape[-1 - len(widths) : -1]
    return (..., *[slice(w[0], length - w[1]) for w, length in zip(widths, lengths, strict=True)], slice(None))


def fitted(x: Any, widths: Widths) -> Any:
    """Return an array with zeros around it, and cut off where a width is negative."""
    cut = [(max(-before, 0), max(-after, 0)) for before, after in widths]
    if any(map(any, cut)):
        x = x[inner(cut, x.shape)]
    added = [(max(before, 0), max(after, 0)) for before, after in widths]
    return surrounded(x, added) if any(map(any, added)) else x
