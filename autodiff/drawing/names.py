"""What the user calls things: the variables that hold them, and the names of parameters in their modules."""

import inspect
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

import numpy as np

from autodiff.drawing.picture import Place
from autodiff.graph import Node
from autodiff.modules.module import Module
from autodiff.tensor import Tensor


class Names:
    """The names of nodes, arrays and modules, as far as variables tell them."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self.nodes: dict[Node, str] = {}
        self.arrays: dict[int, str] = {}
        self.modules: dict[int, Place] = {}
        self.parameters: dict[Node, tuple[str, Place]] = {}
        self.values: dict[Node, Any] = {}
        for name, value in variables.items():
            if isinstance(value, Tensor):
                self.arrays.setdefault(id(value._data), name)
                if value.node is not None:
                    self.nodes.setdefault(value.node, name)
                    self.values[value.node] = value._data
            elif isinstance(value, np.ndarray):
                self.arrays.setdefault(id(value), name)
        for name, value in variables.items():
            if isinstance(value, Module):
                self.note_module(value, f"{name}: {type(value).__name__}")

    def note_module(self, module: Module, title: str) -> None:
        """Name a module, the modules in it and their parameters, unless it is named already."""
        if id(module) in self.modules:
            return
        self.note_within(module, (title,))

    def note_within(self, module: Module, place: Place) -> None:
        """Name what is in a module."""
        self.modules[id(module)] = place
        for name, part in module.members():
            if isinstance(part, Module):
                if id(part) not in self.modules:
                    self.note_within(part, (*place, f"{name}: {type(part).__name__}"))
            elif part.node is not None:
                self.parameters.setdefault(part.node, (name, place))

    def place_of(self, modules: list[Module]) -> Place:
        """Return the place of what is computed within these modules; those without a name are known by their class."""
        if not modules:
            return ()
        self.note_module(modules[0], type(modules[0]).__name__)
        place: Place = ()
        for module in modules:
            if id(module) not in self.modules:
                self.note_within(module, (*place, type(module).__name__))
            place = self.modules[id(module)]
        return place


def variables_of(frame: FrameType | None, function: Callable[..., Any] | None = None) -> dict[str, Any]:
    """Return what the variables hold that a function and the code that calls `draw` can see."""
    found: dict[str, Any] = {}
    if function is not None and inspect.isfunction(function):
        seen = inspect.getclosurevars(function)
        found |= {**seen.globals, **seen.nonlocals}
    return {**(dict(frame.f_locals) if frame is not None else {}), **found}
