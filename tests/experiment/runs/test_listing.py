import json
from collections.abc import Callable
from pathlib import Path

import pytest

from autodiff.experiment.errors import InputError
from autodiff.experiment.runs.listing import Listing, listing, nothing_in
from autodiff.experiment.runs.place import claimed
from autodiff.experiment.runs.record import Record, read_record, write_comparison_of

Put = Callable[..., Path]


@pytest.fixture
def results(tmp_path: Path, put: Put) -> Path:
    put(tmp_path / "runs" / "a", final={"epoch": 4, "loss": 0.5, "accuracy": 0.75})
    put(tmp_path / "runs" / "b", optimizer="sgd", momentum=0.9, noise=0.3, ended="2025-01-02T00:00:00+00:00")
    put(tmp_path / "runs" / "c", "diverged", hidden=[64, 64], final={"epoch": 2, "loss": None, "accuracy": 0.9})
    return tmp_path / "runs"


def listed(results: Path, *where: str, sort: str = "name") -> Listing:
    faults: list[str] = []
    found = listing(results, where, sort, faults.append)
    assert faults == []
    return found


def names(found: Listing) -> str:
    return " ".join(run.name for run in found.runs)


def test_the_table_shows_what_differs_and_what_was_reached(results: Path) -> None:
    head, a, b, c = listed(results).table().splitlines()
    assert head.split() == [
        "run", "status", "optimizer", "noise", "hidden", "momentum", "epochs", "loss", "accuracy", "age", "seconds",
    ]  # fmt: skip
    assert a.split()[:8] == ["a", "done", "adam", "0.2", "[5]", "4", "0.500000", "75.00%"]
    assert b.split()[:7] == ["b", "done", "sgd", "0.3", "[5]", "0.9", "4"]
    assert c.split()[:9] == ["c", "diverged", "adam", "0.2", "[64,64]", "2/4", "not", "finite", "90.00%"]
    assert a.endswith("d     1.50")


@pytest.mark.parametrize(
    ("field", "order"),
    [
        ("name", "a b c"),
        ("loss", "b a c"),  # what has none comes last
        ("accuracy", "c a b"),  # the best first
        ("age", "b a c"),
        ("noise", "a c b"),
        ("dataset.noise", "a c b"),
        ("optimizer", "a c b"),
        ("momentum", "b a c"),
        ("hidden", "a b c"),
        ("status", "c a b"),
        ("epochs", "a b c"),
    ],
)
def test_runs_are_sorted_by_any_field(results: Path, field: str, order: str) -> None:
    assert names(listed(results, sort=field)) == order


@pytest.mark.parametrize(
    ("conditions", "chosen"),
    [
        (["optimizer=adam"], "a c"),
        (["optimizer = adam", "status=diverged"], "c"),
        (["noise=3e-1"], "b"),
        (["dataset.noise=.2"], "a c"),
        (["hidden=[64, 64]"], "c"),
        (["name=b"], "b"),
        (["momentum=null"], "a c"),
        (["batch_size=7"], ""),  # a field that configs may have and none has
        (["epochs=4"], "a b c"),
        (["seed=false"], ""),  # 0 is not false
    ],
)
def test_runs_are_chosen_by_their_fields(results: Path, conditions: list[str], chosen: str) -> None:
    assert names(listed(results, *conditions)) == chosen


@pytest.mark.parametrize(
    ("conditions", "sort", "message"),
    [
        (["optimiser=adam"], "name", r"--where optimiser=adam: .*did you mean optimizer\?"),
        (["optimizer"], "name", r"--where optimizer: must be field=value"),
        (["=3"], "name", r"--where =3: must be field=value"),
        ([], "los", r"--sort los: there is no field 'los' \(did you mean loss\?\)"),
    ],
)
def test_fields_that_there_are_not_are_told(results: Path, conditions: list[str], sort: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        listed(results, *conditions, sort=sort)


@pytest.mark.parametrize("columns", [40, 60, 80, 100])
def test_the_table_fits_a_terminal(results: Path, put: Put, columns: int) -> None:
    put(results / "a-very-long-name-of-a-run-that-was-given-one", learning_rate=0.123456789)
    lines = listed(results).table(columns).splitlines()
    assert max(map(len, lines)) <= columns
    assert "status" in lines[0]
    assert "loss" in lines[0]


def test_a_run_under_way_shows_the_epoch_in_its_log_and_one_whose_process_is_gone_was_interrupted(
    results: Path, put: Put
) -> None:
    with claimed(results, "live") as place:
        put(place.staging, "running", final=None, ended=None, seconds=None)
        with (place.staging / "log.csv").open("a") as log:
            log.write("5,0.1,0.")  # being written
        [live] = listed(results, "name=live").runs
        assert (live.fields["status"], live.fields["epoch"], live.fields["loss"]) == ("running", 4, 0.2)
        assert live.fields["seconds"] == pytest.approx(live.fields["age"], abs=1)
        assert listed(results).advice == ""
    found = listed(results)
    assert found.runs[-1].fields["status"] == "interrupted"
    cut = results / ".running" / "live" / "config.yaml"
    assert found.advice == f"live: was cut off; `adrun train {cut} --resume --results {results}` goes on from there"
    (results / ".running" / "live" / "log.csv").write_text("epoch,loss,accuracy\n")
    assert listed(results, "name=live").table().splitlines()[1].split()[:3] == ["live", "interrupted", "0/4"]


def test_a_run_that_is_about_to_be_replaced_is_not_listed(results: Path, put: Put) -> None:
    put(results / ".running" / "a.old")
    assert names(listed(results)) == "a b c"


def test_a_run_that_ends_while_it_is_listed_is_listed_once(
    results: Path, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ending(folder: Path) -> Record:
        record = read_record(folder)
        if record.staged:
            folder.rename(results / folder.name)
        return record

    put(results / ".running" / "d", "running")
    monkeypatch.setattr("autodiff.experiment.runs.listing.read_record", ending)
    assert [run.folder.parent for run in listed(results).runs] == [results] * 4


def test_a_comparison_is_outdated_when_one_of_its_runs_has_changed_and_may_be_moved(results: Path) -> None:
    (results / ".running" / "comparison").mkdir(parents=True)
    write_comparison_of([results / "a", results / "b"], results / ".running" / "comparison")
    (results / ".running" / "comparison").rename(results / "comparison")
    (results / ".running").rmdir()
    [comparison] = listed(results).comparisons
    assert comparison.as_json()["status"] == "up to date"
    moved = results.rename(results.with_name("moved"))
    summary = read_record(moved / "b").summary
    assert listed(moved).comparisons[0].changed == ()
    (moved / "b" / "summary.json").write_text(json.dumps(summary | {"ended": "2026-01-01T00:00:00+00:00"}))
    [comparison] = listed(moved, "status=outdated").comparisons
    assert comparison.as_json()["changed"] == [str(moved / "b")]
    assert listed(moved).table().splitlines()[-1].split() == ["comparison", "outdated", "a,", "b", "(changed)"]
    assert listed(moved, "optimizer=null").comparisons == []
    (moved / "b" / "summary.json").unlink()
    assert listed(moved).comparisons[0].changed == (str(moved / "b"),)


DAMAGED = {
    "cut": "{",
    "list": "[]",
    "empty": "{}",
    "config": '{"status": "done", "config": 3}',
    "status": '{"status": null, "config": {}}',
    "ended": '{"status": "done", "config": {}, "ended": "yesterday"}',
    "started": '{"status": "done", "config": {}, "started": 3}',
    "zone": '{"status": "done", "config": {}, "ended": "2025-01-01T00:00:00"}',
    "final": '{"status": "done", "config": {}, "final": {"epoch": 1}}',
    "loss": '{"status": "done", "config": {}, "final": {"epoch": 1, "loss": "x", "accuracy": 1}}',
    "seconds": '{"status": "done", "config": {}, "seconds": 3}',
}


def test_a_damaged_record_is_told_and_the_others_are_listed(results: Path) -> None:
    for name, text in DAMAGED.items():
        (results / name).mkdir()
        (results / name / "summary.json").write_text(text)
    (results / "comparison").mkdir()
    (results / "comparison" / "comparison.json").write_text('{"runs": 3}')
    faults: list[str] = []
    assert names(listing(results, (), "name", faults.append)) == "a b c"
    assert len(faults) == len(DAMAGED) + 1
    for name in [*DAMAGED, "comparison"]:
        assert any(fault.startswith(str(results / name)) for fault in faults)


def test_a_folder_without_runs_says_where_some_are(results: Path, tmp_path: Path) -> None:
    assert f"there are some in {results}" in nothing_in(results.parent)
    assert f"`adrun ls {results}` lists it" in nothing_in(results / "a")
    (tmp_path / "empty").mkdir()
    assert "no runs here yet; `adrun train CONFIG --results" in nothing_in(tmp_path / "empty")
    with pytest.raises(InputError, match="no such folder"):
        listed(tmp_path / "none")
    with pytest.raises(InputError, match="is a file, not a folder"):
        listed(results / "a" / "log.csv")


def test_a_run_as_json_is_its_summary_and_what_is_listed(results: Path) -> None:
    document = listed(results).runs[0].as_json()
    assert document["config"]["hidden"] == [5]
    assert (document["epoch"], document["loss"], document["folder"]) == (4, 0.5, str(results / "a"))
    json.dumps(document, allow_nan=False)


def test_what_was_reached_on_held_out_points_is_listed_if_a_run_has_some(results: Path, put: Put) -> None:
    more = {"epoch": 4, "loss": 0.5, "accuracy": 0.75}
    put(results / "d", final=more | {"test_loss": 2.0, "test_accuracy": 0.25})
    put(results / "e", final=more | {"test_loss": None, "test_accuracy": 0.5})
    found = listed(results, "name=d")
    head, d = found.table().splitlines()
    assert " ".join(head.split()) == "run status epochs loss accuracy test loss test accuracy age seconds"
    assert d.split()[2:7] == ["4", "0.500000", "75.00%", "2.000000", "25.00%"]
    assert names(listed(results, sort="test_accuracy")) == "e d a b c"
    assert names(listed(results, sort="test_loss")) == "d a b c e"
    assert names(listed(results, "test_accuracy=0.25")) == "d"
    assert found.runs[0].as_json()["test_loss"] == 2.0
    for columns in (40, 60, 80, 100):
        lines = listed(results).table(columns).splitlines()
        assert max(map(len, lines)) <= columns
        assert "test accuracy" in lines[0] or columns < 60
