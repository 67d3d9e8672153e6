"""Transforms beyond grad: products, Jacobians, Hessians, all within each other, and what they keep in memory."""

import gc
import itertools
import pickle
import tracemalloc
import weakref
from typing import NamedTuple

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812

RANDOM = np.random.default_rng(0)
A = RANDOM.standard_normal((3, 4))
X = RANDOM.standard_normal(4)
Y = RANDOM.standard_normal(4)
V = RANDOM.standard_normal(4)
W = RANDOM.standard_normal(3)


def slopes(function, x, step=1e-6):
    """Return the numerical Jacobian of a function of one array: of shape (value's, argument's)."""
    columns = []
    for index in np.ndindex(x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[index] += sign * step
            ends.append(np.asarray(function(moved)))
        columns.append((ends[0] - ends[1]) / (2 * step))
    return np.stack(columns, axis=-1).reshape(columns[0].shape + x.shape)


def close(found, expected, tolerance=1e-12):
    assert type(found) is np.ndarray
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def cubes(x):
    return A @ x**3


def energy(x):
    return np.sum(x**4) / 4 + np.sum(x) ** 3 / 6


def hessian_of_energy(x):
    return np.diag(3 * x**2) + np.sum(x)


# Products with vectors


def test_vjp_is_the_jacobian_from_the_left_as_often_as_wanted():
    value, pull_back = ad.vjp(cubes, X)
    close(value, A @ X**3)
    for _ in range(2):
        (found,) = pull_back(W)
        close(found, (W @ A) * 3 * X**2)
    (found,) = pull_back(2 * W)
    close(found, 2 * (W @ A) * 3 * X**2)


def test_jvp_is_the_jacobian_from_the_right():
    value, found = ad.jvp(cubes, (X,), (V,))
    close(value, A @ X**3)
    close(found, A @ (3 * X**2 * V))


def test_jvp_and_vjp_agree_with_numerical_derivatives_of_a_network():
    def network(x):
        return F.softmax(np.tanh(A @ x) * np.mean(x) + np.linalg.norm(x))

    jacobian = slopes(lambda x: network(ad.Tensor(x)).data, X)
    close(ad.jacobian(network)(X), jacobian, 1e-8)
    close(ad.jvp(network, (X,), (V,))[1], jacobian @ V, 1e-8)
    close(ad.vjp(network, X)[1](W)[0], W @ jacobian, 1e-8)


def test_hvp_is_the_hessian_times_a_vector():
    (found,) = ad.hvp(energy, (X,), (V,))
    close(found, hessian_of_energy(X) @ V)


def test_hvp_of_several_arguments_takes_the_mixed_derivatives_along():
    function = lambda x, y: np.sum(x**2 * y) + np.sum(y**3)
    for_x, for_y = ad.hvp(function, (X, Y), (V, W[0] * V))
    close(for_x, 2 * Y * V + 2 * X * W[0] * V)
    close(for_y, 2 * X * V + 6 * Y * W[0] * V)


def test_products_of_a_linear_and_of_a_constant_function():
    close(ad.hvp(np.sum, (X,), (V,))[0], np.zeros(4))
    close(ad.jvp(lambda x: A @ x, (X,), (V,))[1], A @ V)
    close(ad.jvp(np.sign, (X,), (V,))[1], np.zeros(4))
    close(ad.jacobian(lambda x: np.ones(2))(X), np.zeros((2, 4)))


def test_products_keep_float32():
    x, v = X.astype(np.float32), V.astype(np.float32)
    assert {part.dtype for part in ad.jvp(np.tanh, (x,), (v,))} == {np.dtype(np.float32)}
    assert ad.hvp(energy, (x,), (v,))[0].dtype == np.float32
    assert ad.hessian(energy)(x).dtype == np.float32


@pytest.mark.parametrize("transform", [ad.jvp, ad.hvp])
def test_vectors_of_other_shapes_are_refused(transform):
    for vectors in ((V[:3],), (V, V), ([V],)[:0]):
        with pytest.raises(ValueError, match="need vectors of the same"):
            transform(energy, (X,), vectors)


# Jacobians and Hessians


def test_the_jacobian_has_the_shape_of_value_and_argument():
    function = lambda x: np.reshape(x, (2, 2)) @ np.reshape(x, (2, 2))
    found = ad.jacobian(function)(X)
    assert found.shape == (2, 2, 4)
    close(found, slopes(function, X), 1e-8)
    assert ad.jacobian(lambda x: x[:0])(X).shape == (0, 4)
    close(ad.jacobian(lambda x: np.sum(x))(X), np.ones(4))


def test_the_hessian_is_symmetric_and_its_closed_form():
    found = ad.hessian(energy)(X)
    close(found, hessian_of_energy(X))
    close(found, found.T)


def test_a_hessian_of_several_arguments_has_blocks():
    function = lambda x, y, n: np.sum(x**n * np.exp(y))
    blocks = ad.hessian(function, (0, 1))(X, Y, 3)
    close(blocks[0][0], np.diag(6 * X * np.exp(Y)))
    close(blocks[0][1], np.diag(3 * X**2 * np.exp(Y)))
    close(blocks[1][0], np.diag(3 * X**2 * np.exp(Y)))
    close(blocks[1][1], np.diag(X**3 * np.exp(Y)))
    close(ad.hessian(function, -2)(X, Y, 3), np.diag(X**3 * np.exp(Y)))


# Structures


class Layer(NamedTuple):
    weight: object
    bias: object


def predicted(parameters, x):
    first, rest = parameters["layers"]
    return np.tanh(x @ first.weight + first.bias) @ rest[0] * parameters["scale"]


def parameters_like(make):
    return {"layers": [Layer(make((4, 3)), make((3,))), (make((3, 2)),)], "scale": make(())}


PARAMETERS = parameters_like(lambda shape: np.asarray(np.random.default_rng(sum(shape)).standard_normal(shape)))


def test_gradients_have_the_structure_of_the_arguments():
    loss = lambda parameters: np.sum(predicted(parameters, A) ** 2)
    found = ad.grad(loss)(PARAMETERS)
    assert list(found) == ["layers", "scale"]
    assert type(found["layers"]) is list
    assert type(found["layers"][0]) is Layer
    assert type(found["layers"][1]) is tuple

    def of_bias(bias):
        layers = [PARAMETERS["layers"][0]._replace(bias=bias), PARAMETERS["layers"][1]]
        return loss({**PARAMETERS, "layers": layers})

    close(found["layers"][0].bias, slopes(of_bias, PARAMETERS["layers"][0].bias), 1e-6)
    expected = 2 * np.sum(predicted(PARAMETERS, A) ** 2) / PARAMETERS["scale"]
    close(found["scale"], expected)


def test_products_take_structures():
    vectors = parameters_like(lambda shape: np.asarray(np.random.default_rng(9).standard_normal(shape)))
    function = lambda parameters: predicted(parameters, A)
    _, forwards = ad.jvp(function, (PARAMETERS,), (vectors,))
    g = np.random.default_rng(3).standard_normal(forwards.shape)
    (backwards,) = ad.vjp(function, PARAMETERS)[1](g)
    pairs = [
        (backwards["layers"][0].weight, vectors["layers"][0].weight),
        (backwards["layers"][0].bias, vectors["layers"][0].bias),
        (backwards["layers"][1][0], vectors["layers"][1][0]),
        (backwards["scale"], vectors["scale"]),
    ]
    np.testing.assert_allclose(np.sum(forwards * g), sum(np.sum(a * b) for a, b in pairs), rtol=1e-12)
    (product,) = ad.hvp(lambda parameters: np.sum(function(parameters) ** 2), (PARAMETERS,), (vectors,))
    assert product["layers"][0].weight.shape == (4, 3)


def test_a_jacobian_of_structures_is_a_structure_of_structures():
    function = lambda p: {"sum": p["a"] + p["b"], "products": [p["a"] * p["b"]]}
    found = ad.jacobian(function)({"a": X, "b": Y})
    close(found["sum"]["a"], np.eye(4))
    close(found["products"][0]["a"], np.diag(Y))
    close(found["products"][0]["b"], np.diag(X))


def test_a_hessian_of_structures_has_a_block_for_each_pair():
    found = ad.hessian(lambda p: np.sum(p["a"] ** 2 * p["b"]))({"a": X, "b": Y})
    close(found["a"]["a"], np.diag(2 * Y))
    close(found["a"]["b"], np.diag(2 * X))
    close(found["b"]["b"], np.zeros((4, 4)))


def test_has_aux_hands_on_what_else_a_function_returns():
    function = lambda x: (np.sum(x**2), {"doubled": x * 2, "name": "a", "count": 3})
    found, aux = ad.grad(function, has_aux=True)(X)
    close(found, 2 * X)
    close(aux["doubled"], 2 * X)
    assert (aux["name"], aux["count"]) == ("a", 3)
    (value, aux), found = ad.value_and_grad(function, has_aux=True)(X)
    close(value, np.sum(X**2))
    close(found, 2 * X)
    with pytest.raises(TypeError):
        ad.grad(function)(X)


def test_aux_of_an_inner_transform_can_be_differentiated():
    inner = ad.grad(lambda y: (np.sum(y**3), np.sum(y**2)), has_aux=True)
    close(ad.grad(lambda x: inner(x)[1] + np.sum(inner(x)[0]))(X), 2 * X + 6 * X)


# One within another: every way to a derivative of third order of sum(x^4 + 2 x^3)


def polynomial(x):
    return np.sum(x**4 + 2 * x**3)


def by_grad(function):
    return ad.grad(function)


def by_value_and_grad(function):
    return lambda x: ad.value_and_grad(function)(x)[1]


def by_vjp(function):
    return lambda x: ad.vjp(function, x)[1](np.ones_like(np.sum(x)))[0]


def by_jacobian(function):
    return lambda x: ad.jacobian(function)(x)


def by_jvp(function):
    """Return the gradient of a function that treats every element alike, from its slope along each."""
    units = np.eye(4)
    return lambda x: np.stack([ad.jvp(function, (x,), (unit,))[1] for unit in units])


WAYS = [by_grad, by_value_and_grad, by_vjp, by_jacobian, by_jvp]


@pytest.mark.parametrize(
    "ways", [*itertools.product(WAYS, repeat=2)], ids=lambda ways: "-".join(w.__name__ for w in ways)
)
def test_any_transform_of_any_other(ways):
    outer, inner = ways
    close(outer(lambda x: np.sum(inner(polynomial)(x)))(X), 12 * X**2 + 12 * X)


@pytest.mark.parametrize(
    "ways", [*itertools.permutations([by_grad, by_vjp, by_jvp]), (by_jvp,) * 3, (by_jacobian,) * 3]
)
def test_three_transforms_within_each_other(ways):
    function = polynomial
    for way in ways:
        function = lambda x, way=way, before=function: np.sum(way(before)(x))
    found = function(X)
    np.testing.assert_allclose(found.data if isinstance(found, ad.Tensor) else found, np.sum(24 * X + 12), rtol=1e-12)


@pytest.mark.parametrize("inner", [ad.hessian, lambda function: lambda x: ad.jacobian(ad.grad(function))(x)])
def test_a_gradient_of_a_hessian(inner):
    close(ad.grad(lambda x: np.sum(inner(polynomial)(x)))(X), 24 * X + 12)
    close(ad.jacobian(lambda x: np.diagonal(inner(polynomial)(x)))(X), np.diag(24 * X + 12))


def test_a_product_with_the_hessian_of_a_gradient_of_a_closure():
    outer = lambda s: np.sum(ad.hvp(lambda x: s**2 * polynomial(x), (X,), (V,))[0])
    close(ad.grad(outer)(np.array(1.5)), 3 * np.sum((12 * X**2 + 12 * X) * V))
    through = lambda s: np.sum(ad.jvp(lambda x: s * x**3, (X,), (V,))[1])
    close(ad.grad(through)(np.array(1.5)), np.sum(3 * X**2 * V))
    vectors = lambda v: np.sum(ad.jvp(lambda x: x**3, (X,), (v,))[1])
    close(ad.grad(vectors)(V), 3 * X**2)
    seeds = lambda g: np.sum(ad.vjp(lambda x: x**3, X)[1](g)[0])
    close(ad.grad(seeds)(V), 3 * X**2)


CUBES = A * (3 * X**2)  # the Jacobian of cubes at X
PULL = ad.vjp(cubes, X)[1]  # made outside of whatever differentiates it
LINEAR = {
    "what vjp returned": (lambda g: PULL(g)[0], CUBES.T),
    "what vjp returned, twice over": (lambda g: PULL(A @ PULL(g)[0])[0], CUBES.T @ A @ CUBES.T),
    "vjp": (lambda g: ad.vjp(cubes, X)[1](g)[0], CUBES.T),
    "jvp": (lambda v: ad.jvp(cubes, (X,), (v,))[1], CUBES),
    "hvp": (lambda v: ad.hvp(energy, (X,), (v,))[0], hessian_of_energy(X)),
    "a Gauss-Newton product": (lambda v: PULL(ad.jvp(cubes, (X,), (v,))[1])[0], CUBES.T @ CUBES),
    "grad of a keyword": (lambda v: ad.grad(lambda x, v: np.sum(v * energy(x)))(X, v=v), None),
    "jacobian of a keyword": (lambda v: ad.jacobian(lambda x, v: v * energy(x))(X, v=v), None),
}


def by_leaf(function):
    """Return the Jacobian of a function by backward passes from a leaf outside of any transform."""

    def jacobian(v):
        rows = []
        for i in range(np.size(function(v))):
            x = ad.Tensor(v, requires_grad=True)
            np.ravel(function(x))[i].backward()
            rows.append(x.grad.data)
        return np.stack(rows).reshape(np.shape(function(v)) + v.shape)

    return jacobian


def by_columns(function):
    return lambda v: np.stack([ad.jvp(function, (v,), (unit,))[1] for unit in np.eye(len(v))], axis=-1)


@pytest.mark.parametrize("way", [ad.jacobian, by_leaf, by_columns], ids=["jacobian", "backward", "jvp"])
@pytest.mark.parametrize("name", LINEAR)
def test_products_are_differentiated_by_what_they_multiply(name, way):
    function, expected = LINEAR[name]
    point = W if "vjp" in name else V
    close(way(function)(point), slopes(function, point) if expected is None else expected, 1e-8)


def test_a_transform_of_one_with_an_outer_variable_in_its_closure_and_its_argument():
    # d/dx of [d/dy (x y^2) at y = x], which is 2 x^2, is 4 x
    function = lambda x: ad.jvp(lambda y: x * y**2, (x,), (1.0,))[1]
    assert ad.grad(function)(3.0) == 12
    assert ad.jvp(function, (3.0,), (1.0,))[1] == 12


# Checkpoints


def block(x, w):
    h = x
    for _ in range(6):
        h = np.tanh(h @ w) * np.cos(h) + h / 2
    return h


@pytest.mark.parametrize("nested", [False, True])
def test_a_checkpoint_changes_neither_value_nor_gradient_nor_second_order(nested):
    w = np.eye(4) + 0.1 * RANDOM.standard_normal((4, 4))
    kept = ad.checkpoint(lambda x, w: ad.checkpoint(block)(x, w) * 2) if nested else ad.checkpoint(block)
    plain = (lambda x, w: block(x, w) * 2) if nested else block
    losses = [lambda x, w, function=function: np.sum(function(function(x, w), w) ** 2) for function in (plain, kept)]
    (value, first), (other_value, other) = (ad.value_and_grad(loss, (0, 1))(A, w) for loss in losses)
    np.testing.assert_array_equal(value, other_value)
    for one, two in zip(first, other, strict=True):
        close(two, one)
    for one, two in zip(*(ad.hvp(loss, (A, w), (A, w)) for loss in losses), strict=True):
        close(two, one, 1e-10)


def test_a_checkpoint_sees_what_its_function_closes_over():
    w = ad.Tensor(np.eye(4), requires_grad=True)
    x = ad.Tensor(A, requires_grad=True)
    np.sum(ad.checkpoint(lambda x: block(x, w))(x) * 3).backward()
    found = w.grad.data, x.grad.data
    w.grad = x.grad = None
    np.sum(block(x, w) * 3).backward()
    close(found[0], w.grad.data)
    close(found[1], x.grad.data)


def test_a_checkpoint_that_draws_random_numbers_is_refused():
    rng = np.random.default_rng(0)
    x = ad.Tensor(np.ones(50), requires_grad=True)
    y = np.sum(ad.checkpoint(lambda x: F.dropout(x * 2, 0.5, rng))(x))
    with pytest.raises(ad.RecomputedDifferentlyError, match="random"):
        y.backward()


def test_a_checkpoint_of_what_was_changed_meanwhile_is_refused():
    x = ad.Tensor(np.ones(3), requires_grad=True)
    y = np.sum(ad.checkpoint(np.exp)(x * x))
    x.data[0] = 5
    with pytest.raises((ad.RecomputedDifferentlyError, ad.ChangedArrayError)):
        y.backward()


def peak_of(compute):
    """Return the largest memory in use at a time while a function runs, in bytes."""
    gc.collect()
    tracemalloc.start()
    try:
        compute()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_checkpoint_lowers_the_peak_of_memory():
    x = np.ones((100, 500))

    def deep(h, step):
        for _ in range(8):
            h = step(h)
        return np.sum(h)

    step = lambda h: np.sin(np.tanh(np.exp(np.cos(np.sin(np.tanh(np.exp(np.cos(h))))))))
    plain = peak_of(lambda: ad.grad(lambda x: deep(x, step))(x))
    kept = peak_of(lambda: ad.grad(lambda x: deep(x, ad.checkpoint(step)))(x))
    assert kept < 0.6 * plain


# Memory


def test_a_backward_pass_needs_what_the_forward_pass_saved_and_two_gradients():
    size, depth = 250_000, 12
    x = ad.Tensor(np.full(size, 0.5), requires_grad=True)

    def forward():
        h = x
        for _ in range(depth):
            h = np.sin(h)
        return np.sum(h)

    array = 8 * size
    gc.collect()
    tracemalloc.start()
    try:
        loss = forward()
        saved = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        loss.backward()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert saved < (depth + 0.1) * array
    assert peak <= saved + 2.1 * array


@pytest.mark.parametrize(
    "compute",
    [
        lambda x: ad.grad(polynomial)(x),
        lambda x: ad.grad(lambda x: np.sum(ad.grad(polynomial)(x)))(x),
        lambda x: ad.hvp(energy, (x,), (V,)),
        lambda x: ad.jvp(cubes, (x,), (V,)),
        lambda x: ad.hessian(energy)(x),
        lambda x: ad.grad(lambda x: np.sum(ad.checkpoint(np.exp)(x)))(x),
    ],
    ids=["grad", "grad of grad", "hvp", "jvp", "hessian", "checkpoint"],
)
def test_nothing_is_left_of_a_transform_without_the_garbage_collector(compute):
    watched = []

    def spy(*arrays):
        watched.extend(weakref.ref(array) for array in arrays)

    original = ad.Tensor.__init__

    def watching(self, *arguments, **keywords):
        original(self, *arguments, **keywords)
        spy(self, self._data)

    gc.collect()
    gc.disable()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ad.Tensor, "__init__", watching)
            compute(X)
        assert watched
        assert [reference() for reference in watched if reference() is not None] == []
    finally:
        gc.enable()


# Depth

DEPTH = 100_000


def chain(x, depth=DEPTH):
    for _ in range(depth):
        x = x + 1.0
    return x


def test_a_chain_of_100_000_operations_goes_through_grad_and_hvp():
    assert ad.grad(lambda x: np.sum(chain(x) ** 2))(np.array([1.0]))[0] == 2 * (DEPTH + 1)
    (found,) = ad.hvp(lambda x: np.sum(chain(x) ** 2), (np.array([1.0]),), (np.array([3.0]),))
    assert found[0] == 6


def test_a_chain_of_100_000_operations_is_shown_pickled_and_deleted():
    x = ad.Tensor(np.array([1.0]), requires_grad=True)
    y = chain(x)
    assert "np.add" in repr(y)
    restored = pickle.loads(pickle.dumps(y))
    assert restored.item() == DEPTH + 1
    assert restored.requires_grad
    assert restored.node.function is None
    reference = weakref.ref(y)
    del y, restored
    assert reference() is None
    z = np.sum(ad.checkpoint(chain)(x) * 2)
    z.backward()
    assert x.grad.item() == 2


def test_chains_of_products_and_of_assignments_are_deep_too():
    x = ad.Tensor(np.array([1.0, 1.0]), requires_grad=True)
    t = x * 1.0
    for i in range(5_000):
        t[i % 2] = t[(i + 1) % 2] * 1.0
        t *= 1.0
    np.sum(t).backward()
    assert x.grad.data.sum() == 2
