import csv
import math
from pathlib import Path

import pytest

from autodiff.experiment.config.config import Config
from autodiff.experiment.errors import InputError
from autodiff.experiment.runs.checkpoint import read_checkpoint, write_checkpoint
from autodiff.experiment.runs.health import read_health, write_health
from autodiff.experiment.training.health import LayerHealth
from autodiff.experiment.training.training import Session, train


def config() -> Config:
    fields = {"activation": "relu", "optimizer": "adam", "learning_rate": 0.05, "hidden": [6], "epochs": 40}
    return Config.model_validate(fields | {"frames": 5, "dataset": {"points_per_class": 10}})


def test_every_number_is_given_back_and_what_was_not_measured_is_blank(tmp_path: Path) -> None:
    rows = [
        LayerHealth(0, "0", None, None, 1 / 3, 6, 1 / 6, None),
        LayerHealth(1, "0", 1e-300, 0.1, 0.3, 6, None, 1.0),
        LayerHealth(1, "2", math.inf, 0.5, 0.0, None, None, None),
    ]
    write_health(tmp_path / "health.csv", rows)
    assert read_health(tmp_path / "health.csv") == rows
    with (tmp_path / "health.csv").open(newline="") as stream:
        first, second, third = csv.DictReader(stream)
    assert first == {
        "epoch": "0", "layer": "0", "gradient_norm": "", "update_norm": "", "weight_norm": repr(1 / 3),
        "update_to_weight": "", "units": "6", "dead": repr(1 / 6), "saturated": "",
    }  # fmt: skip
    assert float(second["update_to_weight"]) == pytest.approx(1 / 3)
    assert third["update_to_weight"] == "inf"


def test_a_record_without_it_tells_nothing_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "health.csv"
    assert read_health(path) == []
    write_health(path, train(config(), lambda epoch, measured: None).health)
    whole = path.read_text()
    for damaged in (whole[:-40], whole.replace("0,0,", "zero,0,", 1), "epoch,layer\n1,0\n", "a\n1\n"):
        path.write_text(damaged)
        with pytest.raises(InputError, match=r"health\.csv: is damaged: not every line is epoch,layer,"):
            read_health(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is damaged"):
        read_health(path)


@pytest.mark.parametrize("cut", [1, 2, 3, 8, 9, 31, 32, 40])
def test_a_resumed_run_has_measured_what_one_never_cut_off_has(tmp_path: Path, cut: int) -> None:
    """Between any two epochs: also just before one that is measured, and just after."""
    whole = train(config(), lambda epoch, measured: None)
    session = Session(config())
    while session.epoch < cut:
        session.advance()
    write_checkpoint(tmp_path, session.state(), 0)
    state = read_checkpoint(tmp_path, session.curves)
    assert state is not None
    assert state.health == session.state().health
    resumed = train(config(), lambda epoch, measured: None, resumed=state)
    write_health(tmp_path / "whole.csv", whole.health)
    write_health(tmp_path / "resumed.csv", resumed.health)
    assert (tmp_path / "resumed.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert {row.epoch for row in whole.health} > {0, 1, 2, 4, 8, 16, 32, 40} - {0}
