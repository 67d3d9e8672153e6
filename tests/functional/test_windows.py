import itertools

import numpy as np
import pytest

from autodiff.functional.windows import fitted, fold, surrounded, windows

SETTINGS = [
    ((9,), (3,), (1,), (1,)),
    ((9,), (3,), (3,), (1,)),
    ((9,), (2,), (2,), (2,)),
    ((5, 8), (2, 3), (1, 2), (2, 1)),
    ((4, 6), (2, 3), (2, 3), (1, 1)),
    ((4, 6), (1, 1), (3, 2), (1, 1)),
]
each_setting = pytest.mark.parametrize(("lengths", "kernel", "step", "dilation"), SETTINGS)


@each_setting
def test_an_element_of_a_window_is_the_one_so_many_steps_away(lengths, kernel, step, dilation):
    x = np.random.default_rng(0).normal(size=(2, *lengths, 3))
    seen = windows(x, kernel, step, dilation)
    axes = len(lengths)
    for where in itertools.product(*map(range, seen.shape[1:-1])):
        window, element = where[:axes], where[axes:]
        place = tuple(w * s + e * d for w, s, e, d in zip(window, step, element, dilation, strict=True))
        np.testing.assert_array_equal(seen[(slice(None), *where)], x[(slice(None), *place)])
    beyond = [
        count * s + d * (size - 1)
        for count, s, d, size in zip(seen.shape[1 : 1 + axes], step, dilation, kernel, strict=True)
    ]
    assert all(place >= length for place, length in zip(beyond, lengths, strict=True))


def test_windows_are_a_view_that_nobody_writes_into():
    x = np.zeros((1, 4, 1))
    seen = windows(x, (2,), (1,), (1,))
    assert np.shares_memory(seen, x)
    assert not seen.flags.writeable


@each_setting
def test_to_fold_is_what_windows_are_transposed(lengths, kernel, step, dilation):
    random = np.random.default_rng(0)
    x = random.normal(size=(2, *lengths, 3))
    seen = windows(x, kernel, step, dilation)
    parts = random.normal(size=seen.shape)
    assert np.sum(parts * seen) == pytest.approx(np.sum(fold(parts, x.shape, step, dilation) * x))


def test_surrounded_and_fitted():
    x = np.arange(1.0, 5).reshape(1, 4, 1)
    np.testing.assert_array_equal(surrounded(x, [(1, 2)], 9.0)[0, :, 0], [9, 1, 2, 3, 4, 9, 9])
    np.testing.assert_array_equal(fitted(x, [(1, -1)])[0, :, 0], [0, 1, 2, 3])
    np.testing.assert_array_equal(fitted(x, [(-2, -1)])[0, :, 0], [3])
    assert fitted(x, [(0, 0)]) is x
