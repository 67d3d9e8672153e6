"""Whether arguments are like those of another call: a function of a few comparisons, written for each kind of call."""

from collections.abc import Callable, Iterator
from types import BuiltinMethodType, MethodType
from typing import Any

import numpy as np

from autodiff.compiler.record.environment import is_same_value
from autodiff.compiler.record.kinds import PLAIN, is_constant
from autodiff.compiler.record.opened import contents
from autodiff.compiler.record.slot import structure_of
from autodiff.tensor import Tensor
from autodiff.trees import parts

Match = Callable[[tuple[Any, ...], dict[str, Any]], tuple[Any, ...] | None]
"""Takes positional and keyword arguments. Returns the parts that are inputs, in order; None if they are not alike."""


def is_input(leaf: Any) -> bool:
    """Return whether a part of the arguments may be another one in each call."""
    if isinstance(leaf, np.ndarray):
        return leaf.dtype.kind in "biufc"
    return isinstance(leaf, Tensor | np.generic | float)


def layout_of(array: Any) -> Any:
    """Return how an array lies in memory, nothing for what is none: sums round by it."""
    if not isinstance(array, np.ndarray) or array.size < 2:
        return None
    return tuple(stride for stride, length in zip(array.strides, array.shape, strict=True) if length > 1)


def is_alike(now: Any, before: Any) -> bool:
    """Return whether a part of the arguments that is no input can stand for another: nothing tells them apart.

    That are the same object, constants that look alike, and equal objects that hold such, but no arrays that differ.
    """
    if now is before:
        return True
    if type(now) is not type(before):
        return False
    if isinstance(now, PLAIN):
        return is_constant(now) and is_same_value(now, before)
    if is_constant(now) or isinstance(now, MethodType | BuiltinMethodType):
        return repr(now) == repr(before) and bool(now == before)
    held, others = (entries_of(one) for one in (now, before))
    if held is None or others is None or len(held) != len(others):
        return False
    pairs = zip(held.items(), others.items(), strict=True)
    return all(is_alike(a, b) and is_alike(x, y) for (a, x), (b, y) in pairs) and bool(now == before)


def entries_of(thing: Any) -> dict[Any, Any] | None:
    """Return what a container, or an object that does no more than hold, has in it; None of anything else."""
    if isinstance(thing, set | frozenset):
        return dict(enumerate(thing))
    held = parts(thing)
    return contents(thing) if held is None else held


def match_for(args: tuple[Any, ...], keywords: dict[str, Any], with_layout: bool) -> Match:
    """Return the function that tells whether arguments are like these. with_layout: also in how they lie in memory."""
    return Matcher(with_layout).write(args, keywords)


class Matcher:
    """Writes that function: a line for each part."""

    def __init__(self, with_layout: bool) -> None:
        self.with_layout = with_layout
        self.objects: dict[str, Any] = {"is_alike": is_alike, "layout_of": layout_of, "structure_of": structure_of}
        self.inputs: list[str] = []
        self.count = 0

    def write(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> Match:
        """Return it."""
        lines = [*self.lines("args", args), *self.lines("keywords", keywords)]
        inputs = "".join(f"{name}, " for name in self.inputs)
        body = "".join(f"        {line}\n" for line in [*lines, f"return ({inputs})"])
        source = f"def build({', '.join(self.objects)}):\n    def match(args, keywords):\n{body}    return match\n"
        namespace: dict[str, Any] = {}
        exec(compile(source, "<arguments>", "exec"), namespace)
        match: Match = namespace["build"](**self.objects)
        return match

    def name(self, thing: Any) -> str:
        """Return the name of an object in the function."""
        name = f"k{len(self.objects)}"
        self.objects[name] = thing
        return name

    def lines(self, name: str, part: Any) -> Iterator[str]:
        """Yield the lines that compare what is in a variable with one part of the arguments."""
        held = parts(part)
        if held is not None:
            yield from self.container_lines(name, part, held)
        elif is_input(part):
            yield f"if type({name}) is not {self.name(type(part))}: return None"
            yield from self.input_lines(name, part)
        elif part is None or type(part) is bool:
            yield f"if {name} is not {part}: return None"
        else:
            yield f"if not is_alike({name}, {self.name(part)}): return None"

    def container_lines(self, name: str, part: Any, held: dict[Any, Any]) -> Iterator[str]:
        """Yield those for a list, a tuple or a dict: its class, its keys in order, and what is in it."""
        if isinstance(part, dict):
            same = f"structure_of({name}) is {self.name(structure_of(part))}" if held else f"not {name}"
        else:
            same = f"len({name}) == {len(held)}"
        yield f"if not (type({name}) is {self.name(type(part))} and {same}): return None"
        for key, inner in held.items():
            self.count += 1
            yield f"v{self.count} = {name}[{self.name(key) if isinstance(part, dict) else key}]"
            yield from self.lines(f"v{self.count}", inner)

    def input_lines(self, name: str, part: Any) -> Iterator[str]:
        """Yield those for an array, a Tensor or a number, which may be another one."""
        if isinstance(part, Tensor):
            yield f"if {name}.requires_grad: return None"
            yield f"{name} = {name}._data"
            part = part._data
        self.inputs.append(name)
        if isinstance(part, np.ndarray):
            dtype = self.name(part.dtype)
            other = f"{name}.dtype is not {dtype} and {name}.dtype != {dtype}"
            yield f"if {name}.shape != {part.shape} or ({other}): return None"
            if self.with_layout:
                yield f"if layout_of({name}) != {layout_of(part)}: return None"
