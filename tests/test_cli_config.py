"""The commands that train nothing: validate, init and schema; and how the command line is told what to set."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.command_line import CONFIG, ENVIRONMENT, ROOT, adrun
from tests.test_cli import modules_after

HEAVY = {"numpy", "matplotlib", "PIL", "imageio", "rich", "jsonschema"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.yaml").write_text(CONFIG)
    (tmp_path / "two.yaml").write_text(CONFIG.replace("sgd", "adam"))
    return tmp_path


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# validate


def test_validate_prints_every_config_with_its_defaults_and_writes_nothing(folder: Path) -> None:
    done = adrun(folder, "validate", "one.yaml", "two.yaml", "--set", "dataset={noise: 0.3}", "--seed", "7")
    one, two = yaml.safe_load_all(done.stdout)
    assert (one["optimizer"], two["optimizer"]) == ("sgd", "adam")
    expected = {"name": "spiral", "classes": 3, "points_per_class": 10, "test_points_per_class": 100, "noise": 0.3}
    assert one["dataset"] == expected
    assert one["seed"] == two["seed"] == 7
    assert one["frames"] == 3
    assert one["style"] == "soft"
    assert done.stdout.startswith("# one,noise=0.3,seed=7\n")
    assert done.stderr == ""
    assert files(folder) == {"one.yaml", "two.yaml"}


def test_what_validate_prints_is_a_config(folder: Path) -> None:
    printed = adrun(folder, "validate", "one.yaml").stdout
    (folder / "again.yaml").write_text(printed)
    assert adrun(folder, "validate", "again.yaml").stdout == printed.replace("# one", "# again")


def test_validate_prints_json(folder: Path) -> None:
    one, two = json.loads(adrun(folder, "validate", "one.yaml", "two.yaml", "--json").stdout)["configs"]
    assert (one["name"], two["name"]) == ("one", "two")
    assert one["config"] == next(yaml.safe_load_all(adrun(folder, "validate", "one.yaml").stdout))


def test_validate_tells_all_mistakes_and_prints_no_config(folder: Path) -> None:
    (folder / "bad.yaml").write_text("activation:relu\n")
    (folder / "con.yaml").write_text(CONFIG)
    done = adrun(folder, "validate", "one.yaml", "bad.yaml", "con.yaml", "missing.yaml", code=2)
    assert done.stdout == ""
    assert [line.split(": ")[0] for line in done.stderr.splitlines()] == ["bad.yaml:1:12", "missing.yaml", "con.yaml"]


# init


def test_init_writes_configs_that_can_be_compared_and_overwrites_none(tmp_path: Path) -> None:
    hint = adrun(tmp_path, "compare", "--all", code=2).stderr
    assert hint.startswith("configs: no such folder; ")
    assert "`adrun init`" in hint
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "relu-sgd.yaml").write_text(CONFIG)
    lines = adrun(tmp_path, "init").stdout.splitlines()
    folder = tmp_path / "configs"
    assert [line.removeprefix(str(Path("configs") / "x")[:-1]) for line in lines] == [
        "relu-adam.yaml: written",
        "relu-sgd.yaml: exists, left as it is",
        "sigmoid-adam.yaml: written",
        "sigmoid-sgd.yaml: written",
    ]
    assert (folder / "relu-sgd.yaml").read_text() == CONFIG
    assert (folder / "relu-adam.yaml").read_bytes() == (ROOT / "configs" / "relu-adam.yaml").read_bytes()
    adrun(tmp_path, "validate", *(f"configs/{name}" for name in sorted(files(folder))))
    adrun(tmp_path, "init", "mine/deep")
    assert files(tmp_path / "mine" / "deep") == files(folder)


def test_init_where_nothing_can_be_written_is_one_line(folder: Path) -> None:
    done = adrun(folder, "init", "one.yaml", code=2)
    assert done.stderr.startswith("one.yaml: cannot be written to: ")
    assert len(done.stderr.splitlines()) == 1


# schema


def test_schema_prints_one_that_holds_for_configs(folder: Path) -> None:
    schema = json.loads(adrun(folder, "schema").stdout)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(yaml.safe_load(CONFIG))
    assert not validator.is_valid(yaml.safe_load(CONFIG) | {"lr": 3})


# Fields that are given without --set


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["--epochs", "50"], "--set epochs=50"),
        (["--epochs=50"], "--set epochs=50"),
        (["--learning-rate", "0.1"], "--set learning_rate=0.1"),
        (["--learning_rate", "-0.1"], "--set learning_rate=-0.1"),
        (["--lr=0.1"], "--set learning_rate=0.1"),
        (["--dataset.noise", "0.3"], "--set dataset.noise=0.3"),
        (["--noise", "0.3"], "--set dataset.noise=0.3"),
        (["--hidden", "[64,64]"], "--set 'hidden=[64,64]'"),
        (["--batch-size", "--json"], "--set batch_size=..."),
        (["--optimizer"], "--set optimizer=..."),
        (["epochs=50"], "--set epochs=50"),
    ],
)
def test_a_field_that_is_given_otherwise_is_answered_with_its_option(
    folder: Path, arguments: list[str], option: str
) -> None:
    done = adrun(folder, "validate", "one.yaml", *arguments, code=2)
    assert f" set with {option}" in done.stderr
    if "--json" in arguments:
        [error] = json.loads(done.stdout)["errors"]
        assert error.endswith(f" set with {option}")
    else:
        assert done.stdout == ""


@pytest.mark.parametrize("command", [["train", "one.yaml"], ["compare", "one.yaml"], ["compare", "--all"]])
def test_every_command_that_sets_fields_answers_so(folder: Path, command: list[str]) -> None:
    assert "is set with --set epochs=50" in adrun(folder, *command, "--epochs", "50", code=2).stderr


@pytest.mark.parametrize(
    "arguments", [["validate", "one.yaml", "--zzz"], ["gradcheck", "--epochs", "3"], ["schema", "--epochs", "3"]]
)
def test_other_unknown_options_are_told_as_they_are(folder: Path, arguments: list[str]) -> None:
    done = adrun(folder, *arguments, code=2)
    assert f"No such option: {next(argument for argument in arguments if argument.startswith('--'))}" in done.stderr
    assert "--set" not in done.stderr


# All of them


@pytest.mark.parametrize("command", ["validate bad.yaml", "validate one.yaml", "init", "schema", "train --epochs 3"])
def test_they_import_neither_numpy_nor_a_drawing_library(folder: Path, command: str) -> None:
    (folder / "bad.yaml").write_text("epochs: 3\n")
    loaded = modules_after(folder, *command.split())
    assert "autodiff.experiment" in loaded
    assert not loaded & HEAVY


def help_of(folder: Path, *options: str) -> list[str]:
    """Return what --help shows for adrun and each of its commands."""
    program = (
        "import cli\n"
        "from typer.testing import CliRunner\n"
        "asked = [[], *([command.name or command.callback.__name__] for command in cli.app.registered_commands)]\n"
        "for command in asked:\n"
        "    print(CliRunner().invoke(cli.app, [*command, '--help'], prog_name='adrun').output)\n"
    )
    command = [sys.executable, *options, "-c", program]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    return done.stdout.split("Usage: ")[1:]


def test_the_help_is_the_same_where_python_drops_docstrings(folder: Path) -> None:
    shown = help_of(folder)
    assert len(shown) >= 7
    for one in shown:
        assert len(one.split("\n\n")[1].strip()) > 20  # what it does, in words
    assert help_of(folder, "-OO") == shown


def test_what_is_printed_is_the_same_where_python_drops_docstrings(folder: Path) -> None:
    for arguments in (["schema"], ["validate", "one.yaml"]):
        command = [sys.executable, "-OO", str(ROOT / "cli.py"), *arguments]
        done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=True)
        assert done.stdout == adrun(folder, *arguments).stdout
