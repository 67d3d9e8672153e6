"""The recorder: which calls are written down, and that recorded arrays pass for what they stand for."""

import operator

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.record.recording import record
from autodiff.compiler.record.trace import Value


def trace_of(function, *args, **keywords):
    return record(function, args, keywords, set()).trace


def called(function, *args):
    """Return the names of the functions that were recorded."""
    return [call.function.__name__ for call in trace_of(function, *args).calls]


X = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: np.exp(x), ["exp"]),
        (lambda x: x + 1, ["add"]),
        (lambda x: 1 - x, ["subtract"]),
        (lambda x: x @ x.T, ["transpose", "matmul"]),
        (lambda x: -x, ["negative"]),
        (lambda x: x**2, ["pow"]),
        (lambda x: x.sum(axis=0), ["sum"]),
        (lambda x: np.sum(x), ["sum"]),
        (lambda x: np.add.reduce(x), ["reduce"]),
        (lambda x: np.einsum("ij,kj->ik", x, x), ["einsum"]),
        (lambda x: np.concatenate([x, x]), ["concatenate"]),
        (lambda x: x[0], ["getitem"]),
        (lambda x: x.astype(np.float32), ["convert"]),
        (lambda x: x.flatten(), ["copy", "reshape"]),
        (lambda x: (x > 1) & (x < 2), ["greater", "less", "bitwise_and"]),
        (lambda x: list(x), ["getitem", "getitem"]),
    ],
)
def test_calls_are_written_down(function, expected):
    assert called(function, X) == expected


def test_the_result_of_a_recorded_run_is_that_of_an_ordinary_one():
    def function(x, y):
        return np.tanh(x @ y.T), [x.max(), {"mean": y.mean(axis=1)}]

    found = record(function, (X, X * 2), {}, set()).result
    expected = function(X, X * 2)
    np.testing.assert_array_equal(found[0], expected[0])
    assert type(found[1][0]) is type(expected[1][0])
    np.testing.assert_array_equal(found[1][1]["mean"], expected[1][1]["mean"])


BY_NAME = {
    "a transposition": lambda x: np.exp(np.transpose(a=x + 1)),
    "a transposition in a product": lambda x: np.transpose(a=np.exp(x)) @ x,
    "a view without an axis": lambda x: np.squeeze(a=x[None] + 1),
    "a view of more axes": lambda x: np.broadcast_to(shape=(3, 2, 3), array=x * 2),
    "a copy": lambda x: np.copy(a=x),
    "a sum": lambda x: np.sum(axis=0, a=x),
    "positions": lambda x: np.argmax(a=x, axis=1),
    "elements": lambda x: np.take(indices=[1, 0], a=x, axis=1),
}


@pytest.mark.parametrize("function", BY_NAME.values(), ids=BY_NAME)
def test_an_array_that_is_given_by_its_name_stands_first(function):
    assert all(isinstance(call.args[0], Value) for call in trace_of(function, X).calls)
    step = ad.capture(function)
    for i in range(6):
        np.testing.assert_array_equal(step(X + i), function(X + i))
    assert str(step.program)


def test_what_is_known_without_the_contents_is_not_recorded():
    def function(x):
        of_numpy = np.shape(x), np.ndim(x), np.size(x), np.result_type(x, np.float32)
        return (x.shape, x.ndim, x.size, x.dtype), of_numpy, (len(x), x.nbytes, x.itemsize)

    recording = record(function, (X,), {}, set())
    assert recording.result == function(X)
    assert recording.trace.calls == []


def test_a_view_is_of_the_memory_of_its_array():
    trace = trace_of(lambda x: x.T[1:], X)
    first, second = trace.calls
    assert first.is_view
    assert second.is_view
    assert second.results[0].storage is trace.inputs[0].storage


def test_a_result_of_its_own_is_no_view():
    trace = trace_of(lambda x: x.T.copy() + np.copy(x).T.copy(), X)
    made = [call for call in trace.calls if not call.is_view]
    assert all(call.results[0].storage.kind == "made" for call in made)


def test_writing_in_place_is_noted():
    total = np.zeros((2, 3))

    def function(x):
        nonlocal total
        total += x
        total[0] = 1
        np.multiply(total, 2, out=total)
        np.copyto(total, x)
        np.add.at(total, (0, 0), 1.0)

    trace = trace_of(function, X)
    writing = [call for call in trace.calls if call.written]
    assert len(writing) == 5
    assert {target.storage.kind for call in writing for target in call.written} == {"held"}
    np.testing.assert_array_equal(total, X + np.eye(1, 6).reshape(2, 3))


def test_writing_through_a_view_is_noted_on_the_whole():
    total = np.zeros((2, 3))

    def function(x):
        total[1][:2] += x[0, :2]

    trace = trace_of(function, X)
    storages = {target.storage for call in trace.calls for target in call.written}
    assert [storage.name for storage in storages] == ["total"]


def test_python_numbers_are_recorded_as_numbers():
    trace = trace_of(lambda t: (1 - 0.9**t, t / 2), 3.0)
    assert [call.function for call in trace.calls] == [operator.pow, operator.sub, operator.truediv]
    assert {value.form for call in trace.calls for value in call.results} == {"number"}


def test_scalars_are_recorded_as_scalars():
    trace = trace_of(lambda x: np.sum(x) * 2, X)
    assert [call.results[0].form for call in trace.calls] == ["scalar", "scalar"]


def test_several_results_of_one_call():
    (call,) = trace_of(lambda x: np.linalg.svd(x, full_matrices=False), X).calls
    assert len(call.results) == 3


def test_a_draw_is_marked():
    rng = np.random.default_rng(0)
    trace = trace_of(lambda x: rng.normal(size=3) + x, X)
    assert [call.draws for call in trace.calls] == [True, False]


def test_the_line_and_the_function_of_the_engine_are_noted():
    model = ad.Linear(3, 1, rng=np.random.default_rng(0), dtype=np.float64)
    trace = trace_of(lambda x: model(x), X)
    assert all("test_recorder.py" in call.origin.line for call in trace.calls)
    assert {call.origin.within for call in trace.calls} == {"linear"}


def test_constants_are_copied():
    """An array that the step made may be written into after it was used."""

    def function(x):
        table = np.tile(0.0, 3)
        first = x + table
        table[0] = 5
        return first, x + table

    trace = trace_of(function, X)
    constants = [value for call in trace.calls for value in call.operands() if value.storage.kind == "constant"]
    assert [value.array[0] for value in constants] == [0, 5]


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        (np.ones(2), (np.ndarray,)),
        (np.float32(1), (np.float32, np.floating, np.generic)),
        (np.int64(1), (np.int64, np.integer)),
        (1.5, (float,)),
    ],
    ids=["array", "scalar", "integer", "number"],
)
def test_a_recorded_value_is_an_instance_of_what_it_stands_for(value, kinds):
    def function(x):
        return [isinstance(x, kind) for kind in kinds], isinstance(x, str | list)

    assert record(function, (value,), {}, set()).result == ([True] * len(kinds), False)


def test_attributes_that_arrays_have_not_are_missing():
    def function(x):
        try:
            x.nothing  # noqa: B018
        except AttributeError as error:
            return hasattr(x, "detach"), getattr(x, "requires_grad", None), str(error)

    found = record(function, (X,), {}, set()).result
    assert found[:2] == (False, None)
    assert "test_recorder.py" in found[2]


def test_a_recorded_array_can_be_a_key():
    trace_of(lambda x: {x: 1}[x], X)


@pytest.mark.parametrize(
    "operation",
    [
        operator.add,
        operator.sub,
        operator.mul,
        operator.truediv,
        operator.floordiv,
        operator.mod,
        operator.pow,
        operator.lt,
        operator.le,
        operator.gt,
        operator.ge,
        operator.eq,
        operator.ne,
    ],
    ids=lambda operation: operation.__name__,
)
def test_operators_give_what_they_give_eagerly(operation):
    pairs = [(X + 1, 2.0), (2.0, X + 1), (X + 1, X + 1), (3.0, 2.0), (np.float32(3), 2.0), (X + 1, np.ones(3))]
    for left, right in pairs:
        found, expected = record(operation, (left, right), {}, set()).result, operation(left, right)
        assert type(found) is type(expected)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("operation", [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift])
def test_operators_on_integers_give_what_they_give_eagerly(operation):
    left, right = np.array([5, 6, 7]), np.array([1, 2, 3])
    for pair in [(left, right), (left, 2), (2, right)]:
        found, expected = record(operation, pair, {}, set()).result, operation(*pair)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


def test_in_place_operators_on_numbers_and_scalars_make_new_ones():
    def function(t, x):
        first = t
        t += 1
        x **= 2
        return first, t, x

    assert record(function, (1.5, np.float64(3)), {}, set()).result == (1.5, 2.5, 9.0)


METHODS = {
    "sum": lambda x: x.sum(axis=1),
    "mean": lambda x: x.mean(axis=0, keepdims=True),
    "prod": lambda x: x.prod(),
    "var": lambda x: x.var(axis=0),
    "std": lambda x: x.std(),
    "max": lambda x: x.max(axis=1),
    "min": lambda x: x.min(),
    "argmax": lambda x: x.argmax(axis=1),
    "argmin": lambda x: x.argmin(),
    "argsort": lambda x: x.argsort(axis=0),
    "any": lambda x: x.any(axis=0),
    "all": lambda x: x.all(),
    "cumsum": lambda x: x.cumsum(axis=1),
    "cumprod": lambda x: x.cumprod(),
    "clip": lambda x: x.clip(1, 3),
    "round": lambda x: x.round(1),
    "dot": lambda x: x.dot(x.T),
    "trace": lambda x: x.trace(),
    "diagonal": lambda x: x.diagonal(),
    "ravel": lambda x: x.ravel(),
    "squeeze": lambda x: x[None].squeeze(),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "repeat": lambda x: x.repeat(2, axis=0),
    "take": lambda x: x.take([0, 2]),
    "reshape": lambda x: x.reshape(3, 2) @ x.reshape((2, 3)),
    "transpose": lambda x: x.transpose(1, 0) @ x.transpose().T,
    "astype": lambda x: x.astype("float32"),
    "mT": lambda x: x.mT,
    "fill": lambda x: x.copy().fill(2),
    "searchsorted": lambda x: x.ravel().searchsorted([1.5, 2.5]),
    "flatten": lambda x: x.flatten(),
    "flatten by columns": lambda x: x.flatten("F"),
    "flatten as it lies": lambda x: x.T.flatten("A"),
    "ravel as it lies": lambda x: np.ravel(x.reshape(1, 3, 2).transpose(1, 0, 2), "K"),
    "view": lambda x: x.view(np.int64),
    "abs": lambda x: abs(-x),
    "positive": lambda x: +x,
    "len": lambda x: len(x),
    "where": lambda x: np.where(x > 1, x, -x),
    "meshgrid": lambda x: np.meshgrid(x[0], x[1])[0],
    "split": lambda x: np.split(x, 3, axis=1)[1],
    "linalg": lambda x: np.linalg.inv(x @ x.T + np.eye(2)),
    "choose": lambda x: np.choose((x > 1).astype(int), [x, -x]),
    "sort": lambda x: np.sort(-x, axis=1),
    "nonlinear": lambda x: np.logaddexp(x, 1) + np.hypot(x, 2),
    "isfinite": lambda x: np.isfinite(x).astype(float),
    "pad": lambda x: np.pad(x, 1),
    "roll": lambda x: np.roll(x, 1, axis=1),
    "stack": lambda x: np.stack([x, x], axis=-1),
    "tensordot": lambda x: np.tensordot(x, x, axes=([1], [1])),
    "modf": lambda x: np.modf(x)[1],
    "broadcast": lambda x: np.broadcast_to(x[0], (4, 3)) * 2,
    "outer": lambda x: np.multiply.outer(x[0], x[1]),
    "accumulate": lambda x: np.add.accumulate(x, axis=1),
    "reduceat": lambda x: np.add.reduceat(x[0], [0, 2]),
}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_methods_and_functions_give_what_they_give_eagerly_recorded_and_replayed(method):
    step = ad.capture(method, exact=True)
    for k in range(6):
        x = X * (1 + k / 10) + 0.25
        found, expected = step(x), method(x)
        assert type(found) is type(expected)
        np.testing.assert_array_equal(found, expected)
        if hasattr(expected, "dtype"):
            assert found.dtype == expected.dtype


def test_outputs_are_written_down_in_their_structure():
    outputs = trace_of(lambda x: {"a": x * 2, "b": (1, x[0])}, X).outputs
    assert isinstance(outputs["a"], Value)
    assert outputs["b"][0] == 1
    assert isinstance(outputs["b"][1], Value)


def test_an_assertion_within_a_captured_function():
    """pytest rewrites assertions, so that they reach into pytest."""

    def function(x):
        assert x.shape == (2, 3)
        return x * 2

    np.testing.assert_array_equal(record(function, (X,), {}, set()).result, X * 2)


def test_windows_on_an_array_of_the_step_are_a_view_of_it():
    def step(x):
        doubled = x * 2
        seen = np.lib.stride_tricks.sliding_window_view(doubled, 3)
        tripled = x * 3  # must not take the place of what is still looked at
        return np.sum(seen * seen, axis=1), tripled

    captured = ad.capture(step)
    for k in range(6):
        x = np.arange(8.0) + k
        for found, expected in zip(captured(x), step(x), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)
    windows = [call for call in captured.latest.trace.calls if call.function.__name__ == "sliding_window_view"]
    assert [call.is_view for call in windows] == [True]


class Holder:
    """An object that NumPy takes for the array that it holds."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


def test_an_object_that_holds_an_array_is_that_array():
    holder = Holder(np.ones((2, 3)))
    step = ad.capture(lambda x: np.multiply(x, holder) + x * holder)
    for i in range(12):
        if i == 6:
            holder.array = holder.array * 3
        if i == 9:
            holder.array *= 2
        np.testing.assert_array_equal(step(X), 2 * X * holder.array)


def test_an_operand_that_refuses_ufuncs_is_asked_by_python():
    class Scale:
        __array_ufunc__ = None
        value = 2.0

        def __rmul__(self, other):
            return other * self.value

    scale = Scale()
    step = ad.capture(lambda x: x * scale)
    for i in range(12):
        if i == 6:
            scale.value = 3.0
        np.testing.assert_array_equal(step(X), X * scale.value)


class Own:
    """An object that is an array to NumPy, but answers for itself."""

    def __init__(self, value):
        self.value = value

    def __array__(self, dtype=None, copy=None):
        return np.full((2, 3), 2.0)


class OwnUfuncs(Own):
    def __array_ufunc__(self, *args, **keywords):
        return np.full((2, 3), self.value)


class OwnOperators(Own):
    __array_priority__ = 1.0

    def __radd__(self, other):
        return np.full((2, 3), self.value)


@pytest.mark.parametrize("kind", [OwnUfuncs, OwnOperators])
def test_an_operand_that_answers_for_itself_is_asked_or_refused(kind):
    own = kind(7.0)
    step = ad.capture(lambda x: x + own)
    for _ in range(8):
        try:
            found = step(X)
        except ad.CaptureError:
            continue
        np.testing.assert_array_equal(found, X + own)
