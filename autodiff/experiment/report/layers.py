"""A network as the page evaluates it: its layers, and its numbers at each epoch one after the other."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import autodiff as ad
from autodiff.experiment import register
from autodiff.experiment.training.network import MODULES, Activation

Described = dict[str, Any]
Parameters = Mapping[str, NDArray[Any]]

ACTIVATIONS = {module: name for name, module in MODULES.items()}
NUMBERS: dict[type[ad.Module], tuple[str, dict[str, str]]] = {
    ad.Linear: ("linear", {"weight": "weight", "bias": "bias"}),
    ad.LayerNorm: ("layer_norm", {"weight": "weight", "bias": "bias"}),
    ad.BatchNorm1d: (
        "batch_norm",
        {"weight": "weight", "bias": "bias", "mean": "running_mean", "variance": "running_var"},
    ),
}
"""Layers with numbers: what the page calls them, and their numbers, beside their names in a module."""


def described(model: ad.Sequential) -> tuple[list[Described], list[str]] | None:
    """Return the layers of a network with the places of their numbers in a frame, and the names of these in order.

    None if it has a layer that the page does not know, as one of the user's own.
    """
    layers: list[Described] = []
    names: list[str] = []
    size = 0
    for i, layer in enumerate(model.layers):
        if type(layer) is ad.Dropout:  # which does nothing in evaluation
            continue
        known = without_numbers(layer)
        if known is None:
            if type(layer) not in NUMBERS:
                return None
            kind, numbers = NUMBERS[type(layer)]
            known = {"kind": kind}
            for ours, theirs in numbers.items():
                values = getattr(layer, theirs)
                if values is not None:
                    known[ours] = size
                    names.append(f"{i}.{theirs}")
                    size += values.size
        if isinstance(layer, ad.Linear):
            known["outputs"], known["inputs"] = layer.weight.shape
        elif isinstance(layer, ad.LayerNorm | ad.BatchNorm1d):
            known["epsilon"] = layer.eps
        layers.append(known)
    return layers, names


def without_numbers(layer: ad.Module) -> Described | None:
    """Return an activation of adrun's own with its settings; None for any other layer."""
    if type(layer) in ACTIVATIONS:
        return {"kind": ACTIVATIONS[type(layer)]}
    if isinstance(layer, Activation) and register.activation.parts[layer.name].is_adruns:
        return {"kind": layer.name, **layer.settings}
    return None


def frame(parameters: Parameters, names: Sequence[str]) -> NDArray[np.float32]:
    """Return the numbers of a network at one epoch, with its running statistics, in the order of `described`."""
    with np.errstate(over="ignore"):
        return np.concatenate([parameters[name].ravel() for name in names]).astype(np.float32)
