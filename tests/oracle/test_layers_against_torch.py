"""Layers beside PyTorch's: a state of either loads in the other, and outputs and gradients are the same."""

import numpy as np
import pytest
import torch

import autodiff as ad
from autodiff.transforms import differentiate

NN = torch.nn
PRECISION = {"rtol": 1e-10, "atol": 1e-10}


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def outputs_of(result):
    """Return the tensors in nested tuples."""
    if isinstance(result, tuple):
        return [one for part in result for one in outputs_of(part)]
    return [] if result is None else [result]


def compare(ours, theirs, inputs, **settings):
    """Compare names, outputs, the gradients of parameters and inputs, and the derivatives of these in a direction."""
    theirs = theirs.double()
    assert [(name, one.shape) for name, one in ours.named_parameters()] == [
        (name, tuple(one.shape)) for name, one in theirs.named_parameters()
    ]
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    check(ours, theirs, inputs, settings)
    for parameter in ours.parameters():
        parameter.data = parameter.data + 0.1
    theirs.load_state_dict({name: torch.from_numpy(np.array(one)) for name, one in ours.state_dict().items()})
    check(ours, theirs, inputs, settings)


def check(ours, theirs, inputs, settings):
    arrays = list({id(one): one for one in inputs}.values())
    our_inputs = {id(one): ad.Tensor(one, requires_grad=True) for one in arrays}
    their_inputs = {id(one): torch.tensor(one, requires_grad=True) for one in arrays}
    our_leaves = [*our_inputs.values(), *ours.parameters()]
    their_leaves = [*their_inputs.values(), *theirs.parameters()]
    found = outputs_of(ours(*[our_inputs[id(one)] for one in inputs], **settings))
    expected = outputs_of(
        theirs(
            *[their_inputs[id(one)] for one in inputs],
            **{name: torch.tensor(one) if isinstance(one, np.ndarray) else one for name, one in settings.items()},
        )
    )
    total, their_total = 0, 0
    for i, (one, other) in enumerate(zip(found, expected, strict=True)):
        np.testing.assert_allclose(one.data, other.detach().numpy(), **PRECISION)
        weights = normal(*one.shape, seed=i)
        total, their_total = total + np.sum(one**2 * weights), their_total + (other**2 * torch.tensor(weights)).sum()
    gradients = differentiate(total, our_leaves, create_graph=True)
    their_gradients = torch.autograd.grad(their_total, their_leaves, create_graph=True, allow_unused=True)
    slope, their_slope = 0, 0
    for i, (one, other) in enumerate(zip(gradients, their_gradients, strict=True)):
        np.testing.assert_allclose(one.data, other.detach().numpy(), **PRECISION)
        direction = normal(*one.shape, seed=i)
        slope, their_slope = slope + np.sum(one * direction), their_slope + (other * torch.tensor(direction)).sum()
    second = differentiate(slope, our_leaves, create_graph=False)
    their_second = torch.autograd.grad(their_slope, their_leaves, allow_unused=True)
    for one, other in zip(second, their_second, strict=True):
        np.testing.assert_allclose(one.data, 0 if other is None else other.numpy(), **PRECISION)


CONVOLUTIONS = {
    "1d": ("Conv1d", (4, 6, 3), {}, (2, 4, 7)),
    "1d, all settings": (
        "Conv1d",
        (4, 6, 3),
        {"stride": 2, "padding": 2, "dilation": 2, "groups": 2, "bias": False},
        (2, 4, 7),
    ),
    "2d": ("Conv2d", (3, 2, 3), {}, (2, 3, 5, 4)),
    "2d, all settings": (
        "Conv2d",
        (2, 4, (3, 2)),
        {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2},
        (2, 2, 6, 5),
    ),
    "2d, same": ("Conv2d", (2, 3, 3), {"padding": "same"}, (1, 2, 4, 5)),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutional_layers_are_pytorchs(name):
    kind, sizes, settings, shape = CONVOLUTIONS[name]
    compare(
        getattr(ad, kind)(*sizes, **settings, dtype=np.float64), getattr(NN, kind)(*sizes, **settings), [normal(*shape)]
    )


@pytest.mark.parametrize("kind", ["MaxPool1d", "MaxPool2d", "AvgPool1d", "AvgPool2d"])
@pytest.mark.parametrize("settings", [(2,), (3, 1), (3, 2, 1)], ids=str)
def test_pooling_layers_are_pytorchs(kind, settings):
    shape = (2, 3, 7, 6) if "2" in kind else (2, 3, 7)
    compare(getattr(ad, kind)(*settings), getattr(NN, kind)(*settings), [normal(*shape)])


RECURRENT = [
    {},
    {"bias": False, "batch_first": True},
    {"num_layers": 2},
    {"num_layers": 2, "bidirectional": True, "batch_first": True},
]


@pytest.mark.parametrize("settings", RECURRENT, ids=str)
@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_recurrent_layers_are_pytorchs(kind, settings):
    ours, theirs = getattr(ad, kind)(3, 4, dtype=np.float64, **settings), getattr(NN, kind)(3, 4, **settings)
    compare(ours, theirs, [normal(9, 2, 3)])
    compare(ours, theirs, [normal(1, 2, 3)])
    compare(ours, theirs, [normal(3, 3)])


def test_a_recurrent_layer_with_relu_is_pytorchs():
    ours, theirs = ad.RNN(3, 4, nonlinearity="relu", dtype=np.float64), NN.RNN(3, 4, nonlinearity="relu")
    compare(ours, theirs, [normal(5, 2, 3)])


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_states_before_the_first_step_are_pytorchs(kind):
    settings = {"num_layers": 2, "bidirectional": True, "batch_first": True}
    ours, theirs = getattr(ad, kind)(3, 4, dtype=np.float64, **settings), getattr(NN, kind)(3, 4, **settings).double()
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    for front in [(4, 2), (4,)]:
        x = normal(*front[1:], 5, 3)
        states = [normal(*front, 4, seed=i) for i in range(1 + (kind == "LSTM"))]
        leaves = [ad.Tensor(one, requires_grad=True) for one in states]
        their_leaves = [torch.tensor(one, requires_grad=True) for one in states]
        found = outputs_of(ours(x, tuple(leaves) if len(leaves) > 1 else leaves[0]))
        expected = outputs_of(
            theirs(torch.tensor(x), tuple(their_leaves) if len(leaves) > 1 else their_leaves[0]),
        )
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one.data, other.detach().numpy(), **PRECISION)
        sum(np.sum(one**2) for one in found).backward()
        sum((other**2).sum() for other in expected).backward()
        for one, other in zip(leaves, their_leaves, strict=True):
            np.testing.assert_allclose(one.grad.data, other.grad.numpy(), **PRECISION)


RANDOM = np.random.default_rng(7)
MASKS = {
    "none": {},
    "hidden": {"attn_mask": RANDOM.random((5, 4)) < 0.3},
    "hidden in each head": {"attn_mask": RANDOM.random((6, 5, 4)) < 0.3},
    "padding": {"key_padding_mask": np.array([[False] * 4, [False, False, True, True], [False, True, True, True]])},
    "both": {
        "attn_mask": normal(5, 4, seed=3),
        "key_padding_mask": np.where(np.arange(4) < np.array([[4], [2], [1]]), 0.0, -np.inf),
    },
    "heads apart": {"average_attn_weights": False},
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("batch_first", [False, True])
def test_attention_in_heads_is_pytorchs(batch_first, mask):
    ours = ad.MultiheadAttention(6, 2, batch_first=batch_first, dtype=np.float64)
    theirs = NN.MultiheadAttention(6, 2, batch_first=batch_first)
    query, key, value = normal(5, 3, 6), normal(4, 3, 6, seed=1), normal(4, 3, 6, seed=2)
    if batch_first:
        query, key, value = (np.swapaxes(one, 0, 1).copy() for one in (query, key, value))
    compare(ours, theirs, [query, key, value], **MASKS[mask])


@pytest.mark.parametrize("bias", [False, True])
def test_attention_to_itself_is_pytorchs(bias):
    ours, theirs = ad.MultiheadAttention(6, 3, bias=bias, dtype=np.float64), NN.MultiheadAttention(6, 3, bias=bias)
    for x in (normal(5, 2, 6), normal(5, 6)):
        compare(ours, theirs, [x, x, x], attn_mask=np.triu(np.ones((5, 5), bool), 1))


def test_a_later_key_is_hidden_by_is_causal_as_by_pytorchs_mask():
    ours, theirs = ad.MultiheadAttention(6, 3, dtype=np.float64), NN.MultiheadAttention(6, 3).double()
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    x = normal(5, 2, 6)
    mask = NN.Transformer.generate_square_subsequent_mask(5).double()
    expected, none = theirs(*[torch.tensor(x)] * 3, attn_mask=mask, is_causal=True, need_weights=False)
    found, ours_none = ours(x, x, x, is_causal=True, need_weights=False)
    assert none is ours_none is None
    np.testing.assert_allclose(found.data, expected.detach().numpy(), **PRECISION)


# How they start

LAYERS = {
    "Conv1d": (6, 4, 3),
    "Conv2d": (6, 8, 5),
    "RNN": (5, 16),
    "GRU": (5, 16),
    "LSTM": (5, 16, 2),
    "MultiheadAttention": (16, 2),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_layers_start_within_the_bounds_of_pytorchs(kind):
    ours, theirs = {}, {}
    for seed in range(60):
        torch.manual_seed(seed)
        layers = getattr(ad, kind)(*LAYERS[kind], rng=np.random.default_rng(seed)), getattr(NN, kind)(*LAYERS[kind])
        for found, layer in zip((ours, theirs), layers, strict=True):
            for name, one in layer.named_parameters():
                found.setdefault(name, []).append(one.detach().numpy() if layer is layers[1] else one.data)
    for name, drawn in theirs.items():
        values, expected = (np.concatenate([one.ravel() for one in arrays]) for arrays in (ours[name], drawn))
        bound = np.max(np.abs(expected))
        assert np.max(np.abs(values)) == pytest.approx(bound, rel=0.02), name
        assert np.std(values) == pytest.approx(np.std(expected), rel=0.05), name
        assert abs(np.mean(values)) <= 0.1 * bound, name
