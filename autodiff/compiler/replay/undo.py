"""Errors in a replay: what it has changed by then is put back, so that the function may run instead and raise them."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.passes.blocks import Loop
from autodiff.compiler.passes.lower import assign, fill
from autodiff.compiler.passes.program import Program
from autodiff.compiler.record.environment import Environment
from autodiff.compiler.record.slot import Slot
from autodiff.compiler.record.trace import Call, Value
from autodiff.compiler.replay.memory import calls_in_order, lasting_storages

SAFE: set[Callable[..., Any]] = {
    assign, fill, np.copyto, np.dot, np.concatenate, np.stack, np.argmax, np.argmin, np.count_nonzero, np.copy,
    np.ndarray.take,
    operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.neg, pow, abs,
}  # fmt: skip
"""Functions that raise nothing on the arrays of shapes and dtypes that they were recorded with; ufuncs are too."""


class Snapshot:
    """Copies of arrays, and the states of generators, as they are now."""

    def __init__(self, arrays: list[NDArray[Any]], generators: list[Slot]) -> None:
        self.copies = [(array, array.copy()) for array in arrays]
        bit_generators = [slot.get().bit_generator for slot in generators]
        self.generators = [(generator, generator.state) for generator in bit_generators]

    def restore(self) -> None:
        """Put everything back."""
        for array, contents in self.copies:
            if array.flags.writeable or not np.array_equal(array, contents, equal_nan=array.dtype.kind == "f"):
                array[...] = contents  # unless it cannot be written to and holds that already
        for generator, state in self.generators:
            generator.state = state


class Undo:
    """Puts back what a replay writes before the last of its calls that can raise: most have nothing of the kind."""

    def __init__(self, environment: Environment, program: Program) -> None:
        calls = calls_in_order(program)
        last = max((i for i, call in enumerate(calls) if can_raise(call, program)), default=-1)
        before = calls[: last + 1]
        written = {value.storage for call in before for value in call.written}
        written |= {value.storage for call in before for value in call.results} & lasting_storages(program)
        values = [held.before for held in program.held if isinstance(held.before, Value)]
        self.arrays = [one.array for one in values if one.array is not None and one.storage in written]
        self.gradients = [
            held.slot for held in program.gradients if isinstance(held.after, Value) and held.after.storage in written
        ]
        self.generators = environment.generators if any(call.draws for call in before) else []
        self.floating = any("raise" in (call.errstate or program.errstate) for call in calls)
        self.is_needed = bool(self.arrays or self.gradients or self.generators)

    def save(self) -> Callable[[], None]:
        """Return a function that puts back what is there now."""
        tensors = [slot.get() for slot in self.gradients]
        arrays: list[NDArray[Any]] = [*self.arrays, *(tensor._data for tensor in tensors if tensor is not None)]
        return Snapshot(arrays, self.generators).restore

    def foresees(self, error: Exception) -> bool:
        """Return whether an error comes from one of the calls that can raise one."""
        if isinstance(error, FloatingPointError):
            return self.floating
        return not isinstance(error, MemoryError | Warning)


def can_raise(call: Call, program: Program) -> bool:
    """Return whether a call may raise an error for what is in its arrays."""
    if isinstance(call.function, Loop):
        return False  # its calls are looked at
    of_ufunc = getattr(call.function, "__self__", call.function)
    if isinstance(of_ufunc, np.ufunc) and getattr(call.function, "__name__", "") != "at":
        return "raise" in (call.errstate or program.errstate)
    if call.function in (operator.getitem, operator.setitem) or call.draws:
        return any(isinstance(part, Value) for part in [*call.args[1:2], *call.keywords.values()])
    return call.function not in SAFE
