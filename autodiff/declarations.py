"""Declaring derivatives: `rule`, `differentiable`, `composed` and `no_gradient` put functions into the registry."""

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import partial, wraps
from typing import Any, TypeVar

import numpy as np

from autodiff.arrays import as_array
from autodiff.function import Function, P, R, Variadic
from autodiff.modes import modes
from autodiff.registry import check_no_out, full_name, functions
from autodiff.signatures import VJP
from autodiff.tensor import Tensor, holds_tensor, wrap
from autodiff.trees import flatten, mapped

F = TypeVar("F", bound=Callable[..., Any])


def rule(
    function: Callable[..., Any],
    /,
    *,
    forward: Callable[..., Any] | None = None,
    accepts: Sequence[str] = (),
    kind: type[Function[..., Any]] = Function,
    **vjps: VJP,
) -> Function[..., Any]:
    """Give a NumPy function its derivative rules: `rule(np.exp, x=lambda g, out: g * out)`.

    forward: what to compute on arrays, if not the function itself. kind: of Function, if it is one of its own.
    Raises TypeError for a function whose rule nothing would call; see `differentiable`.

    >>> _ = ad.rule(np.exp, x=lambda g, out: g * out)
    >>> ad.grad(np.exp)(np.array(0.0))
    array(1.)
    """
    check_dispatched(function)
    functions[function] = made = kind(forward or function, vjps, accepts)
    made.name = full_name(function)
    return made


def check_dispatched(function: Callable[..., Any]) -> None:
    """Raise TypeError unless calls of a function on Tensors come to the engine: NumPy's that dispatch, and indexing."""
    if not isinstance(function, np.ufunc | type(np.sum)) and function not in (operator.getitem, operator.setitem):
        raise TypeError(
            f"{getattr(function, '__name__', function)} is not one of the functions that NumPy hands to tensors, and "
            "nothing would call its rule; put @ad.differentiable(x=...) above a function of your own, and call that"
        )


def variadic_rule(function: Callable[..., Any], vjp: VJP) -> Variadic:
    """Give a function of any number of arrays its derivative rule."""
    functions[function] = made = Variadic(function, vjp)
    return made


def differentiable(*, accepts: Sequence[str] = (), **vjps: VJP) -> Callable[[Callable[P, R]], Function[P, R]]:
    """Decorate a function of arrays with its derivative rules: `@differentiable(x=lambda g, out: g * (out > 0))`.

    >>> @ad.differentiable(x=lambda g, x: 2 * g * x)
    ... def square(x):
    ...     return x * x
    >>> ad.grad(square)(np.array(3.0))
    array(6.)
    """

    def decorate(forward: Callable[P, R]) -> Function[P, R]:
        made = Function(forward, vjps, accepts)
        functions[made] = made
        return made

    return decorate


def composed(*numpy_functions: Callable[..., Any], weak: bool = False) -> Callable[[F], F]:
    """Decorate the definition of NumPy functions, or of one of our own, by others that have rules.

    Where no gradient flows, NumPy's function itself runs: its values, its dtypes, and every argument it knows.
    weak: whether Python's numbers take a floating-point tensor's dtype where NumPy makes float64 arrays of them.
    """

    def decorate(definition: F) -> F:
        for function in numpy_functions:
            check_dispatched(function)
            functions[function] = numpys_own(function, definition, weak)
        if not numpy_functions:
            functions[definition] = definition
        return definition

    return decorate


def numpys_own(function: Callable[..., Any], definition: Callable[..., Any], weak: bool) -> Callable[..., Any]:
    """Return what calls a NumPy function's definition where a gradient has to flow, and the function elsewhere.

    Where NumPy returns a window on an argument, the definition makes it again, for it knows whose window it is.
    """

    @wraps(definition)
    def call(*args: Any, **keywords: Any) -> Any:
        values = (*args, *keywords.values())
        tensors = tensors_in(values)
        if (modes.get().grad_enabled and any(one.node is not None for one in tensors)) or (
            weak and any(one.dtype.kind == "f" for one in tensors)
        ):
            out = definition(*args, **keywords)
            return wrap(out, None) if isinstance(out, np.ndarray) else out  # it depends on none of the tensors
        found = apply_without_gradient(function, *args, **keywords)
        is_window = any(shows(part._data, one._data) for part in tensors_in((found,)) for one in tensors)
        return definition(*args, **keywords) if is_window else found

    return call


def tensors_in(values: Iterable[Any]) -> list[Tensor]:
    """Return the Tensors among values, and in the lists, tuples and dicts among them."""
    return [leaf for leaf in flatten([*values]) if isinstance(leaf, Tensor)]


def shows(array: Any, source: Any) -> bool:
    """Return whether an array is another or a window on it; of a recorded one, whether it is one on anything."""
    if array is source:
        return True
    return array.base is not None and (type(array) is not np.ndarray or np.may_share_memory(array, source))


def writing(function: Callable[..., Any]) -> Callable[[F], F]:
    """Decorate the definition, by `t[index] = value`, of a NumPy function that writes into its argument."""
    check_dispatched(function)
    in_place.add(function)

    def decorate(definition: F) -> F:
        functions[function] = definition
        return definition

    return decorate


in_place: set[Callable[..., Any]] = set()


def no_gradient(*numpy_functions: Callable[..., Any]) -> Callable[..., Any]:
    """Declare functions through which no gradient flows: those that answer with integers, booleans or constants.

    Returns the last of them, to call on Tensors.
    """
    for function in numpy_functions[:-1]:
        check_dispatched(function)
    for function in numpy_functions:
        functions[function] = partial(apply_without_gradient, function)
    return functions[numpy_functions[-1]]


def has_gradient(function: Callable[..., Any]) -> bool:
    """Return whether gradients flow from the arguments of a registered function to its value."""
    made = functions[function]
    return function not in in_place and not (isinstance(made, partial) and made.func is apply_without_gradient)


def apply_without_gradient(function: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
    """Return a function of the Tensors' arrays as a Tensor that requires no gradient, or as what else it returns."""
    further = args[function.nin :] if isinstance(function, np.ufunc) else ()
    check_no_out(full_name(function), args, keywords.get("out") if not further else further[0])
    out = function(*map(arrays_of, args), **{name: arrays_of(value) for name, value in keywords.items()})
    return constants(out, function)


def arrays_of(value: Any) -> Any:
    """Return a Tensor's array, nested lists and tuples with the arrays of their Tensors, anything else as it is."""
    if isinstance(value, Tensor):
        return value._data
    return mapped(value, arrays_of) if holds_tensor(value) else value


def constants(out: Any, function: Callable[..., Any]) -> Any:
    """Return what a NumPy function returned with its arrays, in lists and tuples too, as Tensors without a gradient."""

    def made(part: Any) -> Any:
        if not isinstance(part, np.ndarray | np.generic):
            return part
        array = as_array(part)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{full_name(function)} made {array.dtype}, through which no gradient flows")
        watch = modes.get().watch
        if watch is not None:
            watch.computed(full_name(function), [], array)
        return wrap(array, None)

    return mapped(out, made)
