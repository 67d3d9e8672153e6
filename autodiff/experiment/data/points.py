"""Points to classify."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]
Labels = NDArray[np.int64]

MOST_CLASSES = 20  # that pictures have colours and markers for


class Points(NamedTuple):
    """Points to classify: features (n, d) in float64 and labels (n,), which count from 0."""

    features: Features
    labels: Labels
