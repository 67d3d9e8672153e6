"""Passes over the arrays that optimizers join from many: the parts are computed in their places at once."""

import operator

import numpy as np

from autodiff.capture.program import Program
from autodiff.capture.trace import Call, Storage, Value
from autodiff.capture.uses import Uses, is_contiguous, made_array, view


def update_parts(program: Program) -> None:
    """Change parameters by their slices of a joint update, instead of joining, changing and copying them back."""
    uses = Uses(program)
    for call in list(program.calls):
        if not is_joint(call) or uses.made_once(call.results[0]) is None or call.results[0].storage in uses.at_end:
            continue
        readers = uses.readers[call.results[0].storage]
        if len(readers) != 1 or not is_update(readers[0], call.results[0]):
            continue
        (update,) = readers
        changed = update.results[0]
        copies = uses.readers[changed.storage]
        if uses.made_once(changed) is None or changed.storage in uses.at_end or not all(map(is_copy_back, copies)):
            continue
        targets = [copy.args[0] for copy in copies]
        if targets != list(call.args[0]) or any(
            uses.writers[target.storage] != [copy] for target, copy in zip(targets, copies, strict=True)
        ):
            continue
        program.calls = rewritten(program.calls, call, update, copies, uses)
        uses = Uses(program)


def is_joint(call: Call) -> bool:
    """Return whether a call joins flattened arrays into one."""
    return call.function is np.concatenate and call.keywords == {"axis": None} and len(call.args) == 1


def is_update(call: Call, whole: Value) -> bool:
    """Return whether a call makes another array of one, element by element, and of a second of its shape."""
    if not isinstance(call.function, np.ufunc) or call.keywords or len(call.args) != 2 or not call.results:
        return False
    other = call.args[1]
    return call.args[0] is whole and isinstance(other, Value) and other.shape in (whole.shape, ())


def is_copy_back(call: Call) -> bool:
    """Return whether a call writes one array into the whole of another."""
    return call.function is operator.setitem and call.args[1] is Ellipsis and isinstance(call.args[2], Value)


def rewritten(calls: list[Call], joint: Call, update: Call, copies: list[Call], uses: Uses) -> list[Call]:
    """Return the calls with the update made part by part where it was copied back."""
    (changed,), (_, change) = update.results, update.args
    kept: list[Call] = []
    for call in calls:
        if call in copies:
            chain, value = [], call.args[2]
            while value is not changed:
                chain.append(uses.views[value])
                value = uses.views[value].args[0]
            slice_of_change = change
            for opened in reversed(chain if change.shape else []):
                made, slice_of_change = view(opened.function, slice_of_change, *opened.args[1:])
                kept.append(made)
            target = call.args[0]
            kept.append(
                Call(
                    update.function,
                    (target, slice_of_change),
                    {"out": target},
                    [],
                    (target,),
                    errors=update.errors,
                    place=call.place,
                )
            )
        elif call is not joint and call is not update:
            kept.append(call)
    return kept


def place_parts(program: Program) -> None:
    """Compute the parts of a joint array where they belong in it; copy those that are needed elsewhere."""
    uses = Uses(program)
    calls: list[Call] = []
    for call in program.calls:
        if not is_joint(call) or uses.writers[call.results[0].storage]:
            calls.append(call)
            continue
        (joint,) = call.results
        whole = made_array(np.zeros(joint.shape, joint.dtype))
        assert whole.array is not None
        start = 0
        for part in call.args[0]:
            target = whole.array[start : start + part.size].reshape(part.shape)
            start += part.size
            maker = uses.made_once(part)
            if maker is not None and part in maker.results and is_contiguous(part) and part.dtype == joint.dtype:
                part.array = target
                move(program, part.storage, whole.storage)
            else:
                window = Value(whole.storage, "array", part.shape, joint.dtype, target.strides, target)
                calls.append(Call(np.copyto, (window, part), {}, [], (window,), errors=call.errors, place=call.place))
        program.substitute({joint: whole})
        for later in calls:
            later.args = tuple(whole if arg is joint else arg for arg in later.args)
        uses = Uses(program)
    program.calls = calls


def move(program: Program, source: Storage, target: Storage) -> None:
    """Let all Values on one memory be on another."""
    values = [value for call in program.calls for value in [*call.operands(), *call.results]]
    for value in [*values, *program.ends()]:
        if value.storage is source:
            value.storage = target
