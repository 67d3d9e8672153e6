"""Many steps in one call: replays in one loop of generated code, as long as the program can go on."""

import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat
from types import FrameType
from typing import Any, Protocol

from autodiff.compiler.passes.program import Program
from autodiff.compiler.replay.code import Compiled
from autodiff.compiler.replay.schedule import Schedule
from autodiff.compiler.replay.stacks import Stacks, ends_finite, joined, stack_of_one
from autodiff.compiler.replay.undo import Undo
from autodiff.trees import Tree, flatten

CHUNK = 100
"""Steps that a loop takes at most, before all that the function reaches is looked at again."""
END = object()


class Step(Protocol):
    """A captured function, as a repetition knows it."""

    compiled: Compiled | None
    schedule: Schedule
    undo: Undo

    @property
    def program(self) -> Program:
        """What it runs."""

    def __call__(self, *args: Any) -> Any:
        """Take one step."""

    def ready(self, args: Any, look: bool) -> Sequence[Any] | None:
        """Return the parts of arguments that a replay is given; None if the step is no mere replay of the program.

        It is none, either, where an error would have to be undone. look: whether what the function reaches may have
        changed since the last replay.
        """


class Repetition:
    """Takes steps, many in a loop where the program is ready, and each by itself where not; collects what they return.

    batches: the arguments of each step, if it has some. while_finite: whether to end after a number that is not finite.
    """

    def __init__(self, step: Step, count: int, batches: Iterable[Any] | None, while_finite: bool) -> None:
        self.step = step
        self.left = count
        self.batches = None if batches is None else iter(batches)
        self.is_listed = isinstance(batches, list | tuple)  # so that nothing else happens between the steps
        self.while_finite = while_finite
        self.done = 0
        self.stacks: list[Tree] = []

    def run(self) -> Tree:
        """Take the steps and return their results, stacked; None if there were no steps."""
        while self.left:
            args = () if self.batches is None else next(self.batches, END)
            if args is END:
                break
            leaves = self.step.ready(args, look=True)
            if leaves is None:
                self.take_one(args)
            else:
                feed = Feed(self, args, leaves)
                self.take_many(feed)
                if feed.is_left:
                    self.take_one(feed.args)
        return joined(self.stacks) if self.stacks else None

    def take_one(self, args: Any) -> None:
        """Take one step by itself."""
        if not isinstance(args, tuple):
            raise TypeError(f"a batch has to be a tuple of the step's arguments, found a {type(args).__name__}")
        try:
            result = self.step(*args)
        except Exception as error:
            self.note(error)
            raise
        self.add(stack_of_one(result), 1)

    def take_many(self, feed: "Feed") -> None:
        """Take steps in a loop: until something is to be looked at, or one is left that has to be taken by itself."""
        schedule, compiled = self.step.schedule, self.step.compiled
        assert compiled is not None
        count = min(self.left, CHUNK, schedule.due - schedule.replays - 1)
        numbers = [*range(count)]
        stacks = Stacks(self.step.program.outputs, count)
        with held_back(numbers, feed):
            done, error = compiled.loop(zip(numbers, feed, strict=False), self.while_finite, stacks.arrays)
        schedule.replays += done
        self.add(stacks.results(done), done)
        if error is not None:
            if feed.is_drawing:
                raise error
            if not self.step.undo.foresees(error):
                self.note(error)
                raise error
            feed.is_left = True  # it has changed nothing yet, and by itself it raises what the function does

    def add(self, results: Tree, count: int) -> None:
        """Add the results of some steps."""
        if not count:
            return
        self.stacks.append(results)
        self.done += count
        self.left -= count
        if self.while_finite and not all(map(ends_finite, flatten(results))):
            self.left = 0

    def note(self, error: Exception) -> None:
        """Note in an error which step has raised it."""
        error.add_note(f"in step {self.done} of a repetition, counted from 0")


class Feed:
    """What the steps of a loop are given, one after the other, for as long as the program can go on with that.

    args: the arguments that were drawn last. is_left: whether the step with them is to be taken by itself.
    """

    def __init__(self, repetition: Repetition, args: Any, leaves: Sequence[Any]) -> None:
        self.repetition = repetition
        self.compiled = repetition.step.compiled
        self.args = args
        self.leaves: Sequence[Any] | None = leaves
        self.is_drawing = False
        self.is_left = False

    def __iter__(self) -> Iterator[Any]:
        batches = self.repetition.batches
        return repeat(self.leaves) if batches is None else self.drawn(batches)

    def drawn(self, batches: Iterator[Any]) -> Iterator[Sequence[Any]]:
        """Yield what the program is given for one batch after the other."""
        step, look = self.repetition.step, not self.repetition.is_listed
        while self.leaves is not None:
            yield self.leaves
            self.is_drawing = True
            self.args = next(batches, END)
            self.is_drawing = False
            if self.args is END:
                return
            self.leaves = step.ready(self.args, look) if step.compiled is self.compiled else None
        self.is_left = True


@contextmanager
def held_back(numbers: list[int], feed: Feed) -> Iterator[None]:
    """Have Ctrl-C empty a list, by which a loop over it ends after the present step, and raise KeyboardInterrupt then.

    It raises that at once where the loop waits for a batch. A handler that somebody else has set stays as it is.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    asked = False

    def wait(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if feed.is_drawing:
            raise KeyboardInterrupt
        asked = True
        numbers.clear()

    signal.signal(signal.SIGINT, wait)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if asked:
            raise KeyboardInterrupt
