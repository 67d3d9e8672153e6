"""Many steps in one call: replays in one loop of generated code, as long as the program can go on."""

import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat
from types import FrameType
from typing import Any, Protocol

from autodiff.compiler.record.opened import closed, opened_like
from autodiff.compiler.record.recording import Recording
from autodiff.compiler.replay.stacks import Stacks, ends_finite, joined, stack_of_one
from autodiff.compiler.specialization import Specialization
from autodiff.trees import Tree, flatten

CHUNK = 500
"""Steps that a loop takes at most, before all that the function reaches is looked at again."""
END = object()


class Step(Protocol):
    """A captured function."""

    def __call__(self, *args: Any) -> Any:
        """Take one step."""

    def trusted(self) -> Specialization | None:
        """Return what replays a step with these arguments; None if there is nothing yet that is trusted to."""

    @property
    def latest(self) -> Recording | None:
        """What the latest recorded step of its kind did."""


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
        self.args: Any = ()  # that were drawn last
        self.is_drawing = False
        self.is_ahead = False  # whether they are those of a step that the program of a loop cannot take

    def run(self) -> Tree:
        """Take the steps and return their results, stacked; None if there were no steps."""
        self.draw()
        while self.args is not END:
            replayed = self.step.trusted()
            leaves = None if replayed is None else replayed.ready(self.args, look=True)
            if replayed is None or leaves is None:
                self.take_one()
            else:
                self.take_many(replayed, leaves)
            if not self.is_ahead:
                self.draw()
            self.is_ahead = False
        return closed(joined(self.stacks)) if self.stacks else None

    def draw(self) -> None:
        """Take the arguments of the next step, END if there is none."""
        self.args = END
        if self.left:
            self.args = () if self.batches is None else next(self.batches, END)
        if self.args is not END and not isinstance(self.args, tuple):
            raise TypeError(f"a batch has to be a tuple of the step's arguments, found a {type(self.args).__name__}")

    def take_one(self) -> None:
        """Take one step by itself."""
        try:
            result = self.step(*self.args)
        except Exception as error:
            self.note(error)
            raise
        assert self.step.latest is not None
        self.add(stack_of_one(opened_like(result, self.step.latest.trace.outputs)), 1)

    def take_many(self, replayed: Specialization, leaves: Sequence[Any]) -> None:
        """Take steps in a loop, until all is to be looked at again."""
        assert replayed.compiled is not None
        schedule = replayed.schedule
        count = min(self.left, CHUNK, schedule.due - schedule.replays - 1)
        numbers = [*range(count)]
        stacks = Stacks(replayed.program.outputs, count)
        feed = repeat(leaves) if self.batches is None else self.drawn(replayed, leaves)
        with held_back(numbers, self):
            done, error = replayed.compiled.loop(zip(numbers, feed, strict=False), self.while_finite, stacks.arrays)
        schedule.replays += done
        self.add(stacks.results(done), done)
        if error is None:
            return
        if self.is_drawing:
            raise error
        if not replayed.undo.foresees(error):
            self.note(error)
            raise error
        self.take_one()  # it has changed nothing yet, and by itself it raises what the function does

    def drawn(self, replayed: Specialization, leaves: Sequence[Any] | None) -> Iterator[Sequence[Any]]:
        """Yield what the program is given for one batch after the other, for as long as it can go on with that."""
        compiled = replayed.compiled
        while leaves is not None:
            yield leaves
            self.is_drawing = True
            self.draw()
            self.is_drawing = False
            if self.args is END:
                leaves = None
            elif self.is_listed:
                leaves = replayed.ready(self.args, look=False)
            else:
                is_the_same = self.step.trusted() is replayed and replayed.compiled is compiled
                leaves = replayed.ready(self.args, look=True) if is_the_same else None
        self.is_ahead = True

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


@contextmanager
def held_back(numbers: list[int], repetition: Repetition) -> Iterator[None]:
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
        if repetition.is_drawing:
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
