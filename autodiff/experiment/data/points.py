"""Points to classify, and how many there are."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field

if TYPE_CHECKING:
    from autodiff.experiment.data.arrays import Features, Labels  # NumPy comes with them

MOST_CLASSES = 20  # that pictures have colours and markers for
MOST_POINTS = 100_000  # a slip of the keyboard is answered at once, not by an hour of swapping
_FOR_MEMORY = "(the limit protects this machine's memory)"

Classes = Annotated[
    int,
    Field(ge=2, le=MOST_CLASSES, description=f"a whole number from 2 to {MOST_CLASSES} (as many as there are colours)"),
]
PointsPerClass = Annotated[
    int, Field(ge=2, le=MOST_POINTS, description=f"a whole number from 2 to {MOST_POINTS:,} {_FOR_MEMORY}")
]
TestPointsPerClass = Annotated[
    int,
    Field(
        ge=0, le=MOST_POINTS, description=f"a whole number from 0 (none are held out) to {MOST_POINTS:,} {_FOR_MEMORY}"
    ),
]


class Points(NamedTuple):
    """Points to classify: features (n, d) in float64 and labels (n,), which count from 0."""

    features: "Features"
    labels: "Labels"


class Size(NamedTuple):
    """How many features, classes, points that are trained on and held-out points a data set has."""

    features: int
    classes: int
    points: int
    test_points: int


def of_classes(classes: int, points_per_class: int, test_points_per_class: int, **others: object) -> Size:
    """Return the size of a set on the plane with as many points of each class."""
    return Size(2, classes, classes * points_per_class, classes * test_points_per_class)
