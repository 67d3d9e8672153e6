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

CHUNK = 500
"""Steps that a loop takes at most, before all that the function reaches is looked at again."""
END = object()


class Replayed(Protocol):
    """A function with a program that is trusted, for arguments of one kind."""

    compiled: Compiled | None
    schedule: Schedule
    undo: Undo

    @property
    def program(self) -> Program:
        """What a replay runs."""

    def ready(self, args: tuple[Any, ...], look: bool) -> Sequence[Any] | None:
        """Return the parts of arguments that a replay is given; None if the step is no mere replay of the program.

        It is none, either, where an error would have to be undone. look: whether what the function reaches may have
        changed since the last replay.
        """


class Step(Protocol):
    """A captured function."""

    def __call__(self, *args: Any) -> Any:
        """Take one step."""

    def trusted(self) -> Replayed | None:
        """Return what replays a step with these arguments; None if there is nothing yet that is trusted to."""


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
        args = self.draw()
        while args is not END:
            replayed = self.step.trusted()
            leaves = None if replayed is None else replayed.ready(args, look=True)
            if replayed is None or leaves is None:
                self.take_one(args)
                args = self.draw()
            else:
                args = self.take_many(Feed(self, replayed, args, leaves))
        return joined(self.stacks) if self.stacks else None

    def draw(self) -> Any:
        """Return the arguments of the next step, END if there is none."""
        if not self.left:
            return END
        args = () if self.batches is None else next(self.batches, END)
        if args is not END and not isinstance(args, tuple):
            raise TypeError(f"a batch has to be a tuple of the step's arguments, found a {type(args).__name__}")
        return args

    def take_one(self, args: tuple[Any, ...]) -> None:
        """Take one step by itself."""
        try:
            result = self.step(*args)
        except Exception as error:
            self.note(error)
            raise
        self.add(stack_of_one(result), 1)

    def take_many(self, feed: "Feed") -> Any:
        """Take steps in a loop, until all is to be looked at again; return the arguments of the next step, or END."""
        schedule, compiled = feed.replayed.schedule, feed.compiled
        count = min(self.left, CHUNK, schedule.due - schedule.replays - 1)
        numbers = [*range(count)]
        stacks = Stacks(feed.replayed.program.outputs, count)
        with held_back(numbers, feed):
            done, error = compiled.loop(zip(numbers, feed, strict=False), self.while_finite, stacks.arrays)
        schedule.replays += done
        self.add(stacks.results(done), done)
        if error is None:
            return feed.args if feed.is_ahead else self.draw()
        if feed.is_drawing:
            raise error
        if not feed.replayed.undo.foresees(error):
            self.note(error)
            raise error
        self.take_one(feed.args)  # it has changed nothing yet, and by itself it raises what the function does
        return self.draw()

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

    args: the arguments that were drawn last. is_ahead: whether they are those of a step that the program cannot take.
    """

    def __init__(
        self, repetition: Repetition, replayed: Replayed, args: tuple[Any, ...], leaves: Sequence[Any]
    ) -> None:
        assert replayed.compiled is not None
        self.repetition = repetition
        self.replayed = replayed
        self.compiled = replayed.compiled
        self.args = args
        self.leaves: Sequence[Any] | None = leaves
        self.is_drawing = False
        self.is_ahead = False

    def __iter__(self) -> Iterator[Any]:
        return repeat(self.leaves) if self.repetition.batches is None else self.drawn()

    def drawn(self) -> Iterator[Sequence[Any]]:
        """Yield what the program is given for one batch after the other."""
        while self.leaves is not None:
            yield self.leaves
            self.is_drawing = True
            self.args = self.repetition.draw()
            self.is_drawing = False
            if self.args is END:
                return
            self.leaves = self.leaves_now()
        self.is_ahead = True

    def leaves_now(self) -> Sequence[Any] | None:
        """Return what the program is given for the present arguments; None if it cannot go on with them."""
        replayed, step = self.replayed, self.repetition.step
        if self.repetition.is_listed:
            return replayed.ready(self.args, look=False)
        is_the_same = step.trusted() is replayed and replayed.compiled is self.compiled
        return replayed.ready(self.args, look=True) if is_the_same else None


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
