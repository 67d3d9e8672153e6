"""The step of both jax contestants: from state, points and labels to the new state and the loss."""

import math
from importlib import import_module
from typing import Any

from benchmarks.training.work import BETAS, EPSILON, MOMENTUM, Row, make_problem


def make_step(row: Row) -> tuple[Any, Any, Any]:
    """Return the step, the state it starts from, and the data (points, labels)."""
    jax, jnp = import_module("jax"), import_module("jax.numpy")
    activate = jax.nn.relu if row.activation == "ReLU" else jax.nn.sigmoid
    each: Any = jax.tree.map
    problem = make_problem(row)
    beta1, beta2 = BETAS

    def loss_of(parameters: Any, points: Any, labels: Any) -> Any:
        x = points
        for weight, bias in parameters[:-1]:
            x = activate(x @ weight.T + bias)
        weight, bias = parameters[-1]
        scores = jax.nn.log_softmax(x @ weight.T + bias)
        return -jnp.take_along_axis(scores, labels[:, None], axis=1).mean()

    def adam(state: Any, gradients: Any) -> Any:
        parameters, means, squares, count = state
        count = count + 1
        means = each(lambda m, g: beta1 * m + (1 - beta1) * g, means, gradients)
        squares = each(lambda v, g: beta2 * v + (1 - beta2) * g * g, squares, gradients)
        rate = row.learning_rate / -jnp.expm1(count * math.log(beta1))  # 1 - beta ** count without cancellation
        correction = jnp.sqrt(-jnp.expm1(count * math.log(beta2)))
        move: Any = lambda p, m, v: p - rate * m / (jnp.sqrt(v) / correction + EPSILON)
        return each(move, parameters, means, squares), means, squares, count

    def momentum(state: Any, gradients: Any) -> Any:
        parameters, velocities = state
        velocities = each(lambda v, g: MOMENTUM * v + g, velocities, gradients)
        return each(lambda p, v: p - row.learning_rate * v, parameters, velocities), velocities

    def step(state: Any, points: Any, labels: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(state[0], points, labels)
        return (adam if row.optimizer == "Adam" else momentum)(state, gradients), loss

    parameters = [(jnp.array(weight), jnp.array(bias)) for weight, bias in problem.layers]
    zeros: Any = lambda: each(jnp.zeros_like, parameters)
    state = (parameters, zeros(), zeros(), jnp.zeros(())) if row.optimizer == "Adam" else (parameters, zeros())
    return step, state, (jnp.array(problem.points), jnp.array(problem.labels))
