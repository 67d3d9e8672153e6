"""One signature's life: a step that is recorded, checked, and then trusted and replayed."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.compiler.compiler import compile_recording
from autodiff.compiler.passes.program import Program
from autodiff.compiler.record.agreement import check_nothing_hidden, difference
from autodiff.compiler.record.arguments import (
    Inputs,
    Signature,
    check_alike,
    check_layout,
    describe,
    is_input,
    layout_of,
    named_arguments,
    structure_of,
)
from autodiff.compiler.record.environment import Environment, explore
from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.recording import Recording, detached, record
from autodiff.compiler.record.slot import GONE, Slot
from autodiff.compiler.replay.check import Check
from autodiff.compiler.replay.code import Compiled
from autodiff.compiler.replay.guard import Guard
from autodiff.compiler.replay.schedule import Schedule
from autodiff.compiler.replay.undo import Undo
from autodiff.tensor import Tensor

RECORDINGS = 4
"""Calls after which a step has to do the same as in the call before."""
CHECKS = 2
"""Replays that are compared with an ordinary run, before the program is trusted."""
LARGE = 32 * 1024**2
"""Bytes: a program with more memory than that gives it back while it is checked, lest both ways need theirs at once."""


class Specialization:
    """A function for arguments of one kind: its recordings, its program, and the checks that it went through.

    compile_seconds: the time that compiling took.
    """

    def __init__(
        self, function: Callable[..., Any], name: str, signature: Signature, exact: bool, check_every: int | None
    ) -> None:
        self.function = function
        self.name = name
        self.signature = signature
        self.exact = exact
        self.compiles_exactly = exact  # also where fast kernels round too far away
        self.check_every = check_every
        self.schedule: Schedule
        self.compile_seconds = 0.0
        self.arguments: Any = None  # what they have to be like
        self.inputs: Inputs
        self.recordings = 0
        self.latest: Recording | None = None
        self.changing: set[tuple[int, Any]] = set()
        self.checks = 0
        self.compiled: Compiled | None = None
        self.guard: Guard | None = None
        self.undo: Undo
        self.failure: str = ""
        self.contents: dict[int, tuple[Any, bytes]] = {}  # of the arrays it reads, a call before
        self.unsteady: set[int] = set()  # the ids of those that change from call to call

    @property
    def program(self) -> Program:
        """The compiled program. Raises CaptureError before there is one."""
        if self.guard is None:
            raise CaptureError(f"{self.name} is not compiled yet: call it until it is, three times or four")
        return self.guard.program

    @property
    def is_trusted(self) -> bool:
        """Whether the program has been through its checks."""
        return self.checks == CHECKS

    def run(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Run the function while its program is not trusted, and record or check it."""
        positional, named = self.signature.bind(args, keywords)
        try:
            leaves = self.check_arguments(positional, named)
            if self.compiled is not None:
                return self.check_replay(positional, named, leaves)
            return self.record(positional, named)
        except CaptureError as error:
            self.failure = str(error)
            raise

    # Recording

    def record(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Run the function and record it; compile it if it did the same as in the call before."""
        previous = self.latest
        changed = [] if previous is None else [slot for slot, _ in previous.environment.changes() if is_number(slot)]
        if changed:  # from outside, between the calls: from now on these are looked up in every call
            self.changing |= {slot.identity for slot in changed if slot is not None}
            previous = None
        self.note_unsteady(explore(self.function, self.changing))
        self.latest = recording = record(self.function, args, keywords, self.changing)
        self.recordings += 1
        steady = not recording.changes and not recording.counters
        self.changing |= recording.counters
        if recording.changes and self.recordings > 1:
            raise CaptureError(
                f"{self.name} changes what a replay would leave as it is: {recording.changes[0]}; return it from "
                "the function and change it outside"
            )
        if previous is not None and steady:
            words = difference(previous, recording)
            if not words:
                check_nothing_hidden(previous, recording)
                self.compile(recording)
            elif self.recordings >= RECORDINGS or previous.is_settled():
                raise CaptureError(f"{self.name} did not do the same in two calls: {words}")
        return recording.result

    def compile(self, recording: Recording) -> None:
        """Compile what was recorded."""
        started = time.perf_counter()
        unsteady = frozenset(self.unsteady)
        try:
            program, self.compiled = compile_recording(recording, self.compiles_exactly, unsteady)
        except CaptureError as error:
            if self.compiles_exactly:
                raise
            self.compiles_exactly = True
            program, self.compiled = compile_recording(recording, True, unsteady)
            program.why_exact = str(error)
        self.guard = Guard(recording.environment, program)
        self.undo = Undo(recording.environment, program)
        self.compile_seconds = time.perf_counter() - started
        self.contents = {}

    def note_unsteady(self, environment: Environment) -> None:
        """Note which of the arrays that the step reads have other contents than a call before."""
        contents = {id(slot.get()): (slot.get(), slot.get().tobytes()) for slot in environment.arrays}
        for key, (_, now) in contents.items():
            if key in self.contents and self.contents[key][1] != now:
                self.unsteady.add(key)
        self.contents = contents

    # Replaying

    def check_arguments(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> list[Any]:
        """Return the parts of the arguments that are inputs, checked against those of the first call."""
        structure = structure_of((args, keywords))
        leaves = named_arguments(self.signature.names, args, keywords)
        if self.arguments is None:
            self.arguments = structure, [describe(leaf) for _, leaf in leaves], [layout_of(leaf) for _, leaf in leaves]
            self.inputs = Inputs(args, keywords, self.exact)
        before, described, layouts = self.arguments
        if len(leaves) == len(described):
            for (name, leaf), was in zip(leaves, described, strict=True):
                check_alike(f"{self.name}: the argument {name}", was, leaf)
        if len(leaves) != len(described) or structure != before:
            raise CaptureError(
                f"{self.name} was recorded with arguments {before[0]}, and is now called with {structure[0]}"
            )
        for (name, leaf), layout in zip(leaves, layouts if self.exact else [], strict=self.exact):
            check_layout(f"{self.name}: the argument {name}", layout, leaf)
        return [leaf._data if isinstance(leaf, Tensor) else leaf for _, leaf in leaves if is_input(leaf)]

    def replay(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Run the program."""
        assert self.compiled is not None
        assert self.guard is not None
        if not self.guard.unchanged():
            self.guard.check()
            if self.guard.changed_arrays():
                self.compile_anew()
        leaves = self.leaves_of(args, keywords)
        schedule = self.schedule
        schedule.replays += 1
        if schedule.replays >= schedule.due:
            started = time.perf_counter()
            result = self.check_replay(*self.signature.bind(args, keywords), leaves)
            schedule.checked(started, time.perf_counter())
            return result
        put_back = self.undo.save() if self.undo.is_needed else None
        try:
            return self.compiled.replay(leaves)
        except Exception as error:
            if not self.undo.foresees(error):
                error.add_note(f"in a replay of {self.name}; without capture, the same call may tell more")
                raise
            if put_back is not None:
                put_back()
            if isinstance(error, CaptureError):
                raise
        return detached(self.function(*args, **keywords))  # raises it, where it does

    def leaves_of(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> Sequence[Any]:
        """Return the parts of the arguments that a replay is given. Raises CaptureError for what it cannot take."""
        assert self.guard is not None
        leaves: Sequence[Any] = args
        if not self.inputs.are_like(args, keywords):
            leaves = self.check_arguments(*self.signature.bind(args, keywords))
        if leaves:
            self.guard.check_shared_memory(leaves)
        return leaves

    def ready(self, args: tuple[Any, ...], look: bool) -> Sequence[Any] | None:
        """Return the parts of arguments that a replay is given, if all it takes is a replay; see `Replayed`."""
        assert self.guard is not None
        if self.undo.is_needed or self.schedule.due - self.schedule.replays < 2:
            return None
        if look and not self.guard.unchanged():
            return None
        try:
            return self.leaves_of(args, {})
        except (CaptureError, TypeError):  # which the step raises by itself
            return None

    def compile_anew(self) -> None:
        """Compile once more, for an array that was computed on once and for all has changed: it is read from now on."""
        assert self.latest is not None
        assert self.guard is not None
        self.unsteady |= {id(array) for array, contents, _ in self.guard.program.watched if array.tobytes() != contents}
        self.compile(self.latest)

    def check_replay(self, args: tuple[Any, ...], keywords: dict[str, Any], leaves: Sequence[Any]) -> Any:
        """Run the function as it is, then the program on the state of before, and compare what they did.

        A program that is trusted leaves and returns what any replay does; the ordinary run was but for comparison.
        """
        assert self.guard is not None
        assert self.latest is not None
        self.guard.check()
        self.guard.check_shared_memory(leaves)
        if self.guard.changed_arrays():
            self.compile_anew()
        large = self.program.peak_bytes > LARGE
        if large:
            self.compiled = None
        check = Check(lambda: self.function(*args, **keywords), self.guard, leaves)
        if large:
            self.compile(self.latest)
        assert self.compiled is not None
        trusted = self.checks == CHECKS
        try:
            words = check.difference(self.compiled.replay, self.program.exact)
            if words and not self.program.exact:  # perhaps the step makes much of rounding: then to the very bits
                self.compiles_exactly = True
                self.compile(self.latest)
                self.program.why_exact = words
                words = check.difference(self.compiled.replay, True)
        except BaseException:
            check.after.restore()
            raise
        if words or not trusted:
            check.after.restore()
        if words:
            self.failure = (
                f"the program of {self.name} does not do what the function does: {words}. If the function reads "
                "something that changes from call to call, pass it as an argument; if not, this is a defect of capture"
            )
            raise CaptureError(self.failure)
        if trusted:
            return check.replayed
        self.checks += 1
        if self.checks == CHECKS:
            self.schedule = Schedule(self.check_every, time.perf_counter())
        return detached(check.result)


def is_number(slot: Slot | None) -> bool:
    """Return whether a place holds a Python number now."""
    try:
        value = None if slot is None else slot.get()
    except GONE:
        return False
    return isinstance(value, int | float) and not isinstance(value, bool | np.generic)
