"""Arrays saved for the backward pass, and whether somebody has changed them since.

A gradient computed from a changed array would be silently wrong. An array that the engine made can only be changed by
one who was given it through `t.data`; so the arrays handed out are remembered, and those alone are fingerprinted, next
to the arrays that users pass in themselves. What nobody else can reach costs nothing.
"""

import itertools
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.stamps import Stamp, stamp


class ChangedArrayError(RuntimeError):
    """An array that an operation saved for the backward pass was changed before it was used."""


next_order = itertools.count().__next__
"""Counts nodes, and arrays that are handed out, in the order in which they come."""


class HandedOut(dict[int, tuple[weakref.ref[NDArray[Any]], Stamp]]):
    """The arrays users can write to, by the id of the array that owns the memory; with the stamp they had at that time.

    `latest` is when the last of them was handed out.
    """

    latest = -1


handed_out = HandedOut()


def hand_out(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array to a user, remembering what it was."""
    owner = array if array.base is None else owner_of(array)
    if id(owner) not in handed_out:
        key = id(owner)
        handed_out.latest = next_order()
        handed_out[key] = (weakref.ref(owner, lambda _: handed_out.pop(key, None)), stamp(owner))
    return array


def owner_of(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array that owns the memory of a view."""
    while (base := array.base) is not None:
        if not isinstance(base, np.ndarray):  # NumPy's stride tricks put an object of theirs in between
            base = getattr(base, "base", None)
            if not isinstance(base, np.ndarray):
                break
        array = base
    return array


def is_reachable(value: Any) -> bool:
    """Return whether a user was handed an array's memory."""
    return isinstance(value, np.ndarray) and id(value if value.base is None else owner_of(value)) in handed_out


def check_unchanged(saved: dict[str, Any], stamps: dict[str, Stamp], function: str, order: int) -> None:
    """Raise ChangedArrayError if a saved array is not what it was when the function saved it, as its node was made.

    What could be reached by then has a stamp; of what was handed out later, there is one from that time.
    """
    for name, before in stamps.items():
        if stamp(saved[name]) != before:
            raise changed(function, name)
    if order > handed_out.latest:
        return
    for name, value in saved.items():
        if name not in stamps and is_reachable(value):
            owner = owner_of(value)
            if stamp(owner) != handed_out[id(owner)][1]:
                raise changed(function, name)


def changed(function: str, name: str) -> ChangedArrayError:
    """Return the error for a saved array that was changed."""
    return ChangedArrayError(
        f"{function} saved {name!r} for the backward pass, and the array was changed before that; write into "
        "t.data, its views or arrays you passed in only after backward(), or pass in a copy"
    )
