import numpy as np
import pytest

from autodiff.experiment.pictures.palette import CLASS_MARKERS
from autodiff.experiment.report.markers import corners


def test_each_class_has_a_marker_of_its_own_around_its_place():
    found = corners(len(CLASS_MARKERS))
    assert len({tuple(one) for one in found}) == len(CLASS_MARKERS)
    for one in found:
        points = np.reshape(one, (-1, 2))
        assert 0.3 < np.ptp(points, axis=0).max() / 2 <= 1.5
        assert np.all(points.min(axis=0) < 0)
        assert np.all(points.max(axis=0) > 0)


def test_they_are_those_of_matplotlib():
    circle, square, up = (np.reshape(one, (-1, 2)) for one in corners(3))
    np.testing.assert_allclose(np.hypot(*circle.T), 1, atol=0.02)
    np.testing.assert_allclose(np.abs(square), 1)
    assert up[up[:, 1].argmax()].tolist() == pytest.approx([0, 1])
