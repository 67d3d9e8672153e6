"""What a refusal says to type instead does what was meant, and is taken."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.refusing import refused

X = np.array([1.0, 2.0, -3.0])
TABLE = [1.0, 2.0, 4.0]
RNG = np.random.default_rng(0)
STATE = SimpleNamespace(count=3)

ADVICE = {
    "a branch": (
        lambda x: x if np.sum(x) > 0 else -x,
        r"choose with np\.where",
        lambda x: np.where(np.sum(x) > 0, x, -x),
    ),
    "max of Python": (
        lambda x: max(x[0], x[1]) * x,
        r"choose with np\.where",
        lambda x: np.where(x[0] > x[1], x[0], x[1]) * x,
    ),
    "a mask": (
        lambda x: np.sum(x[x > 0]),
        r"np\.where\(mask, t, 0\)",
        lambda x: np.sum(np.where(x > 0, x, 0)),
    ),
    "the index of a list": (
        lambda x: x * TABLE[np.argmax(x)],
        r"np\.take\(array, index\)",
        lambda x: x * np.take(np.array(TABLE), np.argmax(x)),
    ),
    "a slice": (
        lambda x: x[np.argmin(x**2) : np.argmin(x**2) + 2],
        r"a fixed number of elements, with np\.take of an index",
        lambda x: np.take(x, np.argmin(x**2) + np.arange(2), mode="clip"),
    ),
    "the eigenvalues": (
        lambda x: np.abs(np.linalg.eigvals(np.diag(x))),
        r"t\.astype\(complex\)",
        lambda x: np.abs(np.linalg.eigvals(np.diag(x).astype(complex))),
    ),
    "a NumPy number of a recorded one": (
        lambda x: x * np.float32(np.sum(x)),
        r"t\.astype\(dtype\)",
        lambda x: x * np.sum(x).astype(np.float32),
    ),
    "an array out of sight": (
        lambda x: np.add(x, 1, out=np.tile(0.0, 3)),
        r"make it with np\.zeros",
        lambda x: np.add(x, 1, out=np.zeros(3)),
    ),
    "writing into one": (
        lambda x: np.put(np.tile(0.0, 3), [0], x[0]),
        r"make it with np\.zeros",
        lambda x: np.put(np.zeros(3), [0], x[0]),
    ),
    "np.nan_to_num in place": (
        lambda x: np.nan_to_num(x, copy=False),
        r"write t\[\.\.\.\] = result",
        lambda x: np.nan_to_num(x),
    ),
    "a float of a counter": (
        lambda x: counted(x, lambda: float(STATE.count)),
        r"write n \+ 0\.0",
        lambda x: counted(x, lambda: STATE.count + 0.0),
    ),
    "objects": (
        lambda x: np.frompyfunc(math.cos, 1, 1)(x).astype(float),
        r"NumPy's functions",
        lambda x: np.cos(x),
    ),
    "the shape set": (
        lambda x: reshaped(x * 2),
        r"call a function that returns the new array",
        lambda x: np.reshape(x * 2, (3, 1)),
    ),
    "Python's generator": (
        lambda x: x + np.random.rand(3) * 0,  # noqa: NPY002
        r"draw from a np\.random\.Generator that the function reaches",
        lambda x: x + RNG.random(3) * 0,
    ),
}


def counted(x, number):
    STATE.count += 1
    return x * number() * 0 + x


def reshaped(t):
    t.shape = (3, 1)
    return t


@pytest.mark.parametrize(("function", "advice", "advised"), ADVICE.values(), ids=ADVICE)
def test_what_a_refusal_says_to_type_instead_works(function, advice, advised):
    message = refused(ad.capture(function), advice, argument=X.copy())
    assert "test_advice.py:" in message
    step = ad.capture(advised)
    for i in range(8):
        x = np.roll(X, i)
        expected = advised(x)
        found = step(x)
        assert (expected is None) == (found is None)
        if found is not None:
            np.testing.assert_allclose(found, expected)
