"""From a network to the fill of its plot area: classes, confidence and the boundary between them, pixel by pixel.

The network is evaluated at the corners of small cells, and its logits are interpolated bilinearly to the centres of the
pixels in a cell. Where the four corners agree on the class, so do all pixels of the cell: a maximum of bilinear
functions that one of them attains at every corner, it attains inside. Only the other cells and their neighbours,
through which the boundary line passes, are worked out pixel by pixel.

Most of the plane is dull. So of the corners only every fourth across and down is evaluated first; those halfway between
are evaluated where they matter, near the boundary and where the confidence changes fast, and interpolated elsewhere;
and so once more. That leaves a third of them or less.
"""

from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .film import Logits
from .palette import Palette

LARGEST_LOGIT = 1e15  # its square is still a float32
LINE_WIDTH = 1.5  # pixels of the layout
FADED = 1.5  # levels between the fill that is shown and the network's, from which on the eye sees a difference
MOST_FADED, FRAMES_FADED = 0.01, 4  # so much of the plot area may be faded for so many frames
FAR_TOO_FADED = 0.12  # of the plot area: not for one
MOST_SWEPT = 0.2  # of the cells, by the boundary: painting all of them anew is faster then
CONTENDERS = 3
COARSEST = 4  # cells across a block, at first
MOST_EMPTY = 5.0  # times what the points take: the width or the height of a plot area with equal scales
STEEP = 2.0  # levels of fill within a block, from which on the corners in between are evaluated

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Extent:
    """The part of the plane that a plot area shows."""

    left: float
    right: float
    bottom: float
    top: float


def extent_of(features: NDArray[Any], aspect: float) -> Extent:
    """Return the extent of points (n, 2) with a margin of 5 % or more, for a plot area of an aspect (width to height).

    A unit is as long across as up and down, so that shapes are what they are; but where features are of so different
    ranges that one would hardly be seen, each has a scale of its own.
    """
    lowest, highest = features.min(axis=0).astype(float), features.max(axis=0).astype(float)
    margin = np.where(highest > lowest, 0.05 * (highest - lowest), 1.0)
    center, size = (lowest + highest) / 2, highest - lowest + 2 * margin
    stretch = size[0] / size[1] / aspect
    if 1 / MOST_EMPTY < stretch < MOST_EMPTY:
        size = size * [max(1, 1 / stretch), max(1, stretch)]
    (left, bottom), (right, top) = (center - size / 2).tolist(), (center + size / 2).tolist()
    return Extent(left, right, bottom, top)


@dataclass(frozen=True)
class Fills:
    """The fill of a plot area as palette indices (height, width), and from what it was painted."""

    indices: NDArray[np.uint8]
    winner: NDArray[np.uint8]  # the class at each corner
    crossed: NDArray[np.bool]  # the cells worked out pixel by pixel
    level: Floats  # at the corners of the coarsest blocks


@dataclass(frozen=True)
class Painting:
    """A plot area as palette indices (height, width), its ink in steps, and the fills that were last painted anew."""

    indices: NDArray[np.uint8]
    ink: NDArray[np.uint8]
    fills: Fills
    age: int  # of the fills, in frames


class Field:
    """Paints networks over a plot area of `width` by `height` pixels, cut in cells of `cell` by `cell`.

    scale: pixels to one of the layout, in which the width of the boundary line is counted.
    """

    def __init__(self, extent: Extent, width: int, height: int, cell: int, palette: Palette, scale: float = 1) -> None:
        self.palette, self.cell, self.line_width = palette, cell, max(LINE_WIDTH, LINE_WIDTH * scale)
        rows, columns = height // cell, width // cell
        assert (rows * cell, columns * cell) == (height, width), "cells must tile the plot area"
        assert rows % COARSEST == columns % COARSEST == 0, "so must the coarsest blocks of cells"
        x = np.linspace(extent.left, extent.right, columns + 1)
        y = np.linspace(extent.top, extent.bottom, rows + 1)
        self.corners = np.stack(np.meshgrid(x, y), axis=2)
        self.first_corners = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).ravel()
        self.first_pixels = (np.arange(rows)[:, None] * width + np.arange(columns)).ravel() * cell
        self.pixels_of_cell = (np.arange(cell)[:, None] * width + np.arange(cell)).ravel()

    def paint(self, logits: Logits, dtype: np.dtype[Any], shown: Painting | None = None) -> Painting:
        """Paint a network that takes points of `dtype`.

        After what is `shown`, classes are those of the network, and so are lines, but for a quarter of a pixel. Fills
        of a class that stays keep their level for a few frames: the eye does not see the delay, and files are half as
        large.
        """
        precision = np.result_type(dtype, np.float32)
        coarse = self._evaluated(logits, precision, COARSEST)
        level = fill_level(coarse, self.palette)
        kept = None if shown is None or is_outdated(shown, first_zero(coarse), level) else shown
        margins = self._refined(coarse, logits, precision, fills=kept is None)
        winner = first_zero(margins)
        crossed = widened(corners_disagree(winner))
        if kept is None:
            fill, cells = self._fill(margins, winner), crossed
        else:
            swept = kept.fills.crossed | (winner != kept.fills.winner)[:-1, :-1]
            fill, cells = kept.fills.indices.copy(), crossed | swept
        chosen = np.flatnonzero(cells)
        pixels = self.pixels_of_cell[:, None] + self.first_pixels[chosen]
        fresh, line = self._boundary(margins, chosen)
        if kept is not None:
            old = fill.reshape(-1)[pixels]
            np.copyto(fresh, old, where=self.palette.same_class(old, fresh))
        fill.reshape(-1)[pixels] = fresh
        if shown is None:
            inked = self.palette.inked(fresh, line)
        else:
            before = shown.ink.reshape(-1)[pixels]
            held = nearly_equal(before, line)
            np.copyto(line, before, where=held)
            inked = self.palette.inked(fresh, line)
            if kept is not None:
                np.copyto(inked, kept.indices.reshape(-1)[pixels], where=held & (line > 0))
        indices, ink = fill.copy(), np.zeros_like(fill)
        indices.reshape(-1)[pixels] = inked
        ink.reshape(-1)[pixels] = line
        if kept is None:
            return Painting(indices, ink, Fills(fill, winner, crossed, level), age=0)
        return Painting(indices, ink, kept.fills, kept.age + 1)

    def _evaluated(self, logits: Logits, dtype: np.dtype[Any], step: int) -> Floats:
        """Return the logits less the largest (classes first) at every `step`-th corner."""
        corners = self.corners[::step, ::step]
        return evaluate(logits, corners.reshape(-1, 2).astype(dtype)).reshape(-1, *corners.shape[:2])

    def _refined(self, margins: Floats, logits: Logits, dtype: np.dtype[Any], fills: bool) -> Floats:
        """Return the logits less the largest at all corners, from those at every fourth.

        They are evaluated where the boundary may be near and, if `fills` are wanted, where the confidence changes fast.
        """
        step = COARSEST
        while step > 1:
            step //= 2
            blocks = corners_disagree(first_zero(margins))
            if step > 1:  # the boundary may yet turn out to leave them
                blocks = widened(blocks)
            if fills and self.palette.levels > 1:
                blocks |= spread(fill_level(margins, self.palette)) > STEEP
            margins = doubled(margins)
            between = np.flatnonzero(in_between(blocks))
            if len(between):
                points = self.corners[::step, ::step].reshape(-1, 2)[between].astype(dtype)
                for margin, new in zip(margins, evaluate(logits, points), strict=True):
                    margin.reshape(-1)[between] = new
        return margins

    def _fill(self, margins: Floats, winner: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Fill each cell with the class of its first corner, at the confidence interpolated between all four."""
        levels = self.palette.levels
        first_level = (winner[:-1, :-1] * np.uint8(levels)).repeat(self.cell, axis=1)
        if levels == 1:
            return first_level.repeat(self.cell, axis=0)
        indices = interpolate(fill_level(margins, self.palette), self.cell)
        indices += first_level[:, None]
        return indices.reshape(-1, indices.shape[2])

    def _boundary(self, margins: Floats, cells: NDArray[np.intp]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the fill of the pixels (pixels of a cell, cells) of some cells, and the steps of the line's ink."""
        width = margins.shape[2]
        of_cells = np.array([0, 1, width, width + 1])[:, None] + self.first_corners[cells]
        corners = margins.reshape(len(margins), -1).take(of_cells, axis=1)
        at_centers, along_x, along_y = bilinear_weights(self.cell)
        value = at_centers @ corners
        largest = value.max(axis=0)
        value -= largest
        fill = first_zero(value) * np.uint8(self.palette.levels)
        if self.palette.levels > 1:
            fill += fill_level(value, self.palette).astype(np.uint8)
        if len(corners) > CONTENDERS:
            corners = contenders(corners)
            value = at_centers @ corners - largest
        distance = boundary_distance(value, along_x @ corners, along_y @ corners)
        return fill, self.palette.ink_step((self.line_width / 2 + 0.5 - distance).clip(0, 1))


def is_outdated(shown: Painting, winner: NDArray[np.uint8], level: Floats) -> bool:
    """Return whether fills have to be painted anew, from what is wanted at the corners of the coarsest blocks.

    So it is where the boundary has swept too much of them, or they are too far from the level wanted, or too long so.
    """
    swept = winner != shown.fills.winner[::COARSEST, ::COARSEST]
    faded = ~swept & (np.abs(level - shown.fills.level) > FADED)
    most = FAR_TOO_FADED if shown.age < FRAMES_FADED - 1 else MOST_FADED
    return int(np.count_nonzero(swept)) > MOST_SWEPT * level.size or int(np.count_nonzero(faded)) > most * level.size


def nearly_equal(shown: NDArray[np.uint8], wanted: NDArray[np.uint8]) -> NDArray[np.bool]:
    """Return in which cells (pixels of a cell, cells) the ink that is shown is that wanted, but for a step a pixel.

    Where none is wanted none may stay: it would be left behind as a trace.
    """
    near = (np.maximum(shown, wanted) - np.minimum(shown, wanted)).max(axis=0) <= 1
    held: NDArray[np.bool] = near & ((shown.max(axis=0) > 0) == (wanted.max(axis=0) > 0))
    return held


def evaluate(logits: Logits, points: NDArray[Any]) -> Floats:
    """Return the logits at points (n, 2) less the largest at each, (classes, n); NaN counts as zero.

    Subtracting the largest in the network's own precision keeps the differences of huge logits, and changes neither the
    classes nor, since it shifts all classes alike, any difference that is interpolated.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # a run that diverged is drawn too
        values = logits(points)
    values = np.ascontiguousarray(values.T, dtype=np.result_type(values, np.float32))
    if not np.abs(values).max() < LARGEST_LOGIT:
        values = np.nan_to_num(values, nan=0.0).clip(-LARGEST_LOGIT, LARGEST_LOGIT)
    values -= values.max(axis=0)
    return values.astype(np.float32, copy=False)


def first_zero(margins: Floats) -> NDArray[np.uint8]:
    """Return the first class whose logit is the largest: how many classes before it lie below."""
    count = np.zeros(margins.shape[1:], np.uint8)
    below = np.ones(margins.shape[1:], bool)
    for margin in margins[:-1]:
        below &= margin < 0
        count += below
    return count


def fill_level(margins: Floats, palette: Palette) -> Floats:
    """Return the fill level where the logits less the largest are `margins` (classes first), to be truncated.

    The level rises with the top softmax probability, 1 / sum(exp(margins)), from 1 / classes to 1.
    """
    scale = (palette.levels - 1) / (1 - 1 / palette.classes)
    total: Floats = np.exp(margins).sum(axis=0)
    level = np.divide(np.float32(scale), total, out=total)
    level += np.float32(0.5 - scale / palette.classes)
    return level


def interpolate(corners: Floats, cell: int) -> NDArray[np.uint8]:
    """Return corner values interpolated bilinearly at the pixel centres, truncated: (cell rows, `cell`, width)."""
    wide = np.empty((len(corners), corners.shape[1] - 1, cell), np.float32)
    step = (corners[:, 1:] - corners[:, :-1]) * np.float32(1 / cell)
    for i in range(cell):
        wide[:, :, i] = corners[:, :-1] + step * np.float32(i + 0.5)
    wide = wide.reshape(len(corners), -1)
    step = (wide[1:] - wide[:-1]) * np.float32(1 / cell)
    row = wide[:-1] + step * np.float32(0.5)
    pixels = np.empty((len(step), cell, wide.shape[1]), np.uint8)
    for i in range(cell):
        pixels[:, i] = row
        row += step
    return pixels


@cache
def bilinear_weights(cell: int) -> tuple[Floats, Floats, Floats]:
    """Return what turns the corners of a cell (top left, top right, bottom left, bottom right) into its pixels.

    Three matrices: for the values at the pixel centres (cell * cell, 4), for the derivative to the right in each row of
    pixels, per pixel, and for that downwards in each column (cell, 4).
    """
    centers = (np.arange(cell) + 0.5) / cell
    right, down = (part.ravel() for part in np.meshgrid(centers, centers))
    value = np.stack([(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right], axis=1)
    along_x = np.stack([centers - 1, 1 - centers, -centers, centers], axis=1) / cell
    along_y = np.stack([centers - 1, -centers, 1 - centers, centers], axis=1) / cell
    return value.astype(np.float32), along_x.astype(np.float32), along_y.astype(np.float32)


def corners_disagree(winner: NDArray[np.uint8]) -> NDArray[np.bool]:
    """Return for each cell (rows, columns) whether its corners (rows + 1, columns + 1) have different classes."""
    first = winner[:-1, :-1]
    differ: NDArray[np.bool] = (winner[:-1, 1:] != first) | (winner[1:, :-1] != first) | (winner[1:, 1:] != first)
    return differ


def widened(cells: NDArray[np.bool]) -> NDArray[np.bool]:
    """Return the cells and their eight neighbours."""
    tall = cells.copy()
    tall[1:] |= cells[:-1]
    tall[:-1] |= cells[1:]
    wide = tall.copy()
    wide[:, 1:] |= tall[:, :-1]
    wide[:, :-1] |= tall[:, 1:]
    return wide


def spread(corners: Floats) -> Floats:
    """Return for each cell how far apart the values at its four corners are."""
    low, high = np.minimum(corners[1:], corners[:-1]), np.maximum(corners[1:], corners[:-1])
    return np.maximum(high[:, 1:], high[:, :-1]) - np.minimum(low[:, 1:], low[:, :-1])


def doubled(corners: Floats) -> Floats:
    """Return values at corners (classes, rows, columns) with those halfway between, interpolated bilinearly."""
    classes, rows, columns = corners.shape
    twice = np.empty((classes, 2 * rows - 1, 2 * columns - 1), np.float32)
    twice[:, ::2, ::2] = corners
    twice[:, ::2, 1::2] = (corners[:, :, 1:] + corners[:, :, :-1]) / 2
    twice[:, 1::2] = (twice[:, 2::2] + twice[:, :-1:2]) / 2
    return twice


def in_between(blocks: NDArray[np.bool]) -> NDArray[np.bool]:
    """Return which corners (2 * rows + 1, 2 * columns + 1) are new in some blocks (rows, columns) of four cells."""
    rows, columns = blocks.shape
    chosen = np.zeros((2 * rows + 1, 2 * columns + 1), bool)
    chosen[1::2, 1::2] = blocks
    chosen[:-1:2, 1::2] |= blocks
    chosen[2::2, 1::2] |= blocks
    chosen[1::2, :-1:2] |= blocks
    chosen[1::2, 2::2] |= blocks
    return chosen


def contenders(corners: Floats) -> Floats:
    """Return the logits at the corners of cells (classes, 4, cells) of the classes that come closest to the largest.

    They are three: more do not meet within a few pixels.
    """
    best = np.argpartition(corners.max(axis=1), -CONTENDERS, axis=0)[-CONTENDERS:]
    return corners[best[:, None], np.arange(4)[:, None], np.arange(corners.shape[2])]


def boundary_distance(margins: Floats, along_x: Floats, along_y: Floats) -> Floats:
    """Return the distance in pixels of each pixel (pixels of a cell, cells) to where another class takes over.

    `margins` are the logits less the largest (classes first), the others their derivatives: `along_x` to the right in
    each row of pixels, `along_y` downwards in each column. The distance to the boundary with another class is, to first
    order, the difference of the two logits over the length of its gradient, infinite where that is 0.

    The margin of the top class is 0, so the difference from another class is the sum of both margins, but for the sign.
    For simplicity all pairs of classes are gone through, in this way. Those without the top class change nothing: the
    gradient of their difference is no longer than those of their differences from the top class together, so what they
    give is no smaller than the lesser of what these give.
    """
    nearest: Floats = np.full_like(margins[0], np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 for two classes always equal, which fmin passes over
        for j, k in combinations(range(len(margins)), 2):
            slope_x, slope_y = along_x[j] - along_x[k], along_y[j] - along_y[k]
            slope = (slope_x[:, None] ** 2 + slope_y**2).reshape(nearest.shape)
            np.fmin(nearest, (margins[j] + margins[k]) ** 2 / slope, out=nearest)
    np.sqrt(nearest, out=nearest)
    return nearest
