"""Studies as a user sees them: several seeds, swept values, and runs that go at once."""

import csv
import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.command_line import CONFIG, adrun, interrupted


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "configs").mkdir()
    for name, optimizer in (("one", "sgd"), ("two", "adam")):
        (tmp_path / "configs" / f"{name}.yaml").write_text(CONFIG.replace("sgd", optimizer))
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_several_seeds_leave_a_record_each_and_are_told_by_their_spread(folder: Path) -> None:
    done = adrun(folder, "compare", "--all", "--seeds", "2-4", "--jobs", "2")
    assert done.stderr.startswith("6 runs (2 configs x 3 seeds), 2 at once: about ")
    runs = {f"{name},seed={seed}" for name in ("one", "two") for seed in (2, 3, 4)}
    assert names(folder / "results") == runs | {"comparison"}
    lines = done.stdout.splitlines()
    assert lines[0].split()[:4] == ["config", "seeds", "accuracy", "IQR"]
    assert [line.split()[:2] for line in lines[1:3]] == [["one", "3"], ["two", "3"]]
    assert "neither one nor two reaches 95% held-out accuracy in any of 3 seeds" in done.stdout
    assert "fewer than 6 seeds: the intervals are too narrow, and no difference is claimed" in done.stdout
    written = folder / "results" / "comparison"
    assert names(written) >= {"table.csv", "table.md", "runs.csv", "statistics.json", "curves.png", "boundaries.gif"}
    assert {row["run"] for row in csv.DictReader((written / "runs.csv").read_text().splitlines())} == runs
    statistics = json.loads((written / "statistics.json").read_text())
    assert [setting["seeds"] for setting in statistics["settings"]] == [[2, 3, 4], [2, 3, 4]]
    assert not any((folder / "results" / run / "boundary.gif").exists() for run in runs)


def test_the_records_and_the_comparison_are_the_same_with_one_job_and_with_two(folder: Path) -> None:
    for jobs in ("1", "2"):
        adrun(folder, "compare", "--all", "--seeds", "2", "--jobs", jobs, "--results", f"jobs{jobs}", "--no-gif")
    one, two = (
        {path.relative_to(folder / jobs): path for path in (folder / jobs).rglob("*")} for jobs in ("jobs1", "jobs2")
    )
    assert one.keys() == two.keys()
    same = [path for path in one if path.suffix in (".png", ".safetensors", ".yaml") or path.name == "log.csv"]
    same += [Path("comparison/table.csv"), Path("comparison/table.md"), Path("comparison/statistics.json")]
    assert len(same) > 20
    for path in same:
        assert one[path].read_bytes() == two[path].read_bytes(), path


def test_one_seed_says_that_there_is_no_spread(folder: Path) -> None:
    done = adrun(folder, "compare", "--all", "--no-gif", "--jobs", "1")
    assert "one seed: no spread; `--seeds 10` would tell what holds beyond it" in done.stdout


def test_records_of_several_seeds_are_compared_like_the_study_that_made_them(folder: Path) -> None:
    first = adrun(folder, "compare", "--all", "--seeds", "3", "--no-gif", "--jobs", "1").stdout.splitlines()
    records = sorted(f"results/{name}" for name in names(folder / "results") if "seed" in name)
    again = adrun(folder, "compare", *records, "--no-gif", "--name", "again").stdout.splitlines()
    assert again[:-1] == first[:-1]


def test_records_are_compared_as_they_are_and_each_once(folder: Path) -> None:
    adrun(folder, "train", "configs/one.yaml", "--no-gif")
    for option in (["--seeds", "3"], ["--sweep", "epochs=5,6"], ["--set", "epochs=5"], ["--seed", "1"]):
        assert "records are compared as they are" in adrun(folder, "compare", "results/one", *option, code=2).stderr
    done = adrun(folder, "compare", "results/one", "results/../results/one", code=2)
    assert "results/one: is given more than once; give each run once" in done.stderr
    assert names(folder / "results") == {"one"}


def test_train_takes_seeds(folder: Path) -> None:
    done = adrun(folder, "train", "configs/one.yaml", "--seeds", "3,5", "--no-gif", "--jobs", "1")
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["one,seed=3", "one,seed=5"]
    assert names(folder / "results") == {"one,seed=3", "one,seed=5"}


def test_a_sweep_trains_every_combination(folder: Path) -> None:
    sweep = ["--sweep", "learning_rate=0.1,0.2", "--sweep", "hidden=[5],7"]
    done = adrun(folder, "compare", "configs/one.yaml", *sweep, "--no-gif", "--jobs", "1")
    rows = list(csv.DictReader((folder / "results" / "comparison" / "table.csv").read_text().splitlines()))
    assert [(row["learning_rate"], row["hidden"]) for row in rows] == [
        ("0.1", "[5]"), ("0.1", "[7]"), ("0.2", "[5]"), ("0.2", "[7]")
    ]  # fmt: skip
    assert "4 runs (1 config x 4 combinations)" in done.stderr
    assert "best by final held-out accuracy: one,hidden=" in done.stdout
    assert "one seed: no spread" in done.stdout


def test_a_dry_run_tells_what_would_be_trained_and_trains_nothing(folder: Path) -> None:
    done = adrun(folder, "compare", "--all", "--sweep", "epochs=5,6", "--seeds", "2", "--dry-run", "--jobs", "1")
    *runs, last = done.stdout.splitlines()
    assert runs == [
        f"{name},epochs={epochs},seed={seed}" for name in ("one", "two") for epochs in (5, 6) for seed in (0, 1)
    ]
    assert last.startswith("8 runs (2 configs x 2 combinations x 2 seeds), 1 at once: about ")
    document = json.loads(adrun(folder, "compare", "--all", "--dry-run", "--json", "--jobs", "1").stdout)
    assert (document["plan"], document["runs"], document["errors"]) == (["one", "two"], [], [])
    assert set(document["estimate"]) == {"jobs", "seconds", "bytes"}
    assert not (folder / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["compare", "--all", "--seeds", "x"], "--seeds x: must be a number of seeds (20 is 0 to 19), a range (0-19)"),
        (["train", "configs/one.yaml", "--seeds", "3", "--seed", "1"], "train: give --seed or --seeds, but not both"),
        (["compare", "--all", "--seeds", "3", "--seed", "1"], "compare: give --seed or --seeds, but not both"),
        (
            ["train", "configs/one.yaml", "--seeds", "3", "--name", "mine"],
            "--name: is for one run, and this would be 3",
        ),
        (["train", "configs/one.yaml", "--seeds", ""], "--seeds : must be a number of seeds"),
        (["compare", "--all", "--sweep", "seed=1,2"], "--sweep seed: seeds are given with --seeds"),
        (["compare", "--all", "--sweep", "epochs"], "--sweep epochs: must be key=value,value"),
        (["compare", "--all", "--sweep", "epochs=0,5"], "--sweep epochs=0: epochs: must be a whole number from 1"),
        (["compare", "--all", "--jobs", "0"], "--jobs"),
    ],
)
def test_a_study_that_cannot_be_is_refused_before_anything_runs(folder: Path, arguments: list[str], told: str) -> None:
    done = adrun(folder, *arguments, code=2)
    assert told in done.stderr
    assert not (folder / "results").exists()


def test_a_run_that_fails_in_a_worker_is_one_line_and_the_others_finish(folder: Path) -> None:
    (folder / "results" / ".running").mkdir(parents=True)
    (folder / "results" / ".running" / "one").touch()  # a file where the run's folder has to be
    done = adrun(folder, "train", "configs/one.yaml", "configs/two.yaml", "--jobs", "2", "--json", code=1)
    document = json.loads(done.stdout)
    assert [(run["name"], run["status"]) for run in document["runs"]] == [("one", "failed"), ("two", "done")]
    assert len(document["errors"]) == len(done.stderr.splitlines()) == 1
    assert "cannot be written to" in document["errors"][0]


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interrupted_study_keeps_what_its_runs_have_reached_and_goes_on(folder: Path) -> None:
    command = ["compare", "--all", "--seeds", "2", "--set", "epochs=1000000", "--jobs", "2", "--no-gif", "--json"]
    until = "results/.running/one,epochs=1000000,seed=1/checkpoint.safetensors"
    done = interrupted(folder, *command, signals=[signal.SIGINT, signal.SIGTERM], until=until)
    assert done.returncode == 130, done.stderr
    document = json.loads(done.stdout)
    assert [(run["name"], run["status"]) for run in document["runs"]] == [
        (f"one,epochs=1000000,seed={seed}", "interrupted") for seed in (0, 1)
    ]
    assert names(folder / "results") == {run["name"] for run in document["runs"]}


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_workers_are_gone_when_the_command_was_killed(folder: Path) -> None:
    command = ["train", "configs/one.yaml", "configs/two.yaml", "--set", "epochs=1000000", "--jobs", "2"]
    staging = folder / "results" / ".running" / "one,epochs=1000000"
    done = interrupted(
        folder, *command, signals=[signal.SIGKILL], until=str((staging / "checkpoint.safetensors").relative_to(folder))
    )
    assert done.returncode == -signal.SIGKILL
    worker = json.loads((staging / "summary.json").read_text())["process"]
    until_gone(worker)


def until_gone(process: int) -> None:
    """Wait until a process is gone; fail if it stays."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{process}/stat").exists() and ") Z " in Path(f"/proc/{process}/stat").read_text():
            return  # a zombie that nobody waits for
        time.sleep(0.02)
    raise AssertionError(f"process {process} is still there")
