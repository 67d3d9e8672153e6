"""Stacks of results: joined, or refused where they are none."""

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.replay.stacks import ends_finite, joined, stack_of_one


def test_results_are_joined_in_their_order():
    results = [{"a": np.full(2, i), "b": (ad.Tensor([float(i)]), i, 0.5 * i, None, "text")} for i in range(3)]
    found = joined([*map(stack_of_one, results)])
    np.testing.assert_array_equal(found["a"], [[0, 0], [1, 1], [2, 2]])
    tensor, whole, fraction, none, text = found["b"]
    assert type(tensor) is ad.Tensor
    np.testing.assert_array_equal(tensor.data, np.arange(3.0)[:, None])
    np.testing.assert_array_equal(whole, [0, 1, 2])
    np.testing.assert_array_equal(fraction, [0, 0.5, 1])
    assert (none, text) == (None, "text")


def test_a_stack_is_a_copy():
    array, tensor = np.zeros(2), ad.Tensor(np.zeros(2))
    found = stack_of_one((array, tensor))
    array[...], tensor.data[...] = 1, 1
    np.testing.assert_array_equal(found[0], [[0, 0]])
    np.testing.assert_array_equal(found[1].data, [[0, 0]])


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ([np.zeros(2), np.zeros(3)], r"result 0 of the steps is no stack: it is \(2,\) and \(3,\)"),
        ([(1.0, None), (1.0, np.zeros(3))], r"result 1 of the steps is no stack: it is \(3,\) and None"),
        ([(1.0,), (1.0, 2.0)], "the steps returned 1 and 2 values, which are no stack"),
    ],
)
def test_what_is_no_stack_is_refused(results, words):
    with pytest.raises(ValueError, match=words):
        joined([*map(stack_of_one, results)])


def test_numbers_with_a_fraction_are_looked_at_whether_they_end_finite():
    finite = [np.array([np.nan, 1.0]), np.array([[np.nan]]), np.array([1, 2]), None, ad.Tensor([1.0])]
    assert all(map(ends_finite, finite))
    assert not ends_finite(np.array([1.0, np.inf]))
    assert not ends_finite(ad.Tensor([1.0, np.nan]))
