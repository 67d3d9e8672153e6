"""What happens in a computation, noted as it happens: each value, its gradient and the modules at work."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from autodiff.anomaly import user_line
from autodiff.graph import Node
from autodiff.modes import modes
from autodiff.modules.module import Module
from autodiff.tensor import Tensor

FEW = 6
"""Numbers of an array that can be read in a picture."""


@dataclass(slots=True)
class Step:
    """One operation: what it made, what from, where, and within which modules, outermost first."""

    parents: Mapping[Any, Node]
    value: str
    arrays: Sequence[Any]
    keywords: Mapping[str, Any]
    modules: list[Module]
    line: str


class Trace:
    """A watch that keeps what a picture needs. Values are kept as text, for an array may change afterwards."""

    def __init__(self) -> None:
        self.steps: dict[Node, Step] = {}
        self.gradients: dict[Node, Any] = {}

    def computed(self, name: str, arrays: Sequence[Any], out: Any) -> None:
        """Note nothing of a result; see `made`."""

    def made(self, node: Node, out: Any, arrays: Sequence[Any], keywords: Mapping[str, Any]) -> None:
        """Note an operation."""
        self.steps[node] = Step(node.parents, in_short(out), arrays, keywords, running_modules(), user_line())

    def gradient(self, node: Node, argument: Any, gradient: Any) -> None:
        """Add up the gradient of an argument."""
        parent = node.parents[argument]
        array = gradient._data if isinstance(gradient, Tensor) else gradient
        self.gradients[parent] = self.gradients[parent] + array if parent in self.gradients else array

    def parents_of(self, node: Node) -> Mapping[Any, Node]:
        """Return what a node was made from, though a backward pass may have freed that."""
        return self.steps[node].parents if node in self.steps else node.parents


@contextmanager
def watched_by(trace: Trace) -> Iterator[None]:
    """Compute with gradients, and let a trace see all."""
    token = modes.set(modes.get()._replace(grad_enabled=True, watch=trace))
    try:
        yield
    finally:
        modes.reset(token)


def running_modules() -> list[Module]:
    """Return the modules whose calls are running, outermost first."""
    found = []
    frame = sys._getframe(1)
    while frame.f_back is not None:
        if frame.f_code is Module.__call__.__code__:
            found.append(frame.f_locals["self"])
        frame = frame.f_back
    return found[::-1]


def in_short(array: Any) -> str:
    """Return the numbers of an array, if they are few."""
    array = np.asarray(array)
    if array.size > FEW:
        return ""
    number = {"float_kind": lambda number: f"{number:.4g}"}
    return np.array2string(array, separator=", ", formatter=number).replace("\n", "")  # type: ignore[arg-type]
