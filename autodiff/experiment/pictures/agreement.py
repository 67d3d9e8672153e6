"""What the networks of many seeds make of the plane: at each place the class that most of them choose."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .axes import Box, add_axes, draw_legend, draw_text, name_axes, points, set_ticks
from .curves import TITLE_SIZE
from .field import Extent, evaluate, extent_of, first_zero
from .film import Logits, Words, words_of
from .grid import COLUMNS
from .legend import legend_of
from .names import fitted
from .palette import CLASS_COLORS, INK, STRONGEST_FILL, WEAKEST_FILL, Palette, mix, rgb_of
from .quantiles import Floats
from .still import new_page, write_still
from .study import Votes
from .text import font

PANEL_SIZES = {1: (848, 576), 2: (416, 288), 3: (272, 192), 4: (200, 144)}  # for so many columns
STEP = 2  # pixels of the layout from one place to the next at which the networks are asked
LEFT, RIGHT, TOP, GAP, ROW_GAP, BOTTOM = 112, 36, 168, 36, 56, 84
TITLE, TITLE_HEIGHT, NOTE_HEIGHT, LEGEND_HEIGHT, LEGEND_ROW = "the class that most seeds choose", 34, 68, 104, 30
TEXT_SIZE = 20
LINE = 1.5


def render_agreement(settings: Sequence[Votes], path: Path) -> None:
    """Write for each setting the class that most seeds choose at each place, faded by their share, as one PNG.

    Up to four panels stand side by side. No points are drawn, since each seed has its own. Raises ValueError for
    nothing to draw, or not 2 to 20 classes.
    """
    if not settings or not all(setting.logits for setting in settings):
        raise ValueError("nothing to draw: every setting needs at least one seed")
    columns = COLUMNS[min(len(settings), len(COLUMNS)) - 1]
    rows = -(-len(settings) // columns)
    width, height = PANEL_SIZES[columns]
    extent = extent_of(np.concatenate([setting.features for setting in settings]), width / height)
    size = width // STEP, height // STEP
    shares = [shares_of(setting.logits, setting.features.dtype, extent, size) for setting in settings]
    palette = Palette(max(map(len, shares)), "soft")
    names = fitted([setting.title for setting in settings], [width] * len(settings), font(TEXT_SIZE, bold=True))
    inner = columns * (width + GAP) - GAP
    words = words_of([setting.words for setting in settings])
    legend = legend_of(words.classes, palette.classes, inner, TEXT_SIZE)
    top = TOP + (legend.rows - 1) * LEGEND_ROW if legend else TOP
    figure = new_page(LEFT + inner + RIGHT, top + rows * (height + ROW_GAP) - ROW_GAP + BOTTOM)
    draw_text(figure, LEFT, TITLE_HEIGHT, TITLE, TITLE_SIZE, bold=True)
    draw_text(figure, LEFT, NOTE_HEIGHT, ", ".join(filter(None, [note_of(settings), words.plane])), TEXT_SIZE)
    if legend:
        legend.draw(figure, LEFT, [LEGEND_HEIGHT + i * LEGEND_ROW for i in range(legend.rows)])
    else:
        draw_legend(figure, palette.classes, LEFT, [LEGEND_HEIGHT], TEXT_SIZE)
    for i, (share, name) in enumerate(zip(shares, names, strict=True)):
        box = Box(LEFT + i % columns * (width + GAP), top + i // columns * (height + ROW_GAP), width, height)
        draw_text(figure, box.left, box.top - TEXT_SIZE, name, TEXT_SIZE, bold=True)
        axes = add_axes(figure, box, TEXT_SIZE)
        draw_votes(axes, share, extent)
        label_axes(axes, box, words, leftmost=i % columns == 0, lowest=i + columns >= len(settings))
    write_still(figure, path)


def note_of(settings: Sequence[Votes]) -> str:
    """Return what fading means."""
    counts = {len(setting.logits) for setting in settings}
    fewest, most = min(counts), max(counts)
    return f"the fainter, the fewer of {most if fewest == most else f'{fewest} to {most}'} agree"


def label_axes(axes: Axes, box: Box, words: Words, leftmost: bool, lowest: bool) -> None:
    """Label the axes of a panel, at the outer edges of the grid alone."""
    set_ticks(axes.xaxis, 3, axes.get_xlim())
    set_ticks(axes.yaxis, 3, axes.get_ylim())
    axes.tick_params(labelleft=leftmost, labelbottom=lowest)
    name_axes(axes, words.axes, box, TEXT_SIZE, x=lowest, y=leftmost)


def shares_of(logits: Sequence[Logits], dtype: Any, extent: Extent, size: tuple[int, int]) -> Floats:
    """Return the share of networks (classes, rows, columns) that choose each class at the middles of so many cells.

    The mean probability of a class counts as half a vote at most, so that it decides where others have as many votes.
    """
    across, down = size
    x = extent.left + (np.arange(across) + 0.5) / across * (extent.right - extent.left)
    y = extent.top + (np.arange(down) + 0.5) / down * (extent.bottom - extent.top)
    places = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.result_type(dtype, np.float32))
    total: Floats = np.zeros(())
    for network in logits:
        margins = evaluate(network, places)
        probability = np.exp(margins)
        probability /= probability.sum(axis=0)
        chosen = first_zero(margins) == np.arange(len(margins))[:, None]
        total = total + chosen + probability / (2 * len(logits))
    return total.reshape(-1, down, across) / len(logits)


def draw_votes(axes: Axes, shares: Floats, extent: Extent) -> None:
    """Draw the class with the largest share at each place, faded by that share, and the lines between."""
    classes = len(shares)
    edges = extent.left, extent.right, extent.bottom, extent.top
    sure = ((shares.max(axis=0) - 1 / classes) / (1 - 1 / classes)).clip(0, 1)
    strength = WEAKEST_FILL + (STRONGEST_FILL - WEAKEST_FILL) * sure
    colors = rgb_of(CLASS_COLORS[:classes])[shares.argmax(axis=0)]
    fill = mix(np.full(3, 255.0), colors, strength[..., None])
    axes.imshow(fill.round().astype(np.uint8), extent=edges, aspect="auto", interpolation="bilinear")
    for k in range(classes):
        others = np.delete(shares, k, axis=0).max(axis=0)
        lead = shares[k] - others
        if lead.min() < 0 < lead.max():  # matplotlib warns of contours that are nowhere
            axes.contour(lead, [0], extent=edges, origin="upper", colors=INK, linewidths=points(LINE))
    axes.set(xlim=edges[:2], ylim=edges[2:])
