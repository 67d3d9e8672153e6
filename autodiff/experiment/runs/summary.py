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
from autodiff.experiment.data.about import NOTHING
from autodiff.experiment.runs.machine import machine, versions
from autodiff.experiment.training.curves import Curves
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
        "points": experiment.config.size.points,
        "test_points": experiment.config.size.test_points,
        "final": None,
        "config": experiment.config.resolved(),
    } | ({"code": digests(experiment)} if experiment.code else {})


def digests(experiment: Experiment) -> dict[str, str]:
    """Return what tells the code of one's own that an experiment needs from other code, by the names of the files."""
    return {code.name: code.digest for code in experiment.code}


def command() -> list[str]:
    """Return the command line of this process."""
    return [os.path.basename(sys.argv[0]), *sys.argv[1:]]


def summarise(
    begun: dict[str, Any], training: Training, status: str, drawing_seconds: float, error: str = ""
) -> dict[str, Any]:
    """Return what a run came to; None for a loss that is not finite, and for what was not measured."""
    curves = training.curves
    found = {
        "status": status,
        "ended": now(),
        "parameters": training.parameters,
        "final": _row(curves, len(curves["loss"]) - 1) if len(curves["loss"]) else None,
        "best": _best(curves, "loss"),
        "epochs_to_accuracy": _milestones(curves["accuracy"]),
        "seconds": {"training": round(training.seconds, 3), "drawing": round(drawing_seconds, 3)},
    }
    if training.about != NOTHING:
        found["data"] = training.about.plain()
    if "test_loss" in curves:
        found["test_best"] = _best(curves, "test_loss")
        found["epochs_to_test_accuracy"] = _milestones(curves["test_accuracy"])
    stopped = {"stopped": training.stopped} if training.stopped else {}
    return begun | found | stopped | ({"error": error} if error else {})


def now() -> str:
    """Return the time, in UTC, as ISO 8601 has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def epochs_to(accuracy: NDArray[np.float64], level: float) -> int | None:
    """Return the first epoch whose accuracy was measured and is at least `level`, or None."""
    reached = accuracy >= level
    return int(reached.argmax()) if reached.any() else None


def _milestones(accuracy: NDArray[np.float64]) -> dict[str, int | None]:
    return {f"{level:.2f}": epochs_to(accuracy, level) for level in MILESTONES}


def _best(curves: Curves, loss: str) -> dict[str, Any] | None:
    """Return the epoch at which a loss was least, and what was measured then."""
    losses = curves[loss]
    return _row(curves, int(np.where(np.isfinite(losses), losses, np.inf).argmin())) if len(losses) else None


def _row(curves: Curves, epoch: int) -> dict[str, Any]:
    measured = {name: float(values[epoch]) for name, values in curves.items()}
    return {"epoch": epoch} | {name: value if math.isfinite(value) else None for name, value in measured.items()}
