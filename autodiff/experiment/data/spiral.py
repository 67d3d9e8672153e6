"""The points that a network learns to tell apart."""

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]
Labels = NDArray[np.int64]


def spiral(classes: int, points_per_class: int, noise: float, rng: np.random.Generator) -> tuple[Features, Labels]:
    """Return interleaved spiral arms, one a class: features (n, 2) in float64 and labels (n,), class after class.

    Along arm j the radius runs from 0 to 1 and the angle from 4j to 4(j + 1) radians, plus normal noise with that
    standard deviation, in radians. Source: the notes of Stanford's CS231n, "Putting it together".
    """
    radius = np.linspace(0.0, 1.0, points_per_class)
    arms = []
    for arm in range(classes):
        angle = np.linspace(4.0 * arm, 4.0 * (arm + 1), points_per_class)
        angle += noise * rng.standard_normal(points_per_class)
        arms.append(np.column_stack([radius * np.sin(angle), radius * np.cos(angle)]))
    return np.concatenate(arms), np.repeat(np.arange(classes), points_per_class)
