"""The table of several runs, for a terminal, for Markdown and for spreadsheets."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from autodiff.experiment.runs.fields import differing, flattened
from autodiff.experiment.runs.summary import MILESTONES
from autodiff.experiment.runs.text import loss_text, value_text
from autodiff.experiment.terminal import aligned, fitted_table

Summaries = Sequence[dict[str, Any]]

HEADINGS = ("run", "final loss", "accuracy", *(f"epochs to {level:.0%}" for level in MILESTONES), "seconds", "status")
SHORT_HEADINGS = tuple(heading.removeprefix("final ").removeprefix("epochs ") for heading in HEADINGS)
TEXTS = ("run", "status")  # columns aligned to the left; numbers go to the right
RIGHTS = tuple(heading not in TEXTS for heading in HEADINGS)
OF_PICTURES = ("frames", "style")
LEAST = ("seconds", "to 90%", "to 99%", "to 95%")  # what is left out on a narrow terminal, first to last


def plain(summaries: Summaries, columns: int | None = None) -> str:
    """Return aligned columns, a line a run, without a newline at the end, fitted to the `columns` of a terminal."""
    table = [list(SHORT_HEADINGS), *(_cells(summary) for summary in summaries)]
    return fitted_table(table, RIGHTS, columns, [SHORT_HEADINGS.index(heading) for heading in LEAST])


def markdown(summaries: Summaries) -> str:
    """Return a Markdown table, with a column for each field in which the configs differ."""
    fields = _differing(summaries)
    headings = [HEADINGS[0], *(field.replace("_", " ") for field in fields), *HEADINGS[1:]]
    rights = [False, *(_are_numbers(summaries, field) for field in fields), *RIGHTS[1:]]
    rows = [
        [name, *(value_text(_field(summary, field)) for field in fields), *cells]
        for summary in summaries
        for name, *cells in [_cells(summary)]
    ]
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in [headings, *rows]]
    first, *others = aligned(escaped, rights)
    rule = [
        ("-" * (len(cell) - 1) + ":") if right else "-" * len(cell) for cell, right in zip(first, rights, strict=True)
    ]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (first, rule, *others))


def comma_separated(summaries: Summaries) -> str:
    """Return CSV: numbers in full, accuracy from 0 to 1, and nothing where a milestone was not reached.

    There is a column for each field in which the configs differ.
    """
    fields = _differing(summaries)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    headings = [heading.replace("%", " percent").replace(" ", "_") for heading in HEADINGS]
    writer.writerow([headings[0], *fields, *headings[1:]])
    for summary in summaries:
        name, *values = _values(summary)
        writer.writerow([name, *(value_text(_field(summary, field)) for field in fields), *values])
    return text.getvalue()


def _differing(summaries: Summaries) -> list[str]:
    """Return the fields in which the configs differ, but for those that change pictures alone."""
    return [name for name in differing(*(summary["config"] for summary in summaries)) if name not in OF_PICTURES]


def _field(summary: dict[str, Any], field: str) -> Any:
    return flattened(summary["config"]).get(field)


def _are_numbers(summaries: Summaries, field: str) -> bool:
    return any(isinstance(_field(summary, field), int | float) for summary in summaries)


def _values(summary: dict[str, Any]) -> list[Any]:
    final = summary["final"] or {"loss": None, "accuracy": None}
    milestones = summary["epochs_to_accuracy"].values()
    seconds = summary["seconds"]["training"]
    return [summary["name"], final["loss"], final["accuracy"], *milestones, seconds, summary["status"]]


def _cells(summary: dict[str, Any]) -> list[str]:
    name, loss, accuracy, *milestones, seconds, status = _values(summary)
    return [
        name,
        "not finite" if loss is None else loss_text(loss),
        "" if accuracy is None else f"{accuracy:.2%}",
        *("never" if epoch is None else str(epoch) for epoch in milestones),
        f"{seconds:.2f}",
        status,
    ]
