"""The table of several runs, for a terminal, for Markdown and for spreadsheets."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from autodiff.experiment.summary import MILESTONES, loss_text

Summaries = Sequence[dict[str, Any]]

HEADINGS = ("run", "final loss", "accuracy", *(f"epochs to {level:.0%}" for level in MILESTONES), "seconds", "status")
TEXTS = ("run", "status")  # columns aligned to the left; numbers go to the right


def plain(summaries: Summaries) -> str:
    """Return aligned columns, a line a run, without a newline at the end."""
    return "\n".join("  ".join(cells).rstrip() for cells in _aligned(summaries))


def markdown(summaries: Summaries) -> str:
    """Return a Markdown table."""
    headings, *rows = _aligned(summaries)
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


def _aligned(summaries: Summaries) -> list[list[str]]:
    """Return the headings and the rows, every cell as wide as its column."""
    table = [list(HEADINGS), *(_cells(summary) for summary in summaries)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        [
            cell.ljust(width) if heading in TEXTS else cell.rjust(width)
            for cell, width, heading in zip(cells, widths, HEADINGS, strict=True)
        ]
        for cells in table
    ]
