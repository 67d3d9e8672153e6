"""Two swept fields: the accuracy at each pair of their values, as a colour and as a number."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from .axes import DPI, Box, add_axes, draw_text, points
from .curves import TITLE_SIZE, WIDTH
from .names import fitted
from .palette import INK
from .still import new_page, write_still
from .study import Heatmap
from .text import drawable, font

COLORS = "cividis"  # Nunez, Anderton & Renslow (2018): even steps for every kind of colour vision
MARGIN, LABEL_GAP, LONGEST_LABEL = 24, 12, 180
TOP, PANEL_TOP, PANEL_GAP, ROW_GAP, BOTTOM = 64, 40, 36, 20, 24
VALUES_GAP, NAME_HEIGHT = 6, 36  # below a panel: before the values of the field, and its name after them
WIDEST_CELL, NARROWEST_CELL, CELL_PADDING = 92, 42, 6
LARGEST_TEXT, SMALLEST_TEXT = 20, 12
MISSING = "failed"
HATCH = "#BBBBBB"
FRAME = 4  # pixels: around the best
LEAST_SPAN = 0.02  # of accuracies: what differs less is not made to look far apart


@dataclass(frozen=True)
class Field:
    """A swept field: its name, and its values as texts."""

    name: str
    values: Sequence[str]


@dataclass(frozen=True)
class Layout:
    """Where the panels are, and how large cells and texts are, in pixels."""

    left: int
    cell: tuple[int, int]
    text: int
    columns: int  # of panels
    values: int  # the height of the values below a panel
    upright: bool  # whether those stand on end

    def panel(self, i: int, across: int, down: int) -> Box:
        """Return the box of the i-th panel, of so many cells."""
        width, height = across * self.cell[0], down * self.cell[1]
        column, row = i % self.columns, i // self.columns
        below = VALUES_GAP + self.values + NAME_HEIGHT + ROW_GAP
        top = TOP + PANEL_TOP + row * (PANEL_TOP + height + below)
        return Box(self.left + column * (width + PANEL_GAP), top, width, height)


def render_heatmap(
    maps: Sequence[Heatmap], path: Path, *, across: tuple[str, Sequence[str]], down: tuple[str, Sequence[str]], of: str
) -> None:
    """Write the accuracy of each config at each pair of two fields' values, one panel a config, as one PNG, atomically.

    `across` and `down` are the fields: their names, and their values as texts; `of` says on which points it is. The
    best of each config is framed; where there is none, because all runs failed, the cell is hatched. At most 2000
    pixels wide, unless there are more than some 20 values across. Raises ValueError for nothing to draw.
    """
    columns, rows = Field(*across), Field(*down)
    shape = len(rows.values), len(columns.values)
    if not maps or 0 in shape or any(each.accuracies.shape != shape for each in maps):
        raise ValueError(f"nothing to draw: every config needs accuracies for {shape[0]} by {shape[1]} values")
    layout = layout_for(len(maps), columns, rows)
    last = layout.panel(len(maps) - 1, shape[1], shape[0])
    right = max(layout.panel(i, shape[1], shape[0]).left for i in range(len(maps))) + last.width + MARGIN
    title, note = f"{of} accuracy", "median over the seeds, in per cent"
    behind = layout.left + round(font(TITLE_SIZE, bold=True).getlength(title)) + LARGEST_TEXT
    width = max(right, behind + round(font(LARGEST_TEXT).getlength(note)) + MARGIN)
    figure = new_page(width, last.top + last.height + VALUES_GAP + layout.values + NAME_HEIGHT + BOTTOM)
    draw_text(figure, layout.left, TOP / 2 + 4, title, TITLE_SIZE, bold=True)
    draw_text(figure, behind, TOP / 2 + 4, note, LARGEST_TEXT)
    limits = limits_of(np.stack([each.accuracies for each in maps]))
    names = fitted([each.title for each in maps], [last.width] * len(maps), font(LARGEST_TEXT, bold=True))
    for i, (each, name) in enumerate(zip(maps, names, strict=True)):
        box = layout.panel(i, shape[1], shape[0])
        draw_text(figure, box.left, box.top - PANEL_TOP / 2, name, LARGEST_TEXT, bold=True)
        axes = add_axes(figure, box, layout.text)
        draw_cells(axes, each.accuracies, limits, layout)
        draw_labels(figure, box, columns, rows if i % layout.columns == 0 else None, layout)
    write_still(figure, path)


def layout_for(panels: int, columns: Field, rows: Field) -> Layout:
    """Return the layout: cells as large as the page allows, and as many panels beside each other as then have room."""
    face = font(LARGEST_TEXT)
    labels = [min(LONGEST_LABEL, face.getlength(drawable(text))) for text in (*rows.values, rows.name)]
    left = MARGIN + round(max(labels)) + LABEL_GAP
    room = WIDTH - left - MARGIN
    cell = min(WIDEST_CELL, max(NARROWEST_CELL, room // len(columns.values)))
    text = max(size for size in range(SMALLEST_TEXT, LARGEST_TEXT + 1) if size == SMALLEST_TEXT or fits(size, cell))
    beside = max(1, (room + PANEL_GAP) // (cell * len(columns.values) + PANEL_GAP))
    widest = max(font(text).getlength(drawable(value)) for value in columns.values)
    upright = widest > cell - CELL_PADDING
    values = round(min(LONGEST_LABEL, widest)) if upright else text
    return Layout(left, (cell, round(2.3 * text)), text, min(panels, beside), values, upright)


def fits(size: int, cell: int) -> bool:
    """Return whether all that may stand in a cell fits into it at a size."""
    return max(font(size).getlength(text) for text in ("100.0", MISSING)) <= cell - CELL_PADDING


def limits_of(accuracies: NDArray[Any]) -> tuple[float, float]:
    """Return the accuracies of the darkest and the lightest colour."""
    known = accuracies[np.isfinite(accuracies)]
    highest = float(known.max()) if len(known) else 1.0
    return min(float(known.min()) if len(known) else 0.0, highest - LEAST_SPAN), highest


def draw_cells(axes: Axes, accuracies: NDArray[Any], limits: tuple[float, float], layout: Layout) -> None:
    """Draw the cells of a panel: each in its colour, with its number."""
    rows, columns = accuracies.shape
    axes.set(xlim=(0, columns), ylim=(rows, 0), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    lowest, highest = limits
    colors = matplotlib.colormaps[COLORS]((accuracies - lowest) / (highest - lowest))
    best = np.max(accuracies, where=np.isfinite(accuracies), initial=-np.inf)
    for row, column in np.ndindex(rows, columns):
        accuracy = accuracies[row, column]
        cell = Rectangle((column, row), 1, 1, linewidth=points(2), edgecolor="white")
        if np.isfinite(accuracy):
            color = colors[row, column, :3]
            cell.set_facecolor(tuple(color))
            text, ink = f"{100 * accuracy:.1f}", ink_on(color)
        else:
            cell.set(facecolor="white", hatch="//", hatchcolor=HATCH, hatch_linewidth=points(1.5))
            text, ink = MISSING, INK
        axes.add_patch(cell)
        backed = None if np.isfinite(accuracy) else {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
        axes.text(
            column + 0.5,
            row + 0.5,
            text,
            fontsize=points(layout.text),
            fontweight="bold" if accuracy == best else "normal",
            color=ink,
            horizontalalignment="center",
            verticalalignment="center_baseline",
            bbox=backed,
        )
    for row, column in np.argwhere(accuracies == best):
        frame = Rectangle((column, row), 1, 1, fill=False, edgecolor=INK, linewidth=points(FRAME), joinstyle="miter")
        frame.set(zorder=2, clip_on=False)
        axes.add_patch(frame)


def ink_on(color: NDArray[Any]) -> str:
    """Return the ink that stands out most from a colour from 0 to 1: dark or white, by WCAG 2.1's contrast ratio."""
    linear = np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)  # IEC 61966-2-1
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    dark = 0.0103  # the luminance of INK
    return INK if (luminance + 0.05) / (dark + 0.05) > 1.05 / (luminance + 0.05) else "white"


def draw_labels(figure: Figure, box: Box, columns: Field, rows: Field | None, layout: Layout) -> None:
    """Write the values below a panel and, if they are given, those to its left, with the names of the fields."""
    width, height = layout.cell
    face, bottom = font(layout.text), box.top + box.height
    room = LONGEST_LABEL if layout.upright else width
    for i, text in enumerate(fitted(columns.values, [room] * len(columns.values), face)):
        x, top = box.left + (i + 0.5) * width, bottom + VALUES_GAP
        if layout.upright:
            draw_upright(figure, x, top, text, layout.text)
        else:
            draw_centered(figure, x, top + layout.values / 2, text, layout.text)
    (name,) = fitted([columns.name], [box.width], font(LARGEST_TEXT))
    below = bottom + VALUES_GAP + layout.values + NAME_HEIGHT / 2
    draw_centered(figure, box.left + box.width / 2, below, name, LARGEST_TEXT)
    if rows is None:
        return
    texts = fitted([*rows.values, rows.name], [LONGEST_LABEL] * (len(rows.values) + 1), font(LARGEST_TEXT))
    heights = [*(box.top + (np.arange(len(rows.values)) + 0.5) * height), box.top - PANEL_TOP / 2]
    for text, y in zip(texts, heights, strict=True):
        draw_text(figure, box.left - LABEL_GAP - font(LARGEST_TEXT).getlength(text), float(y), text, LARGEST_TEXT)


def draw_centered(figure: Figure, x: float, y: float, text: str, font_size: int) -> None:
    """Write a text around a point of the picture, in pixels of the layout."""
    draw_text(figure, x - font(font_size).getlength(text) / 2, y, text, font_size)


def draw_upright(figure: Figure, x: float, top: float, text: str, font_size: int) -> None:
    """Write a text from below up to a point of the picture, in pixels of the layout."""
    width, height = figure.get_size_inches() * DPI
    figure.text(
        x / width,
        1 - top / height,
        text,
        fontsize=points(font_size),
        color=INK,
        rotation="vertical",
        horizontalalignment="center",
        verticalalignment="top",
        parse_math=False,
    )
