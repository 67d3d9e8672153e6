"""Every seed of a study as a dot: how good its network is in the end, and how soon it was good."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from .axes import Box, add_axes, draw_text, points
from .curves import GRID_COLOR, LONGEST_NAME, TEXT_SIZE, TITLE_SIZE, WIDTH, loss_ticks
from .names import fitted
from .palette import INK, curve_style
from .quantiles import quantiles
from .still import new_page, write_still
from .study import Outcomes
from .swarm import block, swarm
from .text import font

MARGIN, NAME_GAP, PANEL_GAP, RIGHT = 24, 24, 40, 28
TOP, BOTTOM = 64, 56
LANE, LANE_GAP = 100, 24  # the width of the lane of those that have no number
ROW, ROW_MARGIN = 72, 5  # the height of a row if its dots need no more, and what they keep off its edges
FIGURE_SIZE, FIGURE_ROOM = 17, 24  # of the median that is written over the dots of a row
DOTS = (12, 10, 8, 7, 6, 5, 4)  # their diameters in pixels: the largest with which all rows have room
BAR = 2  # the width of a median's mark
EDGE = 12  # pixels between the outermost dots and the edge of a panel
LEAST_SPAN, LEAST_RATIO = 0.02, 4  # of accuracies and of epochs: what differs less is not made to look far apart

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """Numbers of each setting's seeds on one axis; those that are infinite have a lane of their own at its end."""

    title: str
    numbers: list[Floats]
    scale: Literal["linear", "log"]
    limits: tuple[float, float]
    lane: str  # what it says, or nothing if there is none
    box: Box

    @property
    def lane_first(self) -> bool:
        """Whether the lane is at the left: that of accuracies, where the worst is."""
        return self.scale == "linear"

    @property
    def plot(self) -> Box:
        """Where the numbers are."""
        room = LANE + LANE_GAP if self.lane else 0
        left = self.box.left + (room if self.lane_first else 0)
        return Box(left, self.box.top, self.box.width - room, self.box.height)

    def written(self, number: float) -> str:
        """Return a number as it is written: per cent with one decimal, or a whole number."""
        return f"{100 * number:.1f} %" if self.scale == "linear" else f"{number:,.0f}"

    def across(self, numbers: Floats) -> Floats:
        """Return how many pixels from the left of the plot numbers are."""
        lowest, highest = self.limits
        share = (numbers - lowest) / (highest - lowest)
        if self.scale == "log":
            share = np.log(numbers / lowest) / np.log(highest / lowest)
        return EDGE + share * (self.plot.width - 2 * EDGE)

    def offsets(self, numbers: Floats, dot: float) -> tuple[Floats, Floats]:
        """Return where the dots of a row are: across, and up or down from its middle; in pixels.

        Those in the lane count from its left, the others from the left of the plot.
        """
        across, up = np.zeros(len(numbers)), np.zeros(len(numbers))
        known = np.isfinite(numbers)
        across[known] = self.across(numbers[known])
        up[known] = swarm(across[known], dot + 1)
        across[~known], up[~known] = block(int((~known).sum()), dot + 1, LANE - 2 * EDGE)
        across[~known] += LANE / 2
        return across, up


def render_seeds(outcomes: Sequence[Outcomes], path: Path, *, of: str, threshold: float) -> None:
    """Write each seed's final accuracy, and its epochs to a threshold, as dots in a row for each setting; one PNG.

    `of` says on which points, such as held-out; `threshold` is an accuracy from 0 to 1. The medians are marked and
    written. 2000 pixels wide, and as high as the rows need, atomically. Raises ValueError for nothing to draw.
    """
    if not outcomes or not all(len(each.accuracy) for each in outcomes):
        raise ValueError("nothing to draw: every setting needs at least one seed")
    face = font(TEXT_SIZE)
    names = fitted([each.title for each in outcomes], [LONGEST_NAME] * len(outcomes), face)
    left = MARGIN + round(max(face.getlength(name) for name in names)) + NAME_GAP
    width = (WIDTH - left - PANEL_GAP - RIGHT) // 2
    lost = [np.where(np.isfinite(each.accuracy), each.accuracy, -np.inf) for each in outcomes]
    late = [np.where(np.isfinite(each.epochs), np.maximum(each.epochs, 1), np.inf) for each in outcomes]
    accuracy = panel_of(f"final {of} accuracy", lost, "linear", "diverged", Box(left, TOP, width, 0))
    epochs_title = f"epochs to {100 * threshold:g} %"
    epochs = panel_of(epochs_title, late, "log", "never", Box(left + width + PANEL_GAP, TOP, width, 0))
    dot, rows = rows_of([accuracy, epochs])
    figure = new_page(WIDTH, TOP + sum(rows) + BOTTOM)
    middles = TOP + np.cumsum(rows) - (np.array(rows) - FIGURE_ROOM) / 2
    for name, middle in zip(names, middles, strict=True):
        draw_text(figure, MARGIN, float(middle), name, TEXT_SIZE)
    for panel in (accuracy, epochs):
        draw_panel(figure, panel, rows, middles - TOP, dot)
    write_still(figure, path)


def panel_of(title: str, numbers: list[Floats], scale: Literal["linear", "log"], lane: str, box: Box) -> Panel:
    """Return a panel that shows all numbers."""
    every = np.concatenate(numbers)
    known = every[np.isfinite(every)]
    lowest, highest = (float(known.min()), float(known.max())) if len(known) else (1.0, 1.0)
    if scale == "linear":
        missing = max(0.0, LEAST_SPAN - (highest - lowest))
        highest = max(highest, min(1.0, highest + missing / 2))
        limits = min(lowest, highest - LEAST_SPAN), highest
    else:
        wider = max(1.0, (LEAST_RATIO / (highest / lowest)) ** 0.5)
        limits = lowest / wider, highest * wider
    return Panel(title, numbers, scale, limits, lane if len(known) < len(every) else "", box)


def rows_of(panels: Sequence[Panel]) -> tuple[int, list[int]]:
    """Return the diameter of the dots, and the height of each row."""
    for dot in DOTS:
        needed = [
            max(2 * float(np.abs(panel.offsets(panel.numbers[row], dot)[1]).max()) + dot for panel in panels)
            for row in range(len(panels[0].numbers))
        ]
        if max(needed) <= ROW - 2 * ROW_MARGIN:
            break
    return dot, [FIGURE_ROOM + max(ROW, round(height) + 2 * ROW_MARGIN) for height in needed]


def draw_panel(figure: Figure, panel: Panel, rows: Sequence[int], middles: Floats, dot: int) -> None:
    """Draw the dots of a panel and their medians. `middles` are those of the dots' rows, in pixels from its top."""
    height = sum(rows)
    plot = add_strip(figure, Box(panel.plot.left, panel.plot.top, panel.plot.width, height), rows)
    ticks = panel_ticks(panel)
    plot.set_xticks(list(panel.across(np.array(ticks))), [tick_text(panel, tick) for tick in ticks])
    plot.xaxis.grid(color=GRID_COLOR, linewidth=points(1))
    draw_text(figure, panel.box.left, TOP - 20, panel.title, TITLE_SIZE, bold=True)
    lane = None
    if panel.lane:
        left = panel.box.left if panel.lane_first else panel.box.left + panel.box.width - LANE
        lane = add_strip(figure, Box(left, panel.box.top, LANE, height), rows)
        lane.set_xticks([LANE / 2], [panel.lane])
        lane.patch.set(alpha=1, facecolor="#F3F3F3")
    for i, (numbers, middle) in enumerate(zip(panel.numbers, middles, strict=True)):
        across, up = panel.offsets(numbers, dot)
        known = np.isfinite(numbers)
        for axes, chosen in ((plot, known), (lane, ~known)):
            if axes is not None:
                axes.add_line(dots(across[chosen], middle + up[chosen], curve_style(i)[0], dot))
        median = float(quantiles(numbers)[1])
        if np.isfinite(median):
            half = (rows[i] - FIGURE_ROOM) / 2 - 2
            at = float(panel.across(np.array(median)))
            draw_median(plot, at, middle, half, panel.written(median), panel.plot.width)
        elif lane is not None:
            write_over(lane, LANE / 2, middle - (rows[i] - FIGURE_ROOM) / 2, "median", LANE)


def add_strip(figure: Figure, box: Box, rows: Sequence[int]) -> Axes:
    """Add axes over a box, in pixels from its upper left corner, with a line between any two rows."""
    axes = add_axes(figure, box, TEXT_SIZE)
    axes.set(xlim=(0, box.width), ylim=(box.height, 0), yticks=np.cumsum(rows)[:-1])
    axes.tick_params(axis="y", left=False, labelleft=False)
    axes.yaxis.grid(color=GRID_COLOR, linewidth=points(1))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_axisbelow(True)
    return axes


def panel_ticks(panel: Panel) -> list[float]:
    """Return where the axis of a panel is marked: at round numbers between its limits, if it shows any."""
    lowest, highest = panel.limits
    if not any(np.isfinite(numbers).any() for numbers in panel.numbers):
        return []
    if panel.scale == "log":
        ticks = loss_ticks(lowest, highest)
        widest = max(font(TEXT_SIZE).getlength(panel.written(tick)) for tick in ticks) + TEXT_SIZE / 2
        nearest = np.diff(panel.across(np.array(ticks))).min(initial=np.inf)
        return ticks[:: max(1, int(np.ceil(widest / nearest)))]
    wanted = MaxNLocator(3, steps=[1, 2, 5, 10]).tick_values(lowest, highest)
    return [float(tick) for tick in wanted if lowest <= tick <= highest]


def tick_text(panel: Panel, tick: float) -> str:
    """Return what stands at a tick: no more decimals than it has."""
    return f"{100 * tick:.4g} %" if panel.scale == "linear" else panel.written(tick)


def dots(x: Floats, y: Floats, color: str, size: float) -> Line2D:
    """Return dots of a diameter in pixels."""
    return Line2D(x, y, linestyle="none", marker="o", markersize=points(size), markerfacecolor=color, markeredgewidth=0)


def draw_median(axes: Axes, x: float, middle: float, half: float, text: str, width: float) -> None:
    """Draw a bar through a row at its median, which is written over it."""
    bar = Line2D(
        [x, x], [middle - half, middle + half], color=INK, linewidth=points(BAR), zorder=1.5
    )  # behind the dots
    axes.add_line(bar)
    write_over(axes, x, middle - half, text, width)


def write_over(axes: Axes, x: float, y: float, text: str, width: float) -> None:
    """Write a text over a place of axes that are counted in pixels, within their width."""
    half = font(FIGURE_SIZE).getlength(text) / 2
    axes.text(
        min(max(x, half), width - half),
        y - FIGURE_ROOM / 2 + 2,
        text,
        fontsize=points(FIGURE_SIZE),
        color=INK,
        horizontalalignment="center",
        verticalalignment="center_baseline",
        parse_math=False,
    )
