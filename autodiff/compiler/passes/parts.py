"""Passes over the arrays that optimizers join from many: the parts are computed in their places at once."""

import operator

import numpy as np

from autodiff.compiler.passes.lower import assign
from autodiff.compiler.passes.program import Program
from autodiff.compiler.passes.uses import Uses, is_contiguous, kept_array, view
from autodiff.compiler.record.trace import Call, Storage, Value


def update_parts(program: Program) -> None:
    """Change parameters by their slices of a joint update, instead of joining, changing and copying them back."""
    uses = Uses(program)
    for call in list(program.calls):
        if not is_joint(call) or len(uses.readers[call.results[0].storage]) != 1:
            continue
        (whole,), (update,) = call.results, uses.readers[call.results[0].storage]
        if uses.made_for(whole, update) is not call or not is_update(update, whole, uses):
            continue
        (changed,) = update.results
        copies = uses.readers[changed.storage]
        if uses.made_once(changed) is None or changed.storage in uses.at_end:
            continue
        if all(map(is_copy_back, copies)) and are_slices(call.args[0], copies, changed, uses):
            program.calls = rewritten(program.calls, call, update, copies, uses)
            uses = Uses(program)


def are_slices(parts: list[Value], copies: list[Call], changed: Value, uses: Uses) -> bool:
    """Return whether calls copy the slices of a joint array back to the arrays that it was joined from, in order."""
    if len(parts) != len(copies):
        return False
    start = 0
    for part, copy in zip(parts, copies, strict=True):
        target, _, piece = copy.args
        flat = uses.base(piece, np.reshape)
        opened = uses.views.get(flat)
        if target is not part or uses.writers[part.storage] != [copy] or part.dtype != changed.dtype:
            return False
        if opened is None or opened.function is not operator.getitem or opened.args[0] is not changed:
            return False
        index = opened.args[1]
        if not isinstance(index, slice) or index.indices(changed.size) != (start, start + part.size, 1):
            return False
        if piece.shape != part.shape:
            return False
        start += part.size
    return True


def is_joint(call: Call) -> bool:
    """Return whether a call joins flattened arrays into one."""
    return call.function is np.concatenate and call.keywords == {"axis": None} and len(call.args) == 1


def is_update(call: Call, whole: Value, uses: Uses) -> bool:
    """Return whether a call makes another array of one, element by element, and of a second of its shape."""
    function = call.function
    if not isinstance(function, np.ufunc) or function.signature is not None or (function.nin, function.nout) != (2, 1):
        return False
    if call.keywords or call.args[0] is not whole or not isinstance(call.args[1], Value):
        return False
    other = call.args[1]
    known = other.storage.kind == "constant" or uses.made_once(other) is not None
    same = {other.dtype, whole.dtype} == {call.results[0].dtype} and other.shape in (whole.shape, ())
    return known and same and other.storage is not whole.storage


def is_copy_back(call: Call) -> bool:
    """Return whether a call writes one array into the whole of another."""
    return call.function is operator.setitem and call.args[1] is Ellipsis and isinstance(call.args[2], Value)


def rewritten(calls: list[Call], joint: Call, update: Call, copies: list[Call], uses: Uses) -> list[Call]:
    """Return the calls with the update made part by part where it was copied back."""
    (changed,), (_, change) = update.results, update.args
    kept: list[Call] = []
    copied = set(copies)
    for call in calls:
        if call in copied:
            chain, value = [], call.args[2]
            while value is not changed:
                chain.append(uses.views[value])
                value = uses.views[value].args[0]
            slice_of_change = change
            for opened in reversed(chain if change.shape else []):
                made, slice_of_change = view(opened.function, slice_of_change, *opened.args[1:])
                kept.append(made)
            target = call.args[0]
            kept.append(update.derived(update.function, (target, slice_of_change), written=(target,), out=target))
        elif call is not joint and call is not update:
            kept.append(call)
    return kept


def place_parts(program: Program) -> None:
    """Compute the parts of a joint array where they belong in it; copy those that are needed elsewhere."""
    uses = Uses(program)
    calls: list[Call] = []
    moved: dict[Storage, Storage] = {}
    for call in program.calls:
        if not is_joint(call) or uses.writers[call.results[0].storage]:
            calls.append(call)
            continue
        (joint,) = call.results
        whole = kept_array(joint.shape, joint.dtype)
        assert whole.array is not None
        joint.array, moved[joint.storage] = whole.array, whole.storage
        start = 0
        for part in call.args[0]:
            target = whole.array[start : start + part.size].reshape(part.shape)
            start += part.size
            maker = uses.made_once(part) if part.storage not in moved else None
            if maker is not None and part in maker.results and is_contiguous(part) and part.dtype == joint.dtype:
                part.array, moved[part.storage] = target, whole.storage
            else:
                piece = Value(whole.storage, "array", part.shape, joint.dtype, target.strides, target)
                calls.append(call.derived(np.copyto, (piece, part), written=(piece,)))
    program.calls = calls
    for value in [*(value for call in calls for value in [*call.operands(), *call.results]), *program.ends()]:
        value.storage = moved.get(value.storage, value.storage)


def separate_gradients(program: Program) -> None:
    """Give each `tensor.grad` memory of its own: what the user does to one must not show elsewhere."""
    shown: set[Storage | Value] = set()
    for held in program.gradients:
        found = held.after
        if not isinstance(found, Value) or found is held.before:
            continue
        key = found if found.storage.kind == "kept" else found.storage
        if found.storage.kind not in ("made", "kept") or key in shown:
            held.after = Value(Storage("made"), "array", found.shape, found.dtype, found.strides)
            program.calls.append(Call(assign, (found,), {}, [held.after]))
        shown.add(key)
