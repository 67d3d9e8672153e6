"""The classes that a run's network gives to points, as CSV."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

import autodiff as ad
from autodiff.experiment.data.about import About
from autodiff.experiment.errors import InputError, reason
from autodiff.experiment.runs.log import DIGITS
from autodiff.experiment.runs.points import read_points
from autodiff.experiment.runs.record import MODEL, Record
from autodiff.experiment.training.network import Snapshot, build_model

Array = NDArray[Any]


@dataclass(frozen=True)
class Predictor:
    """The last network of a run, and what it is to know of points: called with points (n, d) it returns their logits.

    The points are in the units of the file that the network was trained on.
    """

    network: Snapshot
    about: About

    def __call__(self, features: Array) -> Array:
        """Return the logits (n, classes) in the network's dtype."""
        scaling = self.about.scaling
        return self.network(features if scaling is None else scaling.apply(features))

    @property
    def classes(self) -> list[str]:
        """The names of the classes: their numbers where they have no others."""
        count = len(self.network.parameters[max(self.network.parameters, key=_layer)])
        return list(self.about.class_names) or [str(label) for label in range(count)]


def predictor(record: Record) -> Predictor:
    """Return what classifies points by the last network of a run. Raises InputError as `model_of`, or if not finite."""
    model = model_of(record)
    parameters = model.state_dict()
    if not all(np.isfinite(values).all() for values in parameters.values()):
        raise InputError([f"{record.folder / MODEL}: the network is not finite: the run {record.status}"])
    return Predictor(Snapshot(model, parameters), record.about())


def model_of(record: Record) -> ad.Sequential:
    """Return the last network of a run.

    Raises InputError when the run has none, or has one that is damaged or of another config.
    """
    path = record.folder / MODEL
    if not path.exists():
        advice = "it is running, or was cut off" if not record.ended else "train it again"
        raise InputError([f"{record.folder}: has no {MODEL} ({advice})"])
    model, parameters = build_model(record.config(), np.random.default_rng(0)), record.parameters()
    wanted = {name: (values.shape, values.dtype) for name, values in model.state_dict().items()}
    if {name: (values.shape, values.dtype) for name, values in parameters.items()} != wanted:
        raise InputError([f"{path}: is damaged: it is not of the network that the run's config describes"])
    model.load_state_dict(parameters)
    return model


def predictions(predictor: Predictor, points: BinaryIO, name: str, *, probabilities: bool) -> Iterator[bytes]:
    """Yield the lines of a CSV as the points are read: the class of each and, if asked for, all classes' probabilities.

    name: of the points' file, for errors. Raises InputError at the first line that is no point of the network's.
    """
    network, classes = predictor.network, predictor.classes
    heading = ["class", *(f"probability_{name}" for name in classes if probabilities)]
    digits = DIGITS[network.dtype.name]
    numbers = ",".join([f"%.{digits}g"] * len(classes))
    names = [_cell(name) for name in classes]
    rows = [f"{name.replace('%', '%%')},{numbers}\n" for name in names]
    lines = [f"{name}\n" for name in names]
    before = ",".join(map(_cell, heading)) + "\n"
    for part in read_points(points, name, predictor.about.feature_names):
        with np.errstate(over="ignore", invalid="ignore"):  # told below
            logits = predictor(part.features)
        finite = np.isfinite(logits).all(axis=1)
        known = logits if finite.all() else logits[: int(finite.argmin())]
        chosen = known.argmax(axis=1)
        if probabilities:
            text = "".join(map(rows.__getitem__, chosen.tolist())) % tuple(softmax(known).ravel().tolist())
        else:
            text = "".join(map(lines.__getitem__, chosen.tolist()))
        if text:
            yield (before + text).encode("utf-8")
            before = ""
        if len(known) < len(logits):
            found = f"{name}:{part.lines[len(known)]}"
            raise InputError([f"{found}: is too large for the network, whose dtype is {network.dtype.name}"])


def softmax(logits: Array) -> Array:
    """Return probabilities (n, classes) in the logits' dtype."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: Array = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def _cell(text: str) -> str:
    """Return a text as a cell of a CSV."""
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="").writerow([text])
    return stream.getvalue()


def _layer(parameter: str) -> int:
    return int(parameter.partition(".")[0])


def open_points(path: Path) -> BinaryIO:
    """Open a file of points. Raises InputError."""
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError([f"{path}: cannot be read: {reason(error)}"]) from None
