"""Parts of one's own for adrun: an activation, an optimizer, a data set and a layer, each a dozen lines.

    adrun gradcheck --code examples/swish.py
    adrun train configs/relu-adam.yaml --code examples/swish.py --set activation=swish --name swish
    adrun compare configs/relu-adam.yaml --code examples/swish.py --sweep activation=relu,swish --seeds 5
    adrun train configs/relu-adam.yaml --code examples/swish.py --set dataset=bands --set layer=gated --name bands

What a part takes beyond what every part of its kind is given are its settings: a config gives them by name, as in
`activation: {name: swish, beta: 2}`, and is checked against their types. Derivatives come from the engine.
"""

from typing import Any

import numpy as np

import autodiff as ad
from autodiff import functional as F
from autodiff.experiment import register


@register.activation
def swish(x: Any, beta: float = 1.0) -> Any:
    """x * sigmoid(beta * x) (Ramachandran et al. 2017)."""
    return x * F.sigmoid(beta * x)


@register.optimizer
class Signed(ad.Optimizer):
    """Steps of one length, along the sign of each gradient (Riedmiller & Braun 1993, without their adaptation)."""

    def __init__(self, parameters: Any, learning_rate: float, weight_decay: float = 0.0) -> None:
        super().__init__(parameters, learning_rate, weight_decay)

    def update(self, values: Any, gradient: Any, state: dict[str, Any]) -> None:
        """Change values in place."""
        values -= self.learning_rate * (np.sign(gradient) + self.weight_decay * values)


@register.dataset
def bands(rng: np.random.Generator, points: int = 300, noise: float = 0.1) -> tuple[Any, Any]:
    """Three round bands about each other, radii 1 to 3 with normal noise; held-out points are drawn in the same way."""
    labels = np.arange(points) % 3
    radius = 1 + labels + noise * rng.standard_normal(points)
    angle = rng.uniform(0, 2 * np.pi, points)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), labels


@register.layer
class gated(ad.Module):  # noqa: N801 (a config names it so)
    """A linear layer, each output times a gate between 0 and 1 (Dauphin et al. 2017)."""

    def __init__(self, inputs: int, outputs: int, rng: np.random.Generator, dtype: Any) -> None:
        self.value = ad.Linear(inputs, outputs, rng=rng, dtype=dtype)
        self.gate = ad.Linear(inputs, outputs, rng=rng, dtype=dtype)

    def forward(self, x: Any) -> Any:
        """Return the gated values."""
        return self.value(x) * F.sigmoid(self.gate(x))
