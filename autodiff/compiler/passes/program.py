"""A program: the calls that are left of a recorded step, and what they read, change and return."""

from collections import Counter
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.recording import Held, Recording, TensorOutput
from autodiff.compiler.record.trace import Call, Storage, Value, mapped, values_in


@dataclass(slots=True)
class Program:
    """Calls in the order in which they run, and the places around them.

    inputs: the Values that arguments are copied to, None where none is read. held: places of arrays and numbers.
    gradients: places of `tensor.grad`. outputs: what is returned, with Values for arrays. watched: arrays of the user
    that were computed on once and for all, with what they held then. unsteady: memory that changes between the steps,
    so that nothing is computed on it once and for all. peak_bytes: the memory of the intermediate arrays.
    why_exact: where a faster program rounded too far away from the ordinary step, so that this one is exact.
    """

    inputs: list[Value]
    calls: list[Call]
    held: list[Held]
    gradients: list[Held]
    outputs: Any
    errstate: tuple[str, ...]
    exact: bool
    watched: list[tuple[NDArray[Any], bytes, str]] = field(default_factory=list)
    unsteady: set[Storage] = field(default_factory=set)
    peak_bytes: int = 0
    why_exact: str = ""

    def ends(self) -> list[Value]:
        """Return the Values that somebody reads after the last call."""
        afters = [held.after for held in [*self.held, *self.gradients]]
        return [*values_in(afters), *output_values(self.outputs)]

    def live_storages(self) -> set[Storage]:
        """Return the memory that is read after the last call: of results, and of what the function reaches."""
        outside = {value.storage for call in self.calls for value in call.operands() if value.storage.kind != "made"}
        return {value.storage for value in self.ends()} | outside

    def written_storages(self) -> Counter[Storage]:
        """Return how many calls write into each memory after it was made."""
        return Counter(target.storage for call in self.calls for target in call.written)

    def substitute(self, partners: dict[Value, Value]) -> None:
        """Put Values in the places of others, in every call and at the end."""

        def change(part: Any) -> Any:
            if isinstance(part, TensorOutput):
                return TensorOutput(change(part.value)) if part.value in partners else part
            return partners.get(part, part) if isinstance(part, Value) else part

        for call in self.calls:
            remap(call, change)
        for held in [*self.held, *self.gradients]:
            held.after = change(held.after)
        self.outputs = mapped(self.outputs, change)

    def watch(self, value: Value) -> None:
        """Look, before every step, whether an array of the user that was computed on is still what it was."""
        assert value.array is not None
        if value.storage.kind == "held" and not any(array is value.array for array, _, _ in self.watched):
            self.watched.append((value.array, value.array.tobytes(), value.storage.name))

    def __str__(self) -> str:
        from autodiff.compiler.passes.listing import listing  # which knows programs itself

        return "\n".join(listing(self))


def remap(call: Call, change: Callable[[Any], Any]) -> None:
    """Change the arguments of a call; views that it opens are on the memory of what they are views of now."""
    before = call.operands()
    call.args, call.keywords = mapped(call.args, change), mapped(call.keywords, change)
    call.written = tuple(change(target) for target in call.written)
    if call.is_view and before:
        others = {source.storage: source for source in before[1:]}
        for value in call.results:
            if value not in before:
                value.storage = change(others.get(value.storage, before[0])).storage


def program_of(recording: Recording, exact: bool, unsteady: AbstractSet[int] = frozenset()) -> Program:
    """Return the program that does what was recorded, call by call.

    unsteady: the ids of arrays that are known to change between the calls, so that they are read in every step.
    """
    copies = Copies()
    calls = [copies.of_call(call) for call in recording.trace.calls]
    held = [Held(one.slot, copies.of(one.before), copies.of(one.after)) for one in recording.held]
    gradients = [Held(one.slot, copies.of(one.before), copies.of(one.after)) for one in recording.gradients]
    for one in [*gradients, *(one for one in held if one.after is not one.before)]:
        read_anew(one, held)
    inputs, outputs = [copies.of(value) for value in recording.trace.inputs], mapped(recording.trace.outputs, copies.of)
    program = Program(inputs, calls, held, gradients, outputs, recording.errstate, exact)
    program.unsteady = {value.storage for value in copies.values.values() if id(value.array) in unsteady}
    return program


def read_anew(one: Held, held: list[Held]) -> None:
    """Make a place one whose array is another in every step, and is copied in."""
    if not isinstance(one.before, Value) or one.before.form == "number":
        return
    for other in held:
        if other is not one and isinstance(other.before, Value) and other.before.storage is one.before.storage:
            raise CaptureError(
                f"{one.slot.name} is given another array in every step, and shares the memory of the present one with "
                f"{other.slot.name}; write into it in place, with t.data[...] = values"
            )
    one.before.array = None
    one.before.storage.kind = "input"


class Copies:
    """Copies of what was recorded, which passes may change."""

    def __init__(self) -> None:
        self.values: dict[Value, Value] = {}
        self.storages: dict[Storage, Storage] = {}

    def of(self, part: Any) -> Any:
        """Return the copy of a Value, the same one each time; anything else as it is."""
        if isinstance(part, TensorOutput):
            return TensorOutput(self.of(part.value))
        if not isinstance(part, Value):
            return part
        if part not in self.values:
            storage = self.storages.setdefault(part.storage, Storage(part.storage.kind, part.storage.name))
            self.values[part] = replace(part, storage=storage)
        return self.values[part]

    def of_call(self, call: Call) -> Call:
        """Return the copy of a call."""
        return replace(
            call,
            args=mapped(call.args, self.of),
            keywords=mapped(call.keywords, self.of),
            results=[self.of(value) for value in call.results],
            written=tuple(self.of(value) for value in call.written),
        )


def output_values(outputs: Any) -> Iterator[Value]:
    """Yield the Values in what a step returned."""
    found: list[Value] = []

    def look(part: Any) -> Any:
        if isinstance(part, Value):
            found.append(part)
        elif isinstance(part, TensorOutput):
            found.append(part.value)
        return part

    mapped(outputs, look)
    yield from found


Pass = Callable[[Program], None]
"""A change of a program that leaves what it computes as it was."""


def is_array_call(call: Call) -> bool:
    """Return whether a call makes one array or NumPy scalar and nothing else."""
    return len(call.results) == 1 and call.results[0].form != "number" and not call.written and not call.is_view


def version_key(part: Any, versions: Counter[Storage]) -> Any:
    """Return what tells an argument from others: Values by identity and by how often they were written into."""
    if isinstance(part, Value):
        return "value", id(part), versions[part.storage]
    if isinstance(part, list | tuple):
        return type(part), tuple(version_key(entry, versions) for entry in part)
    if isinstance(part, dict):
        return tuple((key, version_key(entry, versions)) for key, entry in part.items())
    if isinstance(part, slice):
        return slice, part.start, part.stop, part.step
    if isinstance(part, np.generic):
        return type(part), part.tobytes()
    return type(part), repr(part) if isinstance(part, float) else part
