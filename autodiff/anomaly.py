"""Finding where a NaN or an infinity comes from."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = (str(Path(__file__).parent), str(Path(np.__file__).parent))


class AnomalyError(FloatingPointError):
    """An operation made a NaN or an infinity under `detect_anomaly`."""


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
