import math

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from tests.compiler.comparing import check, each_exactness

RANDOM = np.random.default_rng(5)
IMAGES = RANDOM.normal(size=(12, 2, 6, 6)).astype(np.float32)
LABELS = RANDOM.integers(0, 3, 12)


def rng():
    return np.random.default_rng(0)


def test_a_layer_is_its_function():
    layer = ad.Conv2d(2, 4, (3, 2), 2, 1, groups=2, rng=rng())
    expected = F.conv2d(IMAGES, layer.weight, layer.bias, 2, 1, groups=2)
    np.testing.assert_array_equal(layer(IMAGES).data, expected.data)
    assert layer.weight.shape == (4, 1, 3, 2)
    row = ad.Conv1d(2, 4, 3, padding="same", bias=False, rng=rng())
    assert row.bias is None
    assert row(IMAGES[:, :, 0]).shape == (12, 4, 6)


def test_weights_start_even_within_their_bound():
    values = ad.Conv2d(40, 50, 3, rng=rng(), dtype=np.float64).weight.data
    bound = 1 / math.sqrt(40 * 9)
    assert 0.999 * bound < np.max(np.abs(values)) <= bound
    assert np.var(values) == pytest.approx(bound**2 / 3, rel=0.02)


def test_the_same_generator_draws_the_same_layer():
    one, other = (ad.Conv1d(2, 3, 3, rng=rng()) for _ in range(2))
    assert all(np.array_equal(a.data, b.data) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert {one.dtype for one in ad.Conv1d(2, 3, 3).parameters()} == {np.dtype(np.float32)}


def test_the_text_of_a_layer_shows_its_sizes():
    assert repr(ad.Conv2d(4, 6, (3, 2), padding=1, groups=2, bias=False)) == (
        "Conv2d(4, 6, kernel_size=(3, 2), padding=1, groups=2, bias=False)"
    )


def test_sizes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="Conv2d: kernel_size must be a whole number or 2 of them, from 1 on, found 0"):
        ad.Conv2d(1, 2, 0)
    with pytest.raises(ValueError, match="Conv1d: groups must divide the channels, 4 in and 6 out, found 4"):
        ad.Conv1d(4, 6, 3, groups=4)
    with pytest.raises(ValueError, match="Conv1d: out_channels must be 1 or more, found 0"):
        ad.Conv1d(4, 0, 3)
    with pytest.raises(TypeError, match="Conv1d: rng must be a generator"):
        ad.Conv1d(4, 6, 3, rng=0)


def network():
    draw = rng()
    layers = [
        ad.Conv2d(2, 4, 3, padding=1, rng=draw),
        ad.ReLU(),
        ad.MaxPool2d(2),
        ad.Conv2d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2, rng=draw),
        ad.Tanh(),
        ad.AvgPool2d(2, 1),
    ]
    return ad.Sequential(*layers)


@each_exactness
def test_a_captured_step_is_the_eager_one(exact):
    def run(way):
        model = network()
        optimizer = ad.Adam(model.parameters(), learning_rate=0.01)

        @way
        def step(images, labels):
            scores = model(images).reshape(12, -1)[:, :3]
            loss = F.cross_entropy(scores, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        losses = [step(IMAGES, LABELS) for _ in range(8)]
        return [*losses, *[one.data for one in model.parameters()], *[one.grad for one in model.parameters()]]

    check(run, exact)
