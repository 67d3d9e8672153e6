"""What a run came to, as plain values for summary.json, --json and the comparison."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.experiment.config.load import Experiment
from autodiff.experiment.runs.machine import machine, versions
from autodiff.experiment.training.training import Status, Training

MILESTONES = (0.90, 0.95, 0.99)


def summarise(experiment: Experiment, training: Training, status: Status, drawing_seconds: float) -> dict[str, Any]:
    """Return name, status, config, results, seconds, versions and machine; None for a loss that is not finite."""
    return {
        "name": experiment.name,
        "title": experiment.config.title,
        "status": status,
        "parameters": training.parameters,
        "points": len(training.labels),
        "final": _row(training, len(training.loss) - 1) if len(training.loss) else None,
        "best": _row(training, _best(training.loss)) if len(training.loss) else None,
        "epochs_to_accuracy": {f"{level:.2f}": epochs_to(training.accuracy, level) for level in MILESTONES},
        "seconds": {"training": round(training.seconds, 3), "drawing": round(drawing_seconds, 3)},
        "versions": versions(),
        "machine": machine(),
        "config": experiment.config.resolved(),
    }


def loss_text(loss: float) -> str:
    """Return a loss in six decimals, or in powers of ten where those would say little."""
    return f"{loss:.6f}" if 1e-4 <= loss < 1e4 or loss == 0 else f"{loss:.3e}"


def epochs_to(accuracy: NDArray[np.float64], level: float) -> int | None:
    """Return the first epoch whose accuracy is at least `level`, or None."""
    reached = accuracy >= level
    return int(reached.argmax()) if reached.any() else None


def _best(loss: NDArray[np.float64]) -> int:
    return int(np.where(np.isfinite(loss), loss, np.inf).argmin())


def _row(training: Training, epoch: int) -> dict[str, Any]:
    loss = float(training.loss[epoch])
    return {
        "epoch": epoch,
        "loss": loss if math.isfinite(loss) else None,
        "accuracy": float(training.accuracy[epoch]),
    }
