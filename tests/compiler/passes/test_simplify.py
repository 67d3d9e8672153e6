"""The passes that leave calls out: dead ones, repeated ones, and those on constants."""

import numpy as np

import autodiff as ad


def compiled(function, *args, calls=6):
    step = ad.capture(function, exact=True)
    for _ in range(calls):
        step(*args)
    return step


def kinds(function, *args):
    """Return the names of the functions in the program of a function, views aside."""
    program = compiled(function, *args).program
    return [call.function.__name__ for call in program.calls if not call.is_view]


X = np.arange(1.0, 7.0).reshape(2, 3)


def test_calls_whose_results_nobody_reads_are_dropped():
    def function(x):
        np.exp(x)
        np.linalg.svd(x)
        np.sum(np.sin(x))
        return x * 2

    assert kinds(function, X) == ["multiply"]


def test_the_forward_value_is_dropped_where_only_the_gradient_is_returned():
    names = kinds(lambda x: ad.grad(lambda t: np.sum(t**2))(x), X)
    assert "sum" not in names
    assert "reduce" not in names


def test_writes_into_what_the_function_reaches_are_kept():
    total = np.zeros((2, 3))

    def function(x):
        total[...] = np.exp(x)

    step = compiled(function, X)
    assert step.program.calls
    total[...] = 0
    step(X)
    np.testing.assert_array_equal(total, np.exp(X))


def test_draws_are_kept_though_nobody_reads_them():
    rng, same = np.random.default_rng(0), np.random.default_rng(0)

    def function(x):
        rng.normal(size=3)
        return x * 2

    compiled(function, X, calls=7)
    for _ in range(7):
        same.normal(size=3)
    assert rng.random() == same.random()


def test_constants_are_computed_once():
    assert kinds(lambda x: x * np.exp(np.arange(3.0) + 1), X) == ["multiply"]


def test_constants_that_are_written_into_are_made_anew_in_each_call():
    def function(x):
        table = np.zeros_like(x)
        table[0] = x[0]
        table += 1
        return table

    step = compiled(function, X)
    for i in range(4):
        np.testing.assert_array_equal(step(X * i), function(X * i))


def test_a_seed_of_ones_that_the_step_adds_to_starts_at_one_each_time():
    def function(x):
        total = np.ones_like(x)
        total += x
        total += x
        return total

    step = compiled(function, X)
    np.testing.assert_array_equal(step(X), 1 + 2 * X)
    np.testing.assert_array_equal(step(X), 1 + 2 * X)


def test_arrays_of_the_closure_that_the_step_changes_are_not_computed_on_once():
    def build(capture):
        state = np.ones(2)

        def function(x):
            doubled = np.exp(state) * 2
            state[...] = state + x
            return doubled

        return capture(function)

    captured, eager = build(ad.capture), build(lambda function: function)
    for _ in range(8):
        np.testing.assert_array_equal(captured(np.full(2, 0.5)), eager(np.full(2, 0.5)))


def test_arrays_that_the_step_writes_are_not_computed_on_though_they_stay_the_same_at_first():
    def build(capture):
        state = np.ones(2)

        def function(x):
            doubled = np.exp(state) * 2
            state[...] = state + x
            return doubled

        return capture(function)

    captured, eager = build(ad.capture), build(lambda function: function)
    for i in range(10):
        x = np.full(2, 0.0 if i < 7 else 0.5)
        np.testing.assert_array_equal(captured(x), eager(x))


def test_an_array_of_the_closure_that_the_caller_changes_is_noticed_or_followed():
    scale = np.arange(3.0)
    step = compiled(lambda x: x * np.exp(scale), X)
    scale[1] = 9
    try:
        found = step(X)
    except ad.CaptureError:
        return
    np.testing.assert_array_equal(found, X * np.exp(scale))


def test_a_view_of_an_array_that_the_caller_changes_is_noticed_or_followed():
    scale = np.arange(6.0)
    step = compiled(lambda x: x * np.exp(scale[::2]), X)
    scale[2] = 9
    try:
        found = step(X)
    except ad.CaptureError:
        return
    np.testing.assert_array_equal(found, X * np.exp(scale[::2]))


def test_nans_in_constants_are_no_change():
    scale = np.array([1.0, np.nan, np.inf])
    step = compiled(lambda x: x * np.absolute(scale), X)
    np.testing.assert_array_equal(step(X), X * np.absolute(scale))


def test_a_constant_that_was_converted_is_computed_on_in_the_dtype_that_it_was_converted_to():
    w, x = ad.Parameter(np.linspace(0.1, 2, 100, dtype=np.float32)), np.linspace(1, 3, 100, dtype=np.float32)

    def function(x, scale):
        loss = np.sum(w * x) * np.minimum(9.0, scale) + 0.01 * np.sum(w**2)  # the seed of its gradient is a double
        w.grad = None
        loss.backward()
        return w.grad.data

    expected = [function(x * np.float32(scale), scale).copy() for scale in np.linspace(0.5, 2, 20)]
    step = ad.capture(function, exact=True)
    for scale, gradient in zip(np.linspace(0.5, 2, 20), expected, strict=True):
        np.testing.assert_array_equal(step(x * np.float32(scale), scale), gradient)


def test_a_list_of_one_view_is_that_view():
    scale = np.arange(1.0, 4.0)

    def function(x):
        return x * np.sum(np.split(scale, 1)[0] * scale, axis=0), np.exp(np.split(np.arange(3.0), 1)[0]) - x

    step = compiled(function, X)
    for found, expected in zip(step(X + 1), function(X + 1), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_results_of_which_there_are_several_and_numbers():
    one, other, places = np.arange(1.0, 4.0), np.arange(1.0, 4.0), np.arange(6.0).reshape(3, 2)

    def function(x):
        counts, _ = np.histogramdd(places, bins=2)
        return x * np.split(one, 3)[1] * counts[0, 0], np.array_equal(one, other)

    step = compiled(function, X)
    found, same = step(X + 1)
    np.testing.assert_array_equal(found, (X + 1) * 2 * np.histogramdd(places, bins=2)[0][0, 0])
    assert same is True
    other[0] = 7
    assert step(X)[1] is False
