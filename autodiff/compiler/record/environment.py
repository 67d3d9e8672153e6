"""What a function can reach: arrays, Tensors, optimizers and random generators in its closure, globals and attributes.

The arrays among them are what a step works on. All else has to stay as it was when the step was recorded.
"""

import dis
import io
import sys
from collections import deque
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import lru_cache, partial
from keyword import iskeyword
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Literal

import numpy as np

from autodiff.compiler.record.errors import CaptureError
from autodiff.optimizer import Optimizer
from autodiff.tensor import Tensor

PLAIN = (int, float, complex, str, bytes, type(None), np.generic, np.dtype)
FOREIGN = {*sys.stdlib_module_names, "numpy", "matplotlib", "PIL", "torch", "jax"} - {"__main__"}
ENGINE = __name__.split(".")[0]
ROOMS = ("compiler", "functional", "rules", "samples")
"""The engine's packages: what other packages there are within its own, use it as any user does."""
OPAQUE = ([ENGINE, "function"], [ENGINE, "graph"])
SETTINGS = ("types", "argparse", "collections")
"""Modules of Python whose objects hold settings: SimpleNamespace, Namespace, UserDict."""
LIMIT = 100_000
"""Objects to look at before giving up: a step that reaches more should be given what it needs."""


class Opaque:
    """What is not looked into: captured functions, which see to themselves."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that holds an object: an attribute, an item of a list or dict, or a variable of a closure.

    An "entry" is that of a tuple, whose own place is the owner; "class" is an attribute of a class as it stands there,
    not as an object sees it; "constant" cannot change.
    """

    owner: Any
    key: Any
    access: Literal["attribute", "item", "entry", "cell", "class", "constant"]
    name: str

    def get(self) -> Any:
        """Return what the place holds. Raises AttributeError, KeyError, IndexError or ValueError if it is gone."""
        if self.access == "attribute":
            return getattr(self.owner, self.key)
        if self.access == "entry":
            return self.owner.get()[self.key]
        return self.owner.cell_contents if self.access == "cell" else self.owner[self.key]

    def set(self, value: Any) -> None:
        """Put something else there; a tuple is replaced by one with another entry."""
        if self.access == "attribute":
            setattr(self.owner, self.key, value)
        elif self.access == "item":
            self.owner[self.key] = value
        elif self.access == "entry":
            before = self.owner.get()
            entries = [*before[: self.key], value, *before[self.key + 1 :]]
            self.owner.set(type(before)(*entries) if hasattr(before, "_fields") else type(before)(entries))
        else:
            self.owner.cell_contents = value

    def source(self, name: Callable[[Any], str]) -> str:
        """Return the expression that reads the place, in Python. `name` gives an object the name it has there."""
        if self.access == "entry":
            return f"{self.owner.source(name)}[{self.key}]"
        owner = name(self.owner)
        if self.access == "attribute":
            return f"{owner}.{self.key}" if is_written_plainly(self.key) else f"getattr({owner}, {self.key!r})"
        if self.access == "cell":
            return f"{owner}.cell_contents"
        return f"{owner}[{repr(self.key) if type(self.key) in (int, str) else name(self.key)}]"

    def assignment(self, name: Callable[[Any], str], value: str) -> str:
        """Return the statement that puts the value of an expression there, in Python."""
        if self.access == "attribute" and not is_written_plainly(self.key):
            return f"setattr({name(self.owner)}, {self.key!r}, {value})"
        return f"{self.source(name)} = {value}"

    @property
    def identity(self) -> tuple[int, Any]:
        """What tells the place from others: the same for an attribute of a module and for the global variable it is."""
        if self.access == "entry":
            return self.owner.identity[0], (self.owner.identity[1], self.key)
        if self.access == "attribute" and self.key in getattr(self.owner, "__dict__", ()):
            return id(vars(self.owner)), self.key
        return id(self.owner), self.key


def is_written_plainly(attribute: str) -> bool:
    """Return whether an attribute can be written after a dot. Of letters beyond ASCII Python may make others there."""
    return attribute.isascii() and attribute.isidentifier() and not iskeyword(attribute)


GONE = (AttributeError, KeyError, IndexError, ValueError)


@dataclass(slots=True)
class Environment:
    """What a function reaches, sorted by what a recorder does with it.

    arrays: places of ndarrays. gradients: of what `tensor.grad` holds; gradient_arrays: of its arrays. generators: of
    random generators. numbers: of Python numbers that may change from step to step. fixed: of all else, which has to
    stay what it is. lengths: the containers, with their number of entries.
    """

    arrays: list[Slot] = field(default_factory=list)
    gradients: list[Slot] = field(default_factory=list)
    gradient_arrays: list[Slot] = field(default_factory=list)
    generators: list[Slot] = field(default_factory=list)
    numbers: list[Slot] = field(default_factory=list)
    fixed: list[tuple[Slot, Any]] = field(default_factory=list)
    lengths: list[tuple[Any, int, str]] = field(default_factory=list)

    def changes(self) -> Iterator[tuple[Slot | None, str]]:
        """Yield the places where something else is now, and what happened in words."""
        for slot, before in self.fixed:
            try:
                now = slot.get()
            except GONE:
                yield slot, f"{slot.name} is gone"
                continue
            if now is before or (type(now) is type(before) and isinstance(now, PLAIN) and now == before):
                continue
            if isinstance(now, PLAIN) and isinstance(before, PLAIN):
                yield slot, f"{slot.name} was {before!r} and is now {now!r}"
            else:
                yield slot, f"{slot.name} is another {type(now).__name__} than it was"
        for container, length, name in self.lengths:
            if len(container) != length:
                yield None, f"{name} had {length} entries and has now {len(container)}"


def explore(function: Callable[..., Any], changing: AbstractSet[tuple[int, Any]] = frozenset()) -> Environment:
    """Return what a function can reach. Optimizers are looked into last, so that a parameter has its module's name.

    changing: the places of numbers, by `Slot.identity`, that are known to change from step to step.
    """
    found = Environment()
    places: set[tuple[int, Any]] = set()
    seen: dict[int, Any] = {}  # with the objects themselves, so that none dies and leaves its identity to another
    pending: list[tuple[Any, Slot]] = [(function, Slot(None, None, "item", getattr(function, "__name__", "it")))]
    later: list[tuple[Any, Slot]] = []
    while pending or later:
        owner, where = pending.pop() if pending else later.pop()
        if id(owner) in seen:
            continue
        if isinstance(owner, Optimizer) and pending:
            later.append((owner, where))
            continue
        seen[id(owner)] = owner
        if len(seen) > LIMIT:
            raise CaptureError(f"the function reaches more than {LIMIT} objects; pass it what it needs")
        if hasattr(type(owner), "__next__") and not isinstance(owner, io.IOBase):
            raise CaptureError(
                f"{where.name} is an iterator, whose next() a replay would not call; take from it outside of the step, "
                "and pass what it gives as an argument"
            )
        note_length(found, owner, where)
        for slot in list(slots_of(owner, where, root=owner is function)):
            try:
                value = slot.get()
            except GONE:  # a variable of the closure that is not set yet
                continue
            if slot.identity in places:
                continue
            places.add(slot.identity)
            sort_in(found, slot, value, changing)
            if isinstance(owner, Tensor) and slot.key == "grad":
                if value is not None:
                    found.gradient_arrays.append(Slot(value, "_data", "attribute", slot.name))
            elif not isinstance(value, PLAIN) and not isinstance(value, np.ndarray):
                pending.append((value, slot))
    found.gradient_arrays = [
        slot for key, slot in {slot.identity: slot for slot in found.gradient_arrays}.items() if key not in places
    ]
    return found


def note_length(found: Environment, owner: Any, where: Slot) -> None:
    """Write down how many entries a container has, or an object attributes."""
    if isinstance(owner, list | dict | set | deque):
        found.lengths.append((owner, len(owner), where.name))
    elif is_instance(owner) and not isinstance(owner, tuple) and hasattr(owner, "__dict__"):
        found.lengths.append((vars(owner), len(vars(owner)), where.name))


def sort_in(found: Environment, slot: Slot, value: Any, changing: AbstractSet[tuple[int, Any]]) -> None:
    """Add one place to what a function reaches."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        found.arrays.append(slot)
    elif isinstance(slot.owner, Tensor) and slot.key == "grad":
        found.gradients.append(slot)
    elif isinstance(value, np.random.Generator):
        found.generators.append(slot)
    elif slot.identity in changing or is_setting(slot, value):
        found.numbers.append(slot)
    else:
        found.fixed.append((slot, value))


def is_setting(slot: Slot, value: Any) -> bool:
    """Return whether this is an optimizer's learning rate, which schedules change."""
    return isinstance(slot.owner, Optimizer) and slot.key == "learning_rate" and isinstance(value, int | float)


def slots_of(owner: Any, where: Slot, root: bool) -> Iterator[Slot]:
    """Yield the places within an object, which was found at a place itself."""
    name = where.name
    if isinstance(owner, Tensor):
        yield Slot(owner, "_data", "attribute", name)
        yield Slot(owner, "grad", "attribute", f"{name}.grad")
        yield Slot(owner, "node", "attribute", f"{name}.node")
    elif isinstance(owner, FunctionType):
        if root or not is_foreign(owner.__module__ or ""):
            yield from function_slots(owner)
    elif isinstance(owner, property):
        yield from (Slot(owner, part, "attribute", f"{name}.{part}") for part in ("fget", "fset"))
    elif isinstance(owner, staticmethod | classmethod):
        yield Slot(owner, "__func__", "attribute", name)
    elif isinstance(owner, type):
        if not is_foreign(owner.__module__):
            yield from class_slots(owner)
    elif isinstance(owner, MethodType):
        yield Slot(owner, "__self__", "attribute", type(owner.__self__).__name__)
        yield Slot(owner, "__func__", "attribute", owner.__name__)
    elif isinstance(owner, partial):
        yield Slot(owner, "func", "attribute", f"{name}.func")
        args = Slot(owner, "args", "attribute", f"{name}.args")
        yield from (Slot(args, i, "entry", f"{name}.args[{i}]") for i in range(len(owner.args)))
        yield from (Slot(owner.keywords, key, "item", f"{name}.{key}") for key in owner.keywords)
    elif isinstance(owner, tuple):
        yield from (Slot(where, i, "entry", f"{name}[{i}]") for i in range(len(owner)))
    elif isinstance(owner, list | deque):
        yield from (Slot(owner, i, "item", f"{name}[{i}]") for i in range(len(owner)))
    elif isinstance(owner, dict):
        yield from (Slot(owner, key, "item", f"{name}[{key!r}]") for key in owner)
    elif is_instance(owner):
        yield Slot(owner, "__class__", "attribute", type(owner).__name__)
        yield from (Slot(owner, key, "attribute", f"{name}.{key}") for key in attributes_of(owner))


def attributes_of(owner: Any) -> list[str]:
    """Return the names of an object's attributes, be they in its dict or in slots of its class."""
    names = list(vars(owner)) if hasattr(owner, "__dict__") else []
    for kind in type(owner).__mro__:
        declared = kind.__dict__.get("__slots__", ())
        names += [name for name in ([declared] if isinstance(declared, str) else declared) if name[:2] != "__"]
    return names


def class_slots(kind: type) -> Iterator[Slot]:
    """Yield the methods and other attributes of a class of the user's, and the classes that it is made from."""
    for key, value in vars(kind).items():
        if key[:2] != "__" or isinstance(value, FunctionType):
            yield Slot(vars(kind), key, "class", f"{kind.__name__}.{key}")
    for i, base in enumerate(kind.__bases__):
        if not is_foreign(base.__module__):
            yield Slot(kind.__bases__, i, "constant", base.__name__)


def function_slots(function: FunctionType) -> Iterator[Slot]:
    """Yield the variables of a function's closure, the globals that it names, its defaults and its code."""
    yield Slot(function, "__code__", "attribute", f"the code of {function.__name__}")
    for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        yield Slot(cell, variable, "cell", variable)
    names, attributes = names_in(function.__code__)
    modules = [cell.cell_contents for cell in function.__closure__ or () if has_module(cell)]
    for variable in sorted(names & function.__globals__.keys()):
        yield Slot(function.__globals__, variable, "item", variable)
        modules.append(function.__globals__[variable])
    for module in modules:
        if isinstance(module, ModuleType) and not is_foreign(module.__name__):
            for attribute in sorted(attributes & vars(module).keys()):
                yield Slot(module, attribute, "attribute", f"{module.__name__}.{attribute}")
    defaults = Slot(function, "__defaults__", "attribute", f"the defaults of {function.__name__}")
    yield defaults
    for key in function.__kwdefaults__ or {}:
        yield Slot(function.__kwdefaults__, key, "item", f"{key}, a default of {function.__name__}")


def has_module(cell: CellType) -> bool:
    """Return whether a variable of a closure is a module."""
    try:
        return isinstance(cell.cell_contents, ModuleType)
    except ValueError:  # not set yet
        return False


@lru_cache(maxsize=4096)
def names_in(code: CodeType) -> tuple[set[str], set[str]]:
    """Return the global variables and the attributes that a function reads, and the functions within it."""
    names = {step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"}
    attributes = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner, of_inner = names_in(constant)
            names |= inner
            attributes |= of_inner
    return names, attributes


@lru_cache(maxsize=4096)
def is_foreign(module: str) -> bool:
    """Return whether a module belongs to Python, to a library, or to the engine, whose functions hold no state."""
    parts = module.split(".")
    if parts[0] == ENGINE:
        return len(parts) < 3 or parts[1] in ROOMS
    if parts[0] in FOREIGN:
        return True
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    return "site-packages" in file or "dist-packages" in file


def is_instance(value: Any) -> bool:
    """Return whether to look into an object's attributes: those of modules, optimizers and the user's own classes."""
    if isinstance(value, ModuleType | type | FunctionType | MethodType | CellType | np.random.Generator | Opaque):
        return False
    if isinstance(value, BaseException) or not (hasattr(value, "__dict__") or hasattr(value, "__slots__")):
        return False
    parts = type(value).__module__.split(".")
    return (parts[0] not in FOREIGN or parts[0] in SETTINGS) and parts[:2] not in OPAQUE
