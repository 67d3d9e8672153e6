"""What the settings of optimizers may be."""

from typing import Any

import numpy as np


def positive(name: str, value: float) -> float:
    """Return the value, or raise ValueError unless it is a finite number above 0."""
    check_number(name, value)
    if not 0 < value < np.inf:
        raise ValueError(f"{name} must be a finite number above 0, found {value}")
    return value


def at_least_zero(name: str, value: float) -> float:
    """Return the value, or raise ValueError unless it is a finite number of 0 or more."""
    check_number(name, value)
    if not 0 <= value < np.inf:
        raise ValueError(f"{name} must be a finite number, 0 or more, found {value}")
    return value


def check_number(name: str, value: Any) -> None:
    """Raise TypeError for what is no number."""
    if not isinstance(value, int | float | np.number):
        raise TypeError(f"{name} must be a number, found {value!r}")


def fraction(name: str, value: float) -> float:
    """Return the value, or raise ValueError unless it is a number from 0 to below 1."""
    check_number(name, value)
    if not 0 <= value < 1:
        raise ValueError(f"{name} must be a number from 0 to below 1, found {value}")
    return value


def two_fractions(name: str, values: tuple[float, float]) -> tuple[float, float]:
    """Return the values, or raise ValueError unless they are two numbers from 0 to below 1."""
    if not isinstance(values, tuple | list) or len(values) != 2 or not all(0 <= value < 1 for value in values):
        raise ValueError(f"{name} must be two numbers from 0 to below 1, found {values}")
    return values
