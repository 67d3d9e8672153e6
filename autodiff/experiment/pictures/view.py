"""How points of any number of features are seen on a plane."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.experiment.data.about import About, Scaling
from autodiff.experiment.data.points import Points
from autodiff.experiment.data.principal import principal_plane

from .film import Logits, Words

Array = NDArray[Any]

STEP = 0.6180339887  # the golden ratio: its multiples, modulo 1, are spread evenly however many there are
SPREAD = 0.6  # of the height of a row, over which the points of a class are spread
ASPECT = 0.7  # of a plane that shows one feature, its height to its width


@dataclass(frozen=True)
class View:
    """A plane in the space of the features, in their own units, and what is written beside it.

    place: from points to where they are on the plane (n, 2). lift: from there to features (n, d), if those are others.
    """

    place: Callable[[Points], Array]
    lift: Callable[[Array], Array] | None
    words: Words

    def of(self, network: Logits, about: About) -> Logits:
        """Return a network, of points that were scaled as `about` says, as a function of places on the plane."""
        lift, scaling = self.lift, about.scaling
        if lift is None and scaling is None:
            return network
        return lambda places: network(_applied(scaling, places if lift is None else lift(places)))


def view_of(points: Points, about: About) -> View:
    """Return the plane of two features, or that of the first two principal components of more; or the line of one."""
    d = points.features.shape[1]
    names = about.feature_names or tuple(f"feature {i}" for i in range(1, d + 1))
    if d == 1:
        return _line(points, about, names[0])
    if d == 2:
        return View(
            lambda some: _undone(about.scaling, some.features), None, Words((names[0], names[1]), about.class_names)
        )
    plane = principal_plane(points.features)
    first, second = (f"{share:.0%}".replace("%", " %") for share in plane.shares)
    axes = f"component 1 ({first})", f"component 2 ({second})"
    return View(
        lambda some: plane.place(some.features),
        lambda places: _undone(about.scaling, plane.lift(places)),
        Words(axes, about.class_names, "two principal components"),
    )


def _line(points: Points, about: About, name: str) -> View:
    """Return a plane across which is one feature; up it has no meaning, but that each class has a row of its own."""
    values = _undone(about.scaling, points.features)
    classes = 1 + int(points.labels.max())
    height = ASPECT * (float(np.ptp(values)) or 1.0) / classes

    def place(some: Points) -> Array:
        offset = (np.arange(len(some.labels)) * STEP % 1 - 0.5) * SPREAD
        return np.column_stack([_undone(about.scaling, some.features)[:, 0], (offset - some.labels) * height])

    return View(place, lambda places: places[:, :1], Words((name, ""), about.class_names))


def _undone(scaling: Scaling | None, features: Array) -> Array:
    return features if scaling is None else scaling.undo(features)


def _applied(scaling: Scaling | None, features: Array) -> Array:
    return features if scaling is None else scaling.apply(features)
