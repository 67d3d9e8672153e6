"""Muon: steps of a matrix in all directions alike."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.optimizers.optimizer import Optimizer, State
from autodiff.optimizers.settings import at_least_zero
from autodiff.tensor import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of a x + b x^3 + c x^5, which brings singular values near 1 in few steps, if not to 1 (Jordan 2024)."""
SMALLEST_NORM = 1e-7


class Muon(Optimizer):
    """Muon: momentum, made orthogonal by Newton and Schulz's iteration (Jordan et al. 2024; as torch.optim.Muon).

    For weights of hidden layers, which are matrices; other parameters take another optimizer, as in
    `ad.ParameterGroups(ad.Muon(matrices, 0.02), ad.AdamW(others, 0.001))`. The learning rate is multiplied by
    sqrt(max(1, rows / columns)). Each step first multiplies the values by 1 - learning_rate * weight_decay. All is
    computed in the dtype of the parameter, where PyTorch takes bfloat16 for the iteration.

    Raises ValueError for a parameter that is no matrix.

    >>> p = ad.Parameter([[2.0, 0.0], [0.0, 2.0]])
    >>> optimizer = ad.Muon([p], learning_rate=1.0, weight_decay=0.0)
    >>> np.sum(p * [[3.0, 0.0], [0.0, 1.0]]).backward()
    >>> optimizer.step()
    >>> np.round(p.data, 1) + 0.0
    array([[1.2, 0. ],
           [0. , 0.9]], dtype=float32)
    """

    alone_from = 0

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float = 0.001,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        iterations: int = 5,
    ) -> None:
        super().__init__(parameters, learning_rate, weight_decay)
        for i, parameter in enumerate(self.parameters):
            if parameter.ndim != 2:
                raise ValueError(
                    f"Muon moves matrices, found a parameter of shape {parameter.shape} at position {i}; give it "
                    "another optimizer: ad.ParameterGroups(ad.Muon(matrices, ...), ad.AdamW(others, ...))"
                )
        self.momentum = at_least_zero("momentum", momentum)
        self.nesterov = nesterov
        self.iterations = iterations

    def update(self, values: NDArray[Any], gradient: NDArray[Any], state: State) -> None:
        """Change values in place."""
        if not state:
            state["mean"] = np.zeros_like(values)
        mean = state["mean"]
        mean += (1 - self.momentum) * (gradient - mean)
        direction = gradient + self.momentum * (mean - gradient) if self.nesterov else mean
        rows, columns = values.shape
        values *= 1 - self.learning_rate * self.weight_decay
        rate = self.learning_rate * max(1.0, rows / columns) ** 0.5
        values -= rate * orthogonalized(direction, self.iterations)


def orthogonalized(matrix: NDArray[Any], iterations: int) -> NDArray[Any]:
    """Return about the orthogonal matrix that is nearest: the singular vectors stay, their values come near 1."""
    a, b, c = COEFFICIENTS
    rows, columns = matrix.shape
    x = matrix.T if rows > columns else matrix
    x = x / np.maximum(np.linalg.norm(x), SMALLEST_NORM)
    for _ in range(iterations):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    found: NDArray[Any] = x.T if rows > columns else x
    return found
