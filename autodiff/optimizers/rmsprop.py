"""RMSprop: steps in units of the running size of the gradient."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.optimizers.optimizer import Optimizer, State
from autodiff.optimizers.settings import at_least_zero, fraction
from autodiff.tensor import Tensor


class RMSprop(Optimizer):
    """RMSprop (Hinton, Srivastava & Swersky 2012, lecture 6e; as torch.optim.RMSprop).

    square is the running mean of the squared gradient, whose share `alpha` is kept each step; value -= learning_rate *
    gradient / (sqrt(square) + epsilon). With `centered`, that of the gradient itself is taken off, so that the variance
    remains (Graves 2013). With `momentum`, the value moves by a velocity to which that is added. `weight_decay` adds
    weight_decay * value to the gradient.

    >>> p = ad.Parameter([1.0, 2.0])
    >>> optimizer = ad.RMSprop([p], learning_rate=0.05)
    >>> np.sum(p * [1.0, 1000.0]).backward()
    >>> optimizer.step()
    >>> p
    Tensor([0.5, 1.5], requires_grad=True)
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float = 0.01,
        alpha: float = 0.99,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        super().__init__(parameters, learning_rate, weight_decay)
        self.alpha = fraction("alpha", alpha)
        self.epsilon = at_least_zero("epsilon", epsilon)
        self.momentum = at_least_zero("momentum", momentum)
        self.centered = centered

    def update(self, values: NDArray[Any], gradient: NDArray[Any], state: State) -> None:
        """Change values in place."""
        if not state:
            names = ["square"] + ["mean"] * self.centered + ["velocity"] * (self.momentum > 0)
            state.update((name, np.zeros_like(values)) for name in names)
        if self.weight_decay:
            gradient = gradient + self.weight_decay * values
        square = state["square"]
        square *= self.alpha
        square += (1 - self.alpha) * gradient * gradient
        variance = square
        if self.centered:
            state["mean"] += (1 - self.alpha) * (gradient - state["mean"])
            variance = square - state["mean"] * state["mean"]
        move = gradient / (np.sqrt(variance) + self.epsilon)
        if self.momentum:
            velocity = state["velocity"]
            velocity *= self.momentum
            velocity += move
            move = velocity
        values -= self.learning_rate * move
