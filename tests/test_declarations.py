import functools
import math
import operator

import numpy as np
import pytest

import autodiff as ad
from autodiff.declarations import check_dispatched, composed, no_gradient, rule
from autodiff.registry import full_name, functions


@pytest.fixture(autouse=True)
def _registry():
    """Forget what a test registers."""
    before = dict(functions)
    yield
    functions.clear()
    functions.update(before)


def leaf(*values):
    return ad.Tensor(np.array(values), requires_grad=True)


def my_function(x):
    return np.exp(x)


NOT_DISPATCHED = {
    "one of the user's": my_function,
    "a lambda": lambda x: x,
    "Python's": math.exp,
    "an operator": operator.mul,
    "one that makes arrays": np.asarray,
    "a method": np.ndarray.sum,
    "a vectorized one": np.vectorize(abs),
    "a random one": np.random.default_rng(0).normal,
    "a partial": functools.partial(np.sum, axis=0),
    "a differentiable one": ad.functional.relu,
    "a composed one": ad.functional.silu,
    "a builtin": abs,
}


REGISTERING = {
    "rule": lambda function: rule(function, x=lambda g: g),
    "composed": lambda function: composed(function)(lambda x: x),
    "no_gradient": lambda function: no_gradient(function, np.nextafter),
}


@pytest.mark.parametrize("register", REGISTERING.values(), ids=REGISTERING)
@pytest.mark.parametrize("function", NOT_DISPATCHED.values(), ids=NOT_DISPATCHED)
def test_a_rule_that_nothing_would_call_is_refused(function, register):
    before = dict(functions)
    with pytest.raises(TypeError, match=r"nothing would call its rule; put @ad\.differentiable"):
        register(function)
    assert functions == before


def test_every_rule_that_is_there_is_called():
    for function in functions:
        if full_name(function).startswith("np.") or function.__module__ == "_operator":
            check_dispatched(function)


def test_a_ufunc_of_the_users_takes_a_rule():
    cube = np.frompyfunc(lambda x: x**3, 1, 1)
    rule(cube, forward=lambda x: x**3, x=lambda g, x: 3 * g * x**2)
    np.testing.assert_array_equal(ad.grad(lambda x: np.sum(cube(x)))(np.array([1.0, 2.0])), [3, 12])


def test_a_composed_function_is_made_of_others():
    @composed(np.nextafter)
    def step(a, b):
        return np.where(a > 0, a, b)

    x = leaf(1.0, -1.0)
    np.sum(np.nextafter(x, x * 2)).backward()
    np.testing.assert_array_equal(x.grad.data, [1, 2])


def test_a_function_declared_without_gradient_answers_with_a_constant():
    no_gradient(np.nextafter)
    assert not np.nextafter(leaf(1.0), 0.0).requires_grad


def test_comparisons_answer_with_constant_booleans():
    x = leaf(1.0, 2.0)
    for result in (x > 1, x == x, np.isnan(x), np.logical_not(x > 1)):
        assert type(result) is ad.Tensor
        assert result.dtype == bool
        assert not result.requires_grad
    assert not np.argmax(x).requires_grad


def test_an_option_that_a_composed_function_does_not_know_is_refused_by_name():
    with pytest.raises(ad.MissingRuleError, match=r"np\.quantile .* 'overwrite_input'"):
        np.quantile(leaf(1.0, 2.0), 0.5, overwrite_input=True)
