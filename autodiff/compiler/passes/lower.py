"""Lowering: NumPy's functions as the calls beneath them that can write into an array that is already there."""

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autodiff.compiler.passes.program import Program, is_array_call
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
    program.calls = [lowered for call in program.calls for lowered in lowered_calls(call)]
    written = program.written_storages()
    for call in program.calls:
        if call.function is fill and not written[call.results[0].storage]:
            (value,) = call.results
            value.array, value.storage.kind = np.full(value.shape, call.args[0], value.dtype), "constant"
    program.calls = [call for call in program.calls if call.function is not fill or call.results[0].array is None]
    box_numbers(program)


REDUCTIONS: dict[Callable[..., Any], np.ufunc] = {
    np.sum: np.add, np.max: np.maximum, np.amax: np.maximum, np.min: np.minimum, np.amin: np.minimum,
    np.prod: np.multiply, np.any: np.logical_or, np.all: np.logical_and,
}  # fmt: skip


def lowered_calls(call: Call) -> Iterator[Call]:
    """Yield what stands for a call."""
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
    elif is_array_call(call) and call.function in (np.zeros_like, np.ones_like) and len(call.args) == 1:
        yield call.derived(fill, (0 if call.function is np.zeros_like else 1,), call.results)
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
    """Give ufuncs their Python numbers as arrays, which they take in half the time: constants are made but once."""
    boxes: dict[Any, Value] = {}
    calls: list[Call] = []
    for call in program.calls:
        dtype = common_float(call)
        if dtype is not None:
            args = []
            for arg in call.args:
                is_number = isinstance(arg, Value) and arg.form == "number"
                if type(arg) not in (int, float, bool) and not is_number:
                    args.append(arg)
                    continue
                key = (id(arg) if is_number else repr(float(arg)), dtype)
                if key not in boxes:
                    boxes[key] = box(arg, dtype)
                    if is_number:
                        calls.append(call.derived(fill, (arg,), [boxes[key]]))
                args.append(boxes[key])
            call.args = tuple(args)
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


def box(number: Any, dtype: np.dtype[Any]) -> Value:
    """Return an array without axes for a number: a constant, or one that is filled in every step."""
    if isinstance(number, Value):
        return Value(Storage("made"), "array", (), dtype, ())
    value = Value(Storage("constant"), "array", (), dtype, ())
    value.array = np.array(number, dtype)
    return value
