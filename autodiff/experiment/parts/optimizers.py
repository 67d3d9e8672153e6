"""Optimizers. What they take besides are the config's own fields `learning_rate`, `momentum` and `weight_decay`."""

from typing import Any

import autodiff as ad
from autodiff.experiment import register
from autodiff.experiment.parts.settings import BelowOne, Positive


@register.optimizer(title="SGD")
def sgd(
    parameters: Any, learning_rate: float, momentum: BelowOne = 0.0, weight_decay: float = 0.0, nesterov: bool = False
) -> Any:
    """Stochastic gradient descent, with momentum (Sutskever et al. 2013)."""
    return ad.SGD(parameters, learning_rate, momentum, nesterov, weight_decay)


@register.optimizer(title="Adam")
def adam(
    parameters: Any,
    learning_rate: float,
    weight_decay: float = 0.0,
    beta1: BelowOne = 0.9,
    beta2: BelowOne = 0.999,
    epsilon: Positive = 1e-8,
) -> Any:
    """Adam (Kingma & Ba 2015)."""
    return ad.Adam(parameters, learning_rate, (beta1, beta2), epsilon, weight_decay)


@register.optimizer(title="AdamW")
def adamw(
    parameters: Any,
    learning_rate: float,
    weight_decay: float = 0.0,
    beta1: BelowOne = 0.9,
    beta2: BelowOne = 0.999,
    epsilon: Positive = 1e-8,
) -> Any:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""
    return ad.AdamW(parameters, learning_rate, (beta1, beta2), epsilon, weight_decay)
