import numpy as np
import pytest

from autodiff.experiment.data.about import NOTHING, About, Scaling
from autodiff.experiment.data.points import Points
from autodiff.experiment.pictures.view import view_of

GENERATOR = np.random.default_rng(0)


def points_of(d, n=60):
    return Points(GENERATOR.normal(size=(n, d)) @ GENERATOR.normal(size=(d, d)), np.arange(n) % 3)


def scaled(points, names=()):
    """Return points standardised, what is known of them, and their features as they were."""
    scaling = Scaling.of(points.features)
    names = names or tuple(f"column {i}" for i in range(points.features.shape[1]))
    return Points(scaling.apply(points.features), points.labels), About(names, ("a", "b", "c"), scaling)


def network(features):
    return np.stack([features.sum(axis=1), features[:, 0] ** 2], axis=1)


def test_two_features_that_were_generated_are_seen_as_they_are():
    points = points_of(2)
    view = view_of(points, NOTHING)
    assert view.place(points) is points.features
    assert view.of(network, NOTHING) is network
    assert (view.words.axes, view.words.classes, view.words.plane) == (("feature 1", "feature 2"), (), "")


def test_two_features_are_seen_in_their_own_units_under_their_own_names():
    raw = points_of(2)
    points, about = scaled(raw, ("weight", "price"))
    view = view_of(points, about)
    np.testing.assert_allclose(view.place(points), raw.features, atol=1e-12)
    np.testing.assert_allclose(view.of(network, about)(raw.features), network(points.features), atol=1e-12)
    assert view.words.axes == ("weight", "price")
    assert view.words.classes == ("a", "b", "c")


@pytest.mark.parametrize("d", [3, 10])
def test_more_features_are_seen_on_the_plane_of_two_principal_components(d):
    raw = points_of(d)
    points, about = scaled(raw)
    view = view_of(points, about)
    places = view.place(points)
    _, singular, rows = np.linalg.svd(points.features - points.features.mean(axis=0))
    np.testing.assert_allclose(np.abs(places), np.abs(points.features @ rows[:2].T), atol=1e-8)
    shares = singular**2 / np.sum(singular**2)
    assert view.words.axes == (
        f"component 1 ({shares[0]:.0%})".replace("%", " %"),
        f"component 2 ({shares[1]:.0%})".replace("%", " %"),
    )
    assert view.words.plane == "two principal components"
    on_plane = view.lift(places)
    np.testing.assert_allclose(view.of(network, about)(places), network(about.scaling.apply(on_plane)), atol=1e-10)
    np.testing.assert_allclose(view.place(Points(about.scaling.apply(on_plane), points.labels)), places, atol=1e-10)


def test_a_network_of_another_scaling_is_seen_on_the_same_plane():
    points, about = scaled(points_of(4))
    other = About(about.feature_names, about.class_names, Scaling((1.0, 2.0, 3.0, 4.0), (2.0, 2.0, 2.0, 2.0)))
    view = view_of(points, about)
    places = view.place(points)
    expected = network(other.scaling.apply(view.lift(places)))
    np.testing.assert_allclose(view.of(network, other)(places), expected, atol=1e-10)


def test_one_feature_is_seen_across_and_each_class_in_a_row_of_its_own():
    raw = points_of(1)
    points, about = scaled(raw, ("weight",))
    view = view_of(points, about)
    places = view.place(points)
    np.testing.assert_allclose(places[:, 0], raw.features[:, 0], atol=1e-12)
    rows = [places[points.labels == label, 1] for label in range(3)]
    assert rows[0].min() > rows[1].max() > rows[1].min() > rows[2].max()
    assert np.ptp(rows[1]) > 0.3 * (rows[0].max() - rows[2].min()) / 3
    np.testing.assert_allclose(view.of(network, about)(places), network(points.features), atol=1e-12)
    assert view.words.axes == ("weight", "")


def test_one_feature_that_is_constant_can_be_seen():
    points = Points(np.zeros((4, 1)), np.array([0, 1, 0, 1]))
    assert np.isfinite(view_of(points, NOTHING).place(points)).all()
