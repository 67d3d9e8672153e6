"""What a data set makes: points that are trained on and held out, and what is no data set."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from autodiff.experiment import register
from autodiff.experiment.config.config import Config
from autodiff.experiment.data.about import NOTHING, About
from autodiff.experiment.data.making import sample
from autodiff.experiment.errors import InputError
from autodiff.experiment.training.training import train

FIELDS: dict[str, Any] = {"activation": "tanh", "optimizer": "adam", "learning_rate": 0.05, "epochs": 5, "hidden": [8]}


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    with register.unchanged():
        yield


def ring(rng: np.random.Generator, points: int = 40, noise: float = 0.1) -> Any:
    labels = np.arange(points) % 2
    angle = rng.uniform(0, 2 * np.pi, points)
    radius = 1 + labels + noise * rng.standard_normal(points)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), labels


def made(make: Any, **settings: Any) -> Any:
    with register.unchanged():
        register.dataset(make)
        part = register.dataset.parts[make.__name__]
    return sample(part, settings, np.random.default_rng(0), np.random.default_rng(1))


def test_a_function_of_a_generator_is_called_twice_with_other_random_numbers() -> None:
    points, held_out, _ = made(ring, points=40)
    assert points.features.shape == held_out.features.shape == (40, 2)
    assert not np.array_equal(points.features, held_out.features)
    assert np.array_equal(points.features, ring(np.random.default_rng(0))[0])
    assert np.array_equal(held_out.features, ring(np.random.default_rng(1))[0])


def test_a_function_without_one_holds_no_points_out() -> None:
    def three() -> Any:
        return [[0, 0], [1, 1], [2, 2]], [0, 1, 2]

    points, held_out, _ = made(three)
    assert points.features.tolist() == [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]
    assert points.labels.tolist() == [0, 1, 2]
    assert held_out is None


def test_a_function_of_both_generators_returns_both() -> None:
    def both(rng: Any, test_rng: Any) -> Any:
        return ring(rng, 10), ring(test_rng, 6)

    points, held_out, _ = made(both)
    assert (len(points.labels), len(held_out.labels)) == (10, 6)


@pytest.mark.parametrize(
    ("returned", "found"),
    [
        (None, "NoneType"),
        (([[0, 0]], [0, 1]), r"features of shape \(1, 2\) and labels of shape \(2,\)"),
        (([0, 0], [0, 1]), r"features of shape \(2,\) and labels of shape \(2,\)"),
        (([["a", 0]], [0]), "tuple"),
        (([[np.nan, 0]], [0]), "features that are not finite"),
        (([[0, 0]], [0.5]), r"labels such as \[0.5\]"),
        (([[0, 0]], [-1]), r"labels such as \[-1\]"),
        ((np.zeros((0, 2)), []), "no points"),
    ],
)
def test_what_are_no_points_is_told_by_the_line_of_the_data_set(returned: Any, found: str) -> None:
    def odd() -> Any:
        return returned

    with pytest.raises(InputError, match=rf"test_making.py:\d+: data set odd must return features .*; found {found}$"):
        made(odd)


def test_ones_own_data_set_is_trained_on_and_its_size_is_measured() -> None:
    register.dataset(ring)
    config = Config.model_validate(FIELDS | {"dataset": {"name": "ring", "points": 30}})
    assert config.size == (2, 2, 30, 30)
    assert config.resolved()["dataset"] == {"name": "ring", "points": 30, "noise": 0.1}
    training = train(config, lambda epoch, measured: None)
    assert training.status == "done"
    assert training.held_out is not None
    assert len(training.held_out.labels) == 30


def test_a_function_may_tell_what_is_known_of_its_points() -> None:
    about = About(("a", "b"), ("red", "green"))

    def named(rng: Any, test_rng: Any) -> Any:
        return ring(rng, 10), ring(test_rng, 6), about

    assert made(named).about is about
    assert made(ring).about is NOTHING
