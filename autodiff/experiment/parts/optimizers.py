"""Optimizers. What they take besides are the config's own fields `learning_rate`, `momentum` and `weight_decay`."""

from typing import Any

import autodiff as ad
from autodiff.experiment import register
from autodiff.experiment.parts.settings import BelowOne, NotNegative, Positive


@register.optimizer(title="SGD")
def sgd(
    parameters: Any,
    learning_rate: float,
    momentum: BelowOne = 0.0,
    weight_decay: NotNegative = 0.0,
    nesterov: bool = False,
) -> Any:
    """Stochastic gradient descent, with momentum (Sutskever et al. 2013)."""
    return ad.SGD(parameters, learning_rate, momentum, nesterov, weight_decay)


@register.optimizer(title="Adam")
def adam(
    parameters: Any,
    learning_rate: float,
    weight_decay: NotNegative = 0.0,
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
    weight_decay: NotNegative = 0.0,
    beta1: BelowOne = 0.9,
    beta2: BelowOne = 0.999,
    epsilon: Positive = 1e-8,
) -> Any:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""
    return ad.AdamW(parameters, learning_rate, (beta1, beta2), epsilon, weight_decay)


@register.optimizer(title="NAdam")
def nadam(
    parameters: Any,
    learning_rate: float,
    weight_decay: NotNegative = 0.0,
    beta1: BelowOne = 0.9,
    beta2: BelowOne = 0.999,
    epsilon: Positive = 1e-8,
    momentum_decay: NotNegative = 0.004,
) -> Any:
    """Adam with Nesterov's momentum (Dozat 2016)."""
    return ad.NAdam(parameters, learning_rate, (beta1, beta2), epsilon, weight_decay, momentum_decay)


@register.optimizer(title="RMSprop")
def rmsprop(
    parameters: Any,
    learning_rate: float,
    momentum: BelowOne = 0.0,
    weight_decay: NotNegative = 0.0,
    alpha: BelowOne = 0.99,
    epsilon: Positive = 1e-8,
    centered: bool = False,
) -> Any:
    """Steps over the root of a running mean of the squared gradient, with momentum (Hinton 2012, Graves 2013)."""
    return ad.RMSprop(parameters, learning_rate, alpha, epsilon, weight_decay, momentum, centered)


@register.optimizer(title="Adagrad")
def adagrad(
    parameters: Any,
    learning_rate: float,
    weight_decay: NotNegative = 0.0,
    learning_rate_decay: NotNegative = 0.0,
    initial_accumulator_value: NotNegative = 0.0,
    epsilon: Positive = 1e-10,
) -> Any:
    """Steps over the root of the sum of all squared gradients (Duchi et al. 2011)."""
    return ad.Adagrad(parameters, learning_rate, learning_rate_decay, weight_decay, initial_accumulator_value, epsilon)


@register.optimizer(title="Lion")
def lion(
    parameters: Any,
    learning_rate: float,
    weight_decay: NotNegative = 0.0,
    beta1: BelowOne = 0.9,
    beta2: BelowOne = 0.99,
) -> Any:
    """The sign of an average of the gradient and its running mean (Chen et al. 2023)."""
    return ad.Lion(parameters, learning_rate, (beta1, beta2), weight_decay)
