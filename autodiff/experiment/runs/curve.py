"""A curve in plain characters, for a terminal."""

import math

import numpy as np
from numpy.typing import NDArray

from autodiff.experiment.runs.text import loss_text

ROWS = 8
BLOCKS, ASCII = " ▁▂▃▄▅▆▇█", " .:#"
MARGIN = len("9999.000000") + 2  # columns before the area, for the greatest and the least value
DECADE = 10  # between the least and the greatest mean, from which a logarithmic scale says more


def curve(values: NDArray[np.float64], columns: int, encoding: str) -> list[str]:
    """Return lines of at most so many columns that show the losses (n,) of epochs 0 to n - 1 as an area.

    A column shows the mean of its epochs; it is blank where none is finite. The scale is logarithmic where the means
    span a decade. Block characters are drawn where the encoding has them. Returns no lines where nothing is finite, or
    where the room is too little.
    """
    if columns <= MARGIN:
        return []
    means = _means(values, columns - MARGIN)
    finite = means[np.isfinite(means)]
    if not finite.size:
        return []
    least, greatest = float(finite.min()), float(finite.max())
    logarithmic = least > 0 and greatest / least >= DECADE
    if logarithmic:
        shares = np.log(means / least) / math.log(greatest / least)
    elif greatest > least:
        shares = (means - least) / (greatest - least)
    else:
        shares = np.where(np.isfinite(means), 0.5, np.nan)
    levels = _levels(encoding)
    steps = len(levels) - 1  # of one row
    heights = np.where(np.isfinite(shares), 1 + np.rint(shares * (ROWS * steps - 1)), 0).astype(int)
    labels = {ROWS - 1: loss_text(greatest), 0: loss_text(least)}
    lines = []
    for row in range(ROWS - 1, -1, -1):
        cells = "".join(levels[min(max(height - row * steps, 0), steps)] for height in heights)
        lines.append(f"{labels.get(row, ''):>{MARGIN - 2}}  {cells}".rstrip())
    last = f"epoch {len(values) - 1}" + (", log scale" if logarithmic else "")
    axis = f"{'':{MARGIN}}0 {last:>{len(means) - 2}}"
    return [*lines, axis] if len(axis) <= columns else lines


def _levels(encoding: str) -> str:
    try:
        BLOCKS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return BLOCKS


def _means(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
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
