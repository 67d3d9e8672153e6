"""Samples of the elementwise functions."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.rules.elementwise import DEPRECATED, clip_between, fraction
from autodiff.samples.builders import Maker, Random, Sample, Shape, binary, both, call, spaced, unary, with_arguments


def where_samples(random: Random) -> list[Sample]:
    """Return conditions with arrays, broadcast arrays and numbers to choose from."""
    condition = np.array([[True, False, True], [False, False, True]])
    shapes: list[tuple[Shape, Shape]] = [
        ((2, 3), (2, 3)),
        ((3,), (2, 1)),
        ((), (2, 3)),
        ((2, 3), ()),
        ((4, 2, 3), (3,)),
    ]
    calls = [call(condition, spaced(random, x), spaced(random, y)) for x, y in shapes]
    return [*calls, call(condition, spaced(random, (3,)), 1.5), call(condition, 0, spaced(random, (3,)))]


def nan_samples(random: Random) -> list[Sample]:
    """Return arrays beside constants that are not a number."""
    return [call(spaced(random, (3,)), np.array([math.nan] * 3, dtype=np.float16))]


def wide(random: Random) -> list[Sample]:
    """Return arrays to clip between arrays, on both sides of the bounds and between them."""
    low, high = spaced(random, (4,), -1.2, -0.4), spaced(random, (3, 1), 0.4, 1.2)
    return [call(spaced(random, (3, 4)), low, high), call(spaced(random, (2,)), np.array(0.5), np.array(-0.5))]


def clip_samples(random: Random) -> list[Sample]:
    """Return arrays to clip between numbers, between arrays, and at one end only."""
    array = spaced(random, (3, 4))
    calls = [call(array, -1.1, 0.9), call(array, None, 0.9), call(array, -1.1, None), call(array, min=-1.1, max=0.9)]
    return [*calls, *wide(random), call(spaced(random, ()), -1.1, 1.1), call(spaced(random, (0, 3)), 0, 1)]


def select_samples(random: Random) -> list[Sample]:
    """Return conditions that overlap and leave some elements to the default."""
    conditions = [np.array([True, False, False, True]), np.array([True, True, False, False])]
    arrays = [spaced(random, (4,)), spaced(random, (3, 4))]
    return [call(conditions, arrays), call(conditions, arrays, spaced(random, (4,))), call(conditions, arrays, 1.5)]


SAMPLES: dict[Callable[..., Any], Maker] = {
    np.add: binary(),
    np.subtract: binary(),
    np.multiply: binary(),
    np.divide: binary(b=(0.5, 2)),
    np.negative: unary(),
    np.positive: unary(),
    np.power: both(
        binary(a=(0.3, 2)),
        lambda random: [call(spaced(random, (3, 4)), exponent) for exponent in (2, 3.0, 1, 0)],
        lambda random: [call(spaced(random, (4,), 0.5, 2), -1.5), call(spaced(random, (3,)), np.array([2, 3, 1]))],
    ),
    np.float_power: binary(a=(0.3, 2)),
    np.reciprocal: unary(0.5, 2),
    np.square: unary(),
    np.remainder: binary(a=(2.1, 2.9), b=(0.75, 0.95)),
    np.fmod: binary(a=(-2.9, -2.1), b=(0.75, 0.95)),
    np.floor_divide: binary(a=(2.1, 2.9), b=(0.75, 0.95)),
    np.exp: unary(),
    np.exp2: unary(),
    np.expm1: unary(),
    np.log: unary(0.2, 3),
    np.log2: unary(0.2, 3),
    np.log10: unary(0.2, 3),
    np.log1p: unary(-0.5, 3),
    np.logaddexp: binary(),
    np.logaddexp2: binary(),
    np.sqrt: unary(0.2, 3),
    np.cbrt: unary(0.2, 3),
    np.sin: unary(),
    np.cos: unary(),
    np.tan: unary(-1, 1),
    np.arcsin: unary(-0.8, 0.8),
    np.arccos: unary(-0.8, 0.8),
    np.arctan: unary(),
    np.arctan2: binary(a=(0.3, 2)),
    np.hypot: binary(a=(0.3, 2)),
    np.sinh: unary(),
    np.cosh: unary(),
    np.tanh: unary(),
    np.arcsinh: unary(),
    np.arccosh: unary(1.3, 3),
    np.arctanh: unary(-0.8, 0.8),
    np.sinc: both(unary(), unary(-0.09, 0.09), lambda random: [call(np.zeros(2))]),
    np.deg2rad: unary(),
    np.radians: unary(),
    np.rad2deg: unary(),
    np.degrees: unary(),
    np.absolute: unary(),
    np.fabs: unary(),
    np.maximum: binary(a=(-2, 2), b=(-1.9, 2.05)),
    np.minimum: binary(a=(-2, 2), b=(-1.9, 2.05)),
    np.fmax: both(binary(a=(-2, 2), b=(-1.9, 2.05)), nan_samples),
    np.fmin: both(binary(a=(-2, 2), b=(-1.9, 2.05)), nan_samples),
    np.where: where_samples,
    np.copysign: binary(),
    np.heaviside: both(binary(), lambda random: [call(np.array([1, 0, -1]), spaced(random, (3,)))]),
    np.nan_to_num: both(unary(), lambda random: [call(spaced(random, (3,)), nan=1.0, posinf=5.0)]),
    np.clip: clip_samples,
    clip_between: lambda random: [call(spaced(random, (3, 4)), -1.0, spaced(random, (4,), 0.5, 1)), *wide(random)],
    np.select: select_samples,
    np.sign: unary(),
    np.floor: unary(),
    np.ceil: unary(),
    np.trunc: unary(),
    **dict.fromkeys(DEPRECATED, unary()),
    np.rint: unary(-1.9, 2.1),
    **dict.fromkeys((np.round, np.around), both(unary(-1.9, 2.1), with_arguments(((4,), (1,))))),
    **dict.fromkeys((np.real, np.imag, np.conjugate, np.angle, np.modf, fraction, np.i0), unary()),
    np.divmod: binary(a=(2.1, 2.9), b=(0.75, 0.95)),
    np.ldexp: lambda random: [call(spaced(random, (3, 4)), 2), call(spaced(random, (3,)), np.array([-1, 0, 3]))],
    np.astype: with_arguments(((3, 4), (np.float64,)), ((), (np.float64,)), ((0, 2), (np.float64,))),
}
