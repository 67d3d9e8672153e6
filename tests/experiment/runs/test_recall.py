import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import Experiment
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.pictures.of_training import film_of
from autodiff.experiment.progress import Progress
from autodiff.experiment.runs.place import claimed
from autodiff.experiment.runs.recall import recalled
from autodiff.experiment.runs.record import read_record
from autodiff.experiment.runs.run import Options, Outcome, run
from autodiff.experiment.training.training import Training, train


@pytest.fixture
def outcome(tmp_path: Path) -> Iterator[Outcome]:
    """Yield a run with held-out points, some epochs of which were not measured on them."""
    fields = {"activation": "relu", "optimizer": "adam", "learning_rate": 0.05, "epochs": 123, "hidden": [6]}
    data = {"points_per_class": 10, "test_points_per_class": 7}
    experiment = Experiment("one", Config.model_validate(fields | {"frames": 30, "dataset": data}))
    with claimed(tmp_path, "one") as place:
        yield run(experiment, Options(tmp_path, animate=False), Progress(visible=False), place, Interrupts())


def training_of(outcome: Outcome) -> Training:
    """Train it once more, which gives the same bytes."""
    return train(outcome.experiment.config, lambda epoch, measured: None)


def test_held_out_points_are_recalled_with_what_was_measured_on_them(outcome: Outcome) -> None:
    training, again = training_of(outcome), recalled(read_record(outcome.folder))
    assert again.held_out is not None
    assert training.held_out is not None
    for one, other in zip([*training.points, *training.held_out], [*again.points, *again.held_out], strict=True):
        assert np.array_equal(one, other)
    for name, values in training.curves.items():
        assert np.array_equal(again.curves[name], values, equal_nan=True)


def test_a_record_without_held_out_points_is_recalled_without_them(outcome: Outcome) -> None:
    """As records were before there were any: neither config, nor log, nor summary says anything of them."""
    folder = outcome.folder
    config, log, summary = (folder / name for name in ("config.yaml", "log.csv", "summary.json"))
    config.write_text(config.read_text().replace(" test_points_per_class: 7,", ""))
    assert "test_" not in config.read_text()
    log.write_text("".join(",".join(line.split(",")[:3]) + "\n" for line in log.read_text().splitlines()))
    values = json.loads(summary.read_text())
    for row in (values["final"], values["best"]):
        del row["test_loss"], row["test_accuracy"]
    del values["test_points"], values["test_best"], values["epochs_to_test_accuracy"]
    summary.write_text(json.dumps(values))
    training, again = training_of(outcome), recalled(read_record(folder))
    assert again.held_out is None
    assert list(again.curves) == ["loss", "accuracy"]
    assert np.array_equal(again.loss, training.loss)
    film = film_of("one", outcome.experiment.config, again)
    assert film.held_out is None
    assert film.frames[-1].test_loss is None


def test_frames_tell_what_the_run_measured_or_would_have(outcome: Outcome) -> None:
    training = training_of(outcome)
    film = film_of("one", outcome.experiment.config, training)
    loss, accuracy = training.curves["test_loss"], training.curves["test_accuracy"]
    measured = [frame for frame in film.frames if not np.isnan(loss[frame.epoch])]
    assert 0 < len(measured) < len(film.frames)
    for frame in measured:
        assert frame.test_loss == pytest.approx(loss[frame.epoch], rel=1e-5)
        assert frame.test_accuracy == accuracy[frame.epoch]
    assert all(frame.test_loss is not None for frame in film.frames)
    assert film.held_out is not None
    assert film.held_out.curve.epochs.tolist() == [*range(101), 110, 120, 123]
    assert np.isfinite(film.held_out.curve.loss).all()


def test_the_sentence_tells_both(outcome: Outcome) -> None:
    final = outcome.summary["final"]
    told = f"(held out: {final['test_loss']:.6f}, {final['test_accuracy']:.2%}) after 123 epochs"
    assert f"accuracy {final['accuracy']:.2%} {told}" in outcome.sentence
