"""Interleaved spiral arms."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from autodiff.experiment import register
from autodiff.experiment.data.points import Classes, Points, PointsPerClass, TestPointsPerClass, of_classes

if TYPE_CHECKING:
    import numpy as np

    from autodiff.experiment.data.arrays import Features

Noise = Annotated[float, Field(ge=0, le=10, description="a number from 0 to 10 (the angle's deviation, in radians)")]


@register.dataset(size=of_classes)
def spiral(
    rng: "np.random.Generator",
    test_rng: "np.random.Generator",
    classes: Classes = 3,
    points_per_class: PointsPerClass = 100,
    test_points_per_class: TestPointsPerClass = 100,
    noise: Noise = 0.2,
) -> tuple[Points, Points | None]:
    """Interleaved spiral arms, one a class.

    Along arm j the radius runs from 0 to 1 and the angle from 4j to 4(j + 1) radians, plus normal noise with that
    standard deviation, in radians. Source: the notes of Stanford's CS231n, "Putting it together".
    """
    points = arms(classes, points_per_class, noise, rng)
    return points, held_out_arms(classes, test_points_per_class, noise, test_rng) if test_points_per_class else None


def arms(classes: int, points_per_class: int, noise: float, rng: "np.random.Generator") -> Points:
    """Return evenly spaced points of the arms, class after class."""
    import numpy as np

    radius = np.linspace(0.0, 1.0, points_per_class)
    angles = [np.linspace(4.0 * arm, 4.0 * (arm + 1), points_per_class) for arm in range(classes)]
    return Points(
        np.concatenate([_turned(radius, angle, noise, rng) for angle in angles]),
        np.repeat(np.arange(classes), points_per_class),
    )


def held_out_arms(classes: int, points_per_class: int, noise: float, rng: "np.random.Generator") -> Points:
    """Return other points of the same arms, class after class, to measure a network on what it was not trained on.

    The radius is drawn, too, uniformly from 0 to 1. At the radii of `arms` with fresh noise, those at the centre
    would be the training points themselves, and all others as far out as one that was trained on; drawn anew, they lie
    in between as well, and are a fair sample of the same arms.
    """
    import numpy as np

    found = []
    for arm in range(classes):
        radius = rng.uniform(size=points_per_class)
        found.append(_turned(radius, 4.0 * (arm + radius), noise, rng))
    return Points(np.concatenate(found), np.repeat(np.arange(classes), points_per_class))


def _turned(radius: "Features", angle: "Features", noise: float, rng: "np.random.Generator") -> "Features":
    """Return the points (n, 2) at some radii and angles (n,), turned by noise."""
    import numpy as np

    angle = angle + noise * rng.standard_normal(len(angle))
    return np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])
