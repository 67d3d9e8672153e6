"""What an error says of a call: the function, its arguments, and what to do about them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def describe_call(name: str, arrays: Sequence[Any]) -> str:
    """Return a function and its arguments in a few words."""
    return f"{name} of {', '.join(describe(array) for array in arrays)}" if arrays else name


def describe(value: Any) -> str:
    """Return an argument in a few words."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    text = repr(value)
    return text if len(text) < 40 else type(value).__name__


def advice(forward: Callable[..., Any]) -> str:
    """Return what to do about arguments that do not fit."""
    if forward is np.matmul:
        return (
            "; the last axis of the first must be as long as the last but one of the second: transpose one, as in b.T"
        )
    if isinstance(forward, np.ufunc) and forward.nin > 1:
        return (
            "; axes, counted from the last, must be as long as each other or 1: np.reshape or t[:, None] can align them"
        )
    return ""
