"""A differential equation, solved by a network: u'' = -u with u = 0 at 0 and u = -1 at 3/2 pi. That is the sine.

The network is u itself. It is trained until its own second derivative is minus its value at points along the way, and
its values at both ends are right (Lagaris et al. 1998). A training step so takes a third derivative: by the weights, of
what is the second one by the place.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad

PLACES = np.linspace(0, 1.5 * math.pi, 50)[:, None]
ENDS, VALUES = PLACES[[0, -1]], np.array([[0.0], [-1.0]])


def network(rng: np.random.Generator) -> ad.Sequential:
    """Return a network that bends everywhere, as one whose second derivative counts has to."""
    settings: Any = {"rng": rng, "init": "glorot", "dtype": np.float64}
    inner = [ad.Linear(1, 20, **settings), ad.Tanh(), ad.Linear(20, 20, **settings), ad.Tanh()]
    return ad.Sequential(*inner, ad.Linear(20, 1, **settings))


def derivative(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the derivative of a function of places, whose value at each depends on that place alone."""
    return ad.grad(lambda x: np.sum(function(x)))


def main(steps: int = 3000, seed: int = 0) -> float:
    """Train the network, and return how far it is from the sine at most."""
    u = network(np.random.default_rng(seed))
    curvature = derivative(derivative(u))
    optimizer = ad.Adam(u.parameters())

    @ad.capture  # recorded in its first calls, all three derivatives, and replayed without the engine from then on
    def step(learning_rate: float) -> Any:
        places = ad.Tensor(PLACES, requires_grad=True)
        loss = np.mean((curvature(places) + u(places)) ** 2) + np.mean((u(ENDS) - VALUES) ** 2)
        optimizer.learning_rate = learning_rate
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    error = math.inf
    for i in range(1, steps + 1):
        loss = step(0.01 * (1 - i / (steps + 1))).item()
        if i % max(steps // 10, 1) == 0:
            error = float(np.max(np.abs(u(PLACES).data - np.sin(PLACES))))
            print(f"step {i:5}: loss {loss:.1e}, at most {error:.5f} from the sine")
    return error


if __name__ == "__main__":
    main()
