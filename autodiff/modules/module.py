"""Module: parameters and other modules, found by name."""

import gc
from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Set
from types import FunctionType, MemberDescriptorType, ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autodiff.tensor import Tensor
from autodiff.trees import paths


class Parameter(Tensor):
    """A Tensor that a module learns: it always requires a gradient.

    >>> ad.Parameter([1.0, 2.0])
    Tensor([1., 2.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any, dtype: DTypeLike | None = None) -> None:
        super().__init__(data, requires_grad=True, dtype=dtype)


class Module:
    """A part of a network. Its own are the parameters and modules that its attributes hold, in lists and dicts too.

    >>> import autodiff as ad
    >>> class Scale(ad.Module):
    ...     def __init__(self):
    ...         self.factor = ad.Parameter([1.0, 2.0])
    ...
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> model = Scale()
    >>> model(ad.Tensor([3.0, 4.0]))
    Tensor([3., 8.], from=np.multiply)
    >>> [name for name, _ in model.named_parameters()]
    ['factor']
    """

    def __call__(self, *inputs: Any, **keywords: Any) -> Any:
        """Return `forward` of the inputs."""
        return self.forward(*inputs, **keywords)

    def forward(self, *inputs: Any, **keywords: Any) -> Any:
        """Return what the module computes; each kind of module defines its own."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward(self, ...)")

    def children(self) -> Iterator[tuple[str, "Parameter | Module"]]:
        """Yield the parameters and modules held directly, with names such as `weight` or `layers.0`.

        Attributes of the class count too, and lists, dicts and their like in each other. Raises TypeError for a set.
        """
        for attribute, held in attributes(self):
            for path, value in paths(held, entries):
                name = ".".join(map(str, (attribute, *path)))
                if isinstance(value, Parameter | Module):
                    yield name, value
                elif isinstance(value, Set) and any(isinstance(entry, Parameter | Module) for entry in value):
                    raise TypeError(
                        f"{type(self).__name__}.{name} is a {type(value).__name__}, which has no order, so that its "
                        "parameters would have no names; make it a list or a dict"
                    )

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield every parameter once, with its name from the root: `layers.0.weight`.

        Raises ValueError for two parameters of one name, and TypeError for one that an object holds in which none is
        looked for: its name would be lost, and it would not be trained.
        """
        found: dict[str, Parameter] = {}
        elsewhere: list[tuple[str, Any]] = []
        seen: set[int] = set()
        pending: list[tuple[str, Parameter | Module]] = [("", self)]
        while pending:
            name, value = pending.pop()
            if id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, Module):
                before = f"{name}." if name else ""
                pending.extend([(f"{before}{child}", held) for child, held in value.children()][::-1])
                elsewhere += [(f"{before}{key}", held) for key, held in attributes(value)]
            elif name in found:
                raise ValueError(
                    f"two parameters of the {type(self).__name__} have the name {name!r}; rename an attribute or the "
                    "key of a dict, of which 1 and '1' look alike"
                )
            else:
                found[name] = value
        for name, value in elsewhere:
            for owner, parameter in hidden_in(value):
                if id(parameter) not in seen:
                    raise TypeError(
                        f"{type(self).__name__}.{name} holds a parameter in a {owner}, where none is looked for, so "
                        "that it would not be trained; hold it in an attribute of the module, or in a list or dict "
                        f"there, or make the {owner} a Module"
                    )
        yield from found.items()

    def parameters(self) -> Iterator[Parameter]:
        """Yield every parameter once."""
        return (parameter for _, parameter in self.named_parameters())

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return a copy of every parameter's values by its name."""
        return {name: parameter.data.copy() for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set every parameter to the values of its name, converted to its dtype.

        Raises ValueError, and changes nothing, when an entry is missing, unexpected or of another shape.
        """
        parameters = dict(self.named_parameters())
        faults = [f"missing {name!r}" for name in parameters if name not in state]
        faults += [f"unexpected {name!r}" for name in state if name not in parameters]
        arrays = {}
        for name, parameter in parameters.items():
            if name not in state:
                continue
            try:
                arrays[name] = np.array(state[name], dtype=parameter.dtype)
            except (TypeError, ValueError) as error:
                faults.append(f"{name!r} is no array of numbers: {error}")
                continue
            if arrays[name].shape != parameter.shape:
                faults.append(f"{name!r} has shape {arrays[name].shape}, the parameter {parameter.shape}")
        if faults:
            raise ValueError(f"the state does not fit the {type(self).__name__}: {'; '.join(faults)}")
        for name, parameter in parameters.items():
            parameter.data = arrays[name]

    def describe(self) -> str:
        """Return what to show of the module itself in the tree, within the parentheses."""
        return ""

    def __repr__(self) -> str:
        lines: list[str] = []
        seen: set[int] = set()
        pending: list[tuple[int, str, Module]] = [(0, "", self)]
        while pending:
            depth, name, module = pending.pop()
            label = f"({name}): " if name else ""
            lines.append(f"{'  ' * depth}{label}{type(module).__name__}({module.describe()})")
            if id(module) in seen:  # shared, or a module that refers back to its parent
                continue
            seen.add(id(module))
            held = [(depth + 1, child, value) for child, value in module.children() if isinstance(value, Module)]
            pending.extend(held[::-1])
        return "\n".join(lines)


def attributes(module: Module) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of a module: those it has itself, in slots too, and the plain ones of its classes."""
    own = vars(module)
    yield from own.items()
    seen = {*own}
    for kind in type(module).__mro__:
        for name, value in vars(kind).items():
            if name not in seen and name[:2] != "__":
                seen.add(name)
                if isinstance(value, MemberDescriptorType):
                    if hasattr(module, name):
                        yield name, getattr(module, name)
                elif not hasattr(value, "__get__"):  # as functions and properties have
                    yield name, value


def entries(value: Any) -> dict[Any, Any] | None:
    """Return what a list, a dict or their like holds, by its keys; None of anything else, and of a module."""
    if isinstance(value, Module | str | bytes | range):
        return None
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, np.ndarray):
        return dict(enumerate(value.flat)) if value.dtype == object else None
    return dict(enumerate(value)) if isinstance(value, Sequence | deque) else None


def hidden_in(value: Any) -> Iterator[tuple[str, "Parameter"]]:
    """Yield the parameters that an object holds which is no module, list or dict, with the kind of object it is.

    A function's closure is looked at, and whatever else Python's garbage collector sees an object refer to.
    """
    seen: dict[int, Any] = {}
    pending: list[tuple[str, Any]] = [("", value)]
    while pending and len(seen) < LOOKED_AT:
        owner, one = pending.pop()
        if id(one) in seen or isinstance(one, PLAIN):
            continue
        seen[id(one)] = one
        if isinstance(one, Parameter):
            if owner:
                yield owner, one
        elif isinstance(one, Module):
            if owner:
                pending.extend((owner, held) for _, held in attributes(one))
        elif not isinstance(one, Tensor):
            owner = owner or ("" if isinstance(one, Mapping | Sequence | deque) else type(one).__name__)
            held = one.__closure__ or () if isinstance(one, FunctionType) else gc.get_referents(one)
            pending.extend((owner, part) for part in held)


PLAIN = (str, bytes, int, float, type(None), type, ModuleType, np.ndarray, np.generic, np.dtype, np.random.Generator)
"""What holds no parameters. An array of objects is looked at as a list is."""
LOOKED_AT = 10_000
"""Objects of one attribute after which to stop: it is something large, and not made of parameters."""
