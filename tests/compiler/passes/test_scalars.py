"""Sums, and what is computed of them, are scalars where a copy alone reads the last one; the values are the same."""

import operator

import numpy as np
import pytest

import autodiff as ad


def followed(build, calls):
    """Capture what `build` makes, compare every call with a second one that runs as it is, and return the captured."""
    step, eager = ad.capture(build()), build()
    for args in calls:
        found, expected = np.asarray(step(*args)), np.asarray(eager(*args))
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert not step.program.exact  # else the check found a difference, and nothing was tested
    return step


def drawn(*shapes, dtype=np.float32, count=8):
    rng = np.random.default_rng(1)
    return [tuple(rng.normal(size=shape).astype(dtype) for shape in shapes) for _ in range(count)]


def always(function):
    return lambda: function


def names(step):
    return [call.function.__name__ for call in step.program.calls if not call.is_view]


def difference(x, y):
    """Return what is computed of two sums."""
    return np.copy((np.sum(np.exp(x)) - np.sum(y)) / 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_difference_of_two_sums_is_one_of_scalars(dtype):
    step = followed(always(difference), drawn((300,), (20,), dtype=dtype))
    assert names(step).count("dot") == 2
    assert {"sub", "truediv"} <= {*names(step)}
    assert not {"subtract", "divide", "reduce"} & {*names(step)}


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("add", operator.add),
        ("sub", operator.sub),
        ("mul", operator.mul),
        ("truediv", operator.truediv),
    ],
)
def test_each_operator_has_a_scalar_one(name, function):
    step = followed(always(lambda x, y: np.copy(function(np.sum(x), np.sum(y)))), drawn((30,), (20,)))
    assert name in names(step)


def test_a_sum_that_is_returned_itself_or_read_by_an_array_stays_an_array():
    followed(always(lambda x: np.sum(x)), drawn((30,)))
    step = followed(always(lambda x: x / np.sum(np.exp(x))), drawn((30,)))
    assert "dot" not in names(step)


@pytest.mark.parametrize("shape", [(5000,), (20, 30), ()])
def test_long_sums_and_those_of_matrices_are_numpys(shape):
    step = followed(always(lambda x: np.copy(np.sum(np.exp(x)) * np.sum(x))), drawn(shape))
    assert "dot" not in names(step)


@pytest.mark.parametrize("dtype", [np.float16, np.int64])
def test_dtypes_that_blas_does_not_know_are_numpys(dtype):
    calls = [(np.arange(9).astype(dtype),), (np.arange(9, 18).astype(dtype),)] * 4
    step = followed(always(lambda x: np.copy(np.sum(x * 2) - np.sum(x))), calls)
    assert "dot" not in names(step)


def test_sums_of_what_is_not_a_number_are_not():
    calls = [(np.array([1, value, 2], np.float32), np.ones(3, np.float32)) for value in (1, np.nan, np.inf, 2) * 3]
    followed(always(difference), calls)


def test_a_division_by_a_sum_of_zero_warns_and_is_infinite():
    step = ad.capture(lambda x: np.copy(1 / np.sum(x * 1) + np.sum(x)))
    for _ in range(6):
        step(np.ones(3, np.float32))
    assert "truediv" in names(step)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert step(np.zeros(3, np.float32)) == np.inf


def test_a_sum_within_errstate_is_numpys():
    def ratio(x):
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.copy(np.sum(x * 1) / np.sum(x - x))

    calls = drawn((30,))
    step = followed(always(ratio), calls)
    assert "truediv" not in names(step)
