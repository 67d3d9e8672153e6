"""Optimizers, schedules and the clipping of gradients beside PyTorch's, over 200 steps in float64."""

import numpy as np
import pytest
import torch

import autodiff as ad

PRECISION = 1e-10


@pytest.fixture(autouse=True)
def _numbers_of_64_bits():
    """NAdam keeps a number of its state in PyTorch's default dtype."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


OPTIMIZERS = {
    "SGD": (lambda p: ad.SGD(p, 0.05), lambda p: torch.optim.SGD(p, lr=0.05)),
    "SGD momentum": (lambda p: ad.SGD(p, 0.02, 0.9), lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9)),
    "SGD nesterov": (
        lambda p: ad.SGD(p, 0.02, 0.9, nesterov=True),
        lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True),
    ),
    "SGD weight decay": (
        lambda p: ad.SGD(p, 0.05, weight_decay=0.1),
        lambda p: torch.optim.SGD(p, lr=0.05, weight_decay=0.1),
    ),
    "SGD everything": (
        lambda p: ad.SGD(p, 0.02, 0.8, nesterov=True, weight_decay=0.05),
        lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.8, nesterov=True, weight_decay=0.05),
    ),
    "Adam": (lambda p: ad.Adam(p, 0.02), lambda p: torch.optim.Adam(p, lr=0.02)),
    "Adam weight decay": (
        lambda p: ad.Adam(p, 0.02, weight_decay=0.1),
        lambda p: torch.optim.Adam(p, lr=0.02, weight_decay=0.1),
    ),
    "Adam betas and epsilon": (
        lambda p: ad.Adam(p, 0.02, (0.8, 0.95), 1e-4),
        lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-4),
    ),
    "AdamW": (lambda p: ad.AdamW(p, 0.02), lambda p: torch.optim.AdamW(p, lr=0.02)),
    "AdamW weight decay": (
        lambda p: ad.AdamW(p, 0.02, weight_decay=0.3),
        lambda p: torch.optim.AdamW(p, lr=0.02, weight_decay=0.3),
    ),
    "NAdam": (lambda p: ad.NAdam(p), lambda p: torch.optim.NAdam(p)),
    "NAdam everything": (
        lambda p: ad.NAdam(p, 0.02, (0.8, 0.95), 1e-4, 0.1, 0.01),
        lambda p: torch.optim.NAdam(p, 0.02, (0.8, 0.95), 1e-4, 0.1, 0.01),
    ),
    "RMSprop": (lambda p: ad.RMSprop(p), lambda p: torch.optim.RMSprop(p)),
    "RMSprop momentum": (
        lambda p: ad.RMSprop(p, 0.01, momentum=0.9),
        lambda p: torch.optim.RMSprop(p, 0.01, momentum=0.9),
    ),
    "RMSprop everything": (
        lambda p: ad.RMSprop(p, 0.02, 0.9, 1e-4, 0.1, 0.5, centered=True),
        lambda p: torch.optim.RMSprop(p, 0.02, 0.9, 1e-4, 0.1, 0.5, centered=True),
    ),
    "Adagrad": (lambda p: ad.Adagrad(p), lambda p: torch.optim.Adagrad(p)),
    "Adagrad everything": (
        lambda p: ad.Adagrad(p, 0.5, 0.01, 0.1, 0.2, 1e-4),
        lambda p: torch.optim.Adagrad(p, 0.5, 0.01, 0.1, 0.2, 1e-4),
    ),
    "groups": (
        lambda p: ad.SGD([{"params": p[:1], "lr": 0.1}, {"params": p[1:], "momentum": 0.9}], lr=0.02),
        lambda p: torch.optim.SGD([{"params": p[:1], "lr": 0.1}, {"params": p[1:], "momentum": 0.9}], lr=0.02),
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_200_steps_of_an_optimizer_are_the_same(name):
    make, make_theirs = OPTIMIZERS[name]
    assert_same_steps(make, make_theirs, [(3, 2), (4,), ()])


MUON = {
    "the defaults": {},
    "all settings": {"lr": 0.05, "weight_decay": 0.01, "momentum": 0.8, "nesterov": False, "ns_steps": 3},
}


@pytest.mark.parametrize("settings", MUON.values(), ids=MUON)
def test_200_steps_of_muon_are_the_same_where_pytorch_does_not_round_to_16_bits(settings, monkeypatch):
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda self: self.clone())
    shapes = [(3, 2), (2, 5), (4, 4)]
    assert_same_steps(lambda p: ad.Muon(p, **settings), lambda p: torch.optim.Muon(p, **settings), shapes)


SCHEDULES = {
    "cosine": (
        lambda o: ad.CosineAnnealingLR(o, 200),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 200),
    ),
    "cosine to a minimum": (
        lambda o: ad.CosineAnnealingLR(o, T_max=210, eta_min=0.01),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=210, eta_min=0.01),
    ),
    "step": (lambda o: ad.StepLR(o, 30, 0.5), lambda o: torch.optim.lr_scheduler.StepLR(o, 30, 0.5)),
    "exponential": (lambda o: ad.ExponentialLR(o, 0.99), lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.99)),
    "linear": (
        lambda o: ad.LinearLR(o, 0.25, 0.75, 50),
        lambda o: torch.optim.lr_scheduler.LinearLR(o, 0.25, 0.75, 50),
    ),
    "warm-up": (
        lambda o: ad.ExponentialLR(o, 0.99, warmup=20),
        lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda n: (n + 1) / 20 if n < 20 else 0.99 ** (n - 20)),
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_200_steps_with_a_schedule_are_the_same(name):
    make, make_theirs = SCHEDULES[name]
    schedules = []

    def ours(parameters):
        optimizer = ad.SGD([{"params": parameters[:1], "lr": 0.1}, {"params": parameters[1:]}], 0.05, momentum=0.9)
        schedules.append(make(optimizer))
        return optimizer

    def theirs(parameters):
        groups = [{"params": parameters[:1], "lr": 0.1}, {"params": parameters[1:]}]
        optimizer = torch.optim.SGD(groups, lr=0.05, momentum=0.9)
        schedules.append(make_theirs(optimizer))
        return optimizer

    def step():
        for schedule in schedules:
            schedule.step()

    assert_same_steps(ours, theirs, [(3, 2), (4,)], after=step)


@pytest.mark.parametrize("max_norm", [0.5, 3.0, 100.0])
def test_clipped_gradients_are_the_same(max_norm):
    random = np.random.default_rng(0)
    gradients = [random.normal(size=(3, 2)), None, random.normal(size=4)]
    ours = [ad.Parameter(np.zeros(2 if g is None else g.shape)) for g in gradients]
    theirs = [torch.zeros(2 if g is None else g.shape, dtype=torch.float64).requires_grad_() for g in gradients]
    for parameter, their_parameter, gradient in zip(ours, theirs, gradients, strict=True):
        if gradient is not None:
            parameter.grad, their_parameter.grad = ad.Tensor(gradient), torch.from_numpy(gradient.copy())
    length = ad.clip_grad_norm(ours, max_norm)
    np.testing.assert_allclose(length.item(), torch.nn.utils.clip_grad_norm_(theirs, max_norm).item(), rtol=1e-14)
    for parameter, their_parameter in zip(ours, theirs, strict=True):
        if their_parameter.grad is None:
            assert parameter.grad is None
        else:
            np.testing.assert_allclose(parameter.grad.data, their_parameter.grad.numpy(), rtol=1e-14)


def assert_same_steps(make, make_theirs, shapes, after=lambda: None):
    """Take 200 steps both ways, along gradients that grow with the values. after: what is called after each."""
    random = np.random.default_rng(0)
    starts = [random.normal(size=shape) for shape in shapes]
    ours = [ad.Parameter(start) for start in starts]
    theirs = [torch.from_numpy(np.array(start)).requires_grad_() for start in starts]
    optimizer, their_optimizer = make(ours), make_theirs(theirs)
    for _ in range(200):
        for parameter, their_parameter in zip(ours, theirs, strict=True):
            gradient = random.normal(size=parameter.shape) + parameter.data
            parameter.grad = ad.Tensor(gradient)
            their_parameter.grad = torch.from_numpy(np.array(gradient))
        optimizer.step()
        their_optimizer.step()
        after()
        for parameter, their_parameter in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(parameter.data, their_parameter.detach().numpy(), rtol=0, atol=PRECISION)
