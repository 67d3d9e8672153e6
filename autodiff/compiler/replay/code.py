"""Code generation: a program as one Python function, a line a call, over arrays that are allocated once."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.passes.blocks import Loop
from autodiff.compiler.passes.lower import assign, fill
from autodiff.compiler.passes.program import Program
from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.recording import TensorOutput
from autodiff.compiler.record.trace import Call, Storage, Value
from autodiff.compiler.replay.layout import Layout
from autodiff.compiler.replay.memory import calls_in_order
from autodiff.compiler.replay.stacks import stacked_leaves
from autodiff.tensor import Tensor, wrap
from autodiff.trees import parts

BY_KEYWORD = (np.maximum, np.minimum)
"""NumPy wants their `out` by its name, as that of all functions that are no ufuncs but np.dot."""


ManySteps = Callable[[Iterable[tuple[int, Sequence[Any]]], bool, list[NDArray[Any]]], tuple[int, Exception | None]]
"""Takes steps: for each its number and the parts of the arguments. Writes what they return into stacks, and returns how
many were taken, and the error that the next one raised. May end after a step whose numbers are not all finite."""


@dataclass
class Compiled:
    """A program that can run: `replay(leaves)` takes the parts of the arguments and returns what the step returns."""

    replay: Callable[..., Any]
    source: str
    writer: "Writer"

    @cached_property
    def loop(self) -> ManySteps:
        """The same in a loop."""
        return self.writer.write_loop()


def generate(program: Program) -> Compiled:
    """Return the function that runs a program."""
    return Writer(program).write()


class Writer:
    """Writes the function: gives names to what it uses, and lays out its memory."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.names: dict[int, str] = {}
        self.objects: dict[str, Any] = {}
        self.kept: list[Any] = []  # what is named by identity has to stay alive
        self.layout = Layout(program)

    # Names

    def name(self, thing: Any, letter: str) -> str:
        """Return the name of an object in the function."""
        if id(thing) not in self.names:
            self.names[id(thing)] = f"{letter}{len(self.names)}"
            self.objects[self.names[id(thing)]] = thing
            self.kept.append(thing)
        return self.names[id(thing)]

    def text(self, part: Any) -> str:
        """Return an argument as it stands in the function."""
        if isinstance(part, Value):
            return self.number(part) if part.form == "number" else self.name(self.layout[part], "a")
        if (tree := self.tree(part, self.text)) is not None:
            return tree
        if part is None or type(part) in (int, bool, str):
            return repr(part)
        return self.name(part, "k")

    def slot_name(self, thing: Any) -> str:
        """Return the name of an object that a slot belongs to."""
        return self.name(thing, "o")

    def number(self, value: Value) -> str:
        """Return the variable of a Python number."""
        if id(value) not in self.names:
            self.names[id(value)] = f"n{len(self.names)}"
            self.kept.append(value)
        return self.names[id(value)]

    # Lines

    def write(self) -> Compiled:
        """Return the function and its text."""
        self.body = [*self.begin(), *self.calls(self.program.calls), *self.end()]
        lines = [*self.body, f"return {self.output(self.program.outputs)}"]
        replay, source = self.built("replay(leaves)", lines)
        return Compiled(replay, source, self)

    def write_loop(self) -> ManySteps:
        """Return the function that takes many steps."""
        leaves = stacked_leaves(self.program.outputs)
        rows = [self.row(leaf) for leaf, _ in leaves]
        isfinite = self.name(math.isfinite, "f")
        numbers = [row for row, (_, of) in zip(rows, leaves, strict=True) if of.shape == () and of.dtype.kind == "f"]
        step = [*self.body, *(f"stack{i}[i] = {row}" for i, row in enumerate(rows)), "done = i + 1"]
        step += [f"if finite and not {isfinite}({number}): break" for number in numbers]
        lines = [
            *(f"stack{i} = stacks[{i}]" for i in range(len(rows))),
            "done = 0",
            "try:",
            "    for i, leaves in steps:",
            *(f"        {line}" for line in step),
            "except Exception as error:",
            "    return done, error",
            "return done, None",
        ]
        loop: ManySteps = self.built("loop(steps, finite, stacks)", lines)[0]
        return loop

    def built(self, heading: str, lines: list[str]) -> tuple[Any, str]:
        """Return a function of some lines, and the text that makes it."""
        inner = "\n".join(f"        {line}" for line in lines)
        name = heading.partition("(")[0]
        source = f"def build({', '.join(self.objects)}):\n    def {heading}:\n{inner}\n    return {name}\n"
        namespace: dict[str, Any] = {}
        exec(compile(source, "<captured step>", "exec"), namespace)
        return namespace["build"](*self.objects.values()), source

    def begin(self) -> Iterator[str]:
        """Yield the lines that take in arguments, numbers, and arrays that are new in every step."""
        copyto = self.name(np.copyto, "f")
        read = self.read_storages()
        for i, value in enumerate(self.program.inputs):
            if value.storage not in read:
                continue
            if value.form == "number":
                yield f"{self.number(value)} = leaves[{i}]"
            else:
                yield f"{copyto}({self.text(value)}, leaves[{i}])"
        for held in self.program.held:
            value = held.before
            if value.storage in read and value.form == "number":
                yield f"{self.number(value)} = {held.slot.source(self.slot_name)}"
            elif value.storage in read and value.array is None:
                yield f"{copyto}({self.text(value)}, {held.slot.source(self.slot_name)})"
        for held in self.program.gradients:
            if isinstance(held.before, Value) and held.before.storage in read and held.before is not held.after:
                yield f"{copyto}({self.text(held.before)}, {held.slot.source(self.slot_name)}._data)"

    def read_storages(self) -> set[Storage]:
        """Return the memory that calls or the end of the step read."""
        read = {value.storage for call in calls_in_order(self.program) for value in call.operands()}
        return read | {value.storage for value in self.program.ends()}

    def calls(self, calls: list[Call]) -> Iterator[str]:
        """Yield a line for each call, within np.errstate where the step set NumPy's error handling."""
        shown = [call for call in calls if not call.is_view]
        kinds = ("divide", "over", "under", "invalid")
        for errstate, group in groupby(shown, lambda call: call.errstate or self.program.errstate):
            lines = (line for call in group for line in self.lines(call))
            if errstate == self.program.errstate:
                yield from lines
                continue
            settings = ", ".join(
                f"{key}={value!r}"
                for key, value, outside in zip(kinds, errstate, self.program.errstate, strict=True)
                if value != outside or set(errstate) == {"ignore"}  # the others are as they are around the call
            )
            yield f"with {self.name(np.errstate, 'f')}({settings}):"
            yield from (f"    {line}" for line in lines)

    def lines(self, call: Call) -> Iterator[str]:
        """Yield the lines that run a call: one, but for loops."""
        if isinstance(call.function, Loop):
            yield from self.loop(call.function)
        else:
            yield self.line(call)

    def loop(self, loop: Loop) -> Iterator[str]:
        """Yield the lines of a loop over blocks of samples."""
        copyto, add = self.name(np.copyto, "f"), self.name(np.add, "f")
        sums = [
            (self.text(whole), self.text(part)) for whole, part in zip(loop.summed, loop.body.outputs, strict=False)
        ]
        copied = [(entry, part) for entry, part in loop.gathered_parts() if entry.whole in self.layout.slices]
        gathered = [(f"w{i}", entry.whole, self.text(part)) for i, (entry, part) in enumerate(copied)]
        parts = [*(entry.part for entry in loop.sliced), *loop.views]
        variables = [*map(self.text, parts), *(name for name, _, _ in gathered)]
        slices = [self.layout.slices[part] for part in [*parts, *(whole for _, whole, _ in gathered)]]
        yield from (f"{copyto}({whole}, 0)" for whole, _ in sums)
        blocks = self.name([*zip(*slices, strict=True)], "k")
        yield f"for {', '.join(variables)}{',' * (len(variables) == 1)} in {blocks}:"
        yield from (f"    {line}" for line in self.calls(loop.body.calls))
        yield from (f"    {add}({whole}, {part}, {whole})" for whole, part in sums)
        yield from (f"    {copyto}({name}, {part})" for name, _, part in gathered)

    def line(self, call: Call) -> str:
        """Return the line that runs a call."""
        function = call.function
        args = [self.text(arg) for arg in call.args]
        keywords = [f"{key}={self.text(arg)}" for key, arg in call.keywords.items()]
        f = self.name(function, "f")
        if call.results and call.results[0].form == "number" and len(call.results) == 1:
            return f"{self.number(call.results[0])} = {f}({', '.join([*args, *keywords])})"
        if not call.results:
            plain = function is np.dot or (isinstance(function, np.ufunc) and function not in BY_KEYWORD)
            if not plain or "out" not in call.keywords or len(call.keywords) > 1:
                return f"{f}({', '.join([*args, *keywords])})"
            return f"{f}({', '.join([*args, self.text(call.keywords['out'])])})"
        if len(call.results) > 1 or not isinstance(call.results[0], Value):
            targets = tuple(self.layout[value] for value in call.results)
            return f"{self.name(store_all, 'f')}({self.name(targets, 'k')}, {f}({', '.join([*args, *keywords])}))"
        out = self.text(call.results[0])
        if function is assign:
            cast = call.args[0].dtype != call.results[0].dtype
            return f"{self.name(np.copyto, 'f')}({out}, {args[0]}{', ' + repr('unsafe') if cast else ''})"
        if function is fill:
            return f"{out}[...] = {args[0]}" if call.results[0].shape else f"{out}[()] = {args[0]}"
        if isinstance(function, np.ufunc) and function.nout == 1:
            if self.is_small_product(call):
                return f"{self.name(np.dot, 'f')}({', '.join([*args, out])})"
            by_name = function in BY_KEYWORD or bool(keywords) or function.signature is not None
            return f"{f}({', '.join([*args, *keywords, f'out={out}' if by_name else out])})"
        if is_reduction(function) and not keywords and len(args) == 5:
            array, axis, dtype, _, keepdims = args
            return f"{f}({', '.join([array, axis, dtype, out, keepdims])})"
        if function is np.take and call.keywords == {"mode": "clip"}:
            take = self.name(self.layout[call.args[0]].take, "f")  # the method, without NumPy's wrapper of it
            return f"{take}({args[1]}, None, {out}, 'clip')"
        if function in ARGUMENTS_OF_EXTREMA and call.args[1:] == () and call.keywords.keys() == {"axis"}:
            extremum = getattr(self.layout[call.args[0]], function.__name__)
            return f"{self.name(extremum, 'f')}({keywords[0].removeprefix('axis=')}, {out})"
        if function in WITH_OUT and not call.keywords.keys() - {"axis", "mode"}:
            return f"{f}({', '.join([*args, *keywords, f'out={out}'])})"
        return f"{self.name(store, 'f')}({out}, {f}({', '.join([*args, *keywords])}))"

    def is_small_product(self, call: Call) -> bool:
        """Return whether np.dot makes a product sooner than np.matmul: it takes less time to get there."""
        (result,) = call.results
        if call.function is not np.matmul or self.program.exact or call.keywords or result.size > SMALL_PRODUCT:
            return False
        matrices = all(isinstance(arg, Value) and 1 <= len(arg.shape) <= 2 for arg in call.args)
        same = {arg.dtype for arg in call.args} == {result.dtype}
        return matrices and same and self.layout[result].flags.c_contiguous

    def end(self) -> Iterator[str]:
        """Yield the lines that put new things in their places."""
        written = self.program.written_storages()
        copyto = self.name(np.copyto, "f")
        for i, value in enumerate(self.program.inputs):
            if written[value.storage]:
                yield f"{copyto}(leaves[{i}], {self.text(value)})"
        for held in self.program.held:
            if held.after is held.before:
                continue
            if isinstance(held.after, Value):
                fresh = self.number(held.after) if held.after.form == "number" else f"{self.text(held.after)}.copy()"
                yield held.slot.assignment(self.slot_name, fresh)
            else:
                yield held.slot.assignment(self.slot_name, self.name(held.after, "k"))
        for held in self.program.gradients:
            if isinstance(held.after, Value):
                if held.after is not held.before or written[held.after.storage]:
                    tensor = wrap(self.layout[held.after], None)
                    yield held.slot.assignment(self.slot_name, self.name(tensor, "g"))
            elif held.before is not None:
                yield held.slot.assignment(self.slot_name, "None")

    def output(self, part: Any) -> str:
        """Return the expression for a part of what is returned: a copy, which is safe to keep."""
        copy = ".copy('K')" if self.program.exact else ".copy()"  # others may compute it in an order of their own
        if isinstance(part, np.ndarray):
            return f"{self.name(part.copy('K'), 'k')}.copy('K')"
        if isinstance(part, TensorOutput):
            return f"{self.name(wrap, 'f')}({self.text(part.value)}{copy}, None)"
        if isinstance(part, Value):
            if part.form == "number":
                return self.number(part)
            return f"{self.text(part)}[()]" if part.form == "scalar" else f"{self.text(part)}{copy}"
        return self.tree(part, self.output) or self.text(part)

    def row(self, part: Any) -> str:
        """Return the expression for a part of what is returned, of which a row of a stack is filled."""
        if isinstance(part, Tensor):
            return f"{self.name(part, 't')}._data"
        if isinstance(part, np.ndarray):
            return self.name(part.copy("K"), "k")
        return self.text(part.value if isinstance(part, TensorOutput) else part)

    def tree(self, part: Any, text: Callable[[Any], str]) -> str | None:
        """Return the expression for a list, tuple or dict, whose leaves are written by `text`; None for a leaf."""
        held = parts(part)
        if held is None:
            return None
        if isinstance(part, dict):
            return "{" + ", ".join(f"{self.text(key)}: {text(value)}" for key, value in held.items()) + "}"
        inner = ", ".join(map(text, held.values()))
        if hasattr(part, "_fields"):
            return f"{self.name(type(part), 'f')}({inner})"
        return f"[{inner}]" if isinstance(part, list) else f"({inner}{',' * (len(held) == 1)})"


ARGUMENTS_OF_EXTREMA = (np.argmax, np.argmin)
SMALL_PRODUCT = 4096
"""Elements. np.dot fills its result with zeros before it computes it."""


WITH_OUT = {np.concatenate, np.dot, np.take, np.stack}


def is_reduction(function: Callable[..., Any]) -> bool:
    """Return whether this is the `reduce` of a ufunc."""
    return isinstance(getattr(function, "__self__", None), np.ufunc) and function.__name__ == "reduce"


def store(target: NDArray[Any], result: Any) -> None:
    """Write what a function returned into its place. Raises CaptureError if its shape is another one now."""
    if np.shape(result) != target.shape:
        raise CaptureError(
            f"a call returned shape {np.shape(result)}, {target.shape} when the step was recorded: its shape depends "
            "on the values, which a captured step cannot follow"
        )
    np.copyto(target, result)


def store_all(targets: tuple[NDArray[Any], ...], results: tuple[Any, ...]) -> None:
    """Write everything that a function returned into its place."""
    for target, result in zip(targets, results, strict=True):
        store(target, result)
