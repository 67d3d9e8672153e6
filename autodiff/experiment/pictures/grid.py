"""The decision boundaries of all runs in one grid, at the same epochs, over a strip of their loss curves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .axes import Backdrop, Box, add_axes, draw_legend, draw_points, new_figure, points
from .curves import curve_line, draw_losses, epoch_axis
from .field import Extent, Field, Painting, extent_of, repaints
from .film import MOST_RUNS, Animation, Film, Frame, Style, count_classes
from .palette import CURVE_COLORS, INK, Palette
from .text import Font, Texts, accuracy_text, columns, fitted, font, left_of, loss_text, write
from .writers import write_animation

COLUMNS = (1, 2, 3, 2, 3, 3, 4, 4, 3, 4, 4, 4)  # for 1 to 12 runs
PANEL_SIZES = {1: (800, 608), 2: (480, 368), 3: (368, 272), 4: (304, 224)}  # for so many columns
CELL = 4
LEFT, RIGHT, COLUMN_GAP = 72, 24, 24
TITLE_BASELINE, LEGEND_CENTER, FIRST_PANEL, ROW_GAP = 36, 64, 112, 40
STRIP_GAP, STRIP_HEIGHT, BOTTOM = 64, 116, 52
TITLE_SIZE, TEXT_SIZE, TICK_SIZE = 22, 13, 12
SWATCH = 22  # the length of a curve's sample before the title of its panel
CURSOR_WIDTH = 2


def render_grid(films: Sequence[Film], folder: Path, *, style: Style, animation: Animation) -> Path:
    """Write boundaries.gif (or .webp, .apng), 1 to 12 runs in one grid, into a folder; return its path.

    Raises ValueError for no films or more than 12, a film without frames, or not of 2 to 7 classes.
    """
    if len(films) > MOST_RUNS:
        raise ValueError(f"a grid shows at most {MOST_RUNS} runs, not {len(films)}")
    palette = Palette(count_classes(films), style, CURVE_COLORS[: len(films)])
    epochs = shared_epochs(films)
    path = folder / f"boundaries.{animation}"
    write_animation(path, compose(films, epochs, palette), len(epochs), palette, animation)
    return path


def shared_epochs(films: Sequence[Film]) -> list[int]:
    """Return the epochs to show: those of the run that got furthest."""
    longest = max(films, key=lambda film: (film.frames[-1].epoch, len(film.frames)))
    return [frame.epoch for frame in longest.frames]


def frame_at(film: Film, epoch: int) -> Frame:
    """Return the last frame of a film up to an epoch; before its first frame, the first."""
    return max((frame for frame in film.frames if frame.epoch <= epoch), key=lambda f: f.epoch, default=film.frames[0])


@dataclass(frozen=True)
class Layout:
    """Where everything is, in pixels."""

    width: int
    height: int
    panels: list[Box]
    strip: Box
    columns: int


def layout_for(runs: int) -> Layout:
    """Return the layout of a grid of some runs."""
    across = COLUMNS[runs - 1]
    rows = -(-runs // across)
    panel_width, panel_height = PANEL_SIZES[across]
    panels = [
        Box(
            LEFT + (i % across) * (panel_width + COLUMN_GAP),
            FIRST_PANEL + (i // across) * (panel_height + ROW_GAP),
            panel_width,
            panel_height,
        )
        for i in range(runs)
    ]
    inner_width = across * (panel_width + COLUMN_GAP) - COLUMN_GAP
    strip_top = FIRST_PANEL + rows * (panel_height + ROW_GAP) - ROW_GAP + STRIP_GAP
    strip = Box(LEFT, strip_top, inner_width, STRIP_HEIGHT)
    return Layout(LEFT + inner_width + RIGHT, strip_top + STRIP_HEIGHT + BOTTOM, panels, strip, across)


class Panel:
    """One run in the grid: paints its fill again only when its frame changes."""

    def __init__(self, film: Film, box: Box, field: Field, epochs: list[int], canvas: NDArray[np.uint8]) -> None:
        self.film, self.box, self.field = film, box, field
        self.face: Font = font(TEXT_SIZE)
        self.baseline = box.top - 9
        self.frames = [frame_at(film, epoch) for epoch in epochs]
        values = [(loss_text(frame.loss), accuracy_text(frame.accuracy)) for frame in self.frames]
        labels = ("loss", "accuracy" if box.width >= 360 else "")
        fixed, self.readings = columns(labels, values, box.left + box.width, gap=12, face=self.face)
        self.painting: Painting | None = None

        ends_early = self.frames[-1].epoch < epochs[-1]
        suffix = f", ends at {self.frames[-1].epoch:,}" if ends_early else ""
        bold, left = font(TEXT_SIZE, bold=True), box.left + SWATCH + 8
        room = left_of(fixed, self.face) - left - 8
        title = fitted(film.title, room - bold.getlength(suffix), bold) + suffix
        write(canvas, field.palette, fixed, self.baseline, self.face)
        write(canvas, field.palette, [(left + bold.getlength(title), title)], self.baseline, bold)

    def fill(self, i: int) -> NDArray[np.uint8]:
        """Return the fill (height, width) of the i-th picture, asked for in their order."""
        frame, painting = self.frames[i], self.painting
        if painting is None or repaints(i, len(self.frames)):
            painting = self.field.paint(frame.logits, self.film.features.dtype)
        elif frame is not self.frames[i - 1]:
            painting = self.field.paint(frame.logits, self.film.features.dtype, painting)
        self.painting = painting
        return painting.indices


def compose(films: Sequence[Film], epochs: list[int], palette: Palette) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures of the grid as palette indices (height, width), one for each of the epochs."""
    layout = layout_for(len(films))
    extent = extent_of(np.concatenate([film.features for film in films]))
    figure = new_figure(layout.width, layout.height)
    for i, film in enumerate(films):
        draw_panel(figure, layout, i, film, extent)
    strip = draw_strip(figure, layout.strip, films)
    draw_legend(figure, palette.classes, layout.width / 2, LEGEND_CENTER, TEXT_SIZE)
    backdrop = Backdrop(figure, layout.panels, palette)

    field = Field(extent, layout.panels[0].width, layout.panels[0].height, CELL, palette)
    panels = [Panel(film, box, field, epochs, backdrop.canvas) for film, box in zip(films, layout.panels, strict=True)]
    label, titles = epoch_titles(epochs, max(film.epochs for film in films), layout.width)
    write(backdrop.canvas, palette, label, TITLE_BASELINE, font(TITLE_SIZE))
    for i, epoch in enumerate(epochs):
        canvas = backdrop.canvas.copy()
        write(canvas, palette, titles[i], TITLE_BASELINE, font(TITLE_SIZE))
        for panel, overlay in zip(panels, backdrop.overlays, strict=True):
            area = panel.box.cut(canvas)
            area[...] = overlay.over(panel.fill(i))
            write(canvas, palette, panel.readings[i], panel.baseline, panel.face)
        layout.strip.cut(canvas)[:, cursor(strip, layout.strip, epoch)] = palette.ink
        yield canvas


def draw_panel(figure: Figure, layout: Layout, i: int, film: Film, extent: Extent) -> None:
    """Draw the axes and points of the i-th run, with labels only at the outer edges of the grid, and its sample."""
    box = layout.panels[i]
    axes = add_axes(figure, box, TICK_SIZE)
    draw_points(axes, film.features, film.labels, extent, marker_size=6)
    leftmost, lowest = i % layout.columns == 0, i + layout.columns >= len(layout.panels)
    axes.tick_params(labelleft=leftmost, labelbottom=lowest)
    if leftmost:
        axes.set_ylabel("feature 2", fontsize=points(TEXT_SIZE), color=INK)
    if lowest:
        axes.set_xlabel("feature 1", fontsize=points(TEXT_SIZE), color=INK)
    sample = curve_line(i, film.title)
    height = 1 - (box.top - 14) / layout.height
    sample.set_data([box.left / layout.width, (box.left + SWATCH) / layout.width], [height, height])
    sample.set(linewidth=points(3), transform=figure.transFigure)
    figure.add_artist(sample)


def draw_strip(figure: Figure, box: Box, films: Sequence[Film]) -> Axes:
    """Draw the loss curves of all runs; return their axes."""
    axes = add_axes(figure, box, TICK_SIZE)
    draw_losses(axes, films)
    epoch_axis(axes, films)
    axes.set_ylabel("loss", fontsize=points(TEXT_SIZE), color=INK)
    axes.set_xlabel("epoch", fontsize=points(TEXT_SIZE), color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def cursor(axes: Axes, box: Box, epoch: int) -> slice:
    """Return the pixel columns of the strip's box where an epoch is."""
    x = round(float(axes.transData.transform((epoch, 1.0))[0])) - box.left - CURSOR_WIDTH // 2
    left = min(max(x, 0), box.width - CURSOR_WIDTH)
    return slice(left, left + CURSOR_WIDTH)


def epoch_titles(epochs: list[int], last: int, width: int) -> tuple[Texts, list[Texts]]:
    """Return the label and the text of each picture's title, which is in the middle of the width."""
    face = font(TITLE_SIZE)
    values = [(f"{epoch:,} / {last:,}",) for epoch in epochs]
    label, titles = columns(("epoch",), values, width, gap=0, face=face)
    shift = left_of(label, face) / 2
    moved = [[(x - shift, text) for x, text in texts] for texts in [label, *titles]]
    return moved[0], moved[1:]
