"""What a config can name: activations, optimizers, data sets and layers, each a plain function or class.

A decorator registers it under its own name. Its settings are the arguments that it takes beyond those that every part
of its kind is given; their names, types and defaults are read from the signature, and a config is checked against them:

    from autodiff import functional as F
    from autodiff.experiment import register

    @register.activation
    def swish(x, beta: float = 1.0):
        return x * F.sigmoid(beta * x)

Then a config may say `activation: swish`, or `activation: {name: swish, beta: 2}`. adrun's own parts stand in `parts/`
and `data/`, and are registered in the same way.
"""

import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar, overload

from autodiff.experiment.errors import line_in

Target = TypeVar("Target", bound=Callable[..., Any])
REQUIRED = inspect.Parameter.empty


@dataclass(frozen=True)
class Setting:
    """A setting of a part: what it may hold, as a type, and its default, REQUIRED if it has none."""

    annotation: Any
    default: Any


@dataclass(frozen=True, eq=False)
class Part:
    """A function or class that a config can name, and where it was registered.

    given: those of the arguments passed by name that it takes. facts: what else is known of it.
    """

    kind: str
    name: str
    make: Callable[..., Any]
    settings: dict[str, Setting]
    given: frozenset[str]
    facts: dict[str, Any]
    file: str
    line: int

    @property
    def title(self) -> str:
        """What people call it."""
        return str(self.facts.get("title", self.name))

    @property
    def is_adruns(self) -> bool:
        """Whether it comes with adrun, and is nobody's own."""
        return self.file.startswith(os.path.dirname(__file__))

    @property
    def meaning(self) -> str:
        """The first line of its docstring."""
        return (inspect.getdoc(self.make) or "").partition("\n")[0]


@dataclass(frozen=True)
class Kind:
    """A decorator for parts of one kind, and the parts by their names.

    takes: what each of them is given, in this order. offers: what each is given by name if it takes that.
    """

    name: str
    takes: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    parts: dict[str, Part] = field(default_factory=dict)

    @overload
    def __call__(self, target: Target) -> Target: ...

    @overload
    def __call__(self, target: None = None, **facts: Any) -> Callable[[Target], Target]: ...

    def __call__(self, target: Any = None, **facts: Any) -> Any:
        """Register a function or class and return it as it is.

        facts: what is known of it: the `title` that tables and pictures show; `init="he"` of an activation before which
        weights start as before a ReLU; the `size` of a data set, a function of its settings. Raises TypeError for what
        cannot be called as parts of this kind are, and ValueError for a name that is taken.
        """
        caller = sys._getframe(1)
        where = caller.f_code.co_filename, caller.f_lineno
        if target is not None:
            return self._registered(target, where, facts)
        return lambda target: self._registered(target, where, facts)

    def _registered(self, target: Target, where: tuple[str, int], facts: dict[str, Any]) -> Target:
        name = getattr(target, "__name__", "")
        if not callable(target) or not name.isidentifier():
            raise TypeError(f"register.{self.name} is for a function or a class with a name, found {target!r}")
        said = f"{self.name} {name}"
        if taken := self.parts.get(name):
            by = "adrun itself" if taken.is_adruns else f"{taken.file}:{taken.line}"
            raise ValueError(f"{said}: this name is taken by {by}; choose another")
        settings, given = self._arguments(target, said)
        self.parts[name] = Part(self.name, name, target, settings, frozenset(given), facts, *where)
        return target

    def _arguments(self, target: Callable[..., Any], said: str) -> tuple[dict[str, Setting], set[str]]:
        """Return the settings of a function or class, and which of the offered arguments it takes."""
        try:
            arguments = list(inspect.signature(target).parameters.values())
        except ValueError as error:  # of some that are written in C
            raise TypeError(f"{said}: its signature cannot be read: {error}") from None
        takes = () if self.name == "activation" and isinstance(target, type) else self.takes
        if len([one for one in arguments if one.kind in POSITIONAL]) < len(takes):
            raise TypeError(
                f"{said} must take {' and '.join(takes)} first, as in {said.split()[1]}({', '.join(takes)})"
            )
        settings: dict[str, Setting] = {}
        given: set[str] = set()
        for argument in arguments[len(takes) :]:
            if argument.kind not in NAMED:
                raise TypeError(f"{said}: its settings are its arguments, each by name; found {argument}")
            if argument.name in self.offers:
                given.add(argument.name)
            elif argument.name == "name":
                raise TypeError(f"{said}: no setting can be called name, which is that of the {self.name} in a config")
            else:
                settings[argument.name] = Setting(_type_of(target, argument, said), argument.default)
        return settings, given


POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def _type_of(target: Callable[..., Any], argument: inspect.Parameter, said: str) -> Any:
    """Return what a setting may hold: what its signature says, or what its default is."""
    annotation = argument.annotation
    if isinstance(annotation, str):
        function: Any = vars(target).get("__init__", target) if isinstance(target, type) else target
        try:
            return eval(annotation, getattr(inspect.unwrap(function), "__globals__", {}))
        except Exception as error:
            raise TypeError(f"{said}: the type of {argument.name} cannot be read: {error}") from None
    if annotation is not argument.empty:
        return annotation
    if argument.default is argument.empty or argument.default is None:
        raise TypeError(f"{said}: {argument.name} needs a type or a default, such as {argument.name}: float = 1.0")
    kind = type(argument.default)
    return int | float if kind is int else kind


activation = Kind("activation", takes=("x",))
"""A function of an array of any shape, which returns one of that shape; or a class of `ad.Module` that computes it."""
optimizer = Kind("optimizer", takes=("parameters", "learning_rate"))
"""A class of `ad.Optimizer`, or a function that returns one."""
dataset = Kind("dataset", offers=("rng", "test_rng"))
"""A function that returns points: features (n, 2) and labels (n,), whole numbers from 0.

It is called twice, each time with other random numbers in `rng`: for the points that are trained on, and for those that
are held out. One that takes `test_rng`, too, is called once and returns both, None in
place of the second for none; and then, if it likes, what is known of them, an `About`.
"""
layer = Kind("layer", takes=("inputs", "outputs"), offers=("rng", "dtype", "init"))
"""A class of `ad.Module`, or a function that returns one, from (n, inputs) to (n, outputs).

rng: draws its first weights. dtype: of its parameters, "float32" or "float64". init: "he" before a ReLU, or "glorot".
"""

norm = Kind("norm", takes=("features",), offers=("dtype",))
"""A class of `ad.Module`, or a function that returns one, from (n, features) to (n, features)."""
schedule = Kind("schedule", takes=("optimizer", "total"))
"""A class of `ad.Schedule`, or a function that returns one. total: the steps of the whole run."""

KINDS = {kind.name: kind for kind in (activation, optimizer, dataset, layer, norm, schedule)}


def own_line(error: BaseException) -> str | None:
    """Return where in the code of parts that are not adrun's an error came up, as `file:line`; None if not there."""
    files = {part.file for kind in KINDS.values() for part in kind.parts.values() if not part.is_adruns}
    return line_in(error, files)


@contextmanager
def unchanged() -> Iterator[None]:
    """Forget at the end of the block what was registered in it."""
    before = {name: dict(kind.parts) for name, kind in KINDS.items()}
    try:
        yield
    finally:
        for name, kind in KINDS.items():
            kind.parts.clear()
            kind.parts.update(before[name])
