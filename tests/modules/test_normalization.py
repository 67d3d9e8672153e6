import numpy as np
import pytest

import autodiff as ad

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(3, 2, (20, 3, 4, 4))
BATCH_NORMS = [
    (ad.BatchNorm1d, X[:, :, 0, 0]),
    (ad.BatchNorm1d, X[:, :, 0]),
    (ad.BatchNorm2d, X),
]


def over_channels(x, statistic):
    return statistic(np.moveaxis(x, 1, 0).reshape(3, -1), axis=1)


@pytest.mark.parametrize(("kind", "x"), BATCH_NORMS)
def test_a_batch_has_mean_0_and_variance_1_in_each_channel(kind, x):
    layer = kind(3, eps=0.0, dtype=np.float64)
    y = layer(ad.Tensor(x)).data
    np.testing.assert_allclose(over_channels(y, np.mean), 0, atol=1e-12)
    np.testing.assert_allclose(over_channels(y, np.var), 1, rtol=1e-12)
    layer.weight.data[:] = [1, 2, 3]
    layer.bias.data[:] = [4, 5, 6]
    y = layer(ad.Tensor(x)).data
    np.testing.assert_allclose(over_channels(y, np.mean), [4, 5, 6], rtol=1e-12)
    np.testing.assert_allclose(over_channels(y, np.std), [1, 2, 3], rtol=1e-12)


@pytest.mark.parametrize(("kind", "x"), BATCH_NORMS)
def test_running_statistics_move_towards_the_batches_and_serve_evaluation(kind, x):
    layer = kind(3, momentum=0.25, eps=0.5, dtype=np.float64)
    mean, variance = 0, 1
    for part in (x[:8], x[8:]):
        layer(ad.Tensor(part))
        mean = 0.75 * mean + 0.25 * over_channels(part, np.mean)
        variance = 0.75 * variance + 0.25 * over_channels(part, lambda v, axis: np.var(v, axis=axis, ddof=1))
    np.testing.assert_allclose(layer.running_mean.data, mean, rtol=1e-12)
    np.testing.assert_allclose(layer.running_var.data, variance, rtol=1e-12)
    assert layer.num_batches_tracked.item() == 2
    y = layer.eval()(ad.Tensor(x)).data
    by_channel = (-1,) + (1,) * (x.ndim - 2)
    expected = (x - mean.reshape(by_channel)) / np.sqrt(variance.reshape(by_channel) + 0.5)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)
    assert layer.num_batches_tracked.item() == 2
    np.testing.assert_allclose(layer.running_mean.data, mean, rtol=1e-12)


def test_without_momentum_the_running_statistics_are_means():
    layer = ad.BatchNorm1d(3, momentum=None, dtype=np.float64)
    parts = [X[:4, :, 0, 0], X[4:12, :, 0, 0], X[12:, :, 0, 0]]
    for part in parts:
        layer(ad.Tensor(part))
    np.testing.assert_allclose(layer.running_mean.data, np.mean([p.mean(axis=0) for p in parts], axis=0), rtol=1e-12)
    np.testing.assert_allclose(
        layer.running_var.data, np.mean([p.var(axis=0, ddof=1) for p in parts], axis=0), rtol=1e-12
    )


def test_running_statistics_are_saved_and_loaded():
    layer, other = ad.BatchNorm1d(3), ad.BatchNorm1d(3)
    layer(X[:, :, 0, 0].astype(np.float32))
    assert list(layer.state_dict()) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    other.load_state_dict(layer.state_dict())
    x = X[:5, :, 0, 0].astype(np.float32)
    np.testing.assert_array_equal(other.eval()(x).data, layer.eval()(x).data)
    assert other.num_batches_tracked.item() == 1
    assert other.num_batches_tracked.dtype == np.int64


def test_statistics_that_move_on_before_the_backward_pass_do_not_change_the_gradient():
    found = []
    for moved in (False, True):
        layer = ad.BatchNorm1d(3)
        x = ad.Tensor(X[:, :, 0, 0], requires_grad=True, dtype=np.float32)
        layer(x)
        loss = np.sum(layer.eval()(x) * x)
        if moved:
            layer.train()(x)
        loss.backward()
        found.append(x.grad.data)
    np.testing.assert_array_equal(*found)


def test_without_tracking_a_batch_is_normalised_by_itself_in_evaluation_too():
    layer = ad.BatchNorm1d(3, track_running_stats=False)
    x = X[:, :, 0, 0].astype(np.float32)
    np.testing.assert_array_equal(layer.eval()(x).data, layer.train()(x).data)
    assert list(layer.state_dict()) == ["weight", "bias"]


def test_statistics_get_no_gradient_and_keep_no_graph():
    layer = ad.BatchNorm1d(3)
    x = ad.Tensor(X[:, :, 0, 0], requires_grad=True, dtype=np.float32)
    layer(x)
    assert not layer.running_mean.requires_grad
    assert not layer.running_var.requires_grad


FITTING = [
    (ad.BatchNorm1d(3), [(4, 2), (3,), (4, 2, 3), (4, 3, 2, 2)], r"\(samples, 3\) or \(samples, 3, length\)"),
    (ad.BatchNorm2d(3), [(4, 3), (4, 3, 2), (4, 2, 3, 3)], r"\(samples, 3, height, width\)"),
    (ad.LayerNorm((2, 3)), [(3,), (4, 3, 2), (4, 3)], r"\(\.\.\., 2, 3\)"),
    (ad.RMSNorm(3), [(), (3, 4)], r"\(\.\.\., 3\)"),
]


@pytest.mark.parametrize(("layer", "shapes", "allowed"), FITTING, ids=lambda value: type(value).__name__)
def test_an_input_that_does_not_fit_is_an_error_that_names_the_layer(layer, shapes, allowed):
    name = type(layer).__name__
    for shape in shapes:
        for x in (np.ones(shape, np.float32), ad.Tensor(np.ones(shape, np.float32))):
            for mode in (True, False):
                with pytest.raises(ValueError, match=rf"{name}\(.*\) takes an input of shape {allowed}, found \("):
                    layer.train(mode)(x)


def test_one_value_a_channel_has_no_variance():
    x = np.ones((1, 3), np.float32)
    with pytest.raises(ValueError, match=r"BatchNorm1d\(3, .*more than one value for each channel.*found an input of"):
        ad.BatchNorm1d(3)(x)
    assert ad.BatchNorm1d(3).eval()(x).shape == (1, 3)
    assert ad.BatchNorm1d(3)(np.ones((1, 3, 2), np.float32)).shape == (1, 3, 2)


@pytest.mark.parametrize("make", [ad.BatchNorm1d, ad.BatchNorm2d, ad.LayerNorm, ad.RMSNorm])
def test_a_size_that_is_none_is_refused(make):
    with pytest.raises(ValueError, match=rf"{make.__name__}: \w+ must be 1 or more, found 0"):
        make(0)
    with pytest.raises(TypeError, match=rf"{make.__name__}: \w+ must be an integer, found '3'"):
        make(["3"] if make in (ad.LayerNorm, ad.RMSNorm) else "3")


@pytest.mark.parametrize("axes", [(4,), (4, 4)])
def test_the_last_axes_have_mean_0_and_variance_1_or_mean_square_1(axes):
    over = tuple(range(-len(axes), 0))
    y = ad.LayerNorm(axes, eps=0.0, dtype=np.float64)(ad.Tensor(X)).data
    np.testing.assert_allclose(y.mean(axis=over), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=over), 1, rtol=1e-12)
    y = ad.RMSNorm(axes, eps=0.0, dtype=np.float64)(ad.Tensor(X)).data
    np.testing.assert_allclose(np.square(y).mean(axis=over), 1, rtol=1e-12)
    np.testing.assert_allclose(y * X[:1].mean() > 0, X * X[:1].mean() > 0)


@pytest.mark.parametrize(
    "layer",
    [
        ad.LayerNorm(64, dtype=np.float16),
        ad.RMSNorm(64, dtype=np.float16),
        ad.BatchNorm1d(64, dtype=np.float16),
        ad.BatchNorm1d(64, dtype=np.float16).eval(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_half_precision_is_computed_in_single(layer):
    """The squares of numbers of a few hundred are beyond what half precision reaches."""
    x = ad.Tensor(RANDOM.normal(0, 400, (32, 64)), requires_grad=True, dtype=np.float16)
    y = layer(x)
    assert y.dtype == np.float16
    assert np.isfinite(y.data).all()
    if not (isinstance(layer, ad.BatchNorm1d) and not layer.training):
        assert abs(np.square(y.data.astype(np.float32)).mean() - 1) < 0.01
    y.backward(np.ones(y.shape, np.float16))
    assert x.grad.dtype == np.float16
    assert np.isfinite(x.grad.data).all()
