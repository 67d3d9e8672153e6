"""What a config adds to the training: modes, generators, early stopping; and that a run goes on as it would have."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from autodiff.experiment.config.config import Config
from autodiff.experiment.training.training import State, Training, train

FIELDS: dict[str, Any] = {
    "activation": "relu",
    "optimizer": "adam",
    "learning_rate": 0.02,
    "epochs": 60,
    "hidden": [8, 6],
    "frames": 4,
    "dataset": {"points_per_class": 20, "test_points_per_class": 10},
}
EVERYTHING = {
    "norm": "batch",
    "dropout": 0.2,
    "schedule": {"name": "cosine", "warmup": 10},
    "clip_norm": 1.0,
    "l1": 1e-4,
    "label_smoothing": 0.1,
}


def silent(epoch: int, measured: Mapping[str, float]) -> None:
    pass


def run(**changed: Any) -> Training:
    return train(Config.model_validate(FIELDS | changed), silent)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    logits = logits.astype(np.float64)
    return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels]))


@pytest.mark.parametrize("changed", [EVERYTHING, EVERYTHING | {"batch_size": 16}, {"dropout": 0.5}, {"norm": "layer"}])
def test_what_is_measured_is_the_network_in_evaluation_without_penalties(changed: dict[str, Any]) -> None:
    training = run(**changed)
    for points, before in ((training.points, ""), (training.held_out, "test_")):
        for epoch, snapshot in training.snapshots.items():
            logits = snapshot(points.features)
            found = training.curves[f"{before}loss"][epoch], training.curves[f"{before}accuracy"][epoch]
            assert found[0] == pytest.approx(cross_entropy(logits, points.labels), rel=1e-4)
            assert found[1] == np.mean(logits.argmax(axis=1) == points.labels)


def test_dropout_is_drawn_from_a_stream_of_its_own() -> None:
    plain, dropped = run(), run(dropout=0.3)
    assert np.array_equal(plain.points.features, dropped.points.features)
    assert plain.loss[0] == dropped.loss[0]
    assert plain.loss[1] != dropped.loss[1]
    assert np.array_equal(dropped.loss, run(dropout=0.3).loss)


@pytest.mark.parametrize("more", [{}, {"batch_size": 16}])
def test_a_run_that_is_gone_on_with_is_the_same_to_the_bit(more: dict[str, Any]) -> None:
    config = Config.model_validate(FIELDS | EVERYTHING | more)
    states: list[State] = []
    whole = train(config, silent, keep=lambda session: states.append(session.state()))
    for state in (states[4], states[len(states) // 2], states[-2]):
        kept = replace(state, curves={name: values.copy() for name, values in state.curves.items()})
        resumed = train(config, silent, resumed=kept)
        for name, values in whole.curves.items():
            assert np.array_equal(resumed.curves[name], values, equal_nan=True), (state.epoch, name)
        for name, values in whole.state.parameters.items():
            assert np.array_equal(resumed.state.parameters[name], values), (state.epoch, name)


def test_buffers_are_kept_and_are_no_parameters() -> None:
    training = run(norm="batch")
    assert {"1.running_mean", "1.running_var", "1.num_batches_tracked"} <= training.state.parameters.keys()
    assert training.parameters == (2 * 8 + 8) + 2 * 8 + (8 * 6 + 6) + 2 * 6 + (6 * 3 + 3)


# Stopping early


def first(values: np.ndarray) -> int:
    return int(np.flatnonzero(values)[0])


def test_a_run_stops_where_the_accuracy_is_reached() -> None:
    whole = run(epochs=150)
    for test_points, name in ((10, "test_accuracy"), (0, "accuracy")):
        data = {"points_per_class": 20, "test_points_per_class": test_points}
        stopped = run(epochs=150, stop={"accuracy": 0.6}, dataset=data)
        expected = first(whole.curves[name] >= 0.6)
        assert 0 < expected < 100
        assert stopped.stopped == f"accuracy 0.6 reached at epoch {expected}"
        assert stopped.status == "done"
        assert list(stopped.snapshots)[-1] == expected
        for measured, values in stopped.curves.items():
            assert len(values) == expected + 1
            np.testing.assert_allclose(values, whole.curves[measured][: expected + 1], rtol=1e-4)
        last = stopped.snapshots[expected].parameters
        assert all(np.array_equal(values, last[name]) for name, values in stopped.state.parameters.items())


def test_a_run_stops_where_the_loss_has_not_fallen_for_long() -> None:
    stopped = run(epochs=400, learning_rate=0.3, stop={"patience": 20})
    losses = stopped.curves["test_loss"]
    best = int(np.nanargmin(losses))
    assert stopped.stopped == f"no lower loss since epoch {best}, at epoch {len(losses) - 1}"
    assert 20 <= len(losses) - 1 - best < 30
    assert len(losses) < 401


def test_a_run_that_reaches_nothing_goes_on_to_its_last_epoch() -> None:
    training = run(stop={"accuracy": 1.0, "patience": 100})
    assert (training.stopped, len(training.loss)) == ("", 61)


def test_a_run_that_stops_is_gone_on_with_to_the_same_end() -> None:
    config = Config.model_validate(FIELDS | {"epochs": 150, "stop": {"accuracy": 0.6}})
    states: list[State] = []
    whole = train(config, silent, keep=lambda session: states.append(session.state()))
    state = states[-2]
    assert 12 < state.epoch < len(whole.loss)
    kept = replace(state, curves={name: values.copy() for name, values in state.curves.items()})
    resumed = train(config, silent, resumed=kept)
    assert (resumed.stopped, len(resumed.loss)) == (whole.stopped, len(whole.loss))
    assert np.array_equal(resumed.loss, whole.loss)
