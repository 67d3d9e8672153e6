"""The guard: a fast check, before every replay, that what the function reaches is what it was when it was recorded."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, combinations, product, starmap
from operator import is_
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.passes.program import Program
from autodiff.compiler.record.branches import Branches
from autodiff.compiler.record.environment import Environment, is_node, is_same_key, is_state
from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.recording import Held
from autodiff.compiler.record.sharing import is_borrowed, share_memory
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

    def __init__(self, environment: Environment, program: Program, branches: Branches) -> None:
        self.environment = environment
        self.program = program
        self.branches = branches
        self.written = written = program.written_storages()
        self.read = {value.storage for call in program.calls for value in call.operands()}
        self.read |= {value.storage for value in program.ends()}
        recorded = [held for held in program.held if isinstance(held.before, Value)]  # the others are switches
        self.stays = len(recorded) == len(program.held)
        self.stays &= all((held.before is None) is (held.after is None) for held in program.gradients)
        arrays = [held for held in recorded if held.before.form == "array"]
        self.numbers = [(held.slot, number_type(held.before)) for held in recorded if held.before.form != "array"]
        bound = [held for held in arrays if held.before.array is not None]
        self.bound = [(held.slot, held.before.array) for held in bound]
        self.expected = [*environment.fixed, *self.bound]
        self.looks = [(slot, one, one.shape, one.dtype) for slot, one in self.expected if isinstance(one, np.ndarray)]
        used = self.read | {*written}
        self.followed = [held for held in arrays if held.before.array is None and held.before.storage in used]
        self.writes_arguments = any(written[value.storage] for value in program.inputs)
        self.writes_followed = any(written[held.before.storage] for held in self.followed)
        self.owners = owners_of(held.before.array for held in bound)
        self.written_owners = owners_of(held.before.array for held in bound if written[held.before.storage])
        looked_at = [array for array, *_ in [*environment.contents, *program.watched]]  # in a replay, it may change
        self.stays &= not any(id(owner_of(array)) in self.written_owners for array in looked_at)
        self.writes_borrowed = any(map(is_borrowed, self.written_owners.values()))
        self.unchanged = compiled(self)

    def is_read(self, gradient: Held) -> bool:
        """Return whether the program reads what a gradient was before."""
        return isinstance(gradient.before, Value) and gradient.before.storage in self.read

    def changed_arrays(self) -> list[NDArray[Any]]:
        """Return the arrays that were computed on once and for all, and have been changed since."""
        return [array for array, contents, _ in self.program.watched if array.tobytes() != contents]

    def check_shared_memory(self, leaves: Sequence[Any]) -> None:
        """Raise CaptureError if an argument shares memory with something that the step writes into."""
        owners = [owner_of(leaf) for leaf in leaves if isinstance(leaf, np.ndarray)]
        known = self.written_owners
        suspects = [owner for owner in owners if id(owner) in known or owner.base is not None]
        if not suspects and not (self.writes_borrowed or self.writes_arguments or self.writes_followed):
            return
        is_shared = any(starmap(share_memory, product(owners, known.values())))
        if self.writes_arguments:
            is_shared |= any(starmap(share_memory, combinations(owners, 2)))
        if self.followed and (self.writes_arguments or self.writes_followed):
            followed = [owner_of(held.slot.get()) for held in self.followed]
            is_shared |= any(starmap(share_memory, product(owners, followed)))
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
        return not any(starmap(share_memory, pairs))

    def changes(self) -> Iterator[Change]:
        """Yield everything that is not what it was, but for the contents of arrays."""
        for slot, before in self.bound:
            now = present(slot)
            if now is not before:
                words = f"{slot.name} has another array than it had"
                yield Change(slot, words, looks_like(now, before, self.program.exact))
        for slot, array, shape, dtype in self.looks:
            if (array.shape, array.dtype) != (shape, dtype):
                yield Change(None, f"{slot.name} has been made {kind_of(array)}, and was one of {dtype} {shape}")
        for held in self.followed:
            now = present(held.slot)
            if isinstance(held.slot, TensorSlot) and now is not None and not is_state(Slot.get(held.slot)):
                yield Change(held.slot, f"{held.slot.name} gathers gradients, and did not")
            elif not looks_like(now, held.before, self.program.exact and held.after is held.before):
                yield Change(held.slot, f"{held.slot.name} is {kind_of(now)}, and was {kind_of(held.before)}")
            elif self.written[held.before.storage] and not now.flags.writeable:
                yield Change(held.slot, f"{held.slot.name} cannot be written to")
        for slot, kind in self.numbers:
            if type(present(slot)) is not kind:
                yield Change(slot, f"{slot.name} is a {type(present(slot)).__name__}, and was a {kind.__name__}")
        for held in self.program.gradients:
            now = present(held.slot)
            if (now is None) is not (held.before is None):
                yield Change(held.slot, f"{held.slot.name} was {'None' if held.before is None else 'an array'}")
            elif self.is_read(held) and not looks_like(now._data, held.before, False):
                yield Change(held.slot, f"{held.slot.name} is {kind_of(now._data)}, and was {kind_of(held.before)}")
        yield from starmap(Change, self.environment.changes())
        if words := self.branches.change():
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


def compiled(guard: Guard) -> Callable[[], bool]:
    """Return a function that tells whether every place holds the very object that it has to hold.

    It looks at dozens of places in two microseconds: one expression, in which each object is a variable of its own. The
    attributes of an object are looked up in its dict, which takes half the time.
    """
    objects: dict[int, Any] = {}
    dicts: dict[int, str] = {}

    def name(thing: Any) -> str:
        if id(thing) not in dicts:
            objects[id(thing)] = thing
        return dicts.get(id(thing), f"x{id(thing)}")

    counts = Counter(id(slot.owner) for slot, _ in guard.expected if is_in_dict(slot))
    owners = {id(slot.owner): slot.owner for slot, _ in guard.expected if counts[id(slot.owner)] > 1}
    lines = [f"d{i} = {name(owner)}.__dict__" for i, owner in enumerate(owners.values())]
    dicts |= {id(vars(owner)): f"d{i}" for i, owner in enumerate(owners.values())}

    def source(slot: Slot) -> str:
        if id(slot.owner) in owners and is_in_dict(slot):
            slot = replace(slot, owner=vars(slot.owner), access="item")
        return slot.source(name)

    tests = "\n            and ".join(tests_of(guard, name, source)) or "True"
    lines.append(f"return ({tests})")
    text = (
        f"def unchanged({', '.join(f'x{key}' for key in objects)}):\n    try:\n        "
        + "\n        ".join(lines)
        + "\n    except (AttributeError, KeyError, IndexError, ValueError):\n        return False\n"
    )
    namespace: dict[str, Any] = {}
    exec(compile(text, "<guard of a captured step>", "exec"), namespace)
    unchanged = namespace["unchanged"]
    unchanged.__defaults__ = (*objects.values(),)
    return unchanged  # type: ignore[no-any-return]


def is_in_dict(slot: Slot) -> bool:
    """Return whether an attribute is what the dict of its object holds, and nothing that its class has.

    That a class of the user's gets something of the name is seen by itself.
    """
    owner, kind = slot.owner, type(slot.owner)
    if slot.access != "attribute" or isinstance(owner, ModuleType | type) or hasattr(kind, slot.key):
        return False
    is_plain: bool = kind.__getattribute__ is object.__getattribute__  # type: ignore[comparison-overlap]
    return is_plain and slot.key in getattr(owner, "__dict__", ())


def tests_of(guard: Guard, name: Callable[[Any], str], source: Callable[[Slot], str]) -> Iterator[str]:
    """Yield the comparisons of a guard. name, source: of an object and of a place, in Python."""
    for slot, thing in guard.expected:
        if is_node(slot):
            yield f"{source(slot)} is {'not ' * (thing is not None)}None"
        elif slot.access not in CONSTANT:
            yield f"{source(slot)} is {name(thing)}"
    for container, length, _ in guard.environment.lengths:
        yield f"len({name(container)}) == {length}" if length else f"not {name(container)}"
    for array, before, _ in [*guard.environment.contents, *guard.program.watched]:
        if array.flags.c_contiguous and array.dtype.kind in "biufc":  # then they are compared where they are
            yield f"{name(before)}.startswith({name(array.data)})"
        else:
            yield f"{name(array)}.tobytes() == {name(before)}"
    for container, order, _ in guard.environment.orders:
        yield f"[*{name(container)}] == {name(order)}"
        if any(type(one) is not str for one in order):  # as 1, 1.0 and True are equal
            pair = f"{name(container)}, {name(order)}"
            yield f"(all(map({name(is_)}, {pair})) or all(map({name(is_same_key)}, {pair})))"
    for held in guard.program.gradients:
        yield f"{source(held.slot)} is {'None' if held.before is None else 'not None'}"
        if guard.is_read(held):
            yield from array_tests(f"{source(held.slot)}._data", held.before, name)
    for slot, kind in guard.numbers:
        yield f"{source(slot)}.__class__ is {name(kind)}"
    groups = [them for slot, them in guard.expected if isinstance(slot.owner, Optimizer) and slot.key == "group_states"]
    states = {id(state) for group in groups for state in group}  # there another shape is an error to the step
    for slot, array, shape, dtype in guard.looks:
        yield f"{name(array)}.dtype is {name(dtype)}"
        if not isinstance(slot.owner, Tensor | Optimizer) and id(slot.owner) not in states:
            yield f"{name(array)}.shape == {shape}"
    for held in guard.followed:
        if isinstance(held.slot, TensorSlot):
            yield f"{name(is_state)}({Slot.source(held.slot, name)})"
        yield from array_tests(source(held.slot), held.before, name)
        if guard.program.exact and held.after is held.before:
            yield f"{source(held.slot)}.strides == {held.before.strides}"
        if guard.written[held.before.storage]:
            yield f"{source(held.slot)}.flags.writeable"
    if guard.followed:
        yield f"{name(guard.are_apart)}()"
    if guard.branches.branches:
        yield f"{name(guard.branches)}.hold()"


def array_tests(source: str, like: Value, name: Callable[[Any], str]) -> Iterator[str]:
    """Yield the tests of whether an expression is an ordinary array of a shape and dtype."""
    yield f"{source}.__class__ is {name(np.ndarray)}"
    yield f"{source}.shape == {like.shape}"
    yield f"{source}.dtype == {name(like.dtype)}"


CONSTANT = ("entry", "constant")
"""How places are reached that cannot change, such as the entries of a tuple."""
