from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from autodiff.experiment import pictures
from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import Experiment
from autodiff.experiment.errors import InputError
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.progress import Progress
from autodiff.experiment.runs import run as running
from autodiff.experiment.runs.place import claimed
from autodiff.experiment.runs.recall import recalled
from autodiff.experiment.runs.record import changed_since, read_record
from autodiff.experiment.runs.run import Options, Outcome
from autodiff.experiment.studies.compare import for_comparison, of_record, write_comparison
from autodiff.experiment.studies.findings import Findings
from autodiff.experiment.studies.plan import Plan
from autodiff.experiment.training.schedule import frame_epochs
from autodiff.experiment.training.training import train


def experiment(name: str, epochs: int, frames: int) -> Experiment:
    fields: dict[str, Any] = {"activation": "relu", "optimizer": "sgd", "learning_rate": 0.1, "hidden": [4]}
    fields |= {"dataset": {"points_per_class": 5}, "epochs": epochs, "frames": frames}
    return Experiment(name, Config.model_validate(fields))


def plan(experiments: list[Experiment], seeds: int = 1, combinations: int = 1) -> Plan:
    return Plan(tuple(experiments), len(experiments) // seeds // combinations, combinations, seeds)


def run_all(experiments: list[Experiment], options: Options) -> list[Outcome]:
    with ExitStack() as stack:
        places = [stack.enter_context(claimed(options.results, each.name)) for each in experiments]
        return [
            running.run(each, options, Progress(visible=False), place, Interrupts())
            for each, place in zip(experiments, places, strict=True)
        ]


def compare(outcomes: list[Outcome], options: Options) -> Path:
    with claimed(options.results, "comparison") as place:
        return write_comparison(Findings(outcomes), options, place, Interrupts()).folder


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "draw", lambda *arguments: None)


def test_runs_that_are_compared_keep_frames_at_the_same_epochs(tmp_path: Path) -> None:
    experiments = [experiment("long", 90, 12), experiment("short", 25, 30), experiment("same", 90, 5)]
    outcomes = run_all(experiments, for_comparison(plan(experiments), Options(tmp_path)))
    long, short, same = (list(read_record(outcome.folder).frames()) for outcome in outcomes)
    assert long == same == sorted({*frame_epochs(90, 12), 25})
    assert short == [epoch for epoch in long if epoch <= 25]


def drawn_titles(folder: Path, monkeypatch: pytest.MonkeyPatch, experiments: list[Experiment]) -> list[str]:
    """Compare experiments with drawing left out; return the titles under which they would be drawn."""
    titles: list[str] = []
    monkeypatch.setattr(pictures, "render_curves", lambda films, path: titles.extend(film.title for film in films))
    options = for_comparison(plan(experiments), Options(folder, animate=False))
    compare(run_all(experiments, options), options)
    return titles


def test_runs_are_drawn_under_their_names_where_titles_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = experiment("one", 3, 3), experiment("other", 3, 3)
    assert drawn_titles(tmp_path, monkeypatch, [one, other]) == ["one", "other"]
    adam = Experiment("adam", Config.model_validate(one.config.resolved() | {"optimizer": "adam", "momentum": None}))
    assert drawn_titles(tmp_path / "again", monkeypatch, [one, adam]) == ["ReLU + SGD", "ReLU + Adam"]


def test_a_comparison_replaces_an_earlier_one_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_titles(tmp_path, monkeypatch, [experiment("one", 3, 3)])
    (tmp_path / "comparison" / "boundaries.gif").touch()
    drawn_titles(tmp_path, monkeypatch, [experiment("one", 3, 3)])
    assert {path.name for path in (tmp_path / "comparison").iterdir()} == {"table.csv", "table.md", "comparison.json"}
    assert {path.name for path in tmp_path.iterdir()} == {"one", "comparison"}


def test_a_comparison_that_cannot_be_drawn_keeps_its_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(films: Any, path: Path) -> None:
        raise RuntimeError("no\nfont")

    monkeypatch.setattr(pictures, "render_curves", broken)
    experiments = [experiment("one", 3, 3)]
    options = for_comparison(plan(experiments), Options(tmp_path))
    with claimed(tmp_path, "comparison") as place:
        comparison = write_comparison(Findings(run_all(experiments, options)), options, place, Interrupts())
    assert comparison.error == "compare: the pictures could not be drawn (RuntimeError: no font); the tables are kept"
    assert (tmp_path / "comparison" / "table.md").exists()


def test_a_comparison_knows_which_of_its_records_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = experiment("one", 3, 3), experiment("other", 3, 3)
    drawn_titles(tmp_path, monkeypatch, [one, other])
    assert changed_since(tmp_path / "comparison") == []
    run_all([one], Options(tmp_path))
    assert changed_since(tmp_path / "comparison") == [str(tmp_path / "one")]


def test_records_are_compared_as_the_runs_that_left_them(tmp_path: Path) -> None:
    [outcome] = run_all([experiment("one", 30, 6)], Options(tmp_path))
    again = of_record(read_record(outcome.folder))
    assert again.experiment == outcome.experiment
    assert again.summary == outcome.summary
    expected, found = train(outcome.experiment.config, lambda *measured: None), recalled(read_record(outcome.folder))
    assert {name: curve.tolist() for name, curve in found.curves.items()} == {
        name: curve.tolist() for name, curve in expected.curves.items()
    }
    assert found.snapshots.keys() == expected.snapshots.keys()
    for epoch, snapshot in found.snapshots.items():
        assert (snapshot(found.points.features) == expected.snapshots[epoch](expected.points.features)).all()


def test_a_grid_has_room_for_twelve_runs(tmp_path: Path) -> None:
    experiments = [experiment(str(number), 5, 5) for number in range(13)]
    with pytest.raises(InputError, match=r"at most 12 runs, found 13; with --no-gif"):
        for_comparison(plan(experiments), Options(tmp_path))
    with pytest.raises(InputError, match=r"at most 12 runs, found 14; with --no-gif"):
        for_comparison(plan(experiments[:1]), Options(tmp_path), records=13)
    assert for_comparison(plan(experiments), Options(tmp_path, animate=False)).frame_epochs
    assert for_comparison(plan(experiments[:12]), Options(tmp_path)).frame_epochs


def test_runs_that_need_too_much_memory_together_are_refused(tmp_path: Path) -> None:
    wide = experiment("wide", 1000, 400)
    wide = Experiment("wide", wide.config.model_copy(update={"hidden": [512, 512]}))
    assert for_comparison(plan([wide]), Options(tmp_path))
    with pytest.raises(InputError, match=r"compare: 6 runs .* need about .* GB of memory together; at most 2 GB"):
        for_comparison(plan([wide] * 6), Options(tmp_path))
    assert for_comparison(plan([wide] * 6, seeds=6), Options(tmp_path))  # of which one seed is drawn
