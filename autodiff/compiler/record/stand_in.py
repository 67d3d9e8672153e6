"""StandIn: stands for an array while a step is recorded, and tells the recorder of everything computed on it.

It is no ndarray, so that nothing in NumPy can read it unseen; NumPy's own protocols bring every call here. To Python's
`isinstance` it is what it stands for: an ndarray, a NumPy scalar or a Python number.
"""

import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autodiff.compiler.record.branches import DECIDING
from autodiff.compiler.record.errors import ENGINE, missing, refusal
from autodiff.compiler.record.trace import Function, Keywords, Positional, Value
from autodiff.tensor import Tensor
from autodiff.trees import mapped

BRANCH = "a replay would always take the branch of the recorded call; choose with np.where, or leave it outside"
NUMBER = "a replay would repeat the recorded number; return the array and convert it outside"
OF_NUMBERS = "a replay would repeat the recorded text or float; write n + 0.0 for a float, and print outside"
INDEX = "take from an array, with np.take(array, index), and pass a length as an argument that is an int"


def binary(ufunc: np.ufunc, number: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], ...]:
    """Return the methods of an operator: with the array on the left, on the right, and in place."""

    def on_the_left(self: "StandIn", other: Any) -> Any:
        return NotImplemented if defers_to(other) else self.recorder.operate(ufunc, number, self, other)

    def on_the_right(self: "StandIn", other: Any) -> Any:
        return self.recorder.operate(ufunc, number, other, self)

    def in_place(self: "StandIn", other: Any) -> Any:
        if not isinstance(self.concrete, np.ndarray):
            return on_the_left(self, other)  # scalars and numbers are not changed but replaced
        return self.recorder.call(ufunc, (self, other), {"out": self})

    return on_the_left, on_the_right, in_place


def unary(ufunc: np.ufunc, number: Callable[[Any], Any]) -> Callable[["StandIn"], Any]:
    """Return the method of an operator with one argument: Python's own of a Python number, NumPy's otherwise."""
    return lambda self: self.recorder.call(number if self.value.form == "number" else ufunc, (self,), {})


def defers_to(other: Any) -> bool:
    """Return whether an array leaves an operator to what stands on its right, as a Tensor, by NumPy's protocol."""
    kind = type(other)
    if hasattr(kind, "__array_ufunc__"):
        return isinstance(other, Tensor) or kind.__array_ufunc__ is None
    return bool(getattr(other, "__array_priority__", 0) > 0)


def method(function: Function) -> Callable[..., Any]:
    """Return the method that calls a NumPy function on the array."""

    def call(self: "StandIn", *args: Any, **keywords: Any) -> Any:
        return self.recorder.call(function, (self, *args), keywords)

    return call


def refused(what: str, advice: str, answer: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """Return a method that refuses to turn what is recorded into something that a replay cannot follow.

    answer: what it is, if it is the same in every step, or is that of a counter.
    """

    def refuse(self: "StandIn", *args: Any, **keywords: Any) -> Any:
        if answer in DECIDING and self.value.form == "number":
            return self.recorder.decide(self, answer)
        is_told = answer is not None and self.recorder.raised is not None  # in the words of an error, or refused later
        is_told |= answer in (format, str) and sys._getframe(1).f_code.co_filename.startswith(ENGINE)  # in its errors
        if not is_told and (answer is None or not self.recorder.is_watched([self])):
            raise refusal(what, OF_NUMBERS if self.value.form == "number" else advice)
        return answer(self.concrete, *args, **keywords)  # type: ignore[misc]

    return refuse


look_up = refused("a look into a dict or a set, with a recorded value,", BRANCH, hash)


class Untold(type):
    """The class of StandIn: abstract classes, which look for methods along `__mro__`, find what it stands for alone."""

    __mro__ = property(lambda cls: ())


class StandIn(metaclass=Untold):
    """An array (or a NumPy scalar, or a Python number) of a step that is being recorded."""

    __slots__ = ("__weakref__", "concrete", "recorder", "value")

    def __init__(self, recorder: Any, value: Value, concrete: Any) -> None:
        self.recorder = recorder  # a Recorder, whose file knows this one
        self.value = value
        self.concrete = concrete

    @property
    def __class__(self) -> type:
        """The type of what it stands for, by which whoever asks outside of the engine may choose, as `match` does."""
        if self.value.form == "number" and not sys._getframe(1).f_code.co_filename.startswith(ENGINE):
            self.recorder.settle_types((self,))
        return type(self.concrete)

    @__class__.setter
    def __class__(self, value: type) -> None:
        raise TypeError("a recorded array stays what it is")

    # What is known without a look at the contents

    shape = property(lambda self: self.array_value("shape").shape)
    dtype = property(lambda self: self.array_value("dtype").dtype)
    ndim = property(lambda self: len(self.array_value("ndim").shape))
    size = property(lambda self: self.array_value("size").size)
    nbytes = property(lambda self: self.array_value("nbytes").nbytes)
    itemsize = property(lambda self: self.array_value("itemsize").dtype.itemsize)
    strides = property(lambda self: self.layout_value("strides").strides)
    flags = property(lambda self: self.layout_value("flags") and self.concrete.flags)
    base = property(lambda self: getattr(self.concrete, "base", None))  # by it the engine tells views from new arrays

    def array_value(self, name: str) -> Value:
        """Return the Value, if it is that of an array or a NumPy scalar: Python numbers have no such attributes."""
        if self.value.form == "number":
            raise missing(name)
        return self.value

    def layout_value(self, name: str) -> Value:
        """Return the Value, and note that the step, rather than the engine, asks how it lies in memory."""
        self.recorder.asks_layout |= not sys._getframe(2).f_code.co_filename.startswith(ENGINE)
        return self.array_value(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in StandIn.__slots__ and name != "__class__":
            raise refusal(f"setting .{name} of a recorded value", "call a function that returns the new array instead")
        object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.concrete)

    def __repr__(self) -> str:
        return f"<recorded {self.value.dtype} {self.value.shape}>"

    def __hash__(self) -> int:
        if isinstance(self.concrete, np.ndarray):  # which no step looks up, as ordinary ones cannot be
            return object.__hash__(self)
        return look_up(self)  # type: ignore[no-any-return]

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: Any) -> Any:
        if any(isinstance(value, Tensor) for value in inputs):
            return NotImplemented
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self.recorder.call(function, inputs, keywords)

    def __array_function__(self, function: Function, types: Any, args: Positional, keywords: Keywords) -> Any:
        if any(issubclass(kind, Tensor) for kind in types):
            return NotImplemented
        return self.recorder.call(function, args, keywords)

    # Operators

    __add__, __radd__, __iadd__ = binary(np.add, operator.add)
    __sub__, __rsub__, __isub__ = binary(np.subtract, operator.sub)
    __mul__, __rmul__, __imul__ = binary(np.multiply, operator.mul)
    __truediv__, __rtruediv__, __itruediv__ = binary(np.divide, operator.truediv)
    __floordiv__, __rfloordiv__, __ifloordiv__ = binary(np.floor_divide, operator.floordiv)
    __mod__, __rmod__, __imod__ = binary(np.remainder, operator.mod)
    __matmul__, __rmatmul__, __imatmul__ = binary(np.matmul, operator.matmul)
    __and__, __rand__, __iand__ = binary(np.bitwise_and, operator.and_)
    __or__, __ror__, __ior__ = binary(np.bitwise_or, operator.or_)
    __xor__, __rxor__, __ixor__ = binary(np.bitwise_xor, operator.xor)
    __lshift__, __rlshift__, __ilshift__ = binary(np.left_shift, operator.lshift)
    __rshift__, __rrshift__, __irshift__ = binary(np.right_shift, operator.rshift)
    __lt__, __le__ = binary(np.less, operator.lt)[0], binary(np.less_equal, operator.le)[0]
    __gt__, __ge__ = binary(np.greater, operator.gt)[0], binary(np.greater_equal, operator.ge)[0]
    __eq__, __ne__ = binary(np.equal, operator.eq)[0], binary(np.not_equal, operator.ne)[0]

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __pow__(self, other: Any) -> Any:
        return NotImplemented if defers_to(other) else self.recorder.call(operator.pow, (self, other), {})

    def __rpow__(self, other: Any) -> Any:
        return self.recorder.call(operator.pow, (other, self), {})

    def __ipow__(self, other: Any) -> Any:
        if not isinstance(self.concrete, np.ndarray):
            return self**other
        return self.recorder.call(operator.ipow, (self, other), {}, written=(self,))

    __neg__, __pos__ = unary(np.negative, operator.neg), unary(np.positive, operator.pos)
    __abs__, __invert__ = unary(np.absolute, abs), unary(np.invert, operator.invert)

    def __round__(self, digits: int | None = None) -> Any:
        if self.value.form != "number":
            raise refusal("round()", NUMBER)
        return self.recorder.call(round, (self, digits), {})

    def __getitem__(self, index: Any) -> Any:
        first, *others = index if isinstance(index, tuple) and index else (index,)
        if type(first) is slice and any(map(is_counter, bounds_of(first))):
            rows = self.sliced(*bounds_of(first))
            return rows[(slice(None), *others)] if others else rows
        return self.recorder.call(operator.getitem, (self, mapped(index, array_of)), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        self.recorder.call(operator.setitem, (self, mapped(index, array_of), value), {}, written=(self,))

    def sliced(self, start: Any, stop: Any, step: Any) -> Any:
        """Return a slice whose bounds are recorded, a batch as a rule: there is a program for each length."""
        operator.index(self.recorder.call(length_between, (len(self), start, stop, step), {}))
        return self.recorder.call(between, (self, start, stop, step), {})

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    # Methods of ndarray

    real = property(lambda self: self.recorder.call(np.real, (self,), {}))
    imag = property(lambda self: self.recorder.call(np.imag, (self,), {}))
    T = property(lambda self: self.recorder.call(np.transpose, (self,), {}) if self.array_value("T") else None)
    mT = property(lambda self: self.recorder.call(np.matrix_transpose, (self,), {}))  # noqa: N815 - ndarray's name

    def copy(self, order: str = "C") -> Any:
        """Return a copy, in the order of the elements."""
        if not isinstance(self.concrete, np.ndarray):
            return self.recorder.call(convert, (self, self.dtype), {})
        return self.recorder.call(np.copy, (self,), {"order": order})

    def flatten(self, order: str = "C") -> Any:
        """Return a copy with one axis, the elements in an order of np.ravel's."""
        return self.copy().reshape(-1) if order == "C" else self.ravel(order).copy()

    def reshape(self, *shape: Any, **keywords: Any) -> Any:
        """Return np.reshape(self, shape); the shape as one tuple or as several integers."""
        return self.recorder.call(np.reshape, (self, shape[0] if len(shape) == 1 else shape), keywords)

    def transpose(self, *axes: Any) -> Any:
        """Return np.transpose(self, axes); the axes as one tuple, as several integers, or reversed if absent."""
        return self.recorder.call(np.transpose, (self, (axes[0] if len(axes) == 1 else axes) or None), {})

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """Return the array converted to another dtype."""
        return self.recorder.call(convert, (self, np.dtype(dtype)), {"copy": copy})

    def view(self, dtype: Any = None) -> Any:
        """Return the same memory, read as another dtype."""
        if isinstance(dtype, type) and issubclass(dtype, np.ndarray):
            raise refusal(f"an array as a np.{dtype.__name__}", "compute on ordinary arrays")
        return self.recorder.call(np.ndarray.view, (self,) if dtype is None else (self, np.dtype(dtype)), {})

    def fill(self, value: Any) -> None:
        """Write one value everywhere."""
        self[...] = value

    def sort(self, axis: int = -1) -> None:
        """Sort in place."""
        self[...] = np.sort(self, axis=axis)

    # What a replay could not follow

    __bool__ = refused("a Python branch on a recorded value (bool)", BRANCH, bool)
    __float__, __int__ = refused("float()", NUMBER, float), refused("int()", NUMBER, int)
    __complex__ = refused("complex()", NUMBER, complex)
    __index__ = refused("a recorded value as a Python index or length", INDEX, operator.index)
    __format__ = refused("formatting a recorded value", NUMBER, format)
    __str__ = refused("the text of a recorded value", "print what the step returns", str)
    __contains__ = refused("`in`", BRANCH, operator.contains)
    item = refused(".item()", NUMBER, lambda part, *index: part.item(*index))
    tolist = refused(".tolist()", NUMBER, lambda part: part.tolist())

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if not self.value.storage.is_known:
            raise refusal(
                "np.asarray, or writing into an ordinary array,",
                "what is made of it would be out of the recorder's sight; write into what np.zeros makes, convert by "
                "t.astype(dtype), or call a function of NumPy's",
            )
        self.value.storage.is_shown = True
        shown = np.array(self.concrete, dtype)
        shown.flags.writeable = False
        return shown

    __reduce_ex__ = refused(
        "copying or pickling a recorded value", "do that outside of the step", np.ndarray.__reduce_ex__
    )

    def __getattr__(self, name: str) -> Any:
        if name[0] != "_" and hasattr(type(self.concrete), name):  # which is not to be told that there is none
            if self.value.storage.is_known and name not in ("resize", "setflags"):
                return getattr(self.__array__(), name)
            operators = "compute with operators, or with math's functions"
            advice = operators if self.value.form == "number" else "call a NumPy function instead"
            raise refusal(f".{name} of a recorded value", advice)
        raise missing(name)


# The methods of ndarray that are functions of NumPy's too, of the same name
for _name in (
    "sum", "mean", "prod", "var", "std", "max", "min", "argmax", "argmin", "argsort", "any", "all", "conj", "conjugate",
    "cumsum", "cumprod", "clip", "round", "dot", "trace", "diagonal", "ravel", "squeeze", "swapaxes", "repeat", "take",
    "searchsorted",
):  # fmt: skip
    setattr(StandIn, _name, method(getattr(np, _name)))


def bound(part: Any) -> Any:
    """Return the value of a counter, an int for which there is a program of its own; anything else as it is."""
    return operator.index(part) if is_counter(part) else part


def is_counter(part: Any) -> bool:
    """Return whether this is a recorded int of Python's."""
    return type(part) is StandIn and type(part.concrete) is int


def convert(array: Any, dtype: np.dtype[Any], copy: bool = True) -> Any:
    """Return an array or a NumPy scalar converted to another dtype."""
    return array.astype(dtype, copy=copy)


def bounds_of(where: slice) -> tuple[Any, Any, Any]:
    """Return where a slice begins and ends, and its step."""
    return where.start, where.stop, where.step


def between(array: Any, start: Any, stop: Any, step: Any) -> Any:
    """Return a slice of an array."""
    return array[start:stop:step]


def length_between(length: int, start: Any, stop: Any, step: Any) -> int:
    """Return the length of a slice of what has a length."""
    return len(range(*slice(start, stop, step).indices(length)))


def array_of(part: Any) -> Any:
    """Return the array of a Tensor without a graph, as NumPy asks for; a slice by counters with what they are now."""
    if isinstance(part, slice):
        return slice(*map(bound, (part.start, part.stop, part.step)))
    return part._data if isinstance(part, Tensor) and part.node is None else part
