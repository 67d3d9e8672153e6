"""docs/data.md: its config, its commands, the errors that it shows, and its gallery."""

import inspect
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml

from autodiff.experiment.config.load import load
from autodiff.experiment.register import dataset
from tests.command_line import ROOT, adrun

PAGE = (ROOT / "docs" / "data.md").read_text()
YAML, PINNED = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(COMMANDS,) = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ERRORS = re.findall(r"^    (flowers\..*)$", PAGE, re.MULTILINE)
GALLERY = sorted((ROOT / "docs" / "gallery").glob("*.yaml"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    rows = [
        f"{row[0]:.1f},{row[1]:.1f},{kind}"
        for kind, place in {"setosa": (1.5, 0.2), "virginica": (5.5, 2.0)}.items()
        for row in generator.normal(place, 0.2, size=(20, 2)).tolist()
    ]
    (tmp_path / "flowers.csv").write_text("\n".join(["petal length,petal width,species", *rows]))
    (tmp_path / "new.csv").write_text("id,petal width,petal length\n1,0.2,1.4\n2,2.1,5.6\n")
    (tmp_path / "flowers.yaml").write_text(YAML)
    return tmp_path


def test_the_commands_run_with_the_config(folder: Path) -> None:
    done = [adrun(folder, *shlex.split(command)[1:]) for command in COMMANDS.splitlines()]
    assert done[-1].stdout == "class\nsetosa\nvirginica\n"


def test_the_errors_are_those_that_are_told(folder: Path) -> None:
    text = (folder / "flowers.csv").read_text()
    lines = text.splitlines()
    lines[17] = "1.4,n/a,setosa"
    (folder / "flowers.csv").write_text("\n".join(lines))
    assert adrun(folder, "train", "flowers.yaml", code=2).stderr == ERRORS[0] + "\n"
    (folder / "flowers.csv").write_text(text)
    (folder / "flowers.yaml").write_text(YAML.replace("species", "specis"))
    assert adrun(folder, "train", "flowers.yaml", code=2).stderr == ERRORS[1] + "\n"
    assert len(ERRORS) == 2


def test_a_record_tells_its_file_as_it_is_shown(folder: Path) -> None:
    shown = yaml.safe_load(PINNED)["dataset"]
    file = load(folder / "flowers.yaml").resolved()["dataset"]["file"]
    assert {key: len(value) for key, value in file.items()} == {key: len(value) for key, value in shown["file"].items()}


def test_every_generated_set_is_in_the_gallery_with_its_formula() -> None:
    plain = " ".join(PAGE.split())
    for name, part in dataset.parts.items():
        if name not in ("csv", "spiral") and "experiment/data" in Path(part.file).as_posix():
            for paragraph in (inspect.getdoc(part.make) or "").split("\n\n"):
                assert " ".join(paragraph.split()) in plain, name
        assert f"### {name}\n" in PAGE or name == "csv"
    assert "Interleaved spiral arms, one a class." in plain


@pytest.mark.parametrize("file", GALLERY, ids=lambda file: file.stem)
def test_a_picture_of_the_gallery_has_its_config(file: Path) -> None:
    config = load(file)
    assert file.stem.startswith(config.dataset.name)
    assert f"(gallery/{file.stem}.png)](gallery/{file.name})" in PAGE
    assert file.with_suffix(".png").exists()


def test_the_gallery_is_small() -> None:
    pictures = list((ROOT / "docs" / "gallery").glob("*.png"))
    assert {picture.stem for picture in pictures} == {file.stem for file in GALLERY}
    assert sum(picture.stat().st_size for picture in pictures) < 1e6
