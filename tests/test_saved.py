"""Arrays saved for the backward pass that are changed before it."""

import numpy as np
import pytest

import autodiff as ad


def test_a_large_array_that_is_negated_is_refused_in_the_backward_pass():
    factor = np.random.default_rng(0).standard_normal(20_000)
    x = ad.Tensor(np.ones(20_000), requires_grad=True)
    y = x * factor
    factor *= -1
    with pytest.raises(ad.ChangedArrayError, match=r"np\.multiply saved 'b'"):
        np.sum(y).backward()
