"""From a training run to what the renderer draws."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autodiff import functional as F  # noqa: N812 (the name by which the field knows it)
from autodiff.experiment.config.config import Config
from autodiff.experiment.data.points import Points
from autodiff.experiment.pictures import Curve, Film, Frame, HeldOut, Setting, Votes
from autodiff.experiment.pictures.view import view_of
from autodiff.experiment.training.network import Snapshot
from autodiff.experiment.training.training import Training


def film_of(title: str, config: Config, training: Training) -> Film:
    """Return the run's data, its kept networks and its curves."""
    points, held_out, view = training.points, training.held_out, view_of(training.points, training.about)
    frames = tuple(
        Frame(
            epoch,
            float(training.loss[epoch]),
            float(training.accuracy[epoch]),
            view.of(snapshot, training.about),
            *(() if held_out is None else measured(snapshot, held_out)),
        )
        for epoch, snapshot in training.snapshots.items()
    )
    tested = None if held_out is None else HeldOut(view.place(held_out), held_out.labels, test_curve_of(training))
    return Film(title, view.place(points), points.labels, config.epochs, frames, curve_of(training), tested, view.words)


def curve_of(training: Training) -> Curve:
    """Return what was measured on the points that a run was trained on."""
    return Curve(np.arange(len(training.loss)), training.loss, training.accuracy)


def test_curve_of(training: Training) -> Curve:
    """Return what was measured on the points that a run was not trained on, of which there are some."""
    loss, accuracy = training.curves["test_loss"], training.curves["test_accuracy"]
    epochs = np.flatnonzero(~np.isnan(accuracy))
    return Curve(epochs, loss[epochs], accuracy[epochs])


def setting_of(title: str, trainings: Sequence[Training]) -> Setting:
    """Return the curves of all seeds of a setting; on held-out points, if all of them have some."""
    tested = all(training.held_out is not None for training in trainings)
    return Setting(title, tuple(map(curve_of, trainings)), tuple(map(test_curve_of, trainings)) if tested else ())


def votes_of(title: str, trainings: Sequence[Training]) -> Votes:
    """Return what the last networks of some runs, which all kept some, make of the plane that the first one shows."""
    first = trainings[0]
    view = view_of(first.points, first.about)
    last = tuple(view.of(one.snapshots[max(one.snapshots)], one.about) for one in trainings)
    return Votes(title, view.place(first.points), last, view.words)


def confusion_of(training: Training) -> tuple[NDArray[np.int64], list[str], str]:
    """Return which class the last network takes for which, by the true and the predicted one, and their names.

    It is asked of the held-out points, if there are some; last comes the name of the points.
    """
    points, of = (training.points, "training") if training.held_out is None else (training.held_out, "held-out")
    logits = training.snapshots[max(training.snapshots)](points.features)
    classes = logits.shape[1]
    counts = np.bincount(points.labels * classes + logits.argmax(axis=1), minlength=classes**2)
    names = training.about.class_names or tuple(str(label) for label in range(classes))
    return counts.reshape(classes, classes), list(names), of


def measured(snapshot: Snapshot, points: Points) -> tuple[float, float]:
    """Return the loss and the accuracy of a kept network: the run itself did not measure all of them on all points."""
    logits = snapshot(points.features)
    loss = F.cross_entropy(logits, points.labels)
    return float(loss), float(np.mean(logits.argmax(axis=1) == points.labels))
