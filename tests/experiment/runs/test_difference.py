from collections.abc import Callable
from pathlib import Path

from autodiff.experiment.runs.difference import Difference, difference
from autodiff.experiment.runs.record import read_record

Put = Callable[..., Path]


def between(one: Path, other: Path) -> Difference:
    return difference(read_record(one), read_record(other))


def test_what_differs_is_set_side_by_side(tmp_path: Path, put: Put) -> None:
    one = put(tmp_path / "one", versions={"NumPy": "2.4.5"})
    final = {"epoch": 4, "loss": 0.2500000001, "accuracy": 0.5}
    other = put(tmp_path / "other", noise=0.3, momentum=0.9, final=final, versions={"NumPy": "2.4.6"})
    log = (other / "log.csv").read_text()
    (other / "log.csv").write_text(log.replace("3,0.25,", "3,0.26,"))
    found = between(one, other)
    assert found.parts == {
        "config": {"dataset.noise": (0.2, 0.3), "momentum": (None, 0.9)},
        "results": {"final.loss": (0.25, 0.2500000001)},
        "made with": {"versions.NumPy": ("2.4.5", "2.4.6")},
        "seconds": {},
    }
    assert found.as_json()["logs_differ_from_epoch"] == 3
    lines = [line.split() for line in found.text().splitlines() if line]
    assert lines == [
        ["config", "one", "other"],
        ["dataset.noise", "0.2", "0.3"],
        ["momentum", "0.9"],
        ["results", "one", "other"],
        ["final.loss", "0.25", "0.2500000001"],
        ["made", "with", "one", "other"],
        ["versions.NumPy", "2.4.5", "2.4.6"],
        ["the", "logs", "differ", "from", "epoch", "3", "on"],
    ]


def test_runs_that_are_the_same_are_told_to_be(tmp_path: Path, put: Put) -> None:
    found = between(put(tmp_path / "a" / "one"), put(tmp_path / "b" / "one"))
    assert found.text() == "the configs are the same; the results are the same; the logs are the same in every epoch"
    (tmp_path / "b" / "one" / "log.csv").write_text("epoch,loss,accuracy\n0,1.0,0.5\n")
    assert between(tmp_path / "a" / "one", tmp_path / "b" / "one").first_epoch == 1


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path: Path, put: Put) -> None:
    found = between(put(tmp_path / "a" / "one"), put(tmp_path / "b" / "one", seed=1))
    assert found.text().splitlines()[0].split() == ["config", str(tmp_path / "a" / "one"), str(tmp_path / "b" / "one")]


def test_a_log_that_cannot_be_read_is_told(tmp_path: Path, put: Put) -> None:
    one, other = put(tmp_path / "one"), put(tmp_path / "other")
    (other / "log.csv").unlink()
    found = between(one, other)
    assert found.log_problem.startswith(str(other / "log.csv"))
    assert "logs" not in found.text()
