"""Arrays saved for the backward pass that are changed before it."""

import numpy as np
import pytest

import autodiff as ad
from autodiff.saved import owner_of


def test_a_large_array_that_is_negated_is_refused_in_the_backward_pass():
    factor = np.random.default_rng(0).standard_normal(20_000)
    x = ad.Tensor(np.ones(20_000), requires_grad=True)
    y = x * factor
    factor *= -1
    with pytest.raises(ad.ChangedArrayError, match=r"np\.multiply saved 'b'"):
        np.sum(y).backward()


def test_the_owner_of_a_window_is_the_array_that_it_slides_along():
    array = np.arange(6.0)
    windows = np.lib.stride_tricks.sliding_window_view(array, 2)
    assert owner_of(windows) is owner_of(windows[1:, 0]) is owner_of(array[2:]) is array
    buffer = np.frombuffer(bytearray(8))
    assert owner_of(buffer[:1]) is buffer
