"""The network and the optimizer that a config describes."""

import copy
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import autodiff as ad
from autodiff.experiment.config import Config

ACTIVATIONS: dict[str, type[ad.Module]] = {"relu": ad.ReLU, "sigmoid": ad.Sigmoid, "tanh": ad.Tanh}


def build_model(config: Config, rng: np.random.Generator) -> ad.Sequential:
    """Return a network from 2 features through the hidden layers to one logit a class.

    Weights before a ReLU start as He et al. (2015) draw them, all others as Glorot and Bengio (2010) do.
    """
    dtype = np.dtype(config.dtype)
    initialisation: Literal["he", "glorot"] = "he" if config.activation == "relu" else "glorot"
    layers: list[ad.Module] = []
    inputs = 2
    for width in config.hidden:
        layers += [
            ad.Linear(inputs, width, rng=rng, dtype=dtype, init=initialisation),
            ACTIVATIONS[config.activation](),
        ]
        inputs = width
    return ad.Sequential(*layers, ad.Linear(inputs, config.dataset.classes, rng=rng, dtype=dtype, init="glorot"))


def build_optimizer(config: Config, model: ad.Module) -> ad.SGD | ad.Adam:
    """Return the optimizer that trains the model's parameters."""
    if config.optimizer == "sgd":
        return ad.SGD(
            model.parameters(), config.learning_rate, momentum=config.momentum, weight_decay=config.weight_decay
        )
    adaptive = ad.AdamW if config.optimizer == "adamw" else ad.Adam
    return adaptive(model.parameters(), config.learning_rate, weight_decay=config.weight_decay)


class Snapshot:
    """The network as it was at one epoch: called with points (n, 2) it returns their logits (n, classes)."""

    def __init__(self, model: ad.Sequential) -> None:
        self.model = copy.deepcopy(model)
        for parameter in self.model.parameters():
            parameter.grad = None

    def __call__(self, points: NDArray[Any]) -> NDArray[Any]:
        """Evaluate the points with the kept parameters."""
        points = np.asarray(points, next(self.model.parameters()).dtype)
        # A diverging network overflows; BLAS at times flags as invalid what it computed beside a small matrix.
        with ad.no_grad(), np.errstate(over="ignore", invalid="ignore"):
            logits: NDArray[Any] = self.model(points).data
        return logits
