"""Activations as modules: each has the name, the settings and the definition of PyTorch's."""

from typing import Any, Literal

import numpy as np

import autodiff.functional as functional
from autodiff.modules.module import Module

# Kinked at 0


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x: Any) -> Any:
        """Return `functional.relu(x)`."""
        return functional.relu(x)


class LeakyReLU(Module):
    """x where it is positive, and negative_slope * x elsewhere; see `functional.leaky_relu`.

    >>> ad.LeakyReLU(0.25)(ad.Tensor([-1.0, 2.0]))
    Tensor([-0.25,  2.  ])
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        """Return `functional.leaky_relu(x, negative_slope)`."""
        return functional.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        """Return the slope."""
        return f"negative_slope={self.negative_slope}"


class ELU(Module):
    """x where it is positive, and alpha * (exp(x) - 1) elsewhere; see `functional.elu`.

    >>> ad.ELU(alpha=0.5)
    ELU(alpha=0.5)
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        """Return `functional.elu(x, alpha)`."""
        return functional.elu(x, self.alpha)

    def extra_repr(self) -> str:
        """Return alpha."""
        return f"alpha={self.alpha}"


class SELU(Module):
    """A scaled elu; see `functional.selu`."""

    def forward(self, x: Any) -> Any:
        """Return `functional.selu(x)`."""
        return functional.selu(x)


class Hardtanh(Module):
    """x limited to the interval from min_val to max_val; see `functional.hardtanh`.

    >>> ad.Hardtanh(0.0, 6.0)(ad.Tensor([-1.0, 7.0]))
    Tensor([0., 6.])
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        if not min_val < max_val:
            raise ValueError(f"Hardtanh: min_val must be below max_val, found {min_val} and {max_val}")
        self.min_val = min_val
        self.max_val = max_val

    def forward(self, x: Any) -> Any:
        """Return `functional.hardtanh(x, min_val, max_val)`."""
        return functional.hardtanh(x, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        """Return the ends."""
        return f"min_val={self.min_val}, max_val={self.max_val}"


# Smooth


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, x: Any) -> Any:
        """Return `functional.sigmoid(x)`."""
        return functional.sigmoid(x)


class LogSigmoid(Module):
    """log(sigmoid(x)); see `functional.log_sigmoid`."""

    def forward(self, x: Any) -> Any:
        """Return `functional.log_sigmoid(x)`."""
        return functional.log_sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, x: Any) -> Any:
        """Return `np.tanh(x)`."""
        return np.tanh(x)


class Sine(Module):
    """sin(x), as in networks that represent signals (Sitzmann et al. 2020). PyTorch has no module for it."""

    def forward(self, x: Any) -> Any:
        """Return `np.sin(x)`."""
        return np.sin(x)


class Softplus(Module):
    """log(1 + exp(x)); see `functional.softplus`. Beyond 20, PyTorch returns x, which is 2e-9 less."""

    def forward(self, x: Any) -> Any:
        """Return `functional.softplus(x)`."""
        return functional.softplus(x)


class SiLU(Module):
    """x * sigmoid(x); see `functional.silu`."""

    def forward(self, x: Any) -> Any:
        """Return `functional.silu(x)`."""
        return functional.silu(x)


class Mish(Module):
    """x * tanh(softplus(x)); see `functional.mish`."""

    def forward(self, x: Any) -> Any:
        """Return `functional.mish(x)`."""
        return functional.mish(x)


class GELU(Module):
    """x times the normal distribution function of x, or its approximation by a tanh; see `functional.gelu`.

    >>> ad.GELU("tanh")
    GELU(approximate='tanh')
    """

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: approximate must be 'none' or 'tanh', found {approximate!r}")
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        """Return `functional.gelu(x, approximate)`."""
        return functional.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        """Return the approximation."""
        return f"approximate={self.approximate!r}"


# Along an axis


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

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"axis={self.axis}"


class LogSoftmax(Softmax):
    """The logarithms of probabilities along an axis, by default the last.

    >>> ad.LogSoftmax()(ad.Tensor([0.0, 0.0]))
    Tensor([-0.6931472, -0.6931472])
    """

    def forward(self, x: Any) -> Any:
        """Return `functional.log_softmax(x, axis)`."""
        return functional.log_softmax(x, axis=self.axis)
