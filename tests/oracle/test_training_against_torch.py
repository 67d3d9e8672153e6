"""Modules and whole trainings beside PyTorch's, from the same weights, in float64."""

import numpy as np
import pytest
import torch

import autodiff as ad

PRECISION = 1e-10
# Modules

ACTIVATIONS = {
    "relu": (ad.ReLU, torch.nn.ReLU),
    "sigmoid": (ad.Sigmoid, torch.nn.Sigmoid),
    "tanh": (ad.Tanh, torch.nn.Tanh),
}


def networks(activation):
    """Return our network and PyTorch's, with the same weights, by way of our state_dict."""
    kind, their_kind = ACTIVATIONS[activation]
    rng = np.random.default_rng(0)
    ours = ad.Sequential(
        ad.Linear(2, 16, rng=rng, dtype=np.float64),
        kind(),
        ad.Linear(16, 8, rng=rng, dtype=np.float64, init="glorot"),
        kind(),
        ad.Linear(8, 3, rng=rng, dtype=np.float64),
    )
    theirs = torch.nn.Sequential(
        torch.nn.Linear(2, 16), their_kind(), torch.nn.Linear(16, 8), their_kind(), torch.nn.Linear(8, 3)
    ).double()
    theirs.load_state_dict({name: torch.from_numpy(array) for name, array in ours.state_dict().items()})
    return ours, theirs


def assert_same_parameters(ours, theirs, precision=PRECISION):
    their_parameters = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        np.testing.assert_allclose(
            parameter.data, their_parameters[name].detach().numpy(), rtol=0, atol=precision, err_msg=name
        )


def test_a_state_of_pytorch_loads():
    ours, theirs = networks("relu")
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter += 1
    ours.load_state_dict({name: tensor.numpy() for name, tensor in theirs.state_dict().items()})
    assert_same_parameters(ours, theirs, 0)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_network_computes_the_same_values_and_gradients(activation):
    ours, theirs = networks(activation)
    random = np.random.default_rng(1)
    x, labels = random.normal(size=(20, 2)), random.integers(0, 3, 20)
    logits, their_logits = ours(x), theirs(torch.from_numpy(x))
    np.testing.assert_allclose(logits.data, their_logits.detach().numpy(), rtol=1e-12, atol=1e-12)
    loss = ad.CrossEntropyLoss()(logits, labels)
    their_loss = torch.nn.CrossEntropyLoss()(their_logits, torch.from_numpy(labels))
    np.testing.assert_allclose(loss.item(), their_loss.item(), rtol=1e-13)
    loss.backward()
    their_loss.backward()
    their_parameters = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        np.testing.assert_allclose(
            parameter.grad.data, their_parameters[name].grad.numpy(), rtol=1e-10, atol=1e-13, err_msg=name
        )


def test_softmax_modules_agree():
    x = np.random.default_rng(0).normal(size=(4, 3))
    for axis in (0, 1, -1):
        np.testing.assert_allclose(
            ad.Softmax(axis)(x), torch.nn.Softmax(dim=axis)(torch.from_numpy(x)).numpy(), rtol=1e-13
        )


OPTIMIZERS = {
    "SGD momentum": (lambda p: ad.SGD(p, 0.02, 0.9), lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9)),
    "SGD everything": (
        lambda p: ad.SGD(p, 0.02, 0.8, nesterov=True, weight_decay=0.05),
        lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.8, nesterov=True, weight_decay=0.05),
    ),
    "Adam": (lambda p: ad.Adam(p, 0.02), lambda p: torch.optim.Adam(p, lr=0.02)),
    "AdamW": (lambda p: ad.AdamW(p, 0.02), lambda p: torch.optim.AdamW(p, lr=0.02)),
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_50_steps_of_training_are_the_same(activation, name):
    make, make_theirs = OPTIMIZERS[name]
    ours, theirs = networks(activation)
    optimizer, their_optimizer = make(ours.parameters()), make_theirs(theirs.parameters())
    random = np.random.default_rng(1)
    x, labels = random.normal(size=(60, 2)), random.integers(0, 3, 60)
    soft = random.dirichlet(np.ones(3), size=60)
    for step in range(50):
        targets = labels if step % 2 else soft
        loss = ad.functional.cross_entropy(ours(x), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        their_loss = torch.nn.functional.cross_entropy(theirs(torch.from_numpy(x)), torch.from_numpy(targets))
        their_optimizer.zero_grad()
        their_loss.backward()
        their_optimizer.step()
        np.testing.assert_allclose(loss.item(), their_loss.item(), rtol=1e-10)
    assert_same_parameters(ours, theirs)
