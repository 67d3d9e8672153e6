import math

import numpy as np
import pytest

import autodiff as ad


def rng():
    return np.random.default_rng(0)


def test_linear_is_its_formula_for_any_number_of_axes_in_front():
    layer = ad.Linear(3, 2, rng=rng(), dtype=np.float64)
    layer.bias.data[:] = [1, 2]
    for shape in [(3,), (4, 3), (5, 4, 3), (0, 3)]:
        x = rng().normal(size=shape)
        result = layer(x)
        assert result.shape == (*shape[:-1], 2)
        np.testing.assert_allclose(result.data, x @ layer.weight.data.T + [1, 2], rtol=1e-12)


@pytest.mark.parametrize("shape", [(4, 5), (2,), ()])
def test_features_that_do_not_fit_are_an_error_that_names_the_layer(shape):
    layer = ad.Linear(3, 2, rng=rng())
    for x in (np.ones(shape, np.float32), ad.Tensor(np.ones(shape, np.float32))):
        with pytest.raises(ValueError, match="takes an input of") as caught:
            layer(x)
        assert str(caught.value) == (
            f"Linear(in_features=3, out_features=2, bias=True) takes an input of shape (..., 3), found {shape}"
        )


@pytest.mark.parametrize(("size", "error"), [(0, ValueError), (-1, ValueError), (2.0, TypeError), (True, TypeError)])
def test_a_size_that_is_none_is_refused(size, error):
    for sizes in ((size, 2), (2, size)):
        with pytest.raises(error, match=rf"Linear: \w+_features must be .*, found {size}"):
            ad.Linear(*sizes)


def test_without_a_bias_there_is_no_parameter_for_it():
    layer = ad.Linear(3, 2, bias=False, dtype=np.float64)
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    x = rng().normal(size=(4, 3))
    np.testing.assert_array_equal(layer(x).data, x @ layer.weight.data.T)


def test_numpys_integers_are_sizes_too():
    assert ad.Linear(np.int64(3), np.int64(2)).weight.shape == (2, 3)


# Initial values


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_he_weights_are_normal_with_variance_2_over_in(dtype):
    weight = ad.Linear(400, 300, rng=rng(), dtype=dtype).weight
    assert weight.shape == (300, 400)
    assert weight.dtype == dtype
    values = weight.data.astype(np.float64)
    assert abs(values.mean()) < 4 * math.sqrt(2 / 400 / values.size)
    assert abs(values.var() / (2 / 400) - 1) < 4 * math.sqrt(2 / values.size)
    assert abs(np.mean((values - values.mean()) ** 4) / values.var() ** 2 - 3) < 0.1  # a normal distribution's kurtosis


def test_glorot_weights_are_uniform_with_variance_2_over_in_plus_out():
    values = ad.Linear(400, 300, rng=rng(), init="glorot", dtype=np.float64).weight.data
    bound = math.sqrt(6 / 700)
    assert -bound <= values.min() < -0.999 * bound
    assert 0.999 * bound < values.max() <= bound
    assert abs(values.var() / (2 / 700) - 1) < 0.02
    assert abs(np.mean(values**4) / values.var() ** 2 - 1.8) < 0.02  # a uniform distribution's kurtosis


def test_biases_start_at_0():
    assert not ad.Linear(4, 3, rng=rng()).bias.data.any()


def test_the_same_generator_state_gives_the_same_weights():
    one, other = (ad.Linear(4, 3, rng=np.random.default_rng(5)).weight.data for _ in range(2))
    np.testing.assert_array_equal(one, other)
    generator = np.random.default_rng(5)
    first, second = (ad.Linear(4, 3, rng=generator).weight.data for _ in range(2))
    assert not np.array_equal(first, second)


def test_an_unknown_initialisation_is_refused():
    with pytest.raises(ValueError, match="init must be one of he, glorot, found 'xavier'"):
        ad.Linear(2, 3, rng=rng(), init="xavier")
