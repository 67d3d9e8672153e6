"""The modes in which a thread, or an asyncio task, computes."""

import inspect
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, Protocol, Self, TypeVar

from autodiff.anomaly import FINITE

P = ParamSpec("P")
R = TypeVar("R")


class Watch(Protocol):
    """Sees all that is computed in a mode, as `detect_anomaly` does."""

    def computed(self, name: str, arrays: Sequence[Any], out: Any) -> None:
        """See what a function made of arrays."""

    def made(self, node: Any, out: Any, arrays: Sequence[Any], keywords: Mapping[str, Any]) -> None:
        """See the node of a value that a gradient flows to, and the arguments as arrays."""

    def gradient(self, node: Any, argument: Any, gradient: Any) -> None:
        """See the gradient that a rule made for an argument of a node's function."""


class Modes(NamedTuple):
    """What holds for the running code."""

    grad_enabled: bool = True
    watch: Watch | None = None  # who looks at every result and gradient
    transforms: int = 0  # how many of grad and its like are running, one within the other
    entered: tuple[tuple["Switch", Any], ...] = ()  # the `with` blocks around it, and the mode outside of each


modes: ContextVar[Modes] = ContextVar("modes", default=Modes())  # noqa: B039 - it never changes
"""Each thread and each task of asyncio has its own."""


@contextmanager
def recording(transforms: int = 0) -> Iterator[None]:
    """Record within the block, whatever the mode outside; `transforms` of grad and its like begin there."""
    now = modes.get()
    token = modes.set(now._replace(grad_enabled=True, transforms=now.transforms + transforms))
    try:
        yield
    finally:
        modes.reset(token)


class Switch:
    """A mode that is set within a `with` block, or within each call of a function it decorates.

    It holds nothing, so that one object serves several threads, and blocks within each other.
    """

    mode: str
    value: Any

    def __init__(self, *function: Any) -> None:
        if function:
            name = type(self).__name__
            raise TypeError(f"{name} takes no arguments: write `@ad.{name}()`, with parentheses, above a function")

    def __enter__(self) -> Self:
        now = modes.get()
        modes.set(self.switched(now, self.value, (*now.entered, (self, getattr(now, self.mode)))))
        return self

    def __exit__(self, *exception: object) -> None:
        now = modes.get()
        i = len(now.entered) - 1
        while now.entered[i][0] is not self:
            i -= 1
        modes.set(self.switched(now, now.entered[i][1], now.entered[:i] + now.entered[i + 1 :]))

    def switched(self, now: Modes, value: Any, entered: "tuple[tuple[Switch, Any], ...]") -> Modes:
        """Return the modes with this one changed: written out, for `_replace` takes four times as long."""
        grad_enabled = value if self.mode == "grad_enabled" else now.grad_enabled
        watch = value if self.mode == "watch" else now.watch
        return Modes(grad_enabled, watch, now.transforms, entered)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Return a function that computes in the mode, at each call or, if it is a generator, between its yields.

        Raises TypeError for a class, and when it is called for what is no function.
        """
        if isinstance(function, type) or not callable(function):
            raise TypeError(
                f"{type(self).__name__} decorates functions and methods, found {function!r}; for a class, decorate "
                "its methods"
            )

        @wraps(function)
        def within(*args: P.args, **keywords: P.kwargs) -> R:
            with self:
                result: R = self.lasting(function(*args, **keywords))
                return result

        return within

    def lasting(self, result: Any) -> Any:
        """Return what a function returned; where that is still to be computed, in the mode."""
        if inspect.isgenerator(result):
            return Resumed(result, self)
        if inspect.iscoroutine(result):
            return self.awaited(result)
        if inspect.isasyncgen(result):
            raise TypeError(
                f"{type(self).__name__} does not decorate asynchronous generators; write `with ad."
                f"{type(self).__name__}():` around what {result.__name__} computes between two yields"
            )
        return result

    async def awaited(self, coroutine: Any) -> Any:
        """Return the result of a coroutine, computed in the mode."""
        with self:
            return await coroutine


class Resumed(Generator[Any, Any, Any]):
    """A generator that runs in a mode, though who takes from it does not."""

    def __init__(self, steps: Generator[Any, Any, Any], mode: Switch) -> None:
        self.steps = steps
        self.mode = mode

    def send(self, value: Any) -> Any:
        """Go on to the next yield."""
        with self.mode:
            return self.steps.send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an error where the generator waits."""
        with self.mode:
            return self.steps.throw(*error)


class no_grad(Switch):  # noqa: N801 - reads as a statement
    """Compute without recording: `with ad.no_grad():`, or `@ad.no_grad()` above a function.

    A generator that yields within the block leaves whoever takes from it in the mode, as in PyTorch; decorate it.

    >>> import autodiff as ad
    >>> x = ad.Tensor([1.0, 2.0], requires_grad=True)
    >>> with ad.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    mode, value = "grad_enabled", False


class detect_anomaly(Switch):  # noqa: N801 - reads as a statement
    """Raise AnomalyError at the first NaN or infinity, forwards or backwards: `with ad.detect_anomaly():`.

    The error names the operation and the line that called it. Every result is looked at, so this is slower.

    >>> import numpy as np
    >>> import autodiff as ad
    >>> with ad.detect_anomaly():
    ...     np.log(ad.Tensor([1.0, 0.0]))
    Traceback (most recent call last):
    autodiff.anomaly.AnomalyError: np.log of float32 (2,) made an infinity, first at (1,); it was called at ...
    """

    mode, value = "watch", FINITE
