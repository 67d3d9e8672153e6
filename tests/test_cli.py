"""The command line, run as a process."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import CONFIG, ENVIRONMENT, ROOT, adrun, forked, interrupted


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "one.yaml").write_text(CONFIG)
    (tmp_path / "configs" / "two.yaml").write_text(CONFIG.replace("sgd", "adam"))
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_train_writes_its_folder_and_says_what_was_reached(folder: Path) -> None:
    done = adrun(folder, "train", "configs/one.yaml")
    [line] = done.stdout.splitlines()
    assert line.startswith("one: loss ")
    assert line.endswith(f"written to {Path('results/one')}")
    assert done.stderr == ""
    written = folder / "results" / "one"
    assert names(written) == {
        "config.yaml", "log.csv", "boundary.gif", "boundary.png", "summary.json",
        "model.safetensors", "frames.safetensors", "health.csv", "report.html",
    }  # fmt: skip
    log = rows(written / "log.csv")
    assert [int(row["epoch"]) for row in log] == list(range(13))
    summary = json.loads((written / "summary.json").read_text())
    assert summary["status"] == "done"
    assert summary["final"]["epoch"] == 12
    assert summary["final"]["loss"] == pytest.approx(float(log[-1]["loss"]), rel=1e-6)
    assert summary["best"]["loss"] == pytest.approx(min(float(row["loss"]) for row in log), rel=1e-6)
    assert summary["parameters"] == 2 * 5 + 5 + 5 * 3 + 3
    assert summary["points"] == 30
    assert set(summary["versions"]) == {"adrun", "Python", "NumPy"}
    assert set(summary["seconds"]) == {"training", "drawing"}


def test_the_same_config_and_seed_give_the_same_bytes(folder: Path) -> None:
    for results in ("a", "b"):
        adrun(folder, "train", "configs/two.yaml", "--results", results, "--no-gif", "--set", "batch_size=7")
    adrun(folder, "train", "configs/two.yaml", "--results", "c", "--no-gif", "--set", "batch_size=7", "--seed", "1")
    names = {"a": "two,batch_size=7", "b": "two,batch_size=7", "c": "two,batch_size=7,seed=1"}
    first, again, other = ((folder / results / name / "log.csv").read_bytes() for results, name in names.items())
    assert first == again
    assert first != other


def test_the_resolved_config_gives_the_same_run(folder: Path) -> None:
    adrun(folder, "train", "configs/one.yaml", "--set", "hidden=[4, 3]", "--set", "dataset.noise=1e-3", "--no-gif")
    name = "one,hidden=4x3,noise=0.001"
    written = folder / "results" / name
    first = {file: (written / file).read_bytes() for file in ("config.yaml", "log.csv")}
    assert b"hidden: [4, 3]" in first["config.yaml"]
    assert first["config.yaml"].startswith(f"# {name}, ".encode())
    assert b"NumPy" in first["config.yaml"].splitlines()[0]
    adrun(folder, "train", f"results/{name}/config.yaml", "--results", "again", "--no-gif")
    assert {file: (folder / "again" / name / file).read_bytes() for file in first} == first


def test_no_gif_leaves_the_last_frame_and_nothing_of_an_earlier_run(folder: Path) -> None:
    adrun(folder, "train", "configs/one.yaml", "--animation", "webp")
    assert "boundary.webp" in names(folder / "results" / "one")
    adrun(folder, "train", "configs/one.yaml", "--no-gif")
    pictures = {name for name in names(folder / "results" / "one") if name.startswith("boundary")}
    assert pictures == {"boundary.png"}


def test_json_is_one_document_on_stdout(folder: Path) -> None:
    done = adrun(folder, "train", "configs/one.yaml", "configs/two.yaml", "--json", "--no-gif", "--jobs", "1")
    runs = json.loads(done.stdout)["runs"]
    assert [run["name"] for run in runs] == ["one", "two"]
    assert [run["config"]["optimizer"] for run in runs] == ["sgd", "adam"]
    assert [Path(run["folder"]) for run in runs] == [Path("results/one"), Path("results/two")]


def test_compare_prints_a_table_and_writes_the_comparison(folder: Path) -> None:
    done = adrun(folder, "compare", "--all")
    head, one, two, advice, last = done.stdout.splitlines()
    assert head.split()[0] == "run"
    assert advice.startswith("one seed: no spread")
    assert (one.split()[0], two.split()[0]) == ("one", "two")
    assert "results/comparison" in last.replace(os.sep, "/")
    written = folder / "results" / "comparison"
    assert names(written) == {
        "table.csv", "table.md", "curves.png", "boundaries.gif", "comparison.json", "report.html",
    }  # fmt: skip
    table = rows(written / "table.csv")
    assert [row["run"] for row in table] == ["one", "two"]
    for row in table:
        log = rows(folder / "results" / row["run"] / "log.csv")
        assert float(row["final_loss"]) == pytest.approx(float(log[-1]["loss"]), rel=1e-6)
    assert (written / "table.md").read_text().count("\n") == 4
    assert "boundary.gif" in names(folder / "results" / "one")


def test_compare_takes_the_configs_of_another_folder_and_runs_of_unequal_length(folder: Path) -> None:
    (folder / "configs").rename(folder / "mine")
    (folder / "mine" / "two.yaml").write_text(CONFIG.replace("epochs: 12", "epochs: 7"))
    done = adrun(folder, "compare", "--all", "--configs", "mine", "--json", "--jobs", "1")
    document = json.loads(done.stdout)
    assert [run["final"]["epoch"] for run in document["runs"]] == [12, 7]
    assert set(document["seconds"]) == {"training", "drawing"}
    assert Path(document["folder"]) == Path("results/comparison")


def test_a_diverging_run_is_told_kept_and_does_not_lose_the_others(folder: Path) -> None:
    (folder / "configs" / "wild.yaml").write_text(CONFIG.replace("0.1", "1e25"))
    done = adrun(folder, "compare", "configs/wild.yaml", "configs/one.yaml", "--jobs", "1", code=1)
    assert "wild: diverged: the loss became " in done.stderr
    assert "at epoch " in done.stderr
    assert "try a smaller learning_rate (it is 1e+25)" in done.stderr
    wild, one = rows(folder / "results" / "comparison" / "table.csv")
    assert (wild["status"], wild["final_loss"], one["status"]) == ("diverged", "", "done")
    kept = folder / "results" / "wild"
    assert "boundary.gif" in names(kept)
    log = rows(kept / "log.csv")
    assert log[-1]["loss"] in ("nan", "inf")
    summary = json.loads((kept / "summary.json").read_text())
    assert (summary["final"]["epoch"], summary["final"]["loss"]) == (len(log) - 1, None)
    assert summary["final"]["test_loss"] is None
    assert 1 < len(log) < 13


@pytest.mark.parametrize(
    ("rate", "change", "name"),
    [
        ("1e6", "smaller learning_rate (it is 1e+06)", "one,learning_rate=1000000"),
        ("1e-30", "larger learning_rate (it is 1e-30)", "one,learning_rate=1e-30"),
    ],
)
def test_a_run_that_ends_no_better_than_it_began_did_not_learn(folder: Path, rate: str, change: str, name: str) -> None:
    done = adrun(folder, "compare", "configs/one.yaml", "--set", f"learning_rate={rate}", "--no-gif", code=1)
    written = folder / "results" / name
    first, *_, last = rows(written / "log.csv")
    assert float(last["loss"]) >= float(first["loss"])
    assert done.stderr.startswith(f"{name}: did not learn: loss ")
    assert f"; it began with loss {float(first['loss']):.6f}: try a {change}; written to " in done.stderr
    assert done.stdout.splitlines()[1].endswith("did not learn")
    assert json.loads((written / "summary.json").read_text())["status"] == "did not learn"


def test_a_network_that_only_guesses_did_not_learn(folder: Path) -> None:
    decay = ["--set", "weight_decay=20", "--set", "learning_rate=0.04", "--set", "epochs=200"]
    done = adrun(folder, "train", "configs/one.yaml", *decay, "--no-gif", code=1)
    assert "one,epochs=200,learning_rate=0.04,weight_decay=20: did not learn: loss 1.0986" in done.stderr
    assert "try a smaller weight_decay (it is 20)" in done.stderr


MALFORMED = {
    "activation: rleu": "1:13: activation: must be one of relu, sigmoid, tanh, leaky_relu,",
    "optimizer: 3": "2:12: optimizer: must be one of sgd, adam, adamw",
    "learning_rate: nan": "3:16: learning_rate: must be a positive number, found 'nan'",
    "learning_rate: -0.1": "3:16: learning_rate: must be a positive number, found -0.1",
    "epochs: -1": "4:9: epochs: must be a whole number from 1 to 1,000,000",
    "epochs: 010": "4:9: epochs: 010 is read as octal by some and as decimal by others; write 10",
    "epochs: 1e12": "4:9: epochs: must be a whole number from 1 to 1,000,000",
    "epochs: 12\nepochs: 13": "5:1: epochs: given twice, first at line 4, column 1; keep one",
    "frames: 0": "5:9: frames: must be a whole number from 2 to 1,000",
    "hidden: [5, -1]": "6:13: hidden[1]: must be a whole number from 1 to 4,096, found -1",
    "hidden: 5": "6:9: hidden: must be a list of up to 32 layer widths",
    "dataset: {points_per_class: 1000000000000}": "7:29: dataset.points_per_class: must be a whole number from 2",
    "dataset: {colour: red}": "7:11: dataset.colour: unknown field; spiral has classes, points_per_class, ",
    "dataset: [spiral]": "7:10: dataset: must be ",
    "momentum: on": "8:11: momentum: must be a number from 0 up to, but below, 1, found 'on'",
    "weight_decy: 0.1": "8:1: weight_decy: unknown field (did you mean weight_decay?)",
    "batch_size: 31": "8:13: batch_size: must be at most 30, the number of points, found 31",
    "seed: 1.5": "8:7: seed: must be a whole number from 0 to 2^64 - 1, found 1.5",
    "dtype: double": "8:8: dtype: must be float32 or float64, found 'double'",
    "style: loud": "8:8: style: must be soft or crisp, found 'loud'",
    "seed: *x": "8:7: not YAML: undefined alias 'x'",
    "\tseed: 3": "8:1: a tab character; YAML is indented with spaces",
    "seed: [3": "not YAML: ",
    "seed: 3: 4": "8:8: not YAML: a second ':' on this line",
    "---\nseed: 3": "8:1: a second document starts here",
}  # fmt: skip


@pytest.mark.parametrize("line", MALFORMED)
def test_a_malformed_config_is_answered_with_its_place_and_exit_code_2(folder: Path, line: str) -> None:
    name = line.partition(":")[0]
    lines = CONFIG.splitlines()
    position = next((i for i, given in enumerate(lines) if given.partition(":")[0] == name), len(lines))
    (folder / "bad.yaml").write_text("\n".join([*lines[:position], line, *lines[position + 1 :]]) + "\n")
    done = adrun(folder, "train", "bad.yaml", code=2)
    assert done.stdout == ""
    [problem] = done.stderr.splitlines()
    assert problem.startswith("bad.yaml:")
    assert MALFORMED[line] in problem
    assert not (folder / "results").exists()


def test_momentum_given_to_adam_is_an_error_that_says_so(folder: Path) -> None:
    done = adrun(folder, "train", "configs/two.yaml", "--set", "momentum=0.9", code=2)
    assert done.stderr.startswith("--set momentum=0.9: momentum: is for optimizer sgd or rmsprop; adam has none")


def test_nothing_runs_when_one_of_several_configs_is_wrong(folder: Path) -> None:
    (folder / "bad.yaml").write_text("epochs: 3\nlr: 4\n")
    done = adrun(folder, "train", "configs/one.yaml", "bad.yaml", "missing.yaml", code=2)
    assert len(done.stderr.splitlines()) == 5
    assert "missing.yaml: no such file" in done.stderr
    assert not (folder / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train"], "Missing argument"),
        (["train", "configs"], "configs: is a folder"),
        (["train", "configs/one.yml"], f"did you mean {Path('configs/one.yaml')}?"),
        (["train", "configs/one.yaml", "--set", "epochs"], "--set epochs: must be key=value"),
        (["train", "configs/one.yaml", "--animation", "mp4"], "mp4"),
        (["train", "configs/one.yaml", "configs/../configs/one.yaml"], "would write to the same folder"),
        (["train", "configs/one.yaml", "--results", "configs/one.yaml"], "configs/one.yaml"),
        (["compare"], "--all"),
        (["compare", "configs/one.yaml", "--all"], "--all"),
        (["compare", "--all", "--configs", "nowhere"], "nowhere: no such folder; "),
        (["gradcheck", "sigmod"], "no derivative rule is named 'sigmod' (did you mean sigmoid?)"),
        (["gradcheck", "--order", "3"], "'--order'"),
        (["gradcheck", "exp", "--config", "configs/one.yaml"], "not both"),
        (["gradcheck", "--config", "missing.yaml"], "no such file"),
    ],
)
def test_bad_arguments_exit_with_2(folder: Path, arguments: list[str], words: str) -> None:
    done = adrun(folder, *arguments, code=2)
    assert words in done.stderr
    assert done.stdout == ""


def test_gradcheck_prints_the_largest_error_of_a_rule(folder: Path) -> None:
    done = adrun(folder, "gradcheck", "exp", "sigmoid")
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["np.exp", "sigmoid"]
    assert all(line.endswith("ok") and float(line.split()[1]) < 1e-5 for line in lines[1:3])
    checks = json.loads(adrun(folder, "gradcheck", "exp", "--order", "1", "--json").stdout)
    assert checks["passed"] is True
    assert [(check["name"], check["order"]) for check in checks["checks"]] == [("np.exp", 1)]


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_gradcheck_checks_the_network_of_a_config(folder: Path, activation: str) -> None:
    (folder / "deep.yaml").write_text(CONFIG.replace("relu", activation).replace("[5]", "[5, 4]"))
    checks = json.loads(adrun(folder, "gradcheck", "--config", "deep.yaml", "--json").stdout)["checks"]
    layers = ["0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"]
    assert [(check["name"], check["order"]) for check in checks] == [
        (name, order) for order in (1, 2) for name in layers
    ]
    assert all(0 < check["largest_error"] < 1e-5 for check in checks)


WRONG_RULE = """
import numpy as np
from autodiff import rule
import autodiff.rules
rule(np.tanh, x=lambda g, out: 1.001 * g * (1 - out * out))
import cli
cli.main()
"""


@pytest.mark.parametrize("arguments", [["tanh"], ["--config", "net.yaml"]])
def test_gradcheck_finds_a_wrong_rule(folder: Path, arguments: list[str]) -> None:
    (folder / "net.yaml").write_text(CONFIG.replace("relu", "tanh"))
    done = forked(folder, WRONG_RULE, "gradcheck", *arguments)
    assert done.returncode == 1, done.stderr
    assert "FAILED" in done.stdout
    assert "expected" in done.stdout


BEGUN = """
import pathlib
import autodiff.experiment.runs.run as run
train = run.train
def watched(config, report, *rest):
    def told(epoch, *measured):
        if epoch == 9:
            pathlib.Path("begun").touch()
        report(epoch, *measured)
    return train(config, told, *rest)
run.train = watched
"""
"""What leaves a file when a run is under way: how long that takes is the machine's affair."""


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_what_was_written(folder: Path, asked: signal.Signals) -> None:
    command = ["train", "configs/one.yaml", "configs/two.yaml", "--set", "epochs=1000000", "--jobs", "1"]
    done = interrupted(folder, *command, signals=[asked], until="begun", before=BEGUN)
    assert done.returncode == 130, done.stderr
    assert "one,epochs=1000000: interrupted: loss " in done.stderr
    written = folder / "results" / "one,epochs=1000000"
    summary = json.loads((written / "summary.json").read_text())
    log = rows(written / "log.csv")
    assert summary["status"] == "interrupted"
    assert summary["final"]["epoch"] >= 9
    assert [int(row["epoch"]) for row in log] == list(range(summary["final"]["epoch"] + 1))
    assert not (folder / "results" / "two,epochs=1000000").exists()


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interrupted_comparison_shows_what_was_reached(folder: Path) -> None:
    (folder / "configs" / "two.yaml").write_text(CONFIG.replace("epochs: 12", "epochs: 1000000"))
    until = "results/.running/two/checkpoint.safetensors"
    done = interrupted(folder, "compare", "--all", "--jobs", "1", signals=[signal.SIGINT], until=until)
    assert done.returncode == 130, done.stderr
    head, one, two = done.stdout.splitlines()
    assert head.startswith("run")
    assert (one.split()[0], one.split()[-1]) == ("one", "done")
    assert (two.split()[0], two.split()[-1]) == ("two", "interrupted")
    assert not (folder / "results" / ".running").exists()


def test_a_full_disk_is_one_line(folder: Path) -> None:
    program = (
        "import errno, os, autodiff.experiment.runs.run as run, cli\n"
        "def full(*arguments): raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))\n"
        "run.write_arrays = full\n"
        "cli.main()\n"
    )
    done = forked(folder, program, "train", "configs/one.yaml")
    assert done.returncode == 1
    assert done.stderr == f"{Path('results/one')}: cannot be written to: No space left on device\n"


def progress_of(folder: Path, *arguments: str, **environment: str) -> str:
    """Run adrun on a terminal of its own and return what it wrote there."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    command = [sys.executable, str(ROOT / "cli.py"), "train", "configs/one.yaml", "--no-gif", *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env=ENVIRONMENT | {"TERM": "xterm"} | environment,
        stderr=theirs,
        stdout=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == 0
    os.write(theirs, b"END")
    found = b""
    while not found.endswith(b"END"):
        found += os.read(ours, 65536)
    os.close(ours)
    os.close(theirs)
    return found.decode().removesuffix("END")


def test_progress_is_shown_on_a_terminal_only(folder: Path) -> None:
    shown = progress_of(folder, COLUMNS="100")
    assert "one [" in shown
    assert "/12  loss " in shown
    assert "accuracy" in shown
    assert progress_of(folder, "--quiet") == ""
    assert progress_of(folder, CI="true") == ""
    assert progress_of(folder, TERM="dumb") == ""


def modules_after(folder: Path, *arguments: str) -> set[str]:
    """Return the modules that a command has imported when it ends."""
    program = (
        "import sys, json, cli\n"
        "sys.argv = ['adrun', *sys.argv[1:]]\n"
        "try:\n    cli.main()\n"
        "finally:\n    print('\\n' + json.dumps(sorted(sys.modules)))\n"
    )
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_imports_nothing_heavy(folder: Path) -> None:
    loaded = modules_after(folder, "--help")
    assert "typer" in loaded
    assert not loaded & {"numpy", "matplotlib", "pydantic", "yaml", "rich", "PIL", "imageio", "autodiff"}


@pytest.mark.parametrize("command", ["train", "compare", "gradcheck --config"])
def test_a_config_error_imports_neither_numpy_nor_a_drawing_library(folder: Path, command: str) -> None:
    (folder / "bad.yaml").write_text("epochs: 3\n")
    loaded = modules_after(folder, *command.split(), "bad.yaml")
    assert "pydantic" in loaded
    assert not loaded & {"numpy", "matplotlib", "PIL", "imageio", "rich"}


def test_help_and_version(folder: Path) -> None:
    shown = adrun(folder, "--help").stdout
    for command in ("train", "compare", "gradcheck", "--version", "--install-completion"):
        assert command in shown
    for command in ("train", "compare", "gradcheck"):
        assert "Usage" in adrun(folder, command, "--help").stdout
    assert adrun(folder, "--version").stdout.startswith("adrun ")


def test_the_shell_can_complete(folder: Path) -> None:
    completed = adrun(folder, _ADRUN_COMPLETE="complete_bash", COMP_WORDS="adrun tr", COMP_CWORD="1")
    assert "train" in completed.stdout


def test_graph_writes_the_picture_of_a_network(folder: Path) -> None:
    assert adrun(folder, "graph", "configs/one.yaml", "-o", "net.mmd").stdout == "net.mmd\n"
    assert (folder / "net.mmd").read_text().startswith("flowchart TB\n")
    done = adrun(folder, "graph", "configs/one.yaml", "-o", "net.dot", "--depth", "0", "--json")
    assert json.loads(done.stdout) == {"graph": "net.dot", "errors": []}
    assert (
        "net.png: a graph is written as .svg"
        in adrun(folder, "graph", "configs/one.yaml", "-o", "net.png", code=2).stderr
    )


def test_report_writes_a_page_of_the_runs_named_or_of_all(folder: Path) -> None:
    adrun(folder, "train", "configs/one.yaml", "configs/two.yaml", "--no-gif", "--no-report", "--jobs", "1")
    assert "report.html" not in names(folder / "results" / "one")
    assert adrun(folder, "report").stdout == f"{Path('results/report.html')}\n"
    done = adrun(folder, "report", "two", "-o", "two.html", "--json")
    assert json.loads(done.stdout) == {"report": "two.html", "errors": []}
    assert "2 runs side by side" in (folder / "results" / "report.html").read_text()
    assert "<h1>ReLU + Adam</h1>" in (folder / "two.html").read_text()
    assert "three: no such run" in adrun(folder, "report", "three", code=2).stderr
    assert "nowhere" in adrun(folder, "report", "one", "-o", "nowhere/a.html", code=1).stderr
    assert "no such folder" in adrun(folder, "report", "--results", "empty", code=2).stderr
