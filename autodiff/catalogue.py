"""A table of all functions that work on Tensors: `python -m autodiff.catalogue > docs/functions.md`."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

from autodiff import rules  # noqa: F401 - registers the functions
from autodiff.declarations import has_gradient, in_place
from autodiff.function import Function, RuleByPosition, Variadic
from autodiff.gradcheck import argument_name, variable_slots
from autodiff.registry import full_name, functions
from autodiff.rules.elementwise import DEPRECATED
from autodiff.samples import samples_of

ROOT = Path(__file__).parents[1]
HEAD = """# Functions

Every function that works on Tensors, made from the registry of derivative rules by `python -m autodiff.catalogue`.
The links lead to the rules. `adrun gradcheck` checks the gradients against numerical ones, on the given number of
sample calls. `np.fix`, which is deprecated from NumPy 2.5 on, works with NumPy 2.4 alone and is not listed: `np.trunc`
is the same.

| function | gradient for | orders checked | sample calls | notes |
| --- | --- | --- | ---: | --- |
"""


def catalogue() -> str:
    """Return the table as Markdown, the functions in the order of their names."""
    lines = sorted(line for function in functions if function not in DEPRECATED for line in row(function))
    return HEAD + "\n".join(lines) + "\n"


def row(function: Callable[..., Any]) -> Iterator[str]:
    """Yield the row of a function that users call; the parts others are made of have none."""
    if full_name(function).startswith("np.") or is_public(function):
        name = full_name(function) if full_name(function).startswith("np.") else spoken(function)
        samples = len(samples_of(function))
        checked = f"1, 2 | {samples}" if samples else " | "
        yield f"| `{name}` | {gradient_arguments(function)} | {checked} | {manner(function)} |"


def is_public(function: Callable[..., Any]) -> bool:
    """Return whether a function that is not NumPy's is called by users."""
    from autodiff import functional

    return getattr(functional, function.__name__, None) is function or function.__module__ == "_operator"


def spoken(function: Callable[..., Any]) -> str:
    """Return how users write a function of ours or of Python's."""
    return {"getitem": "t[index]", "setitem": "t[index] = value"}.get(function.__name__, f"F.{function.__name__}")


def gradient_arguments(function: Callable[..., Any]) -> str:
    """Return the names of the arguments that have a gradient."""
    if not has_gradient(function):
        return "values written" if function in in_place else "none"
    made = functions[function]
    if isinstance(made, Function) and not isinstance(made, Variadic):
        return ", ".join(linked(name, rule.vjp) for name, rule in made.rules.items())
    found = {
        argument_name(made, i): None for sample in samples_of(function) for i, _ in variable_slots(sample.arguments)
    }
    return ", ".join(found)


def manner(function: Callable[..., Any]) -> str:
    """Return where the gradient comes from."""
    if function in in_place:
        return "written by `t[index] = value`"
    if not has_gradient(function):
        return "integers, booleans or constants"
    made = functions[function]
    if isinstance(made, Variadic) and isinstance(made.rules, RuleByPosition):
        return linked("a rule", made.rules.vjp)
    return "a rule" if isinstance(made, Function) else linked("composed", made) + " of functions with rules"


def linked(text: str, written: Callable[..., Any]) -> str:
    """Return a link to the line where a rule or a function is written."""
    function: Any = written
    while is_ours(getattr(function, "__wrapped__", None)):
        function = function.__wrapped__
    assert is_ours(function), f"{function!r} has no lines in this package"
    code = function.__code__
    return f"[{text}](../{Path(code.co_filename).relative_to(ROOT).as_posix()}#L{code.co_firstlineno})"


def is_ours(function: Any) -> bool:
    """Return whether this is a function that is written in this package; some of ours wrap one of NumPy's."""
    return isinstance(function, FunctionType) and Path(function.__code__.co_filename).is_relative_to(ROOT / "autodiff")


if __name__ == "__main__":
    print(catalogue(), end="")
