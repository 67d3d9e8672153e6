"""Convolutional layers: names, shapes and initial values are PyTorch's, so that models load there."""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import autodiff.functional as functional
from autodiff.arrays import DEFAULT_FLOAT
from autodiff.functional.convolution import Padding, Sizes, check_groups, each_axis
from autodiff.modules.checks import check_size
from autodiff.modules.initialisation import Uniform
from autodiff.modules.module import Module


class Convolution(Module):
    """What Conv1d and Conv2d have in common; `axes` are those along which windows slide."""

    axes: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        rng: np.random.Generator | None = None,
        dtype: DTypeLike = DEFAULT_FLOAT,
    ) -> None:
        name = type(self).__name__
        kernel = each_axis(name, "kernel_size", kernel_size, self.axes, 1)
        check_size(name, "in_channels", in_channels)
        check_size(name, "out_channels", out_channels)
        check_groups(name, in_channels, out_channels, groups)
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        shape = (out_channels, in_channels // groups, *kernel)
        start, bound = Uniform(name, rng, dtype), 1 / math.sqrt(math.prod(shape[1:]))
        self.weight = start.draw(bound, *shape)
        self.bias = start.draw(bound, out_channels) if bias else None

    def settings(self) -> tuple[Any, ...]:
        """Return what the function takes besides the input."""
        return self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups

    def extra_repr(self) -> str:
        """Return the sizes, and the settings that are not usual."""
        out_channels, in_channels, *kernel = self.weight.shape
        usual = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
        further = [f", {name}={getattr(self, name)!r}" for name in usual if getattr(self, name) != usual[name]]
        sizes = f"{in_channels * self.groups}, {out_channels}, kernel_size={tuple(kernel)}"
        return f"{sizes}{''.join(further)}{', bias=False' if self.bias is None else ''}"


class Conv1d(Convolution):
    """The products of weights with every window on a sequence; see `functional.conv1d`.

    weight: (out_channels, in_channels / groups, kernel_size). bias: (out_channels,), None without one. Both start even
    from -1 / sqrt(n) to 1 / sqrt(n) for windows of n elements. rng: draws them; without it they are other ones in every
    run.

    >>> layer = ad.Conv1d(2, 4, 3, padding="same", rng=np.random.default_rng(0))
    >>> layer(np.ones((5, 2, 10), np.float32)).shape
    (5, 4, 10)
    """

    axes = 1

    def forward(self, x: Any) -> Any:
        """Return (samples, out_channels, count), of (samples, in_channels, length)."""
        return functional.conv1d(x, *self.settings())


class Conv2d(Convolution):
    """The products of weights with every window on an image; see `functional.conv2d`.

    weight: (out_channels, in_channels / groups, height, width). The rest is as in `Conv1d`.

    >>> layer = ad.Conv2d(1, 4, 3, stride=2, rng=np.random.default_rng(0))
    >>> layer(np.ones((5, 1, 9, 9), np.float32)).shape
    (5, 4, 4, 4)
    """

    axes = 2

    def forward(self, x: Any) -> Any:
        """Return (samples, out_channels, counts of windows), of (samples, in_channels, height, width)."""
        return functional.conv2d(x, *self.settings())
