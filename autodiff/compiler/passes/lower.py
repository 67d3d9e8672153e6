"""Lowering: NumPy's functions as the calls beneath them that can write into an array that is already there."""

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from autodiff.compiler.passes.program import Program, is_array_call
from autodiff.compiler.passes.uses import made_array
from autodiff.compiler.record.stand_in import convert
from autodiff.compiler.record.trace import Call, Storage, Value


def assign(source: Any) -> Any:
    """Stand for a copy of an array, converted to the dtype of what it is written to."""
    return source


def fill(number: Any) -> Any:
    """Stand for an array that holds one number everywhere."""
    return number


def lower(program: Program) -> None:
    """Replace calls by ones that need no memory of their own."""
    written = program.written_storages()
    program.calls = [lowered for call in program.calls for lowered in lowered_calls(call, written)]
    box_numbers(program)


REDUCTIONS: dict[Callable[..., Any], np.ufunc] = {
    np.sum: np.add, np.max: np.maximum, np.amax: np.maximum, np.min: np.minimum, np.amin: np.minimum,
    np.prod: np.multiply, np.any: np.logical_or, np.all: np.logical_and,
}  # fmt: skip


FILLED: dict[Callable[..., Any], int] = {np.zeros_like: 0, np.ones_like: 1}


def lowered_calls(call: Call, written: Mapping[Storage, int]) -> Iterator[Call]:
    """Yield what stands for a call: nothing, if that makes a constant."""
    arguments = reduction_arguments(call) if is_array_call(call) else None
    if arguments is not None and call.function in REDUCTIONS:
        array, axis, keepdims = arguments
        yield call.derived(REDUCTIONS[call.function].reduce, (array, axis, None, None, keepdims), call.results)
    elif arguments is not None and call.function is np.mean and call.results[0].dtype.char in "fd":
        array, axis, keepdims = arguments
        yield call.derived(np.add.reduce, (array, axis, None, None, keepdims), call.results)
        (total,) = call.results
        count = array.size // max(total.size, 1)
        yield call.derived(np.divide, (total, count), written=(total,), out=total)
    elif is_array_call(call) and is_copy(call):
        yield call.derived(assign, call.args[:1], call.results)
    elif is_array_call(call) and call.function in FILLED and len(call.args) == 1:
        (value,), number = call.results, FILLED[call.function]
        if written[value.storage]:
            yield call.derived(fill, (number,), [value])
        else:
            value.array, value.storage.kind = np.full(value.shape, number, value.dtype), "constant"
    elif is_array_call(call) and call.function is operator.pow and is_power(call):
        yield call.derived(POWERS[call.args[1]], call.args[:1], call.results)
    else:
        yield call


def is_copy(call: Call) -> bool:
    """Return whether a call makes a copy of an array, as `scalar[...]` does of a NumPy scalar."""
    is_whole = call.function is operator.getitem and call.args[1] is Ellipsis
    return (is_whole or call.function in (np.copy, convert)) and isinstance(call.args[0], Value)


POWERS: dict[float, np.ufunc] = {1: np.positive, 2: np.square}
"""What NumPy calls in place of a power, by the exponent."""


def is_power(call: Call) -> bool:
    """Return whether an array is raised to one of these powers."""
    array, exponent = call.args
    is_array = isinstance(array, Value) and array.form == "array" and array.dtype.kind == "f"
    return is_array and type(exponent) in (int, float) and exponent in POWERS


def reduction_arguments(call: Call) -> tuple[Value, Any, bool] | None:
    """Return the array, the axis and keepdims of a reduction that has no further arguments."""
    names = dict(zip(("a", "axis"), call.args, strict=False)) if len(call.args) <= 2 else {}
    named = {**names, **call.keywords}
    array = named.get("a")
    if not isinstance(array, Value) or array.form != "array" or not {*named} <= {"a", "axis", "keepdims"}:
        return None
    keepdims = named.get("keepdims", False)
    return array, named.get("axis"), bool(keepdims)


def box_numbers(program: Program) -> None:
    """Give ufuncs their Python numbers as arrays without axes, which they take in half the time."""
    boxes: dict[tuple[Value, Any], Value] = {}
    calls: list[Call] = []
    for call in program.calls:
        dtype = common_float(call)
        if dtype is not None:
            for number in call.operands():
                if number.form == "number" and (number, dtype) not in boxes:
                    boxes[number, dtype] = Value(Storage("made"), "array", (), dtype, ())
                    calls.append(call.derived(fill, (number,), [boxes[number, dtype]]))
            call.args = tuple(
                boxes.get((arg, dtype), arg) if isinstance(arg, Value) else made_array(np.array(arg, dtype))
                for arg in call.args
            )
        calls.append(call)
    program.calls = calls


def common_float(call: Call) -> np.dtype[Any] | None:
    """Return the dtype of a ufunc's arrays, if all are of one floating-point dtype: Python numbers take it too."""
    if not isinstance(call.function, np.ufunc) or call.keywords.keys() - {"out"}:
        return None
    if any(isinstance(arg, Value) and arg.form == "number" and arg.dtype.kind == "c" for arg in call.args):
        return None
    dtypes = {arg.dtype for arg in call.args if isinstance(arg, Value) and arg.form != "number"}
    if len(dtypes) != 1 or not all(isinstance(arg, Value) or type(arg) in (int, float, bool) for arg in call.args):
        return None
    (dtype,) = dtypes
    if not any(loop.split("->")[0] == dtype.char * call.function.nin for loop in call.function.types):
        return None
    numbers = [arg for arg in call.args if not isinstance(arg, Value)]
    finite = all(not math.isfinite(n) or abs(n) <= np.finfo(dtype).max for n in numbers) if dtype.kind == "f" else False
    return dtype if finite else None
