"""Activations as modules."""

from typing import Any

import numpy as np

from autodiff import functional
from autodiff.modules.module import Module


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x: Any) -> Any:
        """Return `functional.relu(x)`."""
        return functional.relu(x)


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, x: Any) -> Any:
        """Return `functional.sigmoid(x)`."""
        return functional.sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, x: Any) -> Any:
        """Return `np.tanh(x)`."""
        return np.tanh(x)


class Softmax(Module):
    """Probabilities along an axis, by default the last.

    >>> ad.Softmax()(ad.Tensor([0.0, 0.0]))
    Tensor([0.5, 0.5])
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        """Return `functional.softmax(x, axis)`."""
        return functional.softmax(x, axis=self.axis)

    def describe(self) -> str:
        """Return the axis."""
        return f"axis={self.axis}"
