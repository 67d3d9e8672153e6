"""Arrays saved for the backward pass, and whether somebody has changed them since.

A gradient computed from a changed array would be silently wrong. An array that the engine made can only be changed by
one who was given it through `t.data`; so the arrays handed out are remembered, and those alone are fingerprinted, next
to the arrays that users pass in themselves. What nobody else can reach costs nothing.
"""

import weakref
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.trees import parts

Stamp = Any


class ChangedArrayError(RuntimeError):
    """An array that an operation saved for the backward pass was changed before it was used."""


SMALL = 65_536
"""Bytes up to which a copy is cheaper than a fingerprint."""
ROW = 1024

handed_out: dict[int, tuple[weakref.ref[NDArray[Any]], Stamp]] = {}
"""The arrays users can write to, by the id of the array that owns the memory; with the stamp they had at that time."""


def hand_out(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array to a user, remembering what it was."""
    owner = array if array.base is None else owner_of(array)
    if id(owner) not in handed_out:
        key = id(owner)
        handed_out[key] = (weakref.ref(owner, lambda _: handed_out.pop(key, None)), stamp(owner))
    return array


def owner_of(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array that owns the memory of a view."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def is_reachable(value: Any) -> bool:
    """Return whether a user was handed an array's memory."""
    return isinstance(value, np.ndarray) and id(value if value.base is None else owner_of(value)) in handed_out


def stamp(value: Any) -> Stamp:
    """Return what tells a changed value from an unchanged one, for arrays and lists of them.

    A small array is its own stamp. That of a large one is a weighted sum of its bits, 64 at a time, which changes with
    any element and with their order. The upper half of the bits counts in the lower one too, at no element's own place:
    what overflows is lost, and from the uppermost bits of two words nothing else might remain.
    """
    if not isinstance(value, np.ndarray):
        held = parts(value)
        if held is not None:
            return {key: stamp(part) for key, part in held.items()}
        return value if type(value) in (int, bool) else None
    if not hasattr(value, "tobytes"):
        return None  # it is being recorded, and who records it sees every write
    if value.nbytes <= SMALL or value.dtype.kind not in "biuf" or value.dtype.itemsize > 8:
        return value.tobytes()
    bits = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
    end = bits.size // 8 * 8
    words = bits[:end].view(np.uint64)
    mixed = words >> np.uint64(33)
    mixed ^= words
    return weighted_sum(mixed).tobytes(), bits[end:].tobytes()


def weighted_sum(numbers: NDArray[np.uint64]) -> Any:
    """Return the sum of numbers times a weight for each position: one for its row of 1024, one for its place there."""
    rows, rest = divmod(numbers.size, ROW)
    whole = numbers[: rows * ROW].reshape(rows, ROW)
    with np.errstate(all="ignore"):
        sums = np.einsum("ij,j->i", whole, weights(ROW))  # for integers, several times faster than a matrix product
        return np.dot(numbers[rows * ROW :], weights(rest)) + np.dot(sums, weights(rows))


@lru_cache(maxsize=64)
def weights(size: int) -> NDArray[np.uint64]:
    """Return fixed odd weights, no two the same: no change of one number is lost in overflow."""
    return np.random.default_rng(size).integers(0, 2**63, size, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def check_unchanged(saved: dict[str, Any], stamps: dict[str, Stamp], function: str) -> None:
    """Raise ChangedArrayError if a saved array is not what it was when the function saved it."""
    for name, value in saved.items():
        if name in stamps:
            unchanged = stamp(value) == stamps[name]
        elif is_reachable(value):
            owner = owner_of(value)
            unchanged = stamp(owner) == handed_out[id(owner)][1]
        else:
            continue
        if not unchanged:
            raise ChangedArrayError(
                f"{function} saved {name!r} for the backward pass, and the array was changed before that; write into "
                "t.data, its views or arrays you passed in only after backward(), or pass in a copy"
            )
