"""Outcomes of runs that never were, for the tests of what is said of several."""

from pathlib import Path
from typing import Any

from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import Experiment
from autodiff.experiment.runs.run import Outcome

FIELDS = {"activation": "relu", "optimizer": "adam", "learning_rate": 0.01, "epochs": 1000}


def outcome(
    name: str,
    seed: int = 0,
    accuracy: float = 0.9,
    to_95: int | None = 100,
    loss: float | None = 0.5,
    status: str = "done",
    held_out: bool = True,
    **fields: Any,
) -> Outcome:
    """Return what a run came to, with these numbers on the held-out points, and others on the training points."""
    config = Config.model_validate(FIELDS | fields | {"seed": seed})
    kind = "test_" if held_out else ""
    final = {"epoch": 1000, "loss": 0.01, "accuracy": 1.0} | {f"{kind}loss": loss, f"{kind}accuracy": accuracy}
    milestones = {"0.90": 50, "0.95": to_95, "0.99": None}
    summary = {
        "name": name,
        "status": status,
        "final": final,
        "epochs_to_accuracy": dict.fromkeys(milestones, 7),
        f"epochs_to_{kind}accuracy": milestones,
        "seconds": {"training": 1.5, "drawing": 0.5},
        "config": config.resolved(),
    }
    return Outcome(Experiment(name, config), Path(name), summary)
