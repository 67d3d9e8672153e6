"""Schedules: what the learning rate is at which step."""

import math
from collections.abc import Mapping
from typing import Any

from autodiff.optimizers.optimizer import Optimizer
from autodiff.optimizers.settings import at_least_zero, positive


class Schedule:
    """Sets the learning rates of an optimizer by those that it had and the steps taken.

    Call `step()` after each `optimizer.step()`. For the first `warmup` steps the rates rise in a straight line, from
    1 / warmup of where the schedule begins; only then the schedule's own steps count.
    """

    def __init__(self, optimizer: Optimizer, warmup: int = 0) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a schedule takes an optimizer, found a {type(optimizer).__name__}")
        self.optimizer = optimizer
        self.warmup = whole("warmup", warmup, 0)
        self.learning_rates = [member.learning_rate for member in optimizer.members]
        self.steps = 0
        self.apply()

    def rate(self, start: float, step: int) -> float:
        """Return what a learning rate of `start` is after `step` steps of the schedule's own."""
        raise NotImplementedError

    def step(self) -> None:
        """Count a step, and set the learning rates of the next."""
        self.steps += 1
        self.apply()

    def apply(self) -> None:
        """Set the learning rates of the present step."""
        share = min((self.steps + 1) / self.warmup, 1.0) if self.warmup else 1.0
        step = max(self.steps - self.warmup, 0)
        for member, start in zip(self.optimizer.members, self.learning_rates, strict=True):
            member.learning_rate = share * self.rate(start, step)

    def state_dict(self) -> dict[str, Any]:
        """Return the steps taken and the learning rates that the optimizer had."""
        return {"steps": self.steps, "learning_rates": list(self.learning_rates)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set what `state_dict` returned. Raises ValueError if it is of another number of parameter groups."""
        if len(state["learning_rates"]) != len(self.learning_rates):
            raise ValueError(
                f"the state has {len(state['learning_rates'])} learning rates for {len(self.learning_rates)} groups"
            )
        self.steps, self.learning_rates = state["steps"], list(state["learning_rates"])
        self.apply()


class CosineAnnealingLR(Schedule):
    """Half a cosine, from the learning rate down to `minimum` (Loshchilov & Hutter 2017, equation 5).

    rate = minimum + (start - minimum) * (1 + cos(pi * step / steps)) / 2, and `minimum` from then on; so far as
    torch.optim.lr_scheduler.CosineAnnealingLR, which comes up again.

    >>> optimizer = ad.SGD([ad.Parameter(1.0)], learning_rate=0.5)
    >>> schedule = ad.CosineAnnealingLR(optimizer, steps=2)
    >>> for _ in range(2):
    ...     schedule.step()
    ...     print(round(optimizer.learning_rate, 3))
    0.25
    0.0
    """

    def __init__(self, optimizer: Optimizer, steps: int, minimum: float = 0.0, warmup: int = 0) -> None:
        self.length = whole("steps", steps, 1)
        self.minimum = at_least_zero("minimum", minimum)
        super().__init__(optimizer, warmup)

    def rate(self, start: float, step: int) -> float:
        """Return what a learning rate of `start` is after `step` steps."""
        share = min(step / self.length, 1.0)
        return self.minimum + (start - self.minimum) * (1 + math.cos(math.pi * share)) / 2


class StepLR(Schedule):
    """The learning rate times `gamma` after every `step_size` steps (as torch.optim.lr_scheduler.StepLR).

    >>> optimizer = ad.SGD([ad.Parameter(1.0)], learning_rate=0.5)
    >>> schedule = ad.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(3):
    ...     schedule.step()
    >>> optimizer.learning_rate
    0.25
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, warmup: int = 0) -> None:
        self.step_size = whole("step_size", step_size, 1)
        self.gamma = positive("gamma", gamma)
        super().__init__(optimizer, warmup)

    def rate(self, start: float, step: int) -> float:
        """Return what a learning rate of `start` is after `step` steps."""
        return start * self.gamma ** (step // self.step_size)


class ExponentialLR(Schedule):
    """The learning rate times `gamma` after every step (as torch.optim.lr_scheduler.ExponentialLR).

    >>> optimizer = ad.SGD([ad.Parameter(1.0)], learning_rate=0.5)
    >>> schedule = ad.ExponentialLR(optimizer, gamma=0.5)
    >>> schedule.step()
    >>> optimizer.learning_rate
    0.25
    """

    def __init__(self, optimizer: Optimizer, gamma: float, warmup: int = 0) -> None:
        self.gamma = positive("gamma", gamma)
        super().__init__(optimizer, warmup)

    def rate(self, start: float, step: int) -> float:
        """Return what a learning rate of `start` is after `step` steps."""
        return start * self.gamma**step


class LinearLR(Schedule):
    """A straight line from `start_factor` to `end_factor` times the learning rate, in `total_iters` steps.

    It stays at the end from then on (as torch.optim.lr_scheduler.LinearLR).

    >>> optimizer = ad.SGD([ad.Parameter(1.0)], learning_rate=0.5)
    >>> schedule = ad.LinearLR(optimizer, start_factor=1.0, end_factor=0.0, total_iters=4)
    >>> schedule.step()
    >>> optimizer.learning_rate
    0.375
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        warmup: int = 0,
    ) -> None:
        self.start_factor = at_least_zero("start_factor", start_factor)
        self.end_factor = at_least_zero("end_factor", end_factor)
        self.total_iters = whole("total_iters", total_iters, 1)
        super().__init__(optimizer, warmup)

    def rate(self, start: float, step: int) -> float:
        """Return what a learning rate of `start` is after `step` steps."""
        share = min(step / self.total_iters, 1.0)
        return start * (self.start_factor + (self.end_factor - self.start_factor) * share)


def whole(name: str, value: int, least: int) -> int:
    """Return the value, or raise TypeError or ValueError unless it is a whole number of at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, found {value!r}")
    if value < least:
        raise ValueError(f"{name} must be {least} or more, found {value}")
    return value
