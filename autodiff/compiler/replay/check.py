"""The check of a program: an ordinary run and a replay from one state, and what both left compared."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.replay.guard import Guard
from autodiff.compiler.replay.undo import Snapshot
from autodiff.tensor import Tensor
from autodiff.trees import flatten

TOLERANCE = {"f": 1e-3, "d": 1e-8}
"""How far fast kernels may round away from an ordinary run, relative to the largest element, by dtype."""
ULPS = 2
"""How far apart two roundings of one number may be, in units of its last place."""
DISTURBANCE = 8
"""By how many units in the last place numbers are moved to see what a step makes of rounding."""
NOISE = 4
"""How many times as far as a disturbed run a replay may be away from the ordinary one."""


class State(Snapshot):
    """All that a step can change, copied: arrays, numbers, gradients, random generators and arguments."""

    def __init__(self, guard: Guard, leaves: Sequence[Any]) -> None:
        self.places = [(held.slot, held.slot.get()) for held in guard.program.held]
        tensors = [(held.slot, held.slot.get()) for held in guard.program.gradients]
        self.gradients = [(slot, tensor, None if tensor is None else tensor._data) for slot, tensor in tensors]
        self.arguments = [leaf for leaf in leaves if isinstance(leaf, np.ndarray)]
        arrays = [*(value for _, value in self.places), *(array for *_, array in self.gradients), *self.arguments]
        super().__init__([array for array in arrays if isinstance(array, np.ndarray)], guard.environment.generators)
        counts = Counter(id(one.target) for one in guard.program.appended)
        lists = {id(one.target): one for one in guard.program.appended}
        self.lists = [(one.target, [*one.target], one.name, counts[key]) for key, one in lists.items()]

    def restore(self) -> None:
        """Put everything back."""
        for slot, value in self.places:
            if slot.get() is not value:
                slot.set(value)
        for slot, tensor, array in self.gradients:
            slot.set(tensor)
            if tensor is not None:
                tensor._data = array
        super().restore()
        for target, entries, _, _ in self.lists:
            if len(target) != len(entries) or any(now is not then for now, then in zip(target, entries, strict=True)):
                target.clear()
                target.extend(entries)

    def disturb(self, sign: int) -> None:
        """Put everything back, but each number that is not whole a few units in the last place up or down.

        sign: 1 or -1, for one disturbance and its opposite.
        """
        self.restore()
        rng = np.random.default_rng(0)
        for array, contents in self.copies:
            ups = rng.integers(0, 2, contents.shape) * 2 - 1
            if contents.dtype.kind == "f" and array.flags.writeable:
                fraction = contents != np.rint(contents)
                ulp = np.finfo(contents.dtype).eps * np.abs(contents)
                array[...] = np.where(fraction, contents + sign * DISTURBANCE * ups * ulp, contents)

    def contents(self) -> list[tuple[str, Any]]:
        """Return every value with its name: gradients first, as those that differ tell more of why."""
        contents = {id(array): copy for array, copy in self.copies}
        found = [(slot.name, contents.get(id(array))) for slot, _, array in self.gradients]
        found += [(slot.name, contents.get(id(value), value)) for slot, value in self.places]
        found += [(f"argument {i}", contents[id(array)]) for i, array in enumerate(self.arguments)]
        return found + [("a random generator", str(state)) for _, state in self.generators]


@dataclass(frozen=True, slots=True)
class Left:
    """A value that a call left, or returned. start: what it was before, unless it is made anew by every call."""

    name: str
    value: Any
    start: Any = None
    is_returned: bool = False

    def is_changed(self) -> bool:
        """Return whether this is an array that was there before the call."""
        return isinstance(self.start, np.ndarray | np.generic) and np.shape(self.start) == np.shape(self.value)

    def moved(self) -> NDArray[Any]:
        """Return what an array moved by."""
        dtype = np.asarray(self.value).dtype
        start = self.start if self.is_changed() else 0
        return np.asarray(np.subtract(self.value, start, dtype=dtype if dtype.kind == "f" else np.float64))


class Check:
    """One call as it is, and then as a replay from the state of before.

    A step may make much of rounding, as Adam does of a gradient that ought to be 0. So where a replay by fast kernels
    is further away than those round, the step is run again from a state that is disturbed in the last places: where
    that makes a difference, a replay may differ too.
    """

    def __init__(self, run: Callable[[], Any], guard: Guard, leaves: Sequence[Any]) -> None:
        self.run = run
        self.guard = guard
        self.leaves = leaves
        self.before = State(guard, leaves)
        self.result = run()
        self.after = State(guard, leaves)
        self.ordinary = left(guard, self.before, self.after, self.result)
        self.before.restore()

    def difference(self, replay: Callable[[Sequence[Any]], Any], exact: bool) -> str:
        """Return the first value that a replay does not leave as the ordinary run did, in words; nothing if they agree.

        What the replay left is in its place afterwards.
        """
        self.before.restore()
        self.replayed = replay(self.leaves)
        state = State(self.guard, self.leaves)
        replayed = left(self.guard, self.before, state, self.replayed)
        if len(self.ordinary) != len(replayed):
            results = [len(flatten(result)) for result in (self.result, self.replayed)]
            return f"it returned {results[0]} values, and {results[1]} when it was recorded"
        pairs = list(zip(self.ordinary, replayed, strict=True))
        differing = [i for i, pair in enumerate(pairs) if not agree(*pair, exact)]
        if differing and not exact:
            differing = self.beyond_noise(differing, pairs)
            state.restore()
        for ordinary, now in (pairs[i] for i in differing[:1]):
            return f"{now.name} is {in_short(now.value)} and should be {in_short(ordinary.value)}"
        return ""

    def beyond_noise(self, differing: list[int], pairs: list[tuple[Left, Left]]) -> list[int]:
        """Return which of the values that differ do so more than those of a disturbed run."""
        for sign in (1, -1):
            self.before.disturb(sign)
            start = State(self.guard, self.leaves)
            result = self.run()
            disturbed = left(self.guard, start, State(self.guard, self.leaves), result)
            if len(disturbed) == len(pairs):
                differing = [i for i in differing if not is_noise(*pairs[i], disturbed[i])]
        return differing


def left(guard: Guard, before: State, after: State, result: Any) -> list[Left]:
    """Return the values that a call left, and what it returned."""
    fresh = [not guard.is_read(held) for held in guard.program.gradients]
    found = [
        Left(name, value, None if i < len(fresh) and fresh[i] else start)
        for i, ((name, value), (_, start)) in enumerate(zip(after.contents(), before.contents(), strict=True))
    ]
    for _, entries, name, count in after.lists:
        found += [Left(f"the length of {name}", len(entries)), *returned(f"the end of {name}", entries[-count:])]
    return found + returned("result", result)


def returned(name: str, result: Any) -> list[Left]:
    """Return the values in what a call returned."""
    leaves = [leaf._data if isinstance(leaf, Tensor) else leaf for leaf in flatten(result)]
    copies = [leaf.copy() if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]
    return [Left(f"{name} {i}", leaf, is_returned=True) for i, leaf in enumerate(copies)]


def agree(expected: Left, found: Left, exact: bool) -> bool:
    """Return whether two values are the same, up to rounding where kernels may differ.

    An array that is changed may be off by what is little for its largest change; what is made anew by what is little
    for its largest element.
    """
    value, other = expected.value, found.value
    if isinstance(value, np.ndarray | np.generic):
        one, two = np.asarray(value), np.asarray(other)
        if (one.shape, one.dtype) != (two.shape, two.dtype):
            return False
        if np.array_equal(one, two):  # as most are, and soon seen
            return True
        if exact or one.dtype.kind != "f":
            return np.array_equal(one, two, equal_nan=one.dtype.kind == "f")
        with np.errstate(all="ignore"):
            same = (one == two) | (np.isnan(one) & np.isnan(two))
            allowed = TOLERANCE.get(one.dtype.char, 1e-2) * size_of(expected.moved()) + rounding_of(expected)
            return bool(np.all(same | (np.absolute(one - two) <= allowed)))
    if isinstance(value, float) and isinstance(other, float):
        return value == other or bool(np.isclose(value, other, rtol=1e-12, atol=0, equal_nan=True))
    return type(value) is type(other) and (value is other or bool(value == other))


def size_of(array: NDArray[Any]) -> float:
    """Return the largest size of the finite elements."""
    sizes = np.absolute(array)
    return float(np.max(sizes, where=np.isfinite(sizes), initial=0.0))


def rounding_of(expected: Left) -> Any:
    """Return how far apart an array and the same, changed by kernels that round differently, may be by that alone."""
    largest = np.absolute(expected.value)
    if expected.is_changed():
        largest = np.maximum(largest, np.absolute(expected.start))
    return ULPS * np.spacing(largest)


def is_noise(expected: Left, found: Left, disturbed: Left) -> bool:
    """Return whether a replay is not much further away from the ordinary run than a disturbed one is.

    Not of numbers with a fraction that the step returns: they are looked at.
    """
    arrays = [np.asarray(one.value) for one in (expected, found, disturbed)]
    kinds = "biu" if expected.is_returned else "biuf"
    if len({(array.shape, array.dtype) for array in arrays}) > 1 or arrays[0].dtype.kind not in kinds:
        return False
    with np.errstate(all="ignore"):
        moved = [one.moved() for one in (expected, found, disturbed)]
        distances = [float(np.linalg.norm(moved[0] - one)) for one in moved[1:]]
    return distances[0] <= NOISE * distances[1]


def in_short(value: Any) -> str:
    """Return a value in a few characters."""
    text = np.array2string(np.asarray(value), precision=6, threshold=6, edgeitems=2) if value is not None else "None"
    return " ".join(text.split())
