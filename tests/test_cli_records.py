"""The commands that work with records, run as processes."""

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command_line import COMMAND, CONFIG, ENVIRONMENT, ROOT, adrun, interrupted

Put = Callable[..., Path]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "one.yaml").write_text(CONFIG)
    (folder / "two.yaml").write_text(CONFIG.replace("sgd", "adam"))
    adrun(folder, "compare", "one.yaml", "two.yaml", "--jobs", "1")
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "copy"))


def test_ls_lists_runs_and_comparisons(folder: Path) -> None:
    lines = [line.split() for line in adrun(folder, "ls").stdout.splitlines()]
    assert [line[:3] for line in lines[1:3]] == [["one", "done", "sgd"], ["two", "done", "adam"]]
    assert lines[3:] == [[], ["comparison", "status", "runs"], ["comparison", "up", "to", "date", "one,", "two"]]
    assert "up to date" in adrun(folder.parent, "ls", str(folder / "results")).stdout
    adrun(folder, "train", "one.yaml", "--no-gif")
    assert "outdated  one (changed), two" in adrun(folder, "ls").stdout
    document = json.loads(adrun(folder, "ls", "results", "--json", "--where", "optimizer=adam").stdout)
    assert [run["name"] for run in document["runs"]] == ["two"]
    assert document["comparisons"] == document["errors"] == []


def test_ls_tells_what_is_wrong_and_lists_the_rest(folder: Path) -> None:
    (folder / "results" / "one" / "summary.json").write_text("{")
    done = adrun(folder, "ls", code=1)
    assert done.stderr.startswith("results/one/summary.json: is damaged: ".replace("/", os.sep))
    assert "two" in done.stdout
    document = json.loads(adrun(folder, "ls", "--json", code=1).stdout)
    assert len(document["errors"]) == 1
    assert "did you mean loss?" in adrun(folder, "ls", "--sort", "lss", code=2).stderr


def test_ls_says_where_to_look_when_there_is_nothing(folder: Path) -> None:
    assert "nowhere: no such folder; `adrun train CONFIG`" in adrun(folder, "ls", "nowhere", code=2).stderr
    done = adrun(folder, "ls", ".")
    assert done.stdout == ""
    assert "there are some in results" in done.stderr
    assert json.loads(adrun(folder, "ls", ".", "--json").stdout) == {"runs": [], "errors": [], "comparisons": []}


def test_ls_is_quick_since_it_imports_little(folder: Path) -> None:
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import cli\nsys.argv = ['adrun', 'ls']\n"
    script += "cli.app(standalone_mode=False)\nprint([n for n in ('numpy', 'yaml', 'matplotlib') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_show_shows_a_run_by_its_name_and_by_its_path(folder: Path) -> None:
    by_name = adrun(folder, "show", "one", PYTHONIOENCODING="utf-8").stdout
    assert by_name.startswith("one: ReLU + SGD, done; ")
    assert "█" in by_name
    assert max(map(len, by_name.splitlines()[-9:])) <= 80
    plain = adrun(folder, "show", "results/one", PYTHONIOENCODING="ascii").stdout
    assert plain.isascii()
    assert "###" in plain
    [run] = json.loads(adrun(folder, "show", "one", "--json").stdout)["runs"]
    assert run["files"].keys() >= {"model.safetensors", "log.csv"}
    assert "did you mean one?" in adrun(folder, "show", "onne", code=2).stderr
    assert "is a comparison" in adrun(folder, "show", "comparison", code=2).stderr


def test_a_name_that_the_terminal_cannot_show_is_no_fault(folder: Path) -> None:
    (folder / "results" / "one").rename(folder / "results" / "größer")
    assert "gr??er" in adrun(folder, "ls", PYTHONIOENCODING="ascii").stdout


def test_diff_shows_in_what_runs_differ(folder: Path) -> None:
    lines = adrun(folder, "diff", "one", "results/two").stdout.splitlines()
    assert [line.split() for line in lines[:2]] == [["config", "one", "two"], ["optimizer", "sgd", "adam"]]
    assert lines[-1] == "the logs differ from epoch 1 on"
    assert "the configs are the same" in adrun(folder, "diff", "one", "one").stdout
    document = json.loads(adrun(folder, "diff", "one", "two", "--json").stdout)
    assert document["differences"]["config"] == {"optimizer": ["sgd", "adam"], "momentum": [0, None]}
    adrun(folder, "diff", "one", "none", code=2)


def test_rm_asks_and_removes(folder: Path) -> None:
    refused = adrun(folder, "rm", "one", code=2)
    assert "There is no terminal to ask on; give --yes" in refused.stderr
    adrun(folder, "rm", "one", "none", "--yes", code=2)
    assert (folder / "results" / "one").exists()
    document = json.loads(adrun(folder, "rm", "one", "comparison", "--yes", "--json").stdout)
    assert [Path(path).name for path in document["removed"]] == ["one", "comparison"]
    assert [path.name for path in (folder / "results").iterdir()] == ["two"]


@pytest.mark.parametrize(("answer", "removed"), [("y", True), ("n", False), ("", False)])
def test_rm_asks_on_a_terminal(folder: Path, answer: str, removed: bool) -> None:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "rm", "one"],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        os.write(ours, f"{answer}\n".encode())
        out, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0
    assert err.startswith(b"remove results/one for good? [y/N] ")
    assert (folder / "results" / "one").exists() is not removed
    assert (b"removed results/one" in out) is removed


def test_predict_reads_stdin_and_files_and_tells_the_line_that_is_wrong(folder: Path) -> None:
    assert adrun(folder, "predict", "one", given="x,y\n0,1\n-1,.5\n").stdout.split()[0] == "class"
    (folder / "points.csv").write_text("0,1\n-1,.5\n2,x\n")
    done = adrun(folder, "predict", "results/one", "--data", "points.csv", "--probabilities", code=2)
    head, *lines = done.stdout.splitlines()
    assert head == "class,probability_0,probability_1,probability_2"
    assert [sum(map(float, line.split(",")[1:])) for line in lines] == pytest.approx([1, 1], abs=1e-6)
    assert done.stderr == "points.csv:3: must be a finite number, found 'x'\n"
    assert adrun(folder, "predict", "one", "--data", "-", given="", code=2).stderr.startswith("stdin: is empty")
    assert "nix.csv: cannot be read" in adrun(folder, "predict", "one", "--data", "nix.csv", code=2).stderr
    assert ": cannot be read: Is a directory" in adrun(folder, "predict", "one", "--data", ".", code=2).stderr


def test_predict_answers_as_points_arrive_and_stops_when_nobody_reads(folder: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "predict", "one"], cwd=folder, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(b"0,1\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"class\n"
        assert process.stdout.readline() in (b"0\n", b"1\n", b"2\n")
        process.stdout.close()
        process.stdin.write(b"0,1\n")
        process.stdin.close()
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == b""


def test_draw_draws_again_without_training(folder: Path) -> None:
    written = folder / "results" / "one"
    before = {path.name: path.read_bytes() for path in written.iterdir()}
    (written / "boundary.gif").write_bytes(b"lost")
    adrun(folder, "draw", "one")
    assert {path.name: path.read_bytes() for path in written.iterdir()} == before
    document = json.loads(adrun(folder, "draw", "one", "--style", "crisp", "--animation", "webp", "--json").stdout)
    assert [Path(path).name for path in document["pictures"]] == ["boundary.png", "boundary.webp"]
    after = {path.name: path.read_bytes() for path in written.iterdir()}
    assert after.pop("boundary.webp")[8:12] == b"WEBP"
    assert {name for name, data in after.items() if data != before[name]} == {"boundary.png"}
    adrun(folder, "draw", "one", "--width", "500")
    assert (written / "boundary.png").read_bytes()[16:24] == struct.pack(">II", 500, 400)
    (written / "frames.safetensors").unlink()
    assert "frames.safetensors: cannot be read" in adrun(folder, "draw", "one", code=2).stderr


def test_a_draw_that_is_interrupted_leaves_the_old_pictures(folder: Path) -> None:
    (folder / "long.yaml").write_text(CONFIG.replace("epochs: 12", "epochs: 999").replace("frames: 3", "frames: 999"))
    adrun(folder, "train", "long.yaml", "--no-gif")
    written = folder / "results" / "long"
    before = {path.name: path.read_bytes() for path in written.iterdir()}
    done = interrupted(folder, "draw", "long", signals=[signal.SIGINT], until="results/.running/.long.drawing/.*")
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
    assert {path.name: path.read_bytes() for path in written.iterdir()} == before
    assert not (folder / "results" / ".running").exists()
