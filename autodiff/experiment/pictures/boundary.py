"""The decision boundary of one run as it evolves."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .axes import Backdrop, Box, add_axes, draw_legend, draw_points, new_figure, points
from .field import COARSEST, Field, Painting, extent_of
from .film import WIDTH, Animation, Film, Style, count_classes
from .names import fitted
from .palette import INK, Palette
from .text import accuracy_text, font, left_of, loss_text, readings, write
from .writers import write_animation, write_png

HEIGHT = 800  # where the width is WIDTH
AREA = Box(left=116, top=116, width=848, height=576)
CELL = 4  # pixels of the layout
TITLE_BASELINE, READINGS_BASELINE = 46, 96
TITLE_SIZE, TEXT_SIZE = 30, 25  # read in a README, too, where two such pictures stand side by side


class Layout:
    """What stands where on a picture, in pixels: all in proportion to its width."""

    def __init__(self, width: int) -> None:
        self.scale = scale = width / WIDTH
        self.width, self.height = width, round(HEIGHT * scale)
        self.cell = max(1, round(CELL * min(1, scale)))  # no coarser, as seen on the plane
        block = self.cell * COARSEST
        self.area = Box(
            left=round(AREA.left * scale),
            top=round(AREA.top * scale),
            width=round(AREA.width * scale / block) * block,
            height=round(AREA.height * scale / block) * block,
        )
        self.right = self.area.left + self.area.width
        self.title_baseline, self.readings_baseline = round(TITLE_BASELINE * scale), round(READINGS_BASELINE * scale)
        self.title_size, self.text_size = round(TITLE_SIZE * scale), round(TEXT_SIZE * scale)


palette_of = lru_cache(maxsize=1)(Palette)  # one for all runs of a comparison, whose backdrop is then drawn once


def render_boundary(film: Film, folder: Path, *, style: Style, animation: Animation, width: int) -> list[Path]:
    """Write boundary.gif (or .webp, .apng) and boundary.png, its last frame, into a folder; return their paths.

    They are `width` by 0.8 `width` pixels. Raises ValueError for a film without frames, or not of 2 to 7 classes.
    """
    palette = palette_of(count_classes([film]), style)
    last: list[NDArray[np.uint8]] = []

    def remembering_the_last() -> Iterator[NDArray[np.uint8]]:
        for frame in compose(film, palette, Layout(width)):
            last[:] = [frame]
            yield frame

    animated, still = folder / f"boundary.{animation}", folder / "boundary.png"
    write_animation(animated, remembering_the_last(), len(film.frames), palette, animation)
    write_png(still, last[0], palette)
    return [animated, still]


def compose(film: Film, palette: Palette, layout: Layout) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a film as palette indices (height, width)."""
    area, right = layout.area, layout.right
    extent = extent_of(film.features, area.width / area.height)
    field = Field(extent, area.width, area.height, layout.cell, palette, layout.scale)
    labelled = tuple(zip(*film.features.T.tolist(), film.labels.tolist(), strict=True))
    backdrop = backdrop_of(labelled, palette, layout.width)
    face, bold = font(layout.text_size), font(layout.title_size, bold=True)
    epochs = readings(["epoch"], [[f"{frame.epoch:,} / {film.epochs:,}"] for frame in film.frames], right, 0, face)
    reached = [(loss_text(frame.loss), accuracy_text(frame.accuracy)) for frame in film.frames]
    reached_texts = readings(["loss", "accuracy"], reached, right, layout.text_size, face)
    (title,) = fitted([film.title], [left_of(epochs, face) - area.left - layout.title_size], bold)
    background = backdrop.canvas.copy()
    write(background, palette, [(area.left + bold.getlength(title), title)], layout.title_baseline, bold)

    painting: Painting | None = None
    for i, frame in enumerate(film.frames):
        last = i == len(film.frames) - 1
        painting = field.paint(frame.logits, film.features.dtype, None if last else painting)
        canvas = background.copy()
        area.cut(canvas)[...] = backdrop.overlays[0].over(painting.indices)
        write(canvas, palette, epochs[i], layout.title_baseline, face)
        write(canvas, palette, reached_texts[i], layout.readings_baseline, face)
        yield canvas


@lru_cache(maxsize=1)  # the runs of a comparison mostly share their points
def backdrop_of(labelled: tuple[tuple[float, float, int], ...], palette: Palette, width: int) -> Backdrop:
    """Draw axes, points (x, y, label) and legend of a picture of some width."""
    layout = Layout(width)
    area = layout.area
    features, labels = np.array([point[:2] for point in labelled]), np.array([label for _, _, label in labelled])
    figure = new_figure(layout.width, layout.height, layout.scale)
    axes = add_axes(figure, area, TEXT_SIZE)
    draw_points(axes, area, features, labels, extent_of(features, area.width / area.height))
    axes.set_xlabel("feature 1", fontsize=points(TEXT_SIZE), color=INK)
    axes.set_ylabel("feature 2", fontsize=points(TEXT_SIZE), color=INK)
    draw_legend(figure, palette.classes, AREA.left, READINGS_BASELINE - TEXT_SIZE / 3, TEXT_SIZE)
    return Backdrop(figure, [area], palette)
