"""Without noise, every point is where the formula of its class says, which is solved for here, not repeated."""

import numpy as np
import pytest

from autodiff.experiment.data.generated import (
    bands,
    blobs,
    checkerboard,
    circles,
    moons,
    rings,
    value_of,
    xor,
)
from autodiff.experiment.data.making import sample
from autodiff.experiment.register import dataset


def function(classes, points_per_class, noise, rng, expression="sine"):
    return bands(classes, points_per_class, noise, rng, expression)


ALL = [moons, circles, rings, blobs, xor, checkerboard, function]
EVEN = 1.63  # Kolmogorov's bound at 1 %, over the square root of the sample's size


def drawn(make, classes=2, points_per_class=400, noise=0.0, seed=0, **settings):
    return make(classes, points_per_class, noise, np.random.default_rng(seed), **settings)


def is_even(sample):
    """Tell whether numbers from 0 to 1 may be uniformly distributed."""
    ideal = (np.arange(len(sample)) + 0.5) / len(sample)
    return np.abs(np.sort(sample) - ideal).max() < EVEN / np.sqrt(len(sample))


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("classes", [2, 3, 7, 20])
def test_there_are_as_many_points_of_every_class_and_the_stream_decides_which(make, classes):
    first, again, other = (drawn(make, classes, 30, 0.1, seed) for seed in (1, 1, 2))
    assert first.features.shape == (30 * classes, 2)
    assert first.features.dtype == np.float64
    assert first.labels.tolist() == np.repeat(np.arange(classes), 30).tolist()
    assert np.array_equal(first.features, again.features)
    assert not np.isclose(first.features, other.features).any()


@pytest.mark.parametrize("make", ALL)
def test_noise_moves_both_features_by_its_standard_deviation(make):
    clean, noisy = (drawn(make, 2, 5000, noise) for noise in (0.0, 0.3))
    moved = noisy.features - clean.features
    assert np.abs(moved.mean(axis=0)).max() < 0.015
    assert np.abs(moved.std(axis=0) - 0.3).max() < 0.01
    assert abs(np.corrcoef(moved.T)[0, 1]) < 0.05


def test_moons_are_half_circles_around_centres_that_alternate():
    features, labels = drawn(moons, 4)
    for j in range(4):
        x, y = (features[labels == j] - [j, 0.5 * (j % 2)]).T
        np.testing.assert_allclose(np.hypot(x, y), 1, atol=1e-12)
        assert ((y >= 0) if j % 2 == 0 else (y <= 0)).all()
        assert is_even(np.arctan2(np.abs(y), x) / np.pi)


def test_circles_have_the_radii_of_their_classes():
    features, labels = drawn(circles, 3)
    np.testing.assert_allclose(np.hypot(*features.T), (labels + 1) / 3, atol=1e-12)
    assert is_even(np.arctan2(*features[labels == 1].T) / (2 * np.pi) % 1)


def test_rings_belong_to_the_classes_in_turn_from_the_middle():
    features, labels = drawn(rings, 3)
    radius = np.hypot(*features.T)
    assert np.array_equal(np.floor(6 * radius).astype(int) % 3, labels)
    assert np.bincount(np.floor(6 * radius).astype(int)).min() > 150
    assert is_even(6 * radius % 1)


def test_blobs_are_around_even_places_on_a_circle():
    features, labels = drawn(blobs, 4, 2000, 0.2)
    means = [features[labels == j].mean(axis=0) for j in range(4)]
    np.testing.assert_allclose(means, [[1, 0], [0, 1], [-1, 0], [0, -1]], atol=0.02)


def test_xor_of_two_classes_is_whether_the_signs_differ():
    features, labels = drawn(xor)
    assert np.array_equal(np.prod(features, axis=1) < 0, labels == 1)
    assert (np.bincount((features[:, 0] > 0) * 2 + (features[:, 1] > 0)) > 150).all()
    assert is_even(np.sum(features**2, axis=1))  # of a disc that is filled evenly


def test_opposite_sectors_of_xor_are_of_one_class():
    features, labels = drawn(xor, 3)
    sector = np.floor(np.arctan2(features[:, 1], features[:, 0]) % (2 * np.pi) / (np.pi / 3)).astype(int)
    assert np.array_equal(sector % 3, labels)
    assert set(sector) == set(range(6))


@pytest.mark.parametrize(("classes", "side"), [(2, 4), (3, 4), (4, 4), (6, 6)])
def test_a_checkerboard_has_the_class_of_the_row_and_the_column(classes, side):
    features, labels = drawn(checkerboard, classes)
    assert np.abs(features).max() < 1
    column, row = np.floor((features + 1) * side / 2).astype(int).T
    assert np.array_equal((row + column) % classes, labels)
    assert len(set(zip(column, row, strict=True))) == side * side
    assert is_even((features[:, 0] + 1) * side / 2 % 1)


@pytest.mark.parametrize(
    ("expression", "values"),  # at -1, -1/2, 0, 1/2, 1
    [("sine", [0, -1, 0, 1, 0]), ("cubic", [-1, 1, 0, -1, 1]), ("absolute", [1, 0, -1, 0, 1])],
)
def test_the_classes_are_below_and_above_the_function(expression, values):
    np.testing.assert_allclose(value_of(expression, np.linspace(-1, 1, 5)), values, atol=1e-12)
    features, labels = drawn(function, expression=expression)
    x, above = features[:, 0], features[:, 1] - value_of(expression, features[:, 0])
    assert np.array_equal(above > 0, labels == 1)
    assert np.abs(above).max() < 1
    assert is_even((x + 1) / 2)


def test_more_classes_are_bands_along_the_function():
    features, labels = drawn(function, 5)
    above = features[:, 1] - np.sin(np.pi * features[:, 0])
    assert np.array_equal(np.floor((above + 1) * 5 / 2).astype(int), labels)


@pytest.mark.parametrize("make", ALL)
def test_a_config_names_it_and_held_out_points_have_the_other_stream(make):
    part = dataset.parts[make.__name__]
    settings = {name: setting.default for name, setting in part.settings.items()}
    settings |= {"points_per_class": 20, "test_points_per_class": 30}
    assert 2 <= settings["classes"] <= 3
    trained, held_out, _ = sample(part, settings, np.random.default_rng(1), np.random.default_rng(2))
    classes, noise = settings["classes"], settings["noise"]
    for points, count, seed in ((trained, 20, 1), (held_out, 30, 2)):
        expected = make(classes, count, noise, np.random.default_rng(seed))
        assert np.array_equal(points.features, expected.features)
        assert np.array_equal(points.labels, expected.labels)
    none = sample(part, settings | {"test_points_per_class": 0}, np.random.default_rng(1), np.random.default_rng(2))
    assert none.held_out is None
    assert part.facts["size"](**settings) == (2, classes, 20 * classes, 30 * classes)
    assert part.meaning
    assert not part.meaning.startswith("Return")
