"""The command as it is started: `adrun`, `python -m autodiff`, from a clone and as a wheel lays it out."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGING = tomllib.loads((ROOT / "pyproject.toml").read_text())
AS_SCRIPT = ["-c", "import sys; sys.argv[0] = 'adrun'; from autodiff.__main__ import main; main()"]
"""What the installed script `adrun` does."""


def run(folder: Path, *arguments: str, path: str = str(ROOT)) -> str:
    """Return what Python says when it is started in a folder."""
    command = [sys.executable, "-W", "error", *arguments]
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Return a folder with another project's cli.py."""
    (tmp_path / "cli.py").write_text("print('another project')\n")
    return tmp_path


@pytest.fixture
def site_packages(tmp_path: Path) -> Path:
    """Return a folder with what a wheel installs, beside another project's cli.py."""
    folder = tmp_path / "site-packages"
    wheel = PACKAGING["tool"]["hatch"]["build"]["targets"]["wheel"]
    for package in wheel["packages"]:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for source, target in wheel["force-include"].items():
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        copy(ROOT / source, folder / target)
    (folder / "cli.py").write_text("print('another project')\n")
    return folder


def test_the_script_is_this_one() -> None:
    assert PACKAGING["project"]["scripts"] == {"adrun": "autodiff.__main__:main"}


@pytest.mark.parametrize("start", [["-m", "autodiff"], AS_SCRIPT], ids=["module", "script"])
@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"]], ids=" ".join)
def test_it_is_cli(tmp_path: Path, start: list[str], arguments: list[str]) -> None:
    found = run(tmp_path, *start, *arguments)
    assert found == run(tmp_path, str(ROOT / "cli.py"), *arguments)
    assert found.splitlines()[0].startswith("Usage: adrun ")


@pytest.mark.parametrize("start", [["-m", "autodiff"], AS_SCRIPT], ids=["module", "script"])
def test_another_cli_is_not_taken_for_ours(foreign: Path, start: list[str]) -> None:
    path = os.pathsep.join([str(foreign), str(ROOT)])
    assert run(foreign, *start, "--help", path=path).startswith("Usage: adrun ")


@pytest.mark.parametrize("start", [["-m", "autodiff"], AS_SCRIPT], ids=["module", "script"])
def test_a_wheel_holds_cli_within_the_package(foreign: Path, site_packages: Path, start: list[str]) -> None:
    found = run(foreign, *start, "--help", path=str(site_packages))
    assert found == run(foreign, str(ROOT / "cli.py"), "--help")


def test_a_wheel_holds_the_configs_that_init_writes(foreign: Path, site_packages: Path) -> None:
    run(foreign, "-m", "autodiff", "init", path=str(site_packages))
    written = {file.name: file.read_bytes() for file in (foreign / "configs").iterdir()}
    assert written == {file.name: file.read_bytes() for file in (ROOT / "configs").iterdir()}
    assert len(written) == 4
