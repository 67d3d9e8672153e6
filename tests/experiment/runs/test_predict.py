import csv
import io
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import Experiment
from autodiff.experiment.data.about import About, Scaling
from autodiff.experiment.errors import InputError
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.progress import Progress
from autodiff.experiment.runs.arrays import read_arrays, write_arrays
from autodiff.experiment.runs.place import claimed
from autodiff.experiment.runs.predict import predictions, predictor, softmax
from autodiff.experiment.runs.record import ABOUT_POINTS, Record, read_record
from autodiff.experiment.runs.run import Options, run
from autodiff.experiment.training.network import build_model

POINTS = np.random.default_rng(0).normal(size=(50, 2))


@pytest.fixture(params=["float32", "float64"])
def record(request: pytest.FixtureRequest, tmp_path: Path) -> Record:
    config = Config(
        activation="tanh", optimizer="adam", learning_rate=0.1, epochs=20, frames=2, hidden=[7, 6],
        dtype=request.param, dataset={"classes": 4, "points_per_class": 10},
    )  # fmt: skip
    with claimed(tmp_path, "one") as place:
        done = run(Experiment("one", config), Options(tmp_path, animate=False), Progress(False), place, Interrupts())
    return read_record(done.folder)


def table(record: Record, text: str, *, probabilities: bool = False) -> list[str]:
    lines = predictions(predictor(record), io.BytesIO(text.encode()), "f.csv", probabilities=probabilities)
    return b"".join(lines).decode().splitlines()


def test_classes_and_probabilities_are_those_of_the_network(record: Record) -> None:
    text = "".join(f"{x!r},{y!r}\n" for x, y in POINTS.tolist())
    model = build_model(record.config(), np.random.default_rng(5))
    model.load_state_dict(record.parameters())
    logits = model(POINTS.astype(record.summary["config"]["dtype"]))
    expected = F.softmax(logits, axis=1).data
    head, *lines = table(record, text, probabilities=True)
    assert head == "class,probability_0,probability_1,probability_2,probability_3"
    found = np.array([line.split(",") for line in lines], dtype=np.float64)
    assert found[:, 0].tolist() == expected.argmax(axis=1).tolist()
    assert len(set(found[:, 0])) > 2
    rtol = 1e-4 if expected.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(found[:, 1:], expected, rtol=rtol)
    assert table(record, text) == ["class", *(line[0] for line in lines)]


def test_probabilities_of_large_logits_are_finite() -> None:
    logits = np.array([[1000.0, 0.0], [-1e30, -1e30]])
    assert softmax(logits).tolist() == [[1.0, 0.0], [0.5, 0.5]]


def test_a_point_too_large_for_the_network_is_refused_by_its_line(record: Record) -> None:
    huge = "1e39" if record.summary["config"]["dtype"] == "float32" else "1e308"
    network = predictor(record)
    network.network.layers = network.network.layers[::2]  # without the activations, which would bound it
    points = io.BytesIO(f"x,y\n1,2\n3,4\n{huge},{huge}\n".encode())
    lines = predictions(network, points, "f.csv", probabilities=False)
    written = [next(lines)]
    with pytest.raises(InputError, match=r"^f.csv:4: is too large for the network, whose dtype is float"):
        next(lines)
    assert b"".join(written).count(b"\n") == 3


def test_a_model_that_is_missing_damaged_or_not_finite_is_refused(record: Record) -> None:
    path = record.folder / "model.safetensors"
    arrays, about = read_arrays(path)
    write_arrays(path, arrays | {"0.bias": arrays["0.bias"] + np.nan}, about)
    with pytest.raises(InputError, match="the network is not finite: the run done"):
        predictor(record)
    for wrong in ({}, arrays | {"0.bias": arrays["0.bias"][:3]}, arrays | {"0.bias": arrays["0.bias"].astype("f2")}):
        write_arrays(path, wrong, about)
        with pytest.raises(InputError, match="is damaged: it is not of the network"):
            predictor(record)
    path.write_bytes(b"no tensors")
    with pytest.raises(InputError, match="is damaged, or no file of adrun's"):
        predictor(record)
    path.unlink()
    with pytest.raises(InputError, match=r"has no model.safetensors \(train it again\)"):
        predictor(record)


def with_names(record: Record, *classes: str) -> About:
    """Let the record's model know of names and a scaling."""
    path = record.folder / "model.safetensors"
    arrays, known = read_arrays(path)
    about = About(("x", "y"), classes, Scaling((1.0, -2.0), (3.0, 0.5)))
    write_arrays(path, arrays, known | {ABOUT_POINTS: about.plain()})
    return about


def test_raw_values_are_scaled_and_classes_have_their_names(record: Record) -> None:
    plain = predictor(record)
    about = with_names(record, "no, never", 'a "yes"', "50 %", "é")
    expected = plain((POINTS - [1, -2]) / [3, 0.5]).argmax(axis=1)
    text = "l,y,x\n" + "".join(f"?,{y!r},{x!r}\n" for x, y in POINTS.tolist())
    for probabilities in (False, True):
        head, *rows = csv.reader(table(record, text, probabilities=probabilities))
        assert [row[0] for row in rows] == [about.class_names[label] for label in expected]
        assert head == ["class", *(f"probability_{name}" for name in about.class_names if probabilities)]
        assert {len(row) for row in rows} == {len(head)}


def test_what_a_model_says_of_points_is_refused_where_it_is_damaged(record: Record) -> None:
    path = record.folder / "model.safetensors"
    arrays, known = read_arrays(path)
    write_arrays(path, arrays, known | {ABOUT_POINTS: {"feature_names": []}})
    with pytest.raises(InputError, match="is damaged: what it says of points cannot be read"):
        predictor(record)


def test_the_softmax_is_that_of_the_engine() -> None:
    logits = np.random.default_rng(1).normal(size=(20, 5))
    np.testing.assert_allclose(softmax(logits), F.softmax(ad.Tensor(logits), axis=1).data, rtol=1e-12)
