"""tests/oracle/ compares with PyTorch and SciPy, tests/browser/ opens the report; they run when asked for by folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

collect_ignore = ["oracle", "browser"]

CONFIG: dict[str, Any] = {
    "activation": "relu",
    "optimizer": "adam",
    "learning_rate": 0.01,
    "epochs": 4,
    "weight_decay": 0.0,
    "seed": 0,
    "dtype": "float32",
    "frames": 3,
    "style": "soft",
    "dataset": {"name": "spiral", "classes": 3, "points_per_class": 10, "noise": 0.2},
    "hidden": [5],
}


@pytest.fixture
def put() -> Callable[..., Path]:
    """Return what writes the summary and the log of a run that never was."""
    return put_record


def put_record(folder: Path, status: str = "done", **fields: Any) -> Path:
    """Write them to a folder; `fields` are those of the config (noise, within dataset) or of the summary."""
    config = CONFIG | {"dataset": CONFIG["dataset"] | {"noise": fields.pop("noise", 0.2)}}
    config |= {name: fields.pop(name) for name in list(fields) if name in [*CONFIG, "momentum", "batch_size"]}
    final = {"epoch": 4, "loss": 0.25, "accuracy": 0.5}
    summary = {
        "name": folder.name,
        "title": "ReLU + Adam",
        "status": status,
        "started": "2025-01-01T00:00:00.000+00:00",
        "ended": "2025-01-01T00:00:02.000+00:00",
        "points": 30,
        "final": final,
        "best": final,
        "epochs_to_accuracy": {"0.90": 3, "0.95": None, "0.99": None},
        "seconds": {"training": 1.5, "drawing": 0.5},
        "config": config,
    }
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps(summary | fields))
    (folder / "log.csv").write_text("epoch,loss,accuracy\n" + "".join(f"{i},{1 / (i + 1)},0.5\n" for i in range(5)))
    return folder
