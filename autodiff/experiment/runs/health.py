"""health.csv: how each layer was at some epochs; a cell is blank where there was nothing to measure."""

import csv
from collections.abc import Sequence
from pathlib import Path

from autodiff.experiment.errors import InputError, reason
from autodiff.experiment.files import write_text
from autodiff.experiment.training.health import LayerHealth

COLUMNS = (
    "epoch",
    "layer",
    "gradient_norm",
    "update_norm",
    "weight_norm",
    "update_to_weight",
    "units",
    "dead",
    "saturated",
)


def write_health(path: Path, health: Sequence[LayerHealth]) -> None:
    """Write a row for each epoch and layer, whole or not at all. Raises OSError."""
    rows = [",".join(_cell(getattr(row, name)) for name in COLUMNS) for row in health]
    write_text(path, "\n".join([",".join(COLUMNS), *rows, ""]))


def read_health(path: Path) -> list[LayerHealth]:
    """Return what was measured; nothing of a record that has no such file. Raises InputError for a damaged one."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return [_row(row) for row in csv.DictReader(stream, strict=True)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError([f"{path}: cannot be read: {reason(error)}"]) from None
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error):
        raise InputError([f"{path}: is damaged: not every line is {','.join(COLUMNS)}"]) from None


def _cell(value: float | str | None) -> str:
    """Return a value as text that gives it back."""
    return "" if value is None else str(value)


def _row(row: dict[str, str]) -> LayerHealth:
    """Return the layer of a row, whose ratio follows from the others."""

    if None in row or None in row.values():
        raise ValueError("too many cells, or too few")

    def number(name: str) -> float | None:
        return float(row[name]) if row[name] else None

    return LayerHealth(
        int(row["epoch"]),
        row["layer"],
        number("gradient_norm"),
        number("update_norm"),
        float(row["weight_norm"]),
        int(row["units"]) if row["units"] else None,
        number("dead"),
        number("saturated"),
    )
