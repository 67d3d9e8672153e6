import csv
from pathlib import Path

import numpy as np
import pytest

from autodiff.experiment.config.config import Config
from autodiff.experiment.runs.log import write_log
from autodiff.experiment.training.training import train


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_log_gives_back_every_number_exactly(tmp_path: Path, dtype: str) -> None:
    fields = {"activation": "relu", "optimizer": "adam", "learning_rate": 0.01, "epochs": 5, "dtype": dtype}
    training = train(Config.model_validate(fields), lambda epoch, loss, accuracy: None)
    write_log(tmp_path / "log.csv", training, dtype)
    with (tmp_path / "log.csv").open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["epoch", "loss", "accuracy"]
    assert [int(row[0]) for row in rows] == list(range(6))
    read = np.array([row[1] for row in rows], dtype=dtype)
    assert np.array_equal(read, training.loss.astype(dtype))
    np.testing.assert_allclose([float(row[2]) for row in rows], training.accuracy, atol=1e-9)
    assert list(tmp_path.iterdir()) == [tmp_path / "log.csv"]
