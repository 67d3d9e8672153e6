"""Code generation: a program as one Python function, a line a call, over arrays that are allocated once."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextvars import Context
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.passes.blocks import Loop
from autodiff.compiler.passes.lower import assign, fill
from autodiff.compiler.passes.program import Program
from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.opened import Opened
from autodiff.compiler.record.recording import TensorOutput
from autodiff.compiler.record.trace import Call, Storage, Value
from autodiff.compiler.replay.layout import Layout
from autodiff.compiler.replay.memory import calls_in_order
from autodiff.compiler.replay.stacks import stacked_leaves
from autodiff.tensor import Tensor, wrap
from autodiff.trees import flatten, like, parts

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
    in_loop: ManySteps | None = None

    @property
    def loop(self) -> ManySteps:
        """The same in a loop."""
        self.in_loop = self.in_loop or self.writer.write_loop()
        return self.in_loop


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
        self.blocks: list[str] = []  # functions of some lines that are run while NumPy ignores all errors
        self.ignoring = Context()
        self.ignoring.run(np.seterr, all="ignore")

    # Names

    def name(self, thing: Any, letter: str) -> str:
        """Return the name of an object in the function; that of a Value is a variable, for a Python number."""
        if id(thing) not in self.names:
            self.names[id(thing)] = f"{letter}{len(self.names)}"
            self.kept.append(thing)
            if not isinstance(thing, Value):
                self.objects[self.names[id(thing)]] = thing
        return self.names[id(thing)]

    def text(self, part: Any) -> str:
        """Return an argument as it stands in the function."""
        if isinstance(part, Value):
            return self.name(part, "n") if part.form == "number" else self.name(self.layout[part], "a")
        if (tree := self.tree(part, self.text)) is not None:
            return tree
        if part is None or type(part) in (int, bool, str):
            return repr(part)
        return self.name(part, "k")

    def slot_name(self, thing: Any) -> str:
        """Return the name of an object that a slot belongs to."""
        return self.name(thing, "o")

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
        functions = "".join([*self.blocks, function_text(heading, lines)])
        source = f"def build({', '.join(self.objects)}):\n{functions}    return {heading.partition('(')[0]}\n"
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
                yield f"{self.text(value)} = leaves[{i}]"
            else:
                yield f"{copyto}({self.text(value)}, leaves[{i}])"
        for held in self.program.held:
            value = held.before
            if not isinstance(value, Value):
                continue
            if value.storage in read and value.form == "number":
                yield f"{self.text(value)} = {held.slot.source(self.slot_name)}"
            elif value.storage in read and value.array is None:
                yield f"{copyto}({self.text(value)}, {held.slot.source(self.slot_name)})"
        for held in self.program.gradients:
            if isinstance(held.before, Value) and held.before.storage in read:
                yield f"{copyto}({self.text(held.before)}, {held.slot.source(self.slot_name)}._data)"

    def read_storages(self) -> set[Storage]:
        """Return the memory that calls or the end of the step read."""
        read = {value.storage for call in calls_in_order(self.program) for value in call.operands()}
        return read | {value.storage for value in self.program.ends()}

    def calls(self, calls: list[Call], in_loop: bool = False) -> Iterator[str]:
        """Yield a line for each call, within np.errstate where the step set NumPy's error handling.

        That takes a microsecond. A context in which all errors are ignored, as in a backward pass, is entered at once.
        """
        shown = [call for call in calls if not call.is_view]
        kinds = ("divide", "over", "under", "invalid")
        for errstate, found in groupby(shown, lambda call: call.errstate or self.program.errstate):
            group = [*found]
            lines = [line for call in group for line in self.lines(call)]
            if errstate == self.program.errstate:
                yield from lines
                continue
            values = [value for call in group for value in [*call.operands(), *call.results]]
            has_variables = in_loop or any(value.form == "number" for value in values)
            if set(errstate) == {"ignore"} and not has_variables:
                self.blocks.append(function_text(f"block{len(self.blocks)}()", lines))
                yield f"{self.name(self.ignoring.run, 'f')}(block{len(self.blocks) - 1})"
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
        yield from (f"    {line}" for line in self.calls(loop.body.calls, in_loop=True))
        yield from (f"    {add}({whole}, {part}, {whole})" for whole, part in sums)
        yield from (f"    {copyto}({name}, {part})" for name, _, part in gathered)

    def line(self, call: Call) -> str:
        """Return the line that runs a call."""
        function, results = call.function, call.results
        args = [self.text(arg) for arg in call.args]
        keywords = {key: self.text(arg) for key, arg in call.keywords.items()}
        if not results:
            return self.applied(function, args, keywords)
        if len(results) > 1:
            targets = tuple(self.layout[value] for value in results)
            return f"{self.name(store_all, 'f')}({self.name(targets, 'k')}, {self.applied(function, args, keywords)})"
        (result,), out = results, self.text(results[0])
        if result.form == "number":
            return f"{out} = {self.applied(function, args, keywords)}"
        if function is assign and call.args[0].form == "number":
            return f"{out}[()] = {args[0]}"
        if function is assign:
            casting = ["'unsafe'"] if call.args[0].dtype != result.dtype else []
            return self.applied(np.copyto, [out, args[0], *casting], {})
        if function is fill:
            return f"{out}[{'...' if result.shape else '()'}] = {args[0]}"
        if function is np.ndarray.take:
            return self.applied(self.layout[call.args[0]].take, [args[1], "None", out, "'clip'"], {})
        if function in (np.argmax, np.argmin) and len(args) == 1 and keywords.keys() == {"axis"}:
            return self.applied(getattr(self.layout[call.args[0]], function.__name__), [keywords["axis"], out], {})
        if is_reduction(function) and not keywords and len(args) == 5:
            return self.applied(function, [*args[:3], out, args[4]], {})
        if takes_out(function, keywords):
            return self.applied(np.dot if self.is_small_product(call) else function, args, {**keywords, "out": out})
        return f"{self.name(store, 'f')}({out}, {self.applied(function, args, keywords)})"

    def applied(self, function: Any, args: list[str], keywords: dict[str, str]) -> str:
        """Return the text of a call, with `out` at its place where that can be: it takes less time than by its name."""
        is_plain = isinstance(function, np.ufunc) and function.signature is None and function not in BY_KEYWORD
        if keywords.keys() == {"out"} and (is_plain or function is np.dot):
            args, keywords = [*args, keywords["out"]], {}
        return f"{self.name(function, 'f')}({', '.join([*args, *(f'{key}={arg}' for key, arg in keywords.items())])})"

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
            if isinstance(held.before, Value) and held.before.array is None and written[held.before.storage]:
                yield f"{copyto}({held.slot.source(self.slot_name)}, {self.text(held.before)})"
            if held.after is held.before:
                continue
            if isinstance(held.after, Value):
                yield held.slot.assignment(self.slot_name, self.fresh(held.after))
            else:
                yield held.slot.assignment(self.slot_name, self.name(held.after, "k"))
        for held in self.program.gradients:
            if isinstance(held.after, Value):
                if held.after is not held.before or written[held.after.storage]:
                    tensor = wrap(self.layout[held.after], None)
                    yield held.slot.assignment(self.slot_name, self.name(tensor, "g"))
            elif held.before is not None:
                yield held.slot.assignment(self.slot_name, "None")
        for one in self.program.appended:
            yield f"{self.name(one.target, 'o')}.append({self.output(one.part)})"

    def fresh(self, value: Value) -> str:
        """Return the expression for a number or a copy of an array that is put in a place."""
        if value.form == "number":
            return self.text(value)
        return f"{self.text(value)}{'[()]' if value.form == 'scalar' else '.copy()'}"

    def output(self, part: Any) -> str:
        """Return the expression for a part of what is returned: a copy, which is safe to keep."""
        copy = ".copy('K')" if self.program.exact else ".copy()"  # others may compute it in an order of their own
        if isinstance(part, np.ndarray):
            return f"{self.name(part.copy('K'), 'k')}.copy('K')"
        if isinstance(part, TensorOutput):
            return f"{self.name(wrap, 'f')}({self.text(part.value)}{copy}, None)"
        if isinstance(part, Value):
            return self.text(part) + {"number": "", "scalar": "[()]", "array": copy}[part.form]
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
        if type(part) not in (list, tuple, dict) and not hasattr(type(part), "_fields"):
            return f"{self.name(like, 'f')}({self.name(part, 'k')}, {self.tree({**held}, text)})"
        if isinstance(part, dict):
            return "{" + ", ".join(f"{self.text(key)}: {text(value)}" for key, value in held.items()) + "}"
        inner = ", ".join(map(text, held.values()))
        if hasattr(type(part), "_fields"):
            return f"{self.name(part.make if isinstance(part, Opened) else type(part), 'f')}({inner})"
        return f"[{inner}]" if isinstance(part, list) else f"({inner}{',' * (len(held) == 1)})"


SMALL_PRODUCT = 4096
"""Elements. np.dot fills its result with zeros before it computes it."""


def function_text(heading: str, lines: list[str]) -> str:
    """Return the text of a function within `build`."""
    return "".join([f"    def {heading}:\n", *(f"        {line}\n" for line in lines)])


def takes_out(function: Callable[..., Any], keywords: Collection[str]) -> bool:
    """Return whether a function can be given the array for its one result."""
    if isinstance(function, np.ufunc):
        return function.nout == 1
    return function in (np.concatenate, np.dot, np.take, np.stack) and {*keywords} <= {"axis", "mode"}


def is_reduction(function: Callable[..., Any]) -> bool:
    """Return whether this is the `reduce` of a ufunc."""
    return isinstance(getattr(function, "__self__", None), np.ufunc) and function.__name__ == "reduce"


def store(target: NDArray[Any], result: Any) -> None:
    """Write what a function returned into its place. Raises CaptureError if its shape or dtype is another one now."""
    if isinstance(result, list | tuple):  # of one, as np.meshgrid(x) returns
        (result,) = flatten(result)
    if np.shape(result) != target.shape:
        raise CaptureError(
            f"a call returned shape {np.shape(result)}, {target.shape} when the step was recorded: its shape depends "
            "on the values, which a captured step cannot follow"
        )
    if getattr(result, "dtype", target.dtype) != target.dtype:
        raise CaptureError(
            f"a call returned {result.dtype}, {target.dtype} when the step was recorded: its dtype depends on the "
            "values, which a captured step cannot follow"
        )
    np.copyto(target, result)


def store_all(targets: tuple[NDArray[Any], ...], results: tuple[Any, ...]) -> None:
    """Write everything that a function returned into its place: np.histogramdd returns a list within a tuple."""
    for target, result in zip(targets, flatten(results), strict=True):
        store(target, result)
