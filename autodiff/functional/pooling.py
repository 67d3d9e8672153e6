"""Pooling: the largest element or the mean of every window; definitions and gradients are PyTorch's."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.declarations import composed, differentiable
from autodiff.functional.convolution import Sizes, check_reach, each_axis
from autodiff.functional.windows import surrounded, windows
from autodiff.rules.elementwise import masked


@composed()
def max_pool1d(x: Any, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> Any:
    """Return the largest element of every window on a sequence; see `max_pool2d`.

    x: (..., channels, length). Returns (..., channels, count).

    >>> F.max_pool1d(ad.Tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    Tensor([[3., 2.]])
    """
    return pool("max_pool1d", largest, x, (kernel_size, stride, padding), -math.inf)


@composed()
def max_pool2d(x: Any, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> Any:
    """Return the largest element of every window on an image; of equal ones the first gets the gradient.

    x: (..., channels, height, width). kernel_size: of a window, a number or one for each axis. stride: from one window
    to the next, by default the size. padding: how many places to put at either end, which are never the largest; half a
    window at most. Returns (..., channels, counts of windows).
    Raises ValueError for settings that do not fit.

    >>> F.max_pool2d(ad.Tensor([[[1.0, 3.0], [2.0, 0.0]]]), 2)
    Tensor([[[3.]]])
    """
    return pool("max_pool2d", largest, x, (kernel_size, stride, padding), -math.inf)


@composed()
def avg_pool1d(x: Any, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> Any:
    """Return the mean of every window on a sequence; see `avg_pool2d`.

    x: (..., channels, length). Returns (..., channels, count).

    >>> F.avg_pool1d(ad.Tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    Tensor([[2., 1.]])
    """
    return pool("avg_pool1d", mean, x, (kernel_size, stride, padding), 0)


@composed()
def avg_pool2d(x: Any, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> Any:
    """Return the mean of every window on an image.

    The settings are those of `max_pool2d`; the zeros of the padding count as elements.

    >>> F.avg_pool2d(ad.Tensor([[[1.0, 3.0], [2.0, 0.0]]]), 2)
    Tensor([[[1.5]]])
    """
    return pool("avg_pool2d", mean, x, (kernel_size, stride, padding), 0)


def pool(name: str, reduce: Callable[..., Any], x: Any, settings: tuple[Any, Any, Any], outside: float) -> Any:
    """Return what the windows are reduced to along as many axes as the name says."""
    axes = int(name[-2])
    if np.ndim(x) <= axes:
        shape = "(..., channels, length)" if axes == 1 else "(..., channels, height, width)"
        raise ValueError(f"{name} takes x of shape {shape}, found shape {np.shape(x)}")
    size, stride, padding = settings
    kernel = each_axis(name, "kernel_size", size, axes, 1)
    step = each_axis(name, "stride", size if stride is None else stride, axes, 1)
    ends = each_axis(name, "padding", padding, axes, 0)
    if any(2 * end > length for end, length in zip(ends, kernel, strict=True)):
        raise ValueError(f"{name}: padding must be at most half of kernel_size, {kernel}, found {padding}")
    widths = [(end, end) for end in ends]
    check_reach(name, x.shape[-axes:], kernel, (1,) * axes, widths)
    last = np.moveaxis(x, -1 - axes, -1)
    within = surrounded(last, widths, outside) if any(ends) else last
    return np.moveaxis(reduce(windows(within, kernel, step, (1,) * axes), axes), -1, -1 - axes)


def mean(seen: Any, axes: int) -> Any:
    """Return the mean over the axes before the last."""
    return np.mean(seen, axis=tuple(range(-1 - axes, -1)))


def first_of_largest(seen: Any, out: Any) -> Any:
    """Return which element of each window is the first of its largest."""
    found = np.zeros_like(seen, dtype=bool)
    open_windows = np.ones_like(out, dtype=bool)
    for offset in offsets(seen, seen.ndim - out.ndim):
        found[offset] = open_windows & (seen[offset] == out)
        open_windows = open_windows & ~found[offset]
    return found


def to_first(g: Any, seen: Any, out: Any, axes: int) -> Any:
    """Return g at the first of the largest elements of each window, and 0 elsewhere."""
    spread = np.reshape(g, (*g.shape[:-1], *[1] * axes, g.shape[-1]))
    return masked(np.broadcast_to(spread, seen.shape), first_of_largest(seen, out))


@differentiable(seen=to_first)
def largest(seen: Any, axes: int) -> Any:
    """Return the largest element over the axes before the last."""
    return functools.reduce(np.maximum, [seen[offset] for offset in offsets(seen, axes)])


def offsets(seen: Any, axes: int) -> list[tuple[Any, ...]]:
    """Return the indices of the elements of a window, in their order."""
    return [(..., *offset, slice(None)) for offset in np.ndindex(*seen.shape[-1 - axes : -1])]
