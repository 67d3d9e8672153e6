"""What layers say of inputs and settings that do not fit them."""

from typing import Any

import numpy as np

from autodiff.modules.module import Module


def check_size(kind: str, name: str, value: Any) -> int:
    """Return a number of features or the like as an int, or raise TypeError or ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{kind}: {name} must be an integer, found {value!r}")
    if value < 1:
        raise ValueError(f"{kind}: {name} must be 1 or more, found {value}")
    return int(value)


def check_shape(layer: Module, x: Any, allowed: str, fits: bool) -> None:
    """Raise ValueError, which names the layer, unless the shape of its input fits."""
    if not fits:
        raise ValueError(f"{layer!r} takes an input of shape {allowed}, found {np.shape(x)}")
