import numpy as np
import pytest

import autodiff as ad


def norm(w):
    return np.sum(w * w)


def test_grad_takes_an_array_and_returns_an_array():
    found = ad.grad(lambda w: np.sum(np.tanh(w) ** 2))(np.array([0.5, -1.0]))
    assert type(found) is np.ndarray
    t = np.tanh([0.5, -1.0])
    np.testing.assert_allclose(found, 2 * t * (1 - t * t), rtol=1e-14)


def test_value_and_grad_returns_both():
    value, found = ad.value_and_grad(norm)(np.array([1.0, 2.0]))
    assert value == 5
    assert type(value) is np.ndarray
    np.testing.assert_array_equal(found, [2, 4])


def test_the_dtype_is_kept_and_python_numbers_are_float32():
    assert ad.grad(norm)(np.ones(2, np.float32)).dtype == np.float32
    assert ad.grad(norm)(np.ones(2)).dtype == np.float64
    found = ad.grad(lambda x: x**3)(2.0)
    assert found.dtype == np.float32
    assert found == 12


def test_a_constant_tensor_counts_as_an_array():
    found = ad.grad(norm)(ad.Tensor([1.0, 2.0]))
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, [2, 4])


def test_the_argument_is_not_changed_and_not_kept():
    x = np.array([1.0, 2.0])
    kept = []

    def function(w):
        kept.append(w)
        return norm(w)

    ad.grad(function)(x)
    assert not np.shares_memory(kept[0].data, x)


# argnums


def test_argnums_chooses_the_argument():
    function = lambda a, b: np.sum(a * b * b)
    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    np.testing.assert_array_equal(ad.grad(function)(a, b), b * b)
    np.testing.assert_array_equal(ad.grad(function, 1)(a, b), 2 * a * b)


def test_several_argnums_give_a_tuple_in_their_order():
    function = lambda a, b: np.sum(a * b * b)
    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    found = ad.grad(function, (1, 0))(a, b)
    assert isinstance(found, tuple)
    np.testing.assert_array_equal(found[0], 2 * a * b)
    np.testing.assert_array_equal(found[1], b * b)
    assert isinstance(ad.grad(function, (0,))(a, b), tuple)


def test_negative_argnums_count_from_the_end():
    function = lambda a, b: np.sum(a * b * b)
    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    for argnums in (-1, (0, -1)):
        found = ad.grad(function, argnums)(a, b)
        np.testing.assert_array_equal(found[-1] if isinstance(found, tuple) else found, 2 * a * b)


TRANSFORMS = {"grad": ad.grad, "value_and_grad": ad.value_and_grad, "jacobian": ad.jacobian, "hessian": ad.hessian}
each_transform = pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)


@each_transform
@pytest.mark.parametrize("argnums", [1, -2, (0, 1), (0, -2)])
def test_argnums_beyond_the_arguments_are_an_error(transform, argnums):
    with pytest.raises(IndexError, match=r"argnums names the argument (1|-2), found 1 arguments given by position"):
        transform(norm, argnums)(np.ones(2))


@each_transform
def test_an_argument_given_by_name_cannot_be_chosen(transform):
    with pytest.raises(IndexError, match="found 0 arguments given by position; those given by name cannot be chosen"):
        transform(lambda x: np.sum(x))(x=np.ones(2))


@each_transform
@pytest.mark.parametrize("argnums", [[0], "x", 1.0, (), (0, "x"), None, np.ones(2), slice(1)], ids=repr)
def test_argnums_that_are_no_integers_are_refused_at_once(transform, argnums):
    with pytest.raises(TypeError, match=r"argnums must be an integer or a tuple of integers, such as \(0, 1\), found"):
        transform(norm, argnums)


def test_what_comes_second_is_not_the_point():
    with pytest.raises(TypeError, match=r"a transform returns a function: write ad\.grad\(f\)\(x\)"):
        ad.grad(norm, np.ones(2))


NO_PAIR = {
    "a scalar": (lambda x: np.sum(x), r"Tensor of shape \(\)"),
    "an array of two": (lambda x: x * 1, r"Tensor of shape \(2,\)"),
    "three": (lambda x: (np.sum(x), 1, 2), "a tuple of 3"),
    "one": (lambda x: (np.sum(x),), "a tuple of 1"),
    "a list": (lambda x: [np.sum(x), 1], "list"),
    "nothing": (lambda x: None, "NoneType"),
}
WITH_AUX = {
    **{name: lambda f, t=t: t(f, has_aux=True)(np.ones(2)) for name, t in TRANSFORMS.items()},
    "vjp": lambda f: ad.vjp(f, np.ones(2), has_aux=True),
    "jvp": lambda f: ad.jvp(f, (np.ones(2),), (np.ones(2),), has_aux=True),
}


@pytest.mark.parametrize("call", WITH_AUX.values(), ids=WITH_AUX)
@pytest.mark.parametrize(("function", "found"), NO_PAIR.values(), ids=NO_PAIR)
def test_has_aux_takes_a_pair_and_nothing_else(call, function, found):
    with pytest.raises(TypeError, match=r"returns a pair, \(value, something else\), found " + found):
        call(function)


def test_a_pair_without_has_aux_is_told():
    with pytest.raises(TypeError, match="found tuple; has_aux=True"):
        ad.grad(lambda x: (np.sum(x), 1))(np.ones(2))


def test_other_arguments_and_keywords_are_passed_as_they_are():
    seen = []

    def function(w, labels, *, power):
        seen.extend([labels, power])
        return np.sum(w**power)

    labels = np.array([1, 2])
    np.testing.assert_array_equal(ad.grad(function)(np.array([2.0]), labels, power=3), [12])
    assert seen[0] is labels
    assert seen[1] == 3


# Independence


def test_the_gradient_is_0_where_the_function_does_not_depend_on_the_argument():
    found = ad.grad(lambda a, b: np.sum(a), (0, 1))(np.ones(2), np.ones((3, 1), np.float32))
    np.testing.assert_array_equal(found[1], np.zeros((3, 1)))
    assert found[1].dtype == np.float32


def test_the_gradient_is_0_where_it_is_detached():
    np.testing.assert_array_equal(ad.grad(lambda x: np.sum(x.detach()))(np.ones(2)), [0, 0])
    np.testing.assert_array_equal(ad.grad(lambda x: np.sum(np.sign(x)))(np.ones(2)), [0, 0])


def test_leaves_outside_receive_nothing():
    weight = ad.Tensor(np.array([2.0]), requires_grad=True)
    np.testing.assert_array_equal(ad.grad(lambda x: np.sum(x * weight))(np.array([3.0])), [2])
    assert weight.grad is None


def test_grad_works_under_no_grad_and_keeps_the_mode():
    x = ad.Tensor([1.0], requires_grad=True)
    with ad.no_grad():
        np.testing.assert_array_equal(ad.grad(norm)(np.array([3.0])), [6])
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_an_error_within_leaves_the_mode_as_it_was():
    def function(w):
        raise KeyError

    with pytest.raises(KeyError):
        ad.grad(function)(np.ones(1))
    assert type(ad.grad(norm)(np.ones(1))) is np.ndarray


# Nesting


def test_grad_of_grad_of_a_scalar_function():
    function = lambda x: np.sum(x**4)
    x = np.array(2.0)
    for expected in (32, 48, 48, 24, 0):
        function = ad.grad(function)
        found = function(x)
        assert type(found) is np.ndarray
        np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_a_gradient_in_y_is_differentiated_in_x():
    function = lambda x, y: np.sum(x**3 * y**2)
    mixed = ad.grad(lambda x, y: np.sum(ad.grad(function, 1)(x, y)))
    np.testing.assert_allclose(mixed(np.array([2.0]), np.array([5.0])), [2 * 5 * 3 * 4], rtol=1e-14)


def test_an_inner_gradient_sees_the_outer_variable_through_its_closure():
    def outer(x):
        inner = ad.grad(lambda y: np.sum(x**3 * y**2))
        return np.sum(inner(np.array([5.0])))  # 2 y x^3

    np.testing.assert_allclose(ad.grad(outer)(np.array([2.0])), [10 * 12], rtol=1e-14)
    np.testing.assert_allclose(ad.grad(lambda x: np.sum(ad.grad(outer)(x)))(np.array([2.0])), [10 * 12], rtol=1e-14)


def test_inner_and_outer_variables_are_not_confused():
    # d/dx (x * d/dy (x + y)) = 1, where confusing the two gives 2 (Siskind & Pearlmutter 2005)
    function = lambda x: x * ad.grad(lambda y: x + y)(1.0)
    assert ad.grad(function)(1.0) == 1


def test_the_inner_gradient_at_the_outer_variable_itself():
    # y -> x y at y = x: the inner gradient is x, the outer derivative 1 and not 2
    function = lambda x: np.sum(ad.grad(lambda y: np.sum(x * y))(x))
    np.testing.assert_array_equal(ad.grad(function)(np.array([3.0])), [1])


def test_the_value_of_an_inner_pass_is_differentiable():
    def function(x):
        value, slope = ad.value_and_grad(lambda y: np.sum(y**3))(x)
        return value * np.sum(slope)

    np.testing.assert_allclose(ad.grad(function)(np.array([2.0])), [15 * 2**4], rtol=1e-14)


def test_tensors_that_require_a_gradient_give_tensors():
    x = ad.Tensor(np.array([2.0]), requires_grad=True)
    slope = ad.grad(lambda y: np.sum(y**3))(x)
    assert type(slope) is ad.Tensor
    slope.backward()
    np.testing.assert_array_equal(x.grad.data, [12])


# Errors


@pytest.mark.parametrize(
    ("function", "found"),
    [
        (lambda x: x * 2, r"Tensor of shape \(2,\)"),
        (lambda x: np.ones(2), r"Tensor of shape \(2,\)"),
        (lambda x: None, "NoneType"),
        (lambda x: "3", "str"),
    ],
)
def test_a_function_that_is_not_scalar_is_refused(function, found):
    with pytest.raises(TypeError, match="computes a scalar from its arguments, found " + found):
        ad.grad(function)(np.ones(2))


@pytest.mark.parametrize(
    "constant", [3.0, 3, np.float32(3), np.array(3.0), np.array([[3.0]]), ad.Tensor(3.0)], ids=repr
)
def test_the_gradient_of_a_constant_is_zero(constant):
    value, found = ad.value_and_grad(lambda x, y: constant, argnums=(0, 1))(np.ones(2), 1.0)
    assert np.all(value == 3)
    np.testing.assert_array_equal(found[0], np.zeros(2))
    assert found[1] == 0
    np.testing.assert_array_equal(ad.hessian(lambda x: constant)(np.ones(2)), np.zeros((2, 2)))
    np.testing.assert_array_equal(ad.grad(lambda x: np.sum(x) * ad.grad(lambda y: constant)(x)[0])(np.ones(2)), [0, 0])


def test_integers_are_refused():
    with pytest.raises(TypeError, match="only floating-point"):
        ad.grad(norm)(np.array([1, 2]))
