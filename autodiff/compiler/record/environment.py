"""What a function can reach: arrays, Tensors, optimizers and random generators in its closure, globals and attributes.

The arrays among them are what a step works on. All else has to stay as it was when the step was recorded. What is in
none of the known kinds is refused where the step can come upon it: its state would be out of sight.
"""

import random
from collections import deque
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter, methodcaller
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.growing import Growing
from autodiff.compiler.record.kinds import (
    PLAIN,
    attributes_of_module,
    check_class,
    is_array,
    is_constant,
    is_native,
    is_trusted_class,
    is_trusted_function,
    is_trusted_module,
    type_name,
)
from autodiff.compiler.record.places import (
    CONTAINERS,
    DYNAMIC,
    LOOKING,
    Opaque,
    is_by_name,
    module_slots,
    names_in,
    names_of_trusted_bases,
    slots_of,
)
from autodiff.compiler.record.slot import (
    WITHIN,
    BatchSlot,
    Identity,
    Slot,
    TensorSlot,
    absence,
    is_gone,
    is_variable,
    present,
)
from autodiff.compiler.record.stand_in import StandIn
from autodiff.compiler.record.trace import Function
from autodiff.modules.module import Parameter
from autodiff.optimizers.optimizer import Optimizer
from autodiff.tensor import Tensor
from autodiff.trees import flatten, parts, paths

LIMIT = 100_000
"""Objects to look at before giving up: a step that reaches more should be given what it needs."""
ASK = {"Event": ".is_set()", "ContextVar": ".get()", "ReferenceType": "()", "local": ".name"}
"""What a user reads of an object that cannot be followed."""


@dataclass(slots=True)
class Environment:
    """What a function reaches, sorted by what a recorder does with it.

    arrays: places of ndarrays. gradients: of what `tensor.grad` holds; gradient_arrays: of its arrays. numbers: of
    Python numbers that may change from step to step. fixed: of all else, which has to stay what it is. generators:
    those among these that hold random generators. lengths: the containers, with their number of entries. orders: the
    keys of dicts and the members of sets, as they follow each other. contents: those of arrays of text and of dates,
    and of flags and integers that decide a shape or a branch. states: random number generators other than
    np.random.Generator. growing: places of lists that the step appends to. mentioned: the names in functions' code.
    """

    arrays: list[Slot] = field(default_factory=list)
    gradients: list[Slot] = field(default_factory=list)
    gradient_arrays: list[Slot] = field(default_factory=list)
    generators: list[Slot] = field(default_factory=list)
    numbers: list[Slot] = field(default_factory=list)
    fixed: list[tuple[Slot, Any]] = field(default_factory=list)
    lengths: list[tuple[Any, int, str]] = field(default_factory=list)
    orders: list[tuple[Any, list[Any], str]] = field(default_factory=list)
    contents: list[tuple[NDArray[Any], bytes, str]] = field(default_factory=list)
    states: list[tuple[Any, str]] = field(default_factory=list)
    growing: list[Slot] = field(default_factory=list)
    mentioned: set[str] = field(default_factory=set)

    def grown(self) -> list[Any]:
        """Return the lists and deques that are longer than they were."""
        return [one for one, length, _ in self.lengths if isinstance(one, list | deque) and len(one) > length]

    def changes(self, but: Iterable[Any] = ()) -> Iterator[tuple[Slot | None, str]]:
        """Yield the places where something else is now, and what happened in words; but not to some containers."""
        for slot, before in self.fixed:
            if is_gone(slot):
                yield slot, f"{slot.name} is gone"
                continue
            now = slot.get()
            if now is before or is_same_value(now, before):
                continue
            if is_node(slot):
                if (now is None) != (before is None):
                    name = slot.name.removesuffix(".node")
                    yield slot, f"{name}.requires_grad was {before is not None} and is now {now is not None}"
            elif isinstance(slot.owner, Optimizer) and slot.key == "moving":
                name = slot.name.removesuffix(".moving")
                yield slot, f"{name} has others of its parameters frozen than before (have an optimizer for each part)"
            elif isinstance(now, PLAIN) and isinstance(before, PLAIN):
                yield slot, f"{slot.name} was {before!r} and is now {now!r}"
            else:
                yield slot, f"{slot.name} is another {type(now).__name__} than it was"
        for container, length, name in self.lengths:
            if len(container) != length and not any(container is one for one in but):
                yield None, words_for_length(name, length, container)
        for array, before, name in self.contents:
            if array.tobytes() != before:
                yield None, f"{name}, an array of {array.dtype}, holds something else than it did"
        for container, order, name in self.orders:
            if len(container) != len(order):
                yield None, words_for_length(name, len(order), container)
            elif not all(map(is_same_key, container, order)):
                yield None, f"{name} held {order} and holds now {[*container]}"

    def replaced_batches(self) -> set[Identity]:
        """Return the places of Tensors, and of lists, tuples and dicts of arrays, that hold others like them now."""
        pairs = [(slot, before, present(slot)) for slot, before in self.fixed if not is_of_optimizer(slot)]
        others = [(slot, before, now) for slot, before, now in pairs if now is not before]
        return {slot.identity for slot, before, now in others if is_batch(before) and are_alike(now, before)}


def is_node(slot: Slot) -> bool:
    """Return whether a place tells how a Tensor was made; of a leaf, only whether it requires a gradient."""
    return isinstance(slot.owner, Tensor) and slot.key == "node"


def end_of(container: Any) -> Identity:
    """Return the identity of the place behind the last entry of a list, where a step may append."""
    return id(container), "the end"


def beginning_of(container: Any) -> Identity:
    """Return the identity of a list that has been longer after a call: if it is so again, the step appends to it."""
    return id(container), "the beginning"


def is_same_value(now: Any, before: Any) -> bool:
    """Return whether two plain values are the same: 0.0 and -0.0 are not, NaN is what it was."""
    if type(now) is not type(before) or not (isinstance(now, PLAIN) and is_constant(now)):
        return False
    return repr(now) == repr(before) if isinstance(now, float | complex | np.generic) else bool(now == before)


def is_same_key(now: Any, before: Any) -> bool:
    """Return whether keys of a dict, or members of a set, are the same: 1, 1.0 and True are not, though equal."""
    if type(now) is type(before) is tuple and len(now) == len(before):
        return all(map(is_same_key, now, before))
    return now is before or is_same_value(now, before)


def words_for_length(name: str, length: int, container: Any) -> str:
    """Return what happened to a container that has got longer or shorter."""
    return f"{name} had {length} entries and has now {len(container)}"


Named = Iterable[tuple[str, Any]]
"""Objects with their names."""
Node = int | tuple[int]
"""An object by its id; in a tuple, a class as what makes objects."""
NAMELESS = DYNAMIC | {
    "asdict",
    "astuple",
    "fields",
    "getmembers",
    "__getstate__",
    "__reduce__",
    "__reduce_ex__",
    "dump",
    "dumps",
    "getattr_static",
    "closing",
}
"""What code mentions that may come upon an attribute without its name."""
MAKING = ("__init__", "__new__", "__post_init__", "__init_subclass__", "__class_getitem__", "__set_name__")
"""Methods that run when objects or classes are made."""


def explore(function: Function, changing: AbstractSet[Identity] = frozenset(), arguments: Named = ()) -> Environment:
    """Return what a function can reach. Optimizers are looked into last, so that a parameter has its module's name.

    changing: the places that are known to hold other numbers or Tensors from step to step, by `Slot.identity`; the
        ends of lists that grow.
    arguments: objects that it is given, with their names.
    Raises CaptureError for an object that cannot be followed, if the function, or one that it can call, names it.
    """
    walk = Walk(function, changing, arguments)
    if walk.strange:
        walk.refuse_strange()
    return walk.found


def within(value: Any, name: str) -> Environment:
    """Return what an object holds, be it of a known kind or not."""
    return Walk(None, frozenset(), [(name, value)]).found


class Walk:
    """A walk through all that a function can reach, be it of a known kind or not."""

    def __init__(self, function: Function | None, changing: AbstractSet[Identity], arguments: Named) -> None:
        self.found = Environment()
        self.function = function
        self.changing = changing
        self.places: set[Identity] = set()
        self.seen: dict[int, Any] = {}  # with the objects themselves, lest one dies and leaves its identity to another
        self.pending: list[tuple[Any, Slot, Slot | None]] = []
        self.modules: dict[int, tuple[ModuleType, Slot]] = {}
        self.edges: list[tuple[Node, str | None, Node]] = []  # from an object to another, by the name that it takes
        self.names: dict[Node, frozenset[str]] = {}  # what a function mentions
        self.inherited: dict[Node, frozenset[str]] = {}  # what methods mention that an object has from trusted classes
        self.strange: list[tuple[Any, Slot]] = []  # of no known kind, or the error of looking at it, and where it is
        if not is_constant(function):  # as np.sum is
            self.pending.append((function, Slot(None, None, "item", getattr(function, "__name__", "it")), None))
        for name, value in arguments:
            self.visit(function, Slot((value,), 0, "constant", name), None)
        self.go()

    def go(self) -> None:
        """Look into one object after the other."""
        while self.pending or self.look_into_modules():
            owner, where, outer = self.pending.pop()
            if id(owner) in self.seen:
                continue
            self.seen[id(owner)] = owner
            if len(self.seen) > LIMIT:
                raise CaptureError(f"the function reaches more than {LIMIT} objects; pass it what it needs")
            try:
                self.look_into(owner, where, outer)
            except Exception as error:
                self.note_error(error, owner, None, where)
        self.note_absent_attributes()
        self.forget_unnamed()
        gradients = {slot.identity: slot for slot in self.found.gradient_arrays}
        self.found.gradient_arrays = [slot for key, slot in gradients.items() if key not in self.places]

    def look_into(self, owner: Any, where: Slot, outer: Slot | None) -> None:
        """Visit the places within an object. outer: where the object of Python's or the engine's is that it is in."""
        if isinstance(owner, ModuleType):
            if not is_trusted_module(owner):
                self.modules[id(owner)] = owner, where
            return
        if isinstance(owner, random.Random | np.random.RandomState) and not isinstance(owner, random.SystemRandom):
            self.found.states.append((owner, where.name))
            return
        kind, is_class = type(owner), isinstance(owner, type)
        slots = None if hasattr(kind, "__next__") else slots_of(owner, where)
        if slots is None:
            self.strange.append((owner, outer or where))  # in an object of Python's, that is what to name
            return
        if isinstance(owner, FunctionType) and (owner is self.function or not is_trusted_function(owner)):
            names = names_in(owner.__code__)
            self.names[id(owner)] = names.attributes
            self.found.mentioned |= names.attributes | names.variables
            if "__globals__" in names.attributes:
                self.visit(owner, Slot((globals,), 0, "constant", f"__globals__ in {owner.__name__}"), None)
        else:  # of a class, the methods that it overrides are called by those names
            self.inherited[id(owner)] = names_of_trusted_bases(owner if is_class else kind)  # type: ignore[arg-type]
        if outer is None and not is_class and is_trusted_class(kind) and not is_native(kind):
            outer = where  # an object with attributes, rather than a function or a container of Python's
        note_length(self.found, owner, where, outer)
        for slot in slots:
            self.visit(owner, slot, outer)

    def look_into_modules(self) -> bool:
        """Visit what the code names of modules that are held by objects. Return whether there is anything new."""
        names = self.all_names()
        for module, where in [*self.modules.values()]:
            try:
                for slot in module_slots(module, names, set()):
                    self.visit(module, slot, None)
            except Exception as error:
                self.note_error(error, module, None, where)
        return bool(self.pending)

    def note_absent_attributes(self) -> None:
        """Write down that modules have no other attributes that the code names, which hasattr and getattr ask for."""
        names = self.all_names()
        for module, where in self.modules.values():
            held = attributes_of_module(module)
            if names & DYNAMIC:
                self.found.lengths.append((held, len(held), where.name))
            else:
                lacks = partial(held.keys().isdisjoint, names - held.keys())
                self.found.fixed.append((absence(f"another attribute of {where.name}", lacks), True))

    def all_names(self) -> frozenset[str]:
        """Return the attributes that the code mentions of all that has been looked into."""
        return frozenset[str]().union(*self.names.values(), *self.inherited.values())

    def visit(self, owner: Any, slot: Slot, outer: Slot | None) -> None:
        """Write down one place, unless it is gone, as a variable of the closure that is not set yet."""
        try:
            if is_gone(slot):
                self.found.fixed.append((absence(slot.name, partial(is_gone, slot)), True))
            else:
                self.note(owner, slot, slot.get(), outer)
        except Exception as error:
            self.note_error(error, owner, condition(owner, slot), slot)

    def note_error(self, error: Exception, owner: Any, name: str | None, slot: Slot) -> None:
        """Write down that an object raises when it is looked at. name: that by which another one leads to it."""
        self.edges.append((id(owner), name, id(error)))
        self.strange.append((error, slot))

    def note(self, owner: Any, slot: Slot, value: Any, outer: Slot | None) -> None:
        """Write down what is in a place, and that it is to be looked into."""
        if not (type(value) in (StandIn, Growing) or isinstance(value, np.random.Generator)):
            check_class(value)
        if isinstance(value, attrgetter | methodcaller) or any(value is one for one in LOOKING):
            self.names[id(value)] = frozenset(DYNAMIC)
        if value is type and slot.access != "constant" and not is_variable(slot):
            self.edges.append((id(owner), condition(owner, slot), id(slot)))
            self.strange.append((slot, slot))
        is_leaf = is_constant(value) or is_array(value) or isinstance(value, np.random.Generator)
        if not is_leaf or id(value) in self.names:
            self.edges += edges_to(owner, slot, value)
        identity = slot.identity
        if identity in self.places:
            return
        self.places.add(identity)
        grows = isinstance(value, list | deque) and end_of(value) in self.changing
        if identity in self.changing and not grows and is_batch(value):
            self.note_batch(slot, value)
            return
        sort_in(self.found, slot, value, identity in self.changing)
        if grows:
            self.found.growing.append(slot)
        elif isinstance(owner, Tensor) and slot.key == "grad" and value is not None:
            self.found.gradient_arrays.append(Slot(value, "_data", "attribute", slot.name))
        elif not is_leaf:
            last = 0 if isinstance(value, Optimizer) else len(self.pending)
            self.pending.insert(last, (value, slot, outer))

    def note_batch(self, slot: Slot, value: Any) -> None:
        """Write down a place that holds another batch, or another part of one, in every step."""
        self.places.add(slot.identity)
        held = parts(value)
        if held is not None:
            structure = BatchSlot(slot.owner, slot.key, slot.access, slot.name)
            self.found.fixed.append((structure, structure.get()))
            for key, part in held.items():
                self.note_batch(Slot(slot, key, "part", f"{slot.name}[{key!r}]"), part)
        elif is_state(value):
            self.found.arrays.append(TensorSlot(slot.owner, slot.key, slot.access, slot.name))
        else:
            sort_in(self.found, slot, value, is_changing=True)

    def forget_unnamed(self) -> None:
        """Forget constants, and containers of them, that no code names the attribute for, as a log in the same object.

        Whoever calls the step may change these from call to call.
        """
        reached, names = self.by_names(of_all=False)
        if self.function is None or names & NAMELESS:
            return
        unnamed, containers = set(), set[int]()
        for slot, value in self.found.fixed:
            try:
                held = plain_containers(value) if slot.access == "attribute" else None
            except Exception:  # of an object that is not to be looked at
                held = None
            name = condition(slot.owner, slot)
            named = name is None or name in names or name in self.inherited.get(id(slot.owner), ())
            if held is not None and not named and reached.isdisjoint(held):
                unnamed.add(slot.identity)
                containers |= held
        found = self.found
        found.fixed = [
            (slot, value)
            for slot, value in found.fixed
            if slot.identity not in unnamed and id(slot.owner) not in containers
        ]
        found.lengths = [one for one in found.lengths if id(one[0]) not in containers]
        found.orders = [one for one in found.orders if id(one[0]) not in containers]

    def by_names(self, of_all: bool) -> tuple[set[Node], set[str]]:
        """Return the objects to which there is a way by names that code uses, and these names.

        of_all: whether the methods of trusted classes use theirs of any object, or only of those of their class.
        """
        nothing = frozenset[str]()
        reached: set[Node] = {id(self.function), (id(self.function),)}
        names, before = set(self.names.get(id(self.function), ())), 0
        while len(reached) > before:
            before = len(reached)
            for owner, name, value in self.edges:
                if owner not in reached or value in reached:
                    continue
                if name is None or name in names or name in self.inherited.get(owner, ()):
                    reached.add(value)
                    names |= self.names.get(value, nothing)
                    names |= self.inherited.get(value, nothing) if of_all else nothing
        return reached, names

    def refuse_strange(self) -> None:
        """Raise CaptureError for an object that cannot be followed, if there is a way to it by names that are used."""
        reached, _ = self.by_names(of_all=True)
        for value, slot in self.strange:
            if id(value) in reached:
                raise CaptureError(words_for(value, slot))


def plain_containers(value: Any) -> set[int] | None:
    """Return the ids of the lists, tuples, dicts and sets that hold nothing but constants; None if there is more."""
    found: dict[int, Any] = {}
    pending = [value]
    while pending:
        one = pending.pop()
        if is_constant(one) or id(one) in found:
            continue
        if type(one) not in CONTAINERS:
            return None
        found[id(one)] = one
        pending += [*one, *one.values()] if isinstance(one, dict | MappingProxyType) else one
    return {*found}


def edges_to(owner: Any, slot: Slot, value: Any) -> Iterator[tuple[Node, str | None, Node]]:
    """Yield the ways from an object to what it holds. That a class makes objects is a node of its own.

    A class is reached from its objects, but only code that names it, or asks for the class of an object, makes more.
    """
    start: Node = (id(owner),) if isinstance(owner, type) and slot.key in MAKING else id(owner)
    yield start, condition(owner, slot), id(value)
    if isinstance(value, type):
        if isinstance(owner, type) and slot.access == "constant":  # a base
            yield (id(owner),), None, (id(value),)
        elif slot.key == "__class__":
            yield id(owner), "type", (id(value),)
            yield id(owner), "__class__", (id(value),)
        else:
            yield id(owner), condition(owner, slot), (id(value),)


def condition(owner: Any, slot: Slot) -> str | None:
    """Return the name that code has to mention to come upon what a place holds; None where it may do without."""
    if slot.access not in ("attribute", "class") or not isinstance(slot.key, str) or slot.key[:2] == "__":
        return None
    if isinstance(owner, FunctionType | type | Opaque) or not is_trusted_class(type(owner)):
        return slot.key
    return None


def words_for(value: Any, slot: Slot) -> str:
    """Return why an object cannot be followed, and what to do about it."""
    name = slot.name
    if isinstance(value, Exception):
        return (
            f"{name} cannot be looked into ({value!r}), so that a replay would not see its state; pass what the step "
            "reads of it as an argument, or leave it outside"
        )
    if is_by_name(value):
        return (
            f"{name} finds by a name what a replay would not see; name the variable or the module itself, or do that "
            "outside of the step"
        )
    if isinstance(value, Slot):
        return (
            f"{name} is `type`, which would tell there of a recorded array that it is something else; write type(x) in "
            "the code of the step, or isinstance"
        )
    if hasattr(type(value), "__next__"):
        return (
            f"{name} is an iterator, whose next() a replay would not call; take from it outside of the step, "
            "and pass what it gives as an argument"
        )
    if isinstance(getattr(value, "__self__", None), np.random.Generator):
        return (
            f"{name} is a method of a np.random.Generator, whose draws a replay would not see; hold the generator "
            f"itself, and call its .{value.__name__}()"
        )
    named = value if is_gone(slot) else slot.get()
    ask = ASK.get(type(named).__name__)
    advice = f"pass {name}{ask} as an argument" if ask else "pass what the step reads of it as an argument"
    return f"{name} is a {type_name(named)}, whose state a replay would not see; {advice}, or leave it outside"


def note_length(found: Environment, owner: Any, where: Slot, outer: Slot | None) -> None:
    """Write down how many entries a container has, or an object attributes, and the order of what may be walked."""
    name = where.name
    if isinstance(owner, set | frozenset | MappingProxyType) or (isinstance(owner, dict) and outer is None):
        found.orders.append((owner, [*owner], name))
    elif isinstance(owner, list | dict | deque):
        found.lengths.append((owner, len(owner), name))
    if isinstance(owner, type):
        if not is_trusted_class(owner):
            found.lengths.append((vars(owner), len(vars(owner)), name))
            found.fixed.append((Slot(owner, "__bases__", "attribute", f"the bases of {name}"), owner.__bases__))
    elif not isinstance(owner, tuple) and isinstance(getattr(owner, "__dict__", None), dict):
        found.lengths.append((vars(owner), len(vars(owner)), name))
        found.fixed.append((Slot(owner, "__dict__", "attribute", f"the dict of {name}"), vars(owner)))


def sort_in(found: Environment, slot: Slot, value: Any, is_changing: bool) -> None:
    """Add one place to what a function reaches. is_changing: whether a number there is another one in every step."""
    if is_array(value) and value.dtype.kind in "biufc":
        found.arrays.append(slot)
    elif isinstance(slot.owner, Tensor) and slot.key == "grad":
        found.gradients.append(slot)
    elif isinstance(value, np.random.Generator):
        found.generators.append(slot)
        found.fixed.append((slot, value))
    elif (is_changing and is_number(value)) or is_setting(slot, value):
        found.numbers.append(slot)
    else:
        found.fixed.append((slot, value))
        if is_array(value):
            found.contents.append((value, value.tobytes(), slot.name))


def is_number(value: Any) -> bool:
    """Return whether this is a number, of Python's or NumPy's, that may be another one in every step."""
    if isinstance(value, np.generic):
        return value.dtype.kind in "biufc"
    return isinstance(value, int | float | complex) and not isinstance(value, bool)


def is_state(value: Any) -> bool:
    """Return whether this is a Tensor in whose place a step may put another one.

    None that gathers gradients, and no Parameter, which may be frozen for a while.
    """
    is_kind = isinstance(value, Tensor) and not isinstance(value, Parameter)
    return is_kind and (value.node is None or value.node.function is not None)


def is_of_optimizer(slot: Slot) -> bool:
    """Return whether this is an attribute of an optimizer's, or within a tuple there, as the groups of parameters."""
    while slot.access in WITHIN:
        slot = slot.owner
    return isinstance(slot.owner, Optimizer)


def is_batch(value: Any) -> bool:
    """Return whether this is a Tensor, or a list, tuple or dict of Tensors, arrays and constants: one of many alike."""
    if parts(value) is None:
        return is_state(value)
    is_held = [is_array(leaf) or is_state(leaf) for leaf in flatten(value)]
    return any(is_held) and all(held or is_constant(leaf) for held, leaf in zip(is_held, flatten(value), strict=True))


def are_alike(now: Any, before: Any) -> bool:
    """Return whether something is a batch that a step may be given as well as another one."""
    outlines = [[(path, *kind_of(leaf)) for path, leaf in paths(batch)] for batch in (now, before)]
    return is_batch(now) and outlines[0] == outlines[1]


def kind_of(leaf: Any) -> tuple[Any, Any]:
    """Return the shape and dtype of an array or a Tensor; the type of a number; anything else as it is."""
    if isinstance(leaf, Tensor | np.ndarray):
        return leaf.shape, leaf.dtype
    return type(leaf), None if is_number(leaf) else leaf


def is_setting(slot: Slot, value: Any) -> bool:
    """Return whether this is an optimizer's learning rate, which schedules change."""
    return isinstance(slot.owner, Optimizer) and slot.key == "learning_rate" and isinstance(value, int | float)
