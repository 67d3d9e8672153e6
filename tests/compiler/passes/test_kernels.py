"""Kernels: calls that NumPy makes slowly are replaced, with the same bits; what merely looks like them is not."""

import operator

import numpy as np
import pytest

import autodiff as ad


def followed(build, calls, exact=True):
    """Capture what `build` makes, compare every call with a second one that runs as it is, and return the captured."""
    step, eager = ad.capture(build(), exact=exact), build()
    for args in calls:
        found, expected = step(*args), eager(*args)
        pairs = zip(found, expected, strict=True) if isinstance(expected, tuple) else [(found, expected)]
        for one, other in pairs:
            one, other = np.asarray(one), np.asarray(other)
            assert (one.dtype, one.shape) == (other.dtype, other.shape)
            assert one.tobytes() == other.tobytes()
    assert step.program.exact is exact
    return step


def drawn(*shapes, dtype=np.float64, count=8):
    rng = np.random.default_rng(1)
    return [tuple(rng.normal(size=shape).astype(dtype) for shape in shapes) for _ in range(count)]


def always(function):
    return lambda: function


def called(step, *functions):
    return [call for call in step.program.calls if call.function in functions]


def names(step):
    return [call.function.__name__ for call in step.program.calls if not call.is_view]


# choose_by_bits


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_choice_between_numbers_and_0_is_a_product_with_their_bits(dtype):
    def gradient(x, g):
        return np.where(x > 0, g / x, 0)

    arrays = [(np.where(np.abs(x) < 0.5, 0, x), g) for x, g in drawn((20, 5), (20, 5), dtype=dtype)]
    step = followed(lambda: np.errstate(all="ignore")(gradient), arrays)
    assert "where" not in names(step)
    assert "multiply" in names(step)


@pytest.mark.parametrize(
    "choice",
    [
        lambda x, g: np.where(x > 0, g, 1),
        lambda x, g: np.where(x > 0, 0, g),
        lambda x, g: np.where(x > 0, g, -0.0),
        lambda x, g: np.where(x[0] > 0, g, 0),
        lambda x, g: np.where(x > 0, g[0], 0),
        lambda x, g: np.where(x.astype(int), g, 0),
        lambda x, g: np.where(x > 0, g.astype(int), 0),
    ],
)
def test_any_other_choice_is_left_alone(choice):
    assert "where" in names(followed(always(choice), drawn((20, 5), (20, 5))))


# choose_by_bits, of a maximum with 0


def rectified(x, g):
    h = np.maximum(x, 0)
    return h, np.where(h > 0, g, 0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_mask_of_a_maximum_with_0_is_made_of_its_bits(dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    special = [
        (np.resize([0.0, tiny, -tiny, 1.0, -1.0, np.inf], x.shape).astype(dtype), g)
        for x, g in drawn((20, 5), (20, 5), dtype=dtype, count=1)
    ]
    step = followed(always(rectified), drawn((20, 5), (20, 5), dtype=dtype) + special, exact=False)
    assert called(step, np.minimum)
    assert not called(step, np.greater)


@pytest.mark.parametrize("number", [-0.0, np.nan])
def test_what_is_not_above_0_and_has_bits(number):
    """The gradient at -0.0 is 0 of either sign; at not a number it is that of PyTorch, which passes it on."""
    step = ad.capture(rectified)
    for x, g in drawn((20, 5), (20, 5)):
        step(x, g)
    _, found = step(np.full((20, 5), number), np.ones((20, 5)))
    np.testing.assert_array_equal(found, np.full((20, 5), 1.0 if np.isnan(number) else 0.0))


@pytest.mark.parametrize(
    "masked",
    [
        lambda x, g: np.where(np.maximum(x, -1) > 0, g, 0),
        lambda x, g: np.where(np.maximum(x, 0) > 0.5, g, 0),
        lambda x, g: np.where((np.maximum(x, 0) > 0).T, g, 0),
        lambda x, g: np.where(np.maximum(x, 0).T > 0, g, 0),
        lambda x, g: np.where(np.maximum(x, 0) >= 0, g, 0),
        lambda x, g: np.where(np.maximum(x, g) > 0, g, 0),
        lambda x, g: np.where(x > 0, g, 0),
    ],
)
def test_other_masks_are_converted(masked):
    assert not called(followed(always(masked), drawn((9, 9), (9, 9)), exact=False), np.minimum)


def test_the_mask_of_a_maximum_that_is_written_into_is_converted():
    def function(x, g):
        h = np.maximum(x, 0)
        h[0] = -1
        return np.where(h > 0, g, 0)

    assert not called(followed(always(function), drawn((20, 5), (20, 5)), exact=False), np.minimum)


def test_exact_programs_convert_every_mask():
    assert not called(followed(always(rectified), drawn((20, 5), (20, 5))), np.minimum)


# fill_extrema


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", [np.maximum, np.minimum])
def test_an_extremum_with_a_number_is_taken_with_an_array(function, dtype):
    step = followed(always(lambda x: function(x, 0.1)), drawn((20, 5), dtype=dtype))
    (call,) = called(step, function)
    number = call.args[1]
    assert (number.shape, number.dtype) == ((20, 5), dtype)
    np.testing.assert_array_equal(number.array, np.full((20, 5), 0.1, dtype))


@pytest.mark.parametrize("shape", [(64,), (600, 400)], ids=["small", "large"])
def test_an_extremum_of_a_small_or_large_array_is_left_alone(shape):
    (call,) = called(followed(always(lambda x: np.maximum(x, 0)), drawn(shape)), np.maximum)
    assert call.args[1].shape == ()


def test_an_extremum_with_an_argument_is_left_alone():
    calls = [(x, float(i)) for i, (x,) in enumerate(drawn((100,)))]
    (call,) = called(followed(always(lambda x, low: np.maximum(x, low)), calls), np.maximum)
    assert call.args[1].shape == ()


def test_an_extremum_of_two_arrays_is_left_alone():
    (call,) = called(followed(always(lambda x, y: np.maximum(x, y)), drawn((30, 4), (4,))), np.maximum)
    assert [arg.shape for arg in call.args] == [(30, 4), (4,)]


def test_an_extremum_of_not_a_number_is_not_a_number():
    calls = drawn((100,))
    calls[-1][0][[3, 70]] = np.nan
    followed(always(lambda x: (np.maximum(x, 0), np.minimum(x, np.nan))), calls)


@pytest.mark.parametrize("number", [np.array(0.1), np.float64(0.1)], ids=["array", "scalar"])
def test_an_extremum_with_a_number_of_wider_dtype_is_taken_in_that_dtype(number):
    followed(always(lambda x: np.maximum(x, number + 0)), drawn((100,), dtype=np.float32))
    followed(always(lambda x: np.maximum(x, np.array(0.1))), drawn((100,), dtype=np.float32))


def test_an_extremum_of_integers_with_a_fraction_keeps_the_fraction():
    calls = [(np.random.default_rng(i).integers(-3, 4, 100),) for i in range(8)]
    followed(always(lambda x: np.maximum(x, 0.5)), calls)
    followed(always(lambda x: np.maximum(x, np.array(0.5))), calls)


# scatter_by_constant


def test_a_number_is_subtracted_at_a_constant_index_by_an_array():
    def function(x):
        t = x * 2
        t[np.array([0, 3])] -= 1
        return t

    step = followed(always(function), drawn((5,)))
    assert not called(step, operator.setitem, operator.getitem)
    (call,) = called(step, np.subtract)
    np.testing.assert_array_equal(call.args[1].array, [1, 0, 0, 1, 0])


def test_it_is_subtracted_from_the_array_that_is_shown_flat():
    def function(x):
        t = x * 2
        t.reshape(-1)[np.array([0, 5, -1])] -= 1
        return t

    step = followed(always(function), drawn((3, 4)))
    assert not called(step, operator.setitem)
    assert called(step, np.subtract)[0].args[1].shape == (3, 4)


@pytest.mark.parametrize("index", [[0, 0], [1, -4], [2, 1, 2]], ids=str)
def test_an_index_that_repeats_an_element_is_left_alone(index):
    def function(x):
        t = x * 2
        t[np.array(index)] -= 1
        return t

    assert called(followed(always(function), drawn((5,))), operator.setitem)


def scatter_argument(x, i):
    t = x * 2
    t[i] -= 1
    return t


def test_an_index_that_is_an_argument_is_left_alone():
    rng = np.random.default_rng(0)
    step = followed(always(scatter_argument), [(x, rng.permutation(5)[:2]) for (x,) in drawn((5,))])
    assert called(step, operator.setitem)


def test_a_number_that_is_an_argument_is_followed():
    def function(x, number):
        t = x * 2
        t[np.array([0, 3])] -= number
        return t

    followed(always(function), [(x, 0.5 * i) for i, (x,) in enumerate(drawn((5,)))])


def test_a_number_that_the_caller_changes_in_its_place_is_followed():
    number = np.array(1.0)

    def function(x):
        t = x * 2
        t[np.array([0, 3])] -= number
        return t

    step = followed(always(function), drawn((5,)))
    number[...] = 5
    np.testing.assert_array_equal(step(np.ones(5)), function(np.ones(5)))


def test_an_addition_leaves_the_sign_of_zeros_elsewhere():
    def function(x):
        t, u = x * 1, x * 1
        t[np.array([0, 3])] += 1
        u[np.array([0, 3])] -= 1
        return t, u

    calls = drawn((5,))
    calls[-1][0][:] = [-0.0, -0.0, 0.0, 1, -1]
    followed(always(function), calls)


def test_not_a_number_elsewhere_stays():
    def function(x):
        t = x * 1
        t[np.array([0, 3])] -= 1
        return t

    calls = drawn((5,))
    calls[-1][0][:] = [1, np.nan, np.inf, -np.inf, -0.0]
    followed(always(function), calls)


def test_a_write_between_picking_and_putting_back_is_kept_in_its_order():
    def function(x):
        t = x * 1
        picked = t[np.array([0, 3])]
        lower = picked - 1
        t[0] = 9.0
        t[np.array([0, 3])] = lower
        return t

    followed(always(function), drawn((5,)))


def test_what_was_picked_and_is_read_elsewhere_stays():
    def function(x):
        t = x * 1
        picked = t[np.array([0, 3])]
        t[np.array([0, 3])] = picked - 1
        return t, np.exp(picked)

    assert called(followed(always(function), drawn((5,))), operator.setitem)


def test_other_elements_that_are_put_there_are_put_there():
    def function(x):
        t, u = x * 1, x * 1
        t[np.array([0, 3])] = t[np.array([1, 2])] - 1
        u[np.array([0, 3])] = 1 - u[np.array([0, 3])]
        return t, u

    followed(always(function), drawn((5,)))


def test_a_number_of_wider_dtype_is_subtracted_in_that_dtype():
    def function(x):
        t = x * 1
        t[np.array([0, 3])] -= np.array(0.1)
        return t

    followed(always(function), drawn((5,), dtype=np.float32, count=12))


def test_integers_are_left_alone():
    def function(x):
        t = x * 1
        t[np.array([0, 3])] -= 1
        return t

    step = followed(always(function), [(np.arange(5) * i,) for i in range(8)])
    assert called(step, operator.setitem)


# take_by_constant


@pytest.mark.parametrize("index", [[0, 3], [-1, 4, 4], [[0, 1], [2, -5]], []], ids=str)
def test_elements_at_a_constant_index_are_taken_by_the_method(index):
    assert called(followed(always(lambda x: (x * 2)[np.array(index, int)]), drawn((5,))), np.ndarray.take)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x * 2)[np.array(3)],
        lambda x: np.outer(x, x)[np.array([0, 3])],
        lambda x: (x * 2)[np.array([True, False, True, False, True])],
        lambda x: (x * 2)[np.array([0, 3]), None],
        lambda x: (x * 2)[np.argsort(x)[:2]],
    ],
)
def test_elements_at_other_indices_are_not(function):
    assert not called(followed(always(function), drawn((5,))), np.ndarray.take)


def test_an_index_that_the_caller_changes_in_its_place_is_followed():
    index = np.array([0, 3])
    step = followed(always(lambda x: (x * 2)[index * 1]), drawn((5,)))
    assert called(step, np.ndarray.take)
    index[...] = 1, 2
    np.testing.assert_array_equal(step(np.arange(5.0)), [2, 4])


# What looks alike


@pytest.mark.parametrize(
    "pick",
    [lambda t, index: t * index, lambda t, index: np.take(t, index), lambda t, index: np.roll(t, index[0])],
    ids=["a product", "take", "roll"],
)
def test_what_is_put_at_an_index_and_was_made_otherwise(pick):
    def function(x):
        t, index = np.sin(x), np.array([2, 0, 1])
        t[index] = pick(t, index) - 1
        return (t,)

    followed(always(function), drawn((3,)))


def test_positions_of_a_constant_that_are_written_into():
    def function(x):
        (index,) = np.where(np.ones(3) > 0)
        index[0] = 2
        return x[index], np.where(x > 0, x, 0)

    followed(always(function), drawn((3,)))


def test_zeros_that_the_caller_changes_are_no_bound_of_a_mask():
    bound = np.zeros((20, 5))

    def function(x, g):
        h = np.maximum(x, bound)
        return h, np.where(h > bound, g, 0)

    step = ad.capture(function)
    for x, g in drawn((20, 5), (20, 5)):
        step(x, g)
    assert not called(step, np.minimum)
    bound -= 1
    x, g = np.full((20, 5), -0.5), np.ones((20, 5))
    np.testing.assert_array_equal(step(x, g), function(x, g))


def test_the_mask_of_a_row_that_is_compared_with_zeros():
    def function(x, g):
        h = np.maximum(x, 0)
        return h, np.where(h > np.zeros((20, 5)), g, 0)

    followed(always(function), drawn((5,), (20, 5)), exact=False)
