"""Layers, activations and losses beside PyTorch's: states, outputs, gradients of both orders, and their texts."""

import numpy as np
import pytest
import torch

import autodiff as ad
from autodiff.transforms import differentiate

RANDOM = np.random.default_rng(0)


def numbers(*shape):
    return RANDOM.uniform(-2, 2, shape)


def probabilities(*shape):
    return RANDOM.uniform(0.05, 0.95, shape)


LONG = np.array([[0, 3, 2], [3, 3, 1]])
double = {"dtype": np.float64}
LAYERS = {
    "Linear": (lambda: ad.Linear(4, 3, **double), lambda: torch.nn.Linear(4, 3), numbers(5, 4)),
    "Linear of more axes": (lambda: ad.Linear(4, 3, **double), lambda: torch.nn.Linear(4, 3), numbers(2, 5, 4)),
    "Linear without bias": (
        lambda: ad.Linear(4, 3, bias=False, **double),
        lambda: torch.nn.Linear(4, 3, bias=False),
        numbers(4),
    ),
    "LayerNorm": (lambda: ad.LayerNorm(4, **double), lambda: torch.nn.LayerNorm(4), numbers(3, 4)),
    "LayerNorm of two axes": (
        lambda: ad.LayerNorm((3, 4), eps=0.1, **double),
        lambda: torch.nn.LayerNorm((3, 4), eps=0.1),
        numbers(2, 3, 4),
    ),
    "LayerNorm without bias": (
        lambda: ad.LayerNorm(4, bias=False, **double),
        lambda: torch.nn.LayerNorm(4, bias=False),
        numbers(2, 3, 4),
    ),
    "LayerNorm alone": (
        lambda: ad.LayerNorm(4, elementwise_affine=False),
        lambda: torch.nn.LayerNorm(4, elementwise_affine=False),
        numbers(3, 4),
    ),
    "RMSNorm": (lambda: ad.RMSNorm(4, **double), lambda: torch.nn.RMSNorm(4), numbers(3, 4)),
    "RMSNorm of two axes": (
        lambda: ad.RMSNorm((3, 4), eps=0.1, **double),
        lambda: torch.nn.RMSNorm((3, 4), eps=0.1),
        numbers(2, 3, 4),
    ),
    "RMSNorm alone": (
        lambda: ad.RMSNorm(4, elementwise_affine=False),
        lambda: torch.nn.RMSNorm(4, elementwise_affine=False),
        numbers(3, 4),
    ),
    "BatchNorm1d": (lambda: ad.BatchNorm1d(3, **double), lambda: torch.nn.BatchNorm1d(3), numbers(5, 3)),
    "BatchNorm1d of sequences": (
        lambda: ad.BatchNorm1d(3, eps=0.1, momentum=0.3, **double),
        lambda: torch.nn.BatchNorm1d(3, eps=0.1, momentum=0.3),
        numbers(5, 3, 2),
    ),
    "BatchNorm1d over all batches": (
        lambda: ad.BatchNorm1d(3, momentum=None, **double),
        lambda: torch.nn.BatchNorm1d(3, momentum=None),
        numbers(5, 3),
    ),
    "BatchNorm1d without running statistics": (
        lambda: ad.BatchNorm1d(3, track_running_stats=False, **double),
        lambda: torch.nn.BatchNorm1d(3, track_running_stats=False),
        numbers(5, 3),
    ),
    "BatchNorm1d without bias": (
        lambda: ad.BatchNorm1d(3, bias=False, **double),
        lambda: torch.nn.BatchNorm1d(3, bias=False),
        numbers(5, 3),
    ),
    "BatchNorm2d": (lambda: ad.BatchNorm2d(3, **double), lambda: torch.nn.BatchNorm2d(3), numbers(2, 3, 2, 4)),
    "BatchNorm2d alone": (
        lambda: ad.BatchNorm2d(3, affine=False, **double),
        lambda: torch.nn.BatchNorm2d(3, affine=False),
        numbers(2, 3, 2, 4),
    ),
    "Embedding": (lambda: ad.Embedding(5, 3, **double), lambda: torch.nn.Embedding(5, 3), LONG),
    "Embedding with padding": (
        lambda: ad.Embedding(5, 3, padding_idx=3, **double),
        lambda: torch.nn.Embedding(5, 3, padding_idx=3),
        LONG,
    ),
    "Embedding with padding from the end": (
        lambda: ad.Embedding(4, 3, padding_idx=-1, **double),
        lambda: torch.nn.Embedding(4, 3, padding_idx=-1),
        LONG,
    ),
    "Dropout of nothing": (lambda: ad.Dropout(0.0), lambda: torch.nn.Dropout(0.0), numbers(3, 4)),
    "Dropout of all": (lambda: ad.Dropout(1.0), lambda: torch.nn.Dropout(1.0), numbers(3, 4)),
    "Flatten": (ad.Flatten, torch.nn.Flatten, numbers(2, 3, 4)),
    "Flatten some axes": (lambda: ad.Flatten(0, -2), lambda: torch.nn.Flatten(0, -2), numbers(2, 3, 4)),
    "Identity": (ad.Identity, torch.nn.Identity, numbers(2, 3)),
    "ReLU": (ad.ReLU, torch.nn.ReLU, numbers(3, 4)),
    "LeakyReLU": (ad.LeakyReLU, torch.nn.LeakyReLU, numbers(3, 4)),
    "LeakyReLU of a slope": (lambda: ad.LeakyReLU(0.3), lambda: torch.nn.LeakyReLU(0.3), numbers(3, 4)),
    "ELU": (ad.ELU, torch.nn.ELU, numbers(3, 4)),
    "ELU of an alpha": (lambda: ad.ELU(0.7), lambda: torch.nn.ELU(0.7), numbers(3, 4)),
    "SELU": (ad.SELU, torch.nn.SELU, numbers(3, 4)),
    "GELU": (ad.GELU, torch.nn.GELU, numbers(3, 4)),
    "GELU by a tanh": (lambda: ad.GELU("tanh"), lambda: torch.nn.GELU("tanh"), numbers(3, 4)),
    "SiLU": (ad.SiLU, torch.nn.SiLU, numbers(3, 4)),
    "Mish": (ad.Mish, torch.nn.Mish, numbers(3, 4)),
    "Softplus": (ad.Softplus, torch.nn.Softplus, 4 * numbers(3, 4)),
    "Hardtanh": (ad.Hardtanh, torch.nn.Hardtanh, numbers(3, 4)),
    "Hardtanh of other ends": (lambda: ad.Hardtanh(-0.5, 1.5), lambda: torch.nn.Hardtanh(-0.5, 1.5), numbers(3, 4)),
    "Sigmoid": (ad.Sigmoid, torch.nn.Sigmoid, numbers(3, 4)),
    "LogSigmoid": (ad.LogSigmoid, torch.nn.LogSigmoid, numbers(3, 4)),
    "Tanh": (ad.Tanh, torch.nn.Tanh, numbers(3, 4)),
    "Softmax": (ad.Softmax, lambda: torch.nn.Softmax(-1), numbers(3, 4)),
    "LogSoftmax": (lambda: ad.LogSoftmax(0), lambda: torch.nn.LogSoftmax(0), numbers(3, 4)),
    "Sequential": (
        lambda: ad.Sequential(
            ad.Linear(4, 6, **double), ad.BatchNorm1d(6, **double), ad.Mish(), ad.Linear(6, 2, **double)
        ),
        lambda: torch.nn.Sequential(
            torch.nn.Linear(4, 6), torch.nn.BatchNorm1d(6), torch.nn.Mish(), torch.nn.Linear(6, 2)
        ),
        numbers(5, 4),
    ),
}


def pair(name):
    """Return a layer and PyTorch's, with the same state, in which no two numbers are the same."""
    make, make_theirs, x = LAYERS[name]
    ours, theirs = make(), make_theirs().double()
    random = np.random.default_rng(1)
    state = theirs.state_dict()
    for key, tensor in state.items():
        if tensor.is_floating_point():
            state[key] = torch.from_numpy(random.uniform(0.5, 1.5, tuple(tensor.shape)))
    theirs.load_state_dict(state)
    ours.load_state_dict({key: tensor.numpy() for key, tensor in state.items()})
    return ours, theirs, x


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def compare(ours, theirs, our_leaves, their_leaves):
    """Compare two results, and their gradients of both orders with respect to leaves."""
    assert ours.shape == tuple(theirs.shape)
    close(ours.data, theirs.detach().numpy())
    random = np.random.default_rng(2)
    weights = random.uniform(0.5, 1.5, ours.shape)
    gradients = differentiate(np.sum(ours * weights), our_leaves, create_graph=True)
    total = torch.sum(theirs * torch.from_numpy(np.asarray(weights)))
    theirs_too = torch.autograd.grad(total, their_leaves, create_graph=True, materialize_grads=True)
    slope, their_slope = ad.Tensor(np.zeros(())), torch.zeros((), dtype=torch.float64)
    for one, other in zip(gradients, theirs_too, strict=True):
        close(one.data, other.numpy(force=True))
        direction = random.uniform(0.5, 1.5, one.shape)
        slope = slope + np.sum(one * direction)
        their_slope = their_slope + torch.sum(other * torch.from_numpy(np.asarray(direction)))
    for one, other in zip(second_order(slope, our_leaves), torch_second_order(their_slope, their_leaves), strict=True):
        close(one, other)


def second_order(slope, leaves):
    if not slope.requires_grad:  # of what is linear
        return [np.zeros(leaf.shape) for leaf in leaves]
    return [gradient.data for gradient in differentiate(slope, leaves, create_graph=False)]


def torch_second_order(slope, leaves):
    if not slope.requires_grad:
        return [np.zeros(tuple(leaf.shape)) for leaf in leaves]
    return [one.numpy(force=True) for one in torch.autograd.grad(slope, leaves, materialize_grads=True)]


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_pytorchs(name, training):
    ours, theirs, x = pair(name)
    ours.train(training)
    theirs.train(training)
    our_leaves, their_leaves = list(ours.parameters()), list(theirs.parameters())
    for _ in range(2):  # the running statistics of one batch are there for the next
        our_x, their_x = x, torch.from_numpy(x.copy())
        if x.dtype == np.float64:
            our_x, their_x = ad.Tensor(x, requires_grad=True), their_x.requires_grad_()
            compare(ours(our_x), theirs(their_x), [our_x, *our_leaves], [their_x, *their_leaves])
        else:
            compare(ours(our_x), theirs(their_x), our_leaves, their_leaves)
    state = ours.state_dict()
    assert list(state) == list(theirs.state_dict())
    for key, tensor in theirs.state_dict().items():
        close(state[key], tensor.numpy())
        assert state[key].dtype == tensor.numpy().dtype
    theirs.load_state_dict({key: torch.from_numpy(array) for key, array in state.items()})


SHOWN_OTHERWISE = ("Softmax", "LogSoftmax", "Softplus", "Dropout")
"""Those that have other settings."""


@pytest.mark.parametrize("name", [name for name in LAYERS if not name.startswith(SHOWN_OTHERWISE)])
def test_a_layer_is_shown_as_pytorchs(name):
    ours, theirs, _ = pair(name)
    assert repr(ours) == repr(theirs)


LABELS, MORE_LABELS = np.array([0, 2, 1, 1]), np.array([[0, 2], [1, 1], [2, 0]])
WEIGHT = np.array([0.5, 2.0, 1.0])
LOSSES = {
    "MSELoss": ({}, numbers(3, 4), numbers(3, 4)),
    "L1Loss": ({}, numbers(3, 4), numbers(3, 4)),
    "SmoothL1Loss": ({}, numbers(3, 4), numbers(3, 4)),
    "SmoothL1Loss of a beta": ({"beta": 0.4}, numbers(3, 4), numbers(3, 4)),
    "SmoothL1Loss without one": ({"beta": 0.0}, numbers(3, 4), numbers(3, 4)),
    "HuberLoss": ({}, numbers(3, 4), numbers(3, 4)),
    "HuberLoss of a delta": ({"delta": 0.4}, numbers(3, 4), numbers(3, 4)),
    "BCELoss": ({}, probabilities(3, 4), probabilities(3, 4)),
    "BCEWithLogitsLoss": ({}, numbers(3, 4), probabilities(3, 4)),
    "BCEWithLogitsLoss with weights": (
        {"pos_weight": np.array([1.0, 2.0, 0.5, 3.0])},
        numbers(3, 4),
        probabilities(3, 4),
    ),
    "KLDivLoss": ({}, -probabilities(3, 4), probabilities(3, 4)),
    "NLLLoss": ({}, -probabilities(4, 3), LABELS),
    "NLLLoss with weights": ({"weight": WEIGHT}, -probabilities(4, 3), LABELS),
    "NLLLoss of more axes": ({"weight": WEIGHT}, -probabilities(3, 3, 2), MORE_LABELS),
    "NLLLoss that ignores": ({"ignore_index": 1}, -probabilities(3, 3, 2), MORE_LABELS),
    "CrossEntropyLoss": ({}, numbers(4, 3), LABELS),
    "CrossEntropyLoss of one sample": ({}, numbers(3), np.array(1)),
    "CrossEntropyLoss with weights": ({"weight": WEIGHT}, numbers(4, 3), LABELS),
    "CrossEntropyLoss with smoothing": ({"label_smoothing": 0.1}, numbers(4, 3), LABELS),
    "CrossEntropyLoss with both": ({"weight": WEIGHT, "label_smoothing": 0.1}, numbers(4, 3), LABELS),
    "CrossEntropyLoss that ignores": ({"ignore_index": 1}, numbers(4, 3), LABELS),
    "CrossEntropyLoss that ignores a number that is no class": ({"ignore_index": -100}, numbers(4, 3), [0, -100, 2, 1]),
    "CrossEntropyLoss with everything": (
        {"weight": WEIGHT, "label_smoothing": 0.1, "ignore_index": 1},
        numbers(3, 3, 2),
        MORE_LABELS,
    ),
    "CrossEntropyLoss of more axes": ({}, numbers(3, 3, 2), MORE_LABELS),
    "CrossEntropyLoss of as many classes as places": ({}, numbers(2, 3, 3), np.array([[0, 1, 2], [2, 2, 0]])),
    "CrossEntropyLoss of images": ({}, numbers(2, 3, 2, 2), np.array([[[0, 1], [2, 2]], [[1, 1], [0, 2]]])),
    "CrossEntropyLoss of probabilities": ({}, numbers(3, 3, 2), RANDOM.dirichlet(np.ones(3), (3, 2)).swapaxes(1, 2)),
    "CrossEntropyLoss of probabilities with both": (
        {"weight": WEIGHT, "label_smoothing": 0.1},
        numbers(4, 3),
        RANDOM.dirichlet(np.ones(3), 4),
    ),
}


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "batchmean"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_pytorchs(name, reduction):
    settings, x, targets = LOSSES[name]
    kind = name.partition(" ")[0]
    if reduction == "batchmean" and kind != "KLDivLoss":
        with pytest.raises(ValueError, match=f"{kind}: reduction must be 'mean', 'sum' or 'none', found 'batchmean'"):
            getattr(ad, kind)(reduction=reduction)
        return
    ours = getattr(ad, kind)(reduction=reduction, **settings)
    theirs = getattr(torch.nn, kind)(
        reduction=reduction,
        **{key: torch.from_numpy(value) if isinstance(value, np.ndarray) else value for key, value in settings.items()},
    )
    assert list(ours.state_dict()) == list(theirs.state_dict())
    our_x, their_x = ad.Tensor(x, requires_grad=True), torch.from_numpy(x.copy()).requires_grad_()
    found, expected = ours(our_x, targets), theirs(their_x, torch.from_numpy(np.array(targets)))
    compare(found, expected, [our_x], [their_x])


def test_a_frozen_parameter_is_treated_as_pytorchs():
    """Frozen and let go after the graph was made, too: what holds is what it is when the pass comes to it."""

    def gradient(make, tensor_of, switch):
        layer, x = make, tensor_of(np.ones((2, 3)))
        found = []
        for frozen_before, frozen_after in [(False, True), (True, False), (False, False), (True, True)]:
            layer.weight.grad = layer.bias.grad = None
            switch(layer.weight, not frozen_before)
            loss = layer(x).sum()
            switch(layer.weight, not frozen_after)
            loss.backward()
            found.append((layer.weight.grad is None, layer.bias.grad is None))
        switch(layer.weight, True)
        loss = layer(x).sum()
        switch(layer.weight, False)
        switch(layer.weight, True)
        layer.weight.grad = None
        loss.backward()
        found.append(layer.weight.grad is None)
        return found

    def switch(tensor, value):
        tensor.requires_grad = value

    ours = gradient(ad.Linear(3, 2, dtype=np.float64), ad.Tensor, switch)
    theirs = gradient(torch.nn.Linear(3, 2).double(), torch.from_numpy, switch)
    assert ours == theirs == [(True, False), (True, False), (False, False), (True, False), False]


def test_the_names_of_modules_are_pytorchs():
    def network(nn):
        block = lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        shared = nn.ReLU()
        return nn.Sequential(
            block(),
            nn.ModuleList([block(), shared]),
            nn.ModuleDict({"left": block(), "right": shared}),
            shared,
        )

    ours, theirs = network(ad), network(torch.nn)
    for names in ("named_modules", "named_children", "named_parameters", "named_buffers"):
        assert [name for name, _ in getattr(ours, names)()] == [name for name, _ in getattr(theirs, names)()]
    for kinds in ("modules", "children"):
        found = [[type(module).__name__ for module in getattr(one, kinds)()] for one in (ours, theirs)]
        assert found[0] == found[1]
    assert repr(ours) == repr(theirs)
