"""What is shown of many seeds: the median, and the band from the 10th to the 90th percentile."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .film import Curve

SHARES = (0.1, 0.5, 0.9)
BAND = "10 to 90 %"
MOST_EPOCHS = 500  # that are drawn: more are no more seen than pixels

Floats = NDArray[np.float64]


def quantiles(values: Floats) -> Floats:
    """Return the 10th, 50th and 90th percentile (3, ...) of numbers (seeds, ...), which may be infinite.

    Between two of them it is interpolated, as NumPy does. From a finite one to an infinite one that cannot be: it is
    the nearer of them, and if both are as near, the infinite one.
    """
    ordered = np.sort(values, axis=0)
    places = [share * (len(ordered) - 1) for share in SHARES]
    return np.stack([between(ordered[int(at)], ordered[int(np.ceil(at))], at - int(at)) for at in places])


def between(below: Floats, above: Floats, weight: float) -> Floats:
    """Return what lies between two numbers, `weight` of the way from the one below to the one above."""
    infinite = np.where(np.isinf(below), below, above)
    nearer = infinite if weight == 0.5 else below if weight < 0.5 else above
    with np.errstate(invalid="ignore"):  # an infinite one less itself
        return np.where(np.isfinite(below) & np.isfinite(above), below * (1 - weight) + above * weight, nearer)


def epochs_shown(last: int) -> NDArray[np.int64]:
    """Return 0 and the epochs up to the last, at most 500, evenly spread on a logarithmic axis."""
    return np.unique(np.r_[0, np.geomspace(1, max(1, last), MOST_EPOCHS).round().astype(np.int64)].clip(0, last))


def over_seeds(curves: Sequence[Curve], epochs: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the percentiles of loss and accuracy, each (3, epochs), over the runs of a setting at some epochs.

    They are always over all runs. One that has ended, or was not measured at an epoch, counts with its last values
    before; a loss that is no number counts as infinite, and the accuracy there as below all others. So runs that
    diverged stay the worst from then on: where they are a tenth the band reaches the edge of the plot, and where they
    are half the median ends.
    """
    losses, accuracies = [], []
    for curve in curves:
        at = (np.searchsorted(curve.epochs, epochs, side="right") - 1).clip(0)
        loss = curve.loss[at].astype(float)
        diverged = ~np.isfinite(loss)
        losses.append(np.where(diverged, np.inf, loss))
        accuracies.append(np.where(diverged, -np.inf, curve.accuracy[at]))
    return quantiles(np.array(losses)), quantiles(np.array(accuracies))
