"""Runs that are interrupted, fail or meet each other: nothing finished is lost, and every ending is told."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import CONFIG, ENVIRONMENT, PROGRAM, forked, interrupted


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, optimizer in (("one", "sgd"), ("two", "adam")):
        (tmp_path / f"{name}.yaml").write_text(CONFIG.replace("sgd", optimizer))
    return tmp_path


def adrun(folder: Path, *arguments: str, before: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """Run adrun after some lines of Python."""
    if not options and hasattr(os, "fork"):
        done = forked(folder, PROGRAM.format(before), *arguments)
        assert "Traceback" not in done.stderr, done.stderr
        return done
    environment = ENVIRONMENT | options.pop("environment", {})
    settings: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM.format(before), *arguments],
        cwd=folder, env=environment, text=True, timeout=120, check=False, **settings,
    )  # fmt: skip
    assert "Traceback" not in (done.stderr or ""), done.stderr
    return done


def status(folder: Path) -> str:
    return str(json.loads((folder / "summary.json").read_text())["status"])


SLOW = ("--set", "epochs=1000000")
CHECKPOINT = "results/.running/one,epochs=1000000/checkpoint.safetensors"


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_end_a_run_in_order_and_further_ones_change_nothing(folder: Path, name: str) -> None:
    number = getattr(signal, name)
    others = [number, signal.SIGTERM, number]
    hearing = "signal.signal(signal.SIGHUP, signal.SIG_DFL)"  # nohup has it ignored
    command = ["train", "one.yaml", "two.yaml", *SLOW, "--jobs", "1"]
    done = interrupted(folder, *command, signals=[number, *others], until=CHECKPOINT, before=hearing)
    assert done.returncode == 130, done.stderr
    assert "one,epochs=1000000: interrupted: loss " in done.stderr
    assert done.stderr.rstrip().endswith("--resume goes on from there")
    assert status(folder / "results" / "one,epochs=1000000") == "interrupted"
    assert [path.name for path in (folder / "results").iterdir()] == ["one,epochs=1000000"]


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interrupted_run_leaves_a_finished_one_as_it_is(folder: Path) -> None:
    assert adrun(folder, "train", "one.yaml").returncode == 0
    before = (folder / "results" / "one" / "log.csv").read_bytes()
    (folder / "one.yaml").write_text(CONFIG.replace("epochs: 12", "epochs: 1000000"))
    until = "results/.running/one/checkpoint.safetensors"
    done = interrupted(folder, "train", "one.yaml", "--json", signals=[signal.SIGINT], until=until)
    assert done.returncode == 130
    assert "one: the finished run in results/one stays as it is" in done.stderr
    [run] = json.loads(done.stdout)["runs"]
    assert (run["status"], run["folder"]) == ("interrupted", "results/.running/one")
    assert (folder / "results" / "one" / "log.csv").read_bytes() == before
    assert (folder / "results" / ".running" / "one" / "log.csv").exists()


def test_seeds_and_overrides_leave_a_run_each_and_another_config_keeps_the_first(folder: Path) -> None:
    for seed in ("1", "2"):
        assert adrun(folder, "train", "one.yaml", "--seed", seed, "--no-gif").returncode == 0
    assert adrun(folder, "train", "one.yaml", "--set", "hidden=[4,4]", "--no-gif").returncode == 0
    assert adrun(folder, "train", "one.yaml", "--name", "mine", "--no-gif").returncode == 0
    names = {path.name for path in (folder / "results").iterdir()}
    assert names == {"one,seed=1", "one,seed=2", "one,hidden=4x4", "mine"}
    (folder / "two.yaml").rename(folder / "mine.yaml")
    done = adrun(folder, "train", "mine.yaml", "--no-gif")
    assert f"mine: what stood there, of another config, is kept as {Path('results/mine.1')}" in done.stderr
    done = adrun(folder, "train", "one.yaml", "--name", "mine", "--no-gif", "--overwrite")
    assert done.stderr == ""
    assert {path.name for path in (folder / "results").iterdir()} == names | {"mine.1"}


def test_compare_resumes_what_is_missing_and_takes_records(folder: Path) -> None:
    assert adrun(folder, "compare", "one.yaml", "two.yaml", "--jobs", "1").returncode == 0
    first = (folder / "results" / "one" / "summary.json").read_bytes()
    picture = (folder / "results" / "comparison" / "boundaries.gif").read_bytes()
    (folder / "three.yaml").write_text(CONFIG.replace("relu", "tanh"))
    done = adrun(folder, "compare", "one.yaml", "two.yaml", "three.yaml", "--resume", "--json", "--jobs", "1")
    assert [run["name"] for run in json.loads(done.stdout)["runs"]] == ["one", "two", "three"]
    assert (folder / "results" / "one" / "summary.json").read_bytes() == first
    done = adrun(folder, "compare", "results/one", "results/two", "--name", "again")
    assert done.returncode == 0, done.stderr
    assert (folder / "results" / "one" / "summary.json").read_bytes() == first
    assert (folder / "results" / "again" / "boundaries.gif").read_bytes() == picture


FAULTS = {
    "its folder cannot be written to": (
        "import autodiff.experiment.runs.place as place, errno, os\n"
        "begin = place.Place.begin\n"
        "def full(self, *a, **k):\n"
        "    if self.name == 'one': raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))\n"
        "    return begin(self, *a, **k)\n"
        "place.Place.begin = full",
        f"{Path('results/one')}: cannot be written to: No space left on device",
    ),
    "there is not enough memory": (
        "import autodiff.experiment.runs.run as run\n"
        "train = run.train\n"
        "def hungry(config, *rest):\n"
        "    if config.optimizer.name == 'sgd': raise MemoryError\n"
        "    return train(config, *rest)\n"
        "run.train = hungry",
        "one: failed: not enough memory; take narrower layers, fewer points or fewer frames",
    ),
    "it cannot be drawn": (
        "import autodiff.experiment.runs.run as run\n"
        "draw = run.draw\n"
        "def broken(experiment, *rest):\n"
        "    if experiment.name == 'one': raise ValueError('no\\nfont')\n"
        "    return draw(experiment, *rest)\n"
        "run.draw = broken",
        "one: its pictures could not be drawn (ValueError: no font); log and model are kept",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("command", ["train", "compare"])
def test_one_fault_is_one_line_and_takes_no_other_run_down(folder: Path, fault: str, command: str) -> None:
    before, words = FAULTS[fault]
    done = adrun(folder, command, "one.yaml", "two.yaml", "--json", "--jobs", "1", before=before)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(words)
    document = json.loads(done.stdout)
    assert document["errors"] == [line]
    assert document["runs"][-1]["status"] == "done"
    assert status(folder / "results" / "two") == "done"
    if fault == "it cannot be drawn":
        assert status(folder / "results" / "one") == "done"
        assert (folder / "results" / "one" / "model.safetensors").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "missing.yaml"],
        ["train", "one.yaml", "--set", "x"],
        ["compare"],
        ["train"],
        ["train", "one.yaml", "--epochs", "3"],
        ["trian", "one.yaml"],
    ],
)
def test_bad_input_too_is_one_json_document(folder: Path, arguments: list[str]) -> None:
    done = adrun(folder, *arguments, "--json")
    assert done.returncode == 2
    document = json.loads(done.stdout)
    assert document["runs"] == []
    assert document["errors"]


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_reader_that_has_seen_enough_ends_no_run(folder: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = adrun(folder, "train", "one.yaml", "two.yaml", "--no-gif", "--jobs", "1", stdout=writer)
    os.close(writer)
    assert done.returncode == 0, done.stderr
    assert status(folder / "results" / "two") == "done"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_full_stdout_is_one_line_and_ends_no_run(folder: Path, more: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = adrun(folder, "train", "one.yaml", "two.yaml", "--no-gif", "--jobs", "1", *more, stdout=full)
    assert done.returncode == 1
    assert done.stderr == "stdout: cannot be written to: No space left on device\n"
    assert status(folder / "results" / "two") == "done"


def test_two_processes_do_not_write_one_run(folder: Path) -> None:
    command = [
        sys.executable,
        "-c",
        PROGRAM.format(""),
        "train",
        "one.yaml",
        "--set",
        "epochs=1000000",
        "--name",
        "one",
    ]
    with subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stderr=subprocess.PIPE) as first:
        try:
            deadline = time.monotonic() + 60
            while not (folder / "results/.running/one/summary.json").exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            done = adrun(folder, "train", "one.yaml")
        finally:
            first.kill()
    assert done.returncode == 1
    assert f"results/one: is being written by process {first.pid} on " in done.stderr.replace(os.sep, "/")


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "nonsense", "TkAgg"])
def test_the_machine_s_own_matplotlib_settings_do_not_matter(folder: Path, backend: str) -> None:
    (folder / "matplotlibrc").write_text("text.usetex: True\naxes.facecolor: red\n")
    plain = adrun(folder, "train", "one.yaml", "--results", "plain", environment={"MATPLOTLIBRC": "/dev/null"})
    done = adrun(folder, "train", "one.yaml", environment={"MPLBACKEND": backend})
    assert (plain.returncode, done.returncode) == (0, 0), done.stderr
    for name in ("boundary.gif", "boundary.png"):
        assert (folder / "results/one" / name).read_bytes() == (folder / "plain/one" / name).read_bytes()


def test_a_folder_in_the_home_is_found_where_the_shell_does_not_expand_it(folder: Path) -> None:
    environment = {"HOME": str(folder / "home"), "USERPROFILE": str(folder / "home")}
    for arguments in (["train", "one.yaml", "--no-gif", "--results=~/runs"], ["ls", "~/runs"], ["init", "~/mine"]):
        done = adrun(folder, *arguments, environment=environment)
        assert done.returncode == 0, done.stderr
    assert status(folder / "home" / "runs" / "one") == "done"
    assert len(list((folder / "home" / "mine").iterdir())) == 4
    assert not (folder / "~").exists()
