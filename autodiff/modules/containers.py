"""Modules that hold others."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

from autodiff.modules.module import Buffer, Module, Parameter


class Numbered(Module):
    """Modules in a list, which are named by their numbers there."""

    def __init__(self, layers: Iterable[Module]) -> None:
        self.layers: list[Module] = []
        self.extend(layers)

    def members(self) -> Iterator[tuple[str, Parameter | Buffer | Module]]:
        """Yield the modules by their number, so that names read `0.weight`, as in PyTorch."""
        return ((name.removeprefix("layers."), held) for name, held in super().members())

    @overload
    def __getitem__(self, index: slice) -> Self: ...

    @overload
    def __getitem__(self, index: int) -> Module: ...

    def __getitem__(self, index: int | slice) -> Module:
        if not isinstance(index, slice):
            return self.layers[self.position(index)]
        part = copy.copy(self)
        part.layers = self.layers[index]
        return part

    def __setitem__(self, index: int, layer: Module) -> None:
        self.layers[self.position(index)] = self.checked(layer, index)

    def __delitem__(self, index: int | slice) -> None:
        del self.layers[index if isinstance(index, slice) else self.position(index)]

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.layers)

    def append(self, layer: Module) -> Self:
        """Add a module at the end. Returns the container."""
        return self.insert(len(self), layer)

    def extend(self, layers: Iterable[Module]) -> Self:
        """Add modules at the end. Returns the container."""
        for layer in [*layers]:
            self.append(layer)
        return self

    def insert(self, index: int, layer: Module) -> Self:
        """Add a module before that of a number. Returns the container."""
        self.layers.insert(index, self.checked(layer, index))
        return self

    def position(self, index: int) -> int:
        """Return a number if a module has it, or raise IndexError."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"the {type(self).__name__} has {len(self)} modules, found the index {index}")
        return index

    def checked(self, layer: Any, index: int) -> Module:
        """Return a module, or raise TypeError for anything else."""
        if not isinstance(layer, Module):
            raise TypeError(
                f"layer {index} of a {type(self).__name__} must be a Module, such as ad.ReLU(), found {layer!r}"
            )
        return layer


class Sequential(Numbered):
    """Modules applied one after the other. It can be indexed, sliced and added to as a list.

    >>> model = ad.Sequential(ad.Linear(2, 3), ad.ReLU())
    >>> model
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
    )
    >>> model[0], len(model), model[1:]
    (Linear(in_features=2, out_features=3, bias=True), 2, Sequential(
      (0): ReLU()
    ))
    """

    def __init__(self, *layers: Module) -> None:
        super().__init__(layers)

    def forward(self, x: Any) -> Any:
        """Return the last layer's output."""
        for layer in self.layers:
            x = layer(x)
        return x


class ModuleList(Numbered):
    """A list of modules, which names its parameters as in PyTorch: `blocks.0.weight`. A plain list does the same.

    >>> blocks = ad.ModuleList(ad.Linear(2, 2) for _ in range(3))
    >>> len(blocks), [name for name, _ in blocks.append(ad.ReLU()).named_children()]
    (3, ['0', '1', '2', '3'])
    """

    def __init__(self, layers: Iterable[Module] = ()) -> None:
        super().__init__(layers)


class ModuleDict(Module):
    """Modules by name, with which the names of their parameters begin: `heads.left.weight`. A plain dict does the same.

    >>> heads = ad.ModuleDict({"left": ad.Linear(2, 1), "right": ad.Identity()})
    >>> list(heads), heads["right"](3.0)
    (['left', 'right'], 3.0)
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] = ()) -> None:
        self.by_name: dict[str, Module] = {}
        self.update(modules)

    def members(self) -> Iterator[tuple[str, Parameter | Buffer | Module]]:
        """Yield the modules by their names."""
        return ((name.removeprefix("by_name."), held) for name, held in super().members())

    def __getitem__(self, name: str) -> Module:
        return self.by_name[name]

    def __setitem__(self, name: str, module: Module) -> None:
        if not isinstance(module, Module):
            raise TypeError(f"{name!r} of a ModuleDict must be a Module, such as ad.ReLU(), found {module!r}")
        self.by_name[name] = module

    def __delitem__(self, name: str) -> None:
        del self.by_name[name]

    def __len__(self) -> int:
        return len(self.by_name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name)

    def keys(self) -> Iterable[str]:
        """Return the names."""
        return self.by_name.keys()

    def values(self) -> Iterable[Module]:
        """Return the modules."""
        return self.by_name.values()

    def items(self) -> Iterable[tuple[str, Module]]:
        """Return the names with their modules."""
        return self.by_name.items()

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add modules by their names, in place of those that have them."""
        for name, module in dict(modules).items():
            self[name] = module
