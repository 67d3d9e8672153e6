"""The loss that all have to reach: plain NumPy in float64."""

import numpy as np

from benchmarks.training.contestants import plain
from benchmarks.training.work import Row, Training


def make(row: Row) -> Training:
    """Return the training of a row."""
    return plain.make(row, np.float64)
