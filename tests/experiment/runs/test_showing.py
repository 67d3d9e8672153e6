import json
from collections.abc import Callable
from pathlib import Path

import pytest

from autodiff.experiment.runs.health import write_health
from autodiff.experiment.runs.record import read_record
from autodiff.experiment.runs.showing import shown, shown_as_json
from autodiff.experiment.training.health import LayerHealth

Put = Callable[..., Path]


def text(folder: Path, columns: int = 80) -> tuple[str, list[str]]:
    faults: list[str] = []
    return shown(read_record(folder), columns, "utf-8", faults.append), faults


def test_everything_of_a_run_is_shown(tmp_path: Path, put: Put) -> None:
    more = {
        "parameters": 33, "versions": {"NumPy": "2.4.6"}, "machine": {"processor": "fast"}, "process": 7,
        "host": "here", "command": ["adrun", "train", "a b.yaml"], "resumed_from_epoch": 3,
    }  # fmt: skip
    lines, faults = text(put(tmp_path / "one", **more))
    assert faults == []
    assert lines.startswith(f"one: ReLU + Adam, done; {tmp_path / 'one'}\n\nconfig\n")
    size = (tmp_path / "one" / "log.csv").stat().st_size
    words = [" ".join(line.split()) for line in lines.splitlines()]
    for expected in (
        "activation relu", "dataset.noise 0.2", "hidden [5]", "epochs 4 of 4", "loss 0.250000", "accuracy 50.00%",
        "best loss 0.250000 at epoch 4", "90% reached at epoch 3", "99% reached never", "parameters 33",
        "started 2025-01-01T00:00:00.000+00:00", "training 1.50 s", "resumed from epoch 3", "NumPy 2.4.6",
        "processor fast", "host here", "process 7", "command adrun train 'a b.yaml'", f"log.csv {size} bytes",
        "loss, from 1.000000 to 0.200000",
    ):  # fmt: skip
        assert expected in words
    json.dumps(shown_as_json(read_record(tmp_path / "one")), allow_nan=False)


def test_a_run_that_was_cut_off_is_shown_with_what_its_log_has(tmp_path: Path, put: Put) -> None:
    folder = put(tmp_path / ".running" / "one", "running", final=None, best=None, seconds=None, ended=None)
    lines, _ = text(folder)
    assert "interrupted; `adrun train" in lines.splitlines()[0]
    assert "0.200000" in lines
    assert shown_as_json(read_record(folder))["reached"] == {"epoch": 4, "loss": 0.2, "accuracy": 0.5}
    (folder / "log.csv").write_text("epoch,loss,accuracy\n")
    lines, faults = text(folder)
    assert "loss" not in lines
    assert faults == []


@pytest.mark.parametrize("log", ["epoch,loss,accuracy\nx\n", None])
def test_a_damaged_log_is_told_and_the_rest_is_shown(tmp_path: Path, put: Put, log: str | None) -> None:
    folder = put(tmp_path / "one")
    (folder / "log.csv").unlink()
    if log is not None:
        (folder / "log.csv").write_text(log)
    lines, [fault] = text(folder)
    assert fault.startswith(str(folder / "log.csv"))
    assert "best loss" in lines


def test_what_was_reached_on_held_out_points_is_shown(tmp_path: Path, put: Put) -> None:
    row = {"epoch": 4, "loss": 0.25, "accuracy": 0.5, "test_loss": 0.75, "test_accuracy": 0.25}
    more = {"test_points": 12, "final": row, "test_best": row | {"epoch": 3, "test_loss": 0.5}}
    folder = put(tmp_path / "one", **more, epochs_to_test_accuracy={"0.90": 2, "0.95": None})
    cells = ("3,0.5", ",", "2,0.25", ",", "0.75,0.25")
    rows = "".join(f"{epoch},1,0.5,{cell}\n" for epoch, cell in enumerate(cells))
    (folder / "log.csv").write_text("epoch,loss,accuracy,test_loss,test_accuracy\n" + rows)
    lines, faults = text(folder)
    assert faults == []
    words = [" ".join(line.split()) for line in lines.splitlines()]
    for expected in (
        "test loss 0.750000", "test accuracy 25.00%", "best test loss 0.500000 at epoch 3", "test points 12",
        "test 90% reached at epoch 2", "test 95% reached never", "test loss, from 3.000000 to 0.750000",
    ):  # fmt: skip
        assert expected in words


def test_a_run_that_was_cut_off_is_shown_with_its_last_row_measured_on_held_out_points_or_not(
    tmp_path: Path, put: Put
) -> None:
    folder = put(tmp_path / ".running" / "one", "running", final=None, best=None, seconds=None, ended=None)
    heading = "epoch,loss,accuracy,test_loss,test_accuracy\n0,1,0.5,2,0.25\n"
    (folder / "log.csv").write_text(heading)
    reached = {"epoch": 0, "loss": 1, "accuracy": 0.5, "test_loss": 2, "test_accuracy": 0.25}
    assert shown_as_json(read_record(folder))["reached"] == reached
    (folder / "log.csv").write_text(heading + "1,0.75,0.5,,\n")
    unmeasured = {"epoch": 1, "loss": 0.75, "accuracy": 0.5, "test_loss": None, "test_accuracy": None}
    assert shown_as_json(read_record(folder))["reached"] == unmeasured
    assert "test accuracy" not in text(folder)[0]


def test_what_is_off_with_its_layers_is_said_in_two_lines_at_most(tmp_path: Path, put: Put) -> None:
    folder = put(tmp_path / "one")
    assert "\nhealth\n" not in text(folder)[0]
    well = LayerHealth(1, "0", 1.0, 1e-3, 1.0, 10, 0.0, None)
    write_health(folder / "health.csv", [well])
    assert "\n\nhealth\n  nothing is off with gradients, updates and units\n\n" in text(folder)[0]
    lost = "layer 1: 3 of 10 units are dead since epoch 1; try leaky_relu or a smaller learning_rate"
    write_health(folder / "health.csv", [well._replace(dead=0.3)])
    assert f"\n\nhealth\n  {lost}\n\n" in text(folder)[0]
    write_health(folder / "health.csv", [well._replace(layer=name, dead=0.3) for name in ("0", "2", "4")])
    assert f"\n\nhealth\n  {lost}\n  and 2 more, in the report\n\n" in text(folder)[0]


def test_damaged_health_is_told_and_the_rest_shown(tmp_path: Path, put: Put) -> None:
    folder = put(tmp_path / "one")
    (folder / "health.csv").write_text("a\n1\n")
    lines, [fault] = text(folder)
    assert "health.csv: is damaged" in fault
    assert "loss, from 1.000000" in lines
