import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autodiff.experiment.errors import InputError, RunError
from autodiff.experiment.runs.place import claimed
from autodiff.experiment.runs.removal import remove, to_remove

Put = Callable[..., Path]


def left(results: Path) -> set[str]:
    return {path.name for path in results.iterdir()}


def test_runs_comparisons_and_what_was_cut_off_are_removed(tmp_path: Path, put: Put) -> None:
    put(tmp_path / "a")
    put(tmp_path / "b")
    put(tmp_path / ".running" / "cut", "running")
    (tmp_path / "comparison").mkdir()
    (tmp_path / "comparison" / "comparison.json").write_text("{}")
    remove(to_remove(["a", str(tmp_path / "a"), "cut", "comparison"], tmp_path))
    assert left(tmp_path) == {"b"}


def test_nothing_is_removed_if_one_is_no_run(tmp_path: Path, put: Put) -> None:
    put(tmp_path / "a")
    (tmp_path / "mine").mkdir()
    with pytest.raises(InputError) as error:
        to_remove(["a", "mine", "none", str(tmp_path / "mine")], tmp_path)
    assert len(error.value.problems) == 3


def test_what_is_running_is_refused(tmp_path: Path, put: Put) -> None:
    put(tmp_path / "a")
    chosen = to_remove(["a"], tmp_path)
    with claimed(tmp_path, "a"):
        with pytest.raises(RunError, match="is being written by another process; stop it first, or wait for it"):
            to_remove(["a"], tmp_path)
        with pytest.raises(RunError, match="is being written"):
            remove(chosen)  # a run that began after the user was asked
    assert left(tmp_path) == {"a"}


def test_what_has_changed_since_the_user_was_asked_is_not_removed(tmp_path: Path, put: Put) -> None:
    put(tmp_path / "a")
    put(tmp_path / "b")
    chosen = to_remove(["b", "a"], tmp_path)
    summary = json.loads((tmp_path / "a" / "summary.json").read_text())
    (tmp_path / "a" / "summary.json").write_text(json.dumps(summary | {"ended": "2026-01-01T00:00:00+00:00"}))
    with pytest.raises(RunError, match="a: has changed since; look at it again"):
        remove(chosen)
    assert left(tmp_path) == {"a", "b"}


def test_no_symbolic_link_is_followed(tmp_path: Path, put: Put) -> None:
    results = tmp_path / "results"
    put(results / "a")
    put(tmp_path / "elsewhere" / "b")
    (results / "b").symlink_to(tmp_path / "elsewhere" / "b")
    (results / "a" / "inside").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"is a symbolic link to .*; nothing is removed through one"):
        to_remove(["b"], results)
    (results / ".running").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is a symbolic link"):
        to_remove([str(results / ".running" / "b")], results)
    (results / ".running").unlink()
    chosen = to_remove(["a"], results)
    remove(chosen)
    assert left(results) == {"b"}
    assert (tmp_path / "elsewhere" / "b" / "summary.json").exists()


def test_a_run_is_gone_from_its_name_in_one_step_and_a_kill_leaves_nothing_for_ever(
    tmp_path: Path, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []

    def killed(folder: Path, ignore_errors: bool = False) -> None:
        if str(folder).endswith(".removed"):
            seen.append(left(tmp_path) - {".running"})
            assert (folder / "log.csv").exists()  # the whole of it
            raise KeyboardInterrupt

    put(tmp_path / "a")
    put(tmp_path / "b")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            remove(to_remove(["a"], tmp_path))
    assert seen == [{"b"}]
    remove(to_remove(["b"], tmp_path))
    assert left(tmp_path) == set()


def test_what_cannot_be_removed_is_told(tmp_path: Path, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*paths: Path) -> None:
        raise PermissionError(13, "Permission denied")

    put(tmp_path / "a")
    chosen = to_remove(["a"], tmp_path)
    monkeypatch.setattr(os, "rename", refused)
    with pytest.raises(RunError, match="a: cannot be removed: Permission denied"):
        remove(chosen)
    assert left(tmp_path) == {"a"}
