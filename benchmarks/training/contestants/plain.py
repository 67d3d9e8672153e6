"""NumPy as one writes it by hand without an engine."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from benchmarks.training.work import BETAS, EPSILON, MOMENTUM, Row, Training, make_problem, repeated

Values = NDArray[Any]
Update = Callable[[list[Values]], None]


def make(row: Row, dtype: DTypeLike = np.float32) -> Training:
    """Return the training of a row."""
    problem = make_problem(row)
    points, labels = problem.points.astype(dtype), problem.labels
    weights = [weight.astype(dtype) for weight, _ in problem.layers]
    biases = [bias.astype(dtype) for _, bias in problem.layers]
    rows = np.arange(row.points)
    update = (adam if row.optimizer == "Adam" else momentum)(weights + biases, row.learning_rate)

    def activate(z: Values) -> Values:
        return np.maximum(z, 0) if row.activation == "ReLU" else 1 / (1 + np.exp(-z))

    def step() -> float:
        hidden = [points]
        for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
            hidden.append(activate(hidden[-1] @ weight.T + bias))
        logits = hidden[-1] @ weights[-1].T + biases[-1]
        logits = logits - logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        totals = exponentials.sum(axis=1, keepdims=True)
        loss = -(logits[rows, labels] - np.log(totals[:, 0])).mean()
        back = exponentials / totals
        back[rows, labels] -= 1
        back /= row.points
        weight_gradients: list[Values] = []
        bias_gradients: list[Values] = []
        for layer in reversed(range(len(weights))):
            weight_gradients.append(back.T @ hidden[layer])
            bias_gradients.append(back.sum(axis=0))
            if layer:
                back = back @ weights[layer]
                back *= hidden[layer] > 0 if row.activation == "ReLU" else hidden[layer] * (1 - hidden[layer])
        update(weight_gradients[::-1] + bias_gradients[::-1])
        return float(loss)

    return repeated(step)


def adam(parameters: list[Values], learning_rate: float) -> Update:
    """Return Adam's step for these parameters."""
    means, squares = [np.zeros_like(p) for p in parameters], [np.zeros_like(p) for p in parameters]
    (beta1, beta2), count = BETAS, 0

    def update(gradients: list[Values]) -> None:
        nonlocal count
        count += 1
        for values, gradient, mean, square in zip(parameters, gradients, means, squares, strict=True):
            mean += (1 - beta1) * (gradient - mean)
            square += (1 - beta2) * (gradient * gradient - square)
            deviation = np.sqrt(square / (1 - beta2**count)) + EPSILON
            values -= learning_rate / (1 - beta1**count) * mean / deviation

    return update


def momentum(parameters: list[Values], learning_rate: float) -> Update:
    """Return the step of SGD with momentum for these parameters."""
    velocities = [np.zeros_like(p) for p in parameters]

    def update(gradients: list[Values]) -> None:
        for values, gradient, velocity in zip(parameters, gradients, velocities, strict=True):
            velocity *= MOMENTUM
            velocity += gradient
            values -= learning_rate * velocity

    return update
