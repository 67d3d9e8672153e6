"""Branches that a step takes by its counters: what decides them can be computed before a replay, from numbers alone."""

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from autodiff.compiler.record.slot import GONE, Slot
from autodiff.compiler.record.trace import Call, Value
from autodiff.trees import mapped

DECIDING: dict[Callable[[Any], Any], str] = {
    bool: "a branch", int: "int()", operator.index: "an index or a length", hash: "a look into a dict or a set",
}  # fmt: skip
"""What a number may be asked for, in words."""


@dataclass(eq=False, slots=True)
class Branch:
    """What a step asked of a number: `ask(number)` was `answer`, at a line; `calls` compute it from counters.

    The calls are those that were made since the branch before.
    """

    number: Value
    ask: Callable[[Any], Any]
    answer: Any
    line: str
    calls: list[Call]


class Branches:
    """Those that one recorded run of a step took."""

    def __init__(self, branches: list[Branch], numbers: Iterable[tuple[Slot, Value]]) -> None:
        self.branches = branches
        self.numbers = list(numbers)

    def hold(self) -> bool:
        """Return whether a call would take the same branches now."""
        return self.other() is None

    def change(self) -> str:
        """Return in words which branch a call would take otherwise now; nothing if there is none."""
        branch = self.other()
        if branch is None:
            return ""
        return (
            f"it goes another way at {branch.line}, by a number that it counts; compute with it, as by np.take, "
            "or ask less of it: `n in (3, 4)` has two answers, `n in {3, 4}` one for each number"
        )

    def other(self) -> Branch | None:
        """Return the first branch that a call would take otherwise; None if there is none."""
        try:
            values = {value: slot.get() for slot, value in self.numbers}
        except GONE:  # as the guard will tell
            return None

        def now(part: Any) -> Any:
            return values[part] if isinstance(part, Value) else part

        for branch in self.branches:
            try:
                for call in branch.calls:
                    values[call.results[0]] = call.function(*mapped(call.args, now), **mapped(call.keywords, now))
                answer = branch.ask(values[branch.number])
            except (ArithmeticError, TypeError, ValueError):
                return branch
            if answer != branch.answer:
                return branch
        return None
