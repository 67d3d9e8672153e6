"""Samples of activations and losses."""

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import functional
from autodiff.functional import activations, losses
from autodiff.samples.builders import (
    Maker,
    Random,
    Sample,
    binary,
    both,
    call,
    of_shapes,
    spaced,
    strided,
    unary,
    with_arguments,
)


def cross_entropy_samples(random: Random) -> list[Sample]:
    """Return logits with class numbers, with probabilities, with weights that sum to something else, and with none."""
    soft = random.dirichlet(np.ones(3), size=4)
    return [
        call(spaced(random, (4, 3)), np.array([0, 2, 1, 1])),
        call(spaced(random, (4, 3)), soft),
        call(spaced(random, (4, 3)), 2 * soft + 0.1),
        call(spaced(random, (3,)), np.array(1)),
        call(spaced(random, (0, 3)), np.zeros(0, dtype=int)),
        call(strided(random), np.array([1, 0])),
    ]


def classes_elsewhere(random: Random) -> list[Sample]:
    """Return samples of more axes, with the classes on the second and on the last."""
    numbers, soft = np.array([[0, 1], [2, 2]]), random.dirichlet(np.ones(3), size=(2, 2)).swapaxes(1, 2)
    return [
        call(spaced(random, (2, 3, 2)), numbers),
        call(spaced(random, (2, 3, 2)), soft),
        call(spaced(random, (2, 2, 3)), numbers, axis=-1),
        call(spaced(random, (2, 3, 2)), numbers, reduction="none", label_smoothing=0.1, weights=[1.0, 0.5, 2.0]),
        call(spaced(random, (2, 3, 2)), numbers, ignore_index=2, label_smoothing=0.1),
    ]


def weighted_samples(random: Random) -> list[Sample]:
    """Return samples with class weights, label smoothing, and every reduction."""
    numbers, soft = np.array([0, 2, 1, 1]), random.dirichlet(np.ones(3), size=4)
    further: list[dict[str, Any]] = [
        {"weights": np.array([0.5, 2, 1], dtype=np.float32)},
        {"label_smoothing": 0.2},
        {"reduction": "sum"},
        {"reduction": "none", "label_smoothing": 0.1, "weights": [1.0, 0.5, 2.0]},
    ]
    return [call(spaced(random, (4, 3)), labels, **keywords) for labels in (numbers, soft) for keywords in further]


def pairs(low: float = -2, high: float = 2) -> Maker:
    """Return samples of a loss of predictions and targets, with every reduction."""

    def samples(random: Random) -> list[Sample]:
        calls = []
        for shape, reduction in [((3, 4), "mean"), ((3,), "sum"), ((2, 3), "none"), ((), "mean"), ((0, 2), "sum")]:
            calls.append(call(spaced(random, shape, low, high), spaced(random, shape, 0.05, 0.95), reduction=reduction))
        return calls

    return samples


def normalised_samples(random: Random) -> list[Sample]:
    """Return arrays and the lengths of their last axes, alone and with a weight and the like of that shape."""
    return [
        call(spaced(random, (3, 4)), 4),
        call(spaced(random, (3, 4)), (4,), spaced(random, (4,))),
        call(spaced(random, (2, 3, 2)), (3, 2), spaced(random, (3, 2)), eps=0.1),
        call(strided(random), 3, spaced(random, (3,))),
        call(spaced(random, (0, 4)), 4),
    ]


def batch_norm_samples(random: Random) -> list[Sample]:
    """Return batches with and without statistics that are given, of two and of more axes."""
    given = [spaced(random, (3,)), spaced(random, (3,), 0.5, 2)]
    return [
        call(spaced(random, (4, 3))),
        call(spaced(random, (4, 3)), *given),
        call(spaced(random, (2, 3, 2, 2)), None, None, spaced(random, (3,)), spaced(random, (3,)), eps=0.1),
        call(spaced(random, (2, 3, 2)), *given, spaced(random, (3,)), spaced(random, (3,))),
        call(strided(random)),
    ]


def embedding_samples(random: Random) -> list[Sample]:
    """Return indices, some of them repeated, and tables, one with a row for padding, which none of them names."""
    several = np.array([[0, 2], [3, 0]])
    return [
        call(several, spaced(random, (4, 3))),
        call(several, spaced(random, (4, 3)), padding_idx=1),
        call(np.array(1), spaced(random, (2, 3))),
        call(np.zeros((0, 2), dtype=int), spaced(random, (2, 3))),
    ]


def nll_samples(random: Random) -> list[Sample]:
    """Return log-probabilities with class numbers, weights, and every reduction."""
    numbers, weights = np.array([0, 2, 1, 1]), [0.5, 2.0, 1.0]
    calls = [call(spaced(random, (4, 3)), numbers), call(spaced(random, (4, 3)), numbers, weights=weights)]
    return [*calls, call(spaced(random, (4, 3)), numbers, reduction="none"), call(spaced(random, (3,)), np.array(1))]


class SameEveryTime:
    """Stands for a generator and draws the same numbers at every call, as a numerical derivative needs them."""

    def random(self, shape: Any) -> Any:
        """Return numbers from 0 to 1."""
        return np.random.default_rng(0).random(shape)

    def __repr__(self) -> str:
        return "rng"


AXIS: Maker = both(
    with_arguments(((3, 4), ()), ((5,), ()), ((0, 3), ()), ((3, 0), ()), ((3, 4), (0,)), ((2, 3, 2), ((0, 2),))),
    lambda random: [call(strided(random))],
)

SAMPLES: dict[Callable[..., Any], Maker] = {
    functional.relu: unary(),
    functional.leaky_relu: both(unary(), unary(slope=0.2)),
    functional.elu: both(unary(), unary(alpha=0.5)),
    functional.selu: unary(),
    functional.hardtanh: both(unary(), unary(low=-0.45, high=1.05)),
    functional.sigmoid: unary(-4, 4),
    functional.softplus: unary(-4, 4),
    functional.log_sigmoid: unary(-4, 4),
    functional.silu: unary(-4, 4),
    functional.mish: unary(-4, 4),
    functional.erf: both(unary(-3.5, 3.5), unary(-1.2, 1.2)),
    functional.gelu: both(unary(-4, 4), unary(-4, 4, approximate="tanh")),
    functional.softmax: AXIS,
    functional.log_softmax: AXIS,
    functional.logsumexp: both(
        with_arguments(((3, 4), ()), ((3, 4), (0,)), ((3, 4), (-1, True)), ((), ()), ((2, 3, 2), ((0, 2),))),
        with_arguments(((0, 3), (1,))),
        lambda random: [call(strided(random), axis=1)],
    ),
    functional.dropout: lambda random: [
        call(spaced(random, shape), 0.4, SameEveryTime()) for shape in [(3, 4), (), (0, 2)]
    ],
    functional.linear: of_shapes(
        [(4, 2), (3, 2), (3,)], [(2,), (3, 2), (3,)], [(2, 4, 2), (3, 2), (3,)], [(0, 2), (3, 2), (3,)]
    ),
    functional.layer_norm: both(
        normalised_samples,
        lambda random: [call(spaced(random, (3, 4)), 4, spaced(random, (4,)), spaced(random, (4,)))],
    ),
    functional.rms_norm: normalised_samples,
    functional.batch_norm: batch_norm_samples,
    functional.embedding: embedding_samples,
    functional.cross_entropy: both(cross_entropy_samples, weighted_samples, classes_elsewhere),
    losses.mean_cross_entropy: both(
        cross_entropy_samples, lambda random: [call(spaced(random, (2, 2, 3)), np.array([[0, 1], [2, 2]]))]
    ),
    functional.nll: nll_samples,
    activations.weighed: binary(b=(0.5, 2)),
    losses.picked: lambda random: [
        call(spaced(random, (4, 3)), np.array([0, 2, 1, 1])),
        call(spaced(random, (2, 2, 3)), np.array([[0, 1], [2, 2]])),
        call(spaced(random, (3,)), np.array(1)),
    ],
    losses.logit_losses: lambda random: [call(spaced(random, (4,), -4, 4), spaced(random, (4,), 0, 1))],
    losses.binary_losses: lambda random: [call(spaced(random, (4,), 0.1, 0.9), spaced(random, (4,), 0, 1))],
    functional.binary_cross_entropy: pairs(0.1, 0.9),
    functional.binary_cross_entropy_with_logits: pairs(),
    functional.kl_div: both(
        pairs(-2, -0.1),
        lambda random: [
            call(spaced(random, (3, 4), -2, -0.1), spaced(random, (3, 4), 0.05, 0.95), reduction="batchmean")
        ],
    ),
    functional.mse: pairs(),
    functional.l1: pairs(-2, -0.1),
    functional.huber: pairs(-2, -0.1),
    functional.smooth_l1: both(
        pairs(-2, -0.1),
        lambda random: [call(spaced(random, (3,), -2, -0.1), spaced(random, (3,), 0.05, 0.95), beta=0.5)],
    ),
}
