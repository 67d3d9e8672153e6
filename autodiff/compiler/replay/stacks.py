"""Stacks: the results of many steps as one, in which arrays, Tensors and numbers have an axis of the steps in front."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.record.recording import TensorOutput
from autodiff.compiler.record.trace import Value
from autodiff.tensor import Tensor, wrap
from autodiff.trees import Tree, flatten, mapped, rebuild

STACKED = (Value, TensorOutput, Tensor, np.ndarray, np.generic, int, float, complex)
"""What of the results is stacked; anything else is of one step as of the other."""


class Stacks:
    """The results of steps of a program, which fills the rows of `arrays`. outputs: what it returns."""

    def __init__(self, outputs: Tree, count: int) -> None:
        self.outputs = outputs
        leaves = stacked_leaves(outputs)
        self.arrays = [np.empty((count, *of.shape), object if is_int(leaf) else of.dtype) for leaf, of in leaves]

    def results(self, count: int) -> Tree:
        """Return the results of the first steps."""
        arrays = iter(self.arrays)
        return stacked(self.outputs, lambda leaf: narrowed(next(arrays)[:count]))


def stacked_leaves(outputs: Tree) -> list[tuple[Any, Value | NDArray[Any]]]:
    """Return those parts of what a program returns that are stacked, each with what has its shape and dtype."""
    return [(leaf, like(leaf)) for leaf in flatten(outputs) if isinstance(leaf, STACKED)]


def is_int(leaf: Any) -> bool:
    """Return whether a result is an int of Python's, which may be beyond the 64 bits of NumPy's."""
    if isinstance(leaf, Value):
        return leaf.form == "number" and leaf.dtype.kind == "i"
    return type(leaf) is int


def narrowed(stack: NDArray[Any]) -> NDArray[Any]:
    """Return a stack of Python's ints as one of int64, if they all fit."""
    try:
        return stack.astype(np.int64) if stack.dtype == object else stack
    except OverflowError:
        return stack


def like(leaf: Any) -> Any:
    """Return what has the shape and dtype of a result."""
    if isinstance(leaf, Value | TensorOutput):
        return leaf.value if isinstance(leaf, TensorOutput) else leaf
    return leaf._data if isinstance(leaf, Tensor) else np.asarray(leaf)


def stacked(outputs: Tree, stack: Callable[[Any], NDArray[Any]]) -> Tree:
    """Return results with their stacks in place of what is stacked; those of Tensors are Tensors."""

    def change(leaf: Any) -> Any:
        if not isinstance(leaf, STACKED):
            return leaf
        return wrap(stack(leaf), None) if isinstance(leaf, Tensor | TensorOutput) else stack(leaf)

    return mapped(outputs, change)


def stack_of_one(result: Tree) -> Tree:
    """Return what one step returned as a stack."""
    return stacked(
        result, lambda leaf: narrowed(np.array([leaf], object)) if is_int(leaf) else np.array(like(leaf))[None]
    )


def joined(stacks: Sequence[Tree]) -> Tree:
    """Return stacks of some steps each as one. Raises ValueError if their arrays have not the same shape."""
    if len(stacks) == 1:
        return stacks[0]
    leaves = [flatten(stack) for stack in stacks]
    if len(lengths := {len(each) for each in leaves}) > 1:
        counts = " and ".join(map(str, sorted(lengths)))
        raise ValueError(f"the steps returned {counts} values, which are no stack")
    columns = zip(*leaves, strict=True)
    return rebuild(stacks[0], iter([join(i, column) for i, column in enumerate(columns)]))


def join(position: int, parts: Sequence[Any]) -> Any:
    """Return the stacks of one result as one."""
    if not any(isinstance(part, np.ndarray | Tensor) for part in parts):
        return parts[0]
    arrays = [part._data if isinstance(part, Tensor) else part for part in parts]
    kinds = {f"{array.shape[1:]}" if isinstance(array, np.ndarray) else repr(array) for array in arrays}
    if len(kinds) > 1:
        raise ValueError(
            f"result {position} of the steps is no stack: it is {' and '.join(sorted(kinds))}; have the step return "
            "what has one shape, or call it once for each batch"
        )
    array = np.concatenate(arrays)
    return wrap(array, None) if isinstance(parts[0], Tensor) else array


def ends_finite(leaf: Any) -> bool:
    """Return whether a stack of numbers does not end with one that is not finite."""
    array = leaf._data if isinstance(leaf, Tensor) else leaf
    is_numbers = isinstance(array, np.ndarray) and array.ndim == 1 and array.dtype.kind == "f"
    return not is_numbers or bool(np.isfinite(array[-1]))
