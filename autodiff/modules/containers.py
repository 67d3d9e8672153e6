"""Modules that hold others."""

from collections.abc import Iterator
from typing import Any

from autodiff.modules.module import Module, Parameter


class Sequential(Module):
    """Modules applied one after the other.

    >>> ad.Sequential(ad.Linear(2, 3), ad.ReLU())
    Sequential()
      (0): Linear(2, 3)
      (1): ReLU()
    """

    def __init__(self, *layers: Module) -> None:
        for i, layer in enumerate(layers):
            if not isinstance(layer, Module):
                raise TypeError(f"layer {i} of a Sequential must be a Module, such as ad.ReLU(), found {layer!r}")
        self.layers = layers

    def children(self) -> Iterator[tuple[str, Parameter | Module]]:
        """Yield the layers by their number, so that names read `0.weight`, as in PyTorch."""
        return ((name.removeprefix("layers."), held) for name, held in super().children())

    def forward(self, x: Any) -> Any:
        """Return the last layer's output."""
        for layer in self.layers:
            x = layer(x)
        return x
