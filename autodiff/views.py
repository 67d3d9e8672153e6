"""Tensors that are windows on one memory: what is written into one is seen in the others, as it is in NumPy.

A recorded write gives a Tensor a new array, for what an operation saved must not change. So Tensors on one memory know
of each other, and of the window that each was before the first such write. A write into one is written, by the rule of
any assignment, to those elements of the others whose windows show the same addresses.
"""

import itertools
import operator
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from autodiff.modes import modes
from autodiff.registry import functions
from autodiff.saved import hand_out


class Window(Protocol):
    """What this file knows of a Tensor."""

    _data: Any
    node: Any
    memory: "Memory | None"

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of every axis."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements."""


next_side = itertools.count(1).__next__


class Member:
    """A Tensor on a memory. Gradients flow between those of one side; detach() opens another."""

    __slots__ = ("side", "tensor", "window")

    def __init__(self, tensor: "weakref.ref[Window]", side: int, window: NDArray[Any] | None) -> None:
        self.tensor = tensor
        self.side = side
        self.window = window  # on the memory as it was; None as long as the Tensor's own array is that


class Memory:
    """What several Tensors are windows on."""

    __slots__ = ("members", "moving")

    def __init__(self) -> None:
        self.members: dict[int, Member] = {}  # by the id of the Tensor, which they do not keep alive
        self.moving = False  # whether a window is at a place that may be another one in a captured step's next call

    def add(self, tensor: Window, side: int, window: NDArray[Any] | None) -> None:
        """Add a Tensor, until it dies."""
        members, key = self.members, id(tensor)
        members[key] = Member(weakref.ref(tensor, lambda _: members.pop(key, None)), side, window)
        tensor.memory = self

    def others(self, tensor: Window) -> list[Window]:
        """Return the other Tensors that are alive."""
        found = [member.tensor() for member in [*self.members.values()]]
        return [other for other in found if other is not None and other is not tensor and other.memory is self]

    def is_split(self) -> bool:
        """Return whether some Tensor has an array of its own, since it was written to."""
        return any(member.window is not None for member in self.members.values())

    def addresses(self, tensor: Window) -> NDArray[Any]:
        """Return the addresses in the memory of a Tensor's elements, flattened."""
        member = self.members[id(tensor)]
        if member.window is None:
            member.window = getattr(tensor._data, "concrete", tensor._data)
        found = np.asarray(member.window.__array_interface__["data"][0])
        for length, stride in zip(member.window.shape, member.window.strides, strict=True):
            found = found[..., None] + np.arange(length) * stride
        return found.ravel()


NUMBER = Memory()
"""That of t[0] where t has one axis: NumPy has a number there, which is no window, and not to be written into."""


def share(
    view: Window, source: Window, opened: Callable[[Any], Any], detached: bool = False, moving: bool = False
) -> None:
    """Let two Tensors know that one is a window on the other; `opened` opens the same one on an array."""
    memory = source.memory
    if memory is None or memory is NUMBER or (len(memory.members) > 1 and not memory.others(source)):
        memory = Memory()
        memory.add(source, 0, None)
    member, window = memory.members[id(source)], None
    if len(memory.members) == 1:  # nobody else has seen what the Tensor was before
        member.window, memory.moving = None, False
    memory.moving = memory.moving or moving
    if member.window is not None and not moving:
        window = opened(member.window)
        if not np.may_share_memory(window, member.window):
            view._data = np.copy(view._data)  # as NumPy does where the strides before the write ask for it
            return
    one_side = not detached and (view.node is None) == (source.node is None)
    memory.add(view, member.side if one_side else next_side(), window)


class Made(NamedTuple):
    """A call of a function: its arguments as they were passed in, and as arrays."""

    forward: Callable[..., Any]
    args: Sequence[Any]
    arrays: Sequence[Any]
    keywords: dict[str, Any]
    named: dict[str, Any]

    def others(self, key: Any) -> Iterator[Any]:
        """Yield the values of all arguments but one, and what is in tuples of them."""
        for other, value in (*enumerate(self.arrays), *self.named.items()):
            if other != key:
                yield from value if isinstance(value, tuple) else (value,)

    def with_argument(self, key: Any, value: Any) -> Any:
        """Return what the call returns with another value of one argument."""
        arrays = [value if i == key else array for i, array in enumerate(self.arrays)]
        return self.forward(*arrays, **(self.named | {key: value} if key in self.named else self.named))


def share_with_source(view: Window, call: Made) -> None:
    """Let what a call returned know the argument that it is a window on, if it is one."""
    array = view._data
    base = array.base
    for key, source in (*enumerate(call.args), *call.keywords.items()):
        data = getattr(source, "_data", None)
        if data is None:
            continue
        if data is array or (base is not None and (base is getattr(data, "concrete", data) or base is data.base)):
            moving = is_stand_in(array) and any(map(is_stand_in, call.others(key)))
            share(view, source, partial(call.with_argument, key), moving=moving)
            return


def write(tensor: Window, index: Any, value: Any) -> None:
    """Write into a Tensor and into the others on its memory: in place under no_grad, else by the rule of assignment.

    Raises RuntimeError where a leaf that requires a gradient would be reached, or what a captured step does not know,
    ValueError for a view that NumPy protects, and TypeError for a single element.
    """
    recorded, memory = modes.get().grad_enabled, tensor.memory
    pick, assign = functions[operator.getitem], functions[operator.setitem]
    others = [] if memory is None else memory.others(tensor)
    if memory is NUMBER:
        raise TypeError("a single element, t[i], is a number that is no view of the tensor; write t[i] = value")
    if memory is not None:
        check(tensor, memory, others, recorded)
        if others and (recorded or memory.is_split()):
            for one in (tensor, *others):
                memory.addresses(one)
    written = tensor
    if recorded:
        written = assign(tensor, index, value)
    else:
        hand_out(tensor._data)[index] = value
    for other in others if memory is not None and memory.is_split() else ():
        assert memory is not None
        theirs, ours = memory.addresses(other), memory.addresses(tensor)
        at = np.flatnonzero(np.isin(theirs, ours))
        if not at.size:
            continue
        to, source = unravelled(at, other.shape), unravelled(places(theirs[at], ours), tensor.shape)
        if not other.shape and tensor.shape:
            source = tuple(axis[0] for axis in source)
        if not recorded:
            hand_out(other._data)[to] = written._data[source]
        elif memory.members[id(other)].side == memory.members[id(tensor)].side:
            rebind(other, assign(other, to, pick(written, source)))
        else:
            other._data = assign(other._data, to, written._data[source])
    if recorded:
        rebind(tensor, written)


def check(tensor: Window, memory: Memory, others: list[Window], recorded: bool) -> None:
    """Raise an error if a write into a Tensor cannot reach what it has to, or must not."""
    if not tensor._data.flags.writeable:
        raise ValueError(
            "this tensor is a view that NumPy protects from being written to, for some of its elements are one; write "
            "into the tensor it is a view of, or copy it first, t = t.copy()"
        )
    side = memory.members[id(tensor)].side
    for other in others if recorded else ():
        is_leaf = other.node is not None and other.node.function is None
        if is_leaf and memory.members[id(other)].side == side:
            raise RuntimeError(
                "this tensor is a view of a leaf that requires a gradient, which a write into it would make something "
                "else than the leaf; copy it first (t = t.copy(); t[i] = v), or write under ad.no_grad()"
            )
        if is_stand_in(tensor._data) and not is_stand_in(other._data):
            raise RuntimeError(
                "a captured step writes into a tensor whose memory another tensor shares that the step does not reach, "
                "so that a replay would not change that one; copy one of them, t = t.copy()"
            )
    if memory.moving and others:
        raise RuntimeError(
            "a captured step writes into t[i], or into what t[i] is a view of, where i is recorded: a replay would "
            "write elsewhere; write t[i, j] = value into the whole tensor, and read t[i] after that"
        )


def rebind(tensor: Window, new: Window) -> None:
    """Give a Tensor the array and the node of another; who asked for its gradient means that of the new value."""
    tensor._data = new._data
    if new.node is not tensor.node:
        if tensor.node is not None and tensor.node.tensor is not None and new.node is not None:
            tensor.node.tensor, new.node.tensor = None, tensor.node.tensor
        tensor.node = new.node


def is_stand_in(value: Any) -> bool:
    """Return whether this stands for an array or a number while a step is recorded; `concrete` is that itself."""
    return hasattr(type(value), "concrete")


def places(wanted: NDArray[Any], keys: NDArray[Any]) -> NDArray[Any]:
    """Return the indices of the wanted numbers among the keys, which hold each of them."""
    order = np.argsort(keys)
    return order[np.searchsorted(keys, wanted, sorter=order)]


def unravelled(flat: NDArray[Any], shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Return an index that picks the elements of those numbers, counted row by row, of an array of that shape."""
    return np.unravel_index(flat, shape) if shape else ()
