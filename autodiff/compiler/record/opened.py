"""Objects that do nothing but hold, as a batch or metrics in a dataclass do: opened, they are trees like named tuples.

An argument is opened where each call is given another object of its class, and what a step returns or appends where
recorded arrays are in it.
"""

from abc import ABCMeta
from collections.abc import Iterator
from functools import cached_property, lru_cache
from types import SimpleNamespace
from typing import Any, ClassVar

from autodiff.compiler.record.kinds import is_constant, is_trusted_class, native_base
from autodiff.trees import Tree, mapped, parts, rebuilt

OWN_WAYS = ("__getattribute__", "__getattr__", "__setattr__", "__delattr__", "__del__")
"""Methods by which an object may do more than hold its attributes."""
OF_PYTHON = ("types.SimpleNamespace", "argparse.Namespace", "argparse._AttributeHolder", "typing.Generic", "abc.ABC")
"""Classes of Python's own whose objects do no more than that."""


class Opened(tuple[Any, ...]):
    """What an object holds, by the names of its attributes. kind: its class. origin: the object, if there is one."""

    kind: ClassVar[type]
    _fields: ClassVar[tuple[str, ...]]
    origin: Any = None

    def __new__(cls, *held: Any) -> "Opened":
        """Take what is held one by one, as a named tuple does."""
        return super().__new__(cls, held)

    @classmethod
    def make(cls, *held: Any) -> Any:
        """Return an object that holds this."""
        make: Any = native_base(cls.kind).__new__
        made = make(cls.kind)
        for name, part in zip(cls._fields, held, strict=True):
            object.__setattr__(made, name, part)
        return made


@lru_cache(maxsize=1024)
def opened_class(kind: type, names: tuple[str, ...]) -> type[Opened]:
    """Return the class of opened objects that hold something by these names."""
    attributes: dict[str, Any] = {"kind": kind, "_fields": names}
    return type(kind.__name__, (Opened,), attributes)


@lru_cache(maxsize=1024)
def only_holds(kind: type) -> bool:
    """Return whether the objects of a class are no more than what they hold."""
    if type(kind) not in (type, ABCMeta) or native_base(kind) not in (object, SimpleNamespace):
        return False
    bases = [base for base in kind.__mro__[:-1] if f"{base.__module__}.{base.__qualname__}" not in OF_PYTHON]
    if any(map(is_trusted_class, bases)):
        return False
    is_frozen = getattr(getattr(kind, "__dataclass_params__", None), "frozen", False)
    own = {way for base in bases for way in OWN_WAYS if way in vars(base)}
    return not own or (is_frozen and own == {"__setattr__", "__delattr__"})


def contents(thing: Any) -> dict[str, Any] | None:
    """Return what an object holds, by name, if its class does no more than that; None of anything else."""
    try:
        return attributes_of(thing)
    except Exception:  # of an object that is not to be looked at
        return None


def attributes_of(thing: Any) -> dict[str, Any] | None:
    """Return the same, or raise what the object does."""
    kind: type = type(thing)
    if is_constant(thing) or not only_holds(kind):
        return None
    slots = [name for base in kind.__mro__ for name in slots_of(base)]
    if not all(hasattr(thing, name) for name in slots):
        return None
    held = {name: getattr(thing, name) for name in slots} | getattr(thing, "__dict__", {})
    return {name: part for name, part in held.items() if not is_cached(kind, name)}


def slots_of(kind: type) -> list[str]:
    """Return the names of the attributes that a class keeps outside of a dict."""
    slots = vars(kind).get("__slots__", ())
    return [name for name in ([slots] if isinstance(slots, str) else slots) if name not in ("__dict__", "__weakref__")]


def is_cached(kind: type, name: str) -> bool:
    """Return whether an attribute is there only because a property has been asked for."""
    return isinstance(getattr(kind, name, None), cached_property)


def opened(thing: Any) -> Any:
    """Return what an object holds as a tree; anything that does more than hold as it is."""
    held = contents(thing)
    if held is None:
        return thing
    kind: type = type(thing)
    tree = opened_class(kind, tuple(held))(*(mapped(part, opened) for part in held.values()))
    tree.origin = thing
    return tree


def closed(tree: Tree) -> Tree:
    """Return a tree with objects in place of those that were opened: themselves, where nothing in them was changed."""
    held = parts(tree)
    if held is None:
        return tree
    if isinstance(tree, Opened):
        return tree.make(*map(closed, tree)) if tree.origin is None else tree.origin
    return rebuilt(tree, {key: closed(part) for key, part in held.items()})


def opened_in(tree: Tree) -> Iterator[Opened]:
    """Yield what is opened in a tree."""
    if isinstance(tree, Opened):
        yield tree
    for part in (parts(tree) or {}).values():
        yield from opened_in(part)


def opened_like(result: Any, model: Tree) -> Any:
    """Return what a call returned with those objects opened that are in the tree of another call's result."""
    if isinstance(model, Opened) and type(result) is model.kind:
        return opened(result)
    held, others = parts(result), parts(model)
    if held is None or others is None or [*held] != [*others]:
        return result
    return rebuilt(result, {key: opened_like(part, others[key]) for key, part in held.items()})
