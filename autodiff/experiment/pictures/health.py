"""The health of trainings over the epochs: how far layers move, and which units are lost, a curve a layer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from autodiff.experiment.training.health import LayerHealth

from .curves import (
    CURVE_WIDTH,
    MOST_TOGETHER,
    accuracy_axis,
    curve_line,
    draw_pairs,
    drawable_losses,
    loss_axis,
    range_of,
)

Layers = Mapping[str, Sequence[LayerHealth]]
"""By name, how a layer was at some epochs."""


def render_moves(layers: Layers, path: Path) -> None:
    """Write the norm of each layer's gradient, and how large its updates are for its weights, atomically."""
    names = "gradient_norm", "update_to_weight"
    values = [[for_a_logarithm(of(rows, name)) for rows in layers.values()] for name in names]
    limits = [range_of(np.concatenate(each)) for each in values]

    def draw(gradients: Axes, ratios: Axes, group: range) -> None:
        for axes, each, limit in zip((gradients, ratios), values, limits, strict=True):
            draw_lines(axes, [epochs(rows) for rows in layers.values()][group.start : group.stop], each[group.start :])
            loss_axis(axes, limit)

    titles = "norm of the gradient", "update, as a share of the weights"
    draw_pairs(list(layers), MOST_TOGETHER, last_of(layers), titles, draw, path)


def render_lost_units(layers: Layers, path: Path) -> None:
    """Write the shares of each layer's units that are dead, and saturated, atomically."""
    values = [[np.nan_to_num(of(rows, name)) for rows in layers.values()] for name in ("dead", "saturated")]

    def draw(dead: Axes, saturated: Axes, group: range) -> None:
        for axes, each in zip((dead, saturated), values, strict=True):
            draw_lines(axes, [epochs(rows) for rows in layers.values()][group.start : group.stop], each[group.start :])
            accuracy_axis(axes)

    draw_pairs(list(layers), MOST_TOGETHER, last_of(layers), ("dead units", "saturated units"), draw, path)


def draw_lines(axes: Axes, along: Sequence[NDArray[Any]], values: Sequence[NDArray[Any]]) -> None:
    """Draw a line for each layer, of what can be drawn."""
    for i, (places, heights) in enumerate(zip(along, values, strict=False)):
        shown = np.isfinite(heights)
        line = curve_line(i, CURVE_WIDTH)
        line.set_data(places[shown], heights[shown])
        axes.add_line(line)


def of(rows: Sequence[LayerHealth], name: str) -> NDArray[np.float64]:
    """Return what was measured of a layer, NaN where it was not."""
    values = [getattr(row, name) for row in rows]
    return np.array([np.nan if value is None else value for value in values])


def for_a_logarithm(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values with NaN for those that a logarithmic axis cannot show."""
    return np.where(drawable_losses(values), values, np.nan)


def epochs(rows: Sequence[LayerHealth]) -> NDArray[np.int64]:
    """Return the epochs at which a layer was measured."""
    return np.array([row.epoch for row in rows])


def last_of(layers: Layers) -> int:
    """Return the last epoch at which a layer was measured."""
    return max(row.epoch for rows in layers.values() for row in rows)
