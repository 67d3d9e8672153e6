"""The arguments of a step and what it returns: which of their parts are arrays, and whether they still are alike."""

import inspect
from dataclasses import dataclass
from itertools import zip_longest
from types import MethodType
from typing import Any

import numpy as np

from autodiff.compiler.record.environment import is_same_value
from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.kinds import PLAIN, check_class, is_array, is_constant, type_name
from autodiff.compiler.record.places import can_be_looked_into, object_slots
from autodiff.compiler.record.slot import GONE, Slot
from autodiff.compiler.record.trace import Function, Keywords, Positional
from autodiff.tensor import Tensor
from autodiff.trees import mapped, named_leaves, parts


class Inputs:
    """What arguments were like that are arrays and floats, and nothing else."""

    def __init__(self, args: Positional, keywords: Keywords, exact: bool) -> None:
        plain = all((type(arg) is np.ndarray and arg.dtype.kind in "biufc") or type(arg) is float for arg in args)
        self.are_plain = plain and not keywords
        self.kinds: list[tuple[Any, ...]] = [
            (np.ndarray, arg.shape, arg.dtype, arg.strides if exact else None)
            if type(arg) is np.ndarray
            else (float, None, None, None)
            for arg in args
        ]

    def are_like(self, args: Positional, keywords: Keywords) -> bool:
        """Return, quickly, whether arguments are arrays and floats alike; False may also mean that it takes a look."""
        if keywords or not self.are_plain or len(args) != len(self.kinds):
            return False
        for i, (kind, shape, dtype, strides) in enumerate(self.kinds):
            arg = args[i]
            if type(arg) is not kind or (shape is not None and (arg.dtype is not dtype or arg.shape != shape)):
                return False
            if strides is not None and arg.strides != strides:
                return False
        return True


class Signature:
    """Brings positional and keyword arguments into one order, so that calls may spell them either way."""

    def __init__(self, function: Function) -> None:
        self.signature = inspect.signature(function)
        self.names = tuple(self.signature.parameters)
        self.is_plain = all(each.kind is each.POSITIONAL_OR_KEYWORD for each in self.signature.parameters.values())

    def bind(self, args: Positional, keywords: Keywords) -> tuple[Positional, Keywords]:
        """Return the arguments as the function is to be called with them. Raises TypeError as the function would.

        A default that stands for one that is not given is reached by the function, as a variable of its closure is.
        """
        if self.is_plain and not keywords and len(args) == len(self.names):
            return args, keywords
        bound = self.signature.bind(*args, **keywords)
        return bound.args, bound.kwargs


def named_arguments(names: tuple[str, ...], args: Positional, keywords: Keywords) -> list[tuple[str, Any]]:
    """Return the parts of all arguments with a name for each. Raises CaptureError for one that is not what it says."""
    padded = [*names, *(f"argument {i}" for i in range(len(names), len(args)))]
    pairs = [*zip(padded, args, strict=False), *keywords.items()]
    try:
        leaves = [leaf for name, tree in pairs for leaf in named_leaves(tree, name)]
        for _, part in [*pairs, *leaves]:
            check_class(part)
    except Exception as error:
        raise CaptureError(f"an argument cannot be looked into ({error!r}); pass what the step reads of it") from error
    return leaves


@dataclass(eq=False, frozen=True)
class TheSame:
    """What an argument has to be that is neither a number nor comparable: the very object, such as an array of text."""

    thing: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TheSame) and other.thing is self.thing

    def __repr__(self) -> str:
        return f"a certain {type(self.thing).__name__}"


def structure_of(tree: Any) -> Any:
    """Return the nesting of lists, tuples and dicts, with what kind of thing each part is."""
    return mapped(tree, describe)


def describe(leaf: Any) -> Any:
    """Return what has to be the same of a part of the arguments in every call."""
    if isinstance(leaf, Tensor):
        if leaf.requires_grad:
            raise CaptureError(
                "a captured function was given a Tensor that requires a gradient: its gradient would have to leave by "
                "the Tensor. Give it an array and use ad.grad within the function, or let the function reach the Tensor"
            )
        return f"a Tensor of {leaf.dtype} {leaf.shape}"
    if isinstance(leaf, np.ndarray):
        if not is_array(leaf):
            raise CaptureError(
                f"a captured function was given a {type_name(leaf)} of {leaf.dtype}, of which a replay would not see "
                "all; give it an ordinary array of numbers, np.array(...)"
            )
        return f"{leaf.dtype} {leaf.shape}" if leaf.dtype.kind in "biufc" else TheSame(leaf)
    if isinstance(leaf, np.generic):
        return f"a NumPy {leaf.dtype}"
    return "a float" if isinstance(leaf, float) else leaf


def layout_of(leaf: Any) -> Any:
    """Return how an array or a Tensor lies in memory, nothing for other parts: sums round by it."""
    array = leaf._data if isinstance(leaf, Tensor) else leaf
    if not isinstance(array, np.ndarray) or array.size < 2:
        return None
    return tuple(stride for stride, length in zip(array.strides, array.shape, strict=True) if length > 1)


def is_input(leaf: Any) -> bool:
    """Return whether a part of the arguments may be another one in each call."""
    if isinstance(leaf, np.ndarray):
        return leaf.dtype.kind in "biufc"
    return isinstance(leaf, Tensor | np.generic | float)


def objects_among(names: tuple[str, ...], args: Positional, keywords: Keywords) -> list[tuple[str, Any]]:
    """Return the parts of the arguments that hold something themselves, and have to be looked into."""
    leaves = named_arguments(names, args, keywords)
    return [(name, leaf) for name, leaf in leaves if not is_input(leaf)]


class Entries:
    """What the lists and dicts among the arguments held before a step."""

    def __init__(self, tree: Any) -> None:
        self.containers: list[tuple[Any, dict[Any, Any]]] = []
        self.note(tree)

    def note(self, tree: Any) -> None:
        """Write down what a tree holds."""
        if (held := parts(tree)) is not None:
            self.containers.append((tree, {**held}))
            for part in held.values():
                self.note(part)

    def check(self) -> None:
        """Raise CaptureError if any of them holds something else."""
        for container, before in self.containers:
            now = parts(container) or {}
            if [*now] != [*before] or any(now[key] is not part for key, part in before.items()):
                raise CaptureError(
                    f"the step changes what is in a {type(container).__name__} among its arguments, which a replay "
                    f"would leave as it is: {[*before]} before, {[*now]} after; return it instead, write into the "
                    "arrays in it, or let the function reach it"
                )


def is_alike(now: Any, before: Any) -> bool:
    """Return whether what describes a part of the arguments is the same, or an equal object that holds the same."""
    if type(now) is not type(before):
        return False
    try:
        return is_same(now, before) or (bool(now == before) and holds_the_same(now, before, set()))
    except GONE:  # a ValueError of arrays, or an attribute that is not set
        return False


def is_same(now: Any, before: Any) -> bool:
    """Return whether something is the same thing, or the same value, as another one of its type."""
    if now is before:
        return True
    if isinstance(now, PLAIN) and is_constant(now):
        return is_same_value(now, before)
    return (is_constant(now) or isinstance(now, MethodType | TheSame)) and bool(now == before)


def holds_the_same(now: Any, before: Any, seen: set[int]) -> bool:
    """Return whether an object holds what an equal one does, and no arrays: its `==` may overlook something.

    seen: the ids of the objects that are being compared.
    """
    if is_constant(now) or isinstance(now, BaseException) or not can_be_looked_into(now):
        return False
    if isinstance(now, PLAIN) and not is_same_value(now, before):  # one with attributes
        return False
    if isinstance(now, set | frozenset):
        now, before = [*now], [*before]
    places = (object_slots(one, Slot((one,), 0, "constant", "")) for one in (now, before))
    for slot, other in zip_longest(*places):
        if slot is None or other is None or type(slot.key) is not type(other.key) or not is_same(slot.key, other.key):
            return False
        value, was = slot.get(), other.get()
        if type(value) is not type(was) or isinstance(value, np.ndarray | np.random.Generator):
            return False
        if is_same(value, was) or id(value) in seen:
            continue
        if not holds_the_same(value, was, seen | {id(value)}):
            return False
    return True


class Arguments:
    """What the arguments of calls of one kind are like: their nesting, shapes and dtypes, and the constants in it."""

    def __init__(self, names: tuple[str, ...], args: Positional, keywords: Keywords, exact: bool) -> None:
        self.names = names
        self.exact = exact
        self.inputs = Inputs(args, keywords, exact)
        leaves = named_arguments(names, args, keywords)
        self.structure = structure_of((args, keywords))
        self.described = {name: describe(leaf) for name, leaf in leaves}
        self.layouts = [layout_of(leaf) for _, leaf in leaves] if exact else []

    def leaves_of(self, args: Positional, keywords: Keywords) -> list[Any] | None:
        """Return the parts of other arguments that are inputs; None if these are not alike."""
        leaves = named_arguments(self.names, args, keywords)
        now = {name: describe(leaf) for name, leaf in leaves}
        if [*now] != [*self.described] or not all(map(is_alike, now.values(), self.described.values())):
            return None  # also in another order, in which inputs would be taken for each other
        if structure_of((args, keywords)) != self.structure:
            return None
        if self.exact and [layout_of(leaf) for _, leaf in leaves] != self.layouts:
            return None
        return [leaf._data if isinstance(leaf, Tensor) else leaf for _, leaf in leaves if is_input(leaf)]

    def differences(self, others: list["Arguments"]) -> list[str]:
        """Return in words which of the arguments are not alike in all calls, with what each of them was."""
        words = []
        for name in self.described:
            kinds = [one.described[name] for one in [*others, self] if name in one.described]
            distinct = list(dict.fromkeys(map(in_words, kinds)))
            if len(distinct) > 1:
                words.append(f"the argument {name} was {', '.join(distinct[:-1])}, and is now {distinct[-1]}")
        return words


def in_words(described: Any) -> str:
    """Return what describes a part of the arguments as it is written; text that describes an array as it is."""
    is_array = isinstance(described, str) and described.startswith(("a ", "bool ", "int", "uint", "float", "complex"))
    return described if is_array else repr(described)
