"""Modules that compute nothing."""

import math
from typing import Any

import numpy as np

from autodiff.modules.checks import check_shape
from autodiff.modules.module import Module


class Identity(Module):
    """x as it is: stands where a layer may be."""

    def forward(self, x: Any) -> Any:
        """Return x."""
        return x


class Flatten(Module):
    """x with its axes from start_dim to end_dim made one, by default all but that of the samples.

    >>> ad.Flatten()(ad.Tensor(np.zeros((5, 2, 3, 4)))).shape
    (5, 24)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, x: Any) -> Any:
        """Return x in its new shape."""
        shape = np.shape(x)
        start, end = (axis + len(shape) if axis < 0 else axis for axis in (self.start_dim, self.end_dim))
        check_shape(self, x, "(...) that has these axes, in this order", 0 <= start <= end < len(shape))
        return np.reshape(x, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))

    def extra_repr(self) -> str:
        """Return the axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
