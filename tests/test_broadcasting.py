"""Properties, on random shapes and dtypes: gradients fit their arguments, and uses add up."""

import hypothesis.extra.numpy as arrays
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad

settings.register_profile("here", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("here")

FLOATS = st.sampled_from([np.float32, np.float64])
shape_pairs = arrays.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4, min_side=0)


def values(shape, dtype, seed):
    return np.random.default_rng(seed).uniform(0.5, 2, shape).astype(dtype)


def gradients(function, inputs, seed):
    """Return the result and the gradients of a function, multiplied with random weights and summed."""
    leaves = [ad.Tensor(array, requires_grad=True) for array in inputs]
    result = function(*leaves)
    result.backward(values(result.shape, result.dtype, seed))
    return result, [np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.data for leaf in leaves]


def reduced_to(gradient, shape):
    """Return a gradient summed, in float64, over the axes that an array of that shape was broadcast along."""
    added = gradient.ndim - len(shape)
    summed = gradient.astype(np.float64).sum(axis=tuple(range(added)))
    for axis, length in enumerate(shape):
        if length == 1:
            summed = summed.sum(axis=axis, keepdims=True)
    return summed


def check_against_explicit_broadcasting(function, inputs, shapes, seed):
    """Compare with the gradient of arrays that were broadcast before, in float64."""
    result, found = gradients(function, inputs, seed)
    assert result.dtype == np.result_type(*inputs)
    whole = [np.broadcast_to(array, shape).astype(np.float64) for array, shape in zip(inputs, shapes, strict=True)]
    leaves = [ad.Tensor(array, requires_grad=True) for array in whole]
    function(*leaves).backward(values(result.shape, result.dtype, seed))
    for array, gradient, leaf in zip(inputs, found, leaves, strict=True):
        assert gradient.shape == array.shape
        assert gradient.dtype == array.dtype
        expected = reduced_to(leaf.grad.data, array.shape)
        precision = 1e-4 if np.float32 in [one.dtype for one in inputs] else 1e-11
        np.testing.assert_allclose(gradient, expected, rtol=precision, atol=precision)


def check_elementwise(function, shapes, dtypes, seed):
    inputs = [values(shape, dtype, seed + i) for i, (shape, dtype) in enumerate(zip(shapes[0], dtypes, strict=True))]
    check_against_explicit_broadcasting(function, inputs, [shapes.result_shape] * 2, seed)


@given(shape_pairs, st.tuples(FLOATS, FLOATS), st.integers(0, 1000))
def test_add(shapes, dtypes, seed):
    check_elementwise(np.add, shapes, dtypes, seed)


@given(shape_pairs, st.tuples(FLOATS, FLOATS), st.integers(0, 1000))
def test_multiply(shapes, dtypes, seed):
    check_elementwise(np.multiply, shapes, dtypes, seed)


@given(shape_pairs, st.tuples(FLOATS, FLOATS), st.integers(0, 1000))
def test_divide(shapes, dtypes, seed):
    check_elementwise(np.divide, shapes, dtypes, seed)


@given(shape_pairs, st.tuples(FLOATS, FLOATS), st.integers(0, 1000))
def test_maximum(shapes, dtypes, seed):
    check_elementwise(np.maximum, shapes, dtypes, seed)


@given(
    arrays.mutually_broadcastable_shapes(num_shapes=3, max_dims=4, max_side=4, min_side=0),
    st.tuples(FLOATS, FLOATS),
    st.integers(0, 1000),
)
def test_where(shapes, dtypes, seed):
    condition_shape, *others = shapes.input_shapes
    condition = np.random.default_rng(seed).random(condition_shape) < 0.5
    inputs = [values(shape, dtype, seed + i) for i, (shape, dtype) in enumerate(zip(others, dtypes, strict=True))]
    check_against_explicit_broadcasting(
        lambda x, y: np.where(condition, x, y), inputs, [np.broadcast_shapes(*shapes.input_shapes)] * 2, seed
    )


@given(
    arrays.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=3, max_side=4, min_side=0),
    st.tuples(FLOATS, FLOATS),
    st.integers(0, 1000),
)
def test_matmul(shapes, dtypes, seed):
    inputs = [values(shape, dtype, seed + i) for i, (shape, dtype) in enumerate(zip(shapes[0], dtypes, strict=True))]
    stack = np.broadcast_shapes(*(shape[:-2] for shape in shapes.input_shapes))
    whole = [shape if len(shape) == 1 else (*stack, *shape[-2:]) for shape in shapes.input_shapes]
    check_against_explicit_broadcasting(np.matmul, inputs, whole, seed)


# Accumulation: an expression is built twice, of one leaf used several times and of a leaf for each use

steps = st.lists(st.tuples(st.sampled_from("+-*/mew"), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12)


def build(steps, first, next_leaf):
    """Return the last value of a random graph, whose steps take earlier values or a leaf."""
    found = [first]
    for kind, i, j in steps:
        a = found[i % len(found)]
        b = next_leaf() if j % 3 == 0 else found[j % len(found)]
        if kind == "+":
            result = a + b
        elif kind == "-":
            result = a - b * 0.5
        elif kind == "*":
            result = a * b * 0.3
        elif kind == "/":
            result = a / (b * b + 1.0)
        elif kind == "m":
            result = np.maximum(a, b)
        elif kind == "e":
            result = np.tanh(a) + b[::-1]
        else:
            result = a @ (b * 0.1) + a
        found.append(result)
    return sum(found[-3:], start=found[0])


@given(steps, FLOATS, st.integers(0, 1000))
def test_a_leaf_used_many_times_receives_the_sum_over_its_uses(steps, dtype, seed):
    array = values((3,), dtype, seed)
    one = ad.Tensor(array, requires_grad=True)
    np.sum(build(steps, one, lambda: one)).backward()

    copies = []

    def another():
        copies.append(ad.Tensor(array, requires_grad=True))
        return copies[-1]

    np.sum(build(steps, another(), another)).backward()
    expected = sum(copy.grad.data.astype(np.float64) for copy in copies if copy.grad is not None)
    assert one.grad.dtype == dtype
    np.testing.assert_allclose(one.grad.data, expected, rtol=1e-4 if dtype == np.float32 else 1e-12)


@given(steps, st.integers(0, 1000))
def test_a_differentiable_pass_finds_the_same_gradient(steps, seed):
    array = values((3,), np.float64, seed)
    found = []
    for create_graph in (False, True):
        x = ad.Tensor(array, requires_grad=True)
        np.sum(build(steps, x, lambda x=x: x)).backward(create_graph=create_graph)
        found.append(x.grad.data)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12)
