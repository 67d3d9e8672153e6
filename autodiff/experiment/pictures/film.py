"""What a run leaves for its pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Logits = Callable[[NDArray[Any]], NDArray[Any]]
Part = tuple[NDArray[Any], NDArray[Any]]  # points (n, 2) and their integer labels (n,)
Style = Literal["soft", "crisp"]
Animation = Literal["gif", "webp", "apng"]

MOST_RUNS = 12  # in one grid
MOST_DRAWN = 3_000  # points: more would hide the plane, and each other
WIDTH = 1000  # pixels: of the picture of one run, where no other is asked for


@dataclass(frozen=True)
class Frame:
    """The network at one epoch: `logits` maps points (n, 2) to logits (n, classes); accuracies are from 0 to 1.

    test_loss, test_accuracy: on the held-out points; None if the film has none.
    """

    epoch: int
    loss: float
    accuracy: float
    logits: Logits
    test_loss: float | None = None
    test_accuracy: float | None = None


@dataclass(frozen=True)
class Curve:
    """Loss and accuracy (0 to 1) after each of `epochs`: three arrays of one length."""

    epochs: NDArray[Any]
    loss: NDArray[Any]
    accuracy: NDArray[Any]


@dataclass(frozen=True)
class HeldOut:
    """Points (n, 2) and integer labels (n,) that a run was not trained on, and its curve on them."""

    features: NDArray[Any]
    labels: NDArray[Any]
    curve: Curve


@dataclass(frozen=True)
class Words:
    """What the axes of a plane are called, and the classes: by their numbers if they have no names.

    plane: what the plane is, where that is not plain. An axis without a name has no scale either.
    """

    axes: tuple[str, str] = ("feature 1", "feature 2")
    classes: tuple[str, ...] = ()
    plane: str = ""


PLAIN = Words()


@dataclass(frozen=True)
class Film:
    """One run: its points (n, 2) and integer labels (n,), the epochs it was to train, its frames and its curve.

    held_out: points (m, 2) and labels (m,) that it was not trained on, if there are some, and their curve. words: what
    its axes and classes are called.
    """

    title: str
    features: NDArray[Any]
    labels: NDArray[Any]
    epochs: int
    frames: tuple[Frame, ...]
    curve: Curve
    held_out: HeldOut | None = None
    words: Words = PLAIN

    @property
    def parts(self) -> list[Part]:
        """The points that it was trained on and, if there are some, the held-out ones: as many of them as are drawn."""
        held_out = self.held_out
        parts = [(self.features, self.labels), *([(held_out.features, held_out.labels)] if held_out else [])]
        return [drawn_part(*part) for part in parts]


def words_of(several: Sequence[Words]) -> Words:
    """Return what is written once for several planes: the words that all of them have."""
    return several[0] if all(words == several[0] for words in several) else PLAIN


def drawn_part(features: NDArray[Any], labels: NDArray[Any]) -> Part:
    """Return the points that are drawn: all, or of very many a sample that keeps the shares of the classes."""
    if len(labels) <= MOST_DRAWN:
        return features, labels
    in_order = np.argsort(labels, kind="stable")
    chosen = np.sort(in_order[np.linspace(0, len(labels) - 1, MOST_DRAWN).astype(int)])
    return features[chosen], labels[chosen]


def count_classes(films: Sequence[Film]) -> int:
    """Return how many classes the networks of the films tell apart, at most: the columns of their logits.

    Raises ValueError when there is no film, or a film without frames.
    """
    if not films or not all(film.frames for film in films):
        raise ValueError("nothing to draw: every film needs at least one frame")
    return max(int(film.frames[0].logits(film.features[:1]).shape[1]) for film in films)
