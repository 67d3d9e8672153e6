"""This project's engine, each operation computed as Python reaches it."""

from collections.abc import Callable

import numpy as np

import autodiff as ad
from autodiff import functional as F  # noqa: N812 - the name by which the field knows it
from benchmarks.training.work import BETAS, EPSILON, MOMENTUM, Row, Training, make_problem, repeated


def make_step(row: Row) -> Callable[[], ad.Tensor]:
    """Return a training step that returns its loss."""
    problem = make_problem(row)
    points, labels = problem.points, problem.labels
    rng = np.random.default_rng(0)
    layers: list[ad.Module] = []
    for weight, bias in problem.layers:
        linear = ad.Linear(weight.shape[1], weight.shape[0], rng=rng)
        linear.load_state_dict({"weight": weight, "bias": bias})
        layers += [linear, ad.ReLU() if row.activation == "ReLU" else ad.Sigmoid()]
    model = ad.Sequential(*layers[:-1])
    optimizer: ad.Optimizer
    if row.optimizer == "Adam":
        optimizer = ad.Adam(model.parameters(), row.learning_rate, BETAS, EPSILON)
    else:
        optimizer = ad.SGD(model.parameters(), row.learning_rate, MOMENTUM)

    def step() -> ad.Tensor:
        loss: ad.Tensor = F.cross_entropy(model(points), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def make(row: Row) -> Training:
    """Return the training of a row."""
    step = make_step(row)
    return repeated(lambda: float(step()))
