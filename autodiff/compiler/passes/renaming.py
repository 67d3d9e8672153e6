"""A pass that gives a new name to an array each time it is changed in place, so that the others need not look for that.

The memory that this would cost is won back when memory is laid out: results take the places of what they replace.
"""

from collections import defaultdict
from typing import Any

import numpy as np

from autodiff.compiler.passes.program import Program
from autodiff.compiler.record.recording import TensorOutput
from autodiff.compiler.record.trace import Call, Storage, Value
from autodiff.trees import mapped


def rename_changed(program: Program) -> None:
    """Let `x op= y` on an intermediate array make a new one, which all later calls read."""
    Renaming(program).run()


class Renaming:
    """Knows the present name of every array, and opens views anew on what they are views of now."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.present: dict[Value, Value] = {}
        self.originals: dict[Value, Value] = {}  # the first name of every array that has another one now
        self.opened: dict[Value, Call] = {}  # the views that are open
        self.views: dict[Storage, list[Value]] = defaultdict(list)  # those that are on a memory
        self.stale: set[Value] = set()  # the views to open anew before they are read
        self.shown: set[Storage] = set()  # memory with several views opened by one call, which keeps its name
        self.calls: list[Call] = []

    def run(self) -> None:
        """Rename in all calls and at the end."""
        for call in self.program.calls:
            call.args, call.keywords = mapped(call.args, self.now), mapped(call.keywords, self.now)
            call.written = tuple(self.now(target) for target in call.written)
            if call.is_view and len(call.results) == 1:
                self.open(call)
            elif call.is_view:
                self.shown.update(value.storage for value in call.results)
            elif is_in_place(call) and call.args[0].storage.kind == "made" and self.is_whole(call.args[0]):
                self.rename(call)
            self.calls.append(call)
        held = [*self.program.held, *self.program.gradients]
        for one in held:
            one.after = self.now(one.after)
        self.program.outputs = mapped(self.program.outputs, self.now)
        for entry in self.program.appended:
            entry.part = mapped(entry.part, self.now)
        self.program.calls = self.calls

    def now(self, part: Any) -> Any:
        """Return the present name of a Value, opening a view anew where it has to be."""
        if isinstance(part, TensorOutput):
            return TensorOutput(self.now(part.value))
        if not isinstance(part, Value):
            return part
        if part in self.stale:
            self.stale.discard(part)
            call = self.opened[part]
            value = self.present.get(part, part)
            again = Value(value.storage, value.form, value.shape, value.dtype, value.strides)
            args = mapped(call.args, self.now)
            again.storage = args[0].storage
            self.calls.append(Call(call.function, args, call.keywords, [again], is_view=True, origin=call.origin))
            self.bind(part, again)
            self.views[again.storage].append(part)
        return self.present.get(part, part)

    def bind(self, original: Value, name: Value) -> None:
        """Let an array have another name from now on."""
        self.present[original], self.originals[name] = name, original

    def open(self, call: Call) -> None:
        """Note a view, which is of the memory of its argument as that is named now."""
        (value,) = call.results
        source = call.args[0]
        if value is source or not isinstance(source, Value):
            return
        value.storage = source.storage
        args = self.originals.get(source, source), *call.args[1:]
        self.opened[value] = Call(call.function, args, call.keywords, [value], is_view=True)
        self.views[value.storage].append(value)

    def is_whole(self, value: Value) -> bool:
        """Return whether a value is an array as it was made, not a view of one."""
        return value.storage not in self.shown and self.originals.get(value, value) not in self.opened

    def rename(self, call: Call) -> None:
        """Let a call that changes an array make a new one."""
        before = call.args[0]
        after = Value(Storage("made"), before.form, before.shape, before.dtype, before.strides)
        self.bind(self.originals.get(before, before), after)
        call.keywords, call.written, call.results = {}, (), [after]
        self.stale.update(self.views[before.storage])


def is_in_place(call: Call) -> bool:
    """Return whether a call is a ufunc that writes its result over its first argument."""
    if not isinstance(call.function, np.ufunc) or call.keywords.keys() != {"out"} or call.results:
        return False
    target = call.keywords["out"]
    if not isinstance(target, Value) or call.args[:1] != (target,) or target.form != "array":
        return False
    kinds = [kind_of(arg) for arg in call.args]
    if any(kind is None for kind in kinds):
        return False
    return bool(call.function.resolve_dtypes((*kinds, None))[-1] == target.dtype)  # or else it would also convert


def kind_of(arg: Any) -> Any:
    """Return what decides the dtype of a result: an array's dtype, or the type of a number, which yields to it."""
    if isinstance(arg, Value):
        return arg.dtype if arg.form != "number" else {"f": float, "i": int, "b": bool}.get(arg.dtype.kind)
    return type(arg) if type(arg) in (int, float) else None
