"""A run that is killed, whenever that is, loses seconds at most, and resumed it has the bytes of one never killed."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.command_line import forked

CONFIG = """\
activation: relu
optimizer: {optimizer}
learning_rate: 0.02
epochs: {epochs}
frames: 6
hidden: [8]
dataset: {{points_per_class: 20}}
"""
CASES = {
    "adam": CONFIG.format(optimizer="adam", epochs=60),
    "batches": CONFIG.format(optimizer="sgd\nmomentum: 0.9\nbatch_size: 25", epochs=115),
}
PROGRAM = """
import os, signal, sys
import autodiff.experiment.runs.run as run
import autodiff.experiment.training.training as training
import cli
run.SECONDS_BETWEEN, run.MOST_OF_THE_TIME = 0.0, float("inf")  # a checkpoint whenever one may be written
training.SECONDS_AT_ONCE = float(sys.argv.pop(1))
fatal, steps = int(sys.argv.pop(1)), 0
def counted(original):
    def step(*arguments, **keywords):
        global steps
        steps += 1
        if steps == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **keywords)
    return step
os.rename, os.replace, os.fsync = map(counted, (os.rename, os.replace, os.fsync))
try:
    cli.main()
finally:
    print("steps", steps)
"""
pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL")


def adrun(
    folder: Path, results: str, *options: str, fatal: int = 0, at_once: float = 0.0
) -> "subprocess.CompletedProcess[str]":
    """Train, killed at a step of writing to the disk if one is given.

    at_once: the seconds of training between checkpoints. Without any, there is one after every epoch.
    """
    arguments = [str(at_once), str(fatal), "train", "run.yaml", "--no-report", "--results", results, *options]
    return forked(folder, PROGRAM, *arguments)


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a run, but for the times in its summary."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "summary.json"}


@pytest.mark.parametrize(("case", "at_once"), [("adam", 0.0), ("batches", 1e9)])
def test_a_killed_run_is_resumed_to_the_very_bytes(tmp_path: Path, case: str, at_once: float) -> None:
    (tmp_path / "run.yaml").write_text(CASES[case])
    done = adrun(tmp_path, "whole", at_once=at_once)
    assert done.returncode == 0, done.stderr
    steps = int(done.stdout.split()[-1])
    expected = contents(tmp_path / "whole" / "run")
    assert expected.keys() >= {"log.csv", "model.safetensors", "frames.safetensors", "boundary.gif", "boundary.png"}
    assert expected["health.csv"].count(b"\n") > 10
    assert steps > 20
    resumed_from = set()
    for fatal in (4, steps // 2, *range(steps - 9, steps + 1, 3)):
        results = f"killed-{fatal}"
        killed = adrun(tmp_path, results, fatal=fatal, at_once=at_once)
        assert killed.returncode == -signal.SIGKILL
        standing = tmp_path / results / "run"
        assert not standing.exists() or contents(standing) == expected
        done = adrun(tmp_path, results, "--resume")
        assert done.returncode == 0, done.stderr
        assert contents(standing) == expected, (fatal, done.stdout, done.stderr)
        assert [path.name for path in (tmp_path / results).iterdir()] == ["run"]
        resumed_from.add(json.loads((standing / "summary.json").read_text())["resumed_from_epoch"])
    assert len(resumed_from) >= 2  # not always from the start


def test_a_finished_run_has_nothing_to_resume(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(CASES["adam"].replace("60", "40"))
    adrun(tmp_path, "results")
    before = (tmp_path / "results" / "run" / "summary.json").read_bytes()
    done = adrun(tmp_path, "results", "--resume")
    assert done.returncode == 0
    assert done.stdout.startswith("run: done already, at epoch 40; nothing to resume in ")
    assert (tmp_path / "results" / "run" / "summary.json").read_bytes() == before


def test_an_unfinished_run_of_another_config_is_not_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(CASES["adam"])
    adrun(tmp_path, "results", fatal=30)
    (tmp_path / "run.yaml").write_text(CASES["adam"].replace("0.02", "0.03").replace("[8]", "[9]"))
    done = adrun(tmp_path, "results", "--resume")
    assert done.returncode == 1
    assert "the unfinished run there has another config (learning_rate, hidden); take its own config" in done.stderr
