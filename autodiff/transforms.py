"""Functions of functions: the gradient of a function as a function. Arrays in, arrays out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autodiff.graph import modes
from autodiff.tensor import Tensor, gradients


def grad(function: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Return a function that computes the gradient of a scalar-valued `function` with respect to its arguments.

    argnums: which positional arguments, one (the gradient is returned) or several (a tuple of gradients is).
    Arrays in, arrays out; within another `grad`, or given Tensors that require a gradient, Tensors out, so that
    `grad(grad(f))` works. Integer arrays raise TypeError; Python numbers are taken as float32.
    """
    with_value = value_and_grad(function, argnums)
    return lambda *args, **keywords: with_value(*args, **keywords)[1]


def value_and_grad(function: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Return a function that computes the value and the gradient of a scalar-valued `function`; see `grad`."""
    positions = argnums if isinstance(argnums, tuple) else (argnums,)

    def with_gradient(*args: Any, **keywords: Any) -> tuple[Any, Any]:
        nested = modes.transforms > 0 or any(isinstance(value, Tensor) and value.requires_grad for value in args)
        chosen = [range(len(args))[i] for i in positions]  # counted from the end if negative
        variables = {i: variable(args[i]) for i in chosen}
        with transforming():
            output = function(*[variables.get(i, value) for i, value in enumerate(args)], **keywords)
        if not isinstance(output, Tensor) or output.size != 1:
            raise TypeError(f"grad needs a function that computes a scalar from its arguments, found {kind(output)}")
        found = differentiate(output, [variables[i] for i in chosen], nested)
        results = found if nested else [gradient.data for gradient in found]
        return output if nested else output.data, tuple(results) if isinstance(argnums, tuple) else results[0]

    return with_gradient


@contextmanager
def transforming() -> Iterator[None]:
    """Record while a function is being differentiated, whatever the mode outside; count how deep this is nested."""
    before, modes.grad_enabled = modes.grad_enabled, True
    modes.transforms += 1
    try:
        yield
    finally:
        modes.transforms -= 1
        modes.grad_enabled = before


def variable(value: Any) -> Tensor:
    """Return an argument as a Tensor to differentiate by: a leaf, or a new node on top of an outer transform's."""
    if isinstance(value, Tensor) and value.requires_grad:
        return +value
    return Tensor(value, requires_grad=True)


def differentiate(output: Tensor, variables: list[Tensor], create_graph: bool) -> list[Tensor]:
    """Return the gradient of a scalar with respect to each variable: zeros where it does not depend on one."""
    nodes = [value.node for value in variables if value.node is not None]
    found = {} if output.node is None else gradients(output, None, nodes, create_graph, create_graph)
    return [
        found[value.node] if value.node in found else Tensor(np.zeros(value.shape, value.dtype)) for value in variables
    ]


def kind(value: Any) -> str:
    """Return what a value is, for an error."""
    return f"{type(value).__name__} of shape {value.shape}" if hasattr(value, "shape") else type(value).__name__
