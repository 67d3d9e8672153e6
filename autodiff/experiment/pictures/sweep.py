"""One swept field: the median over the seeds at each of its values, and the band that most of them keep to."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from .axes import Box, add_axes, draw_text, points
from .bands import BAND_OPACITY, MOST_TOGETHER, draw_band, draw_within, spread_text
from .curves import (
    GRID_COLOR,
    LEADER,
    LEFT,
    LONGEST_NAME,
    NAME_GAP,
    SAMPLE,
    TEXT_SIZE,
    TITLE_SIZE,
    TOP,
    WIDTH,
    curve_line,
    head,
    name_curves,
)
from .names import fitted
from .palette import INK
from .quantiles import Floats, quantiles
from .still import new_page, write_still
from .study import Swept
from .text import font

HEIGHT, PLOT_GAP, BOTTOM = 400, 136, 88
DOT, BAR = 9, 7  # pixels: of the medians, and the width of what stands for a band at a text
LOGARITHMIC = 20  # times the least value, from which on the axis of positive ones is logarithmic
LARGEST = 1e100  # number on an axis, and one over the smallest
LEAST_SPAN = 0.02  # of accuracies: what differs less is not made to look far apart
SIDE = 0.04  # of the width of the plot, free on both sides


def render_sweep(lines: Sequence[Swept], path: Path, *, field: str, of: str) -> None:
    """Write the median accuracy of each config at each value of a field, with bands, as one PNG, 2000 pixels wide.

    `of` says on which points, such as held-out. If all values are numbers they stand on an axis, logarithmic if they
    are positive and span more than a factor of 20; other values stand side by side. A run that diverged counts as worse
    than all others. Up to 6 configs share a plot; more get further ones below. Atomically. Raises ValueError for
    nothing to draw.
    """
    if not lines or not all(line.values and all(map(len, line.accuracies)) for line in lines):
        raise ValueError("nothing to draw: every config needs at least one value, and that one seed")
    bands = [
        np.stack([quantiles(np.where(np.isfinite(seeds), seeds, -np.inf)) for seeds in line.accuracies], axis=1)
        for line in lines
    ]
    places = [range(i, min(i + MOST_TOGETHER, len(lines))) for i in range(0, len(lines), MOST_TOGETHER)]
    face = font(TEXT_SIZE)
    names = [fitted([lines[i].title for i in group], [LONGEST_NAME] * len(group), face) for group in places]
    widest = max(face.getlength(name) for group in names for name in group)
    width = WIDTH - round(LEADER + SAMPLE + 2 * NAME_GAP + widest) - LEFT
    figure = new_page(WIDTH, TOP + len(places) * (HEIGHT + PLOT_GAP) - PLOT_GAP + BOTTOM)
    title = f"{of} accuracy"
    note = spread_text([len(seeds) for line in lines for seeds in line.accuracies])
    every = values_of(lines)
    for k, (group, beside) in enumerate(zip(places, names, strict=True)):
        box = Box(LEFT, TOP + k * (HEIGHT + PLOT_GAP), width, HEIGHT)
        axes = add_axes(figure, box, TEXT_SIZE)
        value_axis(axes, every, width)
        narrow_axis(axes, np.concatenate([band.ravel() for band in bands]))
        medians = [draw_line(axes, place, len(group), every, lines[i], bands[i]) for place, i in enumerate(group)]
        head(axes, title)
        draw_text(
            figure, LEFT + font(TITLE_SIZE, bold=True).getlength(title) + TEXT_SIZE, box.top - 16, note, TEXT_SIZE
        )
        axes.set_xlabel(field, color=INK, fontsize=points(TEXT_SIZE), parse_math=False)
        name_curves(axes, box, medians, beside)
    write_still(figure, path)


def values_of(lines: Sequence[Swept]) -> list[float] | list[str]:
    """Return all values: sorted if they are numbers, and if an axis cannot show one, as texts in their order."""
    every = dict.fromkeys(value for line in lines for value in line.values)
    numbers = [float(value) for value in every if not isinstance(value, str) and is_shown(value)]
    return sorted(numbers) if len(numbers) == len(every) else list(dict.fromkeys(map(value_text, every)))


def is_shown(number: float) -> bool:
    """Return whether an axis can show a number: matplotlib's overflow where numbers are huge or tiny."""
    return number == 0 or 1 / LARGEST < abs(number) < LARGEST


def value_text(value: float | str) -> str:
    """Return a value as it stands on the axis."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e6 else f"{value:g}"


def value_axis(axes: Axes, values: list[float] | list[str], width: int) -> None:
    """Set the axis of the field's values, with a tick at each and a text where there is room."""
    numbers = [value for value in values if not isinstance(value, str)]
    if not numbers:
        room = width / len(values)
        axes.set_xlim(-0.5, len(values) - 0.5)
        axes.set_xticks(
            range(len(values)), fitted([str(value) for value in values], [room - 8] * len(values), font(TEXT_SIZE))
        )
        for label in axes.get_xticklabels():
            label.set_parse_math(False)
        return
    lowest, highest = numbers[0], numbers[-1]
    logarithmic = lowest > 0 and highest / lowest > LOGARITHMIC
    if logarithmic:
        axes.set_xscale("log")
        side = (highest / lowest) ** SIDE
        axes.set_xlim(lowest / side, highest * side)
    else:
        side = SIDE * (highest - lowest) or 1.0
        axes.set_xlim(lowest - side, highest + side)
    axes.minorticks_off()
    left, right = axes.transData.transform([(axes.get_xlim()[0], 1), (axes.get_xlim()[1], 1)])[:, 0]
    across = (axes.transData.transform([(number, 1) for number in numbers])[:, 0] - left) / (right - left) * width
    axes.set_xticks(numbers, with_room([value_text(number) for number in numbers], across.tolist()))


def with_room(texts: Sequence[str], places: Sequence[float]) -> list[str]:
    """Return texts that are to be centred at some places, in pixels; in place of one that has no room, an empty one."""
    shown, end = [], -np.inf
    for text, place in zip(texts, places, strict=True):
        half = font(TEXT_SIZE).getlength(text) / 2
        fits = place - half > end
        shown.append(text if fits else "")
        end = place + half + TEXT_SIZE / 2 if fits else end
    return shown


def narrow_axis(axes: Axes, accuracies: Floats) -> None:
    """Set the axis of accuracies, in per cent, no wider than they need."""
    known = accuracies[np.isfinite(accuracies)]
    lowest, highest = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    lowest = max(0.0, min(lowest, highest - LEAST_SPAN))
    side = 0.05 * (max(highest, lowest + LEAST_SPAN) - lowest)
    axes.set_ylim(lowest - side, max(highest, lowest + LEAST_SPAN) + side)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %" if -1e-9 <= value <= 1 + 1e-9 else "")
    axes.yaxis.grid(color=GRID_COLOR, linewidth=points(1))
    axes.set_axisbelow(True)


def draw_line(
    axes: Axes, place: int, together: int, values: list[float] | list[str], line: Swept, band: Floats
) -> Line2D:
    """Draw a config's medians as dots and its band (3, values); return the line of the medians."""
    if isinstance(values[0], str):
        at = np.array([values.index(value_text(value)) for value in line.values])
        return draw_bars(axes, place, at + 0.7 * ((place + 0.5) / together - 0.5), band)
    numbers = np.array(line.values, float)
    order = np.argsort(numbers, kind="stable")
    median = draw_band(axes, place, numbers[order], band[:, order])
    median.set(marker="o", markersize=points(DOT))
    return median


def draw_bars(axes: Axes, place: int, x: NDArray[np.float64], band: Floats) -> Line2D:
    """Draw medians as dots, with a bar for the band at each: texts have nothing in between."""
    low, median, high = band
    line = curve_line(place, 0)
    axes.vlines(
        x,
        low.clip(*axes.get_ylim()),
        high.clip(*axes.get_ylim()),
        color=line.get_color(),
        alpha=2 * BAND_OPACITY,
        linewidth=points(BAR),
    )
    line.set(linestyle="none", marker="o", markersize=points(DOT))
    draw_within(axes, line, x, median)
    return line
