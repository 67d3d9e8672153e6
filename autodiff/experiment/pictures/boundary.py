"""The decision boundary of one run as it evolves."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .axes import Backdrop, Box, add_axes, draw_legend, draw_points, draw_sample, name_axes, new_figure
from .field import COARSEST, Field, Painting, extent_of
from .film import WIDTH, Animation, Film, Style, Words, count_classes
from .legend import legend_of
from .names import fitted
from .palette import Palette
from .text import figures, font, left_of, readings, write
from .writers import write_animation, write_png

HEIGHT = 800  # where the width is WIDTH
AREA = Box(left=116, top=116, width=848, height=576)
CELL = 4  # pixels of the layout
TITLE_BASELINE, READINGS_BASELINE = 46, 96
LINE_HEIGHT = 34  # of a second line of readings, those on held-out points
ONE_ROW = 4  # classes that the legend has room for beside two lines of readings
TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 30, 25, 21  # read in a README, too, where two such pictures stand side by side


class Layout:
    """What stands where on a picture, in pixels: all in proportion to its width.

    held_out: whether there are held-out points, which take a line of readings of their own. legend_rows: those of a
    legend that stands beneath the readings, instead of beside them.
    """

    def __init__(self, width: int, held_out: bool = False, legend_rows: int = 0) -> None:
        self.held_out = held_out
        more = LINE_HEIGHT * (held_out + legend_rows)
        self.scale = scale = width / WIDTH
        self.width, self.height = width, round(HEIGHT * scale)
        self.cell = max(1, round(CELL * min(1, scale)))  # no coarser, as seen on the plane
        block = self.cell * COARSEST
        self.area = Box(
            left=round(AREA.left * scale),
            top=round((AREA.top + more) * scale),
            width=round(AREA.width * scale / block) * block,
            height=round((AREA.height - more) * scale / block) * block,
        )
        self.right = self.area.left + self.area.width
        self.title_baseline = round(TITLE_BASELINE * scale)
        self.baselines = [READINGS_BASELINE, READINGS_BASELINE + LINE_HEIGHT][: 1 + held_out]
        self.legend_baselines = [READINGS_BASELINE + LINE_HEIGHT * (held_out + 1 + i) for i in range(legend_rows)]
        self.readings_baselines = [round(baseline * scale) for baseline in self.baselines]
        self.title_size, self.text_size = round(TITLE_SIZE * scale), round(TEXT_SIZE * scale)
        self.small_size = round(SMALL_SIZE * scale)


palette_of = lru_cache(maxsize=1)(Palette)  # one for all runs of a comparison, whose backdrop is then drawn once


def render_boundary(film: Film, folder: Path, *, style: Style, animation: Animation, width: int) -> list[Path]:
    """Write boundary.gif (or .webp, .apng) and boundary.png, its last frame, into a folder; return their paths.

    They are `width` by 0.8 `width` pixels. Raises ValueError for a film without frames, or not of 2 to 20 classes.
    """
    palette = palette_of(count_classes([film]), style)
    layout = layout_of(film, palette.classes, width)
    last: list[NDArray[np.uint8]] = []

    def remembering_the_last() -> Iterator[NDArray[np.uint8]]:
        for frame in compose(film, palette, layout):
            last[:] = [frame]
            yield frame

    animated, still = folder / f"boundary.{animation}", folder / "boundary.png"
    write_animation(animated, remembering_the_last(), len(film.frames), palette, animation)
    write_png(still, last[0], palette)
    return [animated, still]


def layout_of(film: Film, classes: int, width: int) -> Layout:
    """Return the layout of a film of so many classes, of a width in pixels."""
    legend = legend_of(film.words.classes, classes, AREA.width, TEXT_SIZE)
    return Layout(width, film.held_out is not None, legend.rows if legend else 0)


def compose(film: Film, palette: Palette, layout: Layout) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a film as palette indices (height, width)."""
    area, right = layout.area, layout.right
    parts = film.parts
    labelled = tuple(tuple(zip(*features.T.tolist(), labels.tolist(), strict=True)) for features, labels in parts)
    extent = extent_of(np.concatenate([features for features, _ in parts]), area.width / area.height)
    field = Field(extent, area.width, area.height, layout.cell, palette, layout.scale)
    backdrop = backdrop_of(labelled, palette, layout.width, film.words)
    face, bold = font(layout.text_size), font(layout.title_size, bold=True)
    epochs = readings(["epoch"], [[f"{frame.epoch:,} / {film.epochs:,}"] for frame in film.frames], right, 0, face)
    reached = [row for frame in film.frames for row in figures(frame)]
    reached_texts = readings(["loss", "accuracy"], reached, right, layout.text_size, face)
    background = backdrop.canvas.copy()
    x, room = float(area.left), left_of(epochs, face) - area.left - layout.title_size
    for text, of_text in ((film.title, bold), (film.words.plane, font(layout.small_size))):
        if text:
            (text,) = fitted([text], [room], of_text)
            length = of_text.getlength(text)
            write(background, palette, [(x + length, text)], layout.title_baseline, of_text)
            x, room = x + length + layout.text_size, room - length - layout.text_size

    painting: Painting | None = None
    for i, frame in enumerate(film.frames):
        last = i == len(film.frames) - 1
        painting = field.paint(frame.logits, film.features.dtype, None if last else painting)
        canvas = background.copy()
        area.cut(canvas)[...] = backdrop.overlays[0].over(painting.indices)
        write(canvas, palette, epochs[i], layout.title_baseline, face)
        lines = len(layout.readings_baselines)
        for texts, baseline in zip(reached_texts[i * lines :], layout.readings_baselines, strict=False):
            write(canvas, palette, texts, baseline, face)
        yield canvas


@lru_cache(maxsize=1)  # the runs of a comparison mostly share their points
def backdrop_of(
    labelled: tuple[tuple[tuple[float, float, int], ...], ...], palette: Palette, width: int, words: Words
) -> Backdrop:
    """Draw axes, legend and points (x, y, label), a second part of them held out, of a picture of some width."""
    parts = [(np.array([point[:2] for point in part]), np.array([label for *_, label in part])) for part in labelled]
    held_out = len(parts) > 1
    legend = legend_of(words.classes, palette.classes, AREA.width, TEXT_SIZE)
    layout = Layout(width, held_out, legend.rows if legend else 0)
    area = layout.area
    figure = new_figure(layout.width, layout.height, layout.scale)
    axes = add_axes(figure, area, TEXT_SIZE)
    draw_points(
        axes, area, parts, extent_of(np.concatenate([features for features, _ in parts]), area.width / area.height)
    )
    name_axes(axes, words.axes, area, TEXT_SIZE)
    heights = [baseline - TEXT_SIZE / 3 for baseline in layout.baselines]
    if legend:
        legend.draw(figure, AREA.left, [baseline - TEXT_SIZE / 3 for baseline in layout.legend_baselines])
        left = float(AREA.left)
    else:
        rows = heights if palette.classes > ONE_ROW else heights[:1]
        left = draw_legend(figure, palette.classes, AREA.left, rows, TEXT_SIZE) + TEXT_SIZE
    for hollow, height in enumerate(heights if held_out else []):
        draw_sample(figure, left, height, bool(hollow), TEXT_SIZE)
    return Backdrop(figure, [area], palette)
