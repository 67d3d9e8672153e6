"""The table of several runs, for a terminal, for Markdown and for spreadsheets."""

from collections.abc import Sequence
from typing import Any

from autodiff.experiment.config.names import without_common_settings, without_settings
from autodiff.experiment.config.overrides import FieldPath
from autodiff.experiment.runs.fields import differing, flattened
from autodiff.experiment.runs.summary import MILESTONES
from autodiff.experiment.runs.text import figures, value_text
from autodiff.experiment.studies.formats import as_comma_separated, as_markdown
from autodiff.experiment.terminal import fitted_table
from autodiff.experiment.training.curves import HELD_OUT, TRAINING

Summaries = Sequence[dict[str, Any]]

OF_HELD_OUT = ("test loss", "test accuracy")  # columns that there are if any run has them
TEXTS = ("run", "status")  # columns aligned to the left; numbers go to the right
OF_PICTURES = ("frames", "style")
LEAST = ("seconds", "test loss", "to 90%", "to 99%", "to 95%", "test accuracy")
"""What is left out on a narrow terminal, first to last."""


def plain(summaries: Summaries, columns: int | None = None, swept: Sequence[FieldPath] = ()) -> str:
    """Return aligned columns, a line a run, without a newline at the end, fitted to the `columns` of a terminal.

    The `swept` fields have columns of their own, and leave the names.
    """
    fields = [".".join(path) for path in swept]
    first, *others = [heading.removeprefix("final ").removeprefix("epochs ") for heading in _headings(summaries)]
    headings = [first, *fields, *others]
    names = [summary["name"] for summary in summaries]
    rows = [
        [without_settings(name, swept), *(value_text(_field(summary, field)) or "none" for field in fields), *cells]
        for name, summary in zip(without_common_settings(names) if swept else names, summaries, strict=True)
        for _, *cells in [_cells(summary, _tested(summaries))]
    ]
    table = [headings, *rows]
    least = [headings.index(heading) for heading in LEAST if heading in headings]
    return fitted_table(table, _rights(headings), columns, least)


def markdown(summaries: Summaries) -> str:
    """Return a Markdown table, with a column for each field in which the configs differ."""
    fields = _differing(summaries)
    first, *others = _headings(summaries)
    headings = [first, *(field.replace("_", " ") for field in fields), *others]
    rights = [False, *(_are_numbers(summaries, field) for field in fields), *_rights(others)]
    rows = [
        [name, *(value_text(_field(summary, field)) for field in fields), *cells]
        for summary in summaries
        for name, *cells in [_cells(summary, _tested(summaries))]
    ]
    return as_markdown(headings, rights, rows)


def comma_separated(summaries: Summaries) -> str:
    """Return CSV: numbers in full, accuracy from 0 to 1, and nothing where a milestone was not reached.

    There is a column for each field in which the configs differ.
    """
    fields = _differing(summaries)
    headings = [heading.replace("%", " percent").replace(" ", "_") for heading in _headings(summaries)]
    rows = [
        [name, *(value_text(_field(summary, field)) for field in fields), *values]
        for summary in summaries
        for name, *values in [_values(summary, _tested(summaries))]
    ]
    return as_comma_separated([headings[0], *fields, *headings[1:]], rows)


def _differing(summaries: Summaries) -> list[str]:
    """Return the fields in which the configs differ, but for those that change pictures alone."""
    return [name for name in differing(*(summary["config"] for summary in summaries)) if name not in OF_PICTURES]


def _field(summary: dict[str, Any], field: str) -> Any:
    return flattened(summary["config"]).get(field)


def _are_numbers(summaries: Summaries, field: str) -> bool:
    return any(isinstance(_field(summary, field), int | float) for summary in summaries)


def _tested(summaries: Summaries) -> bool:
    """Tell whether any run has held-out points."""
    return any(summary.get("test_points") for summary in summaries)


def _headings(summaries: Summaries) -> list[str]:
    milestones = (f"epochs to {level:.0%}" for level in MILESTONES)
    of_held_out = OF_HELD_OUT if _tested(summaries) else ()
    return ["run", "final loss", "accuracy", *of_held_out, *milestones, "seconds", "status"]


def _rights(headings: Sequence[str]) -> list[bool]:
    return [heading not in TEXTS for heading in headings]


def _values(summary: dict[str, Any], tested: bool) -> list[Any]:
    final = summary["final"] or {}
    measured = [final.get(name) for name in (*TRAINING, *(HELD_OUT if tested else ()))]
    milestones = summary["epochs_to_accuracy"].values()
    return [summary["name"], *measured, *milestones, summary["seconds"]["training"], summary["status"]]


def _cells(summary: dict[str, Any], tested: bool) -> list[str]:
    final = summary["final"] or {}
    return [
        summary["name"],
        *figures(final, TRAINING),
        *(figures(final, HELD_OUT) if tested else ()),
        *("never" if epoch is None else str(epoch) for epoch in summary["epochs_to_accuracy"].values()),
        f"{summary['seconds']['training']:.2f}",
        summary["status"],
    ]
