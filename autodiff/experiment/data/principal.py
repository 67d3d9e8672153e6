"""The plane in which points differ most: it shows what has more than two features."""

from dataclasses import dataclass

import numpy as np

from autodiff.experiment.data.arrays import Features


@dataclass(frozen=True)
class Plane:
    """A plane through the mean of points: center (d,), two directions (2, d) of length 1, at right angles.

    shares: of the variance, along each direction.
    """

    center: Features
    directions: Features
    shares: tuple[float, float]

    def place(self, features: Features) -> Features:
        """Return where on the plane (n, 2) the points (n, d) are nearest to it."""
        return (features - self.center) @ self.directions.T

    def lift(self, places: Features) -> Features:
        """Return the points (n, d) that stand at places (n, 2) of the plane."""
        return places @ self.directions + self.center


def principal_plane(features: Features) -> Plane:
    """Return the plane of the first two principal components of points (n, d), for d of 2 or more.

    They are the eigenvectors of the covariance with the largest eigenvalues (Pearson 1901). The largest element of each
    is positive, so that the plane is the same on every machine.
    """
    center = features.mean(axis=0)
    off = features - center
    variances, vectors = np.linalg.eigh(off.T @ off)
    directions = vectors[:, [-1, -2]].T
    largest = np.abs(directions).argmax(axis=1)
    directions = directions * np.where(directions[[0, 1], largest] < 0, -1.0, 1.0)[:, None]
    total = max(float(variances.sum()), np.finfo(float).tiny)
    return Plane(center, directions, (float(variances[-1]) / total, float(variances[-2]) / total))
