"""The table of several runs, for a terminal, for Markdown and for spreadsheets."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from autodiff.experiment.runs.summary import MILESTONES
from autodiff.experiment.runs.text import loss_text
from autodiff.experiment.terminal import aligned, fitted_table

Summaries = Sequence[dict[str, Any]]

HEADINGS = ("run", "final loss", "accuracy", *(f"epochs to {level:.0%}" for level in MILESTONES), "seconds", "status")
SHORT_HEADINGS = tuple(heading.removeprefix("final ").removeprefix("epochs ") for heading in HEADINGS)
TEXTS = ("run", "status")  # columns aligned to the left; numbers go to the right
RIGHTS = tuple(heading not in TEXTS for heading in HEADINGS)
LEAST = ("seconds", "to 90%", "to 99%", "to 95%")  # what is left out on a narrow terminal, first to last


def plain(summaries: Summaries, columns: int | None = None) -> str:
    """Return aligned columns, a line a run, without a newline at the end, fitted to the `columns` of a terminal."""
    table = [list(SHORT_HEADINGS), *(_cells(summary) for summary in summaries)]
    return fitted_table(table, RIGHTS, columns, [SHORT_HEADINGS.index(heading) for heading in LEAST])


def markdown(summaries: Summaries) -> str:
    """Return a Markdown table."""
    headings, *rows = aligned([list(HEADINGS), *(_cells(summary) for summary in summaries)], RIGHTS)
    rule = [
        "-" * len(cell) if heading in TEXTS else "-" * (len(cell) - 1) + ":"
        for cell, heading in zip(headings, HEADINGS, strict=True)
    ]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (headings, rule, *rows))


def comma_separated(summaries: Summaries) -> str:
    """Return CSV: numbers in full, accuracy from 0 to 1, and nothing where a milestone was not reached."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heading.replace("%", " percent").replace(" ", "_") for heading in HEADINGS)
    writer.writerows(_values(summary) for summary in summaries)
    return text.getvalue()


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
