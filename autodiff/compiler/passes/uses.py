"""Who makes, reads and writes each array of a program; what the passes ask before they change a call."""

import operator
from collections import defaultdict
from typing import Any

import numpy as np

from autodiff.compiler.passes.arrays import aligned
from autodiff.compiler.passes.program import Program
from autodiff.compiler.record.trace import Call, Storage, Value, values_in


class Uses:
    """The calls of a program by the memory that they make, read and write into. Views count as their memory."""

    def __init__(self, program: Program) -> None:
        self.makers: dict[Storage, Call] = {}
        self.readers: dict[Storage, list[Call]] = defaultdict(list)
        self.writers: dict[Storage, list[Call]] = defaultdict(list)
        self.views: dict[Value, Call] = {}
        self.places = {call: i for i, call in enumerate(call for call in program.calls if not call.is_view)}
        self.at_end = {value.storage for value in program.ends()}
        for call in program.calls:
            if call.is_view:
                self.views.setdefault(call.results[0], call)
                continue
            for value in call.results:
                self.makers.setdefault(value.storage, call)
            for target in call.written:
                self.writers[target.storage].append(call)
            for storage in dict.fromkeys(value.storage for value in read_by(call)):
                self.readers[storage].append(call)

    def made_once(self, value: Any) -> Call | None:
        """Return the call that made an array that nobody writes into later; None if there is no such call."""
        if not isinstance(value, Value) or value.storage.kind != "made" or self.writers[value.storage]:
            return None
        return self.makers.get(value.storage)

    def made_for(self, value: Any, reader: Call) -> Call | None:
        """Return the call that made an array for one reader alone; None if there is no such call."""
        maker = self.made_once(value)
        if maker is None or value.storage in self.at_end or value is not maker.results[0]:
            return None
        return maker if self.readers[value.storage] == [reader] else None

    def is_next(self, first: Call, second: Call) -> bool:
        """Return whether a call follows another at once, views aside."""
        return self.places[second] == self.places[first] + 1

    def base(self, value: Value, *functions: Any) -> Value:
        """Return the array that a value is a view of, through views made by these functions alone."""
        while value in self.views and self.views[value].function in functions:
            value = self.views[value].args[0]
        return value


def read_by(call: Call) -> list[Value]:
    """Return the Values whose contents a call reads: not one that it merely writes its result to."""
    keywords = {key: arg for key, arg in call.keywords.items() if key != "out"}
    args = call.args[1:] if call.function in (operator.setitem, np.copyto) else call.args
    return [*values_in(args), *values_in(keywords)]


def is_contiguous(value: Value) -> bool:
    """Return whether an array lies in memory in the order of its elements."""
    expected = value.dtype.itemsize
    for length, stride in zip(reversed(value.shape), reversed(value.strides), strict=True):
        if length > 1 and stride != expected:
            return False
        expected *= length
    return True


def view(function: Any, *args: Any) -> tuple[Call, Value]:
    """Return the call that opens a view of an array, its first argument, and the Value of the view."""
    source = args[0]
    shown = function(dummy(source), *args[1:])
    value = Value(source.storage, "array", shown.shape, shown.dtype, shown.strides)
    return Call(function, args, {}, [value], is_view=True), value


def dummy(value: Value) -> Any:
    """Return an array of a Value's shape and strides that takes no memory to speak of."""
    return np.lib.stride_tricks.as_strided(np.empty(1, value.dtype), value.shape, value.strides, writeable=False)


def made_array(array: Any) -> Value:
    """Return the Value of an array that the program keeps from step to step: a copy in aligned memory."""
    value = Value(Storage("constant"), "array", array.shape, array.dtype, array.strides)
    value.array = aligned(value)
    value.strides = value.array.strides
    value.array[...] = array
    return value


def kept_array(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Value:
    """Return the Value of an array in memory of the program's own that each step writes into; ones to begin with."""
    value = made_array(np.ones(shape, dtype))
    value.storage.kind = "kept"
    return value
