"""What a run leaves for its pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

Logits = Callable[[NDArray[Any]], NDArray[Any]]
Part = tuple[NDArray[Any], NDArray[Any]]  # points (n, 2) and their integer labels (n,)
Style = Literal["soft", "crisp"]
Animation = Literal["gif", "webp", "apng"]

MOST_RUNS = 12  # in one grid
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
class Film:
    """One run: its points (n, 2) and integer labels (n,), the epochs it was to train, its frames and its curve.

    held_out: points (m, 2) and labels (m,) that it was not trained on, if there are some, and their curve.
    """

    title: str
    features: NDArray[Any]
    labels: NDArray[Any]
    epochs: int
    frames: tuple[Frame, ...]
    curve: Curve
    held_out: HeldOut | None = None

    @property
    def parts(self) -> list[Part]:
        """The points that it was trained on and, if there are some, the held-out ones."""
        held_out = self.held_out
        return [(self.features, self.labels), *([(held_out.features, held_out.labels)] if held_out else [])]


def count_classes(films: Sequence[Film]) -> int:
    """Return how many classes the networks of the films tell apart, at most: the columns of their logits.

    Raises ValueError when there is no film, or a film without frames.
    """
    if not films or not all(film.frames for film in films):
        raise ValueError("nothing to draw: every film needs at least one frame")
    return max(int(film.frames[0].logits(film.features[:1]).shape[1]) for film in films)
