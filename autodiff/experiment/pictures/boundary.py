"""The decision boundary of one run as it evolves."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .axes import Backdrop, Box, add_axes, draw_legend, draw_points, new_figure, points
from .field import Field, Painting, extent_of
from .film import Animation, Film, Style, count_classes
from .names import fitted
from .palette import INK, Palette
from .text import accuracy_text, font, left_of, loss_text, readings, write
from .writers import write_animation, write_png

WIDTH, HEIGHT = 1000, 800
AREA = Box(left=116, top=116, width=848, height=576)
CELL = 4
TITLE_BASELINE, READINGS_BASELINE = 46, 96
TITLE_SIZE, TEXT_SIZE = 30, 25  # read in a README, too, where two such pictures stand side by side

palette_of = lru_cache(maxsize=1)(Palette)  # one for all runs of a comparison, whose backdrop is then drawn once


def render_boundary(film: Film, folder: Path, *, style: Style, animation: Animation) -> list[Path]:
    """Write boundary.gif (or .webp, .apng) and boundary.png, its last frame, into a folder; return their paths.

    The pictures are 1000 by 800 pixels. Raises ValueError for a film without frames, or not of 2 to 7 classes.
    """
    palette = palette_of(count_classes([film]), style)
    last: list[NDArray[np.uint8]] = []

    def remembering_the_last() -> Iterator[NDArray[np.uint8]]:
        for frame in compose(film, palette):
            last[:] = [frame]
            yield frame

    animated, still = folder / f"boundary.{animation}", folder / "boundary.png"
    write_animation(animated, remembering_the_last(), len(film.frames), palette, animation)
    write_png(still, last[0], palette)
    return [animated, still]


def compose(film: Film, palette: Palette) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a film as palette indices (height, width)."""
    extent = extent_of(film.features, AREA.width / AREA.height)
    field = Field(extent, AREA.width, AREA.height, CELL, palette)
    backdrop = backdrop_of(tuple(zip(*film.features.T.tolist(), film.labels.tolist(), strict=True)), palette)
    right = AREA.left + AREA.width
    face, bold = font(TEXT_SIZE), font(TITLE_SIZE, bold=True)
    epochs = readings(["epoch"], [[f"{frame.epoch:,} / {film.epochs:,}"] for frame in film.frames], right, 0, face)
    reached = [(loss_text(frame.loss), accuracy_text(frame.accuracy)) for frame in film.frames]
    reached_texts = readings(["loss", "accuracy"], reached, right, TEXT_SIZE, face)
    (title,) = fitted([film.title], [left_of(epochs, face) - AREA.left - TITLE_SIZE], bold)
    background = backdrop.canvas.copy()
    write(background, palette, [(AREA.left + bold.getlength(title), title)], TITLE_BASELINE, bold)

    painting: Painting | None = None
    for i, frame in enumerate(film.frames):
        last = i == len(film.frames) - 1
        painting = field.paint(frame.logits, film.features.dtype, None if last else painting)
        canvas = background.copy()
        AREA.cut(canvas)[...] = backdrop.overlays[0].over(painting.indices)
        write(canvas, palette, epochs[i], TITLE_BASELINE, face)
        write(canvas, palette, reached_texts[i], READINGS_BASELINE, face)
        yield canvas


@lru_cache(maxsize=1)  # the runs of a comparison mostly share their points
def backdrop_of(labelled: tuple[tuple[float, float, int], ...], palette: Palette) -> Backdrop:
    """Draw axes, points (x, y, label) and legend."""
    features, labels = np.array([point[:2] for point in labelled]), np.array([label for _, _, label in labelled])
    figure = new_figure(WIDTH, HEIGHT)
    axes = add_axes(figure, AREA, TEXT_SIZE)
    draw_points(axes, AREA, features, labels, extent_of(features, AREA.width / AREA.height))
    axes.set_xlabel("feature 1", fontsize=points(TEXT_SIZE), color=INK)
    axes.set_ylabel("feature 2", fontsize=points(TEXT_SIZE), color=INK)
    draw_legend(figure, palette.classes, AREA.left, READINGS_BASELINE - TEXT_SIZE / 3, TEXT_SIZE)
    return Backdrop(figure, [AREA], palette)
