"""The listing of a program: each call with its shapes, its memory and where it came from."""

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.compiler.passes.program import Program
from autodiff.compiler.record.agreement import in_words
from autodiff.compiler.record.recorder import name_of
from autodiff.compiler.record.recording import TensorOutput
from autodiff.compiler.record.trace import Call, Storage, Value, mapped


def listing(program: Program) -> Iterator[str]:
    """Yield the lines that show a program: each call with its shapes, its memory and where it came from."""
    names = Names(program)
    exact = ", exact" if program.exact else ""
    yield f"{count_calls(program)} calls, {program.peak_bytes:,} bytes of intermediate arrays{exact}"
    if program.why_exact:
        yield f"exact, for faster calls rounded too far away: {program.why_exact}"
    for value in program.inputs:
        yield f"  {names[value]:8} {in_brackets(value):20} argument"
    for held in program.held:
        if isinstance(held.before, Value):
            yield f"  {names[held.before]:8} {in_brackets(held.before):20} {held.slot.name}"
    yield from call_lines(program, names, "  ")
    for held in [*program.held, *program.gradients]:
        if isinstance(held.after, Value) and held.after is not held.before:
            yield f"  {held.slot.name} = {names[held.after]}"
    yield f"  return {mapped(program.outputs, lambda part: names.text(part))}"


def count_calls(program: Program) -> int:
    """Return how many calls a program has, those of the body of a loop once."""
    bodies = [call.function.body for call in program.calls if hasattr(call.function, "body")]
    return sum(not call.is_view for call in program.calls) - len(bodies) + sum(map(count_calls, bodies))


def call_lines(program: Program, names: "Names", indent: str) -> Iterator[str]:
    """Yield a line for each call; the calls of a loop stand beneath it."""
    for call in program.calls:
        made = call.results or [*call.written]
        results = f"{', '.join(names[value] for value in made):8} {in_brackets(made[0]) if made else '':20}"
        came_from = " · ".join(part for part in (call.origin.within, call.origin.line) if part)
        loop: Any = call.function
        if hasattr(loop, "body"):
            yield f"{indent}{results} for each of {loop.count} blocks of {loop.length} samples:"
            yield from call_lines(loop.body, names.of_body(loop.body), indent + "    ")
        elif not call.is_view:
            text = f"{name_of(call.function)}({', '.join(argument_texts(call, names))})"
            yield f"{indent}{results} {text}  # {came_from}"


class Names:
    """Short names for Values: those on the same memory differ by a letter."""

    def __init__(self, program: Program) -> None:
        self.numbers: dict[Storage, int] = {}
        self.known: dict[Value, str] = {}
        self.views = {call.results[0]: call for call in program.calls if call.is_view and call.results}

    def of_body(self, body: Program) -> "Names":
        """Return the names for the body of a loop, in which the names from around it hold."""
        inner = Names(body)
        inner.numbers, inner.known = self.numbers, self.known
        inner.views |= self.views
        return inner

    def __getitem__(self, value: Value) -> str:
        if value not in self.known:
            if value in self.views and value not in self.views[value].operands():
                call = self.views[value]
                texts = [self.text(arg) for arg in call.args]
                if call.function is operator.getitem:
                    self.known[value] = f"{texts[0]}[{index_text(call.args[1])}]"
                elif call.function is np.transpose and len(texts) == 1:
                    self.known[value] = f"{texts[0]}.T"
                else:
                    self.known[value] = f"{texts[0]}.{call.function.__name__}({', '.join(texts[1:])})"
            else:
                number = self.numbers.setdefault(value.storage, len(self.numbers))
                letter = {"input": "x", "held": "p", "constant": "c"}.get(value.storage.kind, "b")
                self.known[value] = f"{'n' if value.form == 'number' else letter}{number}"
        return self.known[value]

    def text(self, part: Any) -> str:
        """Return an argument in a few words."""
        if isinstance(part, TensorOutput):
            part = part.value
        if isinstance(part, Value):
            if part.storage.kind == "constant" and part.array is not None and part.array.size == 1:
                return f"{part.array.item():g}"
            return self[part]
        if isinstance(part, list | tuple):
            return f"({', '.join(self.text(entry) for entry in part)})"
        return str(part) if not callable(part) else in_words(part)


def index_text(index: Any) -> str:
    """Return an index as one writes it: 0:200, :, None."""
    if isinstance(index, tuple):
        return ", ".join(map(index_text, index))
    if isinstance(index, slice):
        bounds = [index.start, index.stop] if index.step is None else [index.start, index.stop, index.step]
        return ":".join("" if part is None else str(part) for part in bounds)
    return "..." if index is Ellipsis else str(index)


def argument_texts(call: Call, names: Names) -> list[str]:
    """Return the arguments of a call as text."""
    texts = [names.text(arg) for arg in call.args]
    return texts + [f"{key}={names.text(arg)}" for key, arg in call.keywords.items()]


def in_brackets(value: Value) -> str:
    """Return the dtype and shape of a Value."""
    return f"{value.dtype}{list(value.shape)}" if value.form != "number" else str(value.dtype)
