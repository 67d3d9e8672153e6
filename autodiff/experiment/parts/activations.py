"""Activations: functions of an array, elementwise. What is here differs from the engine's in no more than names."""

from typing import Any

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
