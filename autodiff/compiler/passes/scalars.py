"""A pass that computes what has no axes, as a mean loss, with NumPy's scalars, not with arrays without axes.

Measured on float32, one thread (benchmarks/kernels.py):

    np.subtract(a, b, out), arrays without axes       0.35 us
    a - b, scalars                                    0.07
    np.add.reduce(x, out=out), 300 numbers            0.84
    np.dot(ones, x)                                   0.60     in another order
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.compiler.passes.lower import assign
from autodiff.compiler.passes.program import Program, is_array_call
from autodiff.compiler.passes.uses import Uses, is_contiguous, made_array
from autodiff.compiler.record.trace import Call, Value

OPERATORS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.divide: operator.truediv,
    np.negative: operator.neg,
}  # fmt: skip
"""What computes the same on scalars, by the function."""
SHORT = 4096
"""Numbers up to which their sum is a product with ones: NumPy's own sum rounds less where they are many."""


def compute_with_scalars(program: Program) -> None:
    """Make scalars of sums and of what is computed of them, where nothing but a copy reads the last one."""
    uses = Uses(program)
    chosen: set[Call] = set()
    for call in reversed(program.calls):
        if is_scalar_call(call, program) and uses.made_once(call.results[0]) is call:
            result = call.results[0].storage
            readers = uses.readers[result]
            if result not in uses.at_end and all(one in chosen or one.function is assign for one in readers):
                chosen.add(call)
    for call in chosen:
        call.results[0].form = "number"
        if call.function in OPERATORS:
            call.function, call.args = OPERATORS[call.function], tuple(map(scalar_of, call.args))
        else:
            (array, *_) = call.args
            call.function, call.args = np.dot, (made_array(np.ones(array.shape, array.dtype)), array)


def is_scalar_call(call: Call, program: Program) -> bool:
    """Return whether a call computes one number: a short sum, or of arrays without axes."""
    if not is_array_call(call) or call.keywords or call.errstate not in ((), program.errstate):
        return False
    (result,) = call.results
    if result.shape or result.dtype.char not in "fd":
        return False
    if call.function in OPERATORS:
        return all(is_without_axes(arg, result) for arg in call.args)
    return call.function == np.add.reduce and is_short(call.args[0], result)


def is_without_axes(arg: Any, result: Value) -> bool:
    """Return whether an argument is an array of one number, of the dtype of the result."""
    return isinstance(arg, Value) and arg.form != "number" and not arg.shape and arg.dtype == result.dtype


def is_short(array: Value, total: Value) -> bool:
    """Return whether an array is one row of few numbers, of the dtype of their sum."""
    return len(array.shape) == 1 and array.size <= SHORT and array.dtype == total.dtype and is_contiguous(array)


def scalar_of(value: Value) -> Any:
    """Return a constant as a scalar, another Value as it is."""
    return value.array[()] if value.storage.kind == "constant" and value.array is not None else value
