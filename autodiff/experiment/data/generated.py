"""Sets of points in the plane that are drawn anew with every seed, class after class.

`noise` is the standard deviation of what is added to both features of every point. Points that are held out are drawn
in the same way from another stream: they are a fair sample of the same classes.
"""

from collections.abc import Callable
from math import pi
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from autodiff.experiment import register
from autodiff.experiment.data.points import Classes, Points, PointsPerClass, TestPointsPerClass, of_classes

if TYPE_CHECKING:
    import numpy as np

    from autodiff.experiment.data.arrays import Features, Labels

FIELDS = 4  # of a checkerboard, along each side, or as many as there are classes
TURNS = 2  # how often each class has a ring, or a sector

Noise = Annotated[float, Field(ge=0, le=10, description="a number from 0 to 10 (the deviation of both features)")]
Expression = Literal["sine", "cubic", "absolute"]
Draw = Callable[[int, int, float, "np.random.Generator"], Points]


def with_noise(usual: float, usual_classes: int = 2) -> Callable[[Draw], Draw]:
    """Register a data set by a function that draws points, of so many classes with so much noise if nothing is said."""

    def registered(draw: Draw) -> Draw:
        def drawn(
            rng: "np.random.Generator",
            test_rng: "np.random.Generator",
            classes: Classes = usual_classes,
            points_per_class: PointsPerClass = 100,
            test_points_per_class: TestPointsPerClass = 100,
            noise: Noise = usual,
        ) -> tuple[Points, Points | None]:
            held_out = draw(classes, test_points_per_class, noise, test_rng) if test_points_per_class else None
            return draw(classes, points_per_class, noise, rng), held_out

        drawn.__name__, drawn.__doc__ = draw.__name__, draw.__doc__
        register.dataset(size=of_classes)(drawn)
        return draw

    return registered


@with_noise(0.1)
def moons(classes: int, points_per_class: int, noise: float, rng: "np.random.Generator") -> Points:
    """Interlocking half circles of radius 1, side by side.

    Class j is (j + cos t, sin t) where j is even and (j + cos t, 1/2 - sin t) where it is odd, for t from 0 to pi.
    With two classes these are scikit-learn's `make_moons`.
    """
    import numpy as np

    labels = _labels(classes, points_per_class)
    angle = pi * rng.uniform(size=len(labels))
    height = np.where(labels % 2 == 0, np.sin(angle), 0.5 - np.sin(angle))
    return _noisy(np.cos(angle) + labels, height, labels, noise, rng)


@with_noise(0.05)
def circles(classes: int, points_per_class: int, noise: float, rng: "np.random.Generator") -> Points:
    """Concentric circles.

    Class j is the circle around the origin with the radius (j + 1) / classes.
    """
    labels = _labels(classes, points_per_class)
    radius = (labels + 1) / classes
    return _noisy(*_round(radius, 2 * pi * rng.uniform(size=len(labels))), labels, noise, rng)


@with_noise(0.02)
def rings(classes: int, points_per_class: int, noise: float, rng: "np.random.Generator") -> Points:
    """A bull's eye: bands around the origin that the classes take in turn, each twice.

    With u from 0 to 1, class j has the radii (j + i classes + u) / (2 classes), for i of 0 and 1.
    """
    labels = _labels(classes, points_per_class)
    band = labels + classes * rng.integers(TURNS, size=len(labels))
    radius = (band + rng.uniform(size=len(labels))) / (TURNS * classes)
    return _noisy(*_round(radius, 2 * pi * rng.uniform(size=len(labels))), labels, noise, rng)


@with_noise(0.3, usual_classes=3)
def blobs(classes: int, points_per_class: int, noise: float, rng: "np.random.Generator") -> Points:
    """Normal clouds around even places on a circle.

    Class j is around (cos a, sin a) for a = 2 pi j / classes, and as wide as the noise.
    """
    import numpy as np

    labels = _labels(classes, points_per_class)
    return _noisy(*_round(np.ones(len(labels)), 2 * pi * labels / classes), labels, noise, rng)


@with_noise(0.02)
def xor(classes: int, points_per_class: int, noise: float, rng: "np.random.Generator") -> Points:
    """A disc in sectors, of which opposite ones are of one class.

    With i of 0 or 1 and u from 0 to 1, class j has the angles (j + i classes + u) pi / classes, at radii up to 1 that
    fill the disc evenly. With two classes the sectors are the quadrants, and a point's class is whether the signs of
    its features differ.
    """
    import numpy as np

    labels = _labels(classes, points_per_class)
    sector = labels + classes * rng.integers(TURNS, size=len(labels)) + rng.uniform(size=len(labels))
    radius = np.sqrt(rng.uniform(size=len(labels)))
    return _noisy(*_round(radius, pi * sector / classes), labels, noise, rng)


@with_noise(0.02)
def checkerboard(classes: int, points_per_class: int, noise: float, rng: "np.random.Generator") -> Points:
    """A board of 4 by 4 fields, or as many as there are classes.

    It is evenly filled, from -1 to 1. The class of the field in row r and column c, counted from the lower left, is
    (r + c) mod classes.
    """
    import numpy as np

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


@register.dataset(size=of_classes)
def function(
    rng: "np.random.Generator",
    test_rng: "np.random.Generator",
    expression: Expression = "sine",
    classes: Classes = 2,
    points_per_class: PointsPerClass = 100,
    test_points_per_class: TestPointsPerClass = 100,
    noise: Noise = 0.05,
) -> tuple[Points, Points | None]:
    """Bands below and above the graph of a function of x from -1 to 1.

    With u from 0 to 1, class j has y = f(x) - 1 + 2 (j + u) / classes: with two classes, 0 is below the graph and 1
    above it. f(x) is sin(pi x) for sine, 4 x^3 - 3 x for cubic, 2 |x| - 1 for absolute.
    """
    tested = bands(classes, test_points_per_class, noise, test_rng, expression) if test_points_per_class else None
    return bands(classes, points_per_class, noise, rng, expression), tested


def bands(
    classes: int, points_per_class: int, noise: float, rng: "np.random.Generator", expression: Expression
) -> Points:
    """Return points that fill the bands along a function's graph evenly."""
    labels = _labels(classes, points_per_class)
    x = rng.uniform(-1, 1, len(labels))
    y = value_of(expression, x) - 1 + 2 * (labels + rng.uniform(size=len(labels))) / classes
    return _noisy(x, y, labels, noise, rng)


def value_of(expression: Expression, x: "Features") -> "Features":
    """Return a function of x from -1 to 1, whose values are from -1 to 1, too."""
    import numpy as np

    if expression == "sine":
        return np.sin(pi * x)
    return 4 * x**3 - 3 * x if expression == "cubic" else 2 * np.abs(x) - 1


def _labels(classes: int, points_per_class: int) -> "Labels":
    import numpy as np

    return np.repeat(np.arange(classes), points_per_class)


def _round(radius: "Features", angle: "Features") -> "tuple[Features, Features]":
    import numpy as np

    return radius * np.cos(angle), radius * np.sin(angle)


def _noisy(x: "Features", y: "Features", labels: "Labels", noise: float, rng: "np.random.Generator") -> Points:
    """Return points at places (n,), moved by noise."""
    import numpy as np

    features = np.column_stack([x, y])
    return Points(features + noise * rng.standard_normal(features.shape), labels)
