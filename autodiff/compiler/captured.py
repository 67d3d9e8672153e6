"""capture: a function that is recorded for its first calls, and from then on replayed as a compiled program."""

import functools
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, ParamSpec, TypeVar

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
from autodiff.compiler.record.places import Opaque
from autodiff.compiler.record.recorder import Recorder, active
from autodiff.compiler.record.recording import Recording, detached, record
from autodiff.compiler.record.slot import GONE, Slot
from autodiff.compiler.replay.check import Check
from autodiff.compiler.replay.code import Compiled
from autodiff.compiler.replay.guard import Guard
from autodiff.compiler.replay.schedule import Schedule
from autodiff.compiler.replay.undo import Undo
from autodiff.modes import modes
from autodiff.tensor import Tensor

P = ParamSpec("P")
R = TypeVar("R")

RECORDINGS = 4
"""Calls after which a step has to do the same as in the call before."""
CHECKS = 2
"""Replays that are compared with an ordinary run, before the program is trusted."""
LARGE = 32 * 1024**2
"""Bytes: a program with more memory than that gives it back while it is checked, lest both ways need theirs at once."""


def capture(function: Callable[P, R], exact: bool = False, check_every: int | None = None) -> "Captured[P, R]":
    """Return a function that does what `function` does, several times faster from about the fifth call on.

    function: a training step, or any function of arrays and Tensors. It may change parameters, gradients, optimizers
        and other arrays that it reaches; they are changed in place as it does. What it returns is safe to keep, and
        Tensors among it do not require a gradient.
    exact: compute the very bits of an ordinary run, without faster kernels that round differently.
    check_every: of how many later calls one is run both ways too, after the 8th, 16th, 32nd, ...; 0 for none. By
        default one in 1000, or fewer where that takes more than 0.5 % of the time.

    The first calls run as they are, and every NumPy call in them is recorded. Once two calls have done the same, the
    recorded calls are compiled; the next two calls run both ways and compare, as some do later on. Arrays and floats
    given as arguments, an optimizer's learning rate and the draws of a np.random.Generator may differ in each call.

    A gradient is that of the latest step, in the same memory as before: `parameter.grad` has to be copied to be kept.

    Raises CaptureError, naming the line, for what a replay could not follow: Python branches on values, `float(t)`,
    `t.item()` and `np.asarray(t)`, other shapes or dtypes, and changes of anything that the function reaches.

    >>> w = ad.Parameter([1.0, 2.0])
    >>> optimizer = ad.SGD([w], learning_rate=0.25)
    >>> @ad.capture
    ... def step():
    ...     loss = np.sum(w * w)
    ...     optimizer.zero_grad()
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss
    >>> [step().item() for _ in range(6)]
    [5.0, 1.25, 0.3125, 0.078125, 0.01953125, 0.0048828125]
    """
    return Captured(function, exact, check_every)


class Captured(Opaque, Generic[P, R]):
    """A captured function. `program` is what it runs, once it does: print it to read it.

    compile_seconds: the time that compiling took.
    """

    def __init__(self, function: Callable[P, R], exact: bool, check_every: int | None) -> None:
        if not callable(function):
            raise TypeError(f"capture takes a function, found {function!r}")
        if check_every is not None and check_every < 0:
            raise ValueError(f"check_every is a number of calls, or 0 for no checks, found {check_every}")
        functools.update_wrapper(self, function)
        self.__name__: str = getattr(function, "__name__", type(function).__name__)
        self.function = function
        self.exact = exact
        self.compiles_exactly = exact  # also where fast kernels round too far away
        self.check_every = check_every
        self.schedule: Schedule
        self.signature = Signature(function)
        self.compile_seconds = 0.0
        self.mode: tuple[Any, ...] | None = None  # that of the first call, and its thread
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
            raise CaptureError(f"{self.__name__} is not compiled yet: call it until it is, three times or four")
        return self.guard.program

    def __reduce__(self) -> Any:
        """Return how to make a copy, which is not compiled; a function that a module has by its name is not copied."""
        if getattr(sys.modules.get(self.__module__), self.__name__, None) is self:
            return self.__name__
        return capture, (self.function, self.exact, self.check_every)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is not None:
            raise CaptureError(
                f"{self.__name__} was captured in the class, for all its instances; capture the method of each one "
                f"instead: self.{self.__name__} = ad.capture(self.{self.__name__})"
            )
        return self

    def __call__(self, *args: P.args, **keywords: P.kwargs) -> R:
        """Run the function, or the program that was made of it."""
        mode = (*modes.get()[:3], threading.get_ident(), active.recorder)
        if mode != self.mode or self.failure:
            self.check_call(*mode)
        if self.checks == CHECKS:
            return self.replay(args, keywords)
        positional, named = self.signature.bind(args, keywords)
        try:
            leaves = self.check_arguments(positional, named)
            if self.compiled is not None:
                return self.check_replay(positional, named, leaves)
            return self.record(positional, named)
        except CaptureError as error:
            self.failure = str(error)
            raise

    def check_call(
        self, grad_enabled: bool, watch: object, transforms: int, thread: int, recorder: Recorder | None
    ) -> None:
        """Raise CaptureError for a call in another thread, in another mode, or within another captured function."""
        if self.failure:
            raise CaptureError(f"{self.__name__} could not be captured: {self.failure}")
        if recorder is not None:
            raise CaptureError(
                f"{self.__name__} is captured itself, and was called within a captured function; capture the outer "
                "one alone"
            )
        if self.mode is not None and thread != self.mode[3]:
            raise CaptureError(
                f"{self.__name__} was recorded in another thread; its arrays are those of one run at a time, so "
                "capture the function in each thread"
            )
        if transforms:
            raise CaptureError(
                f"{self.__name__} is captured and cannot be differentiated; capture the function that calls ad.grad"
            )
        if watch is not None:
            raise CaptureError(
                f"{self.__name__} cannot be captured under detect_anomaly or ad.draw, which look at every value; give "
                "them the function itself"
            )
        if self.mode is not None:
            before, now = ("with gradients" if on else "under no_grad" for on in (self.mode[0], grad_enabled))
            raise CaptureError(
                f"{self.__name__} was recorded {before}, and is now called {now}; capture the function once more"
            )
        self.mode = grad_enabled, watch, transforms, thread, recorder

    # Recording

    def record(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> R:
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
                f"{self.__name__} changes what a replay would leave as it is: {recording.changes[0]}; return it from "
                "the function and change it outside"
            )
        if previous is not None and steady:
            words = difference(previous, recording)
            if not words:
                check_nothing_hidden(previous, recording)
                self.compile(recording)
            elif self.recordings >= RECORDINGS or previous.is_settled():
                raise CaptureError(f"{self.__name__} did not do the same in two calls: {words}")
        return recording.result  # type: ignore[no-any-return]

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
                check_alike(f"{self.__name__}: the argument {name}", was, leaf)
        if len(leaves) != len(described) or structure != before:
            raise CaptureError(
                f"{self.__name__} was recorded with arguments {before[0]}, and is now called with {structure[0]}"
            )
        for (name, leaf), layout in zip(leaves, layouts if self.exact else [], strict=self.exact):
            check_layout(f"{self.__name__}: the argument {name}", layout, leaf)
        return [leaf._data if isinstance(leaf, Tensor) else leaf for _, leaf in leaves if is_input(leaf)]

    def replay(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> R:
        """Run the program."""
        assert self.compiled is not None
        assert self.guard is not None
        if not self.guard.unchanged():
            self.guard.check()
            if self.guard.changed_arrays():
                self.compile_anew()
        leaves: Sequence[Any] = args
        if not self.inputs.are_like(args, keywords):
            leaves = self.check_arguments(*self.signature.bind(args, keywords))
        if leaves:
            self.guard.check_shared_memory(leaves)
        schedule = self.schedule
        schedule.replays += 1
        if schedule.replays == schedule.due:
            started = time.perf_counter()
            result = self.check_replay(*self.signature.bind(args, keywords), leaves)
            schedule.checked(started, time.perf_counter())
            return result
        put_back = self.undo.save() if self.undo.is_needed else None
        try:
            return self.compiled.replay(leaves)  # type: ignore[no-any-return]
        except Exception as error:
            if not self.undo.foresees(error):
                error.add_note(f"in a replay of {self.__name__}; without capture, the same call may tell more")
                raise
            if put_back is not None:
                put_back()
            if isinstance(error, CaptureError):
                raise
        return detached(self.function(*args, **keywords))  # type: ignore[no-any-return]  # raises it, where it does

    def compile_anew(self) -> None:
        """Compile once more, for an array that was computed on once and for all has changed: it is read from now on."""
        assert self.latest is not None
        assert self.guard is not None
        self.unsteady |= {id(array) for array, contents, _ in self.guard.program.watched if array.tobytes() != contents}
        self.compile(self.latest)

    def check_replay(self, args: tuple[Any, ...], keywords: dict[str, Any], leaves: Sequence[Any]) -> R:
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
                f"the program of {self.__name__} does not do what the function does: {words}. If the function reads "
                "something that changes from call to call, pass it as an argument; if not, this is a defect of capture"
            )
            raise CaptureError(self.failure)
        if trusted:
            return check.replayed  # type: ignore[no-any-return]
        self.checks += 1
        if self.checks == CHECKS:
            self.schedule = Schedule(self.check_every, time.perf_counter())
        return detached(check.result)  # type: ignore[no-any-return]


def is_number(slot: Slot | None) -> bool:
    """Return whether a place holds a Python number now."""
    try:
        value = None if slot is None else slot.get()
    except GONE:
        return False
    return isinstance(value, int | float) and not isinstance(value, bool | np.generic)
