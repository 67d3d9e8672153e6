"""Branches that a step takes by counters, and floats among its arguments: they can be told before a replay."""

import math
import operator
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import numpy as np

from autodiff.compiler.record.slot import GONE, Slot
from autodiff.compiler.record.trace import Call, Value
from autodiff.trees import flatten, mapped

DECIDING: dict[Callable[[Any], Any], str] = {
    bool: "a branch", int: "int()", operator.index: "an index or a length", hash: "a look into a dict or a set",
    type: "a type",
}  # fmt: skip
"""What a number may be asked for, in words."""
OF_ONE_TYPE = {
    operator.truediv, operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne,
    np.divide, np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal,
    *(part for name, part in vars(math).items() if callable(part) and name not in ("prod", "sumprod")),
}  # fmt: skip
"""Functions whose result has one type, be the numbers that they are given ints or floats."""


@dataclass(eq=False, slots=True)
class Branch:
    """What a step asked of a number: `ask(number)` was `answer`, at a line; `calls` compute it from these.

    The calls are those that were made since the branch before.
    """

    number: Value
    ask: Callable[[Any], Any]
    answer: Any
    line: str
    calls: list[Call]


def may_change_type(call: Call, unsure: AbstractSet[Value]) -> bool:
    """Return whether a number that a call returns is an int for some values and a float for others.

    unsure: the numbers of which that is known.
    """
    if call.function in (min, max):
        parts = flatten(call.args)
        return len({kind_of(part) for part in parts}) > 1 or not unsure.isdisjoint(parts)
    if call.function is operator.pow and isinstance(call.args[1], Value):  # 2 ** -1 is a float
        return all(kind_of(part) in ("b", "i") for part in call.args if part not in unsure)
    return depends_on_types(call, unsure)


def depends_on_types(call: Call, unsure: AbstractSet[Value]) -> bool:
    """Return whether a call makes something of another dtype if numbers among its arguments are of another type."""
    parts = flatten((call.args, call.keywords))
    if unsure.isdisjoint(call.operands()) or call.function in OF_ONE_TYPE:
        return False
    computes = isinstance(call.function, np.ufunc) or getattr(operator, call.function.__name__, None) is call.function
    return not computes or not any(kind_of(part) in ("f", "c") for part in parts if part not in unsure)


def kind_of(part: Any) -> str:
    """Return the kind of dtype that a number or an array has; nothing for anything else."""
    if isinstance(part, Value):
        return part.dtype.kind
    return np.dtype(type(part)).kind if isinstance(part, int | float | complex | np.generic) else ""


def operands(calls: list[Call]) -> list[Value]:
    """Return what calls are given."""
    return [value for call in calls for value in call.operands()]


class Branches:
    """Those that one recorded run of a step took."""

    def __init__(self, branches: list[Branch], numbers: Iterable[tuple[Slot, Value]]) -> None:
        self.branches = branches
        self.numbers = list(numbers)
        self.written_out: Callable[[], bool] | None = None

    def hold(self) -> bool:
        """Return whether a call would take the same branches now."""
        self.written_out = self.written_out or self.write_out()
        return self.written_out()

    def write_out(self) -> Callable[[], bool]:
        """Return the function that tells whether they hold, written as a guard is: it is asked before every replay."""
        constants: dict[str, Any] = {"GONE": GONE}

        def text(part: Any) -> str:
            if isinstance(part, Value):
                return f"v{id(part)}"
            if isinstance(part, list | tuple):
                items = "".join(f"{text(each)}, " for each in part)
                return f"[{items}]" if isinstance(part, list) else f"({items})"
            constants[f"x{id(part)}"] = part
            return f"x{id(part)}"

        used = {value for branch in self.branches for value in (branch.number, *operands(branch.calls))}
        lines = ["def hold():", " try:", "  pass"]
        for slot, value in self.numbers:
            if value in used:
                constants[f"get{id(value)}"] = slot.get
                lines.append(f"  {text(value)} = get{id(value)}()")
        lines += [" except GONE: return True", " try:", "  pass"]
        for branch in self.branches:
            for call in branch.calls:
                keywords = "".join(f"{key}={text(part)}, " for key, part in call.keywords.items())
                arguments = "".join(f"{text(part)}, " for part in call.args)
                lines.append(f"  {text(call.results[0])} = {text(call.function)}({arguments}{keywords})")
            lines.append(f"  if {text(branch.ask)}({text(branch.number)}) != {text(branch.answer)}: return False")
        lines += [" except (ArithmeticError, TypeError, ValueError): return False", " return True"]
        exec("\n".join(lines), constants)
        return constants["hold"]  # type: ignore[no-any-return]

    def change(self) -> str:
        """Return in words which branch a call would take otherwise now; nothing if there is none."""
        try:
            values = {value: slot.get() for slot, value in self.numbers}
        except GONE:  # as the guard will tell
            return ""

        def now(part: Any) -> Any:
            return values[part] if isinstance(part, Value) else part

        for branch in self.branches:
            try:
                for call in branch.calls:
                    values[call.results[0]] = call.function(*mapped(call.args, now), **mapped(call.keywords, now))
                holds = branch.ask(values[branch.number]) == branch.answer
            except (ArithmeticError, TypeError, ValueError):
                holds = False
            if not holds:
                return (
                    f"it goes another way at {branch.line}, by a number that it counts; compute with it, as by "
                    "np.take, or ask less of it: `n in (3, 4)` has two answers, `n in {3, 4}` one for each number"
                )
        return ""
