"""What the page computes with: the runs' networks and points, as plain values."""

import base64
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.experiment.data.points import Points
from autodiff.experiment.pictures.field import extent_of
from autodiff.experiment.pictures.palette import CLASS_COLORS, curve_style
from autodiff.experiment.pictures.view import View, view_of
from autodiff.experiment.report.layers import described, frame
from autodiff.experiment.report.markers import corners
from autodiff.experiment.runs.html import picture
from autodiff.experiment.runs.record import Record
from autodiff.experiment.training.network import build_model
from autodiff.experiment.training.training import Training

MOST_POINTS = 2_000
"""Points of a data set that are shown: of more, every so-manieth."""
MOST_NUMBERS = 1_000_000
"""Parameters of all networks in a page together: of more, networks at fewer epochs are in it. It has 5 MB then."""
OWN_PARTS = "It has a layer or an activation of one's own, which this page cannot compute"
TOO_LARGE = "It has too many parameters for this page"


def encoded(array: NDArray[Any]) -> str:
    """Return the bytes of an array in base64."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def run_data(record: Record, training: Training, title: str, number: int, runs: int, data: int) -> dict[str, Any]:
    """Return what the page knows of a run. number: its place among the runs; data: that of its data set."""
    model = build_model(record.config(), np.random.default_rng(0))
    frames_at_most = MOST_NUMBERS // runs // sum(parameter.size for parameter in model.parameters())
    known = described(model) if frames_at_most else None
    epochs = thinned(sorted(training.snapshots), max(frames_at_most, 1))
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
        "still": f"{OWN_PARTS if frames_at_most else TOO_LARGE}: this is the boundary in the end.",
    }


def thinned(epochs: list[int], most: int) -> list[int]:
    """Return so many of some epochs at most, the last one among them."""
    if len(epochs) <= most:
        return epochs
    return [epochs[i] for i in np.linspace(len(epochs) - 1, 0, most).astype(int)[::-1]]


def measured(training: Training, epoch: int) -> dict[str, float | None]:
    """Return what was measured at an epoch, None where it was not, or is not finite."""
    names = {"loss": "loss", "accuracy": "accuracy", "testLoss": "test_loss", "testAccuracy": "test_accuracy"}
    values = {ours: training.curves.get(theirs) for ours, theirs in names.items()}
    return {
        name: None if curve is None or not math.isfinite(curve[epoch]) else float(curve[epoch])
        for name, curve in values.items()
    }


def data_set(training: Training, classes: int) -> dict[str, Any]:
    """Return what the page knows of the points that runs share, and of the plane on which they are seen.

    A network's inputs at a place (x, y) of the plane are origin + x * along[0] + y * along[1].
    """
    points, held_out, about = training.points, training.held_out, training.about
    view = view_of(points, about)
    extent = extent_of(view.place(points), 1.0)
    inputs = np.asarray(view.of(lambda some: some, about)(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])))
    features = points.features.shape[1]
    scaling = about.scaling
    return {
        "classes": list(about.class_names) or [f"class {k}" for k in range(classes)],
        "colors": list(CLASS_COLORS[:classes]),
        "markers": corners(classes),
        "features": list(about.feature_names) or [f"feature {i}" for i in range(1, features + 1)],
        "axes": list(view.words.axes),
        "plane": view.words.plane,
        "extent": {"left": extent.left, "right": extent.right, "bottom": extent.bottom, "top": extent.top},
        "origin": inputs[0].tolist(),
        "along": (inputs[1:] - inputs[0]).tolist(),
        "mean": list(scaling.mean) if scaling else [0.0] * features,
        "deviation": list(scaling.deviation) if scaling else [1.0] * features,
        "training": encoded_points(points, view),
        "heldOut": None if held_out is None else encoded_points(held_out, view),
    }


def encoded_points(points: Points, view: View) -> dict[str, str]:
    """Return the points that are shown: what the network takes and where they are on the plane, in float32."""
    shown = slice(None, None, -(-len(points.labels) // MOST_POINTS))
    return {
        "inputs": encoded(points.features[shown].astype(np.float32)),
        "places": encoded(view.place(points)[shown].astype(np.float32)),
        "labels": encoded(points.labels[shown].astype(np.uint8)),
    }


def epochs_of(runs: Sequence[dict[str, Any]]) -> list[int]:
    """Return all epochs at which some run has a network."""
    return sorted({epoch for run in runs for epoch in run["epochs"]})
