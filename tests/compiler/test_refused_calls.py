"""Calls that would leave the recorder's sight: the error names the line, and says what to do instead."""

import copy
import inspect
import random
import re
import time

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.refusing import OFFSET, outcome, refused

RNG = np.random.default_rng(0)
LEARNED = ad.Tensor(np.ones(2), requires_grad=True)


def line_of(function, text):
    """Return the number of the line of this file at which a function holds a text."""
    lines, start = inspect.getsourcelines(function)
    (offset,) = [i for i, line in enumerate(lines) if text in line]
    return start + offset


SEEN = {
    "item": (lambda x: x * np.sum(x).item(), r"\.item\(\)", "return the array and convert it outside"),
    "item of a Tensor": (lambda x: x * np.sum(LEARNED * x).item(), r"\.item\(\)", "convert it outside"),
    "tolist": (lambda x: np.array(x.tolist()), r"\.tolist\(\)", "convert it outside"),
    "tolist of a Tensor": (lambda x: ad.Tensor(x).tolist(), r"\.tolist\(\)", "convert it outside"),
    "float": (lambda x: x * float(np.sum(x)), r"float\(\)", "convert it outside"),
    "float of a Tensor": (lambda x: x * float(np.sum(LEARNED)), r"float\(\)|\.item\(\)", "convert it outside"),
    "int": (lambda x: x * int(x[0]), r"int\(\)", "convert it outside"),
    "complex": (lambda x: x * complex(x[0]), r"complex\(\)", "convert it outside"),
    "round": (lambda x: x * round(x[0]), r"round\(\)", "convert it outside"),
    "if": (lambda x: x if np.sum(x) > 0 else -x, "branch", "np.where"),
    "if on a Tensor": (lambda x: x if np.sum(LEARNED) > 0 else -x, "branch", "np.where"),
    "bool": (lambda x: x * bool(np.all(x > 0)), "branch", "np.where"),
    "and": (lambda x: (x[0] > 0) and x, "branch", "np.where"),
    "not": (lambda x: not x[0], "branch", "np.where"),
    "while": (lambda x: next(i for i in range(9) if np.sum(x) < i), "branch", "np.where"),
    "max of Python": (lambda x: max(x[0], x[1]), "branch", "np.where"),
    "sorted of Python": (lambda x: sorted(x), "branch", "np.where"),
    "assert": (lambda x: [x for _ in [0] if np.isfinite(x).all()], "branch", "np.where"),
    "in": (lambda x: 1.0 in x, "in", "np.where"),
    "np.array of a Tensor": (lambda x: np.array(ad.Tensor(x)), "np.asarray", "sight"),
    "np.fromiter": (lambda x: np.fromiter(x, float), r"float\(\)", "convert it outside"),
    "format": (lambda x: f"{x[0]:.3f}", "format", "convert it outside"),
    "format of a Tensor": (lambda x: f"{np.sum(ad.Tensor(x)):.3f}", "format|item", "convert it outside"),
    "text of a Tensor": (lambda x: str(ad.Tensor(x)), "text", "print what the step returns"),
    "repr of a Tensor": (lambda x: repr(ad.Tensor(x)), "text", "print what the step returns"),
    "text of an array": (lambda x: np.array_str(x), "text", "print what the step returns"),
    "a sum of Python numbers": (lambda x: sum(float(part) for part in x), r"float\(\)", "convert it outside"),
    "range": (lambda x: sum(range(np.argmax(x))), "index or length", "argument that is an int"),
    "an index of a list": (lambda x: [1.0, 2.0][np.argmax(x)], "index", r"np\.take"),
    "the shape of a new array": (lambda x: np.zeros(np.argmax(x) + 1), "index or length", "argument that is an int"),
    "a slice": (lambda x: x[: np.argmax(x)], "slice", "np.take"),
    "a slice of an ordinary array": (lambda x: OFFSET[: np.argmax(x)], "slice|index", "np.take|convert it outside"),
    "a mask": (lambda x: x[x > 1], "mask", r"np\.where"),
    "a mask on a Tensor": (lambda x: ad.Tensor(x)[x > 1], "mask", r"np\.where"),
    "np.nonzero": (lambda x: np.nonzero(x)[0], "np.nonzero", r"np\.where"),
    "np.flatnonzero": (lambda x: np.flatnonzero(x), "np.flatnonzero|np.nonzero", r"np\.where"),
    "np.argwhere": (lambda x: np.argwhere(x), "np.argwhere", r"np\.where"),
    "np.unique": (lambda x: np.unique(x), "np.unique", r"np\.where"),
    "np.where of a condition alone": (lambda x: np.where(x > 1)[0], "np.where", "mask"),
    "np.compress": (lambda x: np.compress(x > 1, x), "np.compress", r"np\.where"),
    "np.extract": (lambda x: np.extract(x > 1, x), "np.extract", r"np\.where"),
    "np.union1d": (lambda x: np.union1d(x, x), "np.union1d", r"np\.where"),
    "a copy of what is recorded": (lambda x: copy.deepcopy(x), "copying", "outside"),
    "a shallow copy of what is recorded": (lambda x: copy.copy(x), "copying", "outside"),
    "an attribute that is not there": (lambda x: x.ctypes.data, "ctypes", "NumPy function"),
    "bytes": (lambda x: x.tobytes(), "tobytes", "NumPy function"),
    "the key of a dict": (lambda x: {1.0: x}[float(x[0])], r"float\(\)", "convert it outside"),
    "np.copyto into an array that is out of sight": (lambda x: np.copyto(np.tile(0.0, 2), x), "recorder", r"np\.zeros"),
    "out=": (lambda x: np.add(x, 1, out=np.tile(0.0, 2)), "recorder", r"np\.zeros"),
    "random.shuffle": (lambda x: np.ptp(RNG.shuffle([1.0, 2.0])) * x, "shuffle into", r"np\.zeros"),
    "a random choice of text": (lambda x: (RNG.choice(["a", "b"]), x)[1], "returned a str", "outside"),
    "random bytes": (lambda x: (RNG.bytes(2), x)[1], "returned a bytes", "outside"),
    "a matrix": (lambda x: x.view(np.matrix), "np.matrix", "ordinary arrays"),
    "the key of a set": (lambda x: x[0] in {1.0, 2.0}, "look into a dict or a set", r"np\.where"),
    "objects": (lambda x: np.frompyfunc(lambda part: part, 1, 1)(x), "objects", "NumPy's functions"),
    "the buffer of an array": (lambda x: bytes(memoryview(x)), "memoryview", "NumPy's"),
    "the shape set": (lambda x: setattr(x * 2, "shape", (2, 1)), r"\.shape", "new array"),
    "an attribute that is asked for": (lambda x: getattr(x, "flat", None), r"\.flat", "NumPy function"),
    "a generator made inside": (
        lambda x: x + np.random.default_rng().normal(size=2),
        "did not do the same|generator",
        "",
    ),
    "eigenvalues": (lambda x: np.linalg.eigvals(x[:, None] * x), r"np\.linalg\.eigvals of real numbers", "complex"),
    "eigenvectors": (lambda x: np.linalg.eig(x[:, None] * x)[1], r"np\.linalg\.eig of real numbers", "eigh"),
    "the old generator": (lambda x: x + np.random.rand(2), "the step .* draws from np.random", "default_rng"),  # noqa: NPY002
    "Python's generator": (lambda x: x + random.random(), "the step .* draws from random", "default_rng"),
    "the time": (lambda x: x + time.perf_counter(), "given|did not do the same", "argument"),
}


@pytest.mark.parametrize(("function", "what", "advice"), SEEN.values(), ids=SEEN)
def test_what_a_replay_could_not_follow_is_refused_with_the_line_and_an_advice(function, what, advice):
    message = refused(ad.capture(function), what)
    assert re.search(advice, message), message
    place = re.search(r"test_refused_calls\.py:(\d+)", message)
    assert place, f"no line of this file in: {message}"
    assert int(place[1]) == function.__code__.co_firstlineno


def test_the_line_named_is_that_of_the_statement_not_of_the_function():
    @ad.capture
    def function(x):
        doubled = x * 2
        return doubled * np.max(doubled).item()

    message = refused(function, "item")
    assert f"test_refused_calls.py:{line_of(function.function, '.item()')}, in function" in message


def test_the_line_named_is_that_of_a_function_called_by_the_captured_one():
    def helper(x):
        return float(x[0])

    message = refused(ad.capture(lambda x: x * helper(x)), "float")
    assert f"test_refused_calls.py:{line_of(helper, 'float(')}, in helper" in message


def test_printing_a_tensor_is_refused(capsys):
    def function(x):
        print(ad.Tensor(x))
        return x

    assert "print what the step returns" in refused(ad.capture(function), "text of a recorded array")


@pytest.mark.parametrize("to_text", [print, str, lambda x: f"{x}"], ids=["print", "str", "f-string"])
def test_the_text_of_a_recorded_array_is_refused(to_text, capsys):
    def function(x):
        to_text(x)
        return x

    assert "test_refused_calls.py" in refused(ad.capture(function), "cannot be captured")
    assert capsys.readouterr().out == ""


def test_a_result_whose_shape_depends_on_the_values_is_refused_when_it_changes():
    step = ad.capture(lambda x: np.bincount(x))
    for _ in range(8):
        np.testing.assert_array_equal(step(np.array([0, 1, 1])), [1, 2])
    with pytest.raises(ad.CaptureError, match="depends on the values"):
        step(np.array([0, 1, 3]))


def test_a_refusal_that_the_function_catches_is_raised_all_the_same():
    """Swallowed, it would leave a program of the branch for exceptions."""

    def function(x):
        try:
            return x * float(x[0])
        except Exception:
            return x * 0

    assert "test_refused_calls.py" in refused(ad.capture(function), r"float\(\)")


def test_an_error_of_numpy_that_the_step_catches_is_refused():
    def function(x):
        try:
            return np.linalg.inv(x)
        except np.linalg.LinAlgError:
            return x * 0

    message = refused(ad.capture(function), "raised LinAlgError, and the step caught that", 1, np.zeros((2, 2)))
    assert f"test_refused_calls.py:{line_of(function, 'linalg.inv')}" in message


def test_an_error_of_numpy_that_becomes_another_passes_through():
    def function(x):
        try:
            return np.linalg.inv(x)
        except np.linalg.LinAlgError:
            raise KeyError("mine") from None

    step = ad.capture(function)
    with pytest.raises(KeyError, match="mine"):
        step(np.zeros((2, 2)))
    np.testing.assert_array_equal(step(np.eye(2)), np.eye(2))


def test_a_recorded_index_of_an_ordinary_array_is_refused_or_followed():
    table = np.arange(10.0)

    def function(x):
        local = np.arange(5.0) * 2
        return local[np.argmax(x)] * x

    step = ad.capture(function)
    for i in range(8):
        x = np.roll([3.0, 0.0], i)
        found, refusal = outcome(step, x)
        if refusal:
            assert f"test_refused_calls.py:{line_of(function, 'local[')}" in refusal
            break
        np.testing.assert_array_equal(found, function(x))
    assert table.sum() == 45
