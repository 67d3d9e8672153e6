"""Where a run writes while it is under way, and how what it wrote gets to its name: whole, and in one step.

A run writes to `results/.running/NAME/`, whose lock it holds. When it has ended, that folder is moved to
`results/NAME`; what stood there was moved away just before: to `NAME.1` if it is another run's, else to be removed.
Whatever a kill left between these steps is set right by the next process that takes the lock.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from autodiff.experiment.errors import InputError, RunError, reason
from autodiff.experiment.files import sync, write_text
from autodiff.experiment.runs.record import COMPARISON, STAGING, SUMMARY, Record, is_record, read_record, results_of

OLD = ".old"  # ends the name of what a run is about to replace
LOCK = ".lock"


class Place:
    """The places of one name, whose lock this process holds: `staging` to write to, and `target`."""

    def __init__(self, results: Path, name: str) -> None:
        self.results = results
        self.name = name
        self.target = results / name
        self.staging = results / STAGING / name
        self.old = results / STAGING / (name + OLD)

    def begin(self, summary: dict[str, Any], *, afresh: bool) -> None:
        """Make the staging folder, emptied unless a run is to go on in it, and tell what runs there. Raises OSError."""
        if afresh and self.staging.exists():
            shutil.rmtree(self.staging)
        self.staging.mkdir(parents=True, exist_ok=True)
        for unfinished in self.staging.glob(".*"):  # files that a kill cut off
            unfinished.unlink()
        self.tell(summary)

    def tell(self, summary: dict[str, Any]) -> None:
        """Write the summary of the run. Raises OSError."""
        write_text(self.staging / SUMMARY, json.dumps(summary, indent=2, allow_nan=False) + "\n")

    def unfinished(self) -> Record | None:
        """Return what a run that was cut off, or interrupted beside a finished one, has left."""
        return read_record(self.staging) if is_record(self.staging) else None

    def standing(self) -> Record | None:
        """Return the record that stands under the name."""
        return read_record(self.target) if is_record(self.target) else None

    def publish(self, *, overwrite: bool = False) -> Path | None:
        """Move the staging folder to the name, with all its files on the disk.

        What stands there is replaced if it is of the same config, or a comparison, or `overwrite` says so; else it gets
        a numbered name, which is returned. Raises OSError.
        """
        for path in self.staging.iterdir():
            sync(path)
        sync(self.staging)
        kept: Path | None = None
        if self.target.exists():
            if overwrite or self._is_equal():
                os.rename(self.target, self.old)
            else:
                kept = numbered(self.target)
                os.rename(self.target, kept)
        os.rename(self.staging, self.target)
        sync(self.results)
        shutil.rmtree(self.old, ignore_errors=True)
        return kept

    def _is_equal(self) -> bool:
        """Tell whether what stands under the name may be replaced by what is about to."""
        if (self.staging / COMPARISON).exists():
            return (self.target / COMPARISON).exists()
        standing = self.standing()
        if standing is None:
            return not any(self.target.iterdir())
        other = read_record(self.staging)
        return bool(standing.summary["config"] == other.summary["config"] and standing.code == other.code)

    def settle(self) -> None:
        """Set right what a process left that was killed when its run had ended. Raises OSError."""
        whole = (self.staging / COMPARISON).exists() or ((run := self.unfinished()) is not None and run.ended)
        if self.old.exists() and not self.target.exists() and not whole:
            os.rename(self.old, self.target)
        if whole:
            self.publish()
        shutil.rmtree(self.old, ignore_errors=True)


@contextmanager
def claimed(results: Path, name: str) -> Iterator[Place]:
    """Hold the lock of a name: one process writes at a time, and a lock dies with its owner.

    Raises RunError, naming the process, when another one holds it.
    """
    from filelock import FileLock, Timeout

    place = Place(results, name)
    folder = results / STAGING
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / (name + LOCK))
        lock.acquire(timeout=0.2)  # a listing may hold it for an instant
    except Timeout:
        raise taken(place) from None
    except OSError as error:
        raise InputError([f"{results}: cannot be written to: {reason(error)}"]) from None
    try:
        place.settle()
        yield place
    finally:
        with suppress(OSError):
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # unless it is empty
            folder.rmdir()


def refuse_taken(results: Path, names: Iterable[str]) -> None:
    """Raise RunError, as `claimed` does, if another process holds the lock of one of the names.

    Raises InputError when nothing can be written to the results folder.
    """
    staging = results / STAGING
    try:
        staging.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError([f"{results}: cannot be written to: {reason(error)}"]) from None
    with suppress(OSError):  # unless it is empty
        staging.rmdir()
    for name in names:
        if is_alive(place := Place(results, name)):
            raise taken(place)


def taken(place: Place) -> RunError:
    """Return the error that another process writes to a place."""
    return RunError(f"{place.target}: is being written by {owner(place)}; wait for it, or take another --name")


def owner(place: Place) -> str:
    """Return the process that writes to a place, in words."""
    with suppress(Exception):
        summary = read_record(place.staging).summary
        return f"process {summary['process']} on {summary['host']}, since {summary['started']}"
    return "another process"


def is_alive(place: Place) -> bool:
    """Tell whether a process holds the lock of a place."""
    path = place.results / STAGING / (place.name + LOCK)
    if not path.exists():
        return False
    from filelock import FileLock, Timeout  # takes a while, and few of the runs that are listed have a lock

    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def present_status(record: Record) -> str:
    """Return what a run came to: one that says it is running, and whose process is gone, was interrupted."""
    if record.status == "running" and not is_alive(Place(results_of(record.folder), record.name)):
        return "interrupted"
    return record.status


def numbered(target: Path) -> Path:
    """Return the next free name after the highest that ends with a number: `NAME.1`, `NAME.2` and so on."""
    prefix = target.name + "."
    taken = [entry.name.removeprefix(prefix) for entry in target.parent.iterdir() if entry.name.startswith(prefix)]
    highest = max((int(number) for number in taken if number.isdecimal() and number.isascii()), default=0)
    return target.with_name(f"{prefix}{highest + 1}")
