from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autodiff.experiment.config.config import Config
from autodiff.experiment.data.spiral import arms, held_out_arms
from autodiff.experiment.training import training as module
from autodiff.experiment.training.network import Snapshot, build_model, build_optimizer
from autodiff.experiment.training.training import State, Training, train


def silent(epoch: int, measured: Mapping[str, float]) -> None:
    pass


def config(**changed: object) -> Config:
    small = {"activation": "tanh", "optimizer": "sgd", "learning_rate": 0.5, "epochs": 6, "hidden": [8]}
    return Config.model_validate(small | {"dataset": {"points_per_class": 20}} | changed)


@pytest.fixture
def epoch_by_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have training told of after every epoch."""
    monkeypatch.setattr(module, "SECONDS_AT_ONCE", 0.0)


def reference(activation: str, training: Training, epochs: int, rate: float) -> list[float]:
    """Train the same network in plain NumPy and return its losses."""
    state = {name: values.astype(np.float64) for name, values in training.snapshots[0].parameters.items()}
    x, labels, n = training.points.features, training.points.labels, len(training.points.labels)
    targets = np.eye(3)[labels]
    w1, b1, w2, b2 = (state[name] for name in ("0.weight", "0.bias", "2.weight", "2.bias"))
    losses = []
    for _ in range(epochs + 1):
        z = x @ w1.T + b1
        h = {"tanh": np.tanh(z), "relu": np.maximum(z, 0), "sigmoid": 1 / (1 + np.exp(-z))}[activation]
        slope = {"tanh": 1 - h**2, "relu": (z > 0) * 1.0, "sigmoid": h * (1 - h)}[activation]
        logits = h @ w2.T + b2
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        losses.append(float(-np.mean(np.log(p[np.arange(n), labels]))))
        g = (p - targets) / n
        gh = (g @ w2) * slope
        w2, b2 = w2 - rate * g.T @ h, b2 - rate * g.sum(axis=0)
        w1, b1 = w1 - rate * gh.T @ x, b1 - rate * gh.sum(axis=0)
    return losses


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_the_loss_of_every_epoch_is_that_of_plain_numpy(activation: str) -> None:
    training = train(config(activation=activation, dtype="float64"), silent)
    assert training.status == "done"
    np.testing.assert_allclose(training.loss, reference(activation, training, 6, 0.5), rtol=1e-12)


def test_batches_of_all_points_train_like_no_batches() -> None:
    whole, batched = train(config(), silent), train(config(batch_size=60), silent)
    assert np.array_equal(whole.loss, batched.loss)


def test_batches_visit_every_point_once_an_epoch() -> None:
    trainer = None
    seen: list[np.ndarray] = []
    original = module._Trainer.train_on

    def spy(self, batches):
        nonlocal trainer
        trainer = self
        seen.extend(self.features[batch] for batch in batches)
        return original(self, batches)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module._Trainer, "train_on", spy)
        train(config(batch_size=25, epochs=2), silent)
    assert [len(batch) for batch in seen] == [25, 25, 10] * 2
    expected = np.sort(trainer.features, axis=0)
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    np.testing.assert_array_equal(np.sort(first, axis=0), expected)
    np.testing.assert_array_equal(np.sort(second, axis=0), expected)
    assert not np.array_equal(first, second)


def test_every_row_measures_the_network_kept_at_that_epoch() -> None:
    for changed in ({}, {"batch_size": 7}, {"optimizer": "adam", "learning_rate": 0.05}):
        training = train(config(**changed), silent)
        assert list(training.snapshots) == list(range(7))
        for epoch, snapshot in training.snapshots.items():
            logits = snapshot(training.points.features)
            assert logits.shape == (60, 3)
            assert np.mean(logits.argmax(axis=1) == training.points.labels) == training.accuracy[epoch]


def test_a_snapshot_leaves_the_model_as_it_was() -> None:
    model = build_model(config(), np.random.default_rng(0))
    snapshot = Snapshot(model)
    for parameter in model.parameters():
        parameter.data = parameter.data + 1
    changed = model.state_dict()
    points = np.random.default_rng(0).normal(size=(20_000, 2))
    first, _ = snapshot(points), model(points.astype(np.float32))
    for name, values in model.state_dict().items():
        assert np.array_equal(values, changed[name])
    model.load_state_dict(snapshot.parameters)
    np.testing.assert_allclose(first, model(points.astype(np.float32)).data, rtol=1e-4, atol=1e-5)


def test_data_weights_and_batches_have_streams_of_their_own() -> None:
    small, other_net = train(config(), silent), train(config(hidden=[9], batch_size=3), silent)
    assert np.array_equal(small.points.features, other_net.points.features)
    weights = [
        train(config(dataset={"points_per_class": points}), silent).snapshots[0].parameters["0.weight"]
        for points in (20, 30)
    ]
    assert np.array_equal(*weights)
    other_seed = train(config(seed=1), silent)
    assert not np.array_equal(small.points.features, other_seed.points.features)
    assert not np.array_equal(small.snapshots[0].parameters["0.weight"], other_seed.snapshots[0].parameters["0.weight"])


def test_weights_are_not_drawn_from_the_numbers_that_made_the_data() -> None:
    training = train(config(activation="relu"), silent)
    angles = np.arctan2(*training.points.features[1:17].T) - np.linspace(0, 4, 20)[1:17]
    noise = (angles + np.pi) % (2 * np.pi) - np.pi
    weights = training.snapshots[0].parameters["0.weight"].ravel()
    # The first point, at the centre, has no angle: the noise known here begins with the second number drawn.
    assert abs(np.corrcoef(noise[:15], weights[1:])[0, 1]) < 0.9


def test_a_diverging_run_stops_at_once_and_keeps_what_it_has() -> None:
    epochs: list[int] = []
    diverging = config(activation="relu", learning_rate=1e25, epochs=50)
    training = train(diverging, lambda epoch, measured: epochs.append(epoch))
    assert training.status == "diverged"
    assert not np.isfinite(training.loss[-1])
    assert np.isfinite(training.loss[:-1]).all()
    assert len(training.loss) == len(training.accuracy) == len(epochs) < 51
    assert 0 in training.snapshots
    assert len(training.loss) - 1 not in training.snapshots


def test_an_interrupted_run_keeps_what_it_has() -> None:
    def interrupt(epoch: int, measured: Mapping[str, float]) -> None:
        if epoch == 3:
            raise KeyboardInterrupt

    training = train(config(), interrupt)
    assert training.status == "interrupted"
    assert len(training.loss) == 4
    assert list(training.snapshots) == [0, 1, 2, 3]


def test_the_dtype_is_that_of_the_config() -> None:
    for dtype in ("float32", "float64"):
        training = train(config(dtype=dtype), silent)
        assert {values.dtype for values in training.snapshots[6].parameters.values()} == {np.dtype(dtype)}


@pytest.mark.parametrize(("optimizer", "kind"), [("sgd", "SGD"), ("adam", "Adam"), ("adamw", "AdamW")])
def test_the_optimizer_is_that_of_the_config(optimizer: str, kind: str) -> None:
    made = config(optimizer=optimizer)
    assert type(build_optimizer(made, build_model(made, np.random.default_rng(0)))).__name__ == kind


def test_momentum_and_weight_decay_reach_the_optimizer() -> None:
    plain = train(config(), silent)
    for changed in ({"momentum": 0.9}, {"weight_decay": 0.1}):
        other = train(config(**changed), silent)
        assert other.loss[0] == plain.loss[0]
        assert other.loss[-1] != plain.loss[-1]


def test_hidden_layers_are_those_of_the_config() -> None:
    for hidden, shapes in ([], [(3, 2)]), ([5, 4], [(5, 2), (4, 5), (3, 4)]):
        model = build_model(config(hidden=hidden), np.random.default_rng(0))
        assert [p.shape for p in model.parameters() if len(p.shape) == 2] == shapes


def test_the_four_configs_of_the_repository_are_valid() -> None:
    from autodiff.experiment.config.load import load_all

    experiments = load_all(sorted((Path(__file__).parents[3] / "configs").glob("*.yaml")))
    assert [experiment.name for experiment in experiments] == ["relu-adam", "relu-sgd", "sigmoid-adam", "sigmoid-sgd"]
    assert {(experiment.config.epochs, tuple(experiment.config.hidden)) for experiment in experiments} == {
        (10_000, (100,))
    }


@pytest.mark.parametrize(("activation", "variance"), [("relu", 2 / 2), ("tanh", 2 / 1002), ("sigmoid", 2 / 1002)])
def test_weights_start_with_the_variance_of_he_or_of_glorot(activation: str, variance: float) -> None:
    model = build_model(config(activation=activation, hidden=[1000]), np.random.default_rng(0))
    assert np.var(model.state_dict()["0.weight"]) == pytest.approx(variance, rel=0.1)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    logits = logits.astype(np.float64)
    return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels]))


@pytest.mark.parametrize("more", [{}, {"batch_size": 7}])
def test_held_out_points_are_measured_on_the_network_before_the_epoch(more: dict[str, int]) -> None:
    training = train(config(dataset={"points_per_class": 20, "test_points_per_class": 15}, **more), silent)
    features, labels = training.held_out
    assert np.bincount(labels).tolist() == [15] * 3
    for epoch, snapshot in training.snapshots.items():
        logits = snapshot(features)
        assert training.curves["test_loss"][epoch] == pytest.approx(cross_entropy(logits, labels), rel=1e-5)
        assert training.curves["test_accuracy"][epoch] == np.mean(logits.argmax(axis=1) == labels)


def test_what_is_reported_of_an_epoch_is_what_was_measured_last(epoch_by_epoch: None) -> None:
    reported: list[Mapping[str, float]] = []
    training = train(config(epochs=112), lambda epoch, measured: reported.append(measured))
    assert list(training.curves) == ["loss", "accuracy", "test_loss", "test_accuracy"]
    unmeasured = [*range(101, 110), 111]
    for name, values in training.curves.items():
        expected = values.copy()
        if name.startswith("test"):
            assert np.flatnonzero(np.isnan(values)).tolist() == unmeasured
            expected[unmeasured] = [*[values[100]] * 9, values[110]]
        assert np.array_equal(expected, [measured[name] for measured in reported])


def same_trainings(one: Training, other: Training) -> None:
    """Compare all that two trainings leave, to the bit."""
    assert one.status == other.status
    for name, values in one.curves.items():
        assert np.array_equal(values, other.curves[name], equal_nan=True), name
    for name, values in one.state.parameters.items():
        assert np.array_equal(values, other.state.parameters[name], equal_nan=True), name
    for state, another in zip(one.state.optimizer["states"], other.state.optimizer["states"], strict=True):
        assert state.keys() == another.keys()
        for name, value in state.items():
            assert np.array_equal(value, another[name], equal_nan=True), name
    assert one.state.generator == other.state.generator
    assert list(one.snapshots) == list(other.snapshots)
    for epoch, snapshot in one.snapshots.items():
        for name, values in snapshot.parameters.items():
            assert np.array_equal(values, other.snapshots[epoch].parameters[name]), (epoch, name)


CASES = [
    {"frames": 9},
    {"batch_size": 25, "frames": 9},
    {"batch_size": 20, "optimizer": "adam", "learning_rate": 0.02, "frames": 2},
    {"optimizer": "adam", "learning_rate": 0.05, "dataset": {"points_per_class": 20, "test_points_per_class": 0}},
]


@pytest.mark.parametrize("more", CASES)
def test_many_epochs_at_once_leave_what_one_after_the_other_leaves(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, object]
) -> None:
    trained = []
    for seconds in (0.0, 1e9):
        monkeypatch.setattr(module, "SECONDS_AT_ONCE", seconds)
        epochs: list[int] = []
        trained.append((train(config(epochs=137, **more), lambda epoch, _, told=epochs: told.append(epoch)), epochs))
    (one, singly), (other, together) = trained
    assert singly == [*range(138)]
    assert together == [*range(12), 13, 17, 25, 41, 73, 137]
    same_trainings(one, other)


DIVERGING = [
    {"learning_rate": 0.1, "weight_decay": 22},
    {"learning_rate": 0.1, "weight_decay": 21, "batch_size": 25},
    {"optimizer": "adamw", "learning_rate": 1, "weight_decay": 3, "dataset": {"test_points_per_class": 0}},
]


@pytest.mark.parametrize("more", DIVERGING)
def test_many_epochs_at_once_end_where_one_after_the_other_diverges(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, object]
) -> None:
    trained = []
    for seconds in (0.0, 1e9):
        monkeypatch.setattr(module, "SECONDS_AT_ONCE", seconds)
        trained.append(train(config(epochs=300, activation="relu", **more), silent))
    assert trained[0].status == "diverged"
    assert 30 < len(trained[0].loss) < 300
    assert np.isfinite(trained[0].loss[:-1]).all()
    same_trainings(*trained)


@pytest.mark.parametrize("more", [{}, {"batch_size": 7}, {"optimizer": "adam", "learning_rate": 0.05}])
def test_held_out_points_change_nothing_of_the_training(more: dict[str, object]) -> None:
    with_them = train(config(**more), silent)
    without = train(config(dataset={"points_per_class": 20, "test_points_per_class": 0}, **more), silent)
    assert without.held_out is None
    assert list(without.curves) == ["loss", "accuracy"]
    assert np.array_equal(with_them.points.features, without.points.features)
    for name, values in without.curves.items():
        assert np.array_equal(with_them.curves[name], values)
    for name, values in without.state.parameters.items():
        assert np.array_equal(with_them.state.parameters[name], values)


def test_held_out_points_have_the_fourth_stream_of_the_seed() -> None:
    training = train(config(seed=5), silent)
    streams = [np.random.default_rng(stream) for stream in np.random.SeedSequence(5).spawn(4)]
    data, *_ = np.random.SeedSequence(5).spawn(3)
    assert np.array_equal(training.held_out.features, held_out_arms(3, 100, 0.2, streams[3]).features)
    assert np.array_equal(training.points.features, arms(3, 20, 0.2, np.random.default_rng(data)).features)


def test_a_run_that_is_gone_on_with_measures_the_same(epoch_by_epoch: None) -> None:
    states: list[State] = []
    whole = train(config(epochs=125), silent, keep=lambda session: states.append(session.state()))
    for epoch in (5, 60, 104, 110):
        state = states[epoch - 1]
        assert state.epoch == epoch
        kept = replace(state, curves={name: values.copy() for name, values in state.curves.items()})
        resumed = train(config(epochs=125), silent, resumed=kept)
        for name, values in whole.curves.items():
            assert np.array_equal(resumed.curves[name], values, equal_nan=True), (epoch, name)
