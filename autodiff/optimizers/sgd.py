"""Stochastic gradient descent."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.optimizers.optimizer import Optimizer, State
from autodiff.optimizers.settings import at_least_zero
from autodiff.tensor import Tensor


class SGD(Optimizer):
    """Stochastic gradient descent with momentum (Sutskever et al. 2013; as torch.optim.SGD, without dampening).

    velocity = momentum * velocity + gradient; value -= learning_rate * velocity. With `nesterov`, the value moves by
    gradient + momentum * velocity instead. `weight_decay` adds weight_decay * value to the gradient.

    >>> p = ad.Parameter([1.0, 2.0])
    >>> optimizer = ad.SGD([p], learning_rate=0.5)
    >>> np.sum(p).backward()
    >>> optimizer.step()
    >>> p
    Tensor([0.5, 1.5], requires_grad=True)
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        if not momentum:
            self.alone_from = 0  # two calls a step are not worth the copying
        super().__init__(parameters, learning_rate, weight_decay)
        self.momentum = at_least_zero("momentum", momentum)
        if nesterov and not momentum:
            raise ValueError("nesterov needs a momentum above 0")
        self.nesterov = nesterov

    def update(self, values: NDArray[Any], gradient: NDArray[Any], state: State) -> None:
        """Change values in place."""
        if self.weight_decay:
            gradient = gradient + self.weight_decay * values
        if self.momentum:
            if "velocity" not in state:
                state["velocity"] = np.zeros_like(values)
            velocity = state["velocity"]
            velocity *= self.momentum
            velocity += gradient
            gradient = gradient + self.momentum * velocity if self.nesterov else velocity
        values -= self.learning_rate * gradient
