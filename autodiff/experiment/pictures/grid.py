"""The decision boundaries of all runs in one grid, at the same epochs, over a strip of their loss curves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .axes import (
    Backdrop,
    Box,
    add_axes,
    draw_legend,
    draw_points,
    draw_sample,
    draw_text,
    name_axes,
    new_figure,
    place,
    points,
)
from .curves import curve_line, draw_losses, epoch_axis, loss_range
from .field import Extent, Field, Painting, extent_of
from .film import MOST_RUNS, Animation, Film, Frame, Style, Words, count_classes, words_of
from .legend import legend_of
from .names import fitted
from .palette import CURVE_COLORS, INK, Palette
from .text import Texts, figures, font, left_of, readings, write
from .writers import write_animation

COLUMNS = (1, 2, 3, 2, 3, 3, 4, 4, 3, 4, 4, 4)  # for 1 to 12 runs
PANEL_SIZES = {1: (864, 608), 2: (400, 304), 3: (272, 240), 4: (208, 192)}  # for so many columns
CELL = 4
LEFT, RIGHT, COLUMN_GAP = 100, 32, 32
HEADER_BASELINE, FIRST_PANEL, ROW_GAP = 40, 122, 74
LINE_HEIGHT = 26  # of a line of readings, and of the legend
NAME_RISE, READINGS_RISE = 36, 11  # of the baselines of the two lines over a panel
STRIP_GAP, STRIP_HEIGHT, BOTTOM = 84, 128, 72
TITLE_SIZE, TEXT_SIZE = 26, 20
SWATCH = 44  # the length of a curve's sample before the name of its run
SWATCH_WIDTH, CURSOR_WIDTH = 3, 3


def render_grid(films: Sequence[Film], folder: Path, *, style: Style, animation: Animation) -> Path:
    """Write boundaries.gif (or .webp, .apng), 1 to 12 runs in one grid, into a folder; return its path.

    Raises ValueError for no films or more than 12, a film without frames, or not of 2 to 20 classes.
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
    lines: int  # of readings over a panel


def inner_width(runs: int) -> int:
    """Return how wide the panels of a grid of some runs are together."""
    across = COLUMNS[runs - 1]
    return across * (PANEL_SIZES[across][0] + COLUMN_GAP) - COLUMN_GAP


def layout_for(runs: int, held_out: bool = False, legend_rows: int = 0) -> Layout:
    """Return the layout of a grid of some runs; held-out points take lines of their own, and so do rows of a legend."""
    more = LINE_HEIGHT if held_out else 0
    first_panel, row_gap = FIRST_PANEL + 2 * more + legend_rows * LINE_HEIGHT, ROW_GAP + more
    across = COLUMNS[runs - 1]
    rows = -(-runs // across)
    panel_width, panel_height = PANEL_SIZES[across]
    panels = [
        Box(
            LEFT + (i % across) * (panel_width + COLUMN_GAP),
            first_panel + (i // across) * (panel_height + row_gap),
            panel_width,
            panel_height,
        )
        for i in range(runs)
    ]
    inner = inner_width(runs)
    strip_top = first_panel + rows * (panel_height + row_gap) - row_gap + STRIP_GAP
    strip = Box(LEFT, strip_top, inner, STRIP_HEIGHT)
    return Layout(LEFT + inner + RIGHT, strip_top + STRIP_HEIGHT + BOTTOM, panels, strip, across, 1 + held_out)


class Panel:
    """One run in the grid: paints its fill again only when its frame changes."""

    def __init__(self, film: Film, name: str, box: Box, field: Field, epochs: list[int], lines: int) -> None:
        self.film, self.name, self.box, self.field = film, name, box, field
        self.baselines = [box.top - READINGS_RISE - LINE_HEIGHT * i for i in reversed(range(lines))]
        self.frames = [frame_at(film, epoch) for epoch in epochs]
        self.painting: Painting | None = None

    def write_name(self, canvas: NDArray[np.uint8]) -> None:
        """Write the name of the run behind its sample."""
        bold, left = font(TEXT_SIZE, bold=True), self.box.left + SWATCH + 8
        texts = [(left + bold.getlength(self.name), self.name)]
        write(canvas, self.field.palette, texts, name_baseline(self.box, len(self.baselines)), bold)

    def fill(self, i: int) -> NDArray[np.uint8]:
        """Return the fill (height, width) of the i-th picture, asked for in their order."""
        frame, last = self.frames[i], i == len(self.frames) - 1
        if self.painting is None or last or frame is not self.frames[i - 1]:
            shown = None if last else self.painting
            self.painting = self.field.paint(frame.logits, self.film.features.dtype, shown)
        return self.painting.indices


def compose(films: Sequence[Film], epochs: list[int], palette: Palette) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures of the grid as palette indices (height, width), one for each of the epochs."""
    held_out = any(film.held_out for film in films)
    words = words_of([film.words for film in films])
    legend = legend_of(words.classes, palette.classes, inner_width(len(films)), TEXT_SIZE)
    layout = layout_for(len(films), held_out, legend.rows if legend else 0)
    box = layout.panels[0]
    extents = extents_of(films, box.width / box.height)
    figure = new_figure(layout.width, layout.height)
    for i, film in enumerate(films):
        draw_panel(figure, layout, i, film, extents[i], alike=len(set(extents)) == 1)
    strip = draw_strip(figure, layout.strip, films)
    height = HEADER_BASELINE - TEXT_SIZE / 3
    if legend:
        samples, first_row = height, height + LINE_HEIGHT
        legend.draw(figure, LEFT, [first_row + i * LINE_HEIGHT for i in range(legend.rows)])
    else:
        samples = height + LINE_HEIGHT
        draw_legend(figure, palette.classes, LEFT, [height], TEXT_SIZE)
    left = float(LEFT)
    if held_out:
        right = draw_sample(figure, LEFT, samples, False, TEXT_SIZE)
        left = draw_sample(figure, right + TEXT_SIZE, samples, True, TEXT_SIZE) + 2 * TEXT_SIZE
    draw_text(figure, left, samples, words.plane, TEXT_SIZE)
    backdrop = Backdrop(figure, layout.panels, palette)

    fields = {extent: Field(extent, box.width, box.height, CELL, palette) for extent in extents}
    names = panel_names(films, epochs, box.width)
    panels = [
        Panel(film, name, panel, fields[extent], epochs, layout.lines)
        for film, name, panel, extent in zip(films, names, layout.panels, extents, strict=True)
    ]
    for panel in panels:
        panel.write_name(backdrop.canvas)
    title, face = font(TITLE_SIZE), font(TEXT_SIZE)
    last = max(film.epochs for film in films)
    right = layout.width - RIGHT
    titles = readings(["epoch"], [[f"{epoch:,} / {last:,}"] for epoch in epochs], right, 0, title)
    texts = [panel_readings(panel) for panel in panels]
    for i, epoch in enumerate(epochs):
        canvas = backdrop.canvas.copy()
        write(canvas, palette, titles[i], HEADER_BASELINE, title)
        for panel, overlay, shown in zip(panels, backdrop.overlays, texts, strict=True):
            area = panel.box.cut(canvas)
            area[...] = overlay.over(panel.fill(i))
            for line, baseline in zip(shown[i], panel.baselines, strict=False):
                write(canvas, palette, line, baseline, face)
        layout.strip.cut(canvas)[:, cursor(strip, layout.strip, epoch)] = palette.ink
        yield canvas


def extents_of(films: Sequence[Film], aspect: float) -> list[Extent]:
    """Return the part of its plane that each film is shown on: the same for all whose planes have the same axes."""
    features: dict[Words, list[NDArray[Any]]] = {}
    for film in films:
        features.setdefault(film.words, []).extend(some for some, _ in film.parts)
    extents = {words: extent_of(np.concatenate(several), aspect) for words, several in features.items()}
    return [extents[film.words] for film in films]


def panel_names(films: Sequence[Film], epochs: list[int], width: int) -> list[str]:
    """Return what is written over the panels: the names of the runs, and where one ends before the others."""
    ends = [frame_at(film, epochs[-1]).epoch for film in films]
    suffixes = [f", ends at {end:,}" if end < epochs[-1] else "" for end in ends]
    bold = font(TEXT_SIZE, bold=True)
    rooms = [width - SWATCH - 8 - bold.getlength(suffix) for suffix in suffixes]
    names = fitted([film.title for film in films], rooms, bold)
    return [name + suffix for name, suffix in zip(names, suffixes, strict=True)]


def name_baseline(box: Box, lines: int) -> int:
    """Return where the name over a panel stands, above some lines of readings."""
    return box.top - NAME_RISE - LINE_HEIGHT * (lines - 1)


def panel_readings(panel: Panel) -> list[list[Texts]]:
    """Return the lines over a panel at each epoch, from its left edge on, or from behind the samples of markers."""
    face = font(TEXT_SIZE)
    indent = TEXT_SIZE if len(panel.baselines) > 1 else 0
    labels = ("loss" if panel.box.width >= 240 or not indent else "", "accuracy" if panel.box.width >= 360 else "")
    of_frames = [figures(frame) for frame in panel.frames]
    rows = readings(labels, [line for lines in of_frames for line in lines], 0, TEXT_SIZE, face)
    shift = panel.box.left + indent - left_of(rows, face)
    shifted = iter([(x + shift, text) for x, text in row] for row in rows)
    return [[next(shifted) for _ in lines] for lines in of_frames]


def draw_panel(figure: Figure, layout: Layout, i: int, film: Film, extent: Extent, alike: bool) -> None:
    """Draw the axes and points of the i-th run, with labels only at the outer edges of the grid, and its sample.

    alike: whether all axes have the scale that stands at the edges.
    """
    box = layout.panels[i]
    axes = add_axes(figure, box, TEXT_SIZE)
    draw_points(axes, box, film.parts, extent)
    leftmost, lowest = i % layout.columns == 0, i + layout.columns >= len(layout.panels)
    axes.tick_params(labelleft=leftmost, labelbottom=lowest)
    if not alike:
        axes.tick_params(left=leftmost, bottom=lowest)
    name_axes(axes, film.words.axes, box, TEXT_SIZE, x=lowest, y=leftmost)
    if layout.lines > 1:
        height = box.top - READINGS_RISE - TEXT_SIZE / 3
        for hollow in range(len(film.parts)):
            draw_sample(figure, box.left, height - LINE_HEIGHT * (1 - hollow), bool(hollow), TEXT_SIZE, name=False)
    height = name_baseline(box, layout.lines) - TEXT_SIZE / 3
    place(figure, curve_line(i, SWATCH_WIDTH), [box.left, box.left + SWATCH], [height, height])


def draw_strip(figure: Figure, box: Box, films: Sequence[Film]) -> Axes:
    """Draw the loss curves of all runs; return their axes."""
    axes = add_axes(figure, box, TEXT_SIZE)
    curves = [film.curve for film in films]
    draw_losses(axes, curves, loss_range(curves))
    epoch_axis(axes, max(film.epochs for film in films))
    axes.set_ylabel("loss", fontsize=points(TEXT_SIZE), color=INK)
    axes.set_xlabel("epoch", fontsize=points(TEXT_SIZE), color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def cursor(axes: Axes, box: Box, epoch: int) -> slice:
    """Return the pixel columns of the strip's box where an epoch is."""
    x = round(float(axes.transData.transform((epoch, 1.0))[0])) - box.left - CURSOR_WIDTH // 2
    left = min(max(x, 0), box.width - CURSOR_WIDTH)
    return slice(left, left + CURSOR_WIDTH)
