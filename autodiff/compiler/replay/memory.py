"""Memory: which intermediate arrays share it. Two may if the one is not read any more when the other is made."""

from bisect import insort
from dataclasses import dataclass

import numpy as np

from autodiff.compiler.passes.arrays import padded
from autodiff.compiler.passes.blocks import Loop
from autodiff.compiler.passes.lower import assign
from autodiff.compiler.passes.program import Program
from autodiff.compiler.record.trace import Call, Storage, Value


@dataclass(eq=False, slots=True)
class Lifetime:
    """From which call to which the memory of some arrays is in use."""

    storages: list[Storage]
    start: int
    nbytes: int
    end: int = 0
    offset: int = 0


def lay_out(program: Program) -> dict[Storage, int]:
    """Return where in one block of memory each intermediate array lies; sets the program's `peak_bytes`."""
    lasting = lasting_storages(program)
    lifetimes = lifetimes_of(calls_in_order(program), program.ends(), lasting)
    distinct = sorted(dict.fromkeys(lifetimes.values()), key=lambda lifetime: (-lifetime.nbytes, lifetime.start))
    settled: list[Lifetime] = []
    for lifetime in distinct:
        lifetime.offset = lowest_offset(lifetime, settled)
        insort(settled, lifetime, key=lambda other: other.offset)
    program.peak_bytes = max((one.offset + one.nbytes for one in distinct), default=0)
    return {storage: lifetime.offset for storage, lifetime in lifetimes.items()}


def lasting_storages(program: Program) -> set[Storage]:
    """Return the memory that outlives a step: the arrays that `tensor.grad` shows to the user."""
    return {held.after.storage for held in program.gradients if isinstance(held.after, Value)}


def lowest_offset(lifetime: Lifetime, settled: list[Lifetime]) -> int:
    """Return the first gap that is large enough among the arrays that are in use at the same time."""
    offset = 0
    for other in settled:  # by offset
        if other.start <= lifetime.end and lifetime.start <= other.end:
            if offset + lifetime.nbytes <= other.offset:
                break
            offset = max(offset, other.offset + other.nbytes)
    return offset


def calls_in_order(program: Program) -> list[Call]:
    """Return the calls with those of loops in their places, each loop once, before the call that stands for it.

    The arrays that a loop's blocks read or leave are so in use from before its first call to after its last.
    """
    calls: list[Call] = []
    for call in program.calls:
        if isinstance(call.function, Loop):
            calls.append(Call(call.function, (), {}, call.results))
            calls += [inner for inner in call.function.body.calls if not inner.is_view]
            calls.append(Call(call.function, (*call.args, *call.function.body.ends()), {}, []))
        elif not call.is_view:
            calls.append(call)
    return calls


def lifetimes_of(calls: list[Call], ends: list[Value], lasting: set[Storage]) -> dict[Storage, Lifetime]:
    """Return the lifetime of every intermediate array; those computed in place of another share its."""
    last = last_uses(calls, ends)
    found: dict[Storage, Lifetime] = {}
    for i, call in enumerate(calls):
        for value in call.results:
            storage = value.storage
            if storage.kind != "made" or value.form == "number" or storage in lasting or storage in found:
                continue
            reused = reusable(call, value, found, i)
            if reused is None:
                found[storage] = Lifetime([storage], i, padded(value.nbytes))
            else:
                found[storage] = reused
                reused.storages.append(storage)
            found[storage].end = max(found[storage].end, last.get(storage, i), i)
    return found


def last_uses(calls: list[Call], ends: list[Value]) -> dict[Storage, int]:
    """Return the last call that reads or writes each memory; what is returned is read after the last."""
    last: dict[Storage, int] = {}
    for i, call in enumerate(calls):
        for value in [*call.operands(), *call.results]:
            last[value.storage] = i
    for value in ends:
        last[value.storage] = len(calls)
    return last


def reusable(call: Call, value: Value, found: dict[Storage, Lifetime], i: int) -> Lifetime | None:
    """Return the lifetime of an argument that is read for the last time, if the result can take its place."""
    if not (isinstance(call.function, np.ufunc) and call.function.signature is None) and call.function is not assign:
        return None
    for arg in call.args:
        if not isinstance(arg, Value) or arg.storage not in found:
            continue
        lifetime = found[arg.storage]
        same = (arg.shape, arg.strides, arg.dtype) == (value.shape, value.strides, value.dtype)
        others = [other for other in call.args if isinstance(other, Value) and other is not arg]
        apart = all(other.storage not in lifetime.storages for other in others)
        whole = lifetime.nbytes == padded(value.nbytes)
        if same and apart and whole and lifetime.end == i:
            return lifetime
    return None
