"""A table as Markdown, and as comma-separated values for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from autodiff.experiment.terminal import aligned


def as_markdown(headings: Sequence[str], rights: Sequence[bool], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; `rights` tells which columns, of numbers, go to the right."""
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in [headings, *rows]]
    head, *lines = aligned(escaped, rights)
    rule = [
        ("-" * (len(cell) - 1) + ":") if right else "-" * len(cell) for cell, right in zip(head, rights, strict=True)
    ]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, rule, *lines))


def as_comma_separated(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return CSV, numbers in full; None is nothing."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows(rows)
    return text.getvalue()
