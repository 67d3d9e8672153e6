import numpy as np
import pytest

from autodiff.experiment.data.principal import principal_plane


@pytest.mark.parametrize("d", [2, 3, 64])
def test_the_plane_is_that_of_the_singular_value_decomposition(d):
    generator = np.random.default_rng(d)
    features = generator.normal(size=(200, d)) @ generator.normal(size=(d, d)) + 5
    plane = principal_plane(features)
    _, singular, rows = np.linalg.svd(features - features.mean(axis=0))
    np.testing.assert_allclose(np.abs(plane.directions @ rows[:2].T), np.eye(2), atol=1e-8)
    np.testing.assert_allclose(plane.shares, (singular**2 / np.sum(singular**2))[:2], rtol=1e-8)
    np.testing.assert_allclose(plane.place(features).var(axis=0) * 200, singular[:2] ** 2, rtol=1e-8)


def test_places_of_the_plane_are_found_again_and_the_rest_is_at_right_angles():
    features = np.random.default_rng(0).normal(size=(50, 4))
    plane = principal_plane(features)
    places = np.random.default_rng(1).normal(size=(20, 2))
    np.testing.assert_allclose(plane.place(plane.lift(places)), places, atol=1e-12)
    off = features - plane.lift(plane.place(features))
    np.testing.assert_allclose(off @ plane.directions.T, 0, atol=1e-12)


def test_directions_point_upwards_and_points_in_one_place_have_a_plane():
    features = np.random.default_rng(3).normal(size=(30, 5))
    for sign in (1, -1):
        directions = principal_plane(sign * features).directions
        assert (directions[[0, 1], np.abs(directions).argmax(axis=1)] > 0).all()
    plane = principal_plane(np.ones((4, 3)))
    assert plane.shares == (0, 0)
    np.testing.assert_allclose(plane.directions @ plane.directions.T, np.eye(2), atol=1e-12)
