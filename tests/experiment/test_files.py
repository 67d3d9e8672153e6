from pathlib import Path

import pytest

from autodiff.experiment.files import replacing


def test_a_file_takes_its_place_whole_when_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert temporary.suffix == ".csv"
        assert path.read_text() == "old"
        written = temporary.stat().st_ino
    assert path.read_text() == "new"
    assert path.stat().st_ino == written  # renamed, not copied: nobody sees half of it
    assert list(tmp_path.iterdir()) == [path]


def half_written(path: Path) -> None:
    with replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt


def test_a_file_that_was_not_finished_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        half_written(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
