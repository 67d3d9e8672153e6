"""Schedules: the learning rate at each step. With `warmup`, it first rises in a straight line for so many steps."""

from typing import Annotated, Any

from pydantic import Field

import autodiff as ad
from autodiff.experiment import register
from autodiff.experiment.parts.settings import NotNegative, Positive

Steps = Annotated[int, Field(ge=1, description="a whole number of steps, 1 or more")]
Warmup = Annotated[int, Field(ge=0, description="a whole number of steps, 0 or more")]


@register.schedule
def cosine(
    optimizer: Any, total: int, steps: Steps | None = None, minimum: NotNegative = 0.0, warmup: Warmup = 0
) -> Any:
    """Half a cosine, down to `minimum` in `steps` steps, by default those of the run (Loshchilov & Hutter 2017)."""
    return ad.CosineAnnealingLR(optimizer, steps or max(total - warmup, 1), minimum, warmup)


@register.schedule
def step(optimizer: Any, total: int, step_size: Steps, gamma: Positive = 0.1, warmup: Warmup = 0) -> Any:
    """Times gamma after every `step_size` steps."""
    return ad.StepLR(optimizer, step_size, gamma, warmup)


@register.schedule
def exponential(optimizer: Any, total: int, gamma: Positive, warmup: Warmup = 0) -> Any:
    """Times gamma after every step."""
    return ad.ExponentialLR(optimizer, gamma, warmup)


@register.schedule
def linear(
    optimizer: Any,
    total: int,
    start_factor: Positive = 1.0,
    end_factor: NotNegative = 0.0,
    steps: Steps | None = None,
    warmup: Warmup = 0,
) -> Any:
    """A straight line between two multiples of the learning rate, in `steps` steps, by default those of the run."""
    return ad.LinearLR(optimizer, start_factor, end_factor, steps or max(total - warmup, 1), warmup)
