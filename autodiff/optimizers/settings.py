"""What the settings of optimizers may be."""

from typing import Any

import numpy as np


def positive(name: str, value: float) -> float:
    """Return the value, or raise ValueError unless it is a finite number above 0."""
    check_number(name, value)
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a finite number above 0, found {value}")
    return value


def at_least_zero(name: str, value: float) -> float:
    """Return the value, or raise ValueError unless it is a finite number of 0 or more."""
    check_number(name, value)
    if not (np.isfinite(value) and value >= 0):
        raise ValueError(f"{name} must be a finite number, 0 or more, found {value}")
    return value


def check_number(name: str, value: Any) -> None:
    """Raise TypeError for what is no number."""
    if not isinstance(value, int | float | np.number):
        raise TypeError(f"{name} must be a number, found {value!r}")
