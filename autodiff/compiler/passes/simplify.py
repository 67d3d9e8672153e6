"""Passes that leave calls out: those nobody needs, those on constants alone, and views that show all."""

from collections import Counter, defaultdict
from typing import Any

import numpy as np

from autodiff.compiler.passes.program import Program
from autodiff.compiler.passes.uses import made_array
from autodiff.compiler.record.trace import Call, Storage, Value
from autodiff.trees import flatten, mapped

FOLDED_BYTES = 1 << 22
"""The largest array that is computed on once and for all; it has to be looked at in every step for changes."""


def drop_dead_calls(program: Program) -> None:
    """Leave out calls whose results nobody reads; draws of random numbers stay, for the next ones depend on them."""
    live = program.live_storages()
    kept: list[Call] = []
    read = set(program.ends())
    for call in reversed(program.calls):
        if call.is_view:
            if read.intersection(call.results):
                kept.append(call)
                read.update(call.operands())
            continue
        touched = {value.storage for value in [*call.results, *call.written]}
        if touched & live or call.draws:
            kept.append(call)
            live.update(value.storage for value in call.operands())
            live.update(target.storage for target in call.written)
            read.update(call.operands())
    program.calls = kept[::-1]


def fold_constants(program: Program) -> None:
    """Compute calls on constants now; also on the user's arrays that the step does not change, which are watched."""
    written = program.written_storages()
    kept: list[Call] = []
    sources: dict[Storage, set[Value]] = defaultdict(set)  # the user's arrays that a constant was computed from
    for call in program.calls:
        operands = call.operands()
        known = all(is_known(value, written) and value.storage not in program.unsteady for value in operands)
        if not operands or not known or call.draws or call.written or any(written[v.storage] for v in call.results):
            kept.append(call)
            continue
        with np.errstate(all="ignore"):
            result = call.function(*mapped(call.args, array_of), **mapped(call.keywords, array_of))
        parts = flatten(result)
        if len(parts) != len(call.results) or any(value.form == "number" for value in call.results):
            kept.append(call)
            continue
        used = {value for value in operands if value.storage.kind == "held"}
        used = used.union(*(sources[value.storage] for value in operands))
        for value, part in zip(call.results, parts, strict=True):
            of_dtype = np.asarray(part, value.dtype)  # `assign` converts to that of what it is written to
            value.array = of_dtype if call.is_view else made_array(of_dtype).array
            if not call.is_view:
                value.storage.kind = "constant"
                sources[value.storage] |= used
        if call.is_view:
            kept.append(call)
    program.calls = kept
    read = {value.storage for call in kept if not call.is_view for value in call.operands()}
    for storage in sources.keys() & (read | {value.storage for value in program.ends()}):
        for user in sources[storage]:
            program.watch(user)


def is_known(value: Value, written: Counter[Storage]) -> bool:
    """Return whether an array is the same in every step, and small enough to be watched."""
    if value.array is None or written[value.storage] or value.form == "number":
        return False
    return value.storage.kind == "constant" or value.array.nbytes <= FOLDED_BYTES


def array_of(part: Any) -> Any:
    """Return the array of a known Value, anything else as it is."""
    if not isinstance(part, Value):
        return part
    assert part.array is not None
    return part.array[()] if part.form == "scalar" else part.array


def drop_needless_views(program: Program) -> None:
    """Leave out views that show all of an array as it is, and transpositions of transposed arrays."""
    opened: dict[Value, Call] = {}
    partners: dict[Value, Value] = {}
    for call in program.calls:
        if not call.is_view or len(call.results) != 1 or not isinstance(call.args[0], Value):
            continue
        (shown,), source = call.results, partners.get(call.args[0], call.args[0])
        before = opened.get(source)
        twice = before is not None and call.function is before.function is np.transpose and len(call.args) == 1
        original = partners.get(before.args[0], before.args[0]) if twice and before is not None else source
        if looks(shown) == looks(original) and shown is not original:
            partners[shown] = original
        opened[shown] = call
    program.calls = [call for call in program.calls if not (call.is_view and call.results[0] in partners)]
    program.substitute(partners)


def looks(value: Value) -> tuple[object, ...]:
    """Return what two views of the same memory have in common if they show the same."""
    return value.storage, value.form, value.shape, value.strides, value.dtype
