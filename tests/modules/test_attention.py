import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.modules.attention import joined_mask
from tests.compiler.comparing import check, each_exactness

X = np.random.default_rng(5).normal(size=(3, 5, 8)).astype(np.float32)


def layer(**settings):
    return ad.MultiheadAttention(8, 2, batch_first=True, rng=np.random.default_rng(0), **settings)


def test_one_head_is_attention_between_linear_layers():
    one = ad.MultiheadAttention(8, 1, batch_first=True, rng=np.random.default_rng(0))
    query, key, value = np.split(X @ one.in_proj_weight.data.T, 3, axis=-1)
    expected = F.scaled_dot_product_attention(query, key, value) @ one.out_proj.weight.data.T
    np.testing.assert_allclose(one(X, X, X)[0].data, expected, rtol=1e-4, atol=1e-6)


def test_weights_are_those_of_the_heads_or_their_mean():
    attend = layer()
    _, mean = attend(X, X, X)
    _, heads = attend(X, X, X, average_attn_weights=False)
    assert heads.shape == (3, 2, 5, 5)
    np.testing.assert_allclose(mean.data, heads.data.mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(mean.data.sum(axis=-1), 1, rtol=1e-6)
    assert attend(X, X, X, need_weights=False)[1] is None


def test_what_is_hidden_has_no_weight():
    hidden, padding = np.eye(5, dtype=bool), np.array([[False] * 5, [True] + [False] * 4, [False] * 3 + [True] * 2])
    _, weights = layer()(X, X, X, padding, attn_mask=hidden)
    seen = ~(hidden | padding[:, None])
    assert np.array_equal(weights.data > 0, seen)


def test_masks_of_booleans_and_numbers_are_joined():
    padding, hidden = np.array([[True, False]]), np.array([[0.5, 1.0]])
    np.testing.assert_array_equal(joined_mask(padding, hidden, 1), [[[[-np.inf, 1]]]])
    np.testing.assert_array_equal(joined_mask(padding, None, 1), [[[[False, True]]]])
    assert joined_mask(None, None, 1) is None


@each_exactness
def test_a_captured_step_is_the_eager_one(exact):
    def run(way):
        attend = layer()
        optimizer = ad.Adam(attend.parameters(), learning_rate=0.01)

        @way
        def step(x):
            output, weights = attend(x, x, x, is_causal=True)
            loss = np.mean((output - 0.5) ** 2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss, weights

        results = [one for _ in range(7) for one in step(X)]
        return [*results, *[one.data for one in attend.parameters()]]

    check(run, exact)


def test_single_precision_stays_so_forwards_and_backwards():
    attend = layer()
    output, weights = attend(X, X, X, np.zeros((3, 5), bool), attn_mask=np.zeros((5, 5), np.float32))
    np.sum(output**2).backward()
    assert {output.dtype, weights.dtype, *[one.grad.dtype for one in attend.parameters()]} == {np.dtype(np.float32)}


def test_heads_that_do_not_divide_the_features_are_named():
    with pytest.raises(ValueError, match="num_heads must divide embed_dim, found 3 heads for 8 features"):
        ad.MultiheadAttention(8, 3)


def test_the_text_of_a_layer_shows_its_sizes():
    assert repr(layer(bias=False)).splitlines()[1] == "  8, 2, bias=False, batch_first=True"


def test_dropout_is_of_the_weights_and_in_training_alone():
    attend = layer(dropout=0.5)
    _, dropped = attend(X, X, X, average_attn_weights=False)
    output, weights = attend.eval()(X, X, X, average_attn_weights=False)
    kept = dropped.data != 0
    assert 0.3 < np.mean(kept) < 0.7
    np.testing.assert_allclose(dropped.data[kept], 2 * weights.data[kept], rtol=1e-6)
    np.testing.assert_array_equal(output.data, layer()(X, X, X)[0].data)
