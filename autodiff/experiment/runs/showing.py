"""All of one run, as text and as plain values."""

from collections.abc import Callable
from typing import Any

from autodiff.experiment.errors import InputError
from autodiff.experiment.progress import duration
from autodiff.experiment.runs.fields import flattened
from autodiff.experiment.runs.place import present_status
from autodiff.experiment.runs.record import CONFIG, Record
from autodiff.experiment.runs.text import age_text, figures, loss_text, size_text, value_text
from autodiff.experiment.terminal import padded
from autodiff.experiment.training.curves import HELD_OUT, TRAINING

Section = dict[str, str]


def shown_as_json(record: Record) -> dict[str, Any]:
    """Return all that is known of a run but for its log. Raises InputError when its folder cannot be read."""
    return record.summary | {
        "name": record.name,
        "folder": str(record.folder),
        "status": present_status(record),
        "age": record.age,
        "reached": record.reached,
        "files": record.files,
    }


def shown(record: Record, columns: int, encoding: str, fault: Callable[[str], None]) -> str:
    """Return the same in sections, with the curve of the loss, for a terminal of so many columns and its encoding.

    Calls `fault` with a line when the log is damaged. Raises InputError when the run's folder cannot be read.
    """
    sections = {
        "config": {name: value_text(value) for name, value in flattened(record.summary["config"]).items()},
        "results": _results(record),
        "times": _times(record),
        "made with": {name: value_text(value) for name, value in (record.summary.get("versions") or {}).items()},
        "machine": _machine(record.summary),
        "files": {name: size_text(size) for name, size in record.files.items()},
    }
    width = max(len(name) for lines in sections.values() for name in lines)
    lines = [f"{record.name}: {heading_of(record)}"]
    for heading, values in sections.items():
        if values:
            lines += ["", heading, *(f"  {padded(name, width)}  {value}".rstrip() for name, value in values.items())]
    lines += _curve(record, columns, encoding, fault)
    return "\n".join(lines)


def heading_of(record: Record) -> str:
    """Return what a run is and what it came to, in one line."""
    status = present_status(record)
    title = record.summary.get("title")
    said = f"{title}, {status}" if title else status
    if record.summary.get("stopped"):
        said += f", stopped: {record.summary['stopped']}"
    if record.summary.get("error"):
        said += f" ({record.summary['error']})"
    if status in ("interrupted", "failed"):
        said += f"; `adrun train {record.folder / CONFIG} --resume` goes on"
    return f"{said}; {record.folder}"


def _results(record: Record) -> Section:
    summary, reached = record.summary, record.reached
    found: Section = {}
    if reached:
        found["epochs"] = f"{reached['epoch']} of {summary['config'].get('epochs')}"
        for names in (TRAINING, HELD_OUT):
            found |= {_words(name): text for name, text in zip(names, figures(reached, names), strict=True) if text}
    for best, names in (("best", TRAINING), ("test_best", HELD_OUT)):
        if row := summary.get(best):
            found[f"best {_words(names[0])}"] = f"{figures(row, names)[0]} at epoch {row['epoch']}"
    for milestones, before in (("epochs_to_accuracy", ""), ("epochs_to_test_accuracy", "test ")):
        for level, epoch in (summary.get(milestones) or {}).items():
            found[f"{before}{float(level):.0%} reached"] = "never" if epoch is None else f"at epoch {epoch}"
    for name in ("parameters", "points", "test_points"):
        if name in summary:
            found[_words(name)] = str(summary[name])
    return found


def _words(name: str) -> str:
    return name.replace("_", " ")


def _times(record: Record) -> Section:
    summary = record.summary
    found = {name: str(summary[name]) for name in ("started", "ended") if summary.get(name)}
    if record.age is not None:
        found["age"] = age_text(record.age)
    for name, seconds in (summary.get("seconds") or {}).items():
        found[name] = f"{seconds:.2f} s" if seconds < 60 else duration(seconds)
    if summary.get("resumed_from_epoch") is not None:
        found["resumed from"] = f"epoch {summary['resumed_from_epoch']}"
    return found


def _machine(summary: dict[str, Any]) -> Section:
    import shlex

    found = {name: value_text(value) for name, value in (summary.get("machine") or {}).items()}
    found |= {name: value_text(summary[name]) for name in ("host", "process") if summary.get(name)}
    if summary.get("command"):
        found["command"] = shlex.join(map(str, summary["command"]))
    return found


def _curve(record: Record, columns: int, encoding: str, fault: Callable[[str], None]) -> list[str]:
    from autodiff.experiment.runs.curve import curve

    try:
        curves = record.log()
    except InputError as error:
        fault(str(error))
        return []
    lines = []
    for name, accuracy in (TRAINING, HELD_OUT):
        if name in curves and (drawn := curve(curves[name], columns - 2, encoding)):
            measured = [loss for loss, other in zip(curves[name], curves[accuracy], strict=True) if other == other]
            lines += ["", f"{_words(name)}, from {loss_text(measured[0])} to {loss_text(measured[-1])}"]
            lines += [f"  {line}" for line in drawn]
    return lines
