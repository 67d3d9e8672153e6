"""What a study leaves for its pictures: the runs of each setting, one a seed."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from .film import PLAIN, Curve, Logits, Words


@dataclass(frozen=True)
class Setting:
    """The curves of the runs of one setting, one a seed; on held-out points too, or none for any seed.

    They may be of different lengths, and losses may be infinite or no number.
    """

    title: str
    training: tuple[Curve, ...]
    held_out: tuple[Curve, ...] = ()


@dataclass(frozen=True)
class Outcomes:
    """What became of the runs of one setting, one a seed: two arrays (seeds,).

    The accuracy from 0 to 1 in the end, not finite for a run that diverged; and the epochs it took to some accuracy,
    not finite for a run that never got there.
    """

    title: str
    accuracy: NDArray[Any]
    epochs: NDArray[Any]


@dataclass(frozen=True)
class Swept:
    """What became of one config at each of some values of a field: the accuracies of its runs.

    They are an array (seeds,) for each value, from 0 to 1, and not finite for a run that diverged.
    """

    title: str
    values: tuple[float | str, ...]
    accuracies: tuple[NDArray[Any], ...]


@dataclass(frozen=True)
class Heatmap:
    """What became of one config at the values of two fields: median accuracies (values down, values across).

    They are from 0 to 1, and not finite where all runs failed.
    """

    title: str
    accuracies: NDArray[Any]


@dataclass(frozen=True)
class Votes:
    """The trained networks of one setting, one a seed, as functions from points (n, 2) to logits (n, classes).

    `features` (n, 2) are points of any of them: they say which part of the plane is meant. words: what the axes and the
    classes are called.
    """

    title: str
    features: NDArray[Any]
    logits: tuple[Logits, ...]
    words: Words = PLAIN
