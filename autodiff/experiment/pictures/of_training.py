"""From a training run to what the renderer draws."""

import numpy as np

from autodiff import functional as F  # noqa: N812 (the name by which the field knows it)
from autodiff.experiment.config.config import Config
from autodiff.experiment.data.points import Points
from autodiff.experiment.pictures import Curve, Film, Frame, HeldOut
from autodiff.experiment.training.network import Snapshot
from autodiff.experiment.training.training import Training


def film_of(title: str, config: Config, training: Training) -> Film:
    """Return the run's data, its kept networks and its curves."""
    points, held_out = training.points, training.held_out
    frames = tuple(
        Frame(
            epoch,
            float(training.loss[epoch]),
            float(training.accuracy[epoch]),
            snapshot,
            *(() if held_out is None else measured(snapshot, held_out)),
        )
        for epoch, snapshot in training.snapshots.items()
    )
    return Film(title, points.features, points.labels, config.epochs, frames, curve_of(training), held_out_of(training))


def curve_of(training: Training) -> Curve:
    """Return what was measured on the points that a run was trained on."""
    return Curve(np.arange(len(training.loss)), training.loss, training.accuracy)


def held_out_of(training: Training) -> HeldOut | None:
    """Return the points that a run was not trained on, and what was measured on them."""
    if training.held_out is None:
        return None
    loss, accuracy = training.curves["test_loss"], training.curves["test_accuracy"]
    epochs = np.flatnonzero(~np.isnan(accuracy))
    return HeldOut(*training.held_out, Curve(epochs, loss[epochs], accuracy[epochs]))


def measured(snapshot: Snapshot, points: Points) -> tuple[float, float]:
    """Return the loss and the accuracy of a kept network: the run itself did not measure all of them on all points."""
    logits = snapshot(points.features)
    loss = F.cross_entropy(logits, points.labels)
    return float(loss), float(np.mean(logits.argmax(axis=1) == points.labels))
