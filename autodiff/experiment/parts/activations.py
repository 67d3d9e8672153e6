"""Activations: functions of an array, elementwise. What is here differs from the engine's in no more than names."""

from typing import Any, Literal

import autodiff as ad
from autodiff.experiment import register
from autodiff.experiment.parts.settings import NotNegative, Positive


@register.activation(title="ReLU", init="he")
def relu(x: Any) -> Any:
    """max(x, 0)."""
    return ad.functional.relu(x)


@register.activation(title="Sigmoid")
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return ad.functional.sigmoid(x)


@register.activation(title="Tanh")
def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return ad.functional.tanh(x)


@register.activation(title="Leaky ReLU", init="he")
def leaky_relu(x: Any, negative_slope: NotNegative = 0.01) -> Any:
    """x where it is positive, negative_slope * x elsewhere (Maas et al. 2013)."""
    return ad.functional.leaky_relu(x, negative_slope)


@register.activation(title="ELU", init="he")
def elu(x: Any, alpha: Positive = 1.0) -> Any:
    """x where it is positive, alpha * (exp(x) - 1) elsewhere (Clevert et al. 2016)."""
    return ad.functional.elu(x, alpha)


@register.activation(title="SELU")
def selu(x: Any) -> Any:
    """An elu, scaled so that it keeps mean 0 and variance 1 (Klambauer et al. 2017)."""
    return ad.functional.selu(x)


@register.activation(title="GELU", init="he")
def gelu(x: Any, approximate: Literal["none", "tanh"] = "none") -> Any:
    """x times the normal distribution function of x, or an approximation of it (Hendrycks & Gimpel 2016)."""
    return ad.functional.gelu(x, approximate)


@register.activation(title="SiLU", init="he")
def silu(x: Any) -> Any:
    """x * sigmoid(x) (Elfwing et al. 2018)."""
    return ad.functional.silu(x)


@register.activation(title="Softplus")
def softplus(x: Any) -> Any:
    """log(1 + exp(x))."""
    return ad.functional.softplus(x)


@register.activation(title="Hardtanh")
def hardtanh(x: Any, low: float = -1.0, high: float = 1.0) -> Any:
    """x, limited to the interval from low to high."""
    return ad.functional.hardtanh(x, low, high)


@register.activation(title="Mish", init="he")
def mish(x: Any) -> Any:
    """x * tanh(softplus(x)) (Misra 2019)."""
    return ad.functional.mish(x)


@register.activation(title="Identity")
def identity(x: Any) -> Any:
    """x itself: what a network without any other activation computes is linear."""
    return x


@register.activation(title="Sine")
def sine(x: Any, omega: Positive = 1.0) -> Any:
    """sin(omega * x) (Sitzmann et al. 2020)."""
    import numpy as np

    return np.sin(omega * x)
