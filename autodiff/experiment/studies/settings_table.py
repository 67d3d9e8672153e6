"""The table of a study with several seeds, a setting a row: for a terminal, for Markdown and for spreadsheets."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from autodiff.experiment.config.names import without_settings
from autodiff.experiment.config.overrides import FieldPath
from autodiff.experiment.runs.fields import differing, flattened
from autodiff.experiment.runs.text import value_text
from autodiff.experiment.studies.findings import Findings
from autodiff.experiment.studies.formats import as_comma_separated, as_markdown
from autodiff.experiment.studies.settings import OF_PICTURES, Setting
from autodiff.experiment.studies.statistics import Interval, Summary
from autodiff.experiment.terminal import fitted_table

LEAST = (
    "diverged",
    "IQR",
    "to 99%",
    "to 90%",
    "loss",
    "seeds",
    "to 95%",
)  # left out on a narrow terminal, first to last
PARTS = ("median", "interval_low", "interval_high", "quartile_1", "quartile_3")
Written = Callable[[float], str]


def plain(findings: Findings, columns: int | None = None, swept: Sequence[FieldPath] = ()) -> str:
    """Return aligned columns, without a newline at the end, fitted to the `columns` of a terminal.

    Medians, with the 95 % interval of the median in brackets. The `swept` fields have columns of their own.
    """
    fields = [".".join(path) for path in swept]
    headings = ["config", *fields, "seeds", "accuracy", "IQR", "loss", "to 90%", "to 95%", "to 99%", "diverged"]
    rows = [
        [
            without_settings(findings.short[setting.name], swept),
            *(value or "none" for value in _fields(setting, fields)),
            *_cells(findings, setting),
        ]
        for setting in findings.settings
    ]
    least = [headings.index(name) for name in LEAST]
    return fitted_table([headings, *rows], [False, *(True for _ in headings[1:])], columns, least)


def markdown(findings: Findings) -> str:
    """Return a Markdown table, with a column for each field in which the configs differ."""
    fields = _differing(findings)
    kind = "held-out " if findings.points == "held-out" else ""
    measured = [f"{kind}accuracy", "IQR", f"{kind}loss", *(f"epochs to {level}%" for level in (90, 95, 99)), "diverged"]
    headings = ["config", *(field.replace("_", " ") for field in fields), "seeds", *measured]
    rows = [[setting.name, *_fields(setting, fields), *_cells(findings, setting)] for setting in findings.settings]
    rights = [False, *(_are_numbers(findings, field) for field in fields), *(True for _ in ["seeds", *measured])]
    return as_markdown(headings, rights, rows)


def comma_separated(findings: Findings) -> str:
    """Return CSV, numbers in full: of each measure the median, its 95 % interval and the quartiles; inf for never."""
    fields = _differing(findings)
    of_measures = [f"{key}_{part}" for key in findings.measures for part in PARTS]
    rows: list[list[Any]] = []
    for setting in findings.settings:
        row: list[Any] = [setting.name, *_fields(setting, fields), len(setting.seeds), _diverged(setting)]
        for spread in findings.spread(setting).values():
            row += [spread.median, *(spread.interval or ("", "")), *spread.quartiles]
        rows.append(row)
    return as_comma_separated(["config", *fields, "seeds", "diverged", *of_measures], rows)


def _differing(findings: Findings) -> list[str]:
    """Return the fields in which the configs differ, but for those that change pictures alone."""
    configs = [setting.config.resolved() for setting in findings.settings]
    return [name for name in differing(*configs) if name not in (*OF_PICTURES, "seed")]


def _fields(setting: Setting, fields: Sequence[str]) -> list[str]:
    values = flattened(setting.config.resolved())
    return [value_text(values.get(field)) for field in fields]


def _are_numbers(findings: Findings, field: str) -> bool:
    """Tell whether a field holds numbers, and not texts or lists."""
    values = [flattened(setting.config.resolved()).get(field) for setting in findings.settings]
    return any(isinstance(value, int | float) for value in values)


def _cells(findings: Findings, setting: Setting) -> list[str]:
    spread, epochs = findings.spread(setting), setting.config.epochs
    return [
        str(len(setting.seeds)),
        _median(spread["accuracy"], _accuracy, "%"),
        _interval(spread["accuracy"].quartiles, _accuracy),
        _median(spread["loss"], lambda number: f"{number:.3g}"),
        *(_median(spread[key], _epochs(epochs)) for key in spread if key.startswith("epochs_to")),
        f"{_diverged(setting)} of {len(setting.seeds)}",
    ]


def _median(spread: Summary, written: Written, unit: str = "") -> str:
    """Return a median, and its interval unless both ends look the same."""
    median = f"{written(spread.median)}{unit if math.isfinite(spread.median) else ''}"
    if spread.interval is None or written(spread.interval[0]) == written(spread.interval[1]):
        return median
    return f"{median} ({_interval(spread.interval, written)})"


def _interval(interval: Interval, written: Written) -> str:
    return f"{written(interval[0])} to {written(interval[1])}"


def _accuracy(share: float) -> str:
    """Return an accuracy in per cent; that of a run which diverged is worse than any number."""
    return "diverged" if math.isinf(share) else f"{100 * share:.2f}"


def _epochs(most: int) -> Written:
    """Return how epochs are written: those that never came are later than all there were."""
    return lambda number: f"> {most:,}" if math.isinf(number) else f"{number:,.0f}"


def _diverged(setting: Setting) -> int:
    return sum(outcome.status == "diverged" for outcome in setting.outcomes)
