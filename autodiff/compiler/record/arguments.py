"""The arguments of a step and what it returns: which of their parts are arrays, and whether they still are alike."""

import inspect
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.kinds import PLAIN, check_class, is_array, is_constant, type_name
from autodiff.compiler.record.matching import is_alike, is_input, match_for
from autodiff.compiler.record.opened import contents, opened, opened_in
from autodiff.compiler.record.trace import Function, Keywords, Positional
from autodiff.tensor import Tensor
from autodiff.trees import flatten, mapped, named_leaves, parts


class Signature:
    """Brings positional and keyword arguments into one order, so that calls may spell them either way.

    replaced: classes of which each call is given another object, which is opened.
    """

    def __init__(self, function: Function) -> None:
        self.replaced: set[type] = set()
        self.orders: dict[tuple[int, tuple[str, ...]], tuple[tuple[int | str, ...], dict[str, str]]] = {}
        self.signature = inspect.signature(function)
        self.names = tuple(self.signature.parameters)
        self.is_plain = all(each.kind is each.POSITIONAL_OR_KEYWORD for each in self.signature.parameters.values())

    def bind(self, args: Positional, keywords: Keywords) -> tuple[Positional, Keywords]:
        """Return the arguments as the function is to be called with them. Raises TypeError as the function would.

        A default that stands for one that is not given is reached by the function, as a variable of its closure is.
        """
        if not self.is_plain or keywords or len(args) != len(self.names):
            args, keywords = self.ordered(args, keywords)
        if self.replaced:
            args, keywords = mapped(args, self.opened), mapped(keywords, self.opened)
        return args, keywords

    def ordered(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return arguments in the order of the parameters, which is looked up where they were spelled so before."""
        spelling = len(args), tuple(keywords)
        if spelling not in self.orders:
            bound = self.signature.bind(*range(len(args)), **{name: name for name in keywords})
            self.orders[spelling] = bound.args, bound.kwargs
        places, names = self.orders[spelling]
        given: dict[Any, Any] = {**dict(enumerate(args)), **keywords}
        return tuple(given[place] for place in places), {name: given[place] for name, place in names.items()}

    def opened(self, leaf: Any) -> Any:
        """Return what is in an object of a class of which each call is given another one."""
        return opened(leaf) if type(leaf) in self.replaced else leaf


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
        return f"{leaf.dtype} {leaf.shape}" if leaf.dtype.kind in "biufc" else leaf
    if isinstance(leaf, np.generic):
        return f"a NumPy {leaf.dtype}"
    return "a float" if isinstance(leaf, float) else leaf


def is_data(tree: Any) -> bool:
    """Return whether a tree holds arrays or numbers that may differ, and nothing but constants besides."""
    leaves = flatten(tree)
    inputs = [is_input(leaf) and not (isinstance(leaf, Tensor) and leaf.requires_grad) for leaf in leaves]
    return any(inputs) and all(one or is_constant(leaf) for one, leaf in zip(inputs, leaves, strict=True))


def objects_among(names: tuple[str, ...], args: Positional, keywords: Keywords) -> list[tuple[str, Any]]:
    """Return the parts of the arguments that hold something themselves, and have to be looked into."""
    leaves = named_arguments(names, args, keywords)
    classes = dict.fromkeys(part.kind for part in opened_in((args, keywords)))  # whose methods may be called
    return [(name, leaf) for name, leaf in leaves if not is_input(leaf)] + [(kind.__name__, kind) for kind in classes]


class Entries:
    """What the lists and dicts among the arguments, and objects of some classes, held before a step."""

    def __init__(self, tree: Any, kinds: AbstractSet[type]) -> None:
        self.kinds = kinds
        self.containers: list[tuple[Any, dict[Any, Any]]] = []
        self.note(tree)

    def parts(self, thing: Any) -> dict[Any, Any] | None:
        """Return what a container, or an object of one of the classes, holds."""
        return contents(thing) if type(thing) in self.kinds else parts(thing)

    def note(self, tree: Any) -> None:
        """Write down what a tree holds."""
        if (held := self.parts(tree)) is not None:
            self.containers.append((tree, {**held}))
            for part in held.values():
                self.note(part)

    def check(self) -> None:
        """Raise CaptureError if any of them holds something else."""
        for container, before in self.containers:
            now = self.parts(container) or {}
            if [*now] != [*before] or any(now[key] is not part for key, part in before.items()):
                raise CaptureError(
                    f"the step changes what is in a {type(container).__name__} among its arguments, which a replay "
                    f"would leave as it is: {[*before]} before, {[*now]} after; return it instead, write into the "
                    "arrays in it, or let the function reach it"
                )


class Arguments:
    """What the arguments of calls of one kind are like: their nesting, shapes and dtypes, and the constants in it."""

    def __init__(self, names: tuple[str, ...], args: Positional, keywords: Keywords, exact: bool) -> None:
        leaves = named_arguments(names, args, keywords)
        self.names = names
        self.described = {name: describe(leaf) for name, leaf in leaves}
        self.contents = {name: contents(leaf) for name, leaf in leaves if not is_input(leaf)}
        self.match = match_for(args, keywords, exact)

    def replaced_since(self, before: "Arguments") -> set[type]:
        """Return the classes of objects that are others now, and do nothing but hold arrays, which no step changed."""
        found = set()
        for name, held in before.contents.items():
            was, now = before.described[name], self.described.get(name)
            if held is None or type(now) is not type(was) or is_alike(now, was):
                continue
            left = contents(was) or {}
            is_kept = [*left] == [*held] and all(left[key] is part for key, part in held.items())
            if is_kept and is_data(opened(was)):
                found.add(type(was))
        return found

    def has(self, kinds: AbstractSet[type]) -> bool:
        """Return whether there is an object of one of these classes among them."""
        return any(type(part) in kinds for part in self.described.values())

    def differences(self, others: list["Arguments"]) -> list[str]:
        """Return in words which of the arguments are not alike in all calls, with what each of them was."""
        words = []
        for name in self.described:
            kinds = [one.described[name] for one in [*others, self] if name in one.described]
            distinct = list(dict.fromkeys(map(in_words, kinds)))
            if len(distinct) > 1:
                words.append(f"the argument {name} was {', '.join(distinct[:-1])}, and is now {distinct[-1]}")
            elif not all(is_alike(kind, kinds[-1]) for kind in kinds):
                words.append(f"the argument {name} was {distinct[0]} each time, and not the same one")
        return words or ["the arguments are in other containers, or in another order"]


def in_words(described: Any) -> str:
    """Return what describes a part of the arguments as it is written; text that describes an array as it is."""
    if isinstance(described, str) and described.startswith(("a ", "bool ", "int", "uint", "float", "complex")):
        return described
    return repr(described) if isinstance(described, PLAIN) else f"a {type_name(described)}"
