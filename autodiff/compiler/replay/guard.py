"""The guard: a fast check, before every replay, that what the function reaches is what it was when it was recorded."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np

from autodiff.compiler.passes.program import Program
from autodiff.compiler.record.environment import Environment, is_node
from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.sharing import is_borrowed, overlap, share_memory
from autodiff.compiler.record.slot import GONE, Slot
from autodiff.compiler.record.trace import Value
from autodiff.saved import owner_of

ADVICE = (
    "a replay would not see that. Write into arrays in place (t.data[...] = values), pass what changes as an argument, "
    "or capture the function once more"
)


class Guard:
    """Knows what has to be in place: `unchanged()` tells quickly, `explain()` says what is not."""

    def __init__(self, environment: Environment, program: Program) -> None:
        self.environment = environment
        self.program = program
        self.expected = list(expected_objects(environment, program))
        read = {value.storage for call in program.calls for value in call.operands()}
        read |= {value.storage for value in program.ends()}
        self.read_gradients = [
            held.slot for held in program.gradients if isinstance(held.before, Value) and held.before.storage in read
        ]
        written = program.written_storages()
        self.writes_arguments = any(written[value.storage] for value in program.inputs)
        self.written_owners = {
            id(owner_of(held.before.array)): owner_of(held.before.array)
            for held in program.held
            if isinstance(held.before, Value) and held.before.array is not None and written[held.before.storage]
        }
        self.writes_borrowed = any(map(is_borrowed, self.written_owners.values()))
        self.unchanged = compiled(self)

    def check(self) -> None:
        """Raise CaptureError if something else is in place than what was recorded, but for contents of arrays."""
        self.explain()
        for slot in self.read_gradients:
            if slot.get() is None:
                raise CaptureError(f"{slot.name} was an array when the step was recorded, and is now None; {ADVICE}")

    def changed_arrays(self) -> list[str]:
        """Return the names of the arrays that were computed on once and for all, and have been changed since."""
        return [name for array, contents, name in self.program.watched if array.tobytes() != contents]

    def check_shared_memory(self, leaves: Sequence[Any]) -> None:
        """Raise CaptureError if an argument shares memory with something that the step writes into."""
        owners = [owner_of(leaf) for leaf in leaves if isinstance(leaf, np.ndarray)]
        is_shared = any(id(owner) in self.written_owners for owner in owners)
        if self.writes_arguments:
            is_shared |= any(share_memory(*pair) for pair in combinations(owners, 2))
        if self.writes_borrowed or any(map(is_borrowed, owners)):
            is_shared |= any(overlap(*pair) for pair in product(owners, self.written_owners.values()))
        if is_shared:
            raise CaptureError(
                "an argument shares its memory with another, or with an array that the step writes into, as it did not "
                "when the step was recorded; pass a copy"
            )

    def explain(self) -> None:
        """Raise CaptureError for the first thing that is not what it was; return if all is well after all."""
        for slot, before in self.expected:
            if is_array_slot(before):
                try:
                    now = slot.get()
                except GONE:
                    now = None
                if now is not before:
                    raise CaptureError(f"{slot.name} has another array than it had when it was recorded; {ADVICE}")
        for _, words in self.environment.changes():
            raise CaptureError(f"{words} since the step was recorded; {ADVICE}")


def is_array_slot(before: Any) -> bool:
    """Return whether a place holds an array that the program works on."""
    return isinstance(before, np.ndarray | np.random.Generator)


def expected_objects(environment: Environment, program: Program) -> Iterator[tuple[Slot, Any]]:
    """Yield the places to look at, with what has to be there."""
    yield from environment.fixed
    for held in program.held:
        if isinstance(held.before, Value) and held.before.array is not None:
            yield held.slot, held.before.array
    for slot in environment.generators:
        yield slot, slot.get()


def compiled(guard: "Guard") -> Callable[[], bool]:
    """Return a function that tells whether every place holds the very object that it has to hold.

    It looks at dozens of places in a microsecond or two: one expression, in which each object has a name of its own.
    """
    objects: dict[int, Any] = {}

    def name(thing: Any) -> str:
        objects[id(thing)] = thing
        return f"x{id(thing)}"

    expected = [(slot, thing) for slot, thing in guard.expected if slot.access not in CONSTANT]
    tests = [f"{slot.source(name)} is {name(thing)}" for slot, thing in expected if not is_node(slot)]
    tests += [f"{slot.source(name)} is {'not ' * (thing is not None)}None" for slot, thing in expected if is_node(slot)]
    tests += [
        f"len({name(container)}) == {length}" if length else f"not {name(container)}"
        for container, length, _ in guard.environment.lengths
    ]
    tests += [f"{name(array)}.tobytes() == {name(before)}" for array, before, _ in guard.environment.contents]
    tests += [f"[*{name(container)}] == {name(order)}" for container, order, _ in guard.environment.orders]
    tests += [f"{slot.source(name)} is not None" for slot in guard.read_gradients]
    tests += [f"{name(array)}.tobytes() == {name(contents)}" for array, contents, _ in guard.program.watched]
    lines = "\n                and ".join(tests or ["True"])
    source = (
        f"def build({', '.join(f'x{key}' for key in objects)}):\n    def unchanged():\n        try:\n"
        f"            return ({lines})\n        except (AttributeError, KeyError, IndexError, ValueError):\n"
        "            return False\n    return unchanged\n"
    )
    namespace: dict[str, Any] = {}
    exec(compile(source, "<guard of a captured step>", "exec"), namespace)
    made: Callable[[], bool] = namespace["build"](*objects.values())
    return made


CONSTANT = ("entry", "constant")
"""How places are reached that cannot change, such as the entries of a tuple."""
