"""The guard: a fast check, before every replay, that what the function reaches is what it was when it was recorded."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, combinations, product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.passes.program import Program
from autodiff.compiler.record.branches import Branches
from autodiff.compiler.record.environment import Environment, is_node, is_state
from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.sharing import is_borrowed, overlap, share_memory
from autodiff.compiler.record.slot import Slot, TensorSlot, present
from autodiff.compiler.record.trace import Value
from autodiff.optimizers.optimizer import Optimizer
from autodiff.saved import owner_of
from autodiff.tensor import Tensor


class Change(NamedTuple):
    """Something that is not what it was: where, if that is one place, and in words.

    is_replaced: whether it is an array that another one of its shape and dtype has taken the place of.
    """

    slot: Slot | None
    words: str
    is_replaced: bool = False


class Guard:
    """Knows what has to be in place: `unchanged()` tells quickly, `changes()` says what is not.

    stays: whether a replay leaves things so that the next may be one of the same program. followed: the places whose
    array may be another one of its shape and dtype in every step, and is copied in.
    """

    def __init__(self, environment: Environment, program: Program, branches: Branches | None = None) -> None:
        self.environment = environment
        self.program = program
        self.branches = branches
        self.expected = list(expected_objects(environment, program))
        self.looks = [(slot, one, one.shape, one.dtype) for slot, one in self.expected if isinstance(one, np.ndarray)]
        self.numbers = [
            (held.slot, number_type(held.before))
            for held in program.held
            if isinstance(held.before, Value) and held.before.form != "array"
        ]
        read = {value.storage for call in program.calls for value in call.operands()}
        read |= {value.storage for value in program.ends()}
        self.gradients = [
            (held, isinstance(held.before, Value) and held.before.storage in read) for held in program.gradients
        ]
        self.stays = all((held.before is None) is (held.after is None) for held in program.gradients)
        self.read_gradients = [held.slot for held, is_read in self.gradients if is_read]
        written = program.written_storages()
        arrays = [held for held in program.held if isinstance(held.before, Value) and held.before.form == "array"]
        used = read | {*written}
        self.followed = [held for held in arrays if held.before.array is None and held.before.storage in used]
        self.writes_arguments = any(written[value.storage] for value in program.inputs)
        self.writes_followed = any(written[held.before.storage] for held in self.followed)
        bound = [held.before for held in arrays if held.before.array is not None]
        self.owners = owners_of(value.array for value in bound)
        self.written_owners = owners_of(value.array for value in bound if written[value.storage])
        self.writes_borrowed = any(map(is_borrowed, self.written_owners.values()))
        self.written = written
        self.unchanged = compiled(self)

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
        if self.followed and (self.writes_arguments or self.writes_followed):
            followed = [owner_of(held.slot.get()) for held in self.followed]
            is_shared |= any(share_memory(*pair) for pair in product(owners, followed))
        if is_shared:
            raise CaptureError(
                "an argument shares its memory with another, or with an array that the step writes into, as it did not "
                "when the step was recorded; pass a copy"
            )

    def are_apart(self) -> bool:
        """Return whether the arrays that are copied in share no memory with what the step writes into.

        If it writes into one of them, with nothing else that it works on.
        """
        owners = [owner_of(held.slot.get()) for held in self.followed]
        others = self.owners if self.writes_followed else self.written_owners
        if any(id(owner) in others for owner in owners):
            return False
        pairs = product(owners, others.values()) if self.writes_borrowed or any(map(is_borrowed, owners)) else iter(())
        if self.writes_followed:
            gradients = [held.slot.get() for held in self.program.gradients]
            owners += {id(owner_of(one._data)): owner_of(one._data) for one in gradients if one is not None}.values()
            pairs = chain(product(owners, others.values()), combinations(owners, 2))
        return not any(share_memory(*pair) for pair in pairs)

    def changes(self) -> Iterator[Change]:
        """Yield everything that is not what it was, but for the contents of arrays."""
        for slot, before in self.expected:
            if is_array_slot(before):
                now = present(slot)
                if now is not before:
                    words = f"{slot.name} has another array than it had"
                    yield Change(slot, words, looks_like(now, before, self.program.exact))
        for slot, array, shape, dtype in self.looks:
            if (array.shape, array.dtype) != (shape, dtype):
                yield Change(None, f"{slot.name} has been made {kind_of(array)}, and was one of {dtype} {shape}")
        for held in self.followed:
            now = present(held.slot)
            if isinstance(held.slot, TensorSlot) and now is not None and not is_state(held.slot.tensor()):
                yield Change(held.slot, f"{held.slot.name} gathers gradients, and did not")
                continue
            if not looks_like(now, held.before, self.program.exact and held.after is held.before):
                yield Change(held.slot, f"{held.slot.name} is {kind_of(now)}, and was {kind_of(held.before)}")
            elif self.written[held.before.storage] and not now.flags.writeable:
                yield Change(held.slot, f"{held.slot.name} cannot be written to")
        for slot, kind in self.numbers:
            if type(present(slot)) is not kind:
                yield Change(slot, f"{slot.name} is a {type(present(slot)).__name__}, and was a {kind.__name__}")
        for held, is_read in self.gradients:
            now = present(held.slot)
            if (now is None) is not (held.before is None):
                yield Change(held.slot, f"{held.slot.name} was {'None' if held.before is None else 'an array'}")
            elif is_read and not looks_like(now._data, held.before, False):
                yield Change(held.slot, f"{held.slot.name} is {kind_of(now._data)}, and was {kind_of(held.before)}")
        for place, words in self.environment.changes():
            yield Change(place, words)
        if self.branches is not None and (words := self.branches.change()):
            yield Change(None, words)
        if all(isinstance(present(held.slot), np.ndarray) for held in self.followed) and not self.are_apart():
            yield Change(None, f"{self.followed[0].slot.name} shares its memory with other arrays")


def owners_of(arrays: Iterable[Any]) -> dict[int, NDArray[Any]]:
    """Return the arrays that own the memory of others, by their ids."""
    return {id(owner): owner for owner in map(owner_of, arrays)}


def looks_like(now: Any, before: Any, exactly: bool) -> bool:
    """Return whether an ordinary array has the shape and dtype of another, and exactly its strides."""
    if type(now) is not np.ndarray or (now.shape, now.dtype) != (before.shape, before.dtype):
        return False
    return not exactly or now.strides == before.strides


def kind_of(array: Any) -> str:
    """Return the dtype and shape of an array, in words."""
    return f"an array of {array.dtype} {array.shape}" if hasattr(array, "dtype") else f"a {type(array).__name__}"


def number_type(value: Value) -> type:
    """Return the type of a number that was recorded."""
    if value.form == "scalar":
        return value.dtype.type
    return {"i": int, "f": float, "b": bool, "c": complex}[value.dtype.kind]


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
    for held, is_read in guard.gradients:
        tests.append(f"{held.slot.source(name)} is {'None' if held.before is None else 'not None'}")
        if is_read:
            tests += array_tests(f"{held.slot.source(name)}._data", held.before, name)
    tests += [f"{slot.source(name)}.__class__ is {name(kind)}" for slot, kind in guard.numbers]
    tests += [f"{name(array)}.dtype is {name(dtype)}" for _, array, _, dtype in guard.looks]
    tests += [f"{name(array)}.shape == {shape}" for slot, array, shape, _ in guard.looks if not is_of_engine(slot)]
    for held in guard.followed:
        if isinstance(held.slot, TensorSlot):
            tests.append(f"{name(is_state)}({held.slot.tensor_source(name)})")
        tests += array_tests(held.slot.source(name), held.before, name)
        if guard.program.exact and held.after is held.before:
            tests.append(f"{held.slot.source(name)}.strides == {held.before.strides}")
        if guard.written[held.before.storage]:
            tests.append(f"{held.slot.source(name)}.flags.writeable")
    if guard.followed:
        tests.append(f"{name(guard.are_apart)}()")
    tests += [f"{name(array)}.tobytes() == {name(contents)}" for array, contents, _ in guard.program.watched]
    if guard.branches is not None and guard.branches.branches:
        tests.append(f"{name(guard.branches)}.hold()")
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


def array_tests(source: str, like: Value, name: Callable[[Any], str]) -> list[str]:
    """Return the tests of whether an expression is an ordinary array of a shape and dtype."""
    return [
        f"{source}.__class__ is {name(np.ndarray)}",
        f"{source}.shape == {like.shape}",
        f"{source}.dtype == {name(like.dtype)}",
    ]


CONSTANT = ("entry", "constant")
"""How places are reached that cannot change, such as the entries of a tuple."""


def is_of_engine(slot: Slot) -> bool:
    """Return whether an array is that of a Tensor or an optimizer: with another shape it is an error to the step."""
    return isinstance(slot.owner, Tensor | Optimizer)
