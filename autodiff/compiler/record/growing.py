"""Lists that a step appends to in every call, such as a log of losses: a replay appends too."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from autodiff.compiler.record.errors import refusal


@dataclass(eq=False, slots=True)
class Appended:
    """What a step appends to a list or a deque: a tree with Values for arrays."""

    target: Any
    name: str
    part: Any


def refused(action: str) -> Callable[..., Any]:
    """Return a method that refuses to do anything but append."""

    def refuse(self: "Growing", *args: Any) -> Any:
        raise refusal(
            f"{action} {self.name}, a {type(self.target).__name__} that the step appends to,",
            "keep what the step needs of it in a variable of its own, or append outside of the step",
        )

    return refuse


class Growing:
    """Stands for a list or a deque while a step is recorded that has been seen to append to it, and may do no more."""

    def __init__(self, target: Any, name: str) -> None:
        self.target = target
        self.name = name
        self.added: list[Any] = []

    @property
    def __class__(self) -> type:
        """What it stands for."""
        return type(self.target)

    @__class__.setter
    def __class__(self, value: type) -> None:
        raise TypeError("a recorded list stays what it is")

    def append(self, value: Any) -> None:
        """Append one value."""
        self.added.append(value)

    def extend(self, values: Iterable[Any]) -> None:
        """Append several values."""
        self.added += values

    def __add__(self, values: Any) -> Any:
        return refused("reading")(self)

    def __iadd__(self, values: Any) -> Any:
        self.extend(values)
        return self

    __len__, __bool__ = refused("the length of"), refused("the length of")
    __iter__, __reversed__, __getitem__, __contains__, __array__ = (refused("reading") for _ in range(5))
    __radd__, __mul__, __eq__, __str__, __format__ = (refused("reading") for _ in range(5))
    __lt__, __le__, __gt__, __ge__ = (refused("comparing") for _ in range(4))
    __reduce_ex__ = refused("copying")
    __setitem__, __delitem__ = refused("changing"), refused("changing")
    __hash__ = None  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        if not hasattr(type(self.target), name):
            raise AttributeError(name)
        return refused(f".{name} of")(self)


Sequence.register(Growing)  # so that `match` asks for its length
