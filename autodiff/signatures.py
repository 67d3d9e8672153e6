"""What the signatures of functions and of their rules tell. They are read once, at registration."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

VJP = Callable[..., Any]
"""A vector-Jacobian product: takes `g`, and what else it names."""


def read_signature(forward: Callable[..., Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the names of a function's arguments and the defaults of those that have one."""
    if isinstance(forward, np.ufunc):
        return ("x",) if forward.nin == 1 else ("a", "b"), {}
    parameters = [p for p in inspect.signature(forward).parameters.values() if p.kind is not p.VAR_POSITIONAL]
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    defaults = {name: False if name == "keepdims" else value for name, value in defaults.items()}
    return tuple(p.name for p in parameters), defaults


def read_needs(vjp: VJP) -> tuple[str, ...]:
    """Return the names of what a rule needs besides `g`."""
    names = tuple(inspect.signature(vjp).parameters)
    assert names[:1] == ("g",), f"a derivative rule takes g first, found {names}"
    return names[1:]
