"""The health of a training: how large gradients and updates are, layer by layer, and which units are lost."""

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import autodiff as ad
from autodiff.experiment.config.config import Config
from autodiff.experiment.training.network import Activation

MOST_POINTS = 1_000
"""Training points that the units are looked at on: of more, every so-manieth."""
ENDS = {ad.Sigmoid: (0.01, 0.99), ad.Tanh: (-0.99, 0.99)}
"""Beyond these, an activation is at an end of its range, where it passes on a twenty-fifth of a gradient at most."""
NEARLY_ALL = 0.99
"""Of the points: a unit that is at its ends for so many is saturated."""

Arrays = list[list[NDArray[Any]]]
"""Those of each layer that has parameters."""


class LayerHealth(NamedTuple):
    """A layer at one epoch, None where there is nothing to measure; norms are Euclidean, of all its parameters at once.

    layer: its name in the network's state. `gradient_norm` and `update_norm` are of the last step before this epoch's
    network and of all that the epoch before changed; `weight_norm` is that of this network. units: how many a hidden
    layer has. dead: the share of them that are 0 for every training point, if a ReLU follows; saturated: the share of
    them that are at an end of their range for nearly every one, if they have such a range.
    """

    epoch: int
    layer: str
    gradient_norm: float | None
    update_norm: float | None
    weight_norm: float
    units: int | None
    dead: float | None
    saturated: float | None

    @property
    def update_to_weight(self) -> float | None:
        """How far the epoch before moved the parameters, for how large they are."""
        if self.update_norm is None:
            return None
        return self.update_norm / self.weight_norm if self.weight_norm else math.inf


class Meter:
    """Measures a network that is being trained on some points."""

    def __init__(self, config: Config, model: ad.Sequential, features: NDArray[Any]) -> None:
        self.model = model
        self.features = features[:: -(-len(features) // MOST_POINTS)]
        known = {str(i): list(layer.parameters()) for i, layer in enumerate(model.layers)}
        self.layers = {name: parameters for name, parameters in known.items() if parameters}
        hidden = len(config.hidden)
        together = (len(model.layers) - 1) // max(hidden, 1)  # a hidden layer, its activation and what is between
        first = 1 if config.norm is None else 2
        self.units = {k * together + first: str(k * together) for k in range(hidden)}
        self.units = {i: layer for i, layer in self.units.items() if can_be_lost(model.layers[i])}

    def parameters(self) -> Arrays:
        """Return a copy of the parameters of each layer."""
        return [[parameter.data.copy() for parameter in layer] for layer in self.layers.values()]

    def measure(self, epoch: int, before: Arrays | None) -> list[LayerHealth]:
        """Return how each layer is. before: its parameters one epoch ago, if there was one.

        The network is in evaluation, and has the gradients of the last step.
        """
        lost = dict(self.lost_units())
        rows = []
        for i, (name, layer) in enumerate(self.layers.items()):
            gradient = update = None
            if before is not None:
                gradient = norm(parameter.grad.data for parameter in layer if parameter.grad is not None)
                update = norm(parameter.data - old for parameter, old in zip(layer, before[i], strict=True))
            weights = norm(parameter.data for parameter in layer)
            rows.append(LayerHealth(epoch, name, gradient, update, weights, *lost.get(name, (None, None, None))))
        return rows

    def lost_units(self) -> Iterator[tuple[str, tuple[int, float | None, float | None]]]:
        """Yield the names of hidden layers, how many units they have, and the shares of those dead and saturated."""
        x: Any = self.features
        with ad.no_grad():
            for i, layer in enumerate(self.model.layers[: max(self.units, default=-1) + 1]):
                x = layer(x)
                if i in self.units:
                    count = x.shape[1]
                    yield self.units[i], (count, *(None if n is None else n / count for n in lost(layer, x.data)))


def can_be_lost(activation: ad.Module) -> bool:
    """Tell whether units with an activation can be dead or saturated."""
    return isinstance(activation, ad.ReLU) or ends_of(activation) is not None


def ends_of(activation: ad.Module) -> tuple[float, float] | None:
    """Return beyond which values an activation hardly passes on gradients, if there are any."""
    if isinstance(activation, Activation) and activation.name == "hardtanh":
        return activation.settings["low"], activation.settings["high"]
    return ENDS.get(type(activation))


def lost(activation: ad.Module, values: NDArray[Any]) -> tuple[int | None, int | None]:
    """Return how many units are dead and how many saturated, None where the activation has no such ones.

    values: what the activation made of each point (n, units).
    """
    ends = ends_of(activation)
    if ends is None:
        return int(np.count_nonzero((values == 0).all(axis=0))), None
    at_ends = np.count_nonzero((values <= ends[0]) | (values >= ends[1]), axis=0)
    return None, int(np.count_nonzero(at_ends >= NEARLY_ALL * len(values)))


def norm(arrays: Iterable[NDArray[Any]]) -> float:
    """Return the Euclidean norm of all numbers of some arrays, in float64: squares may be too small for float32."""
    wide = (array.astype(np.float64) for array in arrays)
    return math.sqrt(sum(float(np.vdot(array, array)) for array in wide))
