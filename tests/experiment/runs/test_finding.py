from collections.abc import Callable
from pathlib import Path

import pytest

from autodiff.experiment.errors import InputError
from autodiff.experiment.runs.finding import find, find_record

Put = Callable[..., Path]


@pytest.fixture
def results(tmp_path: Path, put: Put, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    put(Path("results/one"))
    put(Path("results/.running/cut"), "running")
    put(Path("elsewhere/one"))
    Path("results/comparison").mkdir()
    Path("results/comparison/comparison.json").write_text('{"runs": []}')
    return Path("results")


@pytest.mark.parametrize(
    ("run", "folder"),
    [
        ("one", "results/one"),
        ("results/one", "results/one"),
        ("results/one/", "results/one"),
        ("elsewhere/one", "elsewhere/one"),
        ("cut", "results/.running/cut"),
        ("results/cut", "results/.running/cut"),
        ("comparison", "results/comparison"),
    ],
)
def test_a_run_is_found_by_its_name_and_by_its_path(results: Path, run: str, folder: str) -> None:
    assert find(run, results) == Path(folder)


def test_the_present_folder_is_found(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("results/one")
    assert find(".", Path("results")).name == "one"
    assert find_record(".", Path("results")).name == "one"


def test_what_is_not_there_is_told_with_what_was_meant(results: Path) -> None:
    with pytest.raises(InputError, match=r"^onne: no such run in results \(did you mean one\?\)$"):
        find("onne", results)
    with pytest.raises(InputError, match=r"^results/qqqqq: no such run in results; `adrun ls results` lists"):
        find("results/qqqqq", results)
    with pytest.raises(InputError, match=r"^one: no such run: nowhere: no such folder"):
        find("one", Path("nowhere"))
    with pytest.raises(InputError, match=r"^elsewhere: is no run: it has no summary.json$"):
        find("elsewhere", results)


def test_a_comparison_is_no_run(results: Path) -> None:
    with pytest.raises(InputError, match=r"results/comparison: is a comparison, not a run; its table is in .*table.md"):
        find_record("comparison", results)
