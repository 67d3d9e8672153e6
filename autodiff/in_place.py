"""Operators that write into a Tensor, `t += v`, and when a write is refused."""

from typing import Any

import numpy as np

from autodiff.modes import modes
from autodiff.registry import functions
from autodiff.saved import hand_out
from autodiff.views import NUMBER, Window, rebind, write

SYMBOLS = {
    np.add: "+",
    np.subtract: "-",
    np.multiply: "*",
    np.divide: "/",
    np.floor_divide: "//",
    np.remainder: "%",
    np.power: "**",
    np.matmul: "@",
    np.bitwise_and: "&",
    np.bitwise_or: "|",
}
"""The operators that have a form that writes in place."""


def operate_in_place(tensor: Window, function: np.ufunc, other: Any) -> None:
    """Write `function(tensor, other)` into the tensor; `other` is an array where nothing is recorded.

    Raises TypeError for a result of a shape or dtype that the tensor cannot hold.
    """
    symbol, recorded = SYMBOLS[function], modes.get().grad_enabled
    if recorded:
        check_writable(tensor, f"t {symbol}= v", f"t = t {symbol} v")
    is_alone = tensor.memory is None or tensor.memory is NUMBER
    if is_alone and not recorded:
        function(hand_out(tensor._data), other, out=tensor._data)
        return
    result = functions[function](tensor, other)
    if result.shape != tensor.shape or not np.can_cast(result.dtype, tensor.dtype, "same_kind"):
        raise TypeError(
            f"t {symbol}= v cannot write {result.dtype} {result.shape} into a tensor of {tensor.dtype} "
            f"{tensor.shape}; write t = t {symbol} v"
        )
    result = result if result.dtype == tensor.dtype else result.astype(tensor.dtype)
    if is_alone:
        rebind(tensor, result)
    else:
        write(tensor, ..., result if recorded else result._data)


def check_writable(tensor: Window, statement: str, instead: str) -> None:
    """Raise RuntimeError for a write into a leaf that requires a gradient, if it would be recorded."""
    if tensor.node is not None and tensor.node.function is None and modes.get().grad_enabled:
        raise RuntimeError(
            f"{statement} on a leaf that requires a gradient would make it something else than the leaf; write "
            f"{instead} for a new tensor, or change the leaf's values under ad.no_grad()"
        )
