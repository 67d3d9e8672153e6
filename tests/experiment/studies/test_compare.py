from pathlib import Path
from typing import Any

import pytest

from autodiff.experiment import pictures as render
from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import Experiment
from autodiff.experiment.errors import InputError
from autodiff.experiment.progress import Progress
from autodiff.experiment.runs import run as running
from autodiff.experiment.runs.run import Options
from autodiff.experiment.studies.compare import for_comparison, write_comparison
from autodiff.experiment.training.schedule import frame_epochs


def experiment(name: str, epochs: int, frames: int) -> Experiment:
    fields: dict[str, Any] = {"activation": "relu", "optimizer": "sgd", "learning_rate": 0.1, "hidden": [4]}
    fields |= {"dataset": {"points_per_class": 5}, "epochs": epochs, "frames": frames}
    return Experiment(name, Config.model_validate(fields))


def test_runs_that_are_compared_keep_frames_at_the_same_epochs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_draw", lambda *arguments: None)
    experiments = [experiment("long", 90, 12), experiment("short", 25, 30), experiment("same", 90, 5)]
    options = for_comparison(experiments, Options(tmp_path))
    kept = []
    for each in experiments:
        (tmp_path / each.name).mkdir()
        kept.append(list(running.run(each, options, Progress(visible=False)).training.snapshots))
    long, short, same = kept
    assert long == same == sorted({*frame_epochs(90, 12), 25})
    assert short == [epoch for epoch in long if epoch <= 25]


def drawn_titles(folder: Path, monkeypatch: pytest.MonkeyPatch, experiments: list[Experiment]) -> list[str]:
    """Compare experiments with drawing left out; return the titles under which they would be drawn."""
    titles: list[str] = []
    monkeypatch.setattr(running, "_draw", lambda *arguments: None)
    monkeypatch.setattr(render, "render_curves", lambda films, path: titles.extend(film.title for film in films))
    options = for_comparison(experiments, Options(folder, animate=False))
    for each in experiments:
        (folder / each.name).mkdir()
    outcomes = [running.run(each, options, Progress(visible=False)) for each in experiments]
    write_comparison(outcomes, options)
    return titles


def test_runs_are_drawn_under_their_names_where_titles_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = experiment("one", 3, 3), experiment("other", 3, 3)
    assert drawn_titles(tmp_path, monkeypatch, [one, other]) == ["one", "other"]
    adam = Experiment("adam", one.config.model_copy(update={"optimizer": "adam"}))
    (tmp_path / "again").mkdir()
    assert drawn_titles(tmp_path / "again", monkeypatch, [one, adam]) == ["ReLU + SGD", "ReLU + Adam"]


def test_nothing_of_an_earlier_comparison_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "comparison").mkdir()
    (tmp_path / "comparison" / "boundaries.gif").touch()
    drawn_titles(tmp_path, monkeypatch, [experiment("one", 3, 3)])
    assert {path.name for path in (tmp_path / "comparison").iterdir()} == {"table.csv", "table.md"}


def test_a_grid_has_room_for_twelve_runs(tmp_path: Path) -> None:
    experiments = [experiment(str(number), 5, 5) for number in range(13)]
    with pytest.raises(InputError, match=r"at most 12 runs, found 13; with --no-gif"):
        for_comparison(experiments, Options(tmp_path))
    assert for_comparison(experiments, Options(tmp_path, animate=False)).frame_epochs
    assert for_comparison(experiments[:12], Options(tmp_path)).frame_epochs
