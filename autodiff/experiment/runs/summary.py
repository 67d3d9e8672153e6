"""What a run is and what it came to, as plain values for summary.json, --json and the comparison."""

import math
import os
import platform
import sys
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.experiment.config.load import Experiment
from autodiff.experiment.runs.machine import machine, versions
from autodiff.experiment.training.training import Training

MILESTONES = (0.90, 0.95, 0.99)


def begun(experiment: Experiment, resumed_from: int | None) -> dict[str, Any]:
    """Return what is known of a run when it begins: name, config, process, host, versions and machine."""
    return {
        "name": experiment.name,
        "title": experiment.config.title,
        "status": "running",
        "started": now(),
        "ended": None,
        "resumed_from_epoch": resumed_from,
        "command": command(),
        "process": os.getpid(),
        "host": platform.node(),
        "versions": versions(),
        "machine": machine(),
        "points": experiment.config.dataset.points,
        "final": None,
        "config": experiment.config.resolved(),
    }


def command() -> list[str]:
    """Return the command line of this process."""
    return [os.path.basename(sys.argv[0]), *sys.argv[1:]]


def summarise(
    begun: dict[str, Any], training: Training, status: str, drawing_seconds: float, error: str = ""
) -> dict[str, Any]:
    """Return what a run came to; None for a loss that is not finite."""
    found = {
        "status": status,
        "ended": now(),
        "parameters": sum(values.size for values in training.state.parameters.values()),
        "final": _row(training, len(training.loss) - 1) if len(training.loss) else None,
        "best": _row(training, _best(training.loss)) if len(training.loss) else None,
        "epochs_to_accuracy": {f"{level:.2f}": epochs_to(training.accuracy, level) for level in MILESTONES},
        "seconds": {"training": round(training.seconds, 3), "drawing": round(drawing_seconds, 3)},
    }
    return begun | found | ({"error": error} if error else {})


def now() -> str:
    """Return the time, in UTC, as ISO 8601 has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


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
