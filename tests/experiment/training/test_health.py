"""What is measured of layers, against a network in plain NumPy, and against numerical derivatives."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import autodiff as ad
from autodiff.experiment.config.config import Config
from autodiff.experiment.training import training as module
from autodiff.experiment.training.health import LayerHealth, Meter, lost
from autodiff.experiment.training.network import Activation
from autodiff.experiment.training.training import Session, Training, train

Parameters = Mapping[str, NDArray[Any]]
LAYERS = ("0", "2")


def config(**changed: object) -> Config:
    small = {"activation": "tanh", "optimizer": "sgd", "learning_rate": 0.5, "epochs": 20, "frames": 30, "hidden": [4]}
    return Config.model_validate(small | {"dtype": "float64", "dataset": {"points_per_class": 8}} | changed)


def trained(**changed: object) -> Training:
    return train(config(**changed), lambda epoch, measured: None)


def length(*arrays: NDArray[Any]) -> float:
    return math.sqrt(math.fsum(float(x) ** 2 for array in arrays for x in array.flat))


def of_layer(state: Parameters, layer: str) -> list[NDArray[Any]]:
    return [state[f"{layer}.weight"], state[f"{layer}.bias"]]


def loss_of(state: Parameters, training: Training) -> float:
    """Return the cross-entropy of a network 2-4-3 with tanh, in plain NumPy."""
    hidden = np.tanh(training.points.features @ state["0.weight"].T + state["0.bias"])
    logits = hidden @ state["2.weight"].T + state["2.bias"]
    logits -= logits.max(axis=1, keepdims=True)
    picked = logits[np.arange(len(logits)), training.points.labels]
    return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - picked))


def numerical_gradient(state: Parameters, training: Training) -> dict[str, NDArray[Any]]:
    gradient = {}
    for name in state:
        gradient[name] = np.zeros_like(state[name])
        for place in np.ndindex(state[name].shape):
            sides = []
            for step in (1e-6, -1e-6):
                moved = {other: values.copy() for other, values in state.items()}
                moved[name][place] += step
                sides.append(loss_of(moved, training))
            gradient[name][place] = (sides[0] - sides[1]) / 2e-6
    return gradient


@pytest.mark.parametrize("changed", [{}, {"stop": {"accuracy": 1.0}}, {"schedule": {"name": "step", "step_size": 100}}])
def test_norms_are_those_of_numerical_gradients_and_of_the_kept_networks(changed: dict[str, Any]) -> None:
    """Also once the step runs as a compiled program, many at once."""
    training = trained(**changed)
    kept = {epoch: snapshot.parameters for epoch, snapshot in training.snapshots.items()}
    assert sorted(kept) == list(range(21))
    assert [row.epoch for row in training.health] == [e for e in (0, 1, 2, 4, 8, 16, 20) for _ in LAYERS]
    for row in training.health:
        layer = of_layer(kept[row.epoch], row.layer)
        assert row.weight_norm == pytest.approx(length(*layer), rel=1e-12)
        if row.epoch == 0:
            assert row.gradient_norm is row.update_norm is row.update_to_weight is None
            continue
        before = of_layer(kept[row.epoch - 1], row.layer)
        assert row.update_norm == pytest.approx(length(*(n - o for n, o in zip(layer, before, strict=True))), rel=1e-9)
        gradient = numerical_gradient(kept[row.epoch - 1], training)
        assert row.gradient_norm == pytest.approx(length(*of_layer(gradient, row.layer)), rel=1e-6)
        assert row.update_norm == pytest.approx(0.5 * row.gradient_norm, rel=1e-9)  # as plain gradient descent has it
        assert row.update_to_weight == pytest.approx(row.update_norm / length(*layer), rel=1e-9)


def test_with_batches_the_update_is_that_of_the_whole_epoch_and_the_gradient_that_of_its_last_step() -> None:
    training = trained(batch_size=9)  # 24 points: the last batch has 6
    kept = {epoch: snapshot.parameters for epoch, snapshot in training.snapshots.items()}
    for row in training.health[2:]:
        pairs = zip(of_layer(kept[row.epoch], row.layer), of_layer(kept[row.epoch - 1], row.layer), strict=True)
        assert row.update_norm == pytest.approx(length(*(new - old for new, old in pairs)), rel=1e-9)
    whole = trained(batch_size=9, learning_rate=1e-7, epochs=1)
    order = np.random.default_rng(np.random.SeedSequence(0).spawn(3)[2]).permutation(24)  # the stream of the batches
    last = whole.points._replace(features=whole.points.features[order[18:]], labels=whole.points.labels[order[18:]])
    of_batch = Training("done", last, None, whole.curves, {}, whole.state, 0)
    gradient = numerical_gradient(whole.snapshots[0].parameters, of_batch)
    for row in whole.health[2:]:
        assert row.gradient_norm == pytest.approx(length(*of_layer(gradient, row.layer)), rel=1e-5)


def test_a_clipped_gradient_is_measured_as_it_was_used() -> None:
    for epoch in (1, 16):
        rows = [row for row in trained(clip_norm=1e-3).health if row.epoch == epoch]
        assert math.hypot(*(row.gradient_norm or 0 for row in rows)) == pytest.approx(1e-3, rel=1e-4)


def test_dead_units_are_those_that_no_point_activates() -> None:
    settings = config(activation="relu", epochs=1, learning_rate=1e-12, norm="layer")
    session = Session(settings)
    weight, bias = (dict(session.model.named_parameters())[f"1.{name}"] for name in ("weight", "bias"))
    weight.data[...], bias.data[...] = 1, [-100, 0, -100, 100]
    session.advance(2)
    assert [(row.layer, row.units, row.dead, row.saturated) for row in session.health[-3:]] == [
        ("0", 4, 0.5, None),
        ("1", None, None, None),
        ("3", None, None, None),
    ]


def test_units_of_each_activation_are_lost_in_their_own_way() -> None:
    values = np.full((200, 5), 0.5)
    values[:, 0] = 0  # dead, for a ReLU
    values[:, 1] = 0.995  # saturated
    values[:, 2] = np.where(np.arange(200) < 2, 0.5, np.where(np.arange(200) % 2, 0.999, 0.001))  # but for 1 %
    values[:, 3] = np.where(np.arange(200) < 3, 0.5, 0.999)  # but for 1.5 %
    values[1:, 4] = 0  # one point is enough to live
    assert lost(ad.ReLU(), values) == (1, None)
    assert lost(ad.Sigmoid(), values) == (None, 4)  # all but the fourth: an end is an end
    assert lost(ad.Tanh(), values) == (None, 1)
    hardtanh = next(layer for layer in Session(config(activation="hardtanh")).model.layers if type(layer) is Activation)
    assert lost(hardtanh, 2 * values - 1) == (None, 2)  # -1 for all points, and for 199 of them
    assert lost(hardtanh, values) == (None, 0)


@pytest.mark.parametrize("activation", ["leaky_relu", "gelu", "sine"])
def test_where_units_cannot_be_lost_nothing_is_said_of_them(activation: str) -> None:
    rows = trained(activation=activation).health
    assert {(row.units, row.dead, row.saturated) for row in rows} == {(None, None, None)}


def test_of_many_points_some_are_looked_at() -> None:
    model = Session(config()).model
    assert len(Meter(config(), model, np.zeros((2001, 2))).features) == 667
    assert len(Meter(config(), model, np.zeros((1000, 2))).features) == 1000


@pytest.mark.parametrize("changed", [{}, {"batch_size": 9, "dropout": 0.2, "norm": "batch"}, {"optimizer": "adam"}])
def test_a_training_is_the_same_whether_it_is_measured_or_not(
    changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = trained(epochs=50, frames=3, dtype="float32", **changed)
    monkeypatch.setattr(module, "health_epochs", lambda epochs, kept: [])
    monkeypatch.setattr(Session, "measure_health", lambda *arguments: None)
    alone = trained(epochs=50, frames=3, dtype="float32", **changed)
    assert measured.health
    assert not alone.health
    assert measured.loss.tobytes() == alone.loss.tobytes()
    for name, values in measured.state.parameters.items():
        assert values.tobytes() == alone.state.parameters[name].tobytes()


def test_a_run_that_diverges_is_measured_up_to_its_end() -> None:
    training = trained(activation="relu", learning_rate=1e30, epochs=200, frames=2, dtype="float32")
    assert training.status == "diverged"
    assert max(row.epoch for row in training.health) < len(training.loss)


def test_a_layer_without_weights_moves_beyond_all_measure() -> None:
    assert LayerHealth(1, "0", 1.0, 0.5, 0.0, None, None, None).update_to_weight == math.inf
