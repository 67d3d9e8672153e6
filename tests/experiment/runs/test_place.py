"""Records are whole or absent, and nothing finished is destroyed, whatever is killed when."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autodiff.experiment import files
from autodiff.experiment.errors import InputError, RunError
from autodiff.experiment.runs import place as places
from autodiff.experiment.runs.place import claimed, is_alive, numbered
from autodiff.experiment.runs.record import COMPARISON, SUMMARY, read_record

ROOT = Path(__file__).parents[3]


class Killed(BaseException):
    """What stands for a kill: nothing in the code may catch it, and nothing of it runs afterwards."""


def write(results: Path, seed: int, status: str = "done", *, overwrite: bool = False, name: str = "run") -> Path | None:
    """Write a run of two files that belong together, as runs do, and publish it."""
    with claimed(results, name) as place:
        place.begin({"status": "running", "config": {"seed": seed}, "ended": None}, afresh=True)
        (place.staging / "log.csv").write_text(f"{seed}")
        place.tell({"status": status, "config": {"seed": seed}, "ended": "2026-01-02T03:04:05+00:00"})
        return place.publish(overwrite=overwrite)


def whole(folder: Path) -> int:
    """Return the seed of the run in a folder, whose files must belong together."""
    record = read_record(folder)
    assert record.ended
    seed = record.summary["config"]["seed"]
    assert (folder / "log.csv").read_text() == str(seed)
    return int(seed)


def records(results: Path) -> dict[str, int]:
    return {entry.name: whole(entry) for entry in sorted(results.iterdir()) if entry.name != ".running"}


def test_a_run_of_the_same_config_replaces_its_equal(tmp_path: Path) -> None:
    assert write(tmp_path, 1) is None
    assert write(tmp_path, 1) is None
    assert records(tmp_path) == {"run": 1}


def test_a_run_of_another_config_is_kept_under_a_numbered_name(tmp_path: Path) -> None:
    assert [write(tmp_path, seed) for seed in (1, 2, 3)] == [None, tmp_path / "run.1", tmp_path / "run.2"]
    assert records(tmp_path) == {"run": 3, "run.1": 1, "run.2": 2}
    assert write(tmp_path, 4, overwrite=True) is None
    assert records(tmp_path) == {"run": 4, "run.1": 1, "run.2": 2}


def test_numbers_follow_the_highest(tmp_path: Path) -> None:
    for name in ("run", "run.2", "run.10", "run.x", "run.٣", "running.77"):
        (tmp_path / name).mkdir()
    assert numbered(tmp_path / "run") == tmp_path / "run.11"


def test_a_folder_that_is_no_record_is_kept_as_well(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert write(tmp_path, 1) is None  # an empty one is nothing to keep
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    assert write(tmp_path, 1, name="mine") == tmp_path / "mine.1"
    assert (tmp_path / "mine.1" / "notes.txt").read_text() == "mine"


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count what is done to the disk; when the number given as `fatal` is reached, the process is as good as killed."""
    done: list[str] = []

    def counted(module: Any, name: str) -> None:
        original = getattr(module, name)

        def step(*arguments: Any, **keywords: Any) -> Any:
            done.append(f"{name} {[Path(a).name for a in arguments if isinstance(a, str | Path)]}")
            if len(done) == fatal[0]:
                raise Killed
            return original(*arguments, **keywords)

        monkeypatch.setattr(module, name, step)

    fatal = [0]
    for module, name in ((os, "rename"), (os, "replace"), (os, "fsync"), (places.shutil, "rmtree")):
        counted(module, name)
    monkeypatch.setattr(files, "fatal", fatal, raising=False)
    return done


@pytest.mark.parametrize("before", [None, 1, 2], ids=["nothing stands there", "its equal", "another"])
def test_a_kill_at_every_step_leaves_whole_records_and_loses_none(
    tmp_path: Path, before: int | None, steps: list[str]
) -> None:
    kills = 0
    for fatal in range(1, 100):
        results = tmp_path / str(fatal)
        files.fatal[0] = 0  # type: ignore[attr-defined]
        if before is not None:
            write(results, before)
        steps.clear()
        files.fatal[0] = fatal  # type: ignore[attr-defined]
        try:
            write(results, 1)
        except Killed:
            kills += 1
        else:
            assert kills >= 5  # fsync of files and folders, and renames
            return
        files.fatal[0] = 0  # type: ignore[attr-defined]
        at_the_kill = records(results)  # each whole, or absent
        with claimed(results, "run"):
            pass  # whoever comes next sets right what was left
        afterwards = records(results)
        lost = {*at_the_kill.values(), *([] if before is None else [before])} - {*afterwards.values()}
        assert not lost, (fatal, steps, at_the_kill, afterwards)
        assert not (results / ".running" / "run.old").exists()
        if before is not None:
            assert "run" in afterwards
        write(results, 1)
        assert records(results)["run"] == 1
    raise AssertionError("it never came to its end")


def test_a_run_that_had_ended_when_it_was_killed_is_moved_by_the_next(tmp_path: Path) -> None:
    write(tmp_path, 1)
    with claimed(tmp_path, "run") as place:
        place.begin({"status": "done", "config": {"seed": 2}, "ended": "2026-01-02T03:04:05+00:00"}, afresh=True)
        (place.staging / "log.csv").write_text("2")
    with claimed(tmp_path, "run"):
        pass
    assert records(tmp_path) == {"run": 2, "run.1": 1}


@pytest.mark.parametrize("status", ["running", "interrupted", "failed"])
def test_what_did_not_end_is_left_for_resuming(tmp_path: Path, status: str) -> None:
    write(tmp_path, 1)
    with claimed(tmp_path, "run") as place:
        place.begin({"status": status, "config": {"seed": 1}, "ended": None}, afresh=True)
        (place.staging / ".boundary.1.gif").touch()
    with claimed(tmp_path, "run") as place:
        unfinished = place.unfinished()
        assert unfinished is not None
        assert unfinished.status == status
        place.begin({"status": "running", "config": {"seed": 1}}, afresh=False)
        assert not list(place.staging.glob(".*"))  # a file that was cut off
    assert records(tmp_path) == {"run": 1}


def test_a_comparison_replaces_a_comparison_and_nothing_else(tmp_path: Path) -> None:
    def compare() -> Path | None:
        with claimed(tmp_path, "both") as place:
            place.staging.mkdir(parents=True)
            (place.staging / COMPARISON).write_text('{"runs": []}')
            return place.publish()

    write(tmp_path, 1, name="both")
    assert compare() == tmp_path / "both.1"
    assert compare() is None
    assert whole(tmp_path / "both.1") == 1


HOLDER = """
import sys, time
from pathlib import Path
from autodiff.experiment.runs.place import claimed
with claimed(Path(sys.argv[1]), "run") as place:
    owner = {"process": 4711, "host": "here", "started": "2026-01-02T03:04:05+00:00"}
    place.begin({"status": "running", "config": {}, **owner}, afresh=True)
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_writer_is_refused_and_told_the_first_whose_lock_dies_with_it(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        assert first.stdout.readline() == "held\n"
        with pytest.raises(
            RunError,
            match=r"run: is being written by process 4711 on here, since 2026.*; wait for it",
        ):
            write(tmp_path, 1)
        with claimed(tmp_path, "other") as place:
            assert not is_alive(place) or place.name == "other"
            assert is_alive(places.Place(tmp_path, "run"))
        first.kill()
    assert not is_alive(places.Place(tmp_path, "run"))
    assert write(tmp_path, 1) is None


def test_nothing_is_left_beside_the_records(tmp_path: Path) -> None:
    write(tmp_path / "results", 1)
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["run"]


def test_a_results_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "results").touch()
    with pytest.raises(InputError, match="results: cannot be written to"):
        write(tmp_path / "results", 1)


def test_the_summary_is_plain_json(tmp_path: Path) -> None:
    write(tmp_path, 1)
    assert json.loads((tmp_path / "run" / SUMMARY).read_text())["status"] == "done"
