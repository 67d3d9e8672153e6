"""Kernels: where NumPy's obvious call is slow, another that gives the same.

Measured on float32, 300 samples of 100 units or 3 classes, one thread, in aligned memory (benchmarks/kernels.py):

    np.maximum(z, 0, out=z)                           7.4 us   the loop for one number is not vectorised
    np.maximum(z, zeros, out=z)                       3.7
    np.where(mask, g, 0), at random                  40.     NumPy branches for each element
    the product of the numbers' bits with the mask    8.4
    the same, the mask made as min(bits of h, 1)      7.5      where it is h > 0 and h = max(z, 0)
    t[index] -= 1                                     1.7
    t -= one_hot                                      0.5
    out[...] = t[index], its shape looked at          1.6
    t.take(index, None, out, "clip")                  0.5

All of these give the very bits of the obvious call, but for the last mask: it takes what is not a number to be above 0,
and is left out of `exact` programs.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.compiler.passes.lower import assign
from autodiff.compiler.passes.program import Program, is_array_call
from autodiff.compiler.passes.uses import Uses, is_contiguous, made_array, view
from autodiff.compiler.record.trace import Call, Storage, Value
from autodiff.rules.elementwise import BITS

SMALL = 1 << 17
"""Elements up to which an array of zeros stays in the cache, and reading it costs less than it gains: half as many
where three arrays of that size are at work besides."""


def fill_extrema(program: Program) -> None:
    """Give np.maximum and np.minimum a whole array for a constant number."""
    for call in program.calls:
        if call.function not in (np.maximum, np.minimum) or len(call.args) != 2:
            continue
        array, number = call.args
        if not isinstance(array, Value) or array.form != "array" or not is_constant_number(number, array.dtype):
            continue
        if 64 < array.size <= SMALL:
            call.args = array, made_array(np.full(array.shape, number.array, array.dtype))


def choose_by_bits(program: Program) -> None:
    """Compute np.where(mask, numbers, 0) as the product of the numbers' bits, read as integers, with the mask."""
    uses = Uses(program)
    calls: list[Call] = []
    for call in program.calls:
        if call.function is not np.where or not is_array_call(call) or not chooses_or_zero(call):
            calls.append(call)
            continue
        mask, numbers, _ = call.args
        (result,) = call.results
        integers = BITS[result.dtype]
        opened_numbers, bits = view(np.ndarray.view, numbers, integers)
        wide = Value(Storage("made"), "array", result.shape, integers, result.strides)
        product = Value(result.storage, "array", result.shape, integers, result.strides)
        rectified = None if program.exact or result.size > SMALL // 2 else rectified_by(mask, uses)
        if rectified is not None:
            opened, flags = view(np.ndarray.view, rectified, integers)
            ones = made_array(np.ones(rectified.shape, integers))
            widen = call.derived(np.minimum, (flags, ones), [wide])
        else:
            opened, flags = view(np.ndarray.view, mask, np.dtype(np.int8))
            widen = call.derived(assign, (flags,), [wide])
        calls += [
            opened,
            widen,
            opened_numbers,
            call.derived(np.multiply, (wide, bits), [product]),
            Call(np.ndarray.view, (product, result.dtype), {}, [result], is_view=True),
        ]
    program.calls = calls


def rectified_by(mask: Value, uses: Uses) -> Value | None:
    """Return what a mask tells to be above 0, where that is a maximum with 0: read as integers, its bits are too."""
    compared = uses.made_once(mask)
    if compared is None or compared.function is not np.greater or compared.results != [mask]:
        return None
    array, bound = compared.args
    maximum = uses.made_once(array)
    if maximum is None or maximum.function is not np.maximum or maximum.results != [array]:
        return None
    return array if array.form == "array" and is_zero(bound) and is_zero(maximum.args[1]) else None


def is_zero(value: object) -> bool:
    """Return whether a Value is a constant that is 0 everywhere."""
    return (
        isinstance(value, Value)
        and value.storage.kind == "constant"
        and value.array is not None
        and not value.array.any()
    )


def chooses_or_zero(call: Call) -> bool:
    """Return whether a choice is between floating-point numbers and 0, by a mask of the same shape."""
    if len(call.args) != 3:
        return False
    mask, numbers, other = call.args
    (result,) = call.results
    if not isinstance(mask, Value) or not isinstance(numbers, Value) or type(other) is not int or other != 0:
        return False
    same = mask.shape == numbers.shape == result.shape != () and numbers.dtype == result.dtype
    return same and mask.form == numbers.form == "array" and mask.dtype == bool and result.dtype in BITS


UNCHANGED_BY: dict[Callable[..., object], float] = {np.add: -0.0, np.subtract: 0.0}
"""The number that leaves an element as it is, by the function."""


def scatter_by_constant(program: Program) -> None:
    """Turn t[index] -= number, for a constant index, into t -= an array that is 0 elsewhere."""
    uses = Uses(program)
    removed: set[int] = set()
    for call in program.calls:
        if call.function is not operator.setitem or not isinstance(call.args[1], Value):
            continue
        target, index, changed = call.args
        change = uses.made_for(changed, call)
        if change is None or change.function not in UNCHANGED_BY or len(change.args) != 2:
            continue
        picked, number = change.args
        pick = uses.made_for(picked, change)
        if pick is None or pick.function is not operator.getitem or pick.args != (target, index):
            continue
        if not uses.is_next(pick, change) or not uses.is_next(change, call):
            continue
        if not is_constant_index(index, target) or target.dtype.kind != "f" or has_repeated(index, target):
            continue
        if not is_constant_number(number, target.dtype):
            continue
        spread = np.full(target.shape, UNCHANGED_BY[change.function], target.dtype)
        assert index.array is not None
        spread[index.array] = number.array
        removed |= {id(pick), id(change)}
        base = uses.base(target, np.reshape)
        if is_contiguous(base):
            target, spread = base, spread.reshape(base.shape)
        call.function, call.args, call.keywords = change.function, (target, made_array(spread)), {"out": target}
        call.written = (target,)
    program.calls = [call for call in program.calls if id(call) not in removed]


def is_constant_number(value: object, dtype: np.dtype[Any]) -> bool:
    """Return whether a Value is a constant without axes, of that dtype."""
    if not isinstance(value, Value) or value.array is None or value.storage.kind != "constant":
        return False
    return value.shape == () and value.dtype == dtype


def take_by_constant(program: Program) -> None:
    """Take t[index], for a constant index, by the method that writes into a given array."""
    for call in program.calls:
        if call.function is not operator.getitem or not is_array_call(call) or call.results[0].form != "array":
            continue
        target, index = call.args
        if is_constant_index(index, target):
            positions = made_array((index.array % target.size).astype(np.intp))
            call.function, call.args = np.ndarray.take, (target, positions)


def is_constant_index(index: Any, target: Value) -> bool:
    """Return whether an index is a constant array of positions in a target of one axis."""
    if not isinstance(index, Value) or index.array is None or index.storage.kind != "constant":
        return False
    return index.dtype.kind in "iu" and len(target.shape) == 1


def has_repeated(index: Value, target: Value) -> bool:
    """Return whether a constant index names an element of the target twice."""
    assert index.array is not None
    return len(np.unique(index.array % target.size)) < index.size
