"""What is trained: the rows of the table, and the data and first weights of each, the same for all contestants."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

Activation = Literal["ReLU", "sigmoid"]
Optimizer = Literal["Adam", "SGD"]
ACTIVATIONS: tuple[Activation, ...] = ("ReLU", "sigmoid")
OPTIMIZERS: tuple[Optimizer, ...] = ("Adam", "SGD")
LEARNING_RATES = {"Adam": 0.01, "SGD": 0.03}
BETAS, EPSILON, MOMENTUM = (0.9, 0.999), 1e-8, 0.9
INPUTS, CLASSES, STEPS_TO_AGREE = 2, 3, 100

SIZES: list[tuple[int, tuple[int, ...], int]] = [
    (300, (100,), 100),
    (3_000, (100,), 20),
    (3_000, (512,), 5),
    (30_000, (256,), 2),
    (300, (64, 64), 50),
]
"""Points, hidden widths, and the steps of one round: the larger the step, the fewer."""


@dataclass(frozen=True)
class Row:
    """One row of the table: a network, its points and its optimizer. `steps` is the length of a round."""

    points: int
    hidden: tuple[int, ...]
    activation: Activation
    optimizer: Optimizer
    steps: int

    @property
    def widths(self) -> tuple[int, ...]:
        return (INPUTS, *self.hidden, CLASSES)

    @property
    def learning_rate(self) -> float:
        return LEARNING_RATES[self.optimizer]

    @property
    def size(self) -> str:
        return f"{self.points} points, {'-'.join(map(str, self.widths))}"

    def __str__(self) -> str:
        return f"{self.size}, {self.activation}, {self.optimizer}"


@dataclass(frozen=True)
class Problem:
    """Points (n, 2), labels (n,), and for every layer its weight (out, in), as in PyTorch, and its bias (out,)."""

    points: Array
    labels: NDArray[np.int64]
    layers: list[tuple[Array, Array]]


@dataclass(frozen=True)
class Training:
    """A network in training: `run` takes some steps and returns the loss before each, as a log of losses needs it.

    `facts` tells numbers about the contestant itself, once it has run.
    """

    run: Callable[[int], list[float]]
    facts: Callable[[], dict[str, float]] = field(default=dict)


def rows_of(points: int, hidden: tuple[int, ...], steps: int) -> list[Row]:
    """Return the rows of one size: both activations with both optimizers."""
    return [Row(points, hidden, *choice, steps) for choice in product(ACTIVATIONS, OPTIMIZERS)]


TINY = Row(3, (4,), "ReLU", "Adam", 200)
"""Nothing in it is large: its time is what a step costs apart from the arithmetic."""


def make_problem(row: Row) -> Problem:
    """Return the data and first weights of a row: three arms of a spiral, and He's initialisation."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(row.points, INPUTS))
    turns = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi) + np.hypot(points[:, 0], points[:, 1]) / 3
    labels = (CLASSES * (turns % 1)).astype(np.int64)
    layers = []
    for inputs, outputs in pairwise(row.widths):
        weight = rng.normal(0, (2 / inputs) ** 0.5, (outputs, inputs))
        layers.append((weight.astype(np.float32), rng.normal(0, 0.1, outputs).astype(np.float32)))
    return Problem(points.astype(np.float32), labels, layers)


def repeated(step: Callable[[], float], facts: Callable[[], dict[str, Any]] = dict) -> Training:
    """Return the training that takes one step after the other."""
    return Training(lambda count: [step() for _ in range(count)], facts)
