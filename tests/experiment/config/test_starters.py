"""The four configs to begin with are written where there are none, whole, and never over anything."""

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from autodiff.experiment.config import starters
from autodiff.experiment.config.load import configs_in, load_all
from autodiff.experiment.config.starters import write_starters
from autodiff.experiment.errors import InputError

NAMES = ["relu-adam.yaml", "relu-sgd.yaml", "sigmoid-adam.yaml", "sigmoid-sgd.yaml"]


def test_four_configs_are_written_that_can_be_run(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "configs"
    assert list(write_starters(folder)) == [(folder / name, True) for name in NAMES]
    assert [file.name for file in configs_in(folder)] == NAMES
    assert len(load_all(configs_in(folder))) == 4


def test_what_is_there_is_left(tmp_path: Path) -> None:
    (tmp_path / NAMES[0]).write_text("mine")
    (tmp_path / NAMES[1]).mkdir()
    (tmp_path / "other.yaml").write_text("mine, too")
    assert [written for _, written in write_starters(tmp_path)] == [False, False, True, True]
    assert (tmp_path / NAMES[0]).read_text() == "mine"
    assert not list((tmp_path / NAMES[1]).iterdir())
    assert [written for _, written in write_starters(tmp_path)] == [False] * 4


def test_a_link_that_leads_nowhere_is_left(tmp_path: Path) -> None:
    try:
        (tmp_path / NAMES[0]).symlink_to(tmp_path / "elsewhere")
    except OSError:
        pytest.skip("this system lets not everybody make links")
    assert next(write_starters(tmp_path)) == (tmp_path / NAMES[0], False)
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "within", tmp_path / "a\0b"):
        with pytest.raises(InputError, match="cannot be written to: ") as caught:
            list(write_starters(folder))
        assert str(caught.value).isprintable()


def test_a_full_disk_leaves_no_half_of_a_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __init__(self, file: Path) -> None:
            file.touch()

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *_: object) -> None: ...

        def write(self, data: bytes) -> NoReturn:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    ordinary = Path.open
    monkeypatch.setattr(Path, "open", lambda file, mode: Full(file) if mode == "xb" else ordinary(file, mode))
    with pytest.raises(InputError, match="No space left on device"):
        list(write_starters(tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_package_without_its_configs_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starters, "_PACKAGE", tmp_path / "autodiff")
    with pytest.raises(InputError, match="is missing; install adrun again"):
        list(write_starters(tmp_path))
