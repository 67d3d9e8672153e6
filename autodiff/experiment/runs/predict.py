"""The classes that a run's network gives to points, as CSV."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from autodiff.experiment.errors import InputError, reason
from autodiff.experiment.runs.log import DIGITS
from autodiff.experiment.runs.points import COLUMNS, read_points
from autodiff.experiment.runs.record import MODEL, Record
from autodiff.experiment.training.network import Snapshot, build_model

Array = NDArray[Any]


def predictor(record: Record) -> Snapshot:
    """Return the last network of a run: called with points (n, 2) it returns their logits (n, classes).

    Raises InputError when the run has none, or has one that is damaged, of another config, or not finite.
    """
    path = record.folder / MODEL
    if not path.exists():
        advice = "it is running, or was cut off" if not record.ended else "train it again"
        raise InputError([f"{record.folder}: has no {MODEL} ({advice})"])
    model, parameters = build_model(record.config(), np.random.default_rng(0)), record.parameters()
    wanted = {name: (values.shape, values.dtype) for name, values in model.state_dict().items()}
    if {name: (values.shape, values.dtype) for name, values in parameters.items()} != wanted:
        raise InputError([f"{path}: is damaged: it is not of the network that the run's config describes"])
    if not all(np.isfinite(values).all() for values in parameters.values()):
        raise InputError([f"{path}: the network is not finite: the run {record.status}"])
    return Snapshot(model, parameters)


def predictions(network: Snapshot, points: BinaryIO, name: str, *, probabilities: bool) -> Iterator[bytes]:
    """Yield the lines of a CSV as the points are read: the class of each and, if asked for, all classes' probabilities.

    name: of the points' file, for errors. Raises InputError at the first line that is no point of the network's.
    """
    classes = network(np.zeros((1, COLUMNS))).shape[1]
    heading = ["class", *(f"probability_{i}" for i in range(classes) if probabilities)]
    digits = DIGITS[network.dtype.name]
    row = ",".join(["%d", *[f"%.{digits}g"] * classes]) + "\n"
    names = [f"{i}\n" for i in range(classes)]
    before = ",".join(heading) + "\n"
    for part in read_points(points, name):
        with np.errstate(over="ignore", invalid="ignore"):  # told below
            logits = network(part.features)
        finite = np.isfinite(logits).all(axis=1)
        known = logits if finite.all() else logits[: int(finite.argmin())]
        chosen = known.argmax(axis=1)
        if probabilities:
            text = row * len(chosen) % tuple(np.column_stack([chosen, softmax(known)]).ravel().tolist())
        else:
            text = "".join(map(names.__getitem__, chosen.tolist()))
        if text:
            yield (before + text).encode("ascii")
            before = ""
        if len(known) < len(logits):
            found = f"{name}:{part.lines[len(known)]}"
            raise InputError([f"{found}: is too large for the network, whose dtype is {network.dtype.name}"])


def softmax(logits: Array) -> Array:
    """Return probabilities (n, classes) in the logits' dtype."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: Array = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def open_points(path: Path) -> BinaryIO:
    """Open a file of points. Raises InputError."""
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError([f"{path}: cannot be read: {reason(error)}"]) from None
