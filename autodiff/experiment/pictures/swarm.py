"""Dots beside each other where they would cover each other."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def swarm(places: NDArray[np.float64], diameter: float) -> NDArray[np.float64]:
    """Return for dots at some places of a line how far each is moved off it, so that none covers another.

    From the lowest place on, each dot is moved as little as those before it allow, which have the same diameter.
    """
    offsets = np.zeros(len(places))
    order = np.argsort(places, kind="stable")
    for count, i in enumerate(order):
        before = order[:count]
        near = before[places[i] - places[before] < diameter]
        # a dot at a distance along the line covers what is nearer than this across it
        reach = np.sqrt(np.maximum(diameter**2 - (places[i] - places[near]) ** 2, 0))
        free = np.r_[0.0, offsets[near] + reach, offsets[near] - reach]
        covered = (np.abs(free[:, None] - offsets[near]) < reach - 1e-9).any(axis=1)
        allowed = free[~covered]
        offsets[i] = allowed[np.argmin(np.abs(allowed))]
    return offsets


def block(count: int, diameter: float, width: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return so many dots as a block around (0, 0): where each is across and up, none wider apart than `width`."""
    columns = max(1, min(int(width / diameter), int(np.ceil((2 * count) ** 0.5))))
    rows = -(-count // columns)
    at = np.arange(count)
    in_row = np.minimum(columns, count - at // columns * columns)  # the last may be shorter
    across, up = at % columns - (in_row - 1) / 2, at // columns - (rows - 1) / 2
    return diameter * across, diameter * up
