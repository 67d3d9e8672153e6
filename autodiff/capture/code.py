"""Code generation: a program as one Python function, a line a call, over arrays that are allocated once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.capture.arrays import aligned, aligned_block, window
from autodiff.capture.blocks import Entry, Loop, weighted_sum
from autodiff.capture.environment import Slot
from autodiff.capture.errors import CaptureError
from autodiff.capture.lower import assign, fill
from autodiff.capture.memory import calls_in_order, lasting_storages, lay_out
from autodiff.capture.program import Program, is_array_call
from autodiff.capture.recorder import name_of
from autodiff.capture.recording import TensorOutput
from autodiff.capture.trace import Call, Storage, Value, mapped
from autodiff.capture.uses import Uses
from autodiff.tensor import wrap

BY_KEYWORD = (np.maximum, np.minimum)
"""NumPy wants their `out` by its name."""


@dataclass(slots=True)
class Compiled:
    """A program that can run: `replay(leaves)` takes the parts of the arguments and returns what the step returns."""

    replay: Callable[..., Any]
    source: str


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
        self.arrays: dict[Value, NDArray[Any]] = {}
        self.block_views: dict[Value, list[NDArray[Any]]] = {}  # the parts of arrays in every block
        self.scalars = scalars_of(program)
        self.allocate()

    # Memory

    def allocate(self) -> None:
        """Give every Value its array: a window on the block of intermediate arrays, or memory of its own."""
        program = self.program
        offsets = lay_out(program)
        block = aligned_block(program.peak_bytes)
        lasting = lasting_storages(program)
        for value in program.inputs:
            if value.form != "number":
                self.arrays[value] = aligned(value)
        for held in [*program.held, *program.gradients]:
            value = held.before
            if isinstance(value, Value) and value.form != "number" and value not in self.arrays:
                self.arrays[value] = aligned(value) if value.array is None else value.array
        for call in calls_in_order(program):
            for value in call.results:
                if value.form == "number" or value in self.arrays or value.array is not None:
                    continue
                if value in self.scalars:
                    continue
                if value.storage in lasting:
                    self.arrays[value] = aligned(value)
                elif value.storage in offsets:
                    self.arrays[value] = window(block, offsets[value.storage], value)

    def array_of(self, value: Value) -> NDArray[Any]:
        """Return the array of a Value."""
        if value not in self.arrays:
            if value.array is None:
                raise CaptureError(f"an array of {value.dtype} {value.shape} is read before it is made")
            self.arrays[value] = value.array
        return self.arrays[value]

    def open_view(self, call: Call) -> None:
        """Make the window on an array that a call returned, once and for all."""
        if all(value in self.arrays for value in call.results):
            return
        shown = call.function(*mapped(call.args, self.argument), **mapped(call.keywords, self.argument))
        operands = [self.array_of(one) for one in call.operands()]
        for value, view in zip(call.results, shown if isinstance(shown, tuple | list) else [shown], strict=True):
            if not any(np.may_share_memory(view, operand) for operand in operands) and view.size:
                raise CaptureError(
                    f"{name_of(call.function)} at {call.place.line} made a copy where it had made a view"
                )
            self.arrays[value] = view

    def argument(self, part: Any) -> Any:
        """Return an argument with arrays for Values."""
        return self.array_of(part) if isinstance(part, Value) else part

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
            if part.form == "number" or part in self.scalars:
                return self.number(part)
            return self.name(self.array_of(part), "a")
        if isinstance(part, tuple | list) and not hasattr(part, "_fields"):
            inner = ", ".join(map(self.text, part))
            return f"[{inner}]" if isinstance(part, list) else f"({inner}{',' if len(part) == 1 else ''})"
        if isinstance(part, dict):
            return "{" + ", ".join(f"{key!r}: {self.text(entry)}" for key, entry in part.items()) + "}"
        if part is None or type(part) in (int, bool, str):
            return repr(part)
        return self.name(part, "k")

    def number(self, value: Value) -> str:
        """Return the variable of a Python number."""
        if id(value) not in self.names:
            self.names[id(value)] = f"n{len(self.names)}"
            self.kept.append(value)
        return self.names[id(value)]

    # Lines

    def write(self) -> Compiled:
        """Return the function and its text."""
        for call in self.program.calls:
            if call.is_view:
                self.open_view(call)
            elif isinstance(call.function, Loop):
                self.open_loop(call.function)
        body = [*self.begin(), *self.calls(self.program.calls), *self.end()]
        inner = "\n".join(f"        {line}" for line in body)
        source = f"def build({', '.join(self.objects)}):\n    def replay(leaves):\n{inner}\n    return replay\n"
        namespace: dict[str, Any] = {}
        exec(compile(source, "<captured step>", "exec"), namespace)
        return Compiled(namespace["build"](**self.objects), source)

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
                yield f"{self.number(value)} = {self.place(held.slot)}"
            elif value.storage in read and value.array is None:
                yield f"{copyto}({self.text(value)}, {self.place(held.slot)})"
        for held in self.program.gradients:
            if isinstance(held.before, Value) and held.before.storage in read and held.before is not held.after:
                yield f"{copyto}({self.text(held.before)}, {self.place(held.slot)}._data)"

    def read_storages(self) -> set[Storage]:
        """Return the memory that calls or the end of the step read."""
        read = {value.storage for call in calls_in_order(self.program) for value in call.operands()}
        return read | {value.storage for value in self.program.ends()}

    def calls(self, calls: list[Call]) -> Iterator[str]:
        """Yield a line for each call, within np.errstate where the step set NumPy's error handling."""
        shown = [call for call in calls if not call.is_view]
        kinds = ("divide", "over", "under", "invalid")
        for errors, group in groupby(shown, lambda call: call.errors or self.program.errors):
            lines = (line for call in group for line in self.lines(call))
            if errors == self.program.errors:
                yield from lines
                continue
            settings = ", ".join(f"{key}={value!r}" for key, value in zip(kinds, errors, strict=True))
            yield f"with {self.name(np.errstate, 'f')}({settings}):"
            yield from (f"    {line}" for line in lines)

    def lines(self, call: Call) -> Iterator[str]:
        """Yield the lines that run a call: one, but for loops."""
        if isinstance(call.function, Loop):
            yield from self.loop(call.function)
        else:
            yield self.line(call)

    # Loops over blocks of samples

    def open_loop(self, loop: Loop) -> None:
        """Give the body of a loop its arrays; those that are slices of others are the loop's variables."""
        for entry in loop.sliced:
            self.arrays[entry.part] = next(self.slices(entry, loop))
        for call in loop.body.calls:
            if call.is_view and self.is_sliced(call, loop):
                loop.sliced.append(self.view_in_blocks(call, loop))
            elif call.is_view:
                self.open_view(call)

    def is_sliced(self, call: Call, loop: Loop) -> bool:
        """Return whether a window is on an array that is another one in each block."""
        parts = {entry.part for entry in loop.sliced}
        return any(value in parts for value in call.operands())

    def view_in_blocks(self, call: Call, loop: Loop) -> Entry:
        """Open a window on a slice, in every block another one: as a slice of the window on the whole."""
        (entry,) = [entry for entry in loop.sliced if entry.part is call.args[0]]
        whole = self.array_of(entry.whole)
        views = [call.function(part, *call.args[1:], **call.keywords) for part in self.slices(entry, loop)]
        (part,) = call.results
        shown = Value(entry.whole.storage, "array", whole.shape, part.dtype, whole.strides)
        self.arrays[part] = views[0]
        made = Entry(shown, entry.axis, part)
        self.block_views[part] = views
        return made

    def slices(self, entry: Entry, loop: Loop) -> Iterator[NDArray[Any]]:
        """Yield the part of an array in each block; constants in memory of their own, one block after the other."""
        if entry.part in self.block_views:
            yield from self.block_views[entry.part]
            return
        whole = np.moveaxis(self.array_of(entry.whole), entry.axis, 0)
        blocks = whole.reshape(loop.count, loop.length, *whole.shape[1:])
        parts = [np.moveaxis(block, 0, entry.axis) for block in blocks]
        if entry.whole.storage.kind == "constant" and not self.program.written_storages()[entry.whole.storage]:
            parts = [np.ascontiguousarray(part) for part in parts]
        self.block_views[entry.part] = parts
        yield from parts

    def loop(self, loop: Loop) -> Iterator[str]:
        """Yield the lines of a loop."""
        copyto, add = self.name(np.copyto, "f"), self.name(np.add, "f")
        sums = [(self.text(whole), self.text(part)) for whole, part in loop.summed]
        yield from (f"{copyto}({whole}, 0)" for whole, _ in sums)
        entries = [*loop.sliced, *loop.gathered]
        variables = [self.text(entry.part) for entry in loop.sliced]
        variables += [f"w{i}" for i in range(len(loop.gathered))]
        blocks = list(
            zip(
                *(
                    list(self.slices(Entry(e.whole, e.axis, e.part if e in loop.sliced else e.whole), loop))
                    for e in entries
                ),
                strict=True,
            )
        )
        yield f"for {', '.join(variables)}{',' * (len(variables) == 1)} in {self.name(blocks, 'k')}:"
        yield from (f"    {line}" for line in self.calls(loop.body.calls))
        yield from (f"    {add}({whole}, {part}, {whole})" for whole, part in sums)
        for i, entry in enumerate(loop.gathered):
            yield f"    {copyto}(w{i}, {self.text(entry.part)})"

    def line(self, call: Call) -> str:
        """Return the line that runs a call."""
        function = call.function
        args = [self.text(arg) for arg in call.args]
        keywords = [f"{key}={self.text(arg)}" for key, arg in call.keywords.items()]
        f = self.name(function, "f")
        if call.results and call.results[0].form == "number" and len(call.results) == 1:
            return f"{self.number(call.results[0])} = {f}({', '.join([*args, *keywords])})"
        if not call.results:
            if function in BY_KEYWORD or "out" not in call.keywords or len(call.keywords) > 1:
                return f"{f}({', '.join([*args, *keywords])})"
            return f"{f}({', '.join([*args, self.text(call.keywords['out'])])})"
        if len(call.results) > 1 or not isinstance(call.results[0], Value):
            targets = tuple(self.array_of(value) for value in call.results)
            return f"{self.name(store_all, 'f')}({self.name(targets, 'k')}, {f}({', '.join([*args, *keywords])}))"
        out = self.text(call.results[0])
        if call.results[0] in self.scalars:
            return f"{out} = {self.scalar(call, f, args)}"
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
        if is_reduction(function) and not keywords:
            array, axis, dtype, _, keepdims = args
            return f"{f}({', '.join([array, axis, dtype, out, keepdims])})"
        if function is weighted_sum:
            return f"{out}[()] = {self.name(np.vdot, 'f')}({', '.join(args)})"
        if function is np.take and call.keywords == {"mode": "clip"}:
            take = self.name(self.array_of(call.args[0]).take, "f")  # the method, without NumPy's wrapper of it
            return f"{take}({args[1]}, None, {out}, 'clip')"
        if function in WITH_OUT:
            return f"{f}({', '.join([*args, *keywords, f'out={out}'])})"
        return f"{self.name(store, 'f')}({out}, {f}({', '.join([*args, *keywords])}))"

    def scalar(self, call: Call, f: str, args: list[str]) -> str:
        """Return the expression of a NumPy scalar, which takes a tenth of the time of an array without axes."""
        if call.function is weighted_sum:
            return f"{self.name(np.vdot, 'f')}({', '.join(args)})"
        if is_reduction(call.function):
            return f"{f}({', '.join(args[:3])})"
        operands = [
            self.name(arg.array[()], "k") if arg.array is not None else text
            for arg, text in zip(call.args, args, strict=True)
        ]
        return f" {SCALAR_OPERATORS[call.function]} ".join(operands)

    def is_small_product(self, call: Call) -> bool:
        """Return whether np.dot makes a product sooner than np.matmul: it takes less time to get there."""
        (result,) = call.results
        if call.function is not np.matmul or self.program.exact or call.keywords or result.size > SMALL_PRODUCT:
            return False
        matrices = all(isinstance(arg, Value) and 1 <= len(arg.shape) <= 2 for arg in call.args)
        same = {arg.dtype for arg in call.args} == {result.dtype}
        return matrices and same and self.array_of(result).flags.c_contiguous

    def end(self) -> Iterator[str]:
        """Yield the lines that put new things in their places, and return what the step returns."""
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
                yield f"{self.place(held.slot)} = {fresh}"
            else:
                yield f"{self.place(held.slot)} = {self.name(held.after, 'k')}"
        for held in self.program.gradients:
            if isinstance(held.after, Value):
                if held.after is not held.before or written[held.after.storage]:
                    yield f"{self.place(held.slot)} = {self.name(wrap(self.array_of(held.after), None), 'g')}"
            elif held.before is not None:
                yield f"{self.place(held.slot)} = None"
        yield f"return {self.output(self.program.outputs)}"

    def place(self, slot: Slot) -> str:
        """Return a place as it is written in Python."""
        if slot.access == "entry":
            return f"{self.place(slot.owner)}[{slot.key!r}]"
        owner = self.name(slot.owner, "o")
        if slot.access == "attribute":
            return f"{owner}.{slot.key}"
        return f"{owner}[{self.text(slot.key)}]" if slot.access == "item" else f"{owner}.cell_contents"

    def output(self, part: Any) -> str:
        """Return the expression for a part of what is returned: a copy, which is safe to keep."""
        if isinstance(part, TensorOutput):
            copied = "[...]" if part.value in self.scalars else ".copy()"
            return f"{self.name(wrap, 'f')}({self.text(part.value)}{copied}, None)"
        if isinstance(part, Value):
            if part.form == "number" or (part in self.scalars and part.form == "scalar"):
                return self.number(part)
            if part in self.scalars:
                return f"{self.number(part)}[...]"
            return f"{self.text(part)}[()]" if part.form == "scalar" else f"{self.text(part)}.copy()"
        if isinstance(part, tuple | list | dict):
            inner = [self.output(entry) for entry in (part.values() if isinstance(part, dict) else part)]
            if isinstance(part, dict):
                return "{" + ", ".join(f"{self.text(k)}: {v}" for k, v in zip(part, inner, strict=True)) + "}"
            if hasattr(part, "_fields"):
                return f"{self.name(type(part), 'f')}({', '.join(inner)})"
            return (
                f"[{', '.join(inner)}]" if isinstance(part, list) else f"({', '.join(inner)}{',' * (len(inner) == 1)})"
            )
        return self.text(part)


SMALL_PRODUCT = 4096
"""Elements. np.dot fills its result with zeros before it computes it."""

SCALAR_OPERATORS: dict[Callable[..., Any], str] = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/"}


def scalars_of(program: Program) -> set[Value]:
    """Return the sums, and what is computed of sums, that nothing but such and the end of the step reads."""
    uses = Uses(program)
    found: set[Value] = set()
    for call in program.calls:
        if is_array_call(call) and call.results[0].shape == () and uses.made_once(call.results[0]) is call:
            whole = is_reduction(call.function) and call.args[1:] == (None, None, None, False)
            if call.function is weighted_sum or whole or is_scalar_operation(call, found):
                found.add(call.results[0])
    while True:
        kept = {value for value in found if all(is_scalar_operation(one, found) for one in uses.readers[value.storage])}
        if kept == found:
            return found
        found = kept


def is_scalar_operation(call: Call, scalars: set[Value]) -> bool:
    """Return whether a call computes a scalar of such scalars and constants."""
    if call.function not in SCALAR_OPERATORS or call.keywords or not call.results or call.results[0].shape != ():
        return False
    return (
        all(
            isinstance(arg, Value) and (arg in scalars or (arg.array is not None and arg.storage.kind == "constant"))
            for arg in call.args
        )
        and call.results[0].dtype.kind == "f"
    )


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
