"""Samples of convolution, pooling and attention."""

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import functional
from autodiff.functional import convolution, pooling, windows
from autodiff.samples.builders import Maker, Random, Sample, both, call, of_shapes, spaced, with_arguments


def convolutions(*shapes: list[tuple[int, ...]], **settings: Any) -> Maker:
    """Return samples of a convolution of arrays of each list of shapes: x, weights, and a bias or none."""
    return lambda random: [call(*[spaced(random, shape) for shape in one], **settings) for one in shapes]


def causal_samples(random: Random) -> list[Sample]:
    """Return queries, keys and values with masks of booleans and of numbers, for one query without a key."""
    numbers = np.where(np.tri(2, 3, 1, dtype=bool), 0.25, -np.inf).astype(np.float32)
    seen = np.array([[True, False, True], [False, False, False]])

    def arrays() -> list[Any]:
        return [spaced(random, shape) for shape in ((2, 2), (3, 2), (3, 4))]

    return [
        call(*arrays(), is_causal=True),
        call(*arrays(), seen),
        call(*arrays(), numbers, is_causal=True, scale=0.3),
        call(*arrays(), spaced(random, (2, 1))),
    ]


POOLED: Maker = with_arguments(
    ((1, 2, 4, 6), (2,)), ((2, 4, 5), ((3, 2), 1)), ((1, 1, 5, 4), (3, 2, 1)), ((0, 2, 2, 2), (2,))
)
POOLED_IN_A_ROW: Maker = with_arguments(((2, 2, 6), (2,)), ((3, 5), (3, 1)), ((1, 1, 6), (4, 3, 2)))

SAMPLES: dict[Callable[..., Any], Maker] = {
    functional.conv1d: both(
        convolutions([(2, 2, 5), (3, 2, 2), (3,)], [(2, 4), (1, 2, 3)], [(0, 1, 3), (2, 1, 2)]),
        convolutions([(2, 4, 5), (2, 2, 3), (2,)], stride=2, padding=2, groups=2),
        convolutions([(1, 2, 6), (2, 2, 3)], padding="same", dilation=2),
    ),
    functional.conv2d: both(
        convolutions([(2, 2, 4, 3), (3, 2, 2, 3), (3,)], [(1, 3, 2), (2, 1, 1, 1)], [(0, 1, 3, 3), (2, 1, 2, 2)]),
        convolutions([(1, 4, 5, 4), (2, 2, 3, 2), (2,)], stride=(2, 1), padding=(1, 2), groups=2),
        convolutions([(1, 2, 5, 5), (2, 2, 3, 2)], padding="same", dilation=(1, 2)),
    ),
    convolution.correlate: lambda random: [
        call(spaced(random, (2, 1, 4, 3)), spaced(random, (2, 2, 3, 2)), (1,), (2,), [(1, -1)]),
        call(spaced(random, (1, 2, 5, 1)), spaced(random, (1, 2, 1, 2)), (2,), (1,), [(0, 1)]),
    ],
    windows.windows: with_arguments(
        ((2, 5, 2), ((3,), (1,), (2,))), ((4, 5, 1), ((2, 2), (2, 3), (1, 1))), ((2, 4, 2), ((2,), (2,), (1,)))
    ),
    windows.fold: with_arguments(
        ((2, 3, 2, 1), ((2, 4, 1), (1,), (1,))), ((2, 2, 2), ((4, 2), (2,), (1,))), ((2, 2, 3), ((5, 3), (1,), (3,)))
    ),
    windows.surrounded: with_arguments(((2, 3, 2), ([(1, 2)],)), ((2, 3, 1), ([(1, 0), (0, 2)], 0.5))),
    pooling.largest: with_arguments(((2, 2, 3, 2), (1,)), ((1, 2, 2, 2), (2,))),
    functional.max_pool1d: POOLED_IN_A_ROW,
    functional.avg_pool1d: POOLED_IN_A_ROW,
    functional.max_pool2d: POOLED,
    functional.avg_pool2d: POOLED,
    functional.scaled_dot_product_attention: both(
        of_shapes([(2, 3), (4, 3), (4, 2)], [(2, 3, 2), (2, 2, 2), (2, 2, 1)], [(2, 1, 2, 2), (3, 2), (3, 2)]),
        causal_samples,
    ),
}
