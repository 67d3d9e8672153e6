"""The registry of differentiable functions: what stands for each of NumPy's, and what is said where nothing does."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

functions: dict[Callable[..., Any], Callable[..., Any]] = {}
"""NumPy's functions and their differentiable counterparts; `declarations.py` fills it."""

other_keywords: dict[str, str] = {}
"""Other names of keywords, such as dim for axis; `aliases.py` fills it."""

of_methods: dict[tuple[np.ufunc, str], Callable[..., Any]] = {
    (np.add, "reduce"): np.sum,
    (np.multiply, "reduce"): np.prod,
    (np.maximum, "reduce"): np.max,
    (np.minimum, "reduce"): np.min,
    (np.add, "accumulate"): np.cumsum,
    (np.multiply, "accumulate"): np.cumprod,
}
"""The functions that methods of ufuncs are."""


class MissingRuleError(TypeError):
    """A NumPy function, or one of its arguments, has no derivative rule."""


def find(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the differentiable counterpart of a NumPy function.

    Raises MissingRuleError for a function without one.
    """
    try:
        return functions[function]
    except KeyError:
        why = COMPLEX if full_name(function).startswith("np.fft.") else "so it does not work on tensors"
        raise MissingRuleError(
            f"{full_name(function)} has no derivative rule, {why}; "
            "call it on t.data if no gradient has to flow through it"
        ) from None


def full_name(function: Callable[..., Any]) -> str:
    """Return the name under which a user knows a function: np.exp, np.linalg.inv, relu."""
    module = getattr(function, "__module__", "") or "numpy"  # ufuncs have no module
    prefix = f"{module.replace('numpy', 'np', 1)}." if module.split(".")[0] == "numpy" else ""
    return f"{prefix}{function.__name__}"


def translated(keywords: dict[str, Any]) -> dict[str, Any]:
    """Return keywords by the names that NumPy's functions and ours know."""
    return {other_keywords.get(name, name): value for name, value in keywords.items()}


COMPLEX = (
    "for it takes or makes complex numbers, which a tensor does not hold; np.fft.irfft and np.fft.hfft make real "
    "numbers of real ones, and a product with the cosines and sines of 2 pi k n / N makes the parts of a spectrum"
)
"""Why the other functions of np.fft have no rule, and what stands instead."""


def check_no_out(name: str, args: Sequence[Any], out: Any) -> None:
    """Raise MissingRuleError for out=, which is also what an array's own operators in place ask for."""
    target = out[0] if isinstance(out, tuple) else out
    if target is None:
        return
    if isinstance(target, np.ndarray) and args and args[0] is target:
        raise MissingRuleError(
            f"{name} would write a tensor into an array, where its gradient is lost; use the tensor's values, "
            "array += t.data, as in p.data -= lr * p.grad.data, or make a new tensor, a = a + t"
        )
    raise MissingRuleError(f"{name} cannot write into out= on tensors; use its value, y = {name}(...)")
