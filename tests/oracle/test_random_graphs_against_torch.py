"""Random expression graphs, with reuse of what was computed before, in this engine and in PyTorch.

An expression is written once, in names that NumPy and PyTorch share. Every result is bounded, so that a long chain
neither overflows nor dies; value, gradient and Hessian-vector product have to agree.
"""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autodiff as ad


class Names:
    """The functions of several modules under one name, with the differences in spelling that are left."""

    def __init__(self, *modules, **spellings):
        self.modules = modules
        self.__dict__.update(spellings)

    def __getattr__(self, name):
        found = next(getattr(module, name) for module in self.modules if hasattr(module, name))
        setattr(self, name, found)
        return found


OURS = Names(ad.functional, np, constant=lambda x: np.asarray(x), inv=np.linalg.inv, norm=np.linalg.norm)
THEIRS = Names(
    torch,
    torch.nn.functional,
    constant=lambda x: torch.tensor(x),
    transpose=lambda x: x.mT,
    max=torch.amax,
    min=torch.amin,
    var=lambda x: torch.var(x, correction=0),
    std=lambda x: torch.std(x, correction=1),
    sort=lambda x: torch.sort(x).values,
    repeat=lambda x, n: torch.repeat_interleave(x.reshape(-1), n),
    roll=torch.roll,
    log_sigmoid=torch.nn.functional.logsigmoid,
    softmax=lambda x: torch.softmax(x, -1),
    log_softmax=lambda x: torch.log_softmax(x, -1),
    logsumexp=lambda x: torch.logsumexp(x, tuple(range(x.ndim))),
    cumsum=lambda x, axis: torch.cumsum(x, axis),
    cumprod=lambda x, axis: torch.cumprod(x, axis),
    inv=torch.linalg.inv,
    norm=torch.linalg.norm,
)
OURS.std = lambda x: np.std(x, ddof=1)

# By the number of axes of the operands: 3 in each, so that all of them broadcast

OF_ANY = [
    lambda m, x: -x,
    lambda m, x: x * x,
    lambda m, x: x**3,
    lambda m, x: 1.5 - x,
    lambda m, x: 2 / (x + 4),
    lambda m, x: m.exp(x),
    lambda m, x: m.exp2(x),
    lambda m, x: m.expm1(x),
    lambda m, x: m.log(x + 3.5),
    lambda m, x: m.log1p(x * x),
    lambda m, x: m.sqrt(x * x + 0.5),
    lambda m, x: m.square(x),
    lambda m, x: m.reciprocal(x + 4),
    lambda m, x: m.sin(x),
    lambda m, x: m.cos(x),
    lambda m, x: m.tan(x / 3),
    lambda m, x: m.arcsin(x / 4),
    lambda m, x: m.arctan(x),
    lambda m, x: m.sinh(x),
    lambda m, x: m.cosh(x),
    lambda m, x: m.tanh(x),
    lambda m, x: m.arcsinh(x),
    lambda m, x: m.arctanh(x / 4),
    lambda m, x: m.sigmoid(x),
    lambda m, x: m.log_sigmoid(x),
    lambda m, x: m.silu(x),
    lambda m, x: m.gelu(x),
    lambda m, x: m.erf(x),
    lambda m, x: m.relu(x),
    lambda m, x: m.where(x > 0.3, m.sin(x), x * x),
    lambda m, x: m.clip(x, -1.2, 0.8),
    lambda m, x: m.sum(x) + x,
    lambda m, x: m.mean(x * x) * x,
    lambda m, x: m.logsumexp(x) - x,
    lambda m, x: m.reshape(x, (-1,))[-1] * x,
]
OF_SEVERAL = [
    lambda m, x: m.softmax(x),
    lambda m, x: m.log_softmax(x),
    lambda m, x: m.cumsum(x, axis=-1),
    lambda m, x: m.cumprod(x, axis=0),
    lambda m, x: m.prod(m.tanh(x), 0),
    lambda m, x: m.max(x, -1),
    lambda m, x: m.min(x, 0),
    lambda m, x: m.var(x),
    lambda m, x: m.std(x),
    lambda m, x: m.norm(x),
    lambda m, x: m.sort(x),
    lambda m, x: m.roll(x, 1, 0),
    lambda m, x: m.flip(x, (0,)),
    lambda m, x: x[1],
    lambda m, x: x[[2, 0, 0]],
    lambda m, x: x[..., 1:] @ m.constant(np.array([[0.5, -1.0, 0.2], [1.0, 0.3, -0.7]])),
    lambda m, x: m.repeat(x, 2)[1:4],
    lambda m, x: m.where(m.constant(np.array([True, False, True])), x, m.cos(x)),
]
OF_MATRICES = [
    lambda m, x: m.transpose(x),
    lambda m, x: m.sum(x, 0),
    lambda m, x: m.mean(x, -1),
    lambda m, x: m.diagonal(x),
    lambda m, x: m.tril(x),
    lambda m, x: m.triu(x, 1),
    lambda m, x: m.trace(x),
    lambda m, x: x[:, 1],
    lambda m, x: x[m.constant(np.array([0, 2, 0])), m.constant(np.array([1, 1, 2]))],
    lambda m, x: m.reshape(x, (9,))[::4] if m is OURS else m.reshape(x, (9,))[torch.tensor([0, 4, 8])],
    lambda m, x: m.inv(x @ m.transpose(x) + m.constant(np.eye(3))),
    lambda m, x: m.einsum("ij,kj->ik", x, x),
]
OF_TWO = [
    lambda m, x, y: x + y,
    lambda m, x, y: x - y,
    lambda m, x, y: x * y,
    lambda m, x, y: x / (y + 4),
    lambda m, x, y: (x + 4) ** y,
    lambda m, x, y: m.maximum(x, y),
    lambda m, x, y: m.minimum(x, y),
    lambda m, x, y: m.hypot(x, y + 4),
    lambda m, x, y: m.arctan2(x, y + 4),
    lambda m, x, y: m.logaddexp(x, y),
]
PRODUCTS = [
    lambda m, x, y: x @ y,
    lambda m, x, y: m.matmul(y, x),
    lambda m, x, y: m.concatenate([m.reshape(x, (-1,)), m.reshape(y, (-1,))])[2:5],
    lambda m, x, y: m.stack([m.reshape(x, (-1,))[:3], m.reshape(y, (-1,))[:3], m.reshape(x, (-1,))[:3]]),
    lambda m, x, y: m.outer(m.reshape(x, (-1,))[:3], m.reshape(y, (-1,))[-3:]),
]


def choices(x, y):
    """Return what can be done with two operands of these numbers of axes."""
    found = [*OF_ANY, *OF_TWO, *OF_TWO]
    if x.ndim:
        found += OF_SEVERAL
    if x.ndim == 2:
        found += OF_MATRICES
    return found + PRODUCTS * 3 if x.ndim and y.ndim else found


def evaluate(m, steps, leaves):
    """Return a scalar in which every step has a part."""
    nodes = list(leaves)
    total = m.sum(leaves[0]) * 0.1
    for operation, first, second in steps:
        x, y = nodes[first % len(nodes)], nodes[second % len(nodes)]
        functions = choices(x, y)
        function = functions[operation % len(functions)]
        out = function(m, x) if function.__code__.co_argcount == 2 else function(m, x, y)
        nodes.append(3 * m.tanh(out / 3))
        total = total + m.sum(m.sin(nodes[-1]))
    return total


def theirs(steps, arrays, vectors):
    leaves = [torch.tensor(array, requires_grad=True) for array in arrays]
    value = evaluate(THEIRS, steps, leaves)
    found = torch.autograd.grad(value, leaves, create_graph=True, materialize_grads=True)
    slope = sum((one * torch.tensor(vector)).sum() for one, vector in zip(found, vectors, strict=True))
    if not slope.requires_grad:
        return value, found, [torch.zeros_like(leaf) for leaf in leaves]
    return value, found, torch.autograd.grad(slope, leaves, materialize_grads=True)


number = st.integers(0, 10**6)
graphs = st.lists(st.tuples(number, st.integers(0, 14), st.integers(0, 14)), min_size=3, max_size=12)


def compare(steps, seed):
    random = np.random.default_rng(seed)
    arrays = [np.asarray(random.uniform(-1.5, 1.5, shape)) for shape in ((3, 3), (3,), ())]
    vectors = [np.asarray(random.standard_normal(array.shape)) for array in arrays]
    value, gradient, product = theirs(steps, arrays, vectors)
    function = lambda *leaves: evaluate(OURS, steps, leaves)
    our_value, our_gradient = ad.value_and_grad(function, (0, 1, 2))(*arrays)
    np.testing.assert_allclose(our_value, value.item(), rtol=1e-10)
    pairs = [(our_gradient, gradient)]
    if all(torch.isfinite(one).all() for one in product):  # PyTorch's second derivative of std at a constant is a NaN
        pairs.append((ad.hvp(function, arrays, vectors), product))
    for ours, other in pairs:
        scale = max(1, *(float(one.detach().abs().max()) for one in other))
        for found, expected in zip(ours, other, strict=True):
            np.testing.assert_allclose(found, expected.numpy(force=True), rtol=1e-8, atol=1e-9 * scale)


@settings(max_examples=500, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=graphs, seed=st.integers(0, 2**32 - 1))
def test_a_random_graph_agrees(steps, seed):
    compare(steps, seed)


@pytest.mark.parametrize("first", [0, 1, 2])
def test_every_operation_agrees_on_its_own_and_on_its_result(first):
    ndim = (2, 1, 0)[first]
    for second in range(3):
        for operation in range(len(choices(np.empty((3,) * ndim), np.empty((3,) * (2 - second))))):
            compare([(operation, first, second), (operation, 3, second), (operation, first, 3)], operation)
