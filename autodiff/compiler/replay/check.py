"""The check of a program: the state before a step, put back for a replay, and what both left compared."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.record.trace import Value
from autodiff.compiler.replay.guard import Guard
from autodiff.tensor import Tensor
from autodiff.trees import flatten

TOLERANCE = {"f": 1e-3, "d": 1e-8}
"""How far fast kernels may round away from an ordinary run, relative to the largest element, by dtype."""


class State:
    """All that a step can change, copied: arrays, numbers, gradients, random generators and arguments."""

    def __init__(self, guard: Guard, leaves: list[Any]) -> None:
        self.places = [(held.slot, held.slot.get()) for held in guard.program.held]
        self.arrays = [(slot, array, array.copy()) for slot, array in self.places if isinstance(array, np.ndarray)]
        self.gradients = [(held.slot, held.slot.get()) for held in guard.program.gradients]
        self.grad_arrays = [
            (tensor, tensor._data, tensor._data.copy()) for _, tensor in self.gradients if tensor is not None
        ]
        self.generators = [
            (slot.get().bit_generator, slot.get().bit_generator.state) for slot in guard.environment.generators
        ]
        self.arguments = [(leaf, leaf.copy()) for leaf in leaves if isinstance(leaf, np.ndarray)]

    def restore(self) -> None:
        """Put everything back."""
        for slot, value in self.places:
            if slot.get() is not value:
                slot.set(value)
        for _, array, contents in self.arrays:
            put(array, contents)
        for slot, tensor in self.gradients:
            slot.set(tensor)
        for tensor, array, contents in self.grad_arrays:
            tensor._data = array
            put(array, contents)
        for generator, state in self.generators:
            generator.state = state
        for leaf, contents in self.arguments:
            put(leaf, contents)

    def contents(self) -> list[tuple[str, str, Any]]:
        """Return every value with its name and its group: what is compared by the size of the largest in it."""
        arrays = {id(array): contents for _, array, contents in self.arrays}
        found = [
            (slot.name, "parameters" if isinstance(slot.owner, Tensor) else "gradients", arrays.get(id(value), value))
            for slot, value in self.places
        ]
        gradients = {id(tensor): contents for tensor, _, contents in self.grad_arrays}
        found += [(slot.name, "gradients", gradients.get(id(tensor))) for slot, tensor in self.gradients]
        found += [(f"argument {i}", "", contents) for i, (_, contents) in enumerate(self.arguments)]
        return found + [("a random generator", "", str(state)) for _, state in self.generators]


def put(array: NDArray[Any], contents: NDArray[Any]) -> None:
    """Write into an array, unless it holds that already: it may be one that cannot be written to."""
    if not np.array_equal(array, contents, equal_nan=array.dtype.kind == "f"):
        array[...] = contents


def difference_of(ordinary: tuple[Any, State], replayed: tuple[Any, State], exact: bool) -> str:
    """Return the first value that a replay did not leave as the ordinary run did, in words; nothing if they agree.

    A gradient that ought to be 0 is noise, and so is what optimizers make of it. Gradients and the arrays beside them
    may be off by what is little for the largest of them, parameters by what is little for the largest parameter.
    """
    pairs = zip(ordinary[1].contents(), replayed[1].contents(), strict=True)
    found = [(what, group, expected, value) for (what, group, expected), (_, _, value) in pairs]
    results = [plain_leaves(ordinary[0]), plain_leaves(replayed[0])]
    if len(results[0]) != len(results[1]):
        return f"it returned {len(results[0])} values, and {len(results[1])} when it was recorded"
    found += [(f"result {i}", "", *pair) for i, pair in enumerate(zip(*results, strict=True))]
    largest = {"": 0.0, "gradients": 0.0, "parameters": 0.0}
    for what, group, expected, _ in found:
        if group == "parameters" or what.endswith(".grad"):
            largest[group] = max(largest[group], size_of(expected))
    noise = {"": 0.0, "gradients": 0.01 * largest["gradients"], "parameters": largest["parameters"]}
    for what, group, expected, value in found:
        if not agree(expected, value, exact, noise[group]):
            return f"{what} is {in_short(value)} and should be {in_short(expected)}"
    return ""


def size_of(value: Any) -> float:
    """Return the largest size of the finite elements of an array of numbers."""
    if not isinstance(value, np.ndarray | np.generic) or value.dtype.kind != "f":
        return 0.0
    sizes = np.absolute(value)
    return float(np.max(sizes, where=np.isfinite(sizes), initial=0.0))


def plain_leaves(tree: Any) -> list[Any]:
    """Return the parts of what a step returned, Tensors as their arrays."""
    return [leaf._data if isinstance(leaf, Tensor) else leaf for leaf in flatten(tree)]


def agree(expected: Any, value: Any, exact: bool, noise: float = 0.0) -> bool:
    """Return whether two values are the same, up to rounding where kernels may differ.

    noise: the size of numbers beside which those in an array may be nothing.
    """
    if isinstance(expected, np.ndarray | np.generic):
        left, right = np.asarray(expected), np.asarray(value)
        if (left.shape, left.dtype) != (right.shape, right.dtype):
            return False
        if exact or left.dtype.kind != "f":
            return np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
        tolerance = TOLERANCE.get(left.dtype.char, 1e-2)
        return np.allclose(left, right, tolerance, tolerance * max(size_of(left), noise), equal_nan=True)
    if isinstance(expected, float) and isinstance(value, float):
        return bool(np.isclose(expected, value, rtol=1e-12, atol=0, equal_nan=True))
    return type(expected) is type(value) and (expected is value or bool(expected == value))


def in_short(value: Any) -> str:
    """Return a value in a few characters."""
    if isinstance(value, Value):
        return f"an array of {value.shape}"
    text = np.array2string(np.asarray(value), precision=6, threshold=6, edgeitems=2) if value is not None else "None"
    return " ".join(text.split())
