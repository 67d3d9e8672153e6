import csv
from pathlib import Path

import numpy as np
import pytest

from autodiff.experiment.config.config import Config
from autodiff.experiment.errors import InputError
from autodiff.experiment.runs.log import open_log, read_log
from autodiff.experiment.training.training import Training, train


def trained(dtype: str) -> Training:
    fields = {"activation": "relu", "optimizer": "adam", "learning_rate": 0.01, "epochs": 9, "dtype": dtype}
    return train(Config.model_validate(fields), lambda epoch, measured: None)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_log_gives_back_every_number_exactly(tmp_path: Path, dtype: str) -> None:
    training = trained(dtype)
    with open_log(tmp_path / "log.csv", dtype, tested=True) as log:
        log.write(training.curves)
    with (tmp_path / "log.csv").open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["epoch", "loss", "accuracy", "test_loss", "test_accuracy"]
    assert [int(row[0]) for row in rows] == list(range(10))
    curves = read_log(tmp_path / "log.csv", dtype, len(training.points.labels), len(training.held_out.labels))
    assert list(curves) == list(training.curves)
    for name, values in training.curves.items():
        assert np.array_equal(curves[name], values), name


def test_a_log_grows_where_it_can_be_followed(tmp_path: Path) -> None:
    training, path = trained("float32"), tmp_path / "log.csv"
    with open_log(path, "float32", tested=True) as log:
        for epochs in (1, 1, 4):
            log.write({name: values[:epochs] for name, values in training.curves.items()})
            assert path.read_text().count("\n") == epochs + 1


@pytest.mark.parametrize("cut", [0, 1, 5])
def test_a_log_that_is_gone_on_with_has_the_bytes_of_one_never_cut_off(tmp_path: Path, cut: int) -> None:
    training, path = trained("float32"), tmp_path / "log.csv"
    with open_log(path, "float32", tested=True) as log:
        log.write(training.curves)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 7])  # in the middle of the last line
    assert len(read_log(path, "float32")["loss"]) == 9
    with open_log(path, "float32", tested=True, epochs=cut) as log:
        log.write(training.curves)
    assert path.read_bytes() == whole


def test_losses_that_are_not_finite_are_read_back(tmp_path: Path) -> None:
    curves = {"loss": np.array([1.5, np.inf, np.nan]), "accuracy": np.array([0.5, 0.25, 0])}
    with open_log(tmp_path / "log.csv", "float64", tested=False) as log:
        log.write(curves)
    assert (tmp_path / "log.csv").read_text().startswith("epoch,loss,accuracy\n0,1.5,0.5\n")
    assert np.array_equal(read_log(tmp_path / "log.csv", "float64")["loss"], curves["loss"], equal_nan=True)


def test_what_was_not_measured_is_blank_and_not_what_was_not_finite(tmp_path: Path) -> None:
    nan = np.nan
    curves = {
        "loss": np.array([1.5, 1, 0.5]),
        "accuracy": np.array([0.5, 0.5, 0.75]),
        "test_loss": np.array([nan, nan, 2]),
        "test_accuracy": np.array([0.25, nan, 1]),
    }
    with open_log(tmp_path / "log.csv", "float64", tested=True) as log:
        log.write(curves)
    rows = (tmp_path / "log.csv").read_text().splitlines()
    assert rows == ["epoch,loss,accuracy,test_loss,test_accuracy", "0,1.5,0.5,nan,0.25", "1,1,0.5,,", "2,0.5,0.75,2,1"]
    read = read_log(tmp_path / "log.csv", "float64", 4, 4)
    for name, values in curves.items():
        assert np.array_equal(read[name], values, equal_nan=True), name


@pytest.mark.parametrize(
    "text",
    [
        "epoch,loss,accuracy\n0,1\n",
        "epoch,loss,accuracy,test_loss,test_accuracy\n0,1,1\n",
        "epoch,loss,accuracy\n0,a,b\n",
        "a\n0,1,2,3\n",
    ],
)
def test_a_damaged_log_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(InputError, match="is damaged"):
        read_log(tmp_path / "log.csv", "float32")


def test_a_missing_log_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"log\.csv: cannot be read: No such file"):
        read_log(tmp_path / "log.csv", "float32")
