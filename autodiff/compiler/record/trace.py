"""What is recorded of a step: the arrays it computes on, and the calls between them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.record.errors import Origin
from autodiff.compiler.record.growing import Appended
from autodiff.trees import Tree, flatten

NOWHERE = Origin("", "")
Function = Callable[..., Any]
Positional = tuple[Any, ...]
Keywords = dict[str, Any]
"""What is called, and on what."""
Kind = Literal["input", "held", "constant", "made", "kept"]


@dataclass(eq=False, slots=True)
class Storage:
    """The memory of one array, on which several values may be views.

    kind: "input", an argument; "held", reachable from the function and alive between calls, as parameters are;
    "constant", made of Python numbers alone within the step; "made", computed by a call; "kept", made anew by the calls
    of each step in memory of the program's own.
    is_known: whether it holds the same in every step, being computed from constants, so that Python may look at it.
    is_shown: whether it has been looked at as an ndarray, so that nobody may write into it any more.
    """

    kind: Kind
    name: str = ""
    is_known: bool = False
    is_shown: bool = False


@dataclass(eq=False, slots=True)
class Value:
    """An array, a NumPy scalar or a Python number at one place of a step, known by all but its contents.

    array: the memory itself, where it exists before the step: that of held arrays, and a copy of constant ones.
    source: the array that a constant one was copied from.
    """

    storage: Storage
    form: Literal["array", "scalar", "number"]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    strides: tuple[int, ...]
    array: NDArray[Any] | None = None
    source: NDArray[Any] | None = None

    def is_still(self, array: NDArray[Any]) -> bool:
        """Return whether an array is what it was when this was made of it."""
        return self.source is None or bool(np.array_equal(self.array, array, equal_nan=self.dtype.kind == "f"))  # type: ignore[arg-type]

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """The size in memory."""
        return self.size * self.dtype.itemsize


@dataclass(eq=False, slots=True)
class Call:
    """One call: its arguments may hold Values, in lists, tuples and dicts too.

    results: the Values it makes. written: those of its arguments that it writes into. is_view: whether the result is
    a view of an argument's memory. draws: whether it draws random numbers. errstate: NumPy's handling of
    floating-point errors at that time.
    """

    function: Function
    args: tuple[Any, ...]
    keywords: dict[str, Any]
    results: list[Value]
    written: tuple[Value, ...] = ()
    is_view: bool = False
    draws: bool = False
    errstate: tuple[str, ...] = ()
    origin: Origin = NOWHERE

    def derived(
        self,
        function: Function,
        args: Positional,
        results: Sequence[Value] = (),
        written: tuple[Value, ...] = (),
        **keywords: Any,
    ) -> "Call":
        """Return a call that a pass puts in place of this one: made at the same line, with the same errstate."""
        return Call(function, args, keywords, [*results], written, errstate=self.errstate, origin=self.origin)

    def operands(self) -> list[Value]:
        """Return the Values among the arguments."""
        return values_in(self.args) + values_in(self.keywords)


@dataclass(slots=True)
class Trace:
    """One recorded run of a step.

    inputs: the arguments' Values in their order. calls: in the order in which they ran. outputs: what the function
    returned, with Values for arrays. appended: to lists that the function reaches.
    """

    inputs: list[Value] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    outputs: Any = None
    appended: list[Appended] = field(default_factory=list)


def values_in(tree: Tree) -> list[Value]:
    """Return the Values among the leaves of a tree."""
    return [leaf for leaf in flatten(tree) if isinstance(leaf, Value)]
