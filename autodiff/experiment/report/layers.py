"""A network as the page evaluates it: its layers, and its numbers at each epoch one after the other."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import autodiff as ad

Described = dict[str, Any]
Parameters = Mapping[str, NDArray[Any]]

ACTIVATIONS: dict[type[ad.Module], str] = {ad.ReLU: "relu", ad.Sigmoid: "sigmoid", ad.Tanh: "tanh"}


def described(model: ad.Sequential) -> tuple[list[Described], list[str]] | None:
    """Return the layers of a network with the places of their numbers in a frame, and the names of these in order.

    None if it has a layer that the page does not know, as one of the user's own.
    """
    layers: list[Described] = []
    names: list[str] = []
    size = 0
    for i, layer in enumerate(model.layers):
        if type(layer) in ACTIVATIONS:
            layers.append({"kind": ACTIVATIONS[type(layer)]})
        elif isinstance(layer, ad.Linear):
            outputs, inputs = layer.weight.shape
            found: Described = {"kind": "linear", "inputs": inputs, "outputs": outputs, "weight": size}
            names.append(f"{i}.weight")
            size += layer.weight.size
            if layer.bias is not None:
                found["bias"] = size
                names.append(f"{i}.bias")
                size += layer.bias.size
            layers.append(found)
        else:
            return None
    return layers, names


def frame(parameters: Parameters, names: Sequence[str]) -> NDArray[np.float32]:
    """Return the numbers of a network at one epoch in the order of `described`."""
    with np.errstate(over="ignore"):
        return np.concatenate([parameters[name].ravel() for name in names]).astype(np.float32)
