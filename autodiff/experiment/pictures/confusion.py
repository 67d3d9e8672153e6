"""Which class a network takes for which: a table of counts, shaded by the share of each row."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from .axes import Box, add_axes, draw_text, points
from .curves import TITLE_SIZE
from .names import fitted
from .palette import INK, mix, rgb_of
from .still import new_page, write_still
from .text import accuracy_text, font

CELLS = 640  # pixels of the layout for all cells of a row, where they are many
CELL = 128  # and for one, where they are few
TEXT_SIZE, SMALLEST_TEXT = 20, 12
LONGEST_NAME = 240
LEFT, RIGHT, TOP, BOTTOM, GAP = 36, 36, 112, 28, 14
TITLE_HEIGHT, NOTE_HEIGHT = 34, 70
NARROWEST = 640  # of the page, for its title
SHADE = "#0072B2"
DARK = 0.55  # the share from which on white text is read more easily


def render_confusion(counts: NDArray[Any], classes: Sequence[str], path: Path, *, title: str, of: str) -> None:
    """Write a table of counts (classes, classes), the true class by row and the predicted one by column, as one PNG.

    of: which points are counted, such as held-out. Raises ValueError for a table of another shape, or without points.
    """
    if counts.shape != (len(classes), len(classes)) or not counts.sum():
        raise ValueError(f"a table of {len(classes)} classes is needed, with points, not one of shape {counts.shape}")
    cell = min(CELL, CELLS // len(classes))
    text_size = max(SMALLEST_TEXT, min(TEXT_SIZE, cell // 2))
    face = font(text_size)
    names = fitted(classes, [LONGEST_NAME] * len(classes), face)
    longest = max(map(face.getlength, names))
    turned = longest > cell - GAP
    beneath = longest if turned else text_size
    side = cell * len(classes)
    box = Box(round(LEFT + 2 * TEXT_SIZE + longest + 2 * GAP), TOP, side, side)
    width = max(NARROWEST, box.left + side + RIGHT)
    height = round(TOP + side + 3 * GAP + beneath + TEXT_SIZE + BOTTOM)
    figure = new_page(width, height)
    (shown,) = fitted([title], [width - LEFT - RIGHT], font(TITLE_SIZE, bold=True))
    draw_text(figure, LEFT, TITLE_HEIGHT, shown, TITLE_SIZE, bold=True)
    draw_text(figure, LEFT, NOTE_HEIGHT, note_of(counts, of), TEXT_SIZE)
    axes = add_axes(figure, box, text_size)
    draw_counts(axes, counts, text_size)
    places = np.arange(len(classes))
    axes.set_xticks(places, names, rotation=90 if turned else 0, parse_math=False)
    axes.set_yticks(places, names, parse_math=False)
    axes.tick_params(length=0, pad=points(GAP))
    axes.set_xlabel("predicted", fontsize=points(TEXT_SIZE), color=INK, labelpad=points(GAP))
    axes.set_ylabel("true", fontsize=points(TEXT_SIZE), color=INK, labelpad=points(GAP))
    write_still(figure, path)


def note_of(counts: NDArray[Any], of: str) -> str:
    """Return how many points of all are classified correctly."""
    right, total = int(np.trace(counts)), int(counts.sum())
    return f"{right:,} of {total:,} {of} points are classified correctly, {accuracy_text(right / total)}"


def draw_counts(axes: Axes, counts: NDArray[Any], text_size: int) -> None:
    """Draw the cells, each with its count."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shade, white = rgb_of([SHADE, "#FFFFFF"])
    axes.imshow(mix(white, shade, shares[..., None]).round().astype(np.uint8), aspect="auto")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            color = "white" if shares[row, column] > DARK else INK
            text = f"{count:,}" if count < 10_000 else f"{count / 1000:,.0f}k"
            axes.text(column, row, text, fontsize=points(text_size), color=color, ha="center", va="center_baseline")
    edges = np.arange(len(counts) - 1) + 0.5
    axes.hlines(edges, -0.5, len(counts) - 0.5, color="#DDDDDD", linewidth=points(1))
    axes.vlines(edges, -0.5, len(counts) - 0.5, color="#DDDDDD", linewidth=points(1))
