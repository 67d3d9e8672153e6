import base64

import numpy as np
import pytest

from autodiff.experiment.data.about import About, Scaling
from autodiff.experiment.data.points import Points
from autodiff.experiment.pictures.view import view_of
from autodiff.experiment.report.data import data_set
from autodiff.experiment.training.training import State, Training


def training_of(d: int) -> tuple[Training, np.ndarray]:
    """Return a run of points that were standardised, and the points as they were."""
    raw = np.random.default_rng(d).normal(size=(50, d)) @ np.diag(np.arange(1.0, d + 1)) + 5
    scaling = Scaling.of(raw)
    about = About(tuple(f"f{i}" for i in range(d)), ("no", "yes"), scaling)
    points = Points(scaling.apply(raw), np.arange(50) % 2)
    state = State(0, {}, {}, {}, {}, {}, 0.0)
    return Training("done", points, None, {}, {}, state, about), raw


@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_the_page_scales_and_places_points_as_the_pictures_do(d: int) -> None:
    training, raw = training_of(d)
    found = data_set(2, training)
    assert (found["features"], found["classes"]) == ([f"f{i}" for i in range(d)], ["no", "yes"])
    kept = np.frombuffer(base64.b64decode(found["training"]["features"]), np.float32).reshape(50, d)
    np.testing.assert_allclose(kept, raw, rtol=1e-6)
    standard = (raw - found["center"]) / found["scale"]  # as page.js does
    np.testing.assert_allclose(standard, training.points.features, atol=1e-12)
    view = view_of(training.points, training.about)
    if d > 2:
        places = standard @ np.array(found["plane"]).T
        np.testing.assert_allclose(places, view.place(training.points), atol=1e-10)
        inputs = view.of(lambda features: features, training.about)(places)
        np.testing.assert_allclose(places @ np.array(found["plane"]), inputs, atol=1e-10)
    else:
        assert found["plane"] is None
    extent = found["extent"]
    assert extent["left"] < view.place(training.points)[:, 0].min()
    assert extent["right"] > view.place(training.points)[:, 0].max()
