"""Loss and accuracy of settings over the epochs: the median over the seeds, and the band that most of them keep to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from .axes import points
from .curves import CURVE_WIDTH, accuracy_axis, curve_line, draw_pairs, loss_axis, range_of
from .palette import curve_style
from .quantiles import BAND, Floats, epochs_shown, over_seeds
from .study import Setting

MOST_TOGETHER = 6  # bands in one pair of plots, each of a colour of its own
BAND_OPACITY = 0.18
THIN = 1.0  # pixels: the line of the training points, where held-out ones are shown
FURTHEST = 10  # times the medians' losses: as far as bands widen the axis


def render_bands(settings: Sequence[Setting], path: Path) -> None:
    """Write the median loss and accuracy of each setting over the epochs, with bands, as one PNG, 2000 pixels wide.

    Those on held-out points where there are any, and then the training points' medians as thin lines. Up to 6 settings
    share a pair of plots; more get further pairs below it, of the same scales. What runs that diverged count for, says
    `over_seeds`. Raises ValueError for no settings or one without runs.
    """
    if not settings or not all(setting.training for setting in settings):
        raise ValueError("nothing to draw: every setting needs at least one run")
    last = max(int(curve.epochs[-1]) for setting in settings for curve in setting.training)
    drawn = [Bands(setting) for setting in settings]
    limits = limits_of(drawn)

    def draw(loss: Axes, accuracy: Axes, group: range) -> None:
        loss_axis(loss, limits)
        accuracy_axis(accuracy)
        for place, i in enumerate(group):
            drawn[i].draw(loss, accuracy, place)
        for place, i in enumerate(group):
            drawn[i].draw_thin(loss, accuracy, place)

    held_out = any(setting.held_out for setting in settings)
    of = "held-out" if held_out else "training"
    names = [setting.title + diverged_text(setting) for setting in settings]
    draw_pairs(names, MOST_TOGETHER, last, (f"{of} loss", f"{of} accuracy"), draw, path, note_of(settings))


class Bands:
    """What is drawn of a setting: percentiles of loss and accuracy, and the training points' beside those held out."""

    def __init__(self, setting: Setting) -> None:
        self.epochs = epochs_shown(max(int(curve.epochs[-1]) for curve in setting.training))
        self.thick = over_seeds(setting.held_out or setting.training, self.epochs)
        self.thin = over_seeds(setting.training, self.epochs) if setting.held_out else None

    def draw(self, loss: Axes, accuracy: Axes, place: int) -> None:
        """Draw the medians with their bands."""
        draw_band(loss, place, self.epochs, self.thick[0])
        draw_band(accuracy, place, self.epochs, self.thick[1])

    def draw_thin(self, loss: Axes, accuracy: Axes, place: int) -> None:
        """Draw the medians of the training points, where those held out have the bands."""
        for axes, values in zip((loss, accuracy), self.thin or (), strict=False):
            line = Line2D([], [], color=curve_style(place)[0], linewidth=points(THIN))
            draw_within(axes, line, self.epochs, values[1])


def draw_band(axes: Axes, place: int, x: NDArray[Any], values: Floats) -> Line2D:
    """Draw a median in the style of a place over its band (3, ...), on axes whose limits are set; return its line."""
    low, median, high = values
    line = curve_line(place, CURVE_WIDTH)
    draw_within(axes, line, x, median)
    limits = axes.get_ylim()
    axes.fill_between(x, low.clip(*limits), high.clip(*limits), color=line.get_color(), alpha=BAND_OPACITY, linewidth=0)
    return line


def draw_within(axes: Axes, line: Line2D, x: NDArray[Any], y: Floats) -> None:
    """Draw a line where it is within the limits of its axes: beyond there are losses that no logarithm can show."""
    lowest, highest = axes.get_ylim()
    shown = (y >= lowest) & (y <= highest)
    line.set_data(x[shown], y[shown])
    axes.add_line(line)


def limits_of(drawn: Sequence[Bands]) -> tuple[float, float]:
    """Return the limits of the losses' axis: all medians are within, and the bands as far as ten times."""
    medians = np.concatenate([values[0][1] for bands in drawn for values in (bands.thick, bands.thin) if values])
    lowest, highest = range_of(medians)
    edges = np.concatenate([bands.thick[0].ravel() for bands in drawn])
    return range_of(np.concatenate([medians, edges.clip(lowest / FURTHEST, highest * FURTHEST)]))


def diverged_text(setting: Setting) -> str:
    """Return how many runs of a setting diverged, to be written behind its name."""
    count = sum(not np.isfinite(curve.loss[-1]) for curve in setting.training)
    return f", {count} diverged" if count else ""


def note_of(settings: Sequence[Setting]) -> str:
    """Return what the curves are."""
    thin = "; thin: training" if any(setting.held_out for setting in settings) else ""
    return spread_text([len(setting.training) for setting in settings]) + thin


def spread_text(seeds: Sequence[int]) -> str:
    """Return what is drawn of so many seeds of each setting."""
    fewest, most = min(seeds), max(seeds)
    if most == 1:
        return "one seed"
    return f"median and {BAND} of {most} seeds" if fewest == most else f"median and {BAND} of {fewest} to {most} seeds"
