from typing import Any

import numpy as np
import pytest

from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import Experiment
from autodiff.experiment.runs.summary import begun, summarise
from autodiff.experiment.training.training import Training, train


def trained(test_points: int) -> tuple[Training, dict[str, Any]]:
    fields = {"activation": "relu", "optimizer": "adam", "learning_rate": 0.05, "epochs": 123, "hidden": [16]}
    data = {"points_per_class": 20, "test_points_per_class": test_points}
    config = Config.model_validate(fields | {"dataset": data})
    training = train(config, lambda epoch, measured: None)
    return training, summarise(begun(Experiment("one", config), None), training, "done", 0.0)


def test_a_summary_holds_what_was_reached_on_held_out_points() -> None:
    training, summary = trained(10)
    curves = training.curves
    assert (summary["points"], summary["test_points"]) == (60, 30)
    assert summary["final"] == {"epoch": 123} | {name: values[123] for name, values in curves.items()}
    best = int(np.nanargmin(curves["test_loss"]))
    assert summary["test_best"] == {"epoch": best} | {name: values[best] for name, values in curves.items()}
    reached = [epoch for epoch in range(124) if curves["test_accuracy"][epoch] >= 0.9]
    assert summary["epochs_to_test_accuracy"]["0.90"] == reached[0]
    assert summary["epochs_to_test_accuracy"].keys() == summary["epochs_to_accuracy"].keys()


def test_what_was_not_measured_or_is_not_finite_is_null() -> None:
    training, _ = trained(10)
    training.curves["loss"][110], training.curves["test_loss"][110] = -1, np.inf
    summary = summarise({}, training, "done", 0.0)
    assert summary["best"]["epoch"] == 110
    assert summary["best"]["test_loss"] is None
    assert summary["best"]["test_accuracy"] is not None
    training.curves["loss"][111] = -2
    best = summarise({}, training, "done", 0.0)["best"]
    assert (best["epoch"], best["test_loss"], best["test_accuracy"]) == (111, None, None)


@pytest.mark.parametrize("name", ["test_best", "epochs_to_test_accuracy"])
def test_without_held_out_points_there_is_nothing_of_them(name: str) -> None:
    _, summary = trained(0)
    assert name not in summary
    assert summary["final"].keys() == {"epoch", "loss", "accuracy"}
