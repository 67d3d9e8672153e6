"""Tensor: an ndarray that remembers how it was made."""

import copy
import operator
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autodiff.arrays import DEFAULT_FLOAT, as_array, to_array
from autodiff.graph import Node, backward_pass
from autodiff.in_place import SYMBOLS, check_writable, operate_in_place
from autodiff.modes import modes, no_grad, recording
from autodiff.registry import MissingRuleError, check_no_out, find, full_name, functions, of_methods, translated
from autodiff.saved import hand_out
from autodiff.trees import flatten, mapped
from autodiff.views import NUMBER, Memory, share, write


def operators(function: np.ufunc) -> tuple[Callable[[Any, Any], "Tensor"], Callable[[Any, Any], "Tensor"]]:
    """Return the methods for an operator with the tensor on its left and on its right."""

    def on_the_left(self: "Tensor", other: Any) -> "Tensor":
        return functions[function](self, other)  # type: ignore[no-any-return]

    def on_the_right(self: "Tensor", other: Any) -> "Tensor":
        return functions[function](other, self)  # type: ignore[no-any-return]

    return on_the_left, on_the_right


def in_place(function: np.ufunc) -> Callable[["Tensor", Any], Any]:
    """Return the method for an operator that writes into the tensor: `t += v`."""

    def on_itself(self: "Tensor", other: Any) -> "Tensor":
        operate_in_place(self, function, to_write(other))
        return self

    return on_itself


def method(function: Callable[..., Any]) -> Callable[..., "Tensor"]:
    """Return the method that calls a NumPy function on the tensor, as ndarray's methods do."""

    def call(self: "Tensor", *args: Any, **keywords: Any) -> "Tensor":
        return find(function)(self, *args, **(translated(keywords) if keywords else keywords))  # type: ignore[no-any-return]

    summary = next(filter(None, map(str.strip, (function.__doc__ or "").splitlines()[1:])), "")
    call.__doc__ = (
        f"Return {full_name(function)} of this tensor, with the function's further arguments.\n\n"
        f"NumPy says: {summary}\nIt takes a Tensor's shape and dtype as the function does, and has its gradient."
    )
    return call


class Tensor:
    """An array whose operations are recorded, so that gradients can be computed.

    `data` is copied. NumPy arrays and scalars keep their dtype; Python numbers and lists become float32.
    NumPy's functions and operators work on Tensors: `np.exp(t)`, `t @ w`, `np.sum(t, axis=0)`, `t[mask]`. A Python
    number made of a Tensor, by `float(t)` or by writing it into an element of an ndarray, is a constant: NumPy asks for
    a number there. Within a transform that is refused.

    Raises TypeError for data that is not numeric, and for `requires_grad` with an integer or boolean dtype.

    >>> t = ad.Tensor([1.0, 2.0], requires_grad=True)
    >>> y = np.sum(t**2)
    >>> y.backward()
    >>> y, t.grad
    (Tensor(5., from=np.sum), Tensor([2., 4.]))
    """

    __slots__ = ("__weakref__", "_data", "grad", "memory", "node")

    _data: NDArray[Any]
    memory: Memory | None
    node: Node | None
    grad: "Tensor | None"

    def __init__(self, data: Any, requires_grad: bool = False, dtype: DTypeLike | None = None) -> None:
        if isinstance(data, Tensor) and data.node is not None:
            raise TypeError(
                "a Tensor made from one that requires a gradient would lose it; use t.detach() if that is meant"
            )
        self._data = to_array(unwrap(data), dtype)
        self.memory = None
        self.node = None
        self.grad = None
        if requires_grad:
            self.requires_grad = True

    # What it is

    @property
    def data(self) -> NDArray[Any]:
        """The values as an ndarray, not a copy. Assign an array of the same shape and dtype to replace them.

        Writing into it between an operation and its backward pass raises ChangedArrayError there.
        """
        return hand_out(self._data)

    @data.setter
    def data(self, value: NDArray[Any]) -> None:
        if not isinstance(value, np.ndarray | np.generic) or (value.shape, value.dtype) != (self.shape, self.dtype):
            found = (
                f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray | np.generic) else type(value).__name__
            )
            advice = "; write t.data = other.data" if isinstance(value, Tensor) else ""
            raise TypeError(f"data must stay a {self.dtype} array of shape {self.shape}, found {found}{advice}")
        self._data = hand_out(as_array(value))
        self.memory = None

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow through this tensor. Assign to make it a leaf that does, or a constant.

        A leaf without it gets no `grad`, not even from what was computed before; what `grad` it has, it keeps.
        """
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if self.node is not None and self.node.function is not None:
            if not value:
                raise RuntimeError("requires_grad = False on a tensor that was computed; write t.detach()")
        elif not value:
            self.node = None
        elif self.node is None:
            if not np.issubdtype(self.dtype, np.floating):
                raise TypeError(
                    f"only floating-point tensors can require a gradient, not {self.dtype}; "
                    "pass dtype=np.float32 or convert the array with .astype(np.float32)"
                )
            self.node = Node(None, {}, None, self.shape, self.dtype)
            self.node.tensor = weakref.ref(self)

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of every axis."""
        return self._data.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._data.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements."""
        return self._data.dtype

    def item(self) -> Any:
        """Return the only element as a Python number."""
        return self.values_for("item()").item()

    def tolist(self) -> Any:
        """Return the values as nested Python lists."""
        return self.values_for("tolist()").tolist()

    def values_for(self, conversion: str) -> NDArray[Any]:
        """Return the array for a conversion to Python numbers.

        Raises TypeError within a transform, where a number computed on would lose its gradient.
        """
        if self.node is not None and modes.get().transforms:
            raise TypeError(
                f"{conversion} of a tensor that is being differentiated would lose its gradient; go on with the tensor "
                "and NumPy's functions, or say t.detach() if the number is meant as a constant"
            )
        return self._data

    def detach(self) -> "Tensor":
        """Return a tensor of the same values, and the same memory, that does not remember how it was made."""
        detached = wrap(self._data, None)
        share(detached, self, lambda window: window, detached=True)
        return detached

    def __repr__(self) -> str:
        text = np.array2string(self._data, separator=", ", prefix="Tensor(", threshold=100, edgeitems=3)
        notes = [text] if self.size else [f"[], shape={self.shape}"]
        if self.dtype not in (DEFAULT_FLOAT, np.dtype(bool)):
            notes.append(f"dtype={self.dtype}")
        if self.size > 100:
            notes.append(f"shape={self.shape}")
        if self.node is not None:
            notes.append("requires_grad=True" if self.node.function is None else f"from={self.node.function.name}")
        return f"Tensor({', '.join(notes)})"

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator["Tensor"]:
        if not self.shape:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        return unwrap(value) in self._data

    def __bool__(self) -> bool:
        return bool(self._data)

    def __int__(self) -> int:
        return int(self.values_for("int(t)").item())

    def __float__(self) -> float:
        return float(self.values_for("float(t)").item())

    def __index__(self) -> int:
        return self._data.__index__()

    def __format__(self, specification: str) -> str:
        if specification and self.size != 1:
            raise TypeError(
                f"a tensor of shape {self.shape} is no number to format as {specification!r}; write "
                "np.array2string(t.data, precision=2), or format t.item() of a single element"
            )
        return format(self._data.item() if specification else str(self), specification)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if self.node is not None:
            raise TypeError(
                "a tensor that requires a gradient does not turn into a NumPy array by itself, for the gradient would "
                "be lost; use t.data for its values, call the NumPy function on the tensor, or join several by "
                "np.stack([t, u]), where np.array([t, u]) would be"
            )
        return np.array(self.data, dtype=dtype, copy=copy)

    def __reduce__(self) -> Any:
        return restored, (type(self), self._data, self.requires_grad, self.grad)

    def __deepcopy__(self, memory: dict[int, Any]) -> "Tensor":
        if self.node is not None and self.node.function is not None:
            raise TypeError("only leaves can be copied deeply: a copy does not know how it was made; use t.detach()")
        return restored(type(self), self._data.copy(), self.requires_grad, copy.deepcopy(self.grad, memory))

    # Gradients

    def backward(self, gradient: Any = None, *, create_graph: bool = False, retain_graph: bool = False) -> None:
        """Add the gradient of this tensor with respect to every leaf to the leaf's `grad`.

        gradient: that of the final value with respect to this tensor, of its shape; 1 if this is a scalar.
        create_graph: record the pass, so that the gradients can be differentiated in turn.
        retain_graph: keep what the operations saved, so that the pass can be repeated.
        """
        if self.node is None:
            raise RuntimeError(
                "backward() from a tensor that does not require a gradient: nothing it was computed from was made "
                "with requires_grad=True, or it was computed under no_grad()"
            )
        results = gradients(self, gradient, None, create_graph, retain_graph or create_graph)
        for node, found in results.items():
            tensor = node.tensor() if node.tensor else None
            if tensor is not None and tensor.node is not None:  # it may be frozen by now
                tensor.grad = found if tensor.grad is None else add_grads(tensor.grad, found, create_graph)

    def retain_grad(self) -> Self:
        """Ask for the `grad` of a tensor that is not a leaf."""
        if self.node is None:
            raise RuntimeError("retain_grad() on a tensor that does not require a gradient")
        self.node.tensor = weakref.ref(self)
        return self

    # NumPy's protocols

    __array_priority__ = 1000

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: Any) -> Any:
        if "out" in keywords:
            check_no_out(full_name(ufunc), inputs, keywords["out"])
        if method != "__call__":
            if (ufunc, method) in of_methods:
                return find(of_methods[ufunc, method])(*inputs, **{"axis": 0, **keywords})
            raise MissingRuleError(f"np.{ufunc.__name__}.{method} has no derivative rule")
        return find(ufunc)(*inputs, **keywords)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        differentiable = find(function)
        if "out" in keywords:
            check_no_out(full_name(function), args, keywords["out"])
        try:
            return differentiable(*args, **keywords)
        except TypeError as error:
            if "got an unexpected keyword argument" not in str(error):
                raise
            raise MissingRuleError(f"{full_name(function)} does not know that argument on tensors: {error}") from None

    # Operators

    __add__, __radd__ = operators(np.add)
    __sub__, __rsub__ = operators(np.subtract)
    __mul__, __rmul__ = operators(np.multiply)
    __truediv__, __rtruediv__ = operators(np.divide)
    __floordiv__, __rfloordiv__ = operators(np.floor_divide)
    __mod__, __rmod__ = operators(np.remainder)
    __divmod__, __rdivmod__ = operators(np.divmod)
    __pow__, __rpow__ = operators(np.power)
    __matmul__, __rmatmul__ = operators(np.matmul)
    __and__, __rand__ = operators(np.bitwise_and)
    __or__, __ror__ = operators(np.bitwise_or)
    __xor__, __rxor__ = operators(np.bitwise_xor)
    __iadd__, __isub__, __imul__, __itruediv__, __ifloordiv__, __imod__, __ipow__, __imatmul__, __iand__, __ior__ = map(
        in_place, SYMBOLS
    )
    __neg__, __pos__, __abs__ = method(np.negative), method(np.positive), method(np.absolute)
    __invert__ = method(np.invert)
    __lt__, __gt__ = operators(np.less)
    __le__, __ge__ = operators(np.less_equal)

    def __eq__(self, other: object) -> "Tensor":  # type: ignore[override]
        check_not_none(other, "==", "is")
        return find(np.equal)(self, other)  # type: ignore[no-any-return]

    def __ne__(self, other: object) -> "Tensor":  # type: ignore[override]
        check_not_none(other, "!=", "is not")
        return find(np.not_equal)(self, other)  # type: ignore[no-any-return]

    __hash__ = object.__hash__

    def __getitem__(self, index: Any) -> "Tensor":
        found = functions[operator.getitem](self, index)
        if found.memory is None and not found.shape:
            found.memory = NUMBER
        return found  # type: ignore[no-any-return]

    def __setitem__(self, index: Any, value: Any) -> None:
        check_writable(self, "t[i] = v", "t = +t; t[i] = v")
        if self.dtype.kind != "f" and isinstance(value, Tensor) and value.requires_grad and modes.get().grad_enabled:
            raise TypeError(f"a tensor of {self.dtype} cannot hold a value that requires a gradient; use .astype first")
        write(self, index, to_write(value))

    # Methods of ndarray

    @property
    def T(self) -> "Tensor":  # noqa: N802 - ndarray's name
        """The tensor with its axes reversed."""
        return find(np.transpose)(self)  # type: ignore[no-any-return]

    @property
    def mT(self) -> "Tensor":  # noqa: N802 - ndarray's name
        """The tensor with its last two axes swapped."""
        return find(np.matrix_transpose)(self)  # type: ignore[no-any-return]

    exp, log, sqrt, tanh = method(np.exp), method(np.log), method(np.sqrt), method(np.tanh)  # for type checkers
    sum, mean, prod = method(np.sum), method(np.mean), method(np.prod)
    var, std = method(np.var), method(np.std)
    max, min = method(np.max), method(np.min)
    argmax, argmin, argsort = method(np.argmax), method(np.argmin), method(np.argsort)
    any, all = method(np.any), method(np.all)
    cumsum, cumprod = method(np.cumsum), method(np.cumprod)
    clip, round = method(np.clip), method(np.round)
    dot, trace, diagonal = method(np.dot), method(np.trace), method(np.diagonal)
    ravel, squeeze = method(np.ravel), method(np.squeeze)
    swapaxes, repeat, take, copy = method(np.swapaxes), method(np.repeat), method(np.take), method(np.copy)

    def flatten(self, order: str = "C") -> "Tensor":
        """Return a copy with one axis, the elements in an order of np.ravel's."""
        return self.ravel(order).copy()

    def reshape(self, *shape: Any, **keywords: Any) -> "Tensor":
        """Return np.reshape(self, shape); the shape as one tuple or as several integers."""
        return find(np.reshape)(self, shape[0] if len(shape) == 1 else shape, **keywords)  # type: ignore[no-any-return]

    def transpose(self, *axes: Any) -> "Tensor":
        """Return np.transpose(self, axes); the axes as one tuple, as several integers, or reversed if absent."""
        return find(np.transpose)(self, (axes[0] if len(axes) == 1 else axes) or None)  # type: ignore[no-any-return]

    def astype(self, dtype: DTypeLike) -> "Tensor":
        """Return the tensor converted to another dtype; the gradient is converted back."""
        return find(np.astype)(self, np.dtype(dtype))  # type: ignore[no-any-return]


def check_not_none(other: object, operator: str, instead: str) -> None:
    """Raise TypeError for a comparison with None, whose answer would be an array."""
    if other is None:
        raise TypeError(f"`t {operator} None` compares every element of the tensor; write `t {instead} None`")


def wrap(data: NDArray[Any], node: Node | None) -> Tensor:
    """Return a Tensor around an array, not copied, and the node that made it."""
    tensor = Tensor.__new__(Tensor)
    tensor._data = data
    tensor.memory = None
    tensor.node = node
    tensor.grad = None
    return tensor


def restored(kind: type[Tensor], data: NDArray[Any], requires_grad: bool, grad: Tensor | None) -> Tensor:
    """Return a tensor from what a pickle holds: values are kept, not how they were made, so that it is a leaf."""
    tensor = kind.__new__(kind)
    Tensor.__init__(tensor, data, requires_grad)
    tensor.grad = grad
    return tensor


def unwrap(value: Any) -> Any:
    """Return a Tensor's array, a list or tuple with the arrays of the Tensors in it, or anything else as it is.

    Raises TypeError for a list that holds a tensor that requires a gradient, which the list would lose.
    """
    if isinstance(value, Tensor):
        return value._data
    if isinstance(value, list | tuple) and holds_tensor(value):
        if any(isinstance(leaf, Tensor) and leaf.node is not None for leaf in flatten(value)):
            raise TypeError(
                f"a {type(value).__name__} of tensors that require a gradient would lose it; use np.stack(tensors)"
            )
        return mapped(value, unwrap)
    return value


def to_write(value: Any) -> Any:
    """Return what is written into a tensor: a value with its gradient while that is recorded, else its array."""
    return value if modes.get().grad_enabled else unwrap(value)


def holds_tensor(value: Any) -> bool:
    """Return whether a value is a Tensor or a list or tuple with one somewhere in it."""
    return any(isinstance(leaf, Tensor) for leaf in flatten(value))


def gradients(
    output: Tensor, seed: Any, wanted: list[Node] | None, create_graph: bool, retain_graph: bool
) -> dict[Node, Tensor]:
    """Return the gradients of a tensor with respect to the wanted nodes, as Tensors; see `Tensor.backward`."""
    assert output.node is not None
    seed = seed_for(output, seed)
    if create_graph:
        with recording():
            return backward_pass(output.node, seed, wanted, wrap, retain_graph)
    results = backward_pass(output.node, seed._data, wanted, None, retain_graph)
    return {node: wrap(as_array(gradient), None) for node, gradient in results.items()}


def seed_for(output: Tensor, seed: Any) -> Tensor:
    """Return the gradient a backward pass starts from, checked against the output."""
    if seed is None:
        if output._data.size != 1:
            raise ValueError(
                f"backward() from a tensor of shape {output.shape} needs the gradient to start from, an array of that "
                "shape; or reduce it to a scalar first, with np.sum or np.mean"
            )
        return wrap(np.ones_like(output._data), None)
    start = seed if isinstance(seed, Tensor) else wrap(np.copy(seed), None)  # a copy, for the pass may be recorded
    if start._data.shape != output._data.shape:
        raise ValueError(f"the gradient to start from has shape {start.shape}, the tensor {output.shape}")
    return start if start._data.dtype == output._data.dtype else start.astype(output.dtype)


def add_grads(old: Tensor, new: Tensor, create_graph: bool) -> Tensor:
    """Return the sum of what a leaf's grad was and what a further pass brings."""
    with recording() if create_graph else no_grad():
        return old + new
