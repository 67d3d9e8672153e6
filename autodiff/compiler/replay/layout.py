"""The layout: the array of every Value of a program, and of every view of one, made once for all steps."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.passes.arrays import aligned, aligned_block, view_at
from autodiff.compiler.passes.blocks import Entry, Loop
from autodiff.compiler.passes.program import Program
from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.recorder import name_of
from autodiff.compiler.record.trace import Call, Value
from autodiff.compiler.replay.memory import calls_in_order, lasting_storages, lay_out
from autodiff.trees import mapped


class Layout:
    """Knows the array of every Value.

    slices: of the Values that are a part of another in each block of a loop, that part in every block.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.arrays: dict[Value, NDArray[Any]] = {}
        self.slices: dict[Value, list[NDArray[Any]]] = {}
        self.allocate()
        for call in program.calls:
            if call.is_view:
                self.open_view(call)
            elif isinstance(call.function, Loop):
                self.open_loop(call.function)

    def __getitem__(self, value: Value) -> NDArray[Any]:
        """Return the array of a Value."""
        if value not in self.arrays:
            if value.array is None:
                raise CaptureError(f"an array of {value.dtype} {value.shape} is read before it is made")
            self.arrays[value] = value.array
        return self.arrays[value]

    def allocate(self) -> None:
        """Give every Value that is made its array: a view of the block that they share, or memory of its own."""
        program = self.program
        offsets, lasting = lay_out(program), lasting_storages(program)
        block = aligned_block(program.peak_bytes)
        before = [held.before for held in [*program.held, *program.gradients] if isinstance(held.before, Value)]
        for value in [*program.inputs, *before]:
            if value.form != "number" and value.array is None and value not in self.arrays:
                self.arrays[value] = aligned(value)
        for call in calls_in_order(program):
            for value in call.results:
                if value.form == "number" or value in self.arrays or value.array is not None:
                    continue
                if value.storage in lasting:
                    self.arrays[value] = aligned(value)
                elif value.storage in offsets:
                    self.arrays[value] = view_at(block, offsets[value.storage], value)

    def argument(self, part: Any) -> Any:
        """Return an argument with arrays for Values."""
        return self[part] if isinstance(part, Value) else part

    def open_view(self, call: Call) -> None:
        """Make the views of arrays that a call returned, once and for all."""
        if all(value in self.arrays for value in call.results):
            return
        shown = call.function(*mapped(call.args, self.argument), **mapped(call.keywords, self.argument))
        operands = [self[one] for one in call.operands()]
        for value, view in zip(call.results, shown if isinstance(shown, tuple | list) else [shown], strict=True):
            if not any(np.may_share_memory(view, operand) for operand in operands) and view.size:
                raise CaptureError(
                    f"{name_of(call.function)} at {call.origin.line} made a copy where it had made a view"
                )
            self.arrays[value] = view

    # Loops over blocks of samples

    def open_loop(self, loop: Loop) -> None:
        """Cut the arrays that the blocks of a loop read and leave, and open the views of its body."""
        for entry in loop.sliced:
            self.slices[entry.part] = self.cut(entry, loop)
            self.arrays[entry.part] = self.slices[entry.part][0]
        made = {value for call in loop.body.calls if not call.is_view for value in call.results}
        for entry, part in loop.gathered_parts():
            slices = self.cut(entry, loop)
            if part in made and part not in self.slices and slices[0].flags.c_contiguous:  # computed in its place
                self.slices[part], self.arrays[part] = slices, slices[0]
                loop.views.append(part)
            else:
                self.slices[entry.whole] = slices
        for call in loop.body.calls:
            if call.is_view and call.args[0] in self.slices:
                (part,) = call.results
                self.slices[part] = [call.function(each, *call.args[1:]) for each in self.slices[call.args[0]]]
                self.arrays[part] = self.slices[part][0]
                loop.views.append(part)
            elif call.is_view:
                self.open_view(call)

    def cut(self, entry: Entry, loop: Loop) -> list[NDArray[Any]]:
        """Return the part of an array in each block; of constants as arrays of their own, which are read faster."""
        whole = np.moveaxis(self[entry.whole], entry.axis, 0)
        blocks = whole.reshape(loop.count, loop.length, *whole.shape[1:])
        parts = [np.moveaxis(block, 0, entry.axis) for block in blocks]
        if entry.whole.storage.kind == "constant":
            return [np.ascontiguousarray(part) for part in parts]
        return parts
