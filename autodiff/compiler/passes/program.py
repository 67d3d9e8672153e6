"""A program: the calls that are left of a recorded step, and what they read, change and return; its listing."""

import operator
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.record.agreement import in_words
from autodiff.compiler.record.growing import Appended
from autodiff.compiler.record.recorder import name_of
from autodiff.compiler.record.recording import Held, TensorOutput
from autodiff.compiler.record.trace import Call, Storage, Value, values_in
from autodiff.trees import flatten, mapped


@dataclass(slots=True)
class Program:
    """Calls in the order in which they run, and the places around them.

    inputs: the Values that arguments are copied to, None where none is read. held: places of arrays and numbers.
    gradients: places of `tensor.grad`. outputs: what is returned, with Values for arrays. appended: to lists. watched:
    arrays of the user that were computed on once and for all, with what they held then. unsteady: memory that changes
    between the steps, so that nothing is computed on it once and for all. peak_bytes: the memory of the intermediate
    arrays.
    why_exact: where a faster program rounded too far away from the ordinary step, so that this one is exact.
    """

    inputs: list[Value]
    calls: list[Call]
    held: list[Held]
    gradients: list[Held]
    outputs: Any
    errstate: tuple[str, ...]
    exact: bool
    appended: list[Appended] = field(default_factory=list)
    watched: list[tuple[NDArray[Any], bytes, str]] = field(default_factory=list)
    unsteady: set[Storage] = field(default_factory=set)
    peak_bytes: int = 0
    why_exact: str = ""

    def ends(self) -> list[Value]:
        """Return the Values that somebody reads after the last call."""
        afters = [held.after for held in [*self.held, *self.gradients]]
        return [*values_in(afters), *output_values([self.outputs, *(one.part for one in self.appended)])]

    def live_storages(self) -> set[Storage]:
        """Return the memory that is read after the last call: of results, and of what the function reaches."""
        outside = {value.storage for call in self.calls for value in call.operands() if value.storage.kind != "made"}
        return {value.storage for value in self.ends()} | outside

    def written_storages(self) -> Counter[Storage]:
        """Return how many calls write into each memory after it was made."""
        return Counter(target.storage for call in self.calls for target in call.written)

    def substitute(self, partners: dict[Value, Value]) -> None:
        """Put Values in the places of others, in every call and at the end."""
        for call in self.calls:
            remap(call, partners)
        self.substitute_at_end(partners)

    def substitute_at_end(self, partners: dict[Value, Value]) -> None:
        """Put Values in the places of others in what is left and what is returned."""
        for held in [*self.held, *self.gradients]:
            held.after = replaced(held.after, partners)
        self.outputs = mapped(self.outputs, lambda part: replaced(part, partners))
        for one in self.appended:
            one.part = mapped(one.part, lambda part: replaced(part, partners))

    def watch(self, value: Value) -> None:
        """Look, before every step, whether an array of the user that was computed on is still what it was."""
        assert value.array is not None
        if value.storage.kind == "held" and not any(array is value.array for array, _, _ in self.watched):
            self.watched.append((value.array, value.array.tobytes(), value.storage.name))

    def __str__(self) -> str:
        return "\n".join(listing(self))


def remap(call: Call, partners: dict[Value, Value]) -> None:
    """Change the arguments of a call; views that it opens are on the memory of what they are views of now."""

    def change(part: Any) -> Any:
        return replaced(part, partners)

    before = call.operands()
    call.args, call.keywords = mapped(call.args, change), mapped(call.keywords, change)
    call.written = tuple(map(change, call.written))
    if call.is_view and before:
        others = {source.storage: source for source in before[1:]}
        for value in call.results:
            if value not in before:
                value.storage = change(others.get(value.storage, before[0])).storage


def replaced(part: Any, partners: dict[Value, Value]) -> Any:
    """Return what is put in the place of a Value, or of the one in a TensorOutput; anything else as it is."""
    if isinstance(part, TensorOutput) and part.value in partners:
        return TensorOutput(partners[part.value])
    return partners.get(part, part) if isinstance(part, Value) else part


def output_values(outputs: Any) -> list[Value]:
    """Return the Values in what a step returned."""
    return values_in([part.value if isinstance(part, TensorOutput) else part for part in flatten(outputs)])


Pass = Callable[[Program], None]
"""A change of a program that leaves what it computes as it was."""


def is_array_call(call: Call) -> bool:
    """Return whether a call makes one array or NumPy scalar and nothing else."""
    return len(call.results) == 1 and call.results[0].form != "number" and not call.written and not call.is_view


# The listing


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
        if held.after is not held.before and held.after is not None:
            yield f"  {held.slot.name} = {names.text(held.after)}"
    for one in program.appended:
        yield f"  {one.name}.append({names.text(one.part)})"
    yield f"  return {names.text(program.outputs)}"


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
        if isinstance(part, dict):
            return f"{{{', '.join(f'{key}: {self.text(entry)}' for key, entry in part.items())}}}"
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
