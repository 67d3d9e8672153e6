import numpy as np
import pytest

import autodiff as ad


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("indices", [[[1, 2], [0, 1]], ((1, 2), (0, 1)), np.array([[1, 2], [0, 1]], np.uint8)])
def test_it_is_the_rows_of_its_weight(indices):
    layer = ad.Embedding(4, 3, rng=rng())
    for given in (indices, ad.Tensor(np.asarray(indices))):
        np.testing.assert_array_equal(layer(given).data, layer.weight.data[np.asarray(indices)])
    assert layer(2).shape == (3,)


def test_a_row_gets_the_sum_of_the_gradients_of_its_places():
    layer = ad.Embedding(4, 2, rng=rng(), dtype=np.float64)
    g = rng().normal(size=(2, 2, 2))
    layer(np.array([[1, 2], [1, 1]])).backward(g)
    expected = [[0, 0], g[0, 0] + g[1, 0] + g[1, 1], g[0, 1], [0, 0]]
    np.testing.assert_allclose(layer.weight.grad.data, expected, rtol=1e-14)


def test_the_gradient_may_lie_in_memory_in_any_order():
    layer = ad.Embedding(4, 3, rng=rng(), dtype=np.float64)
    g = np.asfortranarray(rng().normal(size=(5, 3)))
    for given in (g, g[::-1], np.ascontiguousarray(g)):
        layer.weight.grad = None
        layer(np.array([1, 2, 1, 0, 1])).backward(given)
        expected = [given[3], given[0] + given[2] + given[4], given[1], np.zeros(3)]
        np.testing.assert_allclose(layer.weight.grad.data, expected, rtol=1e-14)


@pytest.mark.parametrize("padding", [1, -3])
def test_the_row_for_padding_starts_at_0_and_gets_no_gradient(padding):
    layer = ad.Embedding(4, 2, padding_idx=padding, rng=rng())
    assert layer.padding_idx == 1
    assert not layer.weight.data[1].any()
    assert layer.weight.data[[0, 2, 3]].all()
    np.sum(layer([1, 0, 1])).backward()
    np.testing.assert_array_equal(layer.weight.grad.data, [[1, 1], [0, 0], [0, 0], [0, 0]])
    layer.weight.data[1] = 5  # it may be given a value all the same
    np.testing.assert_array_equal(layer([1]).data, [[5, 5]])


@pytest.mark.parametrize("indices", [[4], [-1], [[0, 9]]])
def test_a_number_that_no_row_has_is_refused(indices):
    layer = ad.Embedding(4, 2)
    lowest, highest = np.min(indices), np.max(indices)
    for given in (indices, np.array(indices)):
        with pytest.raises(ValueError, match=f"4 rows need indices from 0 to 3, found {lowest} to {highest}"):
            layer(given)


def test_numbers_that_are_no_integers_are_refused():
    for given in ([0.0], np.array([True]), ad.Tensor([1.0])):
        with pytest.raises(TypeError, match="embedding: indices must be integers, found"):
            ad.Embedding(4, 2)(given)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ad.Embedding(0, 2), ValueError, "Embedding: num_embeddings must be 1 or more, found 0"),
        (lambda: ad.Embedding(2, 1.5), TypeError, r"Embedding: embedding_dim must be an integer, found 1\.5"),
        (lambda: ad.Embedding(2, 1, padding_idx=2), ValueError, "Embedding: padding_idx must be from 0 to 1, found 2"),
        (lambda: ad.Embedding(2, 1, rng=0), TypeError, "Embedding: rng must be a generator, found 0"),
    ],
)
def test_settings_that_do_not_fit_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_it_starts_with_normal_numbers_that_its_generator_draws():
    one, other = (ad.Embedding(200, 50, rng=rng()).weight.data for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert abs(one.mean()) < 4 / np.sqrt(one.size)
    assert abs(one.var() - 1) < 4 * np.sqrt(2 / one.size)
    assert one.dtype == np.float32
    assert not np.array_equal(ad.Embedding(2, 2).weight.data, ad.Embedding(2, 2).weight.data)
