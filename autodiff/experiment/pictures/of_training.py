"""From a training run to what the renderer draws."""

import numpy as np

from autodiff.experiment.config.config import Config
from autodiff.experiment.pictures import Curve, Film, Frame
from autodiff.experiment.training.training import Training


def film_of(title: str, config: Config, training: Training) -> Film:
    """Return the run's data, its kept networks and its curves."""
    frames = tuple(
        Frame(epoch, float(training.loss[epoch]), float(training.accuracy[epoch]), snapshot)
        for epoch, snapshot in training.snapshots.items()
    )
    curve = Curve(np.arange(len(training.loss)), training.loss, training.accuracy)
    return Film(title, training.features, training.labels, config.epochs, frames, curve)
