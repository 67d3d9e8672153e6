import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812

RANDOM = np.random.default_rng(0)
QUERY, KEY, VALUE = RANDOM.normal(size=(2, 3, 4)), RANDOM.normal(size=(2, 5, 4)), RANDOM.normal(size=(2, 5, 6))


def test_attention_is_its_formula():
    weights = F.softmax(np.einsum("bqf,bkf->bqk", QUERY, KEY) / 2)  # the root of 4 features
    expected = np.einsum("bqk,bkf->bqf", weights, VALUE)
    np.testing.assert_allclose(F.scaled_dot_product_attention(QUERY, KEY, VALUE), expected, rtol=1e-12)


def test_a_mask_of_booleans_leaves_keys_out():
    seen = np.array([True, False, True, True, False])
    found = F.scaled_dot_product_attention(QUERY, KEY, VALUE, seen)
    expected = F.scaled_dot_product_attention(QUERY, KEY[:, seen], VALUE[:, seen])
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    numbers = np.where(seen, 0, -np.inf)
    np.testing.assert_allclose(F.scaled_dot_product_attention(QUERY, KEY, VALUE, numbers), expected, rtol=1e-12)


def test_a_query_sees_what_came_before_it():
    found = F.scaled_dot_product_attention(QUERY, KEY, VALUE, is_causal=True)
    for i in range(3):
        expected = F.scaled_dot_product_attention(QUERY[:, [i]], KEY[:, : i + 1], VALUE[:, : i + 1])
        np.testing.assert_allclose(found[:, [i]], expected, rtol=1e-12)


@pytest.mark.parametrize("mask", [np.ones((3, 5), bool), np.zeros((3, 5))], ids=["booleans", "numbers"])
def test_a_mask_and_what_came_before_hold_both(mask):
    found = F.scaled_dot_product_attention(QUERY, KEY, VALUE, mask, is_causal=True)
    np.testing.assert_allclose(found, F.scaled_dot_product_attention(QUERY, KEY, VALUE, is_causal=True), rtol=1e-12)


def test_a_query_that_sees_nothing_gets_zeros_and_gives_no_gradient():
    leaves = [ad.Tensor(array, requires_grad=True) for array in (QUERY, KEY, VALUE)]
    out = F.scaled_dot_product_attention(*leaves, np.zeros((3, 5), bool))
    np.testing.assert_array_equal(out.data, np.zeros((2, 3, 6)))
    np.sum(out).backward()
    assert not any(np.any(leaf.grad.data) for leaf in leaves)


def test_single_precision_stays_so_forwards_and_backwards():
    leaves = [ad.Tensor(array.astype(np.float32), requires_grad=True) for array in (QUERY, KEY, VALUE)]
    out = F.scaled_dot_product_attention(*leaves, np.ones((3, 5), bool), is_causal=True, scale=0.5)
    np.sum(out**2).backward()
    assert {out.dtype, *[leaf.grad.dtype for leaf in leaves]} == {np.dtype(np.float32)}


def test_queries_and_keys_of_other_lengths_are_named():
    with pytest.raises(ValueError, match=r"found shapes \(2, 3, 4\) and \(2, 5, 6\)"):
        F.scaled_dot_product_attention(QUERY, VALUE, VALUE)
