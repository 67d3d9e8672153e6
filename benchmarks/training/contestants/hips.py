"""HIPS autograd: derivatives of NumPy code, the optimizer by hand in NumPy."""

from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.training.contestants.plain import adam, momentum
from benchmarks.training.work import Row, Training, make_problem, repeated


def make(row: Row) -> Training:
    """Return the training of a row."""
    anp, value_and_grad = import_module("autograd.numpy"), import_module("autograd").value_and_grad
    problem = make_problem(row)
    parameters = [values for layer in problem.layers for values in layer]
    update = (adam if row.optimizer == "Adam" else momentum)(parameters, row.learning_rate)
    rows = np.arange(row.points)

    def loss_of(parameters: Any) -> Any:
        x = problem.points
        for i in range(0, len(parameters) - 2, 2):
            x = anp.dot(x, parameters[i].T) + parameters[i + 1]
            x = anp.maximum(x, 0) if row.activation == "ReLU" else 0.5 * (anp.tanh(0.5 * x) + 1)
        logits = anp.dot(x, parameters[-2].T) + parameters[-1]
        logits = logits - anp.max(logits, axis=1, keepdims=True)
        totals = anp.log(anp.sum(anp.exp(logits), axis=1))
        return anp.mean(totals - logits[rows, problem.labels])

    differentiated = value_and_grad(loss_of)

    def step() -> float:
        loss, gradients = differentiated(parameters)
        update(gradients)
        return float(loss)

    return repeated(step)
