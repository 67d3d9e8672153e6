"""Samples of functions of samples in a row, of covariances and of Fourier transforms."""

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.rules import fourier, sequences
from autodiff.samples.builders import Maker, Random, Sample, both, call, of_shapes, spaced, with_arguments

LENGTHS = [[(5,), (3,)], [(2,), (4,)], [(3,), (3,)], [(1,), (3,)], [(4,), (2,)], [(3,), (4,)]]


def rising(random: Random, count: int) -> Any:
    """Return numbers from -2 to 2 in order."""
    return np.sort(spaced(random, (count,)))


def gradient_samples(random: Random) -> list[Sample]:
    """Return samples of slopes with even steps and with given places, of both orders at the ends."""
    array = spaced(random, (4, 5))
    calls = [call(array), call(array, 0.5), call(array, 0.5, rising(random, 5)), call(array, axis=0, edge_order=2)]
    calls += [call(array, rising(random, 5), axis=1, edge_order=2), call(array, 0.5, 2.0, axis=(1, 0), edge_order=2)]
    return [*calls, call(spaced(random, (2,))), call(spaced(random, (5,)), np.array(0.3))]


def interpolation_samples(random: Random) -> list[Sample]:
    """Return places inside of the points and outside, with values for those, and with a period."""
    xp, fp = rising(random, 5), spaced(random, (5,))
    inside, around = spaced(random, (2, 3), -1.5, 1.5), spaced(random, (6,), -3, 3)
    calls = [call(inside, xp, fp), call(around, xp, fp), call(around, xp, fp, 0.5, -1.5)]
    return [*calls, call(around, xp, fp, period=5.0), call(0.3, xp, fp), call(spaced(random, (3,)), [0.1], [2.0])]


def convolutions(function_modes: tuple[str, ...]) -> Maker:
    """Return samples of rows of all relations of lengths, by every mode."""
    return lambda random: [
        call(*[spaced(random, shape) for shape in shapes], mode) for shapes in LENGTHS for mode in function_modes
    ]


def covariances(random: Random) -> list[Sample]:
    """Return samples of variables in rows and columns, of one variable, of further ones, and with weights."""
    array, counts = spaced(random, (3, 5)), np.array([1, 2, 1, 3, 1])
    further: list[dict[str, Any]] = [{"rowvar": False}, {"bias": True}, {"ddof": 0}, {"fweights": counts}]
    further += [{"dtype": np.float64}]
    calls = [call(array, **one) for one in [{}, *further]] + [call(spaced(random, (5,)))]
    calls += [call(array, aweights=spaced(random, (5,), 0.5, 2).astype(np.float32))]
    calls += [call(array, fweights=counts, aweights=spaced(random, (5,), 0.5, 2).astype(np.float32))]
    return [*calls, call(array, spaced(random, (2, 5))), call(spaced(random, (5,)), spaced(random, (5,)))]


def correlations(random: Random) -> list[Sample]:
    """Return samples of variables in rows and columns, and of further ones."""
    calls = [call(spaced(random, (3, 5))), call(spaced(random, (5, 2)), rowvar=False)]
    return [*calls, call(spaced(random, (5,)), spaced(random, (5,)))]


def ends(low: float, high: float) -> Maker:
    """Return samples of rows between numbers, between arrays, without the end, and along another axis."""

    def samples(random: Random) -> list[Sample]:
        start, stop = spaced(random, (3,), low, high), spaced(random, (3,), low, high)
        calls = [call(start, stop, 4), call(start, stop, 3, False), call(start, stop, 4, axis=-1), call(start, 1.5, 2)]
        calls += [call(spaced(random, (), low, high), spaced(random, (3,), low, high), 3), call(start, stop, 1)]
        return [*calls, call(0.5, spaced(random, (), low, high), 5), call(start, stop, 3, dtype=np.float64)]

    return samples


def sum_of_squares(row: Any, factor: float = 1.0) -> Any:
    """Return a number made of a row."""
    return np.sum(row * row) * factor


def turned(row: Any) -> Any:
    """Return a matrix made of a row."""
    return np.stack([row, np.flip(row) * 2])


def rows_of(random: Random) -> list[Sample]:
    """Return samples of functions that make a number, a row or a matrix of a row."""
    array = spaced(random, (2, 3, 4))
    calls = [call(sum_of_squares, axis, array) for axis in (0, 1, -1)] + [call(sum_of_squares, 0, array, 2.5)]
    return [*calls, call(np.cumsum, 1, array), call(turned, 1, array), call(turned, 0, spaced(random, (3,)))]


def pieces(random: Random) -> list[Sample]:
    """Return samples with functions and constants, with a default, and with conditions that overlap."""
    array = spaced(random, (3, 4))
    above, below = np.arange(12).reshape(3, 4) % 3 == 0, np.arange(12).reshape(3, 4) % 2 == 0
    calls = [call(array, [above, ~above], [np.sin, np.exp]), call(array, [above, below], [np.sin, 1.5, np.square])]
    return [*calls, call(array, [above], [np.cos, lambda x: x * 3]), call(array[0], above[0], [np.exp, 0])]


SAMPLES: dict[Callable[..., Any], Maker] = {
    np.gradient: gradient_samples,
    np.interp: interpolation_samples,
    sequences.whole_convolution: of_shapes(*LENGTHS),
    np.convolve: convolutions(("full", "same", "valid")),
    np.correlate: convolutions(("full", "same", "valid")),
    np.polyval: lambda random: [
        call(spaced(random, (4,)), spaced(random, (2, 3))),
        call([1.0, 2.0, 3.0], spaced(random, (3,))),
        call(spaced(random, (3,)), 1.5),
    ],
    np.vander: with_arguments(((4,), ()), ((3,), (2,)), ((3,), (5, True)), ((3,), (1,))),
    np.cov: covariances,
    np.corrcoef: correlations,
    np.linspace: both(ends(-2, 2), lambda random: [call(spaced(random, (3,)), spaced(random, (3,)), 4, retstep=True)]),
    np.logspace: both(ends(-1, 1), lambda random: [call(spaced(random, (3,), 0, 1), 1.5, 3, base=2.5)]),
    np.geomspace: both(ends(0.5, 3), lambda random: [call(spaced(random, (3,), -3, -1), -0.5, 4)]),
    np.apply_along_axis: rows_of,
    np.piecewise: pieces,
    fourier.waves: with_arguments(((4,), (6,)), ((2, 3), (5,)), ((1,), (1,))),
    fourier.cosines: of_shapes([(6,)], [(2, 5)], [(1,)]),
    np.fft.irfft: with_arguments(((4,), ()), ((2, 3), (5,)), ((4,), (3, -1, "ortho")), ((3, 2), (8, 0, "forward"))),
    np.fft.hfft: with_arguments(((4,), ()), ((2, 3), (5,)), ((4,), (3, -1, "ortho")), ((3, 2), (8, 0, "forward"))),
}
