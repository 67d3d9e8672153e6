"""The pictures of a sweep: the final accuracy at each value of one field, or at each pair of values of two."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autodiff.experiment import pictures
from autodiff.experiment.config.names import without_settings
from autodiff.experiment.config.overrides import FieldPath
from autodiff.experiment.pictures import Heatmap, Swept
from autodiff.experiment.runs.fields import flattened
from autodiff.experiment.runs.text import value_text
from autodiff.experiment.studies.findings import Findings
from autodiff.experiment.studies.settings import Setting

Values = tuple[float | str, ...]  # of the swept fields


def draw_sweep(findings: Findings, folder: Path, swept: Sequence[FieldPath]) -> None:
    """Draw sweep.png for one swept field, heatmap.png for two; more are in the table alone."""
    fields = [".".join(path) for path in swept]
    by_config: dict[str, dict[Values, Setting]] = {}
    for setting in findings.settings:
        name = without_settings(findings.short[setting.name], swept)
        by_config.setdefault(name, {})[tuple(_value(setting, field) for field in fields)] = setting
    if len(fields) == 1:
        lines = [_line(findings, name, settings) for name, settings in by_config.items()]
        pictures.render_sweep(lines, folder / "sweep.png", field=fields[0], of=findings.points)
    elif len(fields) == 2:
        rows, columns = (
            list(dict.fromkeys(values[i] for settings in by_config.values() for values in settings)) for i in (0, 1)
        )
        maps = [_map(findings, name, settings, rows, columns) for name, settings in by_config.items()]
        down, across = (fields[0], [*map(value_text, rows)]), (fields[1], [*map(value_text, columns)])
        pictures.render_heatmap(maps, folder / "heatmap.png", across=across, down=down, of=findings.points)


def accuracies_of(findings: Findings, setting: Setting) -> NDArray[np.float64]:
    """Return the final accuracy of each seed, infinitely bad for one that diverged."""
    return np.array(setting.values(findings.measures["accuracy"]))


def _value(setting: Setting, field: str) -> float | str:
    """Return the value of a field: a number as such, anything else as text."""
    value = flattened(setting.config.resolved()).get(field)
    return value if isinstance(value, int | float) else value_text(value) or "none"


def _line(findings: Findings, name: str, settings: dict[Values, Setting]) -> Swept:
    """Return the accuracies of a config at each value of a field."""
    accuracies = tuple(accuracies_of(findings, setting) for setting in settings.values())
    return Swept(name, tuple(value for (value,) in settings), accuracies)


def _map(
    findings: Findings,
    name: str,
    settings: dict[Values, Setting],
    rows: Sequence[float | str],
    columns: Sequence[float | str],
) -> Heatmap:
    """Return the median accuracies of a config at each pair of two fields' values."""
    return Heatmap(
        name, np.array([[_median(findings, settings.get((row, column))) for column in columns] for row in rows])
    )


def _median(findings: Findings, setting: Setting | None) -> float:
    """Return the median accuracy of a setting, NaN where there is none; not finite where half of the seeds diverged."""
    return math.nan if setting is None else findings.spread(setting)["accuracy"].median
