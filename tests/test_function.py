import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.declarations import differentiable, rule
from autodiff.function import Function
from autodiff.registry import functions


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
