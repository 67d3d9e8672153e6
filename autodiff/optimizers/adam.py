"""Adam and those made from it."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.optimizers.optimizer import Optimizer, State
from autodiff.optimizers.settings import at_least_zero, two_fractions
from autodiff.tensor import Tensor


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, algorithm 1; as torch.optim.Adam).

    Running means of the gradient and of its square, corrected for their start at 0, give each element a step of its own
    length. `weight_decay` adds weight_decay * value to the gradient.

    >>> p = ad.Parameter([1.0, 2.0])
    >>> optimizer = ad.Adam([p], learning_rate=0.5)
    >>> np.sum(p * [1.0, 1000.0]).backward()
    >>> optimizer.step()
    >>> p
    Tensor([0.5, 1.5], requires_grad=True)
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, learning_rate, weight_decay)
        self.betas = two_fractions("betas", betas)
        self.epsilon = at_least_zero("epsilon", epsilon)

    def update(self, values: NDArray[Any], gradient: NDArray[Any], state: State) -> None:
        """Change values in place."""
        if self.weight_decay:
            gradient = gradient + self.weight_decay * values
        self.move(values, gradient, state)

    def move(self, values: NDArray[Any], gradient: NDArray[Any], state: State) -> None:
        """Take the step of the algorithm, weight decay aside."""
        if not state:
            state.update(step=0, mean=np.zeros_like(values), square=np.zeros_like(values))
        state["step"] += 1
        mean, square, (beta1, beta2) = state["mean"], state["square"], self.betas
        mean += (1 - beta1) * (gradient - mean)
        square *= beta2
        square += (1 - beta2) * gradient * gradient
        corrected_rate = self.learning_rate / (1 - beta1 ** state["step"])
        deviation = np.sqrt(square)
        deviation *= (1 - beta2 ** state["step"]) ** -0.5
        deviation += self.epsilon
        values -= corrected_rate * mean / deviation


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2; as torch.optim.AdamW).

    Each step first multiplies the values by 1 - learning_rate * weight_decay.

    >>> p = ad.Parameter([1.0, 2.0])
    >>> optimizer = ad.AdamW([p], learning_rate=0.5, weight_decay=0.5)
    >>> np.sum(p).backward()
    >>> optimizer.step()
    >>> p
    Tensor([0.25, 1.  ], requires_grad=True)
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, learning_rate, betas, epsilon, weight_decay)

    def update(self, values: NDArray[Any], gradient: NDArray[Any], state: State) -> None:
        """Change values in place."""
        values *= 1 - self.learning_rate * self.weight_decay
        self.move(values, gradient, state)


class NAdam(Adam):
    """Adam with Nesterov's look ahead (Dozat 2016, algorithm 8; as torch.optim.NAdam).

    The step is taken along the mean that the next gradient would find, with a beta1 that rises from half its value:
    beta1 * (1 - 0.96 ** (step * momentum_decay) / 2). `weight_decay` adds weight_decay * value to the gradient.

    >>> p = ad.Parameter([1.0, 2.0])
    >>> optimizer = ad.NAdam([p], learning_rate=0.5)
    >>> np.sum(p * [1.0, 1000.0]).backward()
    >>> optimizer.step()
    >>> np.round(p.data, 2)
    array([0.47, 1.47], dtype=float32)
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float = 0.002,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 0.004,
    ) -> None:
        super().__init__(parameters, learning_rate, betas, epsilon, weight_decay)
        self.momentum_decay = at_least_zero("momentum_decay", momentum_decay)

    def move(self, values: NDArray[Any], gradient: NDArray[Any], state: State) -> None:
        """Take the step of the algorithm, weight decay aside."""
        if not state:
            state.update(step=0, kept=1.0, mean=np.zeros_like(values), square=np.zeros_like(values))
        state["step"] += 1
        mean, square, (beta1, beta2) = state["mean"], state["square"], self.betas
        now = beta1 * (1 - 0.5 * 0.96 ** (state["step"] * self.momentum_decay))
        then = beta1 * (1 - 0.5 * 0.96 ** ((state["step"] + 1) * self.momentum_decay))
        state["kept"] *= now
        mean += (1 - beta1) * (gradient - mean)
        square *= beta2
        square += (1 - beta2) * gradient * gradient
        deviation = np.sqrt(square)
        deviation *= (1 - beta2 ** state["step"]) ** -0.5
        deviation += self.epsilon
        of_gradient = self.learning_rate * (1 - now) / (1 - state["kept"])
        of_mean = self.learning_rate * then / (1 - state["kept"] * then)
        values -= (of_gradient * gradient + of_mean * mean) / deviation
