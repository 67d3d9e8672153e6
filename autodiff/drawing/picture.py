"""What a picture shows: boxes and the arrows between them."""

from dataclasses import dataclass, field
from typing import Literal

Place = tuple[str, ...]
"""The modules around a box, outermost first."""


@dataclass(frozen=True, slots=True)
class Box:
    """A value: an input, a parameter, what an operation made, or all that a module computes.

    title: the name of a parameter or an input, or the function. name: the variable that holds the value, if any.
    kind_of_array, value, gradient: dtype and shape, numbers if there are few, the gradient alike. line: where it was
    computed.
    """

    kind: Literal["input", "parameter", "operation", "module"]
    title: str
    name: str = ""
    kind_of_array: str = ""
    value: str = ""
    gradient: str = ""
    line: str = ""
    place: Place = ()


@dataclass(frozen=True, slots=True)
class Arrow:
    """That one box is computed from another, as this argument of its function."""

    start: int
    end: int
    argument: str


@dataclass(slots=True)
class Picture:
    """Boxes by their keys, in the order in which they were computed, and arrows between keys."""

    boxes: dict[int, Box] = field(default_factory=dict)
    arrows: list[Arrow] = field(default_factory=list)
