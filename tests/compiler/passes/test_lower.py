"""Lowering: reductions, copies and squares as the calls beneath them, with the same bits."""

import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.compiler.passes.lower import assign


def followed(function, calls):
    """Capture a function, compare the bits of every call with those of the function, and return the captured."""
    step = ad.capture(function, exact=True)
    for args in calls:
        found, expected = step(*args), function(*args)
        for one, other in zip(found, expected, strict=True) if type(expected) is tuple else [(found, expected)]:
            assert type(one) is type(other)
            one, other = np.asarray(one), np.asarray(other)
            assert (one.dtype, one.shape) == (other.dtype, other.shape)
            assert one.tobytes() == other.tobytes()
    return step


def drawn(*shapes, dtype=np.float64, count=7):
    rng = np.random.default_rng(1)
    return [tuple((3 * rng.normal(size=shape)).astype(dtype) for shape in shapes) for _ in range(count)]


def functions(step):
    return [call.function for call in step.program.calls if not call.is_view]


REDUCTIONS = [np.sum, np.mean, np.max, np.min, np.amax, np.amin, np.prod, np.any, np.all]
AXES = [None, 0, 1, -1, -3, (0, 1), (-1, 0), (0, 1, 2), ()]


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions_along_any_axes(axis, keepdims):
    def function(x):
        return tuple(reduce(x, axis=axis, keepdims=keepdims) for reduce in REDUCTIONS)

    step = followed(function, drawn((3, 4, 5)))
    assert not {np.sum, np.max, np.min, np.prod, np.any, np.all} & {*functions(step)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64, np.int16, np.uint8, np.bool_])
def test_reductions_of_any_dtype(dtype):
    def function(x):
        return tuple(reduce(x, axis=axis) for reduce in REDUCTIONS for axis in (None, 1))

    followed(function, [(np.abs(x).astype(dtype),) for (x,) in drawn((3, 4))])


def test_the_axis_by_its_place_or_name():
    followed(
        lambda x: (np.sum(x, 0), np.mean(x, 1), x.sum(axis=-1), x.max(0), x.mean(), np.min(x, axis=(1,))), drawn((3, 4))
    )


@pytest.mark.parametrize("keepdims", [0, 1])
def test_keepdims_that_is_a_number(keepdims):
    followed(lambda x: (np.sum(x, axis=0, keepdims=keepdims), np.mean(x, axis=1, keepdims=keepdims)), drawn((3, 4)))


def test_reductions_with_further_arguments_stay_as_they_are():
    def function(x):
        out = np.zeros_like(x[0])
        np.sum(x, axis=0, out=out)
        return (
            np.sum(x, axis=0, dtype=np.float64),
            np.sum(x, axis=0, where=x > 0),
            np.max(x, axis=0, initial=1),
            np.mean(x, axis=1, dtype=np.float64),
            np.sum(x, axis=1, initial=2),
            out,
        )

    assert np.sum in functions(followed(function, drawn((3, 4), dtype=np.float32)))


def test_reductions_that_the_step_calls_itself():
    def function(x):
        return (
            np.add.reduce(x),
            np.add.reduce(x, 0),
            np.maximum.reduce(x, axis=1),
            np.add.reduce(x, 1, np.float32),
            np.multiply.reduce(x, (0, 1), None, None, True),
            np.add.reduce(x, axis=None) * 2,
        )

    followed(function, drawn((3, 4)))


def test_a_mean_is_a_sum_and_a_quotient():
    step = followed(lambda x: np.mean(x, axis=0), drawn((3, 4)))
    assert functions(step) == [np.add.reduce, np.divide]


def test_a_mean_that_is_read_and_changed():
    def function(x):
        mean = np.mean(x, axis=0)
        centred = x - mean
        mean *= 2
        return mean, centred, np.mean(centred * centred, axis=0, keepdims=True), np.mean(x) * np.mean(x)

    followed(function, drawn((3, 4)))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    picks=st.sets(st.integers(0, 3)),
    negative=st.booleans(),
    keepdims=st.booleans(),
)
def test_reductions_of_any_shape(shape, picks, negative, keepdims):
    axes = tuple(axis - len(shape) * negative for axis in sorted(picks) if axis < len(shape))

    def function(x):
        return np.sum(x, axis=axes, keepdims=keepdims), np.mean(x, axis=axes, keepdims=keepdims), np.max(x, axis=axes)

    followed(function, drawn(tuple(shape), count=5))


def test_reductions_of_views():
    followed(
        lambda x: (
            np.sum(x.T, axis=0),
            np.mean(x[::-1, ::2], axis=1),
            np.max(x.T[1:]),
            np.sum(np.broadcast_to(x[0], (5, 4))),
        ),
        drawn((3, 4)),
    )


def test_not_a_number_stays_in_reductions():
    calls = drawn((3, 4))
    calls[-1][0][1] = [np.nan, np.inf, -np.inf, -0.0]
    with np.errstate(invalid="ignore"):
        followed(lambda x: tuple(reduce(x, axis=0) for reduce in REDUCTIONS), calls)


# Copies and conversions


@pytest.mark.parametrize("order", ["C", "F", "K", "A"])
def test_copies(order):
    def function(x):
        copy = np.copy(x.T, order=order)
        copy[0] = 7
        return copy, x.copy(), x.flatten(), np.copy(x[::2])

    assert assign in functions(followed(function, drawn((3, 4))))


@pytest.mark.parametrize("source", [np.float32, np.float64, np.int64, np.bool_])
@pytest.mark.parametrize("target", [np.float32, np.float64, np.int16, np.bool_, np.float16])
def test_conversions(source, target):
    def function(x):
        converted = x.astype(target)
        return converted, np.sum(x).astype(target), x.T.astype(target), x.astype(target, copy=False) * converted

    step = followed(function, drawn((3, 4), dtype=source))
    assert assign in functions(step) or source is target


def test_a_conversion_to_the_same_dtype_is_a_copy():
    def function(x):
        t = np.sin(x)
        copy, same = t.astype(x.dtype), t.astype(x.dtype, copy=False)
        t[0] = 7
        return t, copy, same

    followed(function, drawn((3, 4)))


def test_arrays_of_zeros_and_ones_are_made_once():
    step = followed(
        lambda x: (x + np.ones_like(x), x * np.zeros_like(x), np.ones_like(x, dtype=np.int16)), drawn((3, 4))
    )
    assert functions(step) == [np.add, np.multiply]


def test_arrays_of_zeros_and_ones_that_are_written_into_are_made_anew():
    def function(x):
        zeros, ones = np.zeros_like(x), np.ones_like(x)
        zeros[0] = x[0]
        ones.T[1:] -= x.T[1:]
        return zeros, ones, np.zeros_like(x), np.ones_like(x[0], shape=(2, 2))

    followed(function, drawn((3, 4)))


# Squares and numbers


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_squares_are_products_and_first_powers_copies(dtype):
    step = followed(lambda x: (x**2, x**2.0, x**1, x**1.0), drawn((3, 4), dtype=dtype))
    assert operator.pow not in functions(step)
    assert {np.square, np.positive} <= {*functions(step)}


def test_other_powers_are_left_alone():
    def function(x):
        positive = np.absolute(x)
        return (
            x**3,
            positive**0.5,
            positive**-2,
            2**x,
            x ** np.array(2),
            x ** np.float64(2),
            np.sum(x) ** 2,
            x ** x.shape[0],
        )

    followed(function, drawn((3, 4)))


def test_squares_of_integers_are_integers():
    followed(lambda x: (x**2, x**1, np.sum(x) ** 2), drawn((3, 4), dtype=np.int64))


def test_squares_with_an_exponent_that_is_an_argument():
    followed(lambda x, n: np.absolute(x) ** n, [(x, 2.0 if i < 5 else 3.0) for i, (x,) in enumerate(drawn((3, 4)))])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_python_numbers_take_the_dtype_of_the_array(dtype):
    def function(x):
        return (
            x + 0.1,
            0.1 - x,
            x * 3,
            x / 7,
            np.maximum(x, True),
            x > 0.1,
            np.copysign(x, -0.0),
            np.copysign(x, 0.0),
            x * 2**40,
        )

    with np.errstate(over="ignore"):
        followed(function, drawn((3, 4), dtype=dtype))


def test_numbers_of_ufuncs_that_want_them_as_they_are():
    def function(x):
        return (
            np.ldexp(x, 3),
            np.float_power(np.absolute(x), 0.1),
            np.heaviside(x, 0.5),
            np.nextafter(x, 1),
            np.divmod(x, 2)[0],
        )

    followed(function, drawn((3, 4), dtype=np.float32))


def test_numbers_with_integers_and_mixed_arrays():
    followed(
        lambda x, n: (n + 1, n * 0.5, n / 2, n > 1.5, x * n, np.where(n > 0, x, 0.5)),
        [(x, n) for (x,), (n,) in zip(drawn((3, 4)), drawn((3, 4), dtype=np.int64), strict=True)],
    )


def test_numbers_that_are_arguments():
    calls = [(x, 0.1 * i) for i, (x,) in enumerate(drawn((3, 4), dtype=np.float32))]
    followed(lambda x, n: (x * n, x + (n + 1) / 3, (x > n) * x, n * n), calls)


@pytest.mark.parametrize("pair", [(0.0, -0.0), (1, 1.0), (True, 1)], ids=str)
def test_numbers_that_are_equal_but_not_the_same_are_not_shared(pair):
    def function(x):
        return np.copysign(np.ones(2), np.multiply(x, pair[0])), np.copysign(np.ones(2), np.multiply(x, pair[1]))

    followed(function, [(np.ones(2, np.float32),)] * 6)
