"""The compiler: from a recorded step to a program that runs."""

from collections import defaultdict
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

import numpy as np

from autodiff.compiler.passes.blocks import Loop, cut_into_blocks
from autodiff.compiler.passes.kernels import choose_by_bits, fill_extrema, scatter_by_constant, take_by_constant
from autodiff.compiler.passes.lower import lower
from autodiff.compiler.passes.parts import place_parts, separate_gradients, update_parts
from autodiff.compiler.passes.products import fold_bias, store_few_columns, transpose_outputs
from autodiff.compiler.passes.program import Pass, Program
from autodiff.compiler.passes.renaming import rename_changed
from autodiff.compiler.passes.scalars import compute_with_scalars
from autodiff.compiler.passes.simplify import drop_dead_calls, drop_needless_views, fold_constants
from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.recording import Held, Recording, TensorOutput
from autodiff.compiler.record.slot import Identity
from autodiff.compiler.record.trace import Call, Storage, Value
from autodiff.compiler.replay.code import Compiled, generate
from autodiff.saved import owner_of
from autodiff.trees import mapped

SIMPLIFY: tuple[Pass, ...] = (
    drop_dead_calls,
    rename_changed,
    fold_constants,
    drop_needless_views,
    lower,
    fold_constants,
    drop_dead_calls,
    scatter_by_constant,
    take_by_constant,
)
ROUNDING: tuple[Pass, ...] = (fold_bias, drop_dead_calls, cut_into_blocks)
"""Passes after which the program rounds differently, as are these: left out of exact programs."""
ROUNDING_IN_BLOCKS: tuple[Pass, ...] = (transpose_outputs, store_few_columns, compute_with_scalars)
KERNELS: tuple[Pass, ...] = (fill_extrema, choose_by_bits, update_parts, place_parts, drop_dead_calls)


def compile_recording(
    recording: Recording,
    exact: bool,
    unsteady: AbstractSet[int] = frozenset(),
    moving: AbstractSet[Identity] = frozenset(),
) -> tuple[Program, Compiled]:
    """Return the program of a recorded step, and the function that runs it; see `program_of`."""
    program = program_of(recording, exact, unsteady, moving)
    for change in SIMPLIFY if exact else (*SIMPLIFY, *ROUNDING):
        change(program)
    for part in parts_of(program):
        for change in KERNELS if exact else (*ROUNDING_IN_BLOCKS, *KERNELS):
            change(part)
    separate_gradients(program)
    return program, generate(program)


def parts_of(program: Program) -> Iterator[Program]:
    """Yield a program and the bodies of its loops."""
    yield from (call.function.body for call in program.calls if isinstance(call.function, Loop))
    yield program


# From the recording to a program


def program_of(
    recording: Recording,
    exact: bool,
    unsteady: AbstractSet[int] = frozenset(),
    moving: AbstractSet[Identity] = frozenset(),
) -> Program:
    """Return the program that does what was recorded, call by call.

    unsteady: the ids of arrays that are known to change between the calls, so that they are read in every step.
    moving: the places whose array is replaced from outside again and again, so that it is copied in.
    """
    copies = Copies()
    calls = [copies.of_call(call) for call in recording.trace.calls]
    held = [Held(one.slot, copies.of(one.before), copies.of(one.after)) for one in recording.held]
    gradients = [Held(one.slot, copies.of(one.before), copies.of(one.after)) for one in recording.gradients]
    inputs, outputs = [copies.of(value) for value in recording.trace.inputs], mapped(recording.trace.outputs, copies.of)
    program = Program(inputs, calls, held, gradients, outputs, recording.errstate, exact)
    program.appended = [replace(one, part=mapped(one.part, copies.of)) for one in recording.trace.appended]
    places = Places([*held, *gradients], {value.storage for call in calls for value in call.written})
    read = {value.storage for call in calls for value in call.operands()} | {value.storage for value in program.ends()}
    given = [*gradients, *(one for one in held if one.after is not one.before)]
    looked_at = {id(owner) for owner, *_ in recording.watched}  # which decided a shape or a branch
    for one in given:
        places.check_alone(one, read)
        if is_part(one.before, looked_at):
            raise CaptureError(
                f"the step takes a branch or a shape from {one.slot.name}, and gives it another array; decide outside, "
                "and pass what is decided as an argument, as a bool or an int"
            )
    moved = [one for one in held if one.slot.identity in moving and not places.stays(one, exact)]
    moved = [one for one in moved if not is_part(one.before, looked_at)]
    for one in given + moved:  # whose array is another one in every step, and is copied in
        if isinstance(one.before, Value) and one.before.form != "number":
            one.before.array, one.before.storage.kind = None, "input"
    program.unsteady = {value.storage for value in copies.values.values() if id(value.array) in unsteady}
    return program


def is_part(value: Any, owners: set[int]) -> bool:
    """Return whether an array has its memory from one of those with these ids."""
    return isinstance(value, Value) and value.array is not None and id(owner_of(value.array)) in owners


class Places:
    """Places of arrays, and which of them share memory."""

    def __init__(self, places: list[Held], written: set[Storage]) -> None:
        self.written = written
        self.holders: dict[Storage, list[Held]] = defaultdict(list)
        for one in places:
            if isinstance(one.before, Value):
                self.holders[one.before.storage].append(one)

    def sharing(self, one: Held) -> list[Held]:
        """Return the other places that share a place's memory; the gradients of a program are parts of one array."""
        value = one.before
        if not isinstance(value, Value):
            return []
        others = [other for other in self.holders[value.storage] if other is not one]
        return [one for one in others if one.before is value or np.may_share_memory(one.before.array, value.array)]

    def check_alone(self, one: Held, read: set[Storage]) -> None:
        """Raise CaptureError if the step gives a place another array, and reads the memory of the present one, which
        another place shares.
        """
        others = self.sharing(one)
        if others and one.before.storage in read:
            raise CaptureError(
                f"{one.slot.name} is given another array in every step, and shares the memory of the present one with "
                f"{others[0].slot.name}; write into it in place, with t.data[...] = values"
            )

    def stays(self, one: Held, exact: bool) -> bool:
        """Return whether an array has to be the very one: it is in another place too, or shares memory that is written.

        Of an exact program also if a copy of it would lie otherwise in memory.
        """
        if not isinstance(one.before, Value) or one.before.array is None:
            return True
        written = one.before.storage in self.written
        shared = any(written or other.before is one.before for other in self.sharing(one))
        return shared or (exact and not one.before.array.flags.c_contiguous)


class Copies:
    """Copies of what was recorded, which passes may change."""

    def __init__(self) -> None:
        self.values: dict[Value, Value] = {}
        self.storages: dict[Storage, Storage] = {}

    def of(self, part: Any) -> Any:
        """Return the copy of a Value, the same one each time; anything else as it is."""
        if isinstance(part, TensorOutput):
            return TensorOutput(self.of(part.value))
        if not isinstance(part, Value):
            return part
        if part not in self.values:
            storage = self.storages.setdefault(part.storage, Storage(part.storage.kind, part.storage.name))
            self.values[part] = replace(part, storage=storage)
        return self.values[part]

    def of_call(self, call: Call) -> Call:
        """Return the copy of a call."""
        return replace(
            call,
            args=mapped(call.args, self.of),
            keywords=mapped(call.keywords, self.of),
            results=[self.of(value) for value in call.results],
            written=tuple(self.of(value) for value in call.written),
        )
