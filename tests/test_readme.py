import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autodiff.experiment import register
from autodiff.experiment.config.load import load
from autodiff.experiment.data.generated import moons
from tests.command_line import forked

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SETUP = [line for language, block in BLOCKS for line in block.splitlines() if line.startswith("python3 -m venv")]
COMMANDS = [line for language, block in BLOCKS for line in block.splitlines() if line.startswith("adrun ")]


YAML = [block for language, block in BLOCKS if language == "yaml"]


OF_RECORDS = ("ls", "show", "diff", "predict", "draw", "report", "rm")


def write_moons(path):
    points = moons(2, 40, 0.1, np.random.default_rng(0))
    rows = [
        f"{x},{y},{'lower' if label else 'upper'}" for (x, y), label in zip(points.features, points.labels, strict=True)
    ]
    path.write_text("\n".join(["x,y,moon", *rows]))


TWO_SAMPLES = """
import cli
from autodiff import gradcheck
all_samples = gradcheck.samples_of
gradcheck.samples_of = lambda function: all_samples(function)[:2]
cli.main()
"""
"""adrun, which checks each rule on two samples: tests/test_rules.py does so on all, by the same function."""


def in_a_copy(command, folder, shown_runs=None):
    """Run a command as the README gives it, where the configs are, with fewer epochs."""
    (folder / "configs").symlink_to(ROOT / "configs")
    arguments = shlex.split(command)[1:]
    if arguments[0] in OF_RECORDS:
        (folder / "results").symlink_to(shown_runs)
        (folder / "points.csv").write_text("0.1,0.2\n")
    (folder / "moons.yaml").write_text(YAML[1])
    write_moons(folder / "moons.csv")
    if arguments[0] in ("train", "compare"):
        arguments += ["--set", "epochs=20"]
    if "--seeds" in arguments:
        arguments[arguments.index("--seeds") + 1] = "2"
    if "--results" in arguments:
        arguments[arguments.index("--results") + 1] = "elsewhere"
    if arguments == ["gradcheck"]:
        return forked(folder, TWO_SAMPLES, *arguments)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_block_is_of_a_kind_that_is_tested_here():
    assert {language for language, _ in BLOCKS} == {"sh", "python", "yaml"}
    lines = [line for language, block in BLOCKS if language == "sh" for line in block.splitlines()]
    assert sorted(lines) == sorted(SETUP + COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs(command, tmp_path):
    shutil.copytree(ROOT / "results" / "showcase", tmp_path / "records")
    done = in_a_copy(command, tmp_path, tmp_path / "records")
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_two_commands_set_up_what_they_run_and_are_those_of_ci():
    assert len(SETUP) == 2
    assert SETUP[0].endswith(".venv/bin/adrun compare --all")
    assert "pytest" in SETUP[1]
    assert (ROOT / ".ci" / "run").read_text().count('eval "$(readme_command') == 2


def test_the_python_runs():
    namespace = {}
    for language, block in BLOCKS:
        if language == "python":
            exec(block, namespace)


RUN_ELSEWHERE = {
    "data.md": ["yaml", "sh"],  # tests/test_data_page.py
    "models.md": ["python torch"],  # tests/oracle/test_models_in_torch.py runs it too
    "how-it-works.md": ["mermaid"],  # the test below
    "config.md": ["yaml"],  # tests/experiment/config/test_page.py
    "own-parts.md": ["sh", "yaml"],  # tests/test_own_parts_page.py
    "report.md": ["sh"],  # tests/test_report_page.py
    "cluster.md": ["sh", "python slurm", "sh slurm", "yaml", "sh kubernetes"],  # tests/test_cluster_page.py
}


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_the_python_of_the_docs_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the files go that a page writes
    if "load_run" in page.read_text():
        shutil.copytree(ROOT / "results" / "showcase" / "relu-adam", tmp_path / "results" / "relu-adam")
    namespace = {}
    blocks = re.findall(r"^```([^\n]+)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    for language, block in blocks:
        assert language in ("python", *RUN_ELSEWHERE.get(page.name, ()))
        if language == "python":
            with register.unchanged():
                exec(block, namespace)


def test_the_drawing_in_the_docs_is_what_its_code_draws():
    page = (ROOT / "docs" / "how-it-works.md").read_text()
    (shown,) = re.findall(r"^```mermaid\n(.*?)\n^```$", page, re.MULTILINE | re.DOTALL)
    namespace = {}
    exec(re.search(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[1], namespace)
    assert shown == namespace["drawing"].mermaid
    rules = (ROOT / "autodiff" / "rules" / "elementwise.py").read_text()
    table = re.findall(r"^\| `(np\.\w+)` \| `(.*?)` \|", page, re.MULTILINE)
    assert [name for name, rule in table if f"rule({name}, {rule}" in rules] == [name for name, _ in table] != []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_link_of_the_docs_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_config_is_one_and_gives_the_defaults(tmp_path):
    text = YAML[0]
    (tmp_path / "full.yaml").write_text(text)
    lines = text.splitlines()
    required = "\n".join(line for line in lines if line.split(":")[0] in REQUIRED or line.startswith("momentum"))
    (tmp_path / "short.yaml").write_text(required)
    assert load(tmp_path / "full.yaml") == load(tmp_path / "short.yaml")


REQUIRED = ("activation", "optimizer", "learning_rate", "epochs")


def test_the_error_is_what_adrun_says(tmp_path):
    (tmp_path / "relu.yaml").write_text("activation: relu\noptimizer: adma\nlearning_rate: 0.1\nepochs: 3\n")
    done = in_a_copy("adrun train relu.yaml", tmp_path)
    assert done.returncode == 2
    assert f"    {done.stderr.splitlines()[0]}\n" in README


def cells(table):
    """Return a Markdown table's headings and, by run, its cells."""
    headings, _, *rows = ([cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines())
    return headings, {row[0]: dict(zip(headings[1:], row[1:], strict=True)) for row in rows}


def test_the_table_is_that_of_the_results():
    headings, runs = cells((ROOT / "results" / "showcase" / "comparison" / "table.md").read_text())
    shown_headings, shown = cells(re.search(r"^\| run .*?^$", README, re.MULTILINE | re.DOTALL)[0])
    assert (shown_headings, list(shown)) == (headings, list(runs))
    for run, row in runs.items():
        assert shown[run]["status"] == row["status"]
        for heading in headings[1:-2]:
            assert shown[run][heading] == row[heading], (run, heading)


def test_the_table_of_the_seeds_is_that_of_the_study():
    _, settings = cells((ROOT / "results" / "showcase" / "twenty-seeds" / "table.md").read_text())
    headings, shown = cells(re.search(r"^\| config .*?^$", README, re.MULTILINE | re.DOTALL)[0])
    assert len(headings) > 4
    assert list(shown) == list(settings)
    for name, row in shown.items():
        assert row.items() <= settings[name].items(), name


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_pictures_are_small_enough_for_a_page():
    shown = set(re.findall(r"!\[[^]]*\]\(([^)]+)\)", README))
    assert len(shown) == 8
    assert sum((ROOT / target).stat().st_size for target in shown) < 2e6


def test_what_runs_write_is_not_tracked_and_what_the_readme_shows_is(tmp_path):
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout of git's")
    ignored = ["git", "check-ignore", "-q", "--no-index"]
    for path, is_ignored in (("results/relu-adam/log.csv", True), ("results/showcase/relu-adam/log.csv", False)):
        assert (subprocess.run([*ignored, path], cwd=ROOT, check=False).returncode == 0) is is_ignored, path
