"""Whether two recorded runs of a step did the same."""

from collections.abc import Callable
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.recorder import name_of
from autodiff.compiler.record.recording import Recording, TensorOutput
from autodiff.compiler.record.sharing import can_change, share_memory
from autodiff.compiler.record.trace import Call, Value
from autodiff.saved import owner_of
from autodiff.tensor import Tensor
from autodiff.trees import parts

ADVICE = (
    "A replay would repeat what was recorded. Pass what changes as an argument: arrays and floats may differ from call "
    "to call, and so may an optimizer's learning_rate and the draws of a np.random.Generator that the function reaches"
)


def difference(before: Recording, after: Recording) -> str:
    """Return the first thing in which two runs differ, in words; nothing if they agree."""
    same = Correspondence()
    for left, right in zip(before.trace.inputs, after.trace.inputs, strict=True):
        same.agree(left, right)
    places_before = {held.slot.identity: held for held in before.held}
    for held in after.held:
        if held.slot.identity not in places_before:
            return f"the step reaches {held.slot.name}, which was not there a call before. {ADVICE}"
        was = places_before[held.slot.identity].before
        if not same.agree(was, held.before) and not isinstance(held.before, Value):
            return f"{held.slot.name} was {was!r} a call before, and is now {held.before!r}. {ADVICE}"
    for gradient_before, gradient in zip(before.gradients, after.gradients, strict=False):
        same.agree(gradient_before.before, gradient.before)
    for first, second in zip_longest(before.trace.calls, after.trace.calls):
        if words := differing_calls(first, second, same):
            return f"{words}. {ADVICE}"
    for was, now in zip_longest(before.branches.branches, after.branches.branches):
        if was is None or now is None or (was.ask, was.answer) != (now.ask, now.answer):
            return f"the step took another branch at {(now or was).line} than a call before. {ADVICE}"
    for one, other in zip_longest(before.trace.appended, after.trace.appended):
        if one is None or other is None or one.target is not other.target or not same.agree(one.part, other.part):
            return f"the step appends something else to {(one or other).name} than a call before. {ADVICE}"
    for held in after.held:
        was = places_before[held.slot.identity].after
        if not isinstance(held.after, Value) and not same.agree(was, held.after):
            return (
                f"the step left {in_words(held.after)} in {held.slot.name}, and {in_words(was)} a call before. {ADVICE}"
            )
    if not same.agree(before.trace.outputs, after.trace.outputs):
        now, was = (tree_in_words(one.trace.outputs) for one in (after, before))
        return f"the step returned {now}, and {was} a call before. {ADVICE}"
    return ""


def check_nothing_hidden(before: Recording, after: Recording) -> None:
    """Raise CaptureError if two runs read one array that lives between them in a place that was not found.

    Nobody would notice if it were changed. Arrays that cannot be written to may live where they like.
    """
    sources = {id(owner): owner for owner in map(owner_of, sources_in(before.trace.calls))}.values()
    for call in after.trace.calls:
        for source in sources_in([call]):
            if can_change(source) and any(share_memory(owner_of(source), other) for other in sources):
                raise CaptureError(
                    f"{name_of(call.function)} at {call.origin.line} reads an array of {source.dtype} {source.shape} "
                    "that lives in a place where capture does not find it, and would not see it change; hold it in a "
                    "variable, an attribute, a list or a dict that the function reaches, pass it as an argument, or "
                    "say array.flags.writeable = False if it never changes"
                )


def sources_in(calls: list[Call]) -> list[NDArray[Any]]:
    """Return the arrays that a run came upon without knowing where they are from."""
    return [value.source for call in calls for value in call.operands() if value.source is not None]


def differing_calls(first: Call | None, second: Call | None, same: "Correspondence") -> str:
    """Return how two calls at the same place of two runs differ, in words."""
    if first is None or second is None:
        extra: Any = first or second
        return f"{name_of(extra.function)} at {extra.origin.line} was called in one run of the step and not in another"
    call = f"{name_of(second.function)} at {second.origin.line}"
    if first.function != second.function:
        return f"one run of the step called {name_of(first.function)} at {first.origin.line}, the next {call}"
    if first.is_view != second.is_view:
        return f"{call} returned a view of memory in one of two calls"
    keys = first.keywords | second.keywords
    keywords = [(first.keywords.get(key), second.keywords.get(key)) for key in keys]
    for left, right in [*zip_longest(first.args, second.args), *keywords]:
        if not same.agree(left, right):
            return f"{call} was given {in_words(right)}, and {in_words(left)} a call before"
    for left, right in zip_longest(first.results, second.results):
        if not same.agree(left, right):
            return f"{call} returned {in_words(right)}, not {in_words(left)}"
    return ""


class Correspondence:
    """Which Value of one run is which of another."""

    def __init__(self) -> None:
        self.partners: dict[Value, Value] = {}

    def agree(self, left: Any, right: Any) -> bool:
        """Return whether two arguments are the same."""
        if isinstance(left, TensorOutput) and isinstance(right, TensorOutput):
            return self.agree(left.value, right.value)
        if isinstance(left, Value) and isinstance(right, Value):
            if left in self.partners:
                return self.partners[left] is right
            self.partners[left] = right
            return self.alike(left, right)
        if type(left) is not type(right):
            return False
        held, others = parts(left), parts(right)
        if held is not None and others is not None:
            return held.keys() == others.keys() and all(self.agree(held[key], others[key]) for key in held)
        if isinstance(left, np.ndarray | Tensor) and left is not right:
            arrays = [part._data if isinstance(part, Tensor) else part for part in (left, right)]
            return np.array_equal(arrays[0], arrays[1])
        if isinstance(left, float) and left != left:
            return bool(right != right)
        return left is right or bool(left == right)

    def alike(self, left: Value, right: Value) -> bool:
        """Return whether two Values look the same, and are the same where they are constants."""
        if looks(left) != looks(right):
            return False
        if left.storage.kind != "constant" or left.array is None or right.array is None:
            return True
        return np.array_equal(left.array, right.array, equal_nan=left.dtype.kind == "f")


def looks(value: Value) -> tuple[Any, ...]:
    """Return what has to be the same of a Value in every run: not its layout, which the program chooses."""
    return value.form, value.shape, value.dtype, value.storage.kind


def tree_in_words(tree: Any) -> str:
    """Return what a step returned in a few words."""
    held = parts(tree)
    if held is None:
        return in_words(tree.value if isinstance(tree, TensorOutput) else tree)
    return f"a {type(tree).__name__} of {', '.join(map(tree_in_words, held.values())) or 'nothing'}"


def in_words(part: Any) -> str:
    """Return an argument in a few words."""
    if isinstance(part, Value):
        made = {"constant": "a constant array", "held": part.storage.name or "an array"}
        return f"{made.get(part.storage.kind, 'an array')} of {part.dtype} {part.shape}"
    if isinstance(part, Callable):  # type: ignore[arg-type]
        return name_of(part)
    return repr(part)
