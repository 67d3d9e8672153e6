"""Module: parameters, buffers and other modules, found by name; what of them is trained, saved and shown."""

import gc
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from types import FunctionType, MemberDescriptorType, ModuleType
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autodiff.modules.table import Row, table
from autodiff.tensor import Tensor
from autodiff.trees import paths


class Parameter(Tensor):
    """A Tensor that a module learns. It requires a gradient, unless it is frozen.

    >>> ad.Parameter([1.0, 2.0])
    Tensor([1., 2.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any, dtype: DTypeLike | None = None, requires_grad: bool = True) -> None:
        super().__init__(data, requires_grad, dtype)


class Buffer(Tensor):
    """A Tensor that a module keeps beside what it learns, such as running statistics: never trained.

    persistent: whether it is saved with the module, in `state_dict()`.

    >>> layer = ad.Module()
    >>> layer.count = ad.Buffer(np.array(0))
    >>> layer.state_dict()
    {'count': array(0)}
    """

    __slots__ = ("persistent",)

    def __init__(self, data: Any, dtype: DTypeLike | None = None, persistent: bool = True) -> None:
        super().__init__(data, dtype=dtype)
        self.persistent = persistent

    def __reduce__(self) -> Any:
        return Buffer, (self._data, None, self.persistent)

    def __deepcopy__(self, memory: dict[int, Any]) -> "Buffer":
        return Buffer(self._data, None, self.persistent)


class Module:
    """A part of a network. Its own are the parameters, buffers and modules in its attributes, in lists and dicts too.

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

    training: bool
    """Whether layers do what they do in training only, as dropout does; `train()` and `eval()` set it."""

    def __new__(cls, *args: Any, **keywords: Any) -> Self:
        """Make a module that is in training, unless its class says otherwise; it need not call `super().__init__()`."""
        module = super().__new__(cls)
        if not hasattr(cls, "training"):
            object.__setattr__(module, "training", True)
        return module

    def __call__(self, *inputs: Any, **keywords: Any) -> Any:
        """Return `forward` of the inputs."""
        return self.forward(*inputs, **keywords)

    def forward(self, *inputs: Any, **keywords: Any) -> Any:
        """Return what the module computes; each kind of module defines its own."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward(self, ...)")

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute. A tensor or an array in the place of a buffer becomes one, and goes on being saved."""
        before = vars(self).get(name)
        if isinstance(before, Buffer) and isinstance(value, Tensor | np.ndarray) and not isinstance(value, HELD):
            value = Buffer(value, None, before.persistent)
        super().__setattr__(name, value)

    def register_buffer(self, name: str, values: Any, persistent: bool = True) -> None:
        """Set an attribute to a buffer of these values, or to None. `self.name = ad.Buffer(values)` does the same."""
        setattr(self, name, None if values is None else Buffer(values, None, persistent))

    # What it holds

    def members(self) -> Iterator[tuple[str, "Parameter | Buffer | Module"]]:
        """Yield the parameters, buffers and modules held directly, with names such as `weight` or `layers.0`.

        Attributes of the class count too, and lists, dicts and their like in each other. Raises TypeError for a set.
        """
        for attribute, held in attributes(self):
            for path, value in paths(held, entries):
                name = ".".join(map(str, (attribute, *path)))
                if isinstance(value, HELD):
                    yield name, value
                elif isinstance(value, Set) and any(isinstance(entry, HELD) for entry in value):
                    raise TypeError(
                        f"{type(self).__name__}.{name} is a {type(value).__name__}, which has no order, so that its "
                        "parameters would have no names; make it a list or a dict"
                    )

    def named_members(self) -> Iterator[tuple[str, "Parameter | Buffer | Module"]]:
        """Yield the module itself and all that it and its modules hold, once each, with names from the root."""
        seen: set[int] = set()
        pending: list[tuple[str, Parameter | Buffer | Module]] = [("", self)]
        while pending:
            name, value = pending.pop()
            if id(value) in seen:
                continue
            seen.add(id(value))
            yield name, value
            if isinstance(value, Module):
                before = f"{name}." if name else ""
                pending.extend([(f"{before}{child}", held) for child, held in value.members()][::-1])

    def named_modules(self) -> Iterator[tuple[str, "Module"]]:
        """Yield the module itself, under the name "", and every module within it, once, with its name: `layers.0`."""
        return ((name, value) for name, value in self.named_members() if isinstance(value, Module))

    def modules(self) -> Iterator["Module"]:
        """Yield the module itself and every module within it, once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """Yield the modules that it holds directly, once, with their names."""
        seen: set[int] = set()
        for name, value in self.members():
            if isinstance(value, Module) and id(value) not in seen:
                seen.add(id(value))
                yield name, value

    def children(self) -> Iterator["Module"]:
        """Yield the modules that it holds directly, once."""
        return (module for _, module in self.named_children())

    def named_tensors(self) -> dict[str, "Parameter | Buffer"]:
        """Return every parameter and every buffer, with its name from the root: `layers.0.weight`.

        Raises ValueError for two of one name, and TypeError for one that an object holds in which none is looked for:
        its name would be lost, and it would be neither trained nor saved.
        """
        found: dict[str, Parameter | Buffer] = {}
        elsewhere: list[tuple[str, Any]] = []
        seen: set[int] = set()
        for name, value in self.named_members():
            seen.add(id(value))
            if isinstance(value, Module):
                before = f"{name}." if name else ""
                elsewhere += [(f"{before}{key}", held) for key, held in attributes(value)]
            elif name in found:
                raise ValueError(
                    f"two {kind_of(value)}s of the {type(self).__name__} have the name {name!r}; rename an attribute "
                    "or the key of a dict, of which 1 and '1' look alike"
                )
            else:
                found[name] = value
        for name, value in elsewhere:
            for owner, tensor in hidden_in(value):
                if id(tensor) not in seen:
                    lost = "trained" if isinstance(tensor, Parameter) else "saved"
                    raise TypeError(
                        f"{type(self).__name__}.{name} holds a {kind_of(tensor)} in a {owner}, where none is looked "
                        f"for, so that it would not be {lost}; hold it in an attribute of the module, or in a list or "
                        f"dict there, or make the {owner} a Module"
                    )
        return found

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield every parameter once, with its name from the root: `layers.0.weight`; see `named_tensors`."""
        return ((name, value) for name, value in self.named_tensors().items() if isinstance(value, Parameter))

    def parameters(self) -> Iterator[Parameter]:
        """Yield every parameter once."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """Yield every buffer once, with its name from the root: `layers.0.running_mean`; see `named_tensors`."""
        return ((name, value) for name, value in self.named_tensors().items() if isinstance(value, Buffer))

    def buffers(self) -> Iterator[Buffer]:
        """Yield every buffer once."""
        return (buffer for _, buffer in self.named_buffers())

    # Its modes

    def train(self, mode: bool = True) -> Self:
        """Set the module and all modules within it to training, or with False to evaluation. Returns the module."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set the module and all modules within it to evaluation: `train(False)`. Returns the module."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze all parameters, with False, or let them learn again. Returns the module.

        A frozen parameter gets no gradient, and optimizers leave it as it is.
        """
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    def apply(self, function: Callable[["Module"], Any]) -> Self:
        """Call a function with every module within it, and then with the module itself. Returns the module."""
        for module in [*self.modules()][::-1]:
            function(module)
        return self

    # Its state

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return a copy of the values of every parameter, and of every persistent buffer, by its name."""
        return {name: tensor.data.copy() for name, tensor in self.saved_tensors().items()}

    def saved_tensors(self) -> dict[str, Parameter | Buffer]:
        """Return the parameters and buffers whose values are the module's state."""
        tensors = self.named_tensors().items()
        return {name: tensor for name, tensor in tensors if not isinstance(tensor, Buffer) or tensor.persistent}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set every parameter and every persistent buffer to the values of its name, converted to its dtype.

        Raises ValueError, and changes nothing, when an entry is missing, unexpected or of another shape.
        """
        tensors = self.saved_tensors()
        faults = [f"missing {name!r}" for name in tensors if name not in state]
        faults += [f"unexpected {name!r}" for name in state if name not in tensors]
        arrays = {}
        for name, tensor in tensors.items():
            if name not in state:
                continue
            try:
                found = state[name] if isinstance(state[name], np.ndarray) else np.array(state[name])
                arrays[name] = found.astype(tensor.dtype)
            except (TypeError, ValueError) as error:
                faults.append(f"{name!r} is no array of numbers: {error}")
                continue
            if arrays[name].shape != tensor.shape:
                faults.append(f"{name!r} has shape {arrays[name].shape}, the {kind_of(tensor)} {tensor.shape}")
        if faults:
            raise ValueError(f"the state does not fit the {type(self).__name__}: {'; '.join(faults)}")
        for name, tensor in tensors.items():
            tensor.data = arrays[name]

    # How it is shown

    def extra_repr(self) -> str:
        """Return what to show of the module itself, within the parentheses."""
        return ""

    def __repr__(self) -> str:
        lines: list[str] = []
        seen: set[int] = set()
        pending: list[tuple[str, Module | str]] = [("", self)]
        while pending:
            before, module = pending.pop()
            if isinstance(module, str):  # what closes one whose modules are shown
                lines.append(before + module)
                continue
            start, extra = f"{before}{type(module).__name__}(", module.extra_repr()
            children = [(name, value) for name, value in module.members() if isinstance(value, Module)]
            if not children or id(module) in seen:
                lines.append(f"{start}{extra if not children else '...'})")
                continue
            seen.add(id(module))
            indent = " " * (len(before) - len(before.lstrip()))
            lines += [start, f"{indent}  {extra}"] if extra else [start]
            pending.append((indent, ")"))
            pending.extend([(f"{indent}  ({name}): ", value) for name, value in children][::-1])
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return what notebooks show: a table of the layers, their parameters' shapes and how many these are."""
        rows: list[Row] = []
        seen: set[int] = set()
        pending: list[tuple[int, str, Module]] = [(0, "", self)]
        while pending:
            depth, before, module = pending.pop()
            again = id(module) in seen
            members = [] if again else [*module.members()]
            own = [(name, value) for name, value in members if isinstance(value, Parameter)]
            new = {id(value): value for _, value in own if id(value) not in seen}
            seen |= {id(module), *new}
            rows.append(
                Row(
                    depth,
                    f"{before}{type(module).__name__}({module.extra_repr()})",
                    "as above" if again else ", ".join(f"{name} {value.shape}" for name, value in own),
                    sum(value.size for value in new.values()),
                    sum(value.size for value in new.values() if not value.requires_grad),
                )
            )
            children = [(depth + 1, f"({name}): ", value) for name, value in members if isinstance(value, Module)]
            pending.extend(children[::-1])
        return table(rows)


HELD = (Parameter, Buffer, Module)
"""What a module looks for in its attributes."""


def kind_of(tensor: Parameter | Buffer) -> str:
    """Return what a tensor of a module is called."""
    return "parameter" if isinstance(tensor, Parameter) else "buffer"


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


def hidden_in(value: Any) -> Iterator[tuple[str, Parameter | Buffer]]:
    """Yield the parameters and buffers that an object holds which is no module, list or dict, with its kind.

    A function's closure is looked at, and whatever else Python's garbage collector sees an object refer to.
    """
    seen: dict[int, Any] = {}
    pending: list[tuple[str, Any]] = [("", value)]
    while pending and len(seen) < LOOKED_AT:
        owner, one = pending.pop()
        if id(one) in seen or isinstance(one, PLAIN):
            continue
        seen[id(one)] = one
        if isinstance(one, Parameter | Buffer):
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
"""What holds no parameters and no buffers. An array of objects is looked at as a list is."""
LOOKED_AT = 10_000
"""Objects of one attribute after which to stop: it is something large, and not made of parameters."""
