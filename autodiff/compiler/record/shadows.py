"""Shadows: they stand for functions that cannot tell a stand-in, or that make arrays, while a step is recorded.

`type(x)` asks nobody, `math.cos(n)` and `min(1, n)` ask for a float or a branch, and what `np.zeros(3)` makes is no
stand-in, so that nobody would see `z[i] = y`. Where the user's code names one of these, it finds its shadow, for as
long as a step is recorded: one that reports to the recorder at work in the thread, and is the function for all others.
"""

import builtins
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from autodiff.compiler.record.environment import Environment
from autodiff.compiler.record.recorder import Recorder, active, recorded_in
from autodiff.compiler.record.slot import Shadow, Slot
from autodiff.compiler.record.stand_in import StandIn, bound
from autodiff.compiler.record.trace import Keywords, Positional
from autodiff.optimizers import schedules
from autodiff.trees import flatten, mapped


class FunctionShadow(Shadow):
    """The shadow of a function. To whoever asks for its attributes it is the function."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """Call the function, or what records that it is called."""
        if active.recorder is None:
            return self.original(*args, **keywords)
        return self.record(active.recorder, args, keywords)

    def record(self, recorder: Recorder, args: Positional, keywords: Keywords) -> Any:
        """Call the function while a step is recorded."""
        raise NotImplementedError


class TypeShadow(FunctionShadow):
    """That of `type`: it tells what a stand-in stands for."""

    def record(self, recorder: Recorder, args: Positional, keywords: Keywords) -> Any:
        """Return the type of one object; make one of several arguments."""
        recorder.settle_types(recorded_in(args[:1]))
        if len(args) == 1 and type(args[0]) is StandIn:
            return args[0].__class__
        return type(*args, **keywords)

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, type)

    def __subclasscheck__(self, kind: type) -> bool:
        return issubclass(kind, type)

    def __mro_entries__(self, bases: Any) -> tuple[type]:
        return (type,)


class QuestionShadow(FunctionShadow):
    """That of a function that tells what an object is, or what it has: of a stand-in, what it tells of the original."""

    def record(self, recorder: Recorder, args: Positional, keywords: Keywords) -> Any:
        """Ask what a stand-in stands for. An attribute that this has, the stand-in gives, or refuses."""
        recorder.settle_types(recorded_in(args[:1]))
        if type(args[0]) is StandIn:
            if self.original is getattr and len(args) > 1 and hasattr(args[0].concrete, args[1]):
                return getattr(args[0], args[1])
            args = (args[0].concrete, *args[1:])
        return self.original(*args, **keywords)


class NumberShadow(FunctionShadow):
    """That of a function of Python numbers: called on recorded ones, it is called in every replay."""

    def record(self, recorder: Recorder, args: Positional, keywords: Keywords) -> Any:
        """Record the call, if it is one of numbers alone."""
        if recorded_in(args) and all(is_number(arg) for arg in flatten(args)):
            return recorder.call(self.original, args, keywords)
        return self.original(*args, **keywords)


class MakerShadow(FunctionShadow):
    """That of a function that makes an array: it is made anew in every replay that writes into it."""

    def record(self, recorder: Recorder, args: Positional, keywords: Keywords) -> Any:
        """Record a call on recorded arrays; of another one that what it makes is a copy of this."""
        is_filled = self.original is np.full and len(args) > 1 and not recorded_in(args[:1])
        if (is_filled or self.original in COLLECTING) and recorded_in(args):
            return recorder.call(self.original, args, keywords)
        function = np.zeros if self.original is np.empty else self.original  # the same in every recording
        made = function(*mapped(args, bound), **keywords)
        if type(made) is not np.ndarray or made.base is not None or made.dtype.kind not in "biufc":
            return made
        return made if any(arg is made for arg in args) else recorder.call(np.copy, (made,), {})


class ModuleShadow(ModuleType, Shadow):
    """That of a module, in which the shadows of its functions are."""

    def __init__(self, original: Any) -> None:
        ModuleType.__init__(self, original.__name__)
        self.original = original

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.original, name)
        return SHADOWS.get(id(found)) or found


def is_number(part: Any) -> bool:
    """Return whether an argument is a Python number, recorded or not."""
    if type(part) is StandIn:
        return part.value.form == "number"
    return isinstance(part, int | float) and not isinstance(part, np.generic)


COLLECTING: tuple[Callable[..., Any], ...] = (np.array, np.asarray, np.asanyarray, np.ascontiguousarray)
MAKERS: tuple[Callable[..., Any], ...] = (
    *COLLECTING, np.zeros, np.ones, np.empty, np.full, np.eye,
    np.identity, np.arange, np.linspace, np.tri, np.zeros_like, np.ones_like, np.empty_like, np.full_like,
)  # fmt: skip
PARTS = ("frexp", "modf", "__loader__")
"""What is no function of numbers in math, or returns several."""
OF_NUMBERS = (min, max, *(thing for name, thing in vars(math).items() if callable(thing) and name not in PARTS))

SHADOWS: dict[int, Shadow] = {
    **{id(function): MakerShadow(function) for function in MAKERS},
    **{id(function): NumberShadow(function) for function in OF_NUMBERS},
    **{id(module): ModuleShadow(module) for module in (np, math, builtins)},
    **{id(function): QuestionShadow(function) for function in (isinstance, hasattr, getattr)},
    id(type): TypeShadow(type),
}
"""By the id of what they stand for."""


@dataclass(eq=False)
class Place:
    """A place in which there is a shadow for now: what was there, and the recorders for whose sake."""

    slot: Slot
    original: Any
    users: set[Recorder] = field(default_factory=set)


OF_ENGINE = [(Slot(vars(schedules), "math", "item", "math"), math)]
"""The variables of the engine whose functions it calls on what may be recorded numbers."""
places: dict[tuple[int, Any], Place] = {}
lock = threading.RLock()


def put_in(environment: Environment, recorder: Recorder) -> None:
    """Put shadows in all variables that hold what has one."""
    with lock:
        for slot, value in [*environment.fixed, *OF_ENGINE]:
            shadow = SHADOWS.get(id(value))
            if shadow is not None and is_variable(slot):
                places.setdefault(slot.identity, Place(slot, value)).users.add(recorder)
                slot.set(shadow)


def take_out(recorder: Recorder) -> None:
    """Put back what was there, unless another thread records too: it may be done again, from the beginning."""
    with lock:
        for identity, place in [*places.items()]:
            place.users.discard(recorder)
            if not place.users:
                place.slot.set(place.original)
                places.pop(identity, None)


def is_variable(slot: Slot) -> bool:
    """Return whether a place is a variable of a closure, a global one, or a name that Python knows."""
    return slot.access in ("cell", "builtin") or (slot.access == "item" and "__name__" in slot.owner)
