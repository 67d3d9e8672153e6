"""The page about parts of one's own does what it says, and so does the example."""

import re
import shlex
from pathlib import Path

import pytest

from tests.command_line import ROOT, adrun

PAGE = (ROOT / "docs" / "own-parts.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "swish.py"
SMALL = "frames: 3\nhidden: [6]\ndataset: {points_per_class: 10}\n"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    swish, *others = blocks("python")
    (tmp_path / "swish.py").write_text(swish)
    (tmp_path / "all.py").write_text(swish + "\n".join(others))
    (tmp_path / "swish.yaml").write_text(blocks("yaml")[0] + SMALL)
    (tmp_path / "configs").mkdir()
    config = "activation: relu\noptimizer: adam\nlearning_rate: 0.01\nepochs: 20\n"
    (tmp_path / "configs" / "relu-adam.yaml").write_text(config + SMALL)
    return tmp_path


def test_the_commands_of_the_page_run(folder: Path) -> None:
    [commands] = blocks("sh")
    for command in commands.splitlines():
        adrun(folder, *shlex.split(command)[1:])


def test_all_parts_of_the_page_can_be_trained_with(folder: Path) -> None:
    chosen = [
        "--set",
        "dataset=null",
        "--set",
        "dataset=bands",
        "--set",
        "dataset.points=30",
        "--set",
        "optimizer=Heavy",
    ]
    adrun(folder, "train", "swish.yaml", "--code", "all.py", *chosen, "--no-gif")


def test_the_error_of_the_page_is_told_so(folder: Path) -> None:
    swish = (folder / "swish.py").read_text()
    (folder / "swish.py").write_text(
        swish.replace("from autodiff import functional as F\n", "").replace("    return", "F  #")
    )
    done = adrun(folder, "train", "swish.yaml", "--code", "swish.py", code=2)
    assert done.stderr.strip() == PAGE.rstrip().splitlines()[-1].strip()


def test_the_commands_of_the_example_run(folder: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 80
    commands = re.findall(r"^    adrun (.*)$", text, re.M)
    assert len(commands) == 4
    for command in commands:
        adrun(folder, *[str(EXAMPLE) if word == "examples/swish.py" else word for word in shlex.split(command)])
