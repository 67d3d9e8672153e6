"""Which arrays share memory, and who else may write into it.

NumPy tells views from the arrays that own their memory by `base`. Of memory that is borrowed, from a buffer or another
library, only the addresses tell.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def is_borrowed(owner: NDArray[Any]) -> bool:
    """Return whether an array that is no view has its memory from something that is no array."""
    return owner.base is not None


def share_memory(left: NDArray[Any], right: NDArray[Any]) -> bool:
    """Return whether two arrays that own their memory, or have borrowed it, have any in common."""
    return left is right or ((is_borrowed(left) or is_borrowed(right)) and np.may_share_memory(left, right))


def can_change(array: NDArray[Any]) -> bool:
    """Return whether anybody can write into an array's memory, be it by this array or another one."""
    while not array.flags.writeable:
        if array.base is None or isinstance(array.base, bytes):
            return False
        if not isinstance(array.base, np.ndarray):
            return True
        array = array.base
    return True
