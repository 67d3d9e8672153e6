"""A pass that runs a step in blocks of samples, so that what one call leaves in the cache the next one finds there.

NumPy makes a pass over memory in each call, and arrays of a few thousand samples do not fit the cache. Where the
samples are independent of each other, the same calls run on some hundred samples at a time; sums over the samples, as
the gradients of the weights are, add up from block to block. Sums round differently so, which `exact` programs forbid.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autodiff.compiler.passes.lower import assign
from autodiff.compiler.passes.program import Program, is_array_call
from autodiff.compiler.passes.uses import Uses, dummy, is_contiguous, made_array, view
from autodiff.compiler.record.trace import Call, Storage, Value

BLOCK = 112_000
"""Elements of the widest array in a block: three of them fit a second-level cache of 2 MB, products included."""
WORTH = 2 * BLOCK
"""Elements of the widest array from which blocks are faster than one pass."""


@dataclass(eq=False, slots=True)
class Entry:
    """An array that a block reads or leaves: the whole, the axis of the samples, and its part in the block."""

    whole: Value
    axis: int
    part: Value


@dataclass(eq=False, slots=True)
class Loop:
    """Stands where a call has its function: runs the body for one block of samples after the other.

    count, length: of the blocks. sliced: arrays that are there before. summed: results that are sums over the samples;
    gathered: results with an axis of samples; the body's outputs are the parts of the former, then of the latter.
    views: values of the body that are another array in each block: views of what is sliced, and what is computed in the
    place where it is gathered.
    """

    body: Program
    count: int
    length: int
    sliced: list[Entry] = field(default_factory=list)
    summed: list[Value] = field(default_factory=list)
    gathered: list[Entry] = field(default_factory=list)
    views: list[Value] = field(default_factory=list)
    __name__: str = "blocks"

    def gathered_parts(self) -> list[tuple[Entry, Value]]:
        """Return what is gathered, with what the body makes of it in a block."""
        return [*zip(self.gathered, self.body.outputs[len(self.summed) :], strict=True)]

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """Loops are written out as code and never called."""
        raise NotImplementedError


def cut_into_blocks(program: Program) -> None:
    """Put the calls that compute on samples one by one into a loop over blocks of samples."""
    found = samples_and_width(program)
    if found is None:
        return
    samples, width = found
    length = block_length(samples, BLOCK // width)
    if length == samples:
        return
    Cutter(program, samples, length).run()


def samples_and_width(program: Program) -> tuple[int, int] | None:
    """Return the number of samples and that of their most features; None if they are few."""
    sizes = [value.shape for call in program.calls for value in call.results if len(value.shape) == 2]
    large = [shape for shape in sizes if shape[0] * shape[1] >= WORTH and shape[0] > 1]
    if not large:
        return None
    samples = max({shape[0] for shape in large}, key=lambda n: sum(shape[0] == n for shape in large))
    return samples, max(shape[1] for shape in large if shape[0] == samples)


def block_length(samples: int, target: int) -> int:
    """Return the divisor of the number of samples next to a target; all samples if there is none near it."""
    near = [n for n in range(max(target // 3, 16), min(target * 5 // 4, samples) + 1) if samples % n == 0]
    return min(near, key=lambda n: abs(n - target), default=samples)


class Cutter:
    """Sorts the calls into those before the loop, in it, and after it."""

    def __init__(self, program: Program, samples: int, length: int) -> None:
        self.program = program
        self.samples = samples
        self.length = length
        self.uses = Uses(program)
        self.axes: dict[Value, int] = {}  # the axis of the samples, of what the loop computes
        self.parts: dict[Value, Value] = {}  # the parts of arrays in a block, by the whole
        self.sums: dict[Value, Value] = {}  # the parts of sums, by the whole
        self.late: set[Storage | Value] = set()  # what is there only after the loop: memory, and views of parts
        self.touched: set[Storage] = set()  # what the loop, or a call after it, reads or writes
        self.touched_late: set[Storage] = set()  # what calls after the loop read or write
        self.before: list[Call] = []
        self.inside: list[Call] = []
        self.after: list[Call] = []
        self.entries: dict[tuple[Value, int], Entry] = {}

    def run(self) -> None:
        """Rewrite the program."""
        for call in self.program.calls:
            if not self.take_in(call):
                self.leave_out(call)
        if sum(not call.is_view for call in self.inside) < 4:
            return
        used = self.used_after()
        gathered = [Entry(whole, self.axes[whole], self.parts[whole]) for whole in self.parts if whole in used]
        outputs = (*self.sums.values(), *(entry.part for entry in gathered))
        inputs = [entry.part for entry in self.entries.values()]
        body = Program(inputs, self.inside, [], [], outputs, self.program.errstate, self.program.exact)
        loop = Loop(body, self.samples // self.length, self.length, list(self.entries.values()))
        loop.summed, loop.gathered = list(self.sums), gathered
        own = {value for call in self.inside for value in call.results} | set(inputs)
        outside = dict.fromkeys(value for call in self.inside for value in call.operands() if value not in own)
        sources = dict.fromkeys(entry.whole for entry in self.entries.values())
        results = [*self.sums, *(entry.whole for entry in gathered)]
        run = Call(loop, (*sources, *outside), {}, results, origin=self.inside[0].origin)
        self.program.calls = [*self.before, run, *self.after]

    def used_after(self) -> set[Value]:
        """Return what is read after the loop; views that nobody looks through are left out."""
        used = set(self.program.ends())
        for call in reversed(self.after):
            if not call.is_view or used.intersection(call.results):
                used.update(call.operands())
        self.after = [call for call in self.after if not call.is_view or used.intersection(call.results)]
        return used

    def leave_out(self, call: Call) -> None:
        """Put a call before the loop, if it can be, or after it."""
        storages = {value.storage for value in [*call.operands(), *call.results]}
        written = {target.storage for target in call.written}
        operands = call.operands()
        is_late = storages & self.late or written & self.touched or any(self.is_late(value) for value in operands)
        is_late = is_late or any(value in self.axes for value in operands)
        if call.draws and any(earlier.draws for earlier in self.after):
            is_late = True
        if is_late:
            self.after.append(call)
            self.touched |= storages
            self.touched_late |= storages
            self.late |= written
            self.late.update(call.results if call.is_view else (value.storage for value in call.results))
        else:
            self.before.append(call)

    def is_late(self, value: Value) -> bool:
        """Return whether an array is there only after the loop."""
        return value in self.late or value.storage in self.late

    # The calls of the loop

    def take_in(self, call: Call) -> bool:
        """Put a call into the loop, if its samples are independent of each other or summed over."""
        if call.draws or len(call.results) + len(call.written) != 1 or call.keywords.keys() - {"out"}:
            return False
        if call.function is np.ndarray.take:
            return self.pick(call)
        if any(self.is_late(value) or value.form == "number" for value in call.operands()):
            return False
        if any(target not in self.axes or target.storage in self.touched_late for target in call.written):
            return False
        for kind in (self.view, self.elementwise, self.product, self.reduction):
            found = kind(call)
            if found is not None:
                axes, result = found
                self.add(call, axes, result)
                return True
        return False

    def add(self, call: Call, axes: list[int | None], result: int | str) -> None:
        """Put a call into the loop: the axes of the samples of its arguments and of its result, or that it sums."""
        args = []
        for arg, axis in zip(call.args, axes, strict=True):
            args.append(arg if axis is None else self.part_of(arg, axis))
        made = call.derived(call.function, tuple(args))
        made.is_view = call.is_view
        self.touched |= {arg.storage for arg in call.args if isinstance(arg, Value)}
        if call.written:
            (target,) = call.written
            made.keywords = {"out": self.parts[target]}
            made.written = (self.parts[target],)
        else:
            (whole,) = call.results
            if isinstance(result, str):
                part = Value(Storage("made"), whole.form, whole.shape, whole.dtype, whole.strides)
                self.sums[whole] = part
                self.late.add(whole.storage)
            else:
                storage = args[0].storage if call.is_view else Storage("made")
                part = Value(storage, whole.form, *self.cut(whole, result))
                self.axes[whole], self.parts[whole] = result, part
            made.results = [part]
        self.inside.append(made)

    def cut(self, whole: Value, axis: int) -> tuple[tuple[int, ...], np.dtype[Any], tuple[int, ...]]:
        """Return the shape, dtype and strides of the part of an array in a block."""
        shape = tuple(self.length if i == axis else n for i, n in enumerate(whole.shape))
        return shape, whole.dtype, np.empty_like(dummy(whole), shape=shape).strides

    def part_of(self, whole: Value, axis: int) -> Value:
        """Return the part of an array in a block: computed there, or a slice of one that is there before."""
        if whole in self.axes:
            return self.parts[whole]
        if (whole, axis) not in self.entries:
            part = Value(Storage("input"), whole.form, *self.cut(whole, axis))
            self.entries[whole, axis] = Entry(whole, axis, part)
        return self.entries[whole, axis].part

    def pick(self, call: Call) -> bool:
        """Put a call into the loop that takes one element of each sample, by a constant index of a flattened array."""
        flat, index = call.args
        base = self.uses.base(flat, np.reshape)
        rows = base in self.axes and not self.is_late(base) and len(base.shape) == 2 and is_contiguous(base)
        if not rows or self.axes[base] != 1 or not np.array_equal(index.array % self.samples, np.arange(self.samples)):
            return False
        in_block = index.array // self.samples * self.length + np.arange(self.samples) % self.length
        part, (picked,) = self.parts[base], call.results
        opened, shown = view(np.reshape, part, (part.size,))
        numbers = self.part_of(made_array(in_block.astype(np.intp)), 0)
        taken = Value(Storage("made"), "array", *self.cut(picked, 0))
        take = call.derived(np.ndarray.take, (shown, numbers), [taken])
        self.inside += [opened, take]
        self.axes[picked], self.parts[picked] = 0, taken
        self.touched.add(base.storage)
        return True

    # What each kind of call does to the axis of the samples. Each returns the axes of the arguments, None for those
    # that are read as a whole, and that of the result, or "sum"; nothing if the call is not of its kind.

    def view(self, call: Call) -> tuple[list[int | None], int] | None:
        """Transposition."""
        if not call.is_view or call.args[0] not in self.axes or len(call.args) > 1:
            return None
        axis = self.axes[call.args[0]]
        if call.function in (np.transpose, np.matrix_transpose) and len(call.results[0].shape) == 2:
            return [axis], 1 - axis
        return None

    def elementwise(self, call: Call) -> tuple[list[int | None], int] | None:
        """A ufunc, a choice, or a copy: arrays with an axis of samples have it at one place, counted from the last."""
        function = call.function
        is_ufunc = isinstance(function, np.ufunc) and function.signature is None
        if not is_ufunc and function is not assign and (function is not np.where or len(call.args) != 3):
            return None
        if not all(isinstance(arg, Value) or type(arg) in (int, float) for arg in call.args):
            return None
        whole = (call.results or call.written)[0]
        arrays = [arg for arg in call.args if isinstance(arg, Value)]
        found = {len(whole.shape) - len(arg.shape) + self.axes[arg] for arg in arrays if arg in self.axes}
        if len(found) != 1 or (call.written and call.keywords.get("out") is not whole):
            return None
        (axis,) = found
        axes: list[int | None] = []
        for arg in call.args:
            own = axis - (len(whole.shape) - len(arg.shape)) if isinstance(arg, Value) else -1
            axes.append(own if own >= 0 and arg.shape[own] != 1 else None)
        return axes, axis

    def product(self, call: Call) -> tuple[list[int | None], int | str] | None:
        """A product of matrices, or of ones and a matrix; the first one, of known samples, begins the loop."""
        if call.function is not np.matmul or not is_array_call(call):
            return None
        left, right = call.args
        if not (isinstance(left, Value) and isinstance(right, Value)) or len(right.shape) != 2:
            return None
        known = self.axes.get(left), self.axes.get(right)
        inner_left = len(left.shape) - 1
        if known == (None, None):
            begins = len(left.shape) == 2 and left.shape[0] == self.samples != right.shape[1]
            return ([0, None], 0) if begins and left.storage.kind != "made" else None
        if known[0] == inner_left or known[1] == 0:
            both = known[0] in (None, inner_left) and known[1] in (None, 0)
            return ([inner_left, 0], "sum") if both else None
        if known == (0, None):
            return [0, None], 0
        return ([None, 1], 1) if known == (None, 1) and len(left.shape) == 2 else None

    def reduction(self, call: Call) -> tuple[list[int | None], int | str] | None:
        """A sum over the samples, or a reduction along another axis."""
        function: Callable[..., Any] = call.function
        owner = getattr(function, "__self__", None)
        if not isinstance(owner, np.ufunc) or function.__name__ != "reduce" or call.args[0] not in self.axes:
            return None
        if len(call.args) != 5 or isinstance(call.args[1], tuple):  # not one that was lowered, or along several axes
            return None
        array, along, _, _, keepdims = call.args
        axis = self.axes[array]
        nothing: list[int | None] = [None, None, None, None]
        if along is None or along % len(array.shape) == axis:
            whole = along is None or len(array.shape) == 1
            return ([axis, *nothing], "sum") if owner is np.add and whole and not keepdims else None
        return [axis, *nothing], axis if keepdims else axis - (along % len(array.shape) < axis)
