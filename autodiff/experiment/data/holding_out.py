"""Which points of a table are held out."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.experiment.data.arrays import Labels


def counts_held_out(labels: Labels, fraction: float) -> NDArray[np.int64]:
    """Return how many points of each class are held out: that fraction, rounded, but never all of them."""
    counts = np.bincount(labels)
    held_out: NDArray[np.int64] = np.minimum(np.rint(fraction * counts).astype(np.int64), counts - 1)
    return held_out


def held_out_rows(labels: Labels, fraction: float, rng: np.random.Generator) -> NDArray[Any]:
    """Return which points (n,) are held out: of each class as many as `counts_held_out` says, drawn at random."""
    chosen = np.zeros(len(labels), bool)
    for label, count in enumerate(counts_held_out(labels, fraction)):
        chosen[rng.permutation(np.flatnonzero(labels == label))[:count]] = True
    return chosen
