"""A record: the folder of one run, as it is read. Nothing else knows what lies in it.

    config.yaml  log.csv  summary.json  model.safetensors  frames.safetensors  boundary.png  boundary.gif  code/

A run that is under way, or was cut off, has its files under `.running/` in the same results folder.
"""

import json
import math
import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodiff.experiment.errors import InputError, reason
from autodiff.experiment.files import write_text
from autodiff.experiment.training.curves import HELD_OUT, TRAINING

if TYPE_CHECKING:
    from autodiff.experiment.config.config import Config
    from autodiff.experiment.data.about import About
    from autodiff.experiment.runs.arrays import Arrays
    from autodiff.experiment.training.curves import Curves

CONFIG, LOG, SUMMARY, MODEL = "config.yaml", "log.csv", "summary.json", "model.safetensors"
CODE = "code"  # the folder of the code of one's own that the run was made with, if any
COMPARISON = "comparison.json"  # what a comparison's folder has instead of a summary
ABOUT_POINTS = "points"  # the entry of a model's metadata: what the columns and classes are called, and the scaling
STAGING = ".running"
ENDED = ("done", "did not learn", "diverged")
"""The statuses of runs that came to their own end. The others are running, interrupted and failed."""
NEEDED = {"status": str, "config": dict}
ROWS = ("final", "best", "test_best")
MILESTONES_OF = ("epochs_to_accuracy", "epochs_to_test_accuracy")
KINDS = NEEDED | dict.fromkeys((*ROWS, *MILESTONES_OF, "seconds", "machine", "versions", "code"), dict)
"""What a summary must hold, and of which kind what else is read is where it is not null."""
LONGEST_ROW = 256  # bytes; that of a log takes at most 60


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

    @property
    def reached(self) -> dict[str, Any] | None:
        """The last epoch and what was measured then, None where that is not finite, read from the log if need be."""
        return self.summary.get("final") or _last_row(self.folder / LOG)

    @property
    def files(self) -> dict[str, int]:
        """The sizes in bytes of the run's files by name. Raises InputError."""
        try:
            entries = sorted([*self.folder.iterdir(), *(self.folder / CODE).glob("*")])
            files = [entry for entry in entries if entry.name[0] != "." and entry.is_file()]
            return {entry.relative_to(self.folder).as_posix(): entry.stat().st_size for entry in files}
        except OSError as error:
            raise InputError([f"{self.folder}: cannot be read: {reason(error)}"]) from None

    def contents(self) -> dict[str, bytes]:
        """Return the bytes of the run's files by name. Raises InputError and OSError."""
        return {name: (self.folder / name).read_bytes() for name in self.files}

    @property
    def code(self) -> dict[str, str]:
        """The SHA-256 of the code of one's own that the run was made with, by the names of the files."""
        return dict(self.summary.get("code") or {})

    def config(self) -> "Config":
        """Return the run's config. Raises InputError when it is none any more, or needs code that is not in use."""
        from autodiff.experiment.config.load import load

        if (missing := self.missing_code()) is not None:
            what, file = missing
            raise InputError([f"{what} {shlex.join(_given_without_code(['--code', str(file)]))}"])
        return load(self.folder / CONFIG)

    def missing_code(self) -> tuple[str, Path] | None:
        """Return in words what code the config needs that is not in use, and its file; None if there is none."""
        from autodiff.experiment.config.own_code import in_use

        given = {code.name: code.digest for code in in_use()}
        for name, digest in self.code.items():
            if given.get(name) != digest:
                found = f"{name} is not the one that it was made with" if name in given else f"it was made with {name}"
                advice = "code is never run from a record by itself: read it, and give it with"
                return f"{self.folder}: {found}; {advice}", self.folder / CODE / name
        return None

    def log(self) -> "Curves":
        """Return the curves of the run, those of held-out points only if it has them. Raises InputError."""
        from autodiff.experiment.runs.log import DIGITS, read_log

        dtype, points = self.summary["config"].get("dtype"), self.summary.get("points")
        if dtype not in DIGITS or not isinstance(points, int):
            raise InputError([f"{self.folder / SUMMARY}: is damaged: it has no dtype, or no number of points"])
        return read_log(self.folder / LOG, dtype, points, self.summary.get("test_points"))

    def log_lines(self) -> list[str]:
        """Return the lines of the log, its heading first. Raises InputError."""
        from autodiff.experiment.runs.log import read_lines

        return read_lines(self.folder / LOG)

    def parameters(self) -> "Arrays":
        """Return the parameters of the last network by name. Raises InputError."""
        from autodiff.experiment.runs.arrays import read_arrays

        return read_arrays(self.folder / MODEL)[0]

    def about(self) -> "About":
        """Return what the network is to know of points beside their numbers. Raises InputError."""
        from autodiff.experiment.data.about import NOTHING, About
        from autodiff.experiment.runs.arrays import read_arrays

        known = read_arrays(self.folder / MODEL)[1]
        try:
            return About.of_plain(known[ABOUT_POINTS]) if ABOUT_POINTS in known else NOTHING
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                [f"{self.folder / MODEL}: is damaged: what it says of points cannot be read: {error}"]
            ) from None

    def frames(self) -> "dict[int, Arrays]":
        """Return the parameters of the networks kept for the pictures, by epoch. Raises InputError."""
        from autodiff.experiment.runs.checkpoint import read_frames

        return read_frames(self.folder)


def _given_without_code(options: Sequence[str]) -> list[str]:
    """Return the command of this process with options in place of the code that it was given."""
    arguments: list[str] = []
    for argument in sys.argv[1:]:
        if arguments[-1:] == ["--code"]:
            arguments.pop()
        elif not argument.startswith("--code="):
            arguments.append(argument)
    return ["adrun", *arguments, *options]


def is_record(folder: Path) -> bool:
    """Tell whether a folder is a run's."""
    return (folder / SUMMARY).is_file()


def records_in(paths: Sequence[Path]) -> "list[Record]":
    """Return the records among some paths. Raises InputError when one is given twice, or cannot be read."""
    folders = [path for path in paths if is_record(path)]
    given = Counter(folder.resolve() for folder in folders)
    if twice := list(dict.fromkeys(str(folder.resolve()) for folder in folders if given[folder.resolve()] > 1)):
        raise InputError([f"{folder}: is given more than once; give each run once" for folder in twice])
    return [read_record(folder) for folder in folders]


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
    if not isinstance(summary, dict) or not summary.keys() >= NEEDED.keys():
        raise InputError([f"{folder / SUMMARY}: is no run's summary: it has no status or no config"])
    _check(summary, folder / SUMMARY)
    return Record(folder, summary)


def _check(summary: dict[str, Any], path: Path) -> None:
    """Raise InputError if what is read of a summary is not what it should be."""
    for field, kind in KINDS.items():
        if not isinstance(summary.get(field), kind) and (field in NEEDED or summary.get(field) is not None):
            raise InputError([f"{path}: is damaged: its {field} is {summary[field]!r:.40}"])
    for field in ("started", "ended"):
        try:
            if summary.get(field) is not None and datetime.fromisoformat(summary[field]).tzinfo is None:
                raise ValueError
        except (ValueError, TypeError):
            raise InputError([f"{path}: is damaged: its {field} is no time but {summary[field]!r:.40}"]) from None
    for field in ROWS:
        row = summary.get(field) or {"epoch": 0, "loss": 0, "accuracy": 0}
        if not (
            isinstance(row.get("epoch"), int)
            and isinstance(row.get("loss"), int | float | None)
            and isinstance(row.get("accuracy"), int | float)
            and isinstance(row.get("test_loss"), int | float | None)
            and isinstance(row.get("test_accuracy"), int | float | None)
        ):
            raise InputError([f"{path}: is damaged: its {field} is no epoch, loss and accuracy but {row!r:.80}"])


def _last_row(path: Path) -> dict[str, Any] | None:
    """Return the epoch, and what was measured then, of the last line of a log that is whole; None if there is none."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - 2 * LONGEST_ROW))
            lines = stream.read().split(b"\n")
        epoch, *cells = lines[-2].split(b",")
        values = [float(cell or "nan") for cell in cells]
        names = (TRAINING + HELD_OUT)[: max(len(TRAINING), len(values))]
        measured = {name: value if math.isfinite(value) else None for name, value in zip(names, values, strict=True)}
        return {"epoch": int(epoch)} | measured
    except (OSError, IndexError, ValueError):  # there is the heading alone, or not even that
        return None


def folders_in(results: Path) -> Iterator[Path]:
    """Yield the folders of a results folder, by name: first those under way or cut off, then those that have ended.

    In this order, since a run that ends in between moves from the first to the second. Raises InputError.
    """
    if not results.is_dir():
        advice = "`adrun train CONFIG` writes runs to results/, or name the folder of yours"
        raise InputError([f"{results}: {'is a file, not a' if results.exists() else 'no such'} folder; {advice}"])
    for parent in (results / STAGING, results):
        try:
            entries = sorted(os.scandir(parent), key=lambda entry: entry.name)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise InputError([f"{parent}: cannot be read: {reason(error)}"]) from None
        for entry in entries:
            if entry.name[0] != "." and entry.is_dir():
                yield parent / entry.name


def is_comparison(folder: Path) -> bool:
    """Tell whether a folder is a comparison's."""
    return (folder / COMPARISON).is_file()


def write_comparison_of(folders: Sequence[Path], folder: Path) -> None:
    """Write which records a comparison was made of, and as they were when. Raises OSError.

    Those of its own results folder are named by their names alone, so that it may be moved.
    """
    results = results_of(folder).absolute()
    runs = []
    for run in folders:
        where = run.absolute()
        told = where.name if where.parent == results else str(where)
        runs.append({"folder": told, "ended": read_record(run).summary.get("ended")})
    write_text(folder / COMPARISON, json.dumps({"runs": runs}, indent=2) + "\n")


def compared_in(comparison: Path) -> list[tuple[Path, str | None]]:
    """Return the records that a comparison was made of, and when each had ended. Raises InputError."""
    try:
        runs = json.loads((comparison / COMPARISON).read_text(encoding="utf-8"))["runs"]
        return [(results_of(comparison) / run["folder"], run["ended"]) for run in runs]
    except OSError as error:
        raise InputError([f"{comparison}: is no comparison: {reason(error)}"]) from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError([f"{comparison / COMPARISON}: is damaged: {error}"]) from None


def changed_since(comparison: Path) -> list[str]:
    """Return the records that a comparison was made of and that are not as they were. Raises InputError."""
    return [str(folder) for folder, ended in compared_in(comparison) if _ended(folder) != ended]


def _ended(folder: Path) -> str | None:
    """Return when a run ended; nothing if it has not, or is gone, or can no longer be read."""
    try:
        return read_record(folder).summary.get("ended")
    except InputError:
        return None


def results_of(folder: Path) -> Path:
    """Return the results folder in which a run's or a comparison's folder stands, under its name or under way."""
    return folder.parent.parent if folder.parent.name == STAGING else folder.parent
