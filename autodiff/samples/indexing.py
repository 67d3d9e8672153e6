"""Samples of every kind of index."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.rules.indexing import place
from autodiff.samples.builders import Maker, Random, Sample, call, spaced, strided

INDICES: list[Any] = [
    1,
    -1,
    slice(None, None, -2),
    ...,
    None,
    (slice(None), 2),
    (1, 2),
    (..., None, 1),
    (slice(1, 1), 0),
    [0, 0, 2],
    (np.array([0, 2, 0]), np.array([1, 1, 1])),
    (np.array([[0], [2]]), [1, 3]),
    (slice(None), [3, 3]),
    np.array([True, False, True]),
    np.arange(12).reshape(3, 4) % 3 == 0,
    (np.array([True, False, True]), 1),
]


def getitem_samples(random: Random) -> list[Sample]:
    """Return every kind of index: integers, slices, new axes, arrays of integers with repeats, masks."""
    calls = [call(spaced(random, (3, 4)), index) for index in INDICES]
    return [*calls, call(spaced(random, ()), ()), call(spaced(random, (0, 3)), slice(None)), call(strided(random), 0)]


def place_samples(random: Random) -> list[Sample]:
    """Return gradients of what each index picks from a (3, 4) array."""
    whole = np.zeros((3, 4))
    return [call(spaced(random, np.shape(whole[index])), index, (3, 4)) for index in INDICES]


def setitem_samples(random: Random) -> list[Sample]:
    """Return arrays and values to write at every kind of index; values are broadcast, the last one written stays."""
    whole = np.zeros((3, 4))
    calls = [call(spaced(random, (3, 4)), index, spaced(random, np.shape(whole[index]))) for index in INDICES]
    return [*calls, call(spaced(random, (3, 4)), 1, spaced(random, ())), call(spaced(random, (3, 4)), 0, 2.5)]


SAMPLES: dict[Callable[..., Any], Maker] = {
    operator.getitem: getitem_samples,
    operator.setitem: setitem_samples,
    place: place_samples,
}
