"""Finding where a NaN or an infinity comes from."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autodiff.call_errors import describe_call

PACKAGES = (str(Path(__file__).parent), str(Path(np.__file__).parent))


class AnomalyError(FloatingPointError):
    """An operation made a NaN or an infinity under `detect_anomaly`."""


class Finite:
    """Raises AnomalyError at the first result or gradient that is not finite: the watch of `detect_anomaly`."""

    def computed(self, name: str, arrays: Sequence[Any], out: Any) -> None:
        """Check what a function made."""
        check_finite(out[0] if isinstance(out, tuple) else out, describe_call(name, arrays), user_line())

    def made(self, node: Any, out: Any, arrays: Sequence[Any], keywords: Mapping[str, Any]) -> None:
        """Note the user's line for the backward pass."""
        node.line = user_line()

    def gradient(self, node: Any, argument: Any, gradient: Any) -> None:
        """Check the gradient for an argument."""
        values = gradient if isinstance(gradient, np.ndarray | np.generic) else gradient.data
        operation = f"the gradient of {node.function.name} for argument {argument!r}"
        check_finite(values, operation, node.line or "a line not recorded")


FINITE = Finite()


def check_finite(value: Any, operation: str, line: str) -> None:
    """Raise AnomalyError, naming the operation and the user's line, if a value is not finite everywhere."""
    array = np.asarray(value)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        found = "a NaN" if np.isnan(array).any() else "an infinity"
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise AnomalyError(f"{operation} made {found}, first at {where}; it was called at {line}")


def user_line() -> str:
    """Return the file and line, outside of this package and NumPy, that is running."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGES):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}, in {frame.f_code.co_name}"
