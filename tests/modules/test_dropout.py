import copy

import numpy as np
import pytest

import autodiff as ad


def test_it_drops_a_share_of_the_elements_and_keeps_the_mean():
    x = ad.Tensor(np.ones(100_000), requires_grad=True)
    y = ad.Dropout(0.2, rng=np.random.default_rng(0))(x)
    dropped = y.data == 0
    assert abs(dropped.mean() - 0.2) < 4 * np.sqrt(0.2 * 0.8 / x.size)
    np.testing.assert_allclose(y.data[~dropped], 1 / 0.8)
    np.sum(y).backward()
    np.testing.assert_array_equal(x.grad.data, y.data)


def test_each_call_draws_anew_from_a_generator_of_its_own():
    layers = [ad.Dropout(rng=np.random.default_rng(3)) for _ in range(2)]
    x = np.ones(50)
    first, second = ([layer(ad.Tensor(x)).data for _ in range(3)] for layer in layers)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first[0], first[1])
    other = copy.deepcopy(layers[0])
    np.testing.assert_array_equal(other(ad.Tensor(x)).data, layers[0](ad.Tensor(x)).data)


def test_without_a_generator_two_layers_differ():
    one, other = (ad.Dropout()(ad.Tensor(np.ones(200))).data for _ in range(2))
    assert not np.array_equal(one, other)


def test_in_evaluation_it_draws_nothing_and_returns_its_input():
    layer = ad.Dropout(rng=np.random.default_rng(0))
    before = layer.rng.bit_generator.state
    x = ad.Tensor([1.0, 2.0])
    assert layer.eval()(x) is x
    assert layer.rng.bit_generator.state == before
    assert (layer.train()(ad.Tensor(np.ones(100))).data == 0).any()


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_all_or_nothing(p):
    x = ad.Tensor(np.array([1.0, np.inf]), requires_grad=True)
    y = ad.Dropout(p)(x)
    np.testing.assert_array_equal(y.data, x.data if p == 0 else [0, 0])
    np.sum(y).backward()
    np.testing.assert_array_equal(x.grad.data, [1 - p, 1 - p])


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(ValueError, match=f"Dropout: p must be from 0 to 1, found {p}"):
        ad.Dropout(p)


def test_a_seed_is_no_generator():
    with pytest.raises(TypeError, match=r"Dropout: rng must be a generator, found 3; write .*default_rng\(3\)"):
        ad.Dropout(0.5, rng=3)


def test_repr_shows_the_probability():
    assert repr(ad.Dropout(0.25)) == "Dropout(p=0.25)"
