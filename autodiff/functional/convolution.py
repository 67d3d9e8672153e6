"""Convolutions, as the cross-correlations that networks mean by it; definitions are PyTorch's.

Each is one product of matrices, of a row for every window with the weights (Chellapilla et al. 2006).
"""

import functools
import math
import operator
from typing import Any, Literal

import numpy as np

from autodiff.declarations import composed, differentiable
from autodiff.functional.windows import Lengths, Widths, fitted, fold, inner, reaches, windows

Sizes = int | tuple[int, ...]
Padding = Sizes | Literal["same", "valid"]


@composed()
def conv1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Any:
    """Return the products of the weights with every window on a sequence.

    x: (samples, channels, length), or without samples. weight: (out_channels, channels / groups, kernel).
    The rest is as in `conv2d`, for one axis. Returns (samples, out_channels, count).

    >>> x, weight = ad.Tensor([[[1.0, 2.0, 4.0]]]), ad.Tensor([[[-1.0, 1.0]]])
    >>> F.conv1d(x, weight)
    Tensor([[[1., 2.]]])
    """
    return convolve("conv1d", x, weight, bias, (stride, padding, dilation), groups)


@composed()
def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Any:
    """Return the products of the weights with every window on an image.

    x: (samples, channels, height, width), or without samples. weight: (out_channels, channels / groups, height, width).
    bias: (out_channels,). stride: from one window to the next, a number or one for each axis. padding: how many zeros
    are put at either end of an axis; "valid" is none, and "same" as many as keep the lengths, with a stride of 1.
    dilation: from one element of a window to the next. groups: that the channels are divided into; each group of the
    output sees one of the input. Returns (samples, out_channels, counts of windows).
    Raises ValueError for shapes and settings that do not fit.

    >>> F.conv2d(ad.Tensor(np.ones((1, 1, 3, 3))), ad.Tensor(np.ones((1, 1, 2, 2)))).data[0, 0]
    array([[4., 4.],
           [4., 4.]])
    """
    return convolve("conv2d", x, weight, bias, (stride, padding, dilation), groups)


def convolve(name: str, x: Any, weight: Any, bias: Any, settings: tuple[Any, Any, Any], groups: int) -> Any:
    """Return a convolution along as many axes as the name says."""
    axes = int(name[-2])
    check_shapes(name, axes, np.shape(x), np.shape(weight), groups)
    if np.ndim(x) == axes + 1:
        return convolve(name, x[None], weight, bias, settings, groups)[0]
    kernel = weight.shape[2:]
    stride, padding, dilation = settings
    step, spread = each_axis(name, "stride", stride, axes, 1), each_axis(name, "dilation", dilation, axes, 1)
    widths = padding_widths(name, padding, kernel, step, spread)
    check_reach(name, x.shape[2:], kernel, spread, widths)
    samples, channels = x.shape[:2]
    grouped = np.reshape(x, (samples, groups, channels // groups, *x.shape[2:]))
    grouped = np.moveaxis(grouped, (1, 2), (0, -1))
    weights = np.moveaxis(np.reshape(weight, (groups, -1, *weight.shape[1:])), (1, 2), (-1, -2))
    out = np.moveaxis(correlate(grouped, weights, step, spread, widths), 0, -2)
    rows = np.reshape(out, (math.prod(out.shape[:-2]), weight.shape[0]))
    rows = rows if bias is None else rows + bias  # the gradient of a bias of rows is a product, faster than a sum
    return np.moveaxis(np.reshape(rows, (*out.shape[:-2], weight.shape[0])), -1, 1)


# The product


def input_gradient(g: Any, weight: Any, x_shape: tuple[int, ...], step: Lengths, dilation: Lengths, widths: Any) -> Any:
    """Return the gradient of `correlate` by x: with a step of 1, a correlation of g with the weights turned round."""
    kernel = weight.shape[1:-2]
    axes = tuple(range(1, 1 + len(kernel)))
    if all(one == 1 for one in step):
        turned = np.swapaxes(np.flip(weight, axes), -1, -2)
        ends = [reach - 1 for reach in reaches(kernel, dilation)]
        around = [(end - before, end - after) for end, (before, after) in zip(ends, widths, strict=True)]
        return correlate(g, turned, step, dilation, around)
    rows = as_rows(g, 1) @ np.matrix_transpose(as_matrix(weight))
    parts = np.reshape(rows, (*g.shape[:-1], *kernel, weight.shape[-2]))
    lengths = zip(x_shape[2:-1], widths, strict=True)
    shape = (*x_shape[:2], *[length + sum(width) for length, width in lengths], x_shape[-1])
    return fold(parts, shape, step, dilation)[inner(widths, shape)]


def weight_gradient(
    g: Any, x: Any, weight_shape: tuple[int, ...], step: Lengths, dilation: Lengths, widths: Widths
) -> Any:
    """Return the gradient of `correlate` by the weights: a correlation of x with g."""
    kernel = weight_shape[1:-2]
    seen = windows(fitted(x, widths), kernel, step, dilation)
    axes = len(kernel) + 1
    products = [np.matrix_transpose(as_rows(seen[:, some], axes)) @ as_rows(g[:, some], 1) for some in blocks(seen)]
    return np.reshape(functools.reduce(np.add, products), weight_shape)


@differentiable(x=input_gradient, weight=weight_gradient)
def correlate(x: Any, weight: Any, step: Lengths, dilation: Lengths, widths: Widths) -> Any:
    """Return the products of the weights with the windows on an array, in each of several groups.

    x: (groups, samples, *lengths, channels). weight: (groups, *kernel, channels, out_channels). widths: zeros put
    before and after each axis, or cut off if negative. Returns (groups, samples, *counts, out_channels).
    """
    kernel = weight.shape[1:-2]
    seen = windows(fitted(x, widths), kernel, step, dilation)
    matrix, shape = as_matrix(weight), (*seen.shape[: 2 + len(kernel)], weight.shape[-1])
    out = np.zeros_like(seen, shape=shape, dtype=np.result_type(seen, weight), order="C")
    for some in blocks(seen):
        np.matmul(as_rows(seen[:, some], len(kernel) + 1), matrix, out=as_rows(out[:, some], 1))
    return out


def blocks(seen: Any) -> list[slice]:
    """Return which samples to take at once: as rows, the windows on them fit a processor's second-level cache."""
    samples = seen.shape[1]
    length = max(BLOCK * samples // max(seen.size, 1), 1)
    return [slice(start, start + length) for start in range(0, max(samples, 1), length)]


BLOCK = 300_000
"""Elements of the windows on a block. With 512 samples, a product so takes two thirds of the time."""


def as_rows(x: Any, axes: int) -> Any:
    """Return (groups, ..., the last axes) as (groups, rows, elements of a row), next to each other in memory."""
    shape = (x.shape[0], math.prod(x.shape[1:-axes]), math.prod(x.shape[-axes:]))
    return np.reshape(np.copy(x, order="C") if axes > 1 else x, shape)


def as_matrix(weight: Any) -> Any:
    """Return weights (groups, *kernel, channels, out_channels) with an element of a window in each row."""
    return np.reshape(weight, (weight.shape[0], math.prod(weight.shape[1:-1]), weight.shape[-1]))


# What users pass


def each_axis(name: str, setting: str, value: Any, axes: int, least: int) -> Lengths:
    """Return a setting as a number for each axis."""
    given = value if isinstance(value, tuple | list) else (value,) * axes
    try:
        numbers = tuple(operator.index(one) for one in given)
    except TypeError:
        numbers = ()
    if len(numbers) != axes or min(numbers) < least:
        wanted = "a whole number" if axes == 1 else f"a whole number or {axes} of them"
        raise ValueError(f"{name}: {setting} must be {wanted}, from {least} on, found {value!r}")
    return numbers


def padding_widths(name: str, padding: Any, kernel: Lengths, step: Lengths, dilation: Lengths) -> Widths:
    """Return how many zeros to put before and after each axis."""
    if padding == "valid":
        return [(0, 0)] * len(kernel)
    if padding == "same":
        if any(one != 1 for one in step):
            raise ValueError(f"{name}: padding 'same' keeps the lengths, which a stride of {step} does not")
        ends = [reach - 1 for reach in reaches(kernel, dilation)]
        return [(end // 2, end - end // 2) for end in ends]
    if isinstance(padding, str):
        raise ValueError(f"{name}: padding must be 'same', 'valid' or a whole number, found {padding!r}")
    return [(width, width) for width in each_axis(name, "padding", padding, len(kernel), 0)]


def check_shapes(name: str, axes: int, x: tuple[int, ...], weight: tuple[int, ...], groups: int) -> None:
    """Raise ValueError if input, weights and groups do not fit together."""
    if len(weight) != axes + 2 or len(x) not in (axes + 1, axes + 2):
        shape = f"(samples, channels{', length' * axes})" if axes == 1 else "(samples, channels, height, width)"
        raise ValueError(
            f"{name} takes x of shape {shape} and weights of {axes + 2} axes, found shapes {x} and {weight}"
        )
    check_groups(name, x[-1 - axes], weight[0], groups)
    if weight[1] * groups != x[-1 - axes]:
        in_groups = f" in each of {groups} groups" if groups > 1 else ""
        raise ValueError(
            f"{name}: the weights of shape {weight} take {weight[1]} channels{in_groups}, and x of shape {x} has "
            f"{x[-1 - axes]}"
        )


def check_groups(name: str, in_channels: int, out_channels: int, groups: int) -> None:
    """Raise ValueError if the channels cannot be divided into as many groups."""
    if groups < 1 or in_channels % groups or out_channels % groups:
        raise ValueError(
            f"{name}: groups must divide the channels, {in_channels} in and {out_channels} out, found {groups}"
        )


def check_reach(name: str, lengths: Lengths, kernel: Lengths, dilation: Lengths, widths: Widths) -> None:
    """Raise ValueError where there is no room for a window."""
    room = [length + sum(width) for length, width in zip(lengths, widths, strict=True)]
    if any(reach > length for reach, length in zip(reaches(kernel, dilation), room, strict=True)):
        raise ValueError(
            f"{name}: windows of {kernel} elements, {dilation} apart, do not fit into {tuple(room)}, padding included"
        )
