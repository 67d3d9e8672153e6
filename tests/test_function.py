import functools
import math
import operator

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.function import Function, check_dispatched, composed, differentiable, no_gradient, rule
from autodiff.tensor import full_name, functions


@pytest.fixture(autouse=True)
def _registry():
    """Forget what a test registers."""
    before = dict(functions)
    yield
    functions.clear()
    functions.update(before)


def leaf(*values):
    return ad.Tensor(np.array(values), requires_grad=True)


def test_a_rule_in_one_line_makes_a_function_of_numpy_differentiable():
    rule(np.nextafter, a=lambda g: g, accepts=["b"])
    x = leaf(1.0, -2.0)
    np.sum(np.nextafter(x, 0.5) * np.array([2.0, 3.0])).backward()
    np.testing.assert_array_equal(x.grad.data, [2, 3])


def test_a_decorated_function_takes_arrays_and_tensors():
    @differentiable(x=lambda g, x: 3 * g * x**2)
    def cube(x):
        return x**3

    assert type(cube(np.array([2.0]))) is np.ndarray
    x = leaf(2.0)
    cube(x).backward(create_graph=True)
    np.testing.assert_array_equal(x.grad.data, [12])
    slope, x.grad = x.grad, None
    slope.backward()
    np.testing.assert_array_equal(x.grad.data, [12])


def test_a_rule_receives_just_what_it_names():
    seen = {}

    def gradient(g, out, x, scale, x_shape):
        seen.update(out=out, x=x, scale=scale, x_shape=x_shape)
        return g * scale

    @differentiable(x=gradient)
    def scaled(x, scale=3.0):
        return x * scale

    x = leaf(1.0, 2.0)
    result = scaled(x)
    np.sum(result).backward()
    assert seen["out"] is result.data
    assert seen["x"] is x.data
    assert (seen["scale"], seen["x_shape"]) == (3.0, (2,))
    np.sum(scaled(x, scale=5.0)).backward()
    np.testing.assert_array_equal(x.grad.data, [8, 8])


def test_a_rule_that_makes_a_wrong_shape_is_named():
    @differentiable(x=lambda g: g[:1])
    def shortened(x):
        return x * 1

    with pytest.raises(AssertionError, match=r"shortened for argument 'x' made a gradient of shape \(1,\).*\(3,\)"):
        shortened(leaf(1.0, 2.0, 3.0)).backward(np.ones(3))


def test_a_rule_is_not_reshaped_to_fit():
    @differentiable(x=lambda g: g.T)
    def transposed(x):
        return x * 1

    x = ad.Tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises(AssertionError, match="transposed"):
        transposed(x).backward(np.ones((2, 3)))


def test_a_rule_that_makes_too_few_axes_is_named():
    @differentiable(x=lambda g: np.sum(g))
    def summed(x):
        return x * 1

    with pytest.raises(AssertionError, match="summed"):
        summed(leaf(1.0, 2.0)).backward(np.ones(2))


def test_a_rule_that_makes_a_wrong_dtype_is_named():
    @differentiable(x=lambda g: g * np.ones(2))
    def widened(x):
        return x * 1

    x = ad.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(AssertionError, match="widened for argument 'x' made a float64 gradient for a float32 argument"):
        widened(x).backward(np.ones(2))


def test_an_argument_without_a_rule_is_named_with_its_function():
    @differentiable(x=lambda g, y: g * y)
    def lopsided(x, y):
        return x * y

    x, y = leaf(1.0), leaf(2.0)
    lopsided(x, 2.0).backward()
    with pytest.raises(ad.MissingRuleError, match="lopsided has no derivative rule for its argument 'y'"):
        lopsided(x, y)


def test_an_argument_that_no_rule_knows_is_refused_when_it_matters():
    @differentiable(x=lambda g: g)
    def shifted(x, by=0.0, mode="plain"):
        return x + by

    assert shifted(leaf(1.0), mode="plain").item() == 1
    with pytest.raises(ad.MissingRuleError, match="argument 'mode'"):
        shifted(leaf(1.0), mode="other")


def test_an_accepted_argument_is_not_refused():
    @differentiable(x=lambda g: g, accepts=["by"])
    def shifted(x, by=0.0):
        return x + by

    assert shifted(leaf(1.0), by=2.0).item() == 3
    assert shifted(leaf(1.0), 2.0).item() == 3


def test_a_rule_that_needs_an_unknown_name_is_an_error_that_names_it():
    with pytest.raises(AssertionError, match=r"the rules of scaled name \['weight'\]"):

        @differentiable(x=lambda g, weight: g * weight)
        def scaled(x):
            return x


def test_a_rule_for_an_unknown_argument_is_an_error_that_names_it():
    with pytest.raises(AssertionError, match="wrong"):

        @differentiable(wrong=lambda g: g)
        def same(x):
            return x


def test_a_rule_takes_g_first():
    with pytest.raises(AssertionError, match="takes g first"):
        rule(np.nextafter, a=lambda x, g: g)


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


@pytest.mark.parametrize(
    ("attempt", "note"),
    [
        (lambda x: x + np.ones(3), "in np.add of float64 (2,), float64 (3,)"),
        (lambda x: x @ np.ones((3, 2)), "in np.matmul of float64 (2,), float64 (3, 2)"),
        (lambda x: x[7], "in getitem of float64 (2,), 7"),
        (lambda x: np.reshape(x, (3,)), "in np.reshape of float64 (2,), (3,)"),
        (lambda x: np.concatenate([x, np.ones((1, 2))]), "in join of float64 (2,), float64 (1, 2)"),
    ],
)
def test_numpys_errors_carry_a_note_of_what_was_computed(attempt, note):
    with pytest.raises((ValueError, IndexError)) as caught:
        attempt(leaf(1.0, 2.0))
    (found,) = caught.value.__notes__
    assert found.split(";")[0] == note


def test_a_shape_that_does_not_fit_comes_with_advice():
    with pytest.raises(ValueError, match="size 3 is different from 2") as caught:
        leaf(1.0, 2.0) @ np.ones((3, 2))
    assert "transpose" in caught.value.__notes__[0]


def test_numpy_scalars_become_0_d_arrays():
    x = leaf(1.0, 2.0)
    for result in (np.sum(x), x[0], x @ x, np.max(x), x[0] * 2, F.cross_entropy(x, np.array(0)), np.argmax(x)):
        assert type(result.data) is np.ndarray
        assert result.shape == ()


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int16, np.int32, np.uint32, np.int64, np.uint64])
def test_no_gradient_flows_through_what_is_no_floating_point_number(dtype):
    x = leaf(1.0, 2.0)
    shaped = differentiable(x=lambda g, x: g * x)(lambda x: x.astype(dtype))
    for made in (x.astype(dtype), np.astype(x * 2, dtype), shaped(x)):
        assert made.dtype == dtype
        assert not made.requires_grad
    total = np.sum(x * x.astype(dtype))
    total.backward()
    np.testing.assert_array_equal(x.grad.data, np.array([1.0, 2.0]).astype(dtype))


def test_a_function_keeps_its_name_and_documentation():
    assert isinstance(F.relu, Function)
    assert F.relu.__name__ == "relu"
    assert F.relu.__doc__.startswith("Return max(x, 0)")
    assert repr(F.relu) == "<Function relu>"


def test_an_option_that_a_composed_function_does_not_know_is_refused_by_name():
    with pytest.raises(ad.MissingRuleError, match=r"np\.quantile .* 'overwrite_input'"):
        np.quantile(leaf(1.0, 2.0), 0.5, overwrite_input=True)
