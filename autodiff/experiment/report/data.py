"""What the page computes with: the runs' networks and points, as plain values."""

import base64
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.experiment.config.config import Config
from autodiff.experiment.data.spiral import Points
from autodiff.experiment.pictures.field import extent_of
from autodiff.experiment.pictures.palette import CLASS_COLORS, curve_style
from autodiff.experiment.report.layers import described, frame
from autodiff.experiment.runs.record import Record
from autodiff.experiment.training.training import Session, Training

MOST_POINTS = 2_000
"""Points of a data set that are shown: of more, every so-manieth."""


def encoded(array: NDArray[Any]) -> str:
    """Return the bytes of an array in base64."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def run_data(record: Record, training: Training, title: str, number: int, data: int) -> dict[str, Any]:
    """Return what the page knows of a run. number: its place among the runs; data: that of its data set."""
    session = Session(record.config())
    known = described(session.model)
    epochs = sorted(training.snapshots)
    frames = [frame(training.snapshots[epoch].parameters, known[1]) for epoch in epochs] if known else []
    return {
        "name": record.name,
        "title": title,
        "color": curve_style(number)[0],
        "data": data,
        "epochs": epochs,
        "measured": [measured(training, epoch) for epoch in epochs],
        "layers": known[0] if known else None,
        "size": len(frames[0]) if frames else 0,
        "parameters": encoded(np.concatenate(frames)) if frames else "",
        "fallback": "" if known else picture(record.folder / "boundary.png"),
    }


def measured(training: Training, epoch: int) -> dict[str, float | None]:
    """Return what was measured at an epoch, None where it was not, or is not finite."""
    names = {"loss": "loss", "accuracy": "accuracy", "testLoss": "test_loss", "testAccuracy": "test_accuracy"}
    values = {ours: training.curves.get(theirs) for ours, theirs in names.items()}
    return {
        name: None if curve is None or not math.isfinite(curve[epoch]) else float(curve[epoch])
        for name, curve in values.items()
    }


def picture(path: Path) -> str:
    """Return a picture as a URL; nothing if there is none."""
    try:
        return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
    except OSError:
        return ""


def data_set(config: Config, points: Points, held_out: Points | None) -> dict[str, Any]:
    """Return what the page knows of the points that runs share."""
    extent = extent_of(points.features, 1.0)
    classes = config.dataset.classes
    return {
        "classes": [f"class {k}" for k in range(classes)],
        "colors": list(CLASS_COLORS[:classes]),
        "features": ["x", "y"],
        "extent": {"left": extent.left, "right": extent.right, "bottom": extent.bottom, "top": extent.top},
        "training": encoded_points(points),
        "heldOut": None if held_out is None else encoded_points(held_out),
        "center": [0.0, 0.0],
        "scale": [1.0, 1.0],
        "plane": None,
    }


def encoded_points(points: Points) -> dict[str, str]:
    """Return the points that are shown: features in float32, one point after the other, and their class numbers."""
    shown = slice(None, None, -(-len(points.labels) // MOST_POINTS))
    features, labels = points.features[shown].astype(np.float32), points.labels[shown].astype(np.uint8)
    return {"features": encoded(features), "labels": encoded(labels)}


def epochs_of(runs: Sequence[dict[str, Any]]) -> list[int]:
    """Return all epochs at which some run has a network."""
    return sorted({epoch for run in runs for epoch in run["epochs"]})
