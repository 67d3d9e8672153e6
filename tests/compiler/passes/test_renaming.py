"""Versions: an array that is changed in place gets another name each time, and every view shows the right one."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad


def followed(function, calls):
    """Capture a function, compare every call with one that runs as it is, and return the captured."""
    step = ad.capture(function, exact=True)
    for args in calls:
        for found, expected in zip(step(*args), function(*args), strict=True):
            found, expected = np.asarray(found), np.asarray(expected)
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)
    return step


def drawn(*shapes, dtype=np.float64, count=7):
    rng = np.random.default_rng(1)
    return [tuple(rng.normal(size=shape).astype(dtype) for shape in shapes) for _ in range(count)]


def writing(step):
    return [call for call in step.program.calls if call.written]


def test_a_change_in_place_makes_a_new_array():
    def function(x):
        t = np.sin(x)
        t += x
        t *= 2
        np.exp(t, out=t)
        return (t,)

    assert not writing(followed(function, drawn((3, 4))))


def test_what_the_function_reaches_is_changed_where_it_is():
    state = np.ones(3)

    def function(x):
        before = state + 0
        np.add(state, x, out=state)
        after = state + 0
        np.subtract(state, x, out=state)
        return before, after

    assert writing(followed(function, [(np.arange(3.0) * i,) for i in range(7)]))


def test_an_argument_that_is_changed_is_changed():
    def function(x):
        x += 1
        return (x * 2,)

    step = ad.capture(function)
    for i in range(7):
        x = np.full(3, float(i))
        np.testing.assert_array_equal(step(x)[0], np.full(3, 2.0 * i + 2))
        np.testing.assert_array_equal(x, np.full(3, i + 1.0))


VIEWS = {
    "turned": lambda t: t.T,
    "part": lambda t: t[1:],
    "row": lambda t: t[0],
    "backwards": lambda t: t[::-1, ::2],
    "flat": lambda t: t.reshape(-1),
    "view of a view": lambda t: t.T[1:].T[::-1],
    "three deep": lambda t: t[1:].T[::-1].T[:, 1:],
    "the same": lambda t: t[...],
    "broadcast": lambda t: np.broadcast_to(t[0], (2, 3, 4)),
}
each_view = pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)


@each_view
def test_a_view_that_was_opened_before_the_change_shows_it(view):
    def function(x):
        t = np.sin(x)
        shown = view(t)
        before = shown + 0
        t += x
        return before, shown + 0, t, shown

    followed(function, drawn((3, 4)))


@each_view
def test_a_view_that_is_opened_after_the_change_shows_it(view):
    def function(x):
        t = np.sin(x)
        t += x
        shown = view(t)
        before = shown + 0
        t *= 2
        return before, shown + 0, t, view(t)

    followed(function, drawn((3, 4)))


@pytest.mark.parametrize("between", [False, True])
@pytest.mark.parametrize("view", [VIEWS[name] for name in VIEWS if name != "broadcast"])
def test_a_change_through_a_view_shows_in_the_array(view, between):
    def function(x):
        t = np.sin(x)
        shown = view(t)
        if between:
            t *= 3
        shown *= 2
        first = t + 0
        t += x
        shown += 1
        return first, t, shown, t.T

    followed(function, drawn((3, 4)))


def test_two_views_see_each_others_changes():
    def function(x):
        t = np.sin(x)
        left, right = t[:, :2], t[:, 1:]
        left += 1
        first = right + 0
        t -= x
        right *= 2
        return first, left + 0, t + 0, left, right

    followed(function, drawn((3, 4)))


def test_views_that_one_call_opens():
    def function(x):
        t = np.sin(x)
        left, right = np.split(t, 2, axis=1)
        t += 1
        left *= 2
        first = right + 0
        t *= x
        return first, left + 0, right + 0, t

    followed(function, drawn((3, 4)))


def test_an_array_that_is_changed_by_its_own_view():
    def function(x):
        t = np.sin(x)
        t += t.T
        t -= t[::-1]
        t[0] *= t[1]
        return (t,)

    followed(function, drawn((4, 4)))


def test_names_of_one_array_are_one_array():
    def function(x):
        t = np.sin(x)
        u = t
        u += 1
        v = np.add(t, 1, out=u)
        v *= 2
        return t, u, v

    followed(function, drawn((3, 4)))


def test_what_was_kept_before_a_change_is_not_changed():
    def function(x):
        t = np.sin(x)
        kept, copy = t + 0, t.copy()
        t += 1
        u = t.copy()
        t *= 2
        return kept, copy, u, t

    followed(function, drawn((3, 4)))


def test_a_ufunc_into_another_array_is_a_write_into_that():
    def function(x):
        t, u = np.sin(x), np.cos(x)
        shown = u.T
        np.add(t, 1, out=u)
        first = shown + 0
        np.multiply(t, u, out=t)
        np.subtract(1, u, out=u)
        return first, t, u, shown

    followed(function, drawn((3, 4)))


def test_a_change_that_is_repeated_is_made_twice():
    def function(x):
        t = np.sin(x)
        t += x
        first = t + 0
        t += x
        return first, t

    followed(function, drawn((3, 4)))


def test_a_change_in_place_keeps_the_dtype():
    wide = np.linspace(0, 1, 4)

    def function(x):
        t = np.exp(x)
        wider = t + wide
        t += wide
        return wider, t

    followed(function, drawn((4,), dtype=np.float32))


INTO_ITSELF = {
    "by a function": lambda t: np.clip(t, -0.5, 0.5, out=t),
    "by a sum up to each": lambda t: np.cumsum(t, out=t),
    "in some places": lambda t: np.multiply(t, 2, out=t, where=[True, False, True, False]),
    "with a flag": lambda t: np.multiply(t, True, out=t),
    "with a list": lambda t: np.multiply(t, [1.0, 2.0, 3.0, 1e-9], out=t),
    "with a float": lambda t: np.multiply(t, 1 / 3, out=t),
    "as a comparison": lambda t: np.greater(t, [0.1, 0.2, 0.3, 0.4], out=t),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("change", INTO_ITSELF.values(), ids=INTO_ITSELF)
def test_a_result_that_is_written_over_its_argument_is_of_its_dtype(change, dtype):
    def function(x):
        t = np.sin(x)
        before = t + 0
        change(t)
        u = np.ones_like(x)
        change(u)
        return before, t, t * 2, u, u + t

    followed(function, drawn((4,), dtype=dtype))


def test_sums_up_to_each_of_short_integers_are_short():
    def function(x):
        t = (x * 100).astype(np.int8)
        np.cumsum(t, out=t)
        return (t,)

    followed(function, drawn((4,)))


def test_a_constant_that_is_changed_in_place_keeps_its_dtype():
    wide = np.linspace(0, 1, 4)

    def function(x):
        t = np.ones_like(x)
        t *= wide
        return t, x * t

    followed(function, drawn((4,), dtype=np.float32))


def test_a_comparison_into_an_array_of_numbers():
    def function(x):
        t = np.sin(x)
        np.greater(t, x, out=t)
        u = np.zeros_like(x)
        np.greater(u, -1, out=u)
        return t, u, t + u

    followed(function, drawn((4,)))


def test_a_row_that_is_added_in_place():
    def function(x, row):
        t = np.sin(x)
        t += row
        t[1] += row
        return (t,)

    followed(function, drawn((3, 4), (4,)))


def test_a_product_in_place():
    def function(x, w):
        t = np.sin(x)
        shown = t.T
        np.matmul(t, w, out=t)
        return t, shown

    followed(function, drawn((4, 4), (4, 4)))


def add_number(t, x):
    t += 1


def add_argument(t, x):
    t += x


def double_row(t, x):
    t[1] *= 2


def halve_turned(t, x):
    turned = t.T
    turned /= 2


def set_part(t, x):
    t[:2, 1:] = x[1:, :3]


def square_backwards(t, x):
    np.square(t[::-1], out=t[::-1])


CHANGES = [add_number, add_argument, double_row, halve_turned, set_part, square_backwards]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    changes=st.lists(st.integers(0, len(CHANGES) - 1), min_size=1, max_size=6),
    views=st.lists(st.tuples(st.integers(0, 6), st.sampled_from(sorted(VIEWS))), max_size=4),
)
def test_any_chain_of_changes_shows_in_any_view(changes, views):
    def function(x):
        t = np.tanh(x)
        shown, seen = [], []
        for i, change in itertools.chain(enumerate(changes), [(len(changes), None)]):
            shown += [VIEWS[name](t) for at, name in views if at == i]
            seen += [view + 0 for view in shown]
            if change is not None:
                CHANGES[change](t, x)
        return (*seen, *shown, t)

    followed(function, drawn((3, 4), count=6))
