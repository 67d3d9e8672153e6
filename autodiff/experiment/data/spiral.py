"""Spiral arms."""

import numpy as np

from autodiff.experiment.data.points import Features, Points


def spiral(classes: int, points_per_class: int, noise: float, rng: np.random.Generator) -> Points:
    """Return interleaved spiral arms, one a class, class after class.

    Along arm j the radius runs from 0 to 1 and the angle from 4j to 4(j + 1) radians, plus normal noise with that
    standard deviation, in radians. Source: the notes of Stanford's CS231n, "Putting it together".
    """
    radius = np.linspace(0.0, 1.0, points_per_class)
    arms = []
    for arm in range(classes):
        angle = np.linspace(4.0 * arm, 4.0 * (arm + 1), points_per_class)
        arms.append(_turned(radius, angle, noise, rng))
    return Points(np.concatenate(arms), np.repeat(np.arange(classes), points_per_class))


def held_out_spiral(classes: int, points_per_class: int, noise: float, rng: np.random.Generator) -> Points:
    """Return other points of the same arms, class after class, to measure a network on what it was not trained on.

    The radius is drawn, too, uniformly from 0 to 1. At the radii of `spiral` with fresh noise, those at the centre
    would be the training points themselves, and all others as far out as one that was trained on; drawn anew, they lie
    in between as well, and are a fair sample of the same arms.
    """
    arms = []
    for arm in range(classes):
        radius = rng.uniform(size=points_per_class)
        arms.append(_turned(radius, 4.0 * (arm + radius), noise, rng))
    return Points(np.concatenate(arms), np.repeat(np.arange(classes), points_per_class))


def _turned(radius: Features, angle: Features, noise: float, rng: np.random.Generator) -> Features:
    """Return the points (n, 2) at some radii and angles (n,), turned by noise."""
    angle = angle + noise * rng.standard_normal(len(angle))
    return np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])
