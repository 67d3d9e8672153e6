"""capture: a function that is recorded for its first calls, and from then on replayed as a compiled program."""

import functools
import operator
import sys
from collections.abc import Callable, Iterable
from threading import get_ident
from typing import Any, Generic, ParamSpec, TypeVar

from autodiff.compiler.passes.program import Program
from autodiff.compiler.record.arguments import Arguments, Signature
from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.places import Opaque
from autodiff.compiler.record.recorder import active
from autodiff.compiler.record.recording import Recording
from autodiff.compiler.record.slot import Slot
from autodiff.compiler.record.trace import Keywords, Positional
from autodiff.compiler.repeat import Repetition
from autodiff.compiler.replay.code import Compiled
from autodiff.compiler.specialization import Specialization, Step, changed_numbers
from autodiff.modes import modes

P = ParamSpec("P")
R = TypeVar("R")

WORTHWHILE = 50
"""Replays by which a program has been of use."""
IN_VAIN = 8
"""Programs that are given up in a row, though they read arrays that are replaced from their places where they can."""


def capture(
    function: Callable[P, R], exact: bool = False, check_every: int | None = None, programs: int = 8
) -> "Captured[P, R]":
    """Return a function that does what `function` does, several times faster from about the fifth call on.

    function: a training step, or any function of arrays and Tensors. It may change parameters, gradients, optimizers
        and other arrays that it reaches; they are changed in place as it does. What it returns is safe to keep, and
        Tensors among it do not require a gradient.
    exact: compute the very bits of an ordinary run, without faster kernels that round differently.
    check_every: of how many later calls one is run both ways too, after the 8th, 16th, 32nd, ...; 0 for none. By
        default one in 1000, or fewer where that takes more than 0.5 % of the time.
    programs: how many there may be. One is made for each kind of call: for other shapes, dtypes and constants among the
        arguments, with and without gradients, and for other objects and settings that the function reaches.

    The first calls run as they are, and every NumPy call in them is recorded. Once two calls have done the same, the
    recorded calls are compiled; the next two calls run both ways and compare, as some do later on. Arrays and floats
    given as arguments, an optimizer's learning rate and the draws of a np.random.Generator may differ in each call.

    A gradient is that of the latest step, in the memory of its program: `parameter.grad` has to be copied to be kept.

    Raises CaptureError, naming the line, for what a replay could not follow: Python branches on values, `float(t)`,
    `t.item()` and `np.asarray(t)`, and for more kinds of calls than `programs`.

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
    return Captured(function, exact, check_every, programs)


class Captured(Opaque, Generic[P, R]):
    """A captured function. `program` is what it runs, once it does: print it to read it."""

    def __init__(self, function: Callable[P, R], exact: bool, check_every: int | None, limit: int) -> None:
        if not callable(function):
            raise TypeError(f"capture takes a function, found {function!r}")
        if check_every is not None and check_every < 0:
            raise ValueError(f"check_every is a number of calls, or 0 for no checks, found {check_every}")
        if limit < 1:
            raise ValueError(f"programs is the largest number of them, at least 1, found {limit}")
        functools.update_wrapper(self, function)
        self.__name__: str = getattr(function, "__name__", type(function).__name__)
        self.function = function
        self.step = Step(function, self.__name__, Signature(function), exact, check_every)
        self.limit = limit
        self.thread: int | None = None  # that of the first call
        self.current: Specialization | None = None  # that of the latest call
        self.specializations: list[Specialization] = []

    @property
    def programs(self) -> list[Program]:
        """The compiled programs, one for each kind of call, in the order of their first calls."""
        return [one.program for one in self.specializations if one.is_compiled]

    @property
    def program(self) -> Program:
        """The program of the latest call. Raises CaptureError before there is one."""
        if self.current is None or not self.current.is_compiled:
            raise CaptureError(f"{self.__name__} is not compiled yet: call it until it is, three times or four")
        return self.current.program

    @property
    def compiled(self) -> Compiled | None:
        """The function that runs it."""
        return None if self.current is None else self.current.compiled

    @property
    def latest(self) -> Recording | None:
        """What the latest recorded call of its kind did."""
        return None if self.current is None else self.current.latest

    @property
    def checks(self) -> int:
        """How many of the checks it has been through that a program must before it is trusted."""
        return 0 if self.current is None else self.current.checks

    @property
    def compile_seconds(self) -> float:
        """The time that compiling took, of all programs."""
        return sum(one.compile_seconds for one in self.specializations)

    def __reduce__(self) -> Any:
        """Return how to make a copy, which is not compiled; a function that a module has by its name is not copied."""
        if getattr(sys.modules.get(self.__module__), self.__name__, None) is self:
            return self.__name__
        return capture, (self.function, self.step.exact, self.step.check_every, self.limit)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is not None:
            raise CaptureError(
                f"{self.__name__} was captured in the class, for all its instances; capture the method of each one "
                f"instead: self.{self.__name__} = ad.capture(self.{self.__name__})"
            )
        return self

    def __call__(self, *args: P.args, **keywords: P.kwargs) -> R:
        """Run the function, or the program that was made of it."""
        current = self.trusted()
        if current is not None:
            leaves = current.leaves_of(args, keywords)
            if leaves is not None and current.guard.unchanged():
                return current.replay(args, keywords, leaves)  # type: ignore[no-any-return]
        return self.choose(*self.step.signature.bind(args, keywords))

    def trusted(self) -> Specialization | None:
        """Return what replayed the latest call, if it is ready for one more as the mode and the thread are now."""
        current = self.current
        if current is None or not current.is_ready or modes.get()[:3] != current.mode:
            return None
        return current if get_ident() == self.thread and active.recorder is None else None

    def choose(self, args: Positional, keywords: Keywords) -> R:
        """Run what calls of this kind have been made into, or begin with it."""
        mode = modes.get()[:3]
        self.check_call(mode)
        found = [(one, one.arguments.leaves_of(args, keywords)) for one in self.specializations if one.mode == mode]
        alike = {one: leaves for one, leaves in found if leaves is not None}
        chosen = next((one for one in alike if one.is_compiled and one.guard.unchanged()), None)
        chosen = chosen or max(alike, key=Specialization.fit, default=None)
        if chosen is None or not chosen.fit():
            chosen = self.begin([*alike], Arguments(self.step.signature.names, args, keywords, self.step.exact), mode)
            alike[chosen] = []  # a recording takes the arguments themselves
        self.current = chosen
        if not chosen.is_ready:
            return chosen.run(args, keywords, alike[chosen])  # type: ignore[no-any-return]
        chosen.read_changed_arrays()
        return chosen.replay(args, keywords, alike[chosen])  # type: ignore[no-any-return]

    def begin(self, alike: list[Specialization], arguments: Arguments, mode: tuple[Any, ...]) -> Specialization:
        """Return a new specialization. One from which it differs by nothing but arrays makes room for it."""
        begun = Specialization(self.step, arguments, mode)
        for one in alike:
            if places := one.replacements():
                self.follow(places, one, begun)
                self.specializations.remove(one)
            elif batches := one.environment.replaced_batches():  # which are looked up from now on
                self.step.changing |= batches
                self.specializations.remove(one)
        if len(self.specializations) >= self.limit:
            self.make_room(alike, arguments)
        self.specializations.append(begun)
        return begun

    def follow(self, places: list[Slot], one: Specialization, begun: Specialization) -> None:
        """Note where arrays were replaced: from the second time on that it was done early, they are read from there."""
        if one.is_ready and one.schedule.replays >= WORTHWHILE:
            return
        identities = {slot.identity for slot in places}
        begun.replaced |= one.replaced | identities
        begun.in_vain = one.in_vain + (identities <= self.step.moving)
        if begun.in_vain > IN_VAIN:
            raise CaptureError(
                f"{places[0].name} is replaced by another array again and again, which shares its memory with another "
                "place that the function reaches; write into it in place, or pass it as an argument"
            )
        self.step.moving |= identities & one.replaced

    def make_room(self, alike: list[Specialization], arguments: Arguments) -> None:
        """Drop the programs for single values of a number that changes from call to call: it is looked up from now on.

        Raises CaptureError if there is nothing of the kind.
        """
        numbers = {identity for one in alike for identity in changed_numbers(one.environment)} - self.step.changing
        self.step.changing |= numbers
        self.specializations = [one for one in self.specializations if not one.rests_on(numbers)]
        if len(self.specializations) < self.limit:
            return
        trusted = [one for one in alike if one.is_ready and one.is_past()]
        if trusted:
            self.specializations.remove(trusted[0])
            return
        kinds = arguments.differences([one.arguments for one in self.specializations])
        words = kinds or list(dict.fromkeys(words for one in alike for words in one.changes()))
        raise CaptureError(
            f"{self.__name__} has {self.limit} programs, and this call asks for another: {'; '.join(words[:3])}. Give "
            "a number that changes from call to call as a float or an array, and batches one shape; or say "
            f"ad.capture({self.__name__}, programs={2 * self.limit})"
        )

    def repeat(
        self, steps: int, batches: Iterable[tuple[Any, ...]] | None = None, *, while_finite: bool = False
    ) -> Any:
        """Take many steps, and return what they return, stacked: as `[step() for _ in range(steps)]`, but in less time.

        steps: how many, or the most. batches: the tuple of the arguments of each step, from a list or any iterator; no
            more steps are taken than there are batches.
        while_finite: end after the first step that returns a number, as a loss, that is not finite.

        Every array, Tensor and number among the results has the steps along an axis in front; what else there is, as
        None, is that of the first step. Without any step the result is None. An error of a step leaves what it leaves
        in a call, and has a note of which step it was. Ctrl-C takes effect between two steps.

        Raises ValueError for a negative number of steps, or if the steps return arrays of several shapes.

        >>> w = ad.Parameter([1.0, 2.0])
        >>> @ad.capture
        ... def step():
        ...     np.multiply(w.data, 0.5, out=w.data)
        ...     return np.sum(w.data)
        >>> step.repeat(4)
        array([1.5   , 0.75  , 0.375 , 0.1875], dtype=float32)
        """
        if operator.index(steps) < 0:
            raise ValueError(f"steps is a number of steps, at least 0, found {steps}")
        return Repetition(self, steps, batches, while_finite).run()

    def check_call(self, mode: tuple[Any, ...]) -> None:
        """Raise CaptureError for a call in another thread, or within another captured function or a transform."""
        _, watch, transforms = mode
        if active.recorder is not None:
            raise CaptureError(
                f"{self.__name__} is captured itself, and was called within a captured function; capture the outer "
                "one alone"
            )
        if self.thread not in (None, get_ident()):
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
        self.thread = get_ident()
