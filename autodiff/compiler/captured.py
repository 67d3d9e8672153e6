"""capture: a function that is recorded for its first calls, and from then on replayed as a compiled program."""

import functools
import operator
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, Generic, ParamSpec, TypeVar

from autodiff.compiler.passes.program import Program
from autodiff.compiler.record.arguments import Signature
from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.places import Opaque
from autodiff.compiler.record.recorder import Recorder, active
from autodiff.compiler.record.recording import Recording
from autodiff.compiler.replay.code import Compiled
from autodiff.compiler.replay.repeat import Repetition
from autodiff.compiler.specialization import Specialization
from autodiff.modes import modes

P = ParamSpec("P")
R = TypeVar("R")


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
    """A captured function. `program` is what it runs, once it does: print it to read it."""

    def __init__(self, function: Callable[P, R], exact: bool, check_every: int | None) -> None:
        if not callable(function):
            raise TypeError(f"capture takes a function, found {function!r}")
        if check_every is not None and check_every < 0:
            raise ValueError(f"check_every is a number of calls, or 0 for no checks, found {check_every}")
        functools.update_wrapper(self, function)
        self.__name__: str = getattr(function, "__name__", type(function).__name__)
        self.function = function
        self.exact = exact
        self.check_every = check_every
        self.mode: tuple[Any, ...] | None = None  # that of the first call, and its thread
        self.current = Specialization(function, self.__name__, Signature(function), exact, check_every)

    @property
    def program(self) -> Program:
        """The compiled program. Raises CaptureError before there is one."""
        return self.current.program

    @property
    def compiled(self) -> Compiled | None:
        """The function that runs it."""
        return self.current.compiled

    @property
    def latest(self) -> Recording | None:
        """What the latest recorded call did."""
        return self.current.latest

    @property
    def checks(self) -> int:
        """How many of the checks a program has been through that it must before it is trusted."""
        return self.current.checks

    @property
    def compile_seconds(self) -> float:
        """The time that compiling took."""
        return self.current.compile_seconds

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
        mode = mode_now()
        if mode != self.mode or self.current.failure:
            self.check_call(*mode)
        if self.current.is_trusted:
            return self.current.replay(args, keywords)  # type: ignore[no-any-return]
        return self.current.run(args, keywords)  # type: ignore[no-any-return]

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

    def trusted(self, args: tuple[Any, ...]) -> Specialization | None:
        """Return what replays a step with these arguments; None if there is nothing yet that is trusted to."""
        current = self.current
        return current if current.is_trusted and not current.failure and mode_now() == self.mode else None

    def check_call(
        self, grad_enabled: bool, watch: object, transforms: int, thread: int, recorder: Recorder | None
    ) -> None:
        """Raise CaptureError for a call in another thread, in another mode, or within another captured function."""
        if self.current.failure:
            raise CaptureError(f"{self.__name__} could not be captured: {self.current.failure}")
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


def mode_now() -> tuple[Any, ...]:
    """Return what has to be the same in every call: whether gradients are recorded and so on, and the thread."""
    return (*modes.get()[:3], threading.get_ident(), active.recorder)
