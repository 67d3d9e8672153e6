"""Sets of points in the plane that are drawn anew with every seed, class after class.

`noise` is the standard deviation of what is added to both features of every point. Points that are held out are drawn
in the same way from another stream: they are a fair sample of the same classes.
"""

from collections.abc import Callable

import numpy as np

from autodiff.experiment.data.points import Features, Labels, Points

FIELDS = 4  # of a checkerboard, along each side, or as many as there are classes
TURNS = 2  # how often each class has a ring


def moons(classes: int, points_per_class: int, noise: float, rng: np.random.Generator) -> Points:
    """Return interlocking half circles of radius 1, side by side.

    Class j is (j + cos t, sin t) where j is even and (j + cos t, 1/2 - sin t) where it is odd, for t from 0 to pi.
    With two classes these are scikit-learn's `make_moons`.
    """
    labels = _labels(classes, points_per_class)
    angle = np.pi * rng.uniform(size=len(labels))
    height = np.where(labels % 2 == 0, np.sin(angle), 0.5 - np.sin(angle))
    return _noisy(np.cos(angle) + labels, height, labels, noise, rng)


def circles(classes: int, points_per_class: int, noise: float, rng: np.random.Generator) -> Points:
    """Return concentric circles: class j is the circle around the origin with the radius (j + 1) / classes."""
    labels = _labels(classes, points_per_class)
    radius = (labels + 1) / classes
    return _noisy(*_round(radius, 2 * np.pi * rng.uniform(size=len(labels))), labels, noise, rng)


def rings(classes: int, points_per_class: int, noise: float, rng: np.random.Generator) -> Points:
    """Return a bull's eye: bands around the origin that the classes take in turn, each twice.

    With u from 0 to 1, class j has the radii (j + i classes + u) / (2 classes), for i of 0 and 1.
    """
    labels = _labels(classes, points_per_class)
    band = labels + classes * rng.integers(TURNS, size=len(labels))
    radius = (band + rng.uniform(size=len(labels))) / (TURNS * classes)
    return _noisy(*_round(radius, 2 * np.pi * rng.uniform(size=len(labels))), labels, noise, rng)


def blobs(classes: int, points_per_class: int, noise: float, rng: np.random.Generator) -> Points:
    """Return normal clouds: class j is around (cos a, sin a) for a = 2 pi j / classes, as wide as the noise."""
    labels = _labels(classes, points_per_class)
    return _noisy(*_round(np.ones(len(labels)), 2 * np.pi * labels / classes), labels, noise, rng)


def xor(classes: int, points_per_class: int, noise: float, rng: np.random.Generator) -> Points:
    """Return a disc of radius 1 in 2 classes sectors, of which opposite ones are of one class, filled evenly.

    With i of 0 or 1 and u from 0 to 1, class j has the angles (j + i classes + u) pi / classes. With two classes the
    sectors are the quadrants, and a point's class is whether the signs of its features differ.
    """
    labels = _labels(classes, points_per_class)
    sector = labels + classes * rng.integers(2, size=len(labels)) + rng.uniform(size=len(labels))
    radius = np.sqrt(rng.uniform(size=len(labels)))
    return _noisy(*_round(radius, np.pi * sector / classes), labels, noise, rng)


def checkerboard(classes: int, points_per_class: int, noise: float, rng: np.random.Generator) -> Points:
    """Return a board from -1 to 1 of 4 by 4 fields, or as many as there are classes, filled evenly.

    The class of the field in row r and column c, counted from the lower left, is (r + c) mod classes.
    """
    labels = _labels(classes, points_per_class)
    side = max(FIELDS, classes)
    column, row = np.divmod(np.arange(side * side), side)
    features = np.empty((len(labels), 2))
    for label in range(classes):
        own = np.flatnonzero((row + column) % classes == label)
        fields = rng.choice(own, points_per_class)
        features[labels == label] = np.column_stack([column[fields], row[fields]])
    x, y = ((features + rng.uniform(size=features.shape)) * 2 / side - 1).T
    return _noisy(x, y, labels, noise, rng)


EXPRESSIONS: dict[str, Callable[[Features], Features]] = {
    "sine": lambda x: np.sin(np.pi * x),
    "cubic": lambda x: 4 * x**3 - 3 * x,
    "absolute": lambda x: 2 * np.abs(x) - 1,
}


def function(
    classes: int, points_per_class: int, noise: float, rng: np.random.Generator, expression: str = "sine"
) -> Points:
    """Return the bands below and above the graph of a function of x from -1 to 1, evenly filled.

    With u from 0 to 1, class j has y = f(x) - 1 + 2 (j + u) / classes: with two classes, 0 is below the graph and 1
    above it. f(x) is sin(pi x), 4 x^3 - 3 x, or 2 |x| - 1.
    """
    labels = _labels(classes, points_per_class)
    x = rng.uniform(-1, 1, len(labels))
    y = EXPRESSIONS[expression](x) - 1 + 2 * (labels + rng.uniform(size=len(labels))) / classes
    return _noisy(x, y, labels, noise, rng)


def _labels(classes: int, points_per_class: int) -> Labels:
    return np.repeat(np.arange(classes), points_per_class)


def _round(radius: Features, angle: Features) -> tuple[Features, Features]:
    return radius * np.cos(angle), radius * np.sin(angle)


def _noisy(x: Features, y: Features, labels: Labels, noise: float, rng: np.random.Generator) -> Points:
    """Return points at places (n,), moved by noise."""
    features = np.column_stack([x, y])
    return Points(features + noise * rng.standard_normal(features.shape), labels)
