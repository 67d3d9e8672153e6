"""Removing runs and comparisons: each is gone from its name in one step, and deleted after that."""

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from autodiff.experiment.errors import InputError, RunError, reason
from autodiff.experiment.files import sync
from autodiff.experiment.runs.finding import find
from autodiff.experiment.runs.place import Place, claimed, is_alive, owner
from autodiff.experiment.runs.record import STAGING, is_record, read_record, results_of

REMOVED = ".removed"  # ends the name of what is being deleted, in the folder of runs under way


def to_remove(runs: Sequence[str], results: Path) -> dict[Path, object]:
    """Return the folders of all the runs and comparisons that a user names, each once, and what tells if one changes.

    Raises InputError for every one that is none, or whose folder is a symbolic link; RunError for one that is running.
    """
    folders: list[Path] = []
    problems: list[str] = []
    for run in runs:
        try:
            folder = find(run, results)
            _check_is_within(folder)
            folders.append(folder)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    for folder in folders:
        place = Place(results_of(folder), folder.name)
        if is_alive(place):
            raise RunError(f"{folder}: is being written by {owner(place)}; stop it first, or wait for it")
    once = {folder.resolve(): folder for folder in folders}
    return {folder: _identity(folder) for folder in once.values()}


def remove(folders: Mapping[Path, object]) -> None:
    """Remove what `to_remove` returned: all of it or, when one has been taken by a run meanwhile, none.

    Raises RunError for one that runs or has changed, or that cannot be removed.
    """
    with ExitStack() as stack:
        for folder, identity in folders.items():
            place = stack.enter_context(claimed(results_of(folder), folder.name))
            if _identity(folder) != identity:
                raise RunError(f"{folder}: has changed since; look at it again")
            stack.callback(_sweep, place.results)
        for folder in folders:
            _check_is_within(folder)
            trash = results_of(folder) / STAGING / f".{folder.name}.{os.getpid()}{REMOVED}"
            try:
                os.rename(folder, trash)
            except OSError as error:
                raise RunError(f"{folder}: cannot be removed: {reason(error)}") from None
            sync(results_of(folder))


def _check_is_within(folder: Path) -> None:
    """Raise InputError if a folder lies elsewhere than where it is named: the link, not what it leads to, was meant."""
    if folder.is_symlink() or (folder.parent.name == STAGING and folder.parent.is_symlink()):
        raise InputError([f"{folder}: is a symbolic link to {folder.resolve()}; nothing is removed through one"])


def _identity(folder: Path) -> object:
    """Return what tells whether a folder is still the one that the user meant."""
    try:
        status = folder.stat()
    except OSError:
        return None
    summary = read_record(folder).summary if is_record(folder) else None
    return status.st_dev, status.st_ino, summary


def _sweep(results: Path) -> None:
    """Delete what was removed from its name, by this process or by one that was killed before it had deleted it."""
    for trash in (results / STAGING).glob(f".*{REMOVED}"):
        shutil.rmtree(trash, ignore_errors=True)
