"""The check of a program: the state before a step, put back for a replay, and what both left compared."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.capture.guard import Guard
from autodiff.capture.trace import Value, mapped
from autodiff.tensor import Tensor

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

    def contents(self) -> list[tuple[str, Any]]:
        """Return every value with its name."""
        arrays = {id(array): contents for _, array, contents in self.arrays}
        found = [(slot.name, arrays.get(id(value), value)) for slot, value in self.places]
        gradients = {id(tensor): contents for tensor, _, contents in self.grad_arrays}
        found += [(slot.name, gradients.get(id(tensor))) for slot, tensor in self.gradients]
        found += [(f"argument {i}", contents) for i, (_, contents) in enumerate(self.arguments)]
        return found


def put(array: NDArray[Any], contents: NDArray[Any]) -> None:
    """Write into an array, unless it holds that already: it may be one that cannot be written to."""
    if not np.array_equal(array, contents, equal_nan=array.dtype.kind == "f"):
        array[...] = contents


def difference_of(ordinary: tuple[Any, State], replayed: tuple[Any, State], exact: bool) -> str:
    """Return the first value that a replay did not leave as the ordinary run did, in words; nothing if they agree."""
    pairs = zip(ordinary[1].contents(), replayed[1].contents(), strict=True)
    found = [(what, expected, value) for (what, expected), (_, value) in pairs]
    results = [plain_leaves(ordinary[0]), plain_leaves(replayed[0])]
    if len(results[0]) != len(results[1]):
        return f"it returned {len(results[0])} values, and {len(results[1])} when it was recorded"
    found += [(f"result {i}", *pair) for i, pair in enumerate(zip(*results, strict=True))]
    for what, expected, value in found:
        if not agree(expected, value, exact):
            return f"{what} is {in_short(value)} and should be {in_short(expected)}"
    return ""


def plain_leaves(tree: Any) -> list[Any]:
    """Return the parts of what a step returned, Tensors as their arrays."""
    found: list[Any] = []
    mapped(tree, lambda part: found.append(part._data if isinstance(part, Tensor) else part))
    return found


def agree(expected: Any, value: Any, exact: bool) -> bool:
    """Return whether two values are the same, up to rounding where kernels may differ."""
    if isinstance(expected, np.ndarray | np.generic):
        left, right = np.asarray(expected), np.asarray(value)
        if (left.shape, left.dtype) != (right.shape, right.dtype):
            return False
        if exact or left.dtype.kind != "f":
            return np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
        finite = left[np.isfinite(left)]
        scale = np.max(np.absolute(finite)) if finite.size else 0.0
        tolerance = TOLERANCE.get(left.dtype.char, 1e-2)
        return np.allclose(left, right, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
    if isinstance(expected, float) and isinstance(value, float):
        return bool(np.isclose(expected, value, rtol=1e-12, atol=0, equal_nan=True))
    return type(expected) is type(value) and (expected is value or bool(expected == value))


def in_short(value: Any) -> str:
    """Return a value in a few characters."""
    if isinstance(value, Value):
        return f"an array of {value.shape}"
    text = np.array2string(np.asarray(value), precision=6, threshold=6, edgeitems=2) if value is not None else "None"
    return " ".join(text.split())
