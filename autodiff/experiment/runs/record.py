"""A record: the folder of one run, as it is read. Nothing else knows what lies in it.

    config.yaml  log.csv  summary.json  model.safetensors  frames.safetensors  boundary.png  boundary.gif

A run that is under way, or was cut off, has its files under `.running/` in the same results folder.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodiff.experiment.errors import InputError, reason
from autodiff.experiment.files import write_text

if TYPE_CHECKING:
    from autodiff.experiment.config.config import Config
    from autodiff.experiment.runs.arrays import Arrays
    from autodiff.experiment.runs.log import Losses

CONFIG, LOG, SUMMARY, MODEL = "config.yaml", "log.csv", "summary.json", "model.safetensors"
COMPARISON = "comparison.json"  # what a comparison's folder has instead of a summary
STAGING = ".running"
ENDED = ("done", "did not learn", "diverged")
"""The statuses of runs that came to their own end. The others are running, interrupted and failed."""


@dataclass(frozen=True)
class Record:
    """A run on disk; `summary` is what its summary.json holds."""

    folder: Path
    summary: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of the run: that of its folder, which may have been moved."""
        return self.folder.name

    @property
    def status(self) -> str:
        """What the run came to."""
        return str(self.summary["status"])

    @property
    def ended(self) -> bool:
        """Whether the run came to its own end."""
        return self.status in ENDED

    @property
    def cut_off(self) -> str:
        """How a run that did not end was cut off, and when it had begun."""
        how = "killed" if self.status == "running" else self.status
        return f"{how}, begun {self.summary.get('started')}"

    @property
    def staged(self) -> bool:
        """Whether the run is under way, or was cut off."""
        return self.folder.parent.name == STAGING

    @property
    def age(self) -> float | None:
        """The seconds since the run ended, or began if it has not."""
        moment = self.summary.get("ended") or self.summary.get("started")
        return None if moment is None else (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()

    def config(self) -> "Config":
        """Return the run's config. Raises InputError when it is none any more."""
        from autodiff.experiment.config.load import load

        return load(self.folder / CONFIG)

    def log(self) -> "tuple[Losses, Losses]":
        """Return the loss and the accuracy of every epoch. Raises InputError."""
        from autodiff.experiment.runs.log import read_log

        return read_log(self.folder / LOG, self.summary["config"]["dtype"], self.summary["points"])

    def parameters(self) -> "Arrays":
        """Return the parameters of the last network by name. Raises InputError."""
        from autodiff.experiment.runs.arrays import read_arrays

        return read_arrays(self.folder / MODEL)[0]

    def frames(self) -> "dict[int, Arrays]":
        """Return the parameters of the networks kept for the pictures, by epoch. Raises InputError."""
        from autodiff.experiment.runs.checkpoint import read_frames

        return read_frames(self.folder)


def is_record(folder: Path) -> bool:
    """Tell whether a folder is a run's."""
    return (folder / SUMMARY).is_file()


def read_record(folder: Path) -> Record:
    """Return the record in a folder. Raises InputError when there is none, or it cannot be read."""
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not folder.exists():
            raise InputError([f"{folder}: no such run; `adrun ls` lists those there are"]) from None
        raise InputError([f"{folder}: is no run's folder: it has no {SUMMARY}"]) from None
    except NotADirectoryError:
        raise InputError([f"{folder}: is a file, not a run's folder"]) from None
    except OSError as error:
        raise InputError([f"{folder / SUMMARY}: cannot be read: {reason(error)}"]) from None
    except ValueError as error:
        raise InputError([f"{folder / SUMMARY}: is damaged: {error}"]) from None
    if not isinstance(summary, dict) or not {"status", "config"} <= summary.keys():
        raise InputError([f"{folder / SUMMARY}: is no run's summary: it has no status or no config"])
    return Record(folder, summary)


def records_in(results: Path) -> Iterator[Record]:
    """Yield the records of a results folder by name, those under way last. Folders that are none are passed over."""
    for parent in (results, results / STAGING):
        try:
            entries = sorted(entry for entry in parent.iterdir() if entry.name[0] != ".")
        except OSError:
            continue
        for entry in entries:
            if is_record(entry):
                yield read_record(entry)


def write_comparison_of(folders: Sequence[Path], folder: Path) -> None:
    """Write which records a comparison was made of, and as they were when. Raises OSError."""
    runs = [{"folder": str(run), "ended": read_record(run).summary.get("ended")} for run in folders]
    write_text(folder / COMPARISON, json.dumps({"runs": runs}, indent=2) + "\n")


def changed_since(comparison: Path) -> list[str]:
    """Return the records that a comparison was made of and that are not as they were. Raises InputError."""
    try:
        runs = json.loads((comparison / COMPARISON).read_text(encoding="utf-8"))["runs"]
    except OSError as error:
        raise InputError([f"{comparison}: is no comparison: {reason(error)}"]) from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError([f"{comparison / COMPARISON}: is damaged: {error}"]) from None
    changed = []
    for run in runs:
        folder = Path(run["folder"])
        if not is_record(folder) or read_record(folder).summary.get("ended") != run["ended"]:
            changed.append(run["folder"])
    return changed
