"""A curve in plain characters, for a terminal."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from autodiff.experiment.runs.text import loss_text

ROWS = 8
BLOCKS, ASCII = " ▁▂▃▄▅▆▇█", " .:#"
MARGIN = len("9999.000000") + 2  # columns before the area, for the greatest and the least value
DECADE = 10  # between the least and the greatest mean, from which a logarithmic scale says more


class Scale(NamedTuple):
    """From the least to the greatest of some values; logarithmic where they span a decade."""

    least: float
    greatest: float

    @property
    def logarithmic(self) -> bool:
        """Whether equal steps are equal factors."""
        return self.least > 0 and self.greatest / self.least >= DECADE

    def shares(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where values are, from 0 at the least to 1 at the greatest; NaN for one that is not finite."""
        values = np.where(np.isfinite(values), values, np.nan)
        if self.logarithmic:
            shares = np.log(values / self.least) / math.log(self.greatest / self.least)
        elif self.greatest > self.least:
            shares = (values - self.least) / (self.greatest - self.least)
        else:
            shares = 0.5 + 0 * values
        return np.asarray(shares)


def scale_of(values: NDArray[np.float64]) -> Scale | None:
    """Return the scale of the values that are finite; None if none is."""
    finite = values[np.isfinite(values)]
    return Scale(float(finite.min()), float(finite.max())) if finite.size else None


def curve(values: NDArray[np.float64], columns: int, encoding: str) -> list[str]:
    """Return lines of at most so many columns that show the losses (n,) of epochs 0 to n - 1 as an area.

    A column shows the mean of its epochs; it is blank where none is finite. The scale is logarithmic where the means
    span a decade. Block characters are drawn where the encoding has them. Returns no lines where nothing is finite, or
    where the room is too little.
    """
    if columns <= MARGIN:
        return []
    means = means_of(values, columns - MARGIN)
    scale = scale_of(means)
    if scale is None:
        return []
    shares = scale.shares(means)
    levels = _levels(encoding)
    steps = len(levels) - 1  # of one row
    heights = np.where(np.isfinite(shares), 1 + np.rint(shares * (ROWS * steps - 1)), 0).astype(int)
    labels = {ROWS - 1: loss_text(scale.greatest), 0: loss_text(scale.least)}
    lines = []
    for row in range(ROWS - 1, -1, -1):
        cells = "".join(levels[min(max(height - row * steps, 0), steps)] for height in heights)
        lines.append(f"{labels.get(row, ''):>{MARGIN - 2}}  {cells}".rstrip())
    last = f"epoch {len(values) - 1}" + (", log scale" if scale.logarithmic else "")
    axis = f"{'':{MARGIN}}0 {last:>{len(means) - 2}}"
    return [*lines, axis] if len(axis) <= columns else lines


def _levels(encoding: str) -> str:
    try:
        BLOCKS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return BLOCKS


def means_of(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the mean of what is finite in each of `width` equal parts, or the value there of fewer values (width,)."""
    starts = np.arange(width) * len(values) // width
    if len(values) <= width:
        return values[starts] if len(values) else np.empty(0)
    finite = np.isfinite(values)
    with np.errstate(over="ignore"):  # of losses beyond 1e300, just before a run diverged
        sums = np.add.reduceat(np.where(finite, values, 0.0), starts)
    counts = np.add.reduceat(finite.astype(np.float64), starts)
    means: NDArray[np.float64] = np.divide(sums, counts, out=np.full(width, np.nan), where=counts > 0)
    return means
