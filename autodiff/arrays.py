"""NumPy arrays of what users pass in and of what functions return."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

DEFAULT_FLOAT = np.dtype(np.float32)

# Once so much was freed, glibc keeps freed arrays of up to this size for the next ones. Else it returns the memory of
# larger activations to the system at every step, and clearing it anew takes longer than computing them.
np.empty(16 * 2**20, np.uint8)


def as_array(value: Any) -> Any:
    """Return an array as it is, NumPy's scalars as 0-d arrays. Raises TypeError for masked arrays."""
    if type(value) is np.ndarray:
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError("masked arrays do not work on tensors; fill them, or choose with np.where")
    if isinstance(value, np.ndarray):
        return value
    is_recorded = isinstance(value, np.generic) and not issubclass(type(value), np.generic)  # it stands for a number
    return value[...] if is_recorded else np.array(value)  # type: ignore[index,unused-ignore]  # as NumPy 2.4 has it


def to_array(data: Any, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """Return a copy of the data as an array: arrays keep their dtype, Python numbers become float32."""
    if dtype is None:
        array = np.copy(data)
    else:
        array = np.copy(data).astype(dtype) if isinstance(data, np.ndarray) else np.array(data, dtype)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"a tensor holds real numbers or booleans, found {array.dtype} ({type(data).__name__})")
    if dtype is None and not isinstance(data, np.ndarray | np.generic) and array.dtype != bool:
        array = array.astype(DEFAULT_FLOAT)
    return array
