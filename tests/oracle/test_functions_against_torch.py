"""Gradients of both orders beside PyTorch's, on the samples and where a slope is a choice."""

import math
import operator

import numpy as np
import pytest
import torch

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.gradcheck import checked_functions
from autodiff.registry import full_name, functions
from autodiff.samples import samples_of
from autodiff.transforms import differentiate


def axes(axis, ndim):
    return tuple(range(ndim)) if axis is None else axis


def extremum(torch_function):
    return lambda a, axis=None, keepdims=False: torch_function(a, dim=axes(axis, a.ndim), keepdim=keepdims)


def total(torch_function):
    def reduced(a, axis=None, keepdims=False):
        return torch_function(a, dim=axes(axis, a.ndim), keepdim=keepdims) if a.ndim else a * 1

    return reduced


def softmax_over(x, axis=-1, log=False):
    """Return softmax along one axis or several."""
    several = axis if isinstance(axis, tuple) else (axis,)
    normalised = x - torch.logsumexp(x, dim=several, keepdim=True)
    return normalised if log else torch.exp(normalised)


def cross_entropy(logits, labels, axis=None):
    if axis is not None:
        logits = logits.movedim(axis, 1)
        labels = labels.movedim(axis, 1) if labels.dtype.is_floating_point else labels
    samples = logits.numel() // logits.shape[min(1, logits.ndim - 1)]
    return torch.nn.functional.cross_entropy(logits, labels, reduction="sum") / max(samples, 1)


def without_negative_steps(key, x):
    """Return an index that PyTorch knows: a slice with a negative step as the list of what it names."""
    return list(range(len(x))[key]) if isinstance(key, slice) and (key.step or 1) < 0 else key


def index(x, key):
    return x[without_negative_steps(key, x)]


def assign(x, key, value):
    """Take every element from the last value written to it; torch's own rule gives all of them a gradient."""
    values = torch.as_tensor(value, dtype=x.dtype).expand(x[without_negative_steps(key, x)].shape).reshape(-1)
    owner = np.full(tuple(x.shape), -1)
    owner[key] = np.arange(owner[key].size).reshape(owner[key].shape)
    return torch.cat([values, x.reshape(-1)])[
        torch.from_numpy(np.where(owner < 0, np.arange(owner.size).reshape(owner.shape) + values.numel(), owner))
    ]


def of_tensors(torch_function):
    """Return a function that takes Python numbers as well, which many of PyTorch's do not."""

    def called(*arguments):
        return torch_function(
            *[
                torch.tensor(float(value), dtype=torch.float64) if isinstance(value, int | float) else value
                for value in arguments
            ]
        )

    return called


def expand_dims(a, axis):
    return a.reshape(np.expand_dims(np.empty(a.shape), axis).shape)


TORCH = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.power: operator.pow,
    np.negative: operator.neg,
    np.matmul: torch.matmul,
    np.where: torch.where,
    np.sum: total(torch.sum),
    np.mean: total(torch.mean),
    np.max: extremum(torch.amax),
    np.min: extremum(torch.amin),
    np.reshape: lambda a, shape, order="C": (
        a.reshape(shape)
        if order == "C"
        else a.permute(*range(a.ndim)[::-1]).reshape(shape if shape == -1 else shape[::-1]).T
    ),
    np.transpose: lambda a, order=None: a.permute(order or tuple(range(a.ndim))[::-1]),
    np.matrix_transpose: lambda x: x.mT,
    np.expand_dims: expand_dims,
    np.broadcast_to: torch.broadcast_to,
    np.concatenate: lambda a, axis=0: torch.cat(
        [part.reshape(-1) for part in a] if axis is None else a, dim=0 if axis is None else axis
    ),
    np.stack: lambda a, axis=0: torch.stack(a, dim=axis),
    np.astype: lambda x, dtype: x * 1,
    operator.getitem: index,
    operator.setitem: assign,
    F.relu: torch.relu,
    F.sigmoid: torch.sigmoid,
    F.softmax: softmax_over,
    F.log_softmax: lambda x, axis=-1: softmax_over(x, axis, log=True),
    F.linear: torch.nn.functional.linear,
    F.mish: torch.nn.functional.mish,
    F.cross_entropy: cross_entropy,
}
NO_COUNTERPART = {np.remainder, np.fmod, np.floor_divide, np.heaviside, np.ldexp}  # without some derivative there
SAME_NAME = {
    function: of_tensors(getattr(torch, function.__name__))
    for function in checked_functions()
    if isinstance(function, np.ufunc) and hasattr(torch, function.__name__) and function not in NO_COUNTERPART
}
COUNTERPARTS = {function: TORCH.get(function) or SAME_NAME[function] for function in {**SAME_NAME, **TORCH}}


def to_torch(value, leaves):
    """Return float64 arrays as leaves of PyTorch's, other arrays as constants, everything else as it is."""
    if isinstance(value, list) and any(isinstance(part, np.ndarray) for part in value):
        return [to_torch(part, leaves) for part in value]
    if isinstance(value, tuple):
        return tuple(to_torch(part, leaves) for part in value)
    if isinstance(value, np.ndarray | np.generic):
        tensor = torch.from_numpy(np.array(value))
        if value.dtype == np.float64:
            leaves.append(tensor.requires_grad_())
        return tensor
    return value


def to_ours(value, leaves):
    if isinstance(value, list) and any(isinstance(part, np.ndarray) for part in value):
        return [to_ours(part, leaves) for part in value]
    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        leaves.append(ad.Tensor(value, requires_grad=True))
        return leaves[-1]
    return value


def torch_gradients(output, leaves, **options):
    found = (
        torch.autograd.grad(output, leaves, allow_unused=True, **options)
        if output.requires_grad
        else [None] * len(leaves)
    )
    return [torch.zeros_like(leaf) if one is None else one for one, leaf in zip(found, leaves, strict=True)]


def assert_same(ours, theirs, what):
    assert ours.shape == tuple(theirs.shape), what
    np.testing.assert_allclose(ours.data, theirs.detach().numpy(force=True), rtol=1e-9, atol=1e-10, err_msg=str(what))


def compare(ours, theirs, arguments, keywords, what):
    """Compare value, first and second order of two functions, each result weighted with different numbers."""
    our_leaves, their_leaves = [], []
    out = ours(*[to_ours(value, our_leaves) for value in arguments], **keywords)
    their_out = theirs(*[to_torch(value, their_leaves) for value in arguments], **keywords)
    assert_same(out, their_out, what)
    random = np.random.default_rng(0)
    weights = random.uniform(0.5, 1.5, out.shape)
    found = differentiate(np.sum(out * weights), our_leaves, create_graph=True)
    their_found = torch_gradients(
        torch.sum(their_out * torch.from_numpy(np.asarray(weights))), their_leaves, create_graph=True
    )
    slope, their_slope = ad.Tensor(np.float64(0)), torch.zeros((), dtype=torch.float64)
    for one, other in zip(found, their_found, strict=True):
        assert_same(one, other, what)
        direction = random.uniform(0.5, 1.5, one.shape)
        slope = slope + np.sum(one * direction)
        their_slope = their_slope + torch.sum(other * torch.from_numpy(np.asarray(direction)))
    second = differentiate(slope, our_leaves, create_graph=False)
    for one, other in zip(second, torch_gradients(their_slope, their_leaves), strict=True):
        assert_same(one, other, what)


@pytest.mark.parametrize("function", sorted(COUNTERPARTS, key=full_name), ids=full_name)
def test_every_sample_agrees(function):
    samples = [sample for sample in samples_of(function) if set(sample.keywords) <= {"axis", "keepdims"}]
    assert samples
    for sample in samples:
        compare(functions[function], COUNTERPARTS[function], sample.arguments, sample.keywords, sample)


TIES = np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 2.0]])
KINKS = {
    "relu at 0": (F.relu, torch.relu, [np.array([-1.0, -0.0, 0.0, 1.0])]),
    "absolute at 0": (np.absolute, torch.abs, [np.array([-1.0, -0.0, 0.0, 1.0])]),
    "maximum tie": (np.maximum, torch.maximum, [np.array([1.0, 2.0, 0.0]), np.array([1.0, 1.0, 0.0])]),
    "minimum tie": (np.minimum, torch.minimum, [np.array([1.0, 2.0, 0.0]), np.array([1.0, 1.0, 0.0])]),
    "maximum of one thing with itself": (lambda x: np.maximum(x, x), lambda x: torch.maximum(x, x), [np.ones(2)]),
    "max ties along an axis": (lambda x: np.max(x, axis=1), lambda x: torch.amax(x, dim=1), [TIES]),
    "max ties over all": (np.max, lambda x: torch.amax(x, dim=(0, 1)), [TIES]),
    "min ties along an axis": (lambda x: np.min(x, axis=0), lambda x: torch.amin(x, dim=0), [TIES]),
    "sign at 0": (np.sign, torch.sign, [np.array([-1.0, 0.0, 1.0])]),
    "powers at 0": (lambda x: x**3 + x**2 + x**1 + x**0, lambda x: x**3 + x**2 + x**1 + x**0, [np.array([0.0, 1.0])]),
    "a negative base": (lambda x: x**3, lambda x: x**3, [np.array([-2.0])]),
    "sigmoid far out": (F.sigmoid, torch.sigmoid, [np.array([-800.0, -40.0, 40.0, 800.0])]),
    "log_softmax far out": (F.log_softmax, lambda x: torch.log_softmax(x, -1), [np.array([[1e4, 0.0, -1e4]])]),
    "an index named twice": (
        lambda x: x[np.array([0, 0, 2])],
        lambda x: x[torch.tensor([0, 0, 2])],
        [np.array([1.0, 2.0, 3.0])],
    ),
    "where with a choice that is not taken": (
        lambda x: np.where(x > 1, x * x, x),
        lambda x: torch.where(x > 1, x * x, x),
        [np.array([1.0, 2.0])],
    ),
    "cross-entropy far out": (
        lambda x: F.cross_entropy(x, np.array([1, 0])),
        lambda x: torch.nn.functional.cross_entropy(x, torch.tensor([1, 0])),
        [np.array([[1000.0, 0.0], [1000.0, 0.0]])],
    ),
}


@pytest.mark.parametrize("name", KINKS)
def test_kinks_ties_and_extremes_agree(name):
    ours, theirs, arguments = KINKS[name]
    compare(ours, theirs, arguments, {}, name)


def test_an_infinite_slope_agrees():
    x, theirs = ad.Tensor(np.zeros(1), requires_grad=True), torch.zeros(1, dtype=torch.float64, requires_grad=True)
    np.sum(np.sqrt(x)).backward()
    torch.sum(torch.sqrt(theirs)).backward()
    assert x.grad.item() == theirs.grad.item() == math.inf


def test_0_to_a_power_agrees_in_first_order():
    b = np.array([1.0, 2.0])
    theirs = torch.from_numpy(b.copy()).requires_grad_()
    torch.sum(torch.pow(0.0, theirs)).backward()
    np.testing.assert_array_equal(ad.grad(lambda b: np.sum(np.power(0.0, b)))(b), theirs.grad.numpy())
