"""Adagrad: steps in units of all gradients so far."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.optimizers.optimizer import Optimizer, State
from autodiff.optimizers.settings import at_least_zero
from autodiff.tensor import Tensor


class Adagrad(Optimizer):
    """Adagrad (Duchi, Hazan & Singer 2011, figure 1, diagonal; as torch.optim.Adagrad).

    square is the sum of all squared gradients; value -= rate * gradient / (sqrt(square) + epsilon), where the rate is
    learning_rate / (1 + steps before * learning_rate_decay). `weight_decay` adds weight_decay * value to the gradient.

    >>> p = ad.Parameter([1.0, 2.0])
    >>> optimizer = ad.Adagrad([p], learning_rate=0.5)
    >>> np.sum(p * [1.0, 1000.0]).backward()
    >>> optimizer.step()
    >>> p
    Tensor([0.5, 1.5], requires_grad=True)
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float = 0.01,
        learning_rate_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        epsilon: float = 1e-10,
    ) -> None:
        super().__init__(parameters, learning_rate, weight_decay)
        self.learning_rate_decay = at_least_zero("learning_rate_decay", learning_rate_decay)
        self.initial_accumulator_value = at_least_zero("initial_accumulator_value", initial_accumulator_value)
        self.epsilon = at_least_zero("epsilon", epsilon)

    def update(self, values: NDArray[Any], gradient: NDArray[Any], state: State) -> None:
        """Change values in place."""
        if not state:
            state.update(step=0, square=np.full_like(values, self.initial_accumulator_value))
        if self.weight_decay:
            gradient = gradient + self.weight_decay * values
        rate = self.learning_rate / (1 + state["step"] * self.learning_rate_decay)
        state["step"] += 1
        square = state["square"]
        square += gradient * gradient
        values -= rate * gradient / (np.sqrt(square) + self.epsilon)
