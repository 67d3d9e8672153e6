"""PyTorch with torch.compile: forward, backward and optimizer in one graph.

Compiling the loss and the optimizer each on its own is the more usual form. It took 2.5 times as long at 300 points:
only the functional form below is one graph.
"""

import logging
import math
from importlib import import_module
from typing import Any

from benchmarks.training.work import BETAS, EPSILON, MOMENTUM, Row, Training, make_problem, repeated


def make(row: Row) -> Training:
    """Return the training of a row."""
    torch = import_module("torch")
    logging.getLogger("torch").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    torch.compiler.reset()  # of the programs of the rows before
    grad_and_value, functional = import_module("torch.func").grad_and_value, torch.nn.functional
    activate = torch.relu if row.activation == "ReLU" else torch.sigmoid
    problem = make_problem(row)
    points, labels = torch.from_numpy(problem.points), torch.from_numpy(problem.labels)
    parameters = [torch.from_numpy(values) for layer in problem.layers for values in layer]
    means, squares = [torch.zeros_like(p) for p in parameters], [torch.zeros_like(p) for p in parameters]
    count = torch.zeros((), dtype=torch.float64)
    beta1, beta2 = BETAS

    def loss_of(parameters: Any) -> Any:
        x = points
        for i in range(0, len(parameters) - 2, 2):
            x = activate(functional.linear(x, parameters[i], parameters[i + 1]))
        return functional.cross_entropy(functional.linear(x, parameters[-2], parameters[-1]), labels)

    def adam(parameters: Any, gradients: Any, means: Any, squares: Any, count: Any) -> None:
        rate = row.learning_rate / -torch.expm1(count * math.log(beta1))
        correction = torch.sqrt(-torch.expm1(count * math.log(beta2)))
        for values, gradient, mean, square in zip(parameters, gradients, means, squares, strict=True):
            mean.mul_(beta1).add_(gradient, alpha=1 - beta1)
            square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
            values.sub_(rate * mean / (square.sqrt() / correction + EPSILON))

    def momentum(parameters: Any, gradients: Any, velocities: Any) -> None:
        for values, gradient, velocity in zip(parameters, gradients, velocities, strict=True):
            velocity.mul_(MOMENTUM).add_(gradient)
            values.sub_(velocity, alpha=row.learning_rate)

    @torch.compile(dynamic=False, fullgraph=True)  # type: ignore[untyped-decorator]
    def whole(parameters: Any, means: Any, squares: Any, count: Any) -> Any:
        gradients, loss = grad_and_value(loss_of)(parameters)
        count = count + 1  # in place, the compiled program would divide by what it was before
        if row.optimizer == "Adam":
            adam(parameters, gradients, means, squares, count)
        else:
            momentum(parameters, gradients, means)
        return loss, count

    def step() -> float:
        nonlocal count
        with torch.no_grad():
            loss, count = whole(parameters, means, squares, count)
        return float(loss.item())

    return repeated(step)
