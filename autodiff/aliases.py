"""The names that users of PyTorch type, for what has another name here; nothing but aliases, and nothing knows them.

docs/from-pytorch.md shows both side by side. Where a name means something else in PyTorch than in NumPy, as `t.var()`,
it means what it does in NumPy, and PyTorch's spelling of the argument, `dim=`, is refused there.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from autodiff import functional
from autodiff.arrays import DEFAULT_FLOAT
from autodiff.functional.losses import is_class_index, one_hot_rows
from autodiff.modules.activations import Softmax
from autodiff.optimizers.adagrad import Adagrad
from autodiff.optimizers.adam import Adam, AdamW, NAdam
from autodiff.optimizers.lion import Lion
from autodiff.optimizers.muon import Muon
from autodiff.optimizers.optimizer import Optimizer
from autodiff.optimizers.parameter_groups import ParameterGroups
from autodiff.optimizers.rmsprop import RMSprop
from autodiff.optimizers.schedules import CosineAnnealingLR
from autodiff.optimizers.sgd import SGD
from autodiff.registry import other_keywords, translated
from autodiff.tensor import Tensor, method, unwrap

other_keywords.update(dim="axis", keepdim="keepdims")


def tensor(data: Any, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """Return a Tensor; unlike `ad.Tensor`, lists of Python integers become int64.

    >>> import autodiff as ad
    >>> ad.tensor([1, 2]).dtype, ad.tensor([1.0, 2.0]).dtype
    (dtype('int64'), dtype('float32'))
    """
    if dtype is None and not isinstance(data, np.ndarray | np.generic | Tensor):
        found = np.asarray(unwrap(data)).dtype
        dtype = DEFAULT_FLOAT if found.kind == "f" else found
    return Tensor(data, requires_grad, dtype)


# Methods of Tensors


class Size(int):
    """The number of elements, as NumPy's `t.size` tells it; called as in PyTorch, the shape or an axis' length."""

    shape: tuple[int, ...]

    def __call__(self, dim: int | None = None) -> Any:
        """Return the shape, or the length of one axis."""
        return self.shape if dim is None else self.shape[dim]


def size(self: Tensor) -> Size:
    """The number of elements; `t.size()` is the shape, and `t.size(0)` the length of an axis."""
    found = Size(self._data.size)
    found.shape = self.shape
    return found


class Extremum(NamedTuple):
    """What `t.max(dim=1)` returns."""

    values: Tensor
    indices: Tensor


def extremum(values: Callable[..., Tensor], indices: Callable[..., Tensor]) -> Callable[..., Any]:
    """Return max or min: with PyTorch's `dim`, of the values and their indices; otherwise NumPy's."""

    @functools.wraps(values)
    def call(self: Tensor, *args: Any, **keywords: Any) -> Any:
        found = values(self, *args, **keywords)
        return Extremum(found, indices(self, *args, **keywords)) if "dim" in keywords else found

    return call


def ambiguous(name: str, call: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return var or std, which divide by n in NumPy and by n - 1 in PyTorch."""

    @functools.wraps(call)
    def checked(self: Tensor, *args: Any, **keywords: Any) -> Tensor:
        if other_keywords.keys() & keywords.keys() or {"correction", "unbiased"} & keywords.keys():
            raise TypeError(
                f"{name} divides by n in NumPy and by n - 1 in PyTorch; write t.{name}(axis=0, ddof=1) for PyTorch's, "
                "ddof=0 for NumPy's"
            )
        return call(self, *args, **keywords)

    return checked


def in_place(change: Callable[..., Any]) -> Callable[..., Tensor]:
    """Return the method that writes into a Tensor what `change` makes of it, and returns the Tensor."""

    @functools.wraps(change)
    def write(self: Tensor, *args: Any, **keywords: Any) -> Tensor:
        self[...] = change(self, *args, **keywords)
        return self

    return write


def norm(self: Tensor, p: float = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Return the p-norm of all elements, or along axes."""
    return np.linalg.vector_norm(self, ord=p, axis=dim, keepdims=keepdim)  # type: ignore[no-any-return]


def require_gradient(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Set `requires_grad` and return the tensor."""
    self.requires_grad = requires_grad
    return self


METHODS: dict[str, Any] = {
    "size": property(size),
    "numel": lambda self: self._data.size,
    "dim": lambda self: self.ndim,
    "numpy": lambda self: self.data if self.node is None else np.asarray(self),  # which refuses
    "view": Tensor.reshape,
    "permute": Tensor.transpose,
    "t": lambda self: self.T,
    "clone": Tensor.copy,
    "unsqueeze": lambda self, dim: np.expand_dims(self, dim),
    "matmul": lambda self, other: self @ other,
    "clamp": lambda self, min=None, max=None: np.clip(self, min, max),
    "float": lambda self: self.astype(np.float32),
    "double": lambda self: self.astype(np.float64),
    "long": lambda self: self.astype(np.int64),
    "norm": norm,
    "max": extremum(Tensor.max, Tensor.argmax),
    "min": extremum(Tensor.min, Tensor.argmin),
    "var": ambiguous("var", Tensor.var),
    "std": ambiguous("std", Tensor.std),
    "requires_grad_": require_gradient,
    "zero_": in_place(lambda self: 0),
    "fill_": in_place(lambda self, value: value),
    "copy_": in_place(lambda self, source: source),
    "add_": in_place(lambda self, other, alpha=1: self + other * alpha),
    "sub_": in_place(lambda self, other, alpha=1: self - other * alpha),
    "mul_": in_place(lambda self, other: self * other),
    "div_": in_place(lambda self, other: self / other),
    "abs": method(np.absolute),
    "pow": method(np.power),
    "relu": method(functional.relu),
    "sigmoid": method(functional.sigmoid),
    "softmax": method(functional.softmax),
    "log_softmax": method(functional.log_softmax),
}

for _name, _method in METHODS.items():
    setattr(Tensor, _name, _method)

# Functions


def one_hot(labels: Any, num_classes: int = -1) -> Any:
    """Return class numbers as rows of integers with a 1 at the class; by default up to the largest number.

    >>> from autodiff import functional as F
    >>> F.one_hot([0, 2], 3)
    Tensor([[1, 0, 0],
            [0, 0, 1]], dtype=int64)
    """
    numbers = np.asarray(labels) if isinstance(labels, list | tuple | int) else unwrap(labels)
    return Tensor(one_hot_rows(numbers, int(numbers.max()) + 1 if num_classes < 0 else num_classes, np.int64))


def nll_loss(
    log_probabilities: Any, labels: Any, weight: Any = None, ignore_index: int = -100, reduction: Any = "mean"
) -> Any:
    """Return `functional.nll` with PyTorch's names."""
    return functional.nll(
        log_probabilities,
        labels,
        weights=weight,
        reduction=reduction,
        ignore_index=ignore_index if is_class_index(labels) else None,
    )


functional.nll_loss = nll_loss  # type: ignore[attr-defined]
functional.mse_loss = functional.mse  # type: ignore[attr-defined]
functional.l1_loss = functional.l1  # type: ignore[attr-defined]
functional.huber_loss = functional.huber  # type: ignore[attr-defined]
functional.smooth_l1_loss = functional.smooth_l1  # type: ignore[attr-defined]
functional.one_hot = one_hot  # type: ignore[attr-defined]

# Layers


def along_dim(initialise: Callable[..., None]) -> Callable[..., None]:
    """Return a layer's `__init__` that takes `dim`, too."""

    @functools.wraps(initialise)
    def renamed(self: Any, *args: Any, **keywords: Any) -> None:
        initialise(self, *args, **translated(keywords))

    return renamed


Softmax.__init__ = along_dim(Softmax.__init__)  # type: ignore[method-assign]

# Optimizers


RENAMED = {
    "lr": "learning_rate",
    "eps": "epsilon",
    "lr_decay": "learning_rate_decay",
    "T_max": "steps",
    "eta_min": "minimum",
    "ns_steps": "iterations",
}


def settings(initialise: Callable[..., None]) -> Callable[..., None]:
    """Return the `__init__` of an optimizer or a schedule that takes PyTorch's names of its settings, too."""

    @functools.wraps(initialise)
    def take(self: Any, *args: Any, **keywords: Any) -> None:
        initialise(self, *args, **renamed(keywords))

    return take


def renamed(keywords: dict[str, Any]) -> dict[str, Any]:
    """Return settings by the names that they have here."""
    return {RENAMED.get(name, name): value for name, value in keywords.items()}


def groups_of_dicts(cls: type[Optimizer], parameters: Any = (), *args: Any, **keywords: Any) -> Any:
    """Make an optimizer; of dicts with `params` and settings of their own, one for each, as `ParameterGroups`."""
    if not (isinstance(parameters, list | tuple) and parameters and isinstance(parameters[0], Mapping)):
        return object.__new__(cls)
    names = [*inspect.signature(cls.__init__).parameters][2:]
    common = {**dict(zip(names, args, strict=False)), **renamed(keywords)}
    members = []
    for group in parameters:
        if not (isinstance(group, Mapping) and "params" in group):
            found = ", ".join(map(repr, group)) if isinstance(group, Mapping) else f"a {type(group).__name__}"
            raise TypeError(f"each group has its parameters as 'params', found {found}; write {{'params': [...]}}")
        own = renamed({name: value for name, value in group.items() if name != "params"})
        members.append(cls(group["params"], **{**common, **own}))
    return ParameterGroups(*members)


Optimizer.__new__ = groups_of_dicts  # type: ignore[assignment]
for _kind in (SGD, Adam, AdamW, NAdam, RMSprop, Adagrad, Lion, Muon, CosineAnnealingLR):
    _kind.__init__ = settings(_kind.__init__)  # type: ignore[method-assign]
Optimizer.lr = property(  # type: ignore[attr-defined]
    lambda self: self.learning_rate, lambda self, value: setattr(self, "learning_rate", value)
)
