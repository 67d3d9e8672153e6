"""Samples of functions that reduce or accumulate along axes."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.rules import reductions
from autodiff.samples.builders import (
    Maker,
    Random,
    Sample,
    both,
    call,
    of_shapes,
    spaced,
    strided,
    unary,
    with_arguments,
)

REDUCED: list[dict[str, Any]] = [
    {},
    {"axis": 0},
    {"axis": -1},
    {"axis": 1, "keepdims": True},
    {"keepdims": True},
    {"axis": (0, 1)},
]


CHOSEN = np.array([[True, False, True, True], [False, True, False, True], [True, True, False, False]])
"""Which elements of a (3, 4) array to reduce: some of every row and column."""
WHERE: list[dict[str, Any]] = [{"where": CHOSEN}, {"axis": 0, "where": CHOSEN, "keepdims": True}]
WHERE += [{"axis": 1, "where": CHOSEN[0]}]
TYPED: list[dict[str, Any]] = [{"dtype": np.float64}, {"axis": 0, "dtype": np.float64}]
INITIAL: list[dict[str, Any]] = [{"initial": 0.75}, {"axis": 0, "initial": -0.25, "where": CHOSEN}]


def reduction(*further: dict[str, Any], empty: bool = True) -> Maker:
    """Return samples of a function that reduces axes. empty: whether it has a value for no elements."""

    def samples(random: Random) -> list[Sample]:
        calls = [call(spaced(random, (3, 4)), **keywords) for keywords in [*REDUCED, *further]]
        calls += [call(spaced(random, (2, 3, 2)), axis=(0, -1)), call(strided(random), axis=1)]
        calls += [call(spaced(random, (2, 3, 2)), axis=(2, 0), keepdims=True)]
        calls += [call(spaced(random, ())), call(spaced(random, (0, 3)), axis=1)]
        return calls + ([call(spaced(random, (0, 3)), axis=0)] if empty else [])

    return samples


def deviations(random: Random) -> list[Sample]:
    """Return samples of the variance and the standard deviation, with every divisor."""
    keywords: list[dict[str, Any]] = [*REDUCED, {"ddof": 1}, {"axis": 0, "ddof": 1}, {"axis": (1,), "correction": 1}]
    keywords += [*TYPED, {"axis": 1, "where": CHOSEN}, {"axis": 0, "mean": np.full((1, 4), 0.25, np.float32)}]
    return [call(spaced(random, (3, 4)), **one) for one in keywords] + [call(strided(random), axis=1)]


def deviations_of_numbers(random: Random) -> list[Sample]:
    """Return samples of the variance that passes over NaN."""
    keywords: list[dict[str, Any]] = [*REDUCED, {"ddof": 1}, {"axis": 1, "where": CHOSEN}]
    return [call(spaced(random, (3, 4)), **one) for one in keywords]


def with_zeros(random: Random) -> list[Sample]:
    """Return arrays with one zero in a row, with two, and with none."""
    array = spaced(random, (3, 4))
    array[0, 1] = array[1, 0] = array[1, 3] = 0
    return [call(array, axis=1), call(array[1], axis=0), call(array, axis=0)]


def with_nan(random: Random) -> list[Sample]:
    """Return arrays in which some elements, but not all of a row, are not a number."""
    hidden = np.array([[False, True, False, False], [False] * 4, [True, False, True, False]])
    return [call(np.where(hidden, math.nan, spaced(random, (3, 4))), **keywords) for keywords in REDUCED]


METHODS = ["lower", "midpoint", "median_unbiased", "averaged_inverted_cdf", "hazen", "closest_observation"]


def quantiles(scale: float) -> Maker:
    """Return samples with one quantile and with several, in units in which 1 is `scale`."""

    def samples(random: Random) -> list[Sample]:
        several = [0.1 * scale, 0.5 * scale, 0.93 * scale]
        calls = [call(spaced(random, (3, 4)), 0.3 * scale, **keywords) for keywords in REDUCED]
        calls += [call(spaced(random, (3, 5)), several, **keywords) for keywords in REDUCED]
        calls += [call(spaced(random, (3, 5)), several, axis=1, method=method) for method in METHODS]
        return [*calls, call(spaced(random, (4,)), [[0.0, scale]]), call(strided(random), 0.4 * scale, axis=1)]

    return both(samples, weighted_quantiles(scale))


def weighted_quantiles(scale: float) -> Maker:
    """Return samples of quantiles of elements with weights, some of them 0."""
    weights = np.array([[1, 0, 2, 1], [3, 1, 1, 0], [0, 2, 1, 2]])
    several = [0.0, 0.35 * scale, 0.8 * scale, scale]
    keywords: list[dict[str, Any]] = [
        {"weights": weights},
        {"weights": weights, "axis": 1, "keepdims": True},
        {"weights": weights, "axis": 0},
    ]
    return lambda random: [
        call(spaced(random, (3, 4)), several, method="inverted_cdf", **options) for options in keywords
    ]


def quantiles_of_numbers(scale: float) -> Maker:
    """Return samples of quantiles that pass over NaN, by several methods."""

    def samples(random: Random) -> list[Sample]:
        arrays = [sample.arguments[0] for sample in with_nan(random)]
        calls = [call(array, [0.2 * scale, 0.55 * scale], axis=1) for array in arrays]
        return calls + [call(arrays[0], 0.4 * scale, axis=0, method=method) for method in METHODS]

    return samples


def along_one(random: Random) -> list[Sample]:
    """Return samples of running sums and products in the form of the array API."""
    further: list[dict[str, Any]] = [
        {"axis": 1},
        {"axis": -2, "include_initial": True},
        {"axis": 0, "dtype": np.float64},
    ]
    return [call(spaced(random, (4,)))] + [call(spaced(random, (3, 4)), **one) for one in further]


def with_nan_along(random: Random) -> list[Sample]:
    """Return arrays in which some elements are not a number, along one axis or none."""
    return [sample for sample in with_nan(random) if sample.keywords.keys() <= {"axis"} and len(sample.keywords) < 2][
        :3
    ]


def average_samples(random: Random) -> list[Sample]:
    """Return samples without weights, with weights of the same shape, and with weights of one axis."""
    array, weights = spaced(random, (3, 4)), spaced(random, (3, 4), 0.5, 2)
    calls = [call(array), call(array, 1), call(array, None, weights), call(array, 0, weights, keepdims=True)]
    calls += [call(array, 1, spaced(random, (4,), 0.5, 2)), call(array, -2, weights, True), call(array, 0, None, True)]
    block = spaced(random, (2, 3, 4))
    calls += [call(block, axes, spaced(random, shape, 0.5, 2)) for axes, shape in [((0, 2), (2, 4)), ((2, 1), (4, 3))]]
    return [*calls, call(block, (0, 1), spaced(random, (2, 3), 0.5, 2), True, keepdims=True)]


def differences(random: Random) -> list[Sample]:
    """Return samples of diff along each axis, repeated, and with values put before and after."""
    array, ends = spaced(random, (3, 4)), spaced(random, (3, 1))
    calls = [call(array), call(array, axis=0), call(array, 2), call(array, 0), call(spaced(random, (1,)))]
    calls += [call(array, 0, -1, ends), call(array, 0, -1, 0.5, ends)]
    return [*calls, call(array, 1, -1, ends), call(array, 1, -1, 0.5, ends), call(spaced(random, (4,)), 1, -1, 0.0)]


def integrals(random: Random) -> list[Sample]:
    """Return samples of trapezoid with a fixed step, with positions of an axis and with positions of every element."""
    array = spaced(random, (3, 4))
    calls = [call(array), call(array, None, 0.5), call(array, None, 1.0, 0), call(array, spaced(random, (4,)))]
    return [*calls, call(array, spaced(random, (3, 4)), 1.0, 0)]


ALONG: Maker = both(
    with_arguments(((3, 4), ()), ((3, 4), (0,)), ((3, 4), (-1,)), ((5,), (0,)), ((), ()), ((0,), ())),
    lambda random: [call(strided(random), axis=1)],
)

SAMPLES: dict[Callable[..., Any], Maker] = {
    np.sum: reduction(*WHERE, *TYPED, *INITIAL),
    np.mean: reduction(*WHERE, *TYPED, empty=False),
    np.average: average_samples,
    np.var: deviations,
    np.std: deviations,
    reductions.root: unary(0.2, 3),
    np.max: reduction(*INITIAL, empty=False),
    np.min: reduction(*INITIAL, empty=False),
    np.amax: reduction(*INITIAL, empty=False),
    np.amin: reduction(*INITIAL, empty=False),
    np.nanvar: both(deviations_of_numbers, with_nan),
    np.nanstd: both(deviations_of_numbers, with_nan),
    np.nanmax: both(reduction(*INITIAL, empty=False), with_nan),
    np.nanmin: both(reduction(*INITIAL, empty=False), with_nan),
    np.ptp: reduction(empty=False),
    np.prod: both(reduction(*WHERE, *TYPED, *INITIAL), with_zeros),
    np.cumprod: both(ALONG, with_zeros, with_arguments(((3, 4), ()), dtype=np.float64, axis=1)),
    np.cumsum: both(ALONG, with_arguments(((3, 4), ()), dtype=np.float64, axis=1)),
    np.cumulative_sum: along_one,
    np.cumulative_prod: along_one,
    np.nancumsum: both(ALONG, with_nan_along),
    np.nancumprod: both(ALONG, with_nan_along),
    np.diff: differences,
    np.ediff1d: lambda random: [
        call(spaced(random, (5,))),
        call(spaced(random, (2, 3)), spaced(random, (2,)), spaced(random, ())),
        call(spaced(random, (3,)), None, 1.5),
    ],
    np.trapezoid: integrals,
    np.quantile: quantiles(1),
    np.percentile: quantiles(100),
    np.median: both(reduction(empty=False), of_shapes([(5,)], [(2, 3)])),
    np.nanmedian: both(reduction(empty=False), with_nan),
    np.nanquantile: both(quantiles(1), quantiles_of_numbers(1)),
    np.nanpercentile: both(quantiles(100), quantiles_of_numbers(100)),
    np.nansum: both(reduction(*WHERE, *TYPED, *INITIAL), with_nan),
    np.nanmean: both(reduction(*WHERE, *TYPED, empty=False), with_nan),
    np.nanprod: both(reduction(*WHERE, *TYPED, *INITIAL), with_nan),
}
