"""Slot: a place that holds an object, which can be read, written and named in the code of a guard or a program."""

from collections.abc import Callable
from dataclasses import dataclass
from keyword import iskeyword
from typing import Any, Literal

from autodiff.tensor import Tensor, wrap
from autodiff.trees import parts

Identity = tuple[int, Any]
"""What tells a place from others."""
GONE = (AttributeError, KeyError, IndexError, ValueError)
"""What reading a place raises that is not there any more."""


WITHIN = ("entry", "part")
"""How a place is reached whose owner is a place itself."""


class Shadow:
    """What is in the place of a function or a module while a step is recorded; `shadows.py` has those there are."""

    def __init__(self, original: Any) -> None:
        self.original = original


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that holds an object: an attribute, an item of a list or dict, or a variable of a closure.

    An "entry" is that of a tuple, whose own place is the owner; a "part" is the same, or an item of a list or
    dict, where there is another one in every call; "class" is an attribute of a class as it stands there,
    not as an object sees it; "builtin" is a name that a function, the owner, finds among Python's own unless a global
    variable comes before it; "constant" cannot change.
    """

    owner: Any
    key: Any
    access: Literal["attribute", "item", "entry", "part", "cell", "class", "builtin", "constant"]
    name: str

    def get(self) -> Any:
        """Return what the place holds. Raises AttributeError, KeyError, IndexError or ValueError if it is gone."""
        value = self.read()
        return value.original if issubclass(type(value), Shadow) else value

    def read(self) -> Any:
        """Return what the place holds, be it a shadow."""
        if self.access == "attribute":
            return getattr(self.owner, self.key)
        if self.access in WITHIN:
            try:
                return self.owner.get()[self.key]
            except TypeError:  # there is something of another structure now
                raise KeyError(self.key) from None
        if self.access == "class":
            return vars(self.owner)[self.key]
        if self.access == "builtin":
            return self.owner.__globals__.get(self.key, self.owner.__builtins__.get(self.key))
        return self.owner.cell_contents if self.access == "cell" else self.owner[self.key]

    def set(self, value: Any) -> None:
        """Put something else there; a tuple is replaced by one with another entry."""
        if self.access in ("attribute", "class"):
            try:
                setattr(self.owner, self.key, value)
            except AttributeError:  # of a frozen dataclass, or where a property stands before it
                if self.key in getattr(self.owner, "__dict__", ()):
                    vars(self.owner)[self.key] = value
                else:
                    object.__setattr__(self.owner, self.key, value)
        elif self.access == "item":
            self.owner[self.key] = value
        elif self.access in WITHIN and not isinstance(self.owner.get(), tuple):
            self.owner.get()[self.key] = value
        elif self.access in WITHIN:
            before = self.owner.get()
            entries = [*before[: self.key], value, *before[self.key + 1 :]]
            self.owner.set(type(before)(*entries) if hasattr(type(before), "_fields") else type(before)(entries))
        elif self.access == "cell":
            self.owner.cell_contents = value
        elif self.access == "builtin" and isinstance(value, Shadow):
            self.owner.__globals__[self.key] = value
        elif self.access == "builtin":
            self.owner.__globals__.pop(self.key, None)
        else:
            raise TypeError(f"{self.name} cannot be changed")

    def source(self, name: Callable[[Any], str]) -> str:
        """Return the expression that reads the place, in Python. `name` gives an object the name it has there."""
        if self.access == "builtin":
            names, builtins = name(self.owner.__globals__), name(self.owner.__builtins__)
            return f"{names}.get({self.key!r}, {builtins}.get({self.key!r}))"
        if self.access in WITHIN:
            owner = self.owner.source(name)
        else:
            owner = name(vars(self.owner) if self.access == "class" else self.owner)
        if self.access == "attribute":
            return f"{owner}.{self.key}" if is_written_plainly(self.key) else f"getattr({owner}, {self.key!r})"
        if self.access == "cell":
            return f"{owner}.cell_contents"
        return f"{owner}[{repr(self.key) if type(self.key) in (int, str) else name(self.key)}]"

    def assignment(self, name: Callable[[Any], str], value: str) -> str:
        """Return the statement that puts the value of an expression there, in Python."""
        if self.access == "class" or (self.access == "attribute" and not is_written_plainly(self.key)):
            return f"setattr({name(self.owner)}, {self.key!r}, {value})"
        if self.access in WITHIN:
            return f"{name(self)}.set({value})"
        return f"{self.source(name)} = {value}"

    @property
    def identity(self) -> Identity:
        """What tells the place from others: the same for an attribute of a module and for the global variable it is."""
        if self.access in WITHIN:
            return self.owner.identity[0], (self.owner.identity[1], self.key)
        if self.access == "attribute" and self.key in getattr(self.owner, "__dict__", ()):
            return id(vars(self.owner)), self.key
        return id(self.owner.__globals__ if self.access == "builtin" else self.owner), self.key


@dataclass(frozen=True, slots=True)
class TensorSlot(Slot):
    """The array of the Tensor in a place that is given another Tensor in every step, one without its graph."""

    def get(self) -> Any:
        """Return the array. Raises ValueError if there is no Tensor any more."""
        tensor = Slot.get(self)
        if not isinstance(tensor, Tensor):
            raise ValueError(f"{self.name} is no Tensor")
        return tensor._data

    def set(self, value: Any) -> None:
        """Put a new Tensor there, around another array."""
        Slot.set(self, wrap(value, None))

    def source(self, name: Callable[[Any], str]) -> str:
        """Return the expression that reads the array."""
        return f"{Slot.source(self, name)}._data"

    def assignment(self, name: Callable[[Any], str], value: str) -> str:
        """Return the statement that puts a new Tensor there, around the value of an expression."""
        return Slot(self.owner, self.key, self.access, self.name).assignment(name, f"{name(wrap)}({value}, None)")


@dataclass(frozen=True, slots=True)
class KeptTensorSlot(TensorSlot):
    """The same, of a Tensor that the step gives another array itself, by `t.data = array` or `t[i] = array`."""

    def set(self, value: Any) -> None:
        """Give the Tensor there another array."""
        Slot.get(self)._data = value

    def assignment(self, name: Callable[[Any], str], value: str) -> str:
        """Return the statement that does so."""
        return f"{self.source(name)} = {value}"


@dataclass(frozen=True, slots=True)
class BatchSlot(Slot):
    """The structure of the list, tuple or dict in a place that is given another one in every step."""

    def get(self) -> Any:
        """Return the structure."""
        return structure_of(Slot.get(self))

    def source(self, name: Callable[[Any], str]) -> str:
        """Return the expression that makes it."""
        return f"{name(structure_of)}({Slot.source(self, name)})"


structures: dict[Any, Any] = {}


def structure_of(batch: Any) -> Any:
    """Return what tells lists, tuples and dicts of other classes, lengths or keys apart: the same object if alike."""
    held = parts(batch)
    structure = type(batch), None if held is None else tuple((type(key), repr(key), key) for key in held)
    return structures.setdefault(structure, structure)


class Absence:
    """That something is not there, for now: a place of which to tell whether it still is so."""

    def __init__(self, is_so: Callable[[], bool]) -> None:
        self.is_so = is_so

    @property
    def lasts(self) -> bool:
        """Whether it still is not there."""
        return self.is_so()


def absence(of: str, is_so: Callable[[], bool]) -> Slot:
    """Return the place that holds True as long as something is not there."""
    return Slot(Absence(is_so), "lasts", "attribute", f"that {of} is not there")


def is_gone(slot: Slot) -> bool:
    """Return whether there is nothing in a place."""
    try:
        slot.get()
    except GONE:
        return True
    return False


def is_variable(slot: Slot) -> bool:
    """Return whether a place is a variable of a closure, a global one, or a name that Python knows."""
    return slot.access in ("cell", "builtin") or (slot.access == "item" and "__name__" in slot.owner)


def is_written_plainly(attribute: str) -> bool:
    """Return whether an attribute can be written after a dot. Of letters beyond ASCII Python may make others there."""
    return attribute.isascii() and attribute.isidentifier() and not iskeyword(attribute)


def present(slot: Slot) -> Any:
    """Return what a place holds; None if it is gone."""
    try:
        return slot.get()
    except GONE:
        return None
