"""Runs of a function as it is and captured, compared."""

import itertools
from collections import namedtuple

import numpy as np
import pytest

import autodiff as ad
from autodiff.trees import flatten, mapped

TOLERANCE = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-6}

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])

each_exactness = pytest.mark.parametrize("exact", [False, True], ids=["fast", "exact"])


def eager(function):
    return function


def captured(exact):
    return lambda function: ad.capture(function, exact=exact)


def check(run, exact):
    """Compare what a run leaves with its step captured, and as it is."""
    expected, found = run(eager), run(captured(exact))
    assert len(expected) == len(found)
    for i, pair in enumerate(zip(found, expected, strict=True)):
        assert_same(*pair, exact, f"value {i} of {len(found)}")


def assert_same(found, expected, exact, name):
    if isinstance(expected, ad.Tensor):
        assert isinstance(found, ad.Tensor), name
        found, expected = found.data, expected.data
    if not isinstance(expected, np.ndarray):
        assert type(found) is type(expected), name
        if isinstance(expected, float) and not exact:
            assert found == pytest.approx(float(expected), rel=TOLERANCE[np.dtype(type(expected))]), name
        else:
            assert found == expected, name
        return
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape), name
    if exact or expected.dtype.kind != "f":
        assert found.tobytes() == expected.tobytes(), name
    else:
        tolerance = TOLERANCE[expected.dtype]
        scale = np.max(np.abs(expected), initial=0)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * scale, err_msg=name)


def network(activation=ad.ReLU, dtype=np.float64, sizes=(2, 8, 3)):
    rng = np.random.default_rng(3)
    layers = []
    for width, following in itertools.pairwise(sizes):
        init = "he" if activation is ad.ReLU else "glorot"
        layers += [ad.Linear(width, following, rng=rng, init=init, dtype=dtype), activation()]
    return ad.Sequential(*layers[:-1])


def points(dtype=np.float64, count=30, seed=5):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 2)).astype(dtype)
    return x, (x[:, 0] * x[:, 1] > 0).astype(np.int64) + (x[:, 0] > 1)


Batch = namedtuple("Batch", ["x", "y"])


def check_calls(build, exact=False, calls=12):
    """Compare what every call returns, with a function captured and as it is.

    build: makes a step anew, wraps it, and returns what calls it, for the number of the call.
    """

    def run(wrap):
        call = build(wrap)
        return [leaf for i in range(calls) for leaf in flatten(mapped(call(i), copied))]

    check(run, exact)


def copied(value):
    if isinstance(value, ad.Tensor):
        return ad.Tensor(value.data)
    return value.copy() if isinstance(value, np.ndarray) else value
