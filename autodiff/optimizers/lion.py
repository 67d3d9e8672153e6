"""Lion: steps of one length, by the sign of the momentum."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.optimizers.optimizer import Optimizer, State
from autodiff.optimizers.settings import two_fractions
from autodiff.tensor import Tensor


class Lion(Optimizer):
    """Lion (Chen et al. 2023, Symbolic discovery of optimization algorithms, program 1).

    value -= learning_rate * (sign(beta1 * mean + (1 - beta1) * gradient) + weight_decay * value), where mean is the
    running mean of the gradient, of which beta2 is kept. A learning rate a third to a tenth of Adam's suits it.

    >>> p = ad.Parameter([1.0, 2.0])
    >>> optimizer = ad.Lion([p], learning_rate=0.5)
    >>> np.sum(p * [1.0, 1000.0]).backward()
    >>> optimizer.step()
    >>> p
    Tensor([0.5, 1.5], requires_grad=True)
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float = 0.0001,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, learning_rate, weight_decay)
        self.betas = two_fractions("betas", betas)

    def update(self, values: NDArray[Any], gradient: NDArray[Any], state: State) -> None:
        """Change values in place."""
        if not state:
            state["mean"] = np.zeros_like(values)
        mean, (beta1, beta2) = state["mean"], self.betas
        direction = np.sign(beta1 * mean + (1 - beta1) * gradient)
        mean *= beta2
        mean += (1 - beta2) * gradient
        if self.weight_decay:
            values *= 1 - self.learning_rate * self.weight_decay
        values -= self.learning_rate * direction
