"""Whole runs of configs beside PyTorch's loop, from the same weights, over 200 epochs in float64."""

import re
from typing import Any

import numpy as np
import pytest
import torch

from autodiff.experiment.config.config import Config
from autodiff.experiment.training.training import Session, train

EPOCHS = 200
PRECISION = 1e-10
FIELDS: dict[str, Any] = {
    "activation": "tanh",
    "optimizer": "sgd",
    "momentum": 0.5,
    "learning_rate": 0.02,
    "epochs": EPOCHS,
    "hidden": [6, 5],
    "dtype": "float64",
    "dataset": {"points_per_class": 10, "test_points_per_class": 0},
}
schedulers = torch.optim.lr_scheduler
SCHEDULES = {
    "cosine": lambda o: schedulers.CosineAnnealingLR(o, T_max=EPOCHS),
    "step": lambda o: schedulers.StepLR(o, step_size=30, gamma=0.5),
    "exponential": lambda o: schedulers.ExponentialLR(o, gamma=0.99),
    "linear": lambda o: schedulers.LinearLR(o, start_factor=1.0, end_factor=0.0, total_iters=EPOCHS),
    "warmup": lambda o: schedulers.SequentialLR(
        o,
        [
            schedulers.LinearLR(o, start_factor=1 / 20, end_factor=1.0, total_iters=19),
            schedulers.CosineAnnealingLR(o, T_max=EPOCHS - 20),
        ],
        milestones=[20],
    ),
}
CASES: dict[str, dict[str, Any]] = {
    "cosine": {"schedule": "cosine"},
    "step": {"schedule": {"name": "step", "step_size": 30, "gamma": 0.5}},
    "exponential": {"schedule": {"name": "exponential", "gamma": 0.99}},
    "linear": {"schedule": "linear"},
    "warmup": {"schedule": {"name": "cosine", "warmup": 20}},
    "clipping": {"clip_norm": 0.05},
    "smoothing": {"label_smoothing": 0.1},
    "l1": {"l1": 0.003},
    "layer": {"norm": "layer"},
    "batch": {"norm": {"name": "batch", "momentum": 0.3}, "learning_rate": 0.005},
    "no bias": {"layer": {"name": "linear", "bias": False}},
    "together": {"schedule": "cosine", "clip_norm": 0.5, "label_smoothing": 0.2, "l1": 0.001, "norm": "batch"},
}


def theirs_of(config: Config) -> torch.nn.Sequential:
    """Return PyTorch's network of the same layers, with the weights that ours starts with."""
    layers: list[torch.nn.Module] = []
    inputs = 2
    for width in config.hidden:
        layers.append(torch.nn.Linear(inputs, width, bias=config.layer is None))
        if config.norm is not None and config.norm.name == "layer":
            layers.append(torch.nn.LayerNorm(width))
        elif config.norm is not None:
            layers.append(torch.nn.BatchNorm1d(width, momentum=config.norm.settings["momentum"]))
        layers.append(torch.nn.Tanh())
        inputs = width
    network = torch.nn.Sequential(*layers, torch.nn.Linear(inputs, 3)).double()
    state = Session(config).model.state_dict()
    network.load_state_dict({name: torch.from_numpy(values) for name, values in state.items()})
    return network


@pytest.mark.parametrize("case", CASES)
def test_a_run_has_the_losses_and_the_weights_of_pytorch(case: str) -> None:
    config = Config.model_validate(FIELDS | CASES[case])
    training = train(config, lambda epoch, measured: None)
    network = theirs_of(config)
    optimizer = torch.optim.SGD(network.parameters(), lr=config.learning_rate, momentum=0.5)
    makes = SCHEDULES.get(case) or (SCHEDULES["cosine"] if config.schedule else None)
    schedule = makes(optimizer) if makes else None
    x, labels = torch.from_numpy(training.points.features), torch.from_numpy(training.points.labels)
    losses = []
    for epoch in range(EPOCHS + 1):
        network.eval()
        with torch.no_grad():
            losses.append(torch.nn.functional.cross_entropy(network(x), labels).item())
        if epoch == EPOCHS:
            break
        network.train()
        loss = torch.nn.functional.cross_entropy(network(x), labels, label_smoothing=config.label_smoothing or 0.0)
        if config.l1:
            weights = [one for name, one in network.named_parameters() if one.ndim == 2]
            loss = loss + config.l1 * sum(weight.abs().sum() for weight in weights)
        optimizer.zero_grad()
        loss.backward()
        if config.clip_norm:
            torch.nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm)
        optimizer.step()
        if schedule is not None:
            schedule.step()
    np.testing.assert_allclose(training.loss, losses, rtol=0, atol=PRECISION)
    for name, values in network.state_dict().items():
        found = training.state.parameters[name]
        np.testing.assert_allclose(found, values.numpy(), rtol=0, atol=PRECISION, err_msg=name)


def test_every_schedule_and_norm_is_compared() -> None:
    from autodiff.experiment.register import KINDS

    text = repr(CASES)
    names = [*KINDS["schedule"].parts, *KINDS["norm"].parts]
    assert all(re.search(rf"\b{name}\b", text) for name in names)
