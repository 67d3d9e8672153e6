"""Functions that bring numbers to mean 0 and variance 1; definitions and gradients are PyTorch's."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.declarations import composed
from autodiff.functional.losses import in_half


@composed()
def layer_norm(
    x: Any, normalized_shape: int | Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Return x with mean 0 and variance 1 over its last axes, times weight, plus bias (Ba et al. 2016).

    normalized_shape: the lengths of those axes, one or several. weight, bias: of that shape, or absent.
    eps: is added to the variance. Raises ValueError for an x whose last axes are others.

    >>> F.layer_norm(ad.Tensor([[0.0, 2.0], [5.0, 5.0]]), 2, eps=0.5625)
    Tensor([[-0.8,  0.8],
            [ 0. ,  0. ]])
    """
    axes = last_axes("layer_norm", x, normalized_shape)
    if x.dtype == np.float16:
        return in_half(layer_norm, x, normalized_shape, weight, bias, eps)
    _, centred, variance = moments(x, axes)
    return scaled(centred, variance, eps, weight, bias)


@composed()
def rms_norm(x: Any, normalized_shape: int | Sequence[int], weight: Any = None, eps: float | None = None) -> Any:
    """Return x over the root of its mean square over the last axes, times weight (Zhang & Sennrich 2019).

    normalized_shape: the lengths of those axes, one or several. weight: of that shape, or absent.
    eps: is added to the mean square; by default the dtype's distance from 1 to the next number.
    Raises ValueError for an x whose last axes are others.

    >>> F.rms_norm(ad.Tensor([[3.0, 3.0]]), 2)
    Tensor([[1., 1.]])
    """
    axes = last_axes("rms_norm", x, normalized_shape)
    eps = float(np.finfo(x.dtype).eps) if eps is None else eps
    if x.dtype == np.float16:
        return in_half(rms_norm, x, normalized_shape, weight, eps)
    return scaled(x, np.mean(np.square(x), axis=axes, keepdims=True), eps, weight)


@composed()
def batch_norm(
    x: Any, mean: Any = None, variance: Any = None, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Return every channel of x less its mean, over its deviation, times weight, plus bias (Ioffe & Szegedy 2015).

    x: (samples, channels, ...). mean, variance: (channels,), such as running statistics; those of x where both are
    absent. weight, bias: (channels,), or absent. eps: is added to the variance.
    Keeping running statistics is what `ad.BatchNorm1d` is for.

    >>> F.batch_norm(ad.Tensor([[0.0, 5.0], [2.0, 5.0]]), eps=0.5625)
    Tensor([[-0.8,  0. ],
            [ 0.8,  0. ]])
    """
    if x.dtype == np.float16:
        return in_half(batch_norm, x, mean, variance, weight, bias, eps)
    if mean is None:
        _, centred, variance = moments(x, channel_axes(x))
    else:
        centred, variance = x - by_channel(mean, x), by_channel(variance, x)
    return scaled(centred, variance, eps, by_channel(weight, x), by_channel(bias, x))


def moments(x: Any, axes: tuple[int, ...]) -> tuple[Any, Any, Any]:
    """Return the mean of x along axes, x less that, and the variance; the axes stay, with length 1."""
    mean = np.mean(x, axis=axes, keepdims=True)
    centred = x - mean
    return mean, centred, np.mean(np.square(centred), axis=axes, keepdims=True)


def scaled(centred: Any, variance: Any, eps: float, weight: Any = None, bias: Any = None) -> Any:
    """Return what is centred over its deviation, times weight, plus bias."""
    normal = centred / np.sqrt(variance + eps)
    if weight is not None:
        normal = normal * weight
    return normal if bias is None else normal + bias


def last_axes(name: str, x: Any, lengths: int | Sequence[int]) -> tuple[int, ...]:
    """Return the axes at the end that have these lengths. Raises ValueError if they have others."""
    shape = (lengths,) if isinstance(lengths, int) else tuple(lengths)
    if not shape or np.shape(x)[-len(shape) :] != shape:
        wanted = ", ".join(["...", *map(str, shape)])
        raise ValueError(f"{name}: x must have the shape ({wanted}), found {np.shape(x)}")
    return tuple(range(-len(shape), 0))


def channel_axes(x: Any) -> tuple[int, ...]:
    """Return all axes but that of the channels, which is the second."""
    return (0, *range(2, x.ndim))


def by_channel(values: Any, x: Any) -> Any:
    """Return an array (channels,) in the shape in which it broadcasts to x; None as it is."""
    return None if values is None else np.reshape(values, (-1,) + (1,) * (x.ndim - 2))


def values_per_channel(x: Any) -> int:
    """Return over how many numbers the mean of a channel is."""
    return math.prod(x.shape[axis] for axis in channel_axes(x))
