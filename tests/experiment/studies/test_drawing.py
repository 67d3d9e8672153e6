"""What is drawn of a study: the runs of each setting, read from their records."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autodiff.experiment import pictures
from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import Experiment
from autodiff.experiment.errors import RunError
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.runs import run as running
from autodiff.experiment.runs.run import Options, Outcome
from autodiff.experiment.studies.drawing import draw
from autodiff.experiment.studies.findings import Findings
from autodiff.experiment.studies.here import Here

RENDERERS = ("curves", "bands", "seeds", "agreement", "grid", "sweep", "heatmap")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what is given to each renderer, by its name; nothing is drawn."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(running, "draw", lambda *arguments: None)
    for name in RENDERERS:

        def render(first: Any, path: Path, name: str = name, **options: Any) -> None:
            given[name] = (first, path.name, options)

        monkeypatch.setattr(pictures, f"render_{name}", render)
    return given


def outcomes(folder: Path, *runs: tuple[str, dict[str, Any]]) -> list[Outcome]:
    """Train runs of some fields each."""
    fields: dict[str, Any] = {"activation": "relu", "optimizer": "sgd", "learning_rate": 0.1, "hidden": [4]}
    fields |= {"dataset": {"points_per_class": 5}, "epochs": 6, "frames": 3}
    experiments = [Experiment(name, Config.model_validate(fields | own)) for name, own in runs]
    return list(Here(Interrupts(), visible=False).outcomes(experiments, Options(folder)))


def seeds(name: str, count: int = 3, **fields: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(f"{name},seed={seed}", {"seed": seed, **fields}) for seed in range(count)]


def test_one_seed_is_drawn_as_curves_and_a_grid(tmp_path: Path, drawn: dict[str, Any]) -> None:
    found = outcomes(tmp_path, ("one", {}), ("two", {"optimizer": "adam"}))
    draw(Findings(found), tmp_path, Options(tmp_path), ())
    assert drawn.keys() == {"curves", "grid"}
    assert [film.title for film in drawn["grid"][0]] == ["ReLU + SGD", "ReLU + Adam"]
    drawn.clear()
    draw(Findings(found), tmp_path, Options(tmp_path, animate=False), ())
    assert drawn.keys() == {"curves"}


def test_several_seeds_are_drawn_with_all_their_curves_dots_and_networks(tmp_path: Path, drawn: dict[str, Any]) -> None:
    found = outcomes(tmp_path, *seeds("one"), *seeds("two", optimizer="adam"))
    draw(Findings(found), tmp_path, Options(tmp_path), ())
    assert drawn.keys() == {"bands", "seeds", "agreement", "grid"}
    bands, name, _ = drawn["bands"]
    assert name == "curves.png"
    assert [(setting.title, len(setting.training), len(setting.held_out)) for setting in bands] == [
        ("ReLU + SGD", 3, 3),
        ("ReLU + Adam", 3, 3),
    ]
    logs = [np.loadtxt(outcome.folder / "log.csv", delimiter=",", skiprows=1) for outcome in found]
    for curve, log in zip([*bands[0].training, *bands[1].training], logs, strict=True):
        np.testing.assert_allclose(curve.loss, log[:, 1], rtol=1e-6)
        np.testing.assert_allclose(curve.accuracy, log[:, 2], rtol=1e-6)
    dots, _, options = drawn["seeds"]
    assert options == {"of": "held-out", "threshold": 0.95}
    assert dots[0].accuracy.tolist() == [outcome.summary["final"]["test_accuracy"] for outcome in found[:3]]
    assert np.isinf(dots[0].epochs).all()
    votes = drawn["agreement"][0]
    assert [len(setting.logits) for setting in votes] == [3, 3]
    assert not np.array_equal(*(network(votes[0].features) for network in votes[0].logits[:2]))
    assert len(drawn["grid"][0]) == 2


def test_a_swept_number_is_drawn_as_a_line_for_each_config(tmp_path: Path, drawn: dict[str, Any]) -> None:
    runs = [
        run
        for name, optimizer in (("one", "sgd"), ("two", "adam"))
        for rate in (0.1, 0.01)
        for run in seeds(f"{name},learning_rate={rate}", 2, optimizer=optimizer, learning_rate=rate)
    ]
    found = outcomes(tmp_path, *runs)
    draw(Findings(found), tmp_path, Options(tmp_path), [("learning_rate",)])
    lines, name, options = drawn["sweep"]
    assert (name, options) == ("sweep.png", {"field": "learning_rate", "of": "held-out"})
    assert [(line.title, line.values) for line in lines] == [("one", (0.1, 0.01)), ("two", (0.1, 0.01))]
    expected = [outcome.summary["final"]["test_accuracy"] for outcome in found]
    assert [a for line in lines for accuracies in line.accuracies for a in accuracies] == expected


def test_two_swept_fields_are_drawn_as_a_map_with_gaps_where_all_seeds_diverged(
    tmp_path: Path, drawn: dict[str, Any]
) -> None:
    runs = [
        (f"one,hidden={width},learning_rate={rate:g}", {"hidden": [width], "learning_rate": rate})
        for width in (3, 4)
        for rate in (0.1, 1e25)
    ]
    found = outcomes(tmp_path, *runs)
    draw(Findings(found), tmp_path, Options(tmp_path), [("hidden",), ("learning_rate",)])
    [only], name, options = drawn["heatmap"]
    assert name == "heatmap.png"
    assert options == {
        "down": ("hidden", ["[3]", "[4]"]),
        "across": ("learning_rate", ["0.1", "1e+25"]),
        "of": "held-out",
    }
    expected = [found[0].summary["final"]["test_accuracy"], found[2].summary["final"]["test_accuracy"]]
    assert only.accuracies[:, 0].tolist() == expected
    assert [found[1].status, found[3].status] == ["diverged", "diverged"]
    assert all(map(math.isinf, only.accuracies[:, 1]))


def test_a_record_that_was_replaced_meanwhile_is_not_drawn_as_the_one_that_was_compared(
    tmp_path: Path, drawn: dict[str, Any]
) -> None:
    [outcome] = outcomes(tmp_path, ("one", {}))
    other = replace(outcome, summary=outcome.summary | {"ended": "2020-01-01T00:00:00+00:00"})
    with pytest.raises(RunError, match="one: was replaced while the comparison was made; compare again"):
        draw(Findings([other]), tmp_path, Options(tmp_path), ())
    assert drawn == {}


def test_what_the_networks_agree_on_is_not_asked_of_those_that_diverged(tmp_path: Path, drawn: dict[str, Any]) -> None:
    found = outcomes(tmp_path, *seeds("one"), *seeds("wild", learning_rate=1e25))
    assert {outcome.status for outcome in found[3:]} == {"diverged"}
    draw(Findings(found), tmp_path, Options(tmp_path, animate=False), ())
    assert [len(setting.logits) for setting in drawn["agreement"][0]] == [3]
