import base64

import numpy as np
import pytest

from autodiff.experiment.data.about import About, Scaling
from autodiff.experiment.data.points import Points
from autodiff.experiment.pictures.view import view_of
from autodiff.experiment.report.data import data_set, thinned
from autodiff.experiment.training.training import State, Training


def training_of(d: int) -> tuple[Training, np.ndarray]:
    """Return a run of points that were standardised, and the points as they were."""
    raw = np.random.default_rng(d).normal(size=(50, d)) @ np.diag(np.arange(1.0, d + 1)) + 5
    scaling = Scaling.of(raw)
    about = About(tuple(f"f{i}" for i in range(d)), ("no", "yes"), scaling)
    points = Points(scaling.apply(raw), np.arange(50) % 2)
    state = State(0, {}, {}, {}, {}, {}, 0.0)
    return Training("done", points, None, {}, {}, state, 0, about), raw


@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_the_page_scales_and_places_points_as_the_pictures_do(d: int) -> None:
    training, raw = training_of(d)
    found = data_set(training, 2)
    assert (found["features"], found["classes"]) == ([f"f{i}" for i in range(d)], ["no", "yes"])
    inputs, places = (
        np.frombuffer(base64.b64decode(found["training"][what]), np.float32).reshape(50, -1)
        for what in ("inputs", "places")
    )
    np.testing.assert_allclose(inputs * found["deviation"] + found["mean"], raw, rtol=1e-5)
    view = view_of(training.points, training.about)
    np.testing.assert_allclose(places, view.place(training.points), rtol=1e-5, atol=1e-6)
    at_places = np.array(found["origin"]) + places @ np.array(found["along"])  # as page.js does
    np.testing.assert_allclose(at_places, view.of(lambda some: some, training.about)(places), rtol=1e-4, atol=1e-5)
    extent = found["extent"]
    assert extent["left"] < places[:, 0].min() < places[:, 0].max() < extent["right"]


def test_of_too_many_networks_some_are_left_out_but_not_the_last():
    assert thinned([0, 1, 2, 4, 8], 5) == [0, 1, 2, 4, 8]
    assert thinned([0, 1, 2, 4, 8], 3) == [0, 2, 8]
    assert thinned([0, 1, 2, 4, 8], 1) == [8]
