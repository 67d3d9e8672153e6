"""What differs between two runs: their configs, what they came to, and what they were made with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autodiff.experiment.errors import InputError
from autodiff.experiment.runs.fields import differing, flattened
from autodiff.experiment.runs.record import Record
from autodiff.experiment.runs.text import value_text
from autodiff.experiment.terminal import fitted_table

PARTS = {
    "config": ("config",),
    "results": ("status", "final", "best", "epochs_to_accuracy", "parameters", "points"),
    "made with": ("versions", "machine", "host", "code"),
    "seconds": ("seconds",),
}
"""What is compared, by the fields of the summary that hold it."""
Pair = tuple[Any, Any]


@dataclass(frozen=True)
class Difference:
    """The values in which two runs differ, by part and by field; and the first epoch whose lines in the logs do."""

    records: tuple[Record, Record]
    parts: dict[str, dict[str, Pair]]
    first_epoch: int | None
    log_problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the same as plain values."""
        return {"differences": {**self.parts}, "logs_differ_from_epoch": self.first_epoch}

    def text(self, columns: int | None = None) -> str:
        """Return tables of what differs, fitted to the columns of a terminal, and in words what does not."""
        tables = []
        for part, fields in self.parts.items():
            if fields:
                rows = [[name, *_texts(pair)] for name, pair in fields.items()]
                names = _names(self.records)
                tables.append(fitted_table([[part, *names], *rows], [False, True, True], columns))
        same = [f"the {name} are the same" for name in ("results",) if not self.parts[name]]
        if not self.parts["config"]:
            same.insert(0, "the configs are the same")
        if not self.log_problem:
            same.append(
                "the logs are the same in every epoch"
                if self.first_epoch is None
                else f"the logs differ from epoch {self.first_epoch} on"
            )
        return "\n\n".join([*tables, "; ".join(same)]).rstrip()


def difference(one: Record, other: Record) -> Difference:
    """Return what differs between two runs. A log that cannot be read is told, and not compared."""
    parts = {name: _pairs(_part(one, fields), _part(other, fields)) for name, fields in PARTS.items()}
    first, problem = None, ""
    try:
        first = _first_difference(one.log_lines(), other.log_lines())
    except InputError as error:
        problem = str(error)
    return Difference((one, other), parts, first, problem)


def _part(record: Record, fields: tuple[str, ...]) -> Mapping[str, Any]:
    if len(fields) == 1:
        return record.summary.get(fields[0]) or {}
    return {name: record.summary[name] for name in fields if record.summary.get(name) is not None}


def _pairs(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Pair]:
    left, right = flattened(one), flattened(other)
    return {name: (left.get(name), right.get(name)) for name in differing(one, other)}


def _first_difference(one: list[str], other: list[str]) -> int | None:
    """Return the first epoch whose lines differ, or that only one log has."""
    for epoch in range(max(len(one), len(other)) - 1):
        if one[epoch + 1 : epoch + 2] != other[epoch + 1 : epoch + 2]:
            return epoch
    return None


def _texts(pair: Pair) -> tuple[str, str]:
    """Return two values with as many digits as tell them apart."""
    short = tuple(f"{value:.6g}" if isinstance(value, float) else value_text(value) for value in pair)
    left, right = short if short[0] != short[1] else map(value_text, pair)
    return left, right


def _names(records: tuple[Record, Record]) -> list[str]:
    names = [record.name for record in records]
    return [str(record.folder) for record in records] if names[0] == names[1] else names
