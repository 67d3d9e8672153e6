"""From a network to the fill of its plot area: classes, confidence and the boundary between them, pixel by pixel.

The network is evaluated at the corners of small cells, and its logits are interpolated bilinearly to the centres of the
pixels in a cell. Where the four corners agree on the class, so do all pixels of the cell: a maximum of bilinear
functions that one of them attains at every corner, it attains inside. Only the other cells and their neighbours,
through which the boundary line passes, are worked out pixel by pixel.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .film import Logits
from .palette import Palette

POINTS_AT_ONCE = 1024  # the hidden layer of so many points stays in the cache: three times faster
LARGEST_LOGIT = 1e15  # its square is still a float32
LINE_WIDTH = 1.5  # pixels

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Extent:
    """The part of the plane that a plot area shows."""

    left: float
    right: float
    bottom: float
    top: float


def extent_of(features: NDArray[Any]) -> Extent:
    """Return the extent of points (n, 2) with a margin of 5 % all around."""
    lowest, highest = features.min(axis=0).astype(float), features.max(axis=0).astype(float)
    margin = np.where(highest > lowest, 0.05 * (highest - lowest), 1.0)
    (left, bottom), (right, top) = (lowest - margin).tolist(), (highest + margin).tolist()
    return Extent(left, right, bottom, top)


class Field:
    """Paints networks over a plot area of `width` by `height` pixels, cut in cells of `cell` by `cell`."""

    def __init__(self, extent: Extent, width: int, height: int, cell: int, palette: Palette) -> None:
        self.palette, self.cell = palette, cell
        rows, columns = height // cell, width // cell
        assert (rows * cell, columns * cell) == (height, width), "cells must tile the plot area"
        self.corner_shape = rows + 1, columns + 1
        x = np.linspace(extent.left, extent.right, columns + 1)
        y = np.linspace(extent.top, extent.bottom, rows + 1)
        self.corners = np.stack([part.ravel() for part in np.meshgrid(x, y)], axis=1)
        self.first_pixels = (np.arange(rows)[:, None] * width + np.arange(columns)) * cell
        self.pixels_of_cell = (np.arange(cell)[:, None] * width + np.arange(cell)).ravel()

    def paint(self, logits: Logits, dtype: np.dtype[Any]) -> NDArray[np.uint8]:
        """Return the palette indices (height, width) of a network that takes points of `dtype`."""
        margins = evaluate(logits, self.corners.astype(np.result_type(dtype, np.float32))).reshape(
            -1, *self.corner_shape
        )
        winner = first_zero(margins)
        indices = self._fill(margins, winner)
        crossed = widened(corners_disagree(winner)).nonzero()
        pixels = self.first_pixels[crossed][:, None] + self.pixels_of_cell
        indices.reshape(-1)[pixels] = self._with_boundary(margins, crossed)
        return indices

    def _fill(self, margins: Floats, winner: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Fill each cell with the class of its first corner, at the confidence interpolated between all four."""
        levels = self.palette.levels
        first_level = (winner[:-1, :-1] * np.uint8(levels)).repeat(self.cell, axis=1)
        if levels == 1:
            return first_level.repeat(self.cell, axis=0)
        indices = interpolate(fill_level(margins, self.palette), self.cell)
        indices += first_level[:, None]
        return indices.reshape(-1, indices.shape[2])

    def _with_boundary(self, margins: Floats, cells: tuple[NDArray[np.intp], ...]) -> NDArray[np.uint8]:
        """Return the palette indices (cells, pixels of a cell) of some cells, with the boundary line over the fill."""
        row, column = cells
        corners = np.stack([margins[:, row + down, column + right] for down in (0, 1) for right in (0, 1)], axis=2)
        value, along_x, along_y = (corners @ weights for weights in bilinear_weights(self.cell))
        first, distance = boundary_distance(value, along_x, along_y)
        indices = first * self.palette.levels
        if self.palette.levels > 1:
            value -= value.max(axis=0)
            indices += fill_level(value, self.palette).astype(np.uint8)
        coverage = (LINE_WIDTH / 2 + 0.5 - distance).clip(0, 1)
        return self.palette.under_ink[indices, self.palette.ink_step(coverage)]


def evaluate(logits: Logits, points: NDArray[Any]) -> Floats:
    """Return the logits at points (n, 2) less the largest at each, (classes, n); NaN counts as zero.

    Subtracting the largest in the network's own precision keeps the differences of huge logits, and changes neither the
    classes nor, since it shifts all classes alike, any difference that is interpolated.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # a run that diverged is drawn too
        parts = [logits(points[i : i + POINTS_AT_ONCE]) for i in range(0, len(points), POINTS_AT_ONCE)]
    values = np.concatenate(parts)
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
    probability = 1 / np.exp(margins).sum(axis=0)
    confidence: Floats = ((probability - 1 / palette.classes) / (1 - 1 / palette.classes)).clip(0, 1)
    return confidence * np.float32(palette.levels - 1) + np.float32(0.5)


def interpolate(corners: Floats, cell: int) -> NDArray[np.uint8]:
    """Return corner values interpolated bilinearly at the pixel centres, truncated: (cell rows, `cell`, width)."""
    wide = np.empty((len(corners), corners.shape[1] - 1, cell), np.float32)
    step = (corners[:, 1:] - corners[:, :-1]) * np.float32(1 / cell)
    for i in range(cell):
        wide[:, :, i] = corners[:, :-1] + step * np.float32(i + 0.5)
    wide = wide.reshape(len(corners), -1)
    step = (wide[1:] - wide[:-1]) * np.float32(1 / cell)
    pixels = np.empty((len(step), cell, wide.shape[1]), np.uint8)
    for i in range(cell):
        pixels[:, i] = wide[:-1] + step * np.float32(i + 0.5)
    return pixels


def bilinear_weights(cell: int) -> tuple[Floats, Floats, Floats]:
    """Return what turns the corners of a cell (top left, top right, bottom left, bottom right) into its pixels.

    Three arrays (4, pixels): for the values at the pixel centres, and for their derivatives to the right and downwards,
    per pixel.
    """
    centers = (np.arange(cell, dtype=np.float32) + 0.5) / cell
    right, down = (part.ravel() for part in np.meshgrid(centers, centers))
    left, up = 1 - right, 1 - down
    value = np.stack([up * left, up * right, down * left, down * right])
    along_x = np.stack([-up, up, -down, down]) / cell
    along_y = np.stack([-left, -right, left, right]) / cell
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


def boundary_distance(value: Floats, along_x: Floats, along_y: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Return the top class of each pixel and its distance in pixels to where the second one takes over.

    The distance is, to first order, the difference of the two top logits over the length of its gradient; it is
    infinite where the difference does not change. All arguments have the classes first.
    """
    first = value.argmax(axis=0)
    rest = value.copy()
    np.put_along_axis(rest, first[None], -np.inf, axis=0)
    second = rest.argmax(axis=0)

    def difference(of: Floats) -> Floats:
        top: Floats = np.take_along_axis(of, first[None], axis=0)[0]
        next_one: Floats = np.take_along_axis(of, second[None], axis=0)[0]
        return top - next_one

    slope = np.sqrt(difference(along_x) ** 2 + difference(along_y) ** 2)
    distance = np.full_like(slope, np.inf)
    np.divide(difference(value), slope, out=distance, where=slope > 0)
    return first, distance
