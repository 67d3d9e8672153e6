"""One signature's life: a step that is recorded, checked, and then trusted and replayed."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from autodiff.compiler.compiler import compile_recording
from autodiff.compiler.passes.program import Program
from autodiff.compiler.record.agreement import check_nothing_hidden, difference
from autodiff.compiler.record.arguments import Arguments, Signature, objects_among
from autodiff.compiler.record.environment import Environment, Walk, explore, is_node, is_number
from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.kinds import PLAIN
from autodiff.compiler.record.recording import Recording, detached, record, words_for_writes
from autodiff.compiler.record.slot import Identity, Slot, present
from autodiff.compiler.record.trace import Function, Keywords, Positional
from autodiff.compiler.replay.check import Check
from autodiff.compiler.replay.code import Compiled
from autodiff.compiler.replay.guard import Guard
from autodiff.compiler.replay.schedule import Schedule
from autodiff.compiler.replay.undo import Undo

RECORDINGS = 4
"""Calls after which a step has to do the same as in the call before."""
CHECKS = 2
"""Replays that are compared with an ordinary run, before the program is trusted."""
LARGE = 32 * 1024**2
"""Bytes: a program with more memory than that gives it back while it is checked, lest both ways need theirs at once."""


class Fit(IntEnum):
    """Whether a call is of a kind: surely, or as the first recording of it left what it works on."""

    NO = 0
    PERHAPS = 1
    YES = 2


@dataclass
class Step:
    """What is captured, and what is known of it whatever it is called with.

    changing: the places of Python numbers that are not the same in every call. moving: those of arrays that are
    replaced again and again, which are read from there in each call.
    """

    function: Function
    name: str
    signature: Signature
    exact: bool
    check_every: int | None
    changing: set[Identity] = field(default_factory=set)
    moving: set[Identity] = field(default_factory=set)


class Specialization:
    """A function for calls of one kind: its recordings, its program, and the checks that it went through.

    A kind of call: arguments that are alike, the mode, and whatever the function reaches and cannot follow when it
    changes. compile_seconds: the time that compiling took.
    """

    def __init__(self, step: Step, arguments: Arguments, mode: tuple[Any, ...]) -> None:
        self.step = step
        self.arguments = arguments
        self.mode = mode
        self.compiles_exactly = step.exact  # also where fast kernels round too far away
        self.schedule: Schedule
        self.compile_seconds = 0.0
        self.recordings = 0
        self.environment = Environment()  # as it was when the latest recording began
        self.left: Environment | None = None  # as that recording left it; None if looking at it failed
        self.followed = 0  # how many numbers were known to change then
        self.arrays: dict[Identity, Any] = {}  # those that it left in their places
        self.replaced: set[Identity] = set()  # the places of arrays for which earlier programs for this were given up
        self.in_vain = 0  # of those programs, how many had read the arrays from their places, as far as that goes
        self.latest: Recording | None = None
        self.checks = 0
        self.is_compiled = False  # from then on there is what follows
        self.compiled: Compiled | None = None
        self.guard: Guard
        self.undo: Undo
        self.failure: str = ""
        self.is_ready = False  # for replays without a check
        self.contents: dict[int, tuple[Any, bytes]] = {}  # of the arrays it reads, a call before
        self.unsteady: set[int] = set()  # the ids of those that change from call to call

    @property
    def program(self) -> Program:
        """The compiled program."""
        return self.guard.program

    def run(self, args: Positional, keywords: Keywords, leaves: Sequence[Any]) -> Any:
        """Run the function while its program is not trusted, and record or check it."""
        if self.failure:
            raise CaptureError(f"{self.step.name} could not be captured: {self.failure}")
        if self.is_compiled:
            self.guard.check_shared_memory(leaves)
        try:
            return self.check_replay(args, keywords, leaves) if self.is_compiled else self.record(args, keywords)
        except CaptureError as error:
            self.failure, self.is_ready = str(error), False
            raise

    # Whether a call is of this kind, its arguments aside

    def fit(self) -> Fit:
        """Return whether all that the function reaches is as this has been recorded for."""
        if self.latest is not None and not self.latest.branches.hold():
            return Fit.NO
        if self.is_compiled:
            return Fit.YES if self.guard.unchanged() or not any(self.guard.changes()) else Fit.NO
        if self.left is None:
            return Fit.PERHAPS
        latest = self.latest
        if not is_changed(self.environment) and (latest is None or latest.begins_with_these()):
            return Fit.YES
        if is_changed(self.left) or (latest is not None and latest.has_switches()):
            return Fit.NO
        return Fit.PERHAPS if latest is None or latest.ends_with_these() else Fit.NO

    def replacements(self) -> list[Slot]:
        """Return the places of arrays that were replaced by others like them; nothing if something else is changed."""
        changes = list(self.guard.changes()) if self.is_compiled else []
        slots = [change.slot for change in changes if change.slot is not None and change.is_replaced]
        return slots if len(slots) == len(changes) else []

    def rests_on(self, numbers: set[Identity]) -> bool:
        """Return whether this is for one value of certain numbers."""
        return bool(numbers) and any(slot.identity in numbers for slot, _ in self.environment.fixed)

    def is_past(self) -> bool:
        """Return whether an object that the program rests on, and no plain value, has been replaced by another one."""
        objects = [(slot, one) for slot, one in self.guard.expected if not isinstance(one, PLAIN) and not is_node(slot)]
        return any(present(slot) is not one for slot, one in objects)

    def changes(self) -> list[str]:
        """Return in words what is not as this was recorded for."""
        if self.is_compiled:
            return [change.words for change in self.guard.changes()]
        branch = [self.latest.branches.change()] if self.latest is not None and not self.latest.branches.hold() else []
        return branch + [words for _, words in self.environment.changes()]

    # Recording

    def record(self, args: Positional, keywords: Keywords) -> Any:
        """Run the function and record it; compile it if it did the same as in the call before."""
        previous = earlier = self.latest
        if previous is not None:  # from outside, between the calls: from now on these are looked up in every call
            self.step.changing |= changed_numbers(previous.environment)
        if len(self.step.changing) > self.followed:  # then there are places that it did not know
            previous = None
        self.followed = len(self.step.changing)
        self.environment, self.left = Environment(), None
        objects = objects_among(self.arguments.names, args, keywords)
        self.environment = explore(self.step.function, self.step.changing, objects)
        self.note_unsteady(self.environment)
        others = any(slot.get() is not self.arrays.get(slot.identity) for slot in self.environment.arrays)
        try:
            self.latest = recording = record(self.step.function, args, keywords, self.step.changing)
        finally:
            self.left = Walk(self.step.function, self.step.changing, objects).found
            self.arrays = {slot.identity: slot.get() for slot in self.left.arrays}
        self.recordings += 1
        steady = not recording.changes and not recording.counters
        self.step.changing |= recording.counters
        again = earlier is not None and not {*recording.changes}.isdisjoint(earlier.changes)
        if again or (recording.changes and self.recordings >= RECORDINGS):
            raise CaptureError(
                f"{self.step.name} changes what a replay would leave as it is: {recording.changes[0]}; return it from "
                f"the function and change it outside{words_for_writes(recording.trace)}"
            )
        if previous is not None and steady:
            words = difference(previous, recording)
            if not words:
                check_nothing_hidden(previous, recording)
                self.compile()
            elif others:  # which may be parts of each other now, and were not
                self.recordings -= 1
            elif self.recordings >= RECORDINGS or previous.is_settled():
                wrote = words_for_writes(recording.trace)
                raise CaptureError(f"{self.step.name} did not do the same in two calls: {words}{wrote}")
        return recording.result

    def compile(self, why_exact: str = "") -> None:
        """Compile what was recorded: exactly, if there is a reason for that."""
        started = time.perf_counter()
        recording, unsteady = self.latest, frozenset(self.unsteady)
        assert recording is not None
        self.compiles_exactly |= bool(why_exact)
        try:
            program, self.compiled = compile_recording(recording, self.compiles_exactly, unsteady, self.step.moving)
        except CaptureError as error:
            if self.compiles_exactly:
                raise
            self.compile(str(error))
            return
        program.why_exact = why_exact
        self.guard = Guard(recording.environment, program, recording.branches)
        self.undo = Undo(recording.environment, program)
        self.compile_seconds = time.perf_counter() - started
        self.contents = {}
        self.is_compiled = True

    def note_unsteady(self, environment: Environment) -> None:
        """Note which of the arrays that the step reads have other contents than a call before."""
        contents = {id(slot.get()): (slot.get(), slot.get().tobytes()) for slot in environment.arrays}
        before = {key: contents for key, (_, contents) in self.contents.items()}
        self.unsteady |= {key for key, (_, now) in contents.items() if key in before and before[key] != now}
        self.contents = contents

    # Replaying

    def leaves_of(self, args: Positional, keywords: Keywords) -> Sequence[Any] | None:
        """Return the parts of arguments that a replay is given; None if they are not alike."""
        if self.arguments.inputs.are_like(args, keywords):
            return args
        return self.arguments.leaves_of(*self.step.signature.bind(args, keywords))

    def replay(self, args: Positional, keywords: Keywords, leaves: Sequence[Any]) -> Any:
        """Run the program of a call of this kind."""
        assert self.compiled is not None
        if leaves:
            self.guard.check_shared_memory(leaves)
        schedule = self.schedule
        schedule.replays += 1
        if schedule.replays >= schedule.due:
            started = time.perf_counter()
            result = self.run(args, keywords, leaves)
            schedule.checked(started, time.perf_counter())
            return result
        put_back = self.undo.save() if self.undo.is_needed else None
        try:
            return self.compiled.replay(leaves)
        except Exception as error:
            if not self.undo.foresees(error):
                error.add_note(f"in a replay of {self.step.name}; without capture, the same call may tell more")
                raise
            if put_back is not None:
                put_back()
            if isinstance(error, CaptureError):
                raise
        return detached(self.step.function(*args, **keywords))  # raises it, where it does

    def ready(self, args: Positional, look: bool) -> Sequence[Any] | None:
        """Return the parts of arguments that a replay is given; None if the step is no mere replay of the program.

        It is none, either, where an error would have to be undone. look: whether what the function reaches may have
        changed since the last replay.
        """
        if self.undo.is_needed or self.schedule.due - self.schedule.replays < 2 or not self.guard.stays:
            return None
        if self.guard.branches.branches:  # it may go another way at any step
            return None
        if look and not self.guard.unchanged():
            return None
        try:
            leaves = self.leaves_of(args, {})
            if leaves:
                self.guard.check_shared_memory(leaves)
        except (CaptureError, TypeError):  # which the step raises by itself
            return None
        return leaves

    def read_changed_arrays(self) -> None:
        """Compile once more if an array that was computed on once and for all has changed: it is read from now on."""
        if changed := self.guard.changed_arrays():
            self.unsteady |= {id(array) for array in changed}
            self.compile()

    def check_replay(self, args: Positional, keywords: Keywords, leaves: Sequence[Any]) -> Any:
        """Run the function as it is, then the program on the state of before, and compare what they did.

        A program that is trusted leaves and returns what any replay does; the ordinary run was but for comparison.
        """
        self.read_changed_arrays()
        large = self.program.peak_bytes > LARGE
        if large:
            self.compiled = None
        try:
            check = Check(lambda: self.step.function(*args, **keywords), self.guard, leaves)
        finally:
            if large:
                self.compile()
        assert self.compiled is not None
        trusted = self.is_ready
        try:
            words = check.difference(self.compiled.replay, self.program.exact)
            if words and not self.program.exact:  # perhaps the step makes much of rounding: then to the very bits
                self.compile(why_exact=words)
                words = check.difference(self.compiled.replay, True)
        except BaseException:
            check.after.restore()
            raise
        if words or not trusted:
            check.after.restore()
        if words:
            raise CaptureError(
                f"the program of {self.step.name} does not do what the function does: {words}. If the function reads "
                "something that changes from call to call, pass it as an argument; if not, this is a defect of capture"
            )
        if trusted:
            return check.replayed
        self.checks += 1
        if self.checks == CHECKS:
            self.schedule = Schedule(self.step.check_every, time.perf_counter())
            self.is_ready = True
        return detached(check.result)


def changed_numbers(environment: Environment) -> set[Identity]:
    """Return the places of Python numbers that are other numbers now, and of batches that are others like them."""
    numbers = {slot.identity for slot, before in environment.fixed if is_number(before)}
    changed = [slot for slot, _ in environment.changes() if slot is not None and is_number(present(slot))]
    return (numbers & {slot.identity for slot in changed}) | environment.replaced_batches()


def is_changed(environment: Environment) -> bool:
    """Return whether anything is other than it was, but for numbers."""
    numbers = changed_numbers(environment)
    return any(slot is None or slot.identity not in numbers for slot, _ in environment.changes())
