"""Pooling layers: the largest element or the mean of every window."""

from typing import Any

import autodiff.functional as functional
from autodiff.functional.convolution import Sizes
from autodiff.modules.module import Module


class Pool(Module):
    """What the layers have in common; their settings are those of `functional.max_pool2d`."""

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxPool1d(Pool):
    """The largest element of every window on a sequence; see `functional.max_pool1d`.

    >>> ad.MaxPool1d(2)(np.ones((5, 3, 8))).shape
    (5, 3, 4)
    """

    def forward(self, x: Any) -> Any:
        """Return (..., channels, count), of (..., channels, length)."""
        return functional.max_pool1d(x, self.kernel_size, self.stride, self.padding)


class MaxPool2d(Pool):
    """The largest element of every window on an image; see `functional.max_pool2d`.

    >>> ad.MaxPool2d(2)(np.ones((5, 3, 8, 8))).shape
    (5, 3, 4, 4)
    """

    def forward(self, x: Any) -> Any:
        """Return (..., channels, counts of windows), of (..., channels, height, width)."""
        return functional.max_pool2d(x, self.kernel_size, self.stride, self.padding)


class AvgPool1d(Pool):
    """The mean of every window on a sequence; see `functional.avg_pool1d`.

    >>> ad.AvgPool1d(3, stride=1)(np.ones((5, 3, 8))).shape
    (5, 3, 6)
    """

    def forward(self, x: Any) -> Any:
        """Return (..., channels, count), of (..., channels, length)."""
        return functional.avg_pool1d(x, self.kernel_size, self.stride, self.padding)


class AvgPool2d(Pool):
    """The mean of every window on an image; see `functional.avg_pool2d`.

    >>> ad.AvgPool2d((8, 2))(np.ones((5, 3, 8, 8))).shape
    (5, 3, 1, 4)
    """

    def forward(self, x: Any) -> Any:
        """Return (..., channels, counts of windows), of (..., channels, height, width)."""
        return functional.avg_pool2d(x, self.kernel_size, self.stride, self.padding)
