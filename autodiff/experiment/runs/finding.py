"""From what a user writes for a run, a path or a name, to its folder."""

import difflib
from pathlib import Path

from autodiff.experiment.errors import InputError
from autodiff.experiment.runs.record import STAGING, Record, folders_in, is_comparison, is_record, read_record


def find(run: str, results: Path) -> Path:
    """Return the folder of a run or a comparison, given by its name in a results folder or by its path.

    What was cut off, or is under way, is found by its name too unless an ended run has it. Raises InputError.
    """
    path = Path(run)
    if not path.name or path.name == "..":
        path = path.resolve()
    named = [results / run, results / STAGING / run] if path.name == run else []
    cut_off = path.parent / STAGING / path.name
    for folder in (*named, path, cut_off):
        if is_record(folder) or is_comparison(folder):
            return folder
    if path.exists() or path.is_symlink():
        raise InputError([f"{path}: is no run: it has no summary.json"])
    raise InputError([_not_found(run, results if named else path.parent, path.name)])


def find_record(run: str, results: Path) -> Record:
    """Return the record of a run, given by its name in a results folder or by its path. Raises InputError."""
    folder = find(run, results)
    if not is_record(folder):
        advice = f"its table is in {folder / 'table.md'}; name one of its runs"
        raise InputError([f"{folder}: is a comparison, not a run; {advice}"])
    return read_record(folder)


def _not_found(run: str, results: Path, name: str) -> str:
    try:
        known = sorted({folder.name for folder in folders_in(results) if is_record(folder) or is_comparison(folder)})
    except InputError as error:
        return f"{run}: no such run: {error.problems[0]}"
    nearest = difflib.get_close_matches(name, known, n=1)
    meant = f" (did you mean {nearest[0]}?)" if nearest else f"; `adrun ls {results}` lists those there are"
    return f"{run}: no such run in {results}{meant}"
