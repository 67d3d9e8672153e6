"""The runs and comparisons of a results folder, as a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autodiff.experiment.errors import InputError
from autodiff.experiment.runs.fields import differing, flattened, named, value_of
from autodiff.experiment.runs.place import OLD, present_status
from autodiff.experiment.runs.record import (
    CONFIG,
    STAGING,
    SUMMARY,
    Record,
    changed_since,
    compared_in,
    folders_in,
    is_comparison,
    is_record,
    read_record,
)
from autodiff.experiment.runs.text import age_text, figures, value_text
from autodiff.experiment.terminal import fitted_table
from autodiff.experiment.training.curves import HELD_OUT, TRAINING

RESULTS = ("name", "status", "epoch", *TRAINING, *HELD_OUT, "age", "seconds")
"""What a run is listed, sorted and chosen by, beside the fields of its config."""
SHOWN_OTHERWISE = ("epochs", "frames", "style")  # the first beside the epoch reached; the others change no result
MOST_NAMES = 3  # that a sentence lists


@dataclass(frozen=True)
class Listed:
    """A run or a comparison: its folder, and what it is listed by."""

    folder: Path
    fields: dict[str, Any]

    @property
    def name(self) -> str:
        """The name under which it stands."""
        return self.folder.name


HASH_SHOWN = 8  # characters of that of a data file


@dataclass(frozen=True)
class Run(Listed):
    """A run."""

    record: Record

    def as_json(self) -> dict[str, Any]:
        """Return its summary, with what is listed, as plain values."""
        listed = {name: self.fields[name] for name in RESULTS}
        return self.record.summary | listed | {"folder": str(self.folder)}


@dataclass(frozen=True)
class Comparison(Listed):
    """A comparison; `changed` are the folders of its records that are no longer as it had them."""

    runs: tuple[str, ...]
    changed: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the same as plain values."""
        return self.fields | {"folder": str(self.folder), "runs": list(self.runs), "changed": list(self.changed)}


@dataclass(frozen=True)
class Listing:
    """What a results folder holds."""

    results: Path
    runs: list[Run]
    comparisons: list[Comparison]

    def table(self, columns: int | None = None) -> str:
        """Return the runs and the comparisons as text, fitted to the columns of a terminal if given."""
        tables = [_runs_table(self.runs, columns)] if self.runs else []
        if self.comparisons:
            tables.append(_comparisons_table(self.comparisons, columns))
        return "\n\n".join(tables)

    @property
    def advice(self) -> str:
        """How the runs that were cut off can go on, in one line; nothing if there are none."""
        runs = [run for run in self.runs if run.fields["status"] in ("interrupted", "failed")]
        if not runs:
            return ""
        here = "" if self.results == Path("results") else f" --results {self.results}"
        commands = [f"`adrun train {run.folder / CONFIG} --resume{here}`" for run in runs]
        if len(runs) == 1:
            return f"{runs[0].name}: was cut off; {commands[0]} goes on from there"
        others = f" and {len(runs) - MOST_NAMES} more" if len(runs) > MOST_NAMES else ""
        names = ", ".join(run.name for run in runs[:MOST_NAMES])
        return f"{names}{others}: were cut off; {commands[0]}, and likewise the others, goes on from there"


def listing(results: Path, where: Sequence[str], sort: str, fault: Callable[[str], None]) -> Listing:
    """Return the runs and comparisons of a results folder that have the values of `where`, in the order of `sort`.

    where: `field=value`, as the command line has them. Calls `fault` with a line for each one that is damaged. Raises
    InputError when the folder cannot be read, or for a field that there is not.
    """
    found: list[Listed] = []
    for folder in folders_in(results):
        if folder.parent.name == STAGING and folder.name.endswith(OLD):
            continue  # about to be removed
        try:
            if is_record(folder):
                found.append(_listed(read_record(folder)))
            elif is_comparison(folder):
                found.append(_compared(folder))
        except InputError as error:
            if (folder / SUMMARY).exists() or is_comparison(folder):  # else it was moved or removed meanwhile
                for problem in error.problems:
                    fault(problem)
    still_there = [one for one in found if one.folder.parent.name != STAGING or one.folder.exists()]
    chosen = _chosen(still_there, where)
    ordered = _sorted([run for run in chosen if isinstance(run, Run)], sort)
    return Listing(results, ordered, [one for one in chosen if isinstance(one, Comparison)])


def nothing_in(results: Path) -> str:
    """Say that a results folder holds no runs, and where some are."""
    within = [folder for folder in folders_in(results) if any(map(is_record, _inner(folder)))]
    if within:
        return f"{results}: no runs here; there are some in {', '.join(map(str, within[:MOST_NAMES]))}"
    if is_record(results) or is_comparison(results):
        return f"{results}: is a run or a comparison itself; `adrun ls {results.parent}` lists it"
    return f"{results}: no runs here yet; `adrun train CONFIG --results {results}` adds one"


def _inner(folder: Path) -> list[Path]:
    try:
        return list(folders_in(folder))
    except InputError:
        return []


def _listed(record: Record) -> Run:
    status = present_status(record)
    reached = record.reached or {}
    seconds = record.age if status == "running" else (record.summary.get("seconds") or {}).get("training")
    results = {
        "name": record.name,
        "status": status,
        **{name: reached.get(name) for name in ("epoch", *TRAINING, *HELD_OUT)},
        "age": record.age,
        "seconds": seconds,
    }
    return Run(record.folder, flattened(record.summary["config"]) | results, record)


def _compared(folder: Path) -> Comparison:
    changed = tuple(changed_since(folder))
    fields = {"name": folder.name, "status": "outdated" if changed else "up to date"}
    return Comparison(folder, fields, tuple(run.name for run, _ in compared_in(folder)), changed)


def _known(listed: Sequence[Listed]) -> list[str]:
    """Return the names of all fields, also of those that no run here has."""
    from_runs = dict.fromkeys(name for one in listed for name in one.fields)
    return list(dict.fromkeys([*RESULTS, *from_runs]))


def _named(field: str, listed: Sequence[Listed], option: str) -> str:
    known = _known(listed)
    try:
        return named(field, known, option)
    except InputError:
        from autodiff.experiment.config.config import Config  # slow to import, and seldom needed: a field none has set

        return named(field, [*known, *Config.model_fields], option)


def _chosen(listed: Sequence[Listed], where: Sequence[str]) -> list[Listed]:
    chosen = list(listed)
    for condition in where:
        field, equals, text = condition.partition("=")
        option = f"--where {condition}"
        if not (field.strip() and equals):
            raise InputError([f"{option}: must be field=value, such as --where optimizer=adam"])
        name, text = _named(field.strip(), listed, option), text.strip()
        value = value_of(text)
        chosen = [one for one in chosen if name in RESULTS or isinstance(one, Run)]  # a comparison has no config
        chosen = [one for one in chosen if _is(one.fields.get(name), value, text)]
    return chosen


def _is(found: Any, value: Any, text: str) -> bool:
    if isinstance(found, bool) or isinstance(value, bool):
        return found is value
    return bool(found == value) or (isinstance(found, str) and found == text)


def _sorted(runs: list[Run], field: str) -> list[Run]:
    """Return the runs by name, or by the field: numbers before texts, and what has no value last."""
    name = _named(field, runs, f"--sort {field}") if runs else field
    by_name = sorted(runs, key=lambda run: run.name)
    if name == "name":
        return by_name
    if name in ("accuracy", "test_accuracy"):  # the best first, as it is with the loss
        return sorted(by_name, key=lambda run: -(-1 if run.fields[name] is None else run.fields[name]))
    return sorted(by_name, key=lambda run: _order(run.fields.get(name)))


def _order(value: Any) -> tuple[int, Any]:
    if value is None:
        return 3, 0
    if isinstance(value, int | float):
        return 0, value
    if isinstance(value, list) and all(isinstance(one, int | float) for one in value):
        return 1, value
    return 2, value_text(value)


def _runs_table(runs: Sequence[Run], columns: int | None) -> str:
    fields = [
        name for name in differing(*(run.record.summary["config"] for run in runs)) if name not in SHOWN_OTHERWISE
    ]
    tested = any(run.fields["test_accuracy"] is not None for run in runs)
    of_test = ["test loss", "test accuracy"] if tested else []
    headings = ["run", "status", *_short(fields), "epochs", "loss", "accuracy", *of_test, "age", "seconds"]
    cells = [
        [
            run.name,
            run.fields["status"],
            *(value_text(run.fields.get(name))[: HASH_SHOWN if name.endswith(".sha256") else None] for name in fields),
            _epochs(run.fields),
            *figures(run.fields, TRAINING),
            *(figures(run.fields, HELD_OUT) if tested else ()),
            "" if run.fields["age"] is None else age_text(run.fields["age"]),
            "" if run.fields["seconds"] is None else f"{run.fields['seconds']:.2f}",
        ]
        for run in runs
    ]
    numbers = [any(isinstance(run.fields.get(name), int | float) for run in runs) for name in fields]
    rights = [False, False, *numbers, *[True] * (len(headings) - 2 - len(fields))]
    differences = range(len(fields) + 1, 1, -1)
    seconds, age, epochs, *results = (
        headings.index(name, len(fields) + 2)
        for name in ("seconds", "age", "epochs", *of_test[:1], "accuracy", *of_test[1:])
    )
    return fitted_table([headings, *cells], rights, columns, [seconds, age, *differences, epochs, *results])


def _short(fields: Sequence[str]) -> list[str]:
    """Return the last parts of dotted names, and the whole where that would say too little."""
    leaves = [name.rpartition(".")[2] for name in fields]
    return [
        name if leaves.count(leaf) > 1 or leaf in RESULTS else leaf for leaf, name in zip(leaves, fields, strict=True)
    ]


def _comparisons_table(comparisons: Sequence[Comparison], columns: int | None) -> str:
    cells = [[one.name, one.fields["status"], _of(one)] for one in comparisons]
    return fitted_table([["comparison", "status", "runs"], *cells], [False] * 3, columns, [2])


def _of(comparison: Comparison) -> str:
    changed = {Path(folder).name for folder in comparison.changed}
    return ", ".join(f"{name} (changed)" if name in changed else name for name in comparison.runs)


def _epochs(fields: dict[str, Any]) -> str:
    """Return the epochs of a whole run, or those reached of them."""
    reached, wanted = fields["epoch"], fields.get("epochs")
    return f"{wanted}" if reached == wanted else f"{0 if reached is None else reached}/{wanted}"
