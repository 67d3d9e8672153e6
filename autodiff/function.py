"""Function: a differentiable function and its derivative rules; applying one to Tensors.

A rule is one vector-Jacobian product: a lambda that takes `g`, the gradient of the output, and whatever else it names
(`out`, an argument, `<argument>_shape`), and returns the gradient of one argument. It is ordinary NumPy. The engine
sums the result over broadcast axes, so a rule need not. It returns `g`, a view, or a new array, and never writes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import update_wrapper
from itertools import takewhile
from typing import Any, Generic, ParamSpec, Self, TypeVar

import numpy as np

from autodiff.arrays import as_array
from autodiff.call_errors import advice, describe_call
from autodiff.graph import Fused, Node, Rule
from autodiff.modes import Watch, modes
from autodiff.registry import MissingRuleError, check_no_out, full_name, translated
from autodiff.saved import handed_out, is_reachable
from autodiff.signatures import VJP, read_needs, read_signature
from autodiff.stamps import stamp
from autodiff.tensor import Tensor, unwrap, wrap
from autodiff.views import Made, share_with_source

ndarray = np.ndarray  # a name of its own is found in half the time
SEQUENCE = (list, tuple)
CHANGEABLE = (np.ndarray, list, tuple)
NO_KEYWORDS: dict[str, Any] = {}
P = ParamSpec("P")
R = TypeVar("R")
Arguments = tuple[tuple[Any, ...], list[Any], dict[str, Any], dict[str, Any]]
"""Positional arguments as they were passed in and as arrays, then keywords as they were passed in and as arrays."""


class Function(Generic[P, R]):
    """A function of arrays with a derivative rule for each argument that has one.

    forward: the function on arrays. NumPy's ufuncs have the arguments `x`, or `a` and `b`; other functions their own.
    rules: a vector-Jacobian product for each differentiable argument, by its name.
    accepts: arguments that the rules are right for though they do not name them. Any other argument is refused.
    """

    __name__: str

    def __init__(self, forward: Callable[P, R], rules: dict[str, VJP], accepts: Sequence[str] = ()) -> None:
        update_wrapper(self, forward)  # help() and editors show the arguments of the function itself
        self.forward = forward
        self.name = full_name(forward)
        self.names, self.defaults = read_signature(forward)
        self.rules: dict[Any, Rule] = {name: Rule(vjp, read_needs(vjp)) for name, vjp in rules.items()}
        needs = {need.removesuffix("_shape") for rule in self.rules.values() for need in rule.needs}
        unknown = {*self.rules, *needs} - {*self.names, "out"}
        assert not unknown, f"the rules of {self.name} name {sorted(unknown)}, its arguments are {self.names}"
        self.accepted = ({*self.rules, *needs, *accepts} & set(self.names)) - {"out"}  # the value, not NumPy's argument
        self.simple = len([*takewhile(self.accepted.__contains__, self.names)])  # so many need no check
        self.plans: dict[tuple[str, ...], tuple[tuple[str, str, int | None, bool], ...]] = {}
        self.fused: Fused | None = None

    def fuse(self, argument: str, applies: Callable[..., bool], forward: Callable[..., Any], vjp: VJP) -> None:
        """Carry a hand-tuned way for first-order gradients beside the plain rule; see `Fused`."""
        self.fused = Fused(argument, applies, forward, vjp)

    def __repr__(self) -> str:
        return f"<Function {self.name}>"

    def __get__(self, instance: Any, owner: type | None = None) -> Self:
        return self  # of a class it is a static method; that it can be one makes help() show it as a function

    def __call__(self, *args: P.args, **keywords: P.kwargs) -> R:
        """Apply the function: to arrays as it is; to Tensors recording a node where a gradient has to flow."""
        if keywords or len(args) > self.simple:
            return self.apply_checked(args, keywords)  # type: ignore[no-any-return]
        arrays: list[Any] = []
        parents: dict[str, Node] = {}
        has_tensor = False
        for name, value in zip(self.names, args):  # noqa: B905 - the named argument would cost a tenth of the call
            if isinstance(value, Tensor):
                has_tensor = True
                arrays.append(value._data)
                if value.node is not None:
                    parents[name] = value.node
            elif type(value) is ndarray or not isinstance(value, SEQUENCE):
                arrays.append(value)
            else:
                return self.apply_checked(args, keywords)  # type: ignore[no-any-return]
        if not has_tensor:
            return self.forward(*args, **keywords)
        return self.apply((args, arrays, NO_KEYWORDS, NO_KEYWORDS), parents)  # type: ignore[no-any-return]

    def apply_checked(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Apply the function to arguments that may be lists, keywords, or such as the rules do not know."""
        given = translated(keywords)
        named_values = [*zip(self.names, args, strict=False), *given.items()]
        tensors = {name: value for name, value in named_values if isinstance(value, Tensor)}
        if not tensors:
            return self.forward(*args, **given)
        parents = {name: tensor.node for name, tensor in tensors.items() if tensor.node is not None}
        self.check_accepted(args, named_values, bool(parents) and modes.get().grad_enabled)
        arrays = [unwrap(value) for value in args]
        if isinstance(self.forward, np.ufunc):
            weaken_lists(arrays)
        return self.apply((args, arrays, given, {name: unwrap(value) for name, value in given.items()}), parents)

    def compute(
        self, forward: Callable[..., Any], arrays: list[Any], named: dict[str, Any], watch: Watch | None
    ) -> Any:
        """Return a function of plain arrays; errors tell what the arrays were, and who watches is shown the result."""
        try:
            if watch is None:
                return forward(*arrays, **named)
            with np.errstate(all="ignore"):  # an error will tell more than a warning
                out = forward(*arrays, **named)
        except (TypeError, ValueError, IndexError, np.linalg.LinAlgError) as error:
            error.add_note(f"in {describe_call(self.name, arrays)}{advice(self.forward)}")
            raise
        watch.computed(self.name, arrays, out)
        return out

    def apply(self, arguments: Arguments, parents: Mapping[Any, Node]) -> Any:
        """Return the function's value, with a node that holds what the rules need if there are parents.

        NumPy's scalars become 0-d arrays.
        """
        _, arrays, _, named = arguments
        grad_enabled, watch, _, _ = modes.get()
        recorded = grad_enabled and bool(parents)
        kept = None
        if recorded and self.fused is not None and self.is_fused(parents, arrays, named):
            out, kept = self.compute(self.fused.forward, arrays, named, watch)
        else:
            out = self.compute(self.forward, arrays, named, watch)
        if type(out) is not ndarray:
            if type(out) is tuple:  # of indices, from np.where(t)
                return tuple(wrap(part, None) for part in out)
            out = as_array(out)
        dtype = out.dtype
        if dtype.kind not in "biuf":
            raise TypeError(f"{describe_call(self.name, arrays)} is of dtype {dtype}, through which no gradient flows")
        node = None
        if recorded and dtype.kind == "f":
            node = Node(self, parents, {}, out.shape, dtype)
            self.save(node, out, arguments)
            node.kept = kept
            if watch is not None:
                watch.made(node, out, arrays, named)
        made = wrap(out, node)
        if out.base is not None or (arrays and out is arrays[0]) or (named and is_one_of(out, named)):
            share_with_source(made, Made(self.forward, *arguments))
        return made

    def save(self, node: Node, out: Any, arguments: Arguments) -> None:
        """Let a node hold what the rules of its parents need, with a stamp of what users can change."""
        args, arrays, keywords, named = arguments
        saved, wanted = node.saved, tuple(node.parents)
        assert saved is not None
        plan = self.plans.get(wanted)
        for need, source, position, of_shape in self.plan(wanted) if plan is None else plan:
            given = None
            if position is None:
                value = out
            elif position < len(arrays):
                value, given = arrays[position], args[position]
            elif source in named:
                value, given = named[source], keywords[source]
            else:
                value = self.defaults[source]
            if of_shape:
                saved[need] = value.shape if type(value) is ndarray else np.shape(value)
                continue
            saved[need] = value
            if given is None or isinstance(given, Tensor):
                is_changeable = handed_out and is_reachable(value)
            else:
                is_changeable = isinstance(given, CHANGEABLE)
            if is_changeable:
                node.stamps[need] = stamp(value)

    def is_fused(self, parents: Mapping[Any, Node], arrays: list[Any], named: dict[str, Any]) -> bool:
        """Return whether the hand-tuned way is open for these arguments."""
        assert self.fused is not None
        return len(parents) == 1 and self.fused.argument in parents and self.fused.applies(*arrays, **named)

    def plan(self, arguments: tuple[str, ...]) -> tuple[tuple[str, str, int | None, bool], ...]:
        """Return what to save when these arguments need a gradient: each value's name, and the argument it comes from.

        The argument is given by name and position, None for the output; last, whether only its shape is needed.
        """
        for name in arguments:
            if name not in self.rules:
                raise MissingRuleError(f"{self.name} has no derivative rule for its argument {name!r}")
        plan = []
        for need in dict.fromkeys(need for name in arguments for need in self.rules[name].needs):
            of_shape = need != "out" and need not in self.names
            source = need.removesuffix("_shape") if of_shape else need
            plan.append((need, source, None if need == "out" else self.names.index(source), of_shape))
        self.plans[arguments] = tuple(plan)
        return self.plans[arguments]

    def check_accepted(
        self, args: tuple[Any, ...], named_values: Iterable[tuple[str, Any]], has_gradient: bool
    ) -> None:
        """Refuse arguments that the rules do not know, rather than be wrong about them; out= in any case."""
        if len(args) > len(self.names):
            raise MissingRuleError(
                f"{self.name} takes {len(self.names)} arguments on tensors, found {len(args)}; out= is not among them: "
                f"use the value, y = {self.name}(...)"
            )
        for name, value in named_values:
            if name in self.accepted or (name in self.defaults and value is self.defaults[name]):
                continue
            if name == "out":
                check_no_out(self.name, args, value)
            if has_gradient:
                raise MissingRuleError(f"{self.name} has no derivative rule that knows its argument {name!r}")


class Variadic(Function[..., Any]):
    """A function of any number of arrays, `forward(*arrays, **keywords)`, with one rule for them all.

    The rule takes `g` and `i`, the position of the argument, and may also name `inputs`, all of them, and `shapes`.
    """

    def __init__(self, forward: Callable[..., Any], vjp: VJP) -> None:
        super().__init__(forward, {})
        self.rules = RuleByPosition(vjp)
        self.needs = self.rules.needs
        self.accepted = ({*self.needs} & set(self.names)) - {"out"}

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """Apply the function; see `Function.__call__`."""
        if not any(isinstance(value, Tensor) for value in args):
            return self.forward(*args, **keywords)
        self.check_accepted((), keywords.items(), True)
        parents = {
            i: value.node for i, value in enumerate(args) if isinstance(value, Tensor) and value.node is not None
        }
        return self.apply((args, [unwrap(value) for value in args], keywords, keywords), parents)

    def save(self, node: Node, out: Any, arguments: Arguments) -> None:
        """Let a node hold what the rule needs; see `Function.save`."""
        _, arrays, _, named = arguments
        available = {**self.defaults, **named, "out": out, "inputs": arrays, "shapes": list(map(np.shape, arrays))}
        node.saved = {need: available[need] for need in self.needs}
        if "inputs" in self.needs:
            node.stamps["inputs"] = stamp(arrays)


class RuleByPosition(dict[int, Rule]):
    """The rule of a Variadic function, bound to each position as it is asked for."""

    def __init__(self, vjp: VJP) -> None:
        self.vjp = vjp
        self.needs = read_needs(vjp)[1:]

    def __missing__(self, i: int) -> Rule:
        self[i] = Rule(lambda g, *values: self.vjp(g, i, *values), self.needs)
        return self[i]


def is_one_of(out: Any, named: dict[str, Any]) -> bool:
    """Return whether a function returned an argument itself."""
    return any(out is value for value in named.values())


def weaken_lists(arrays: list[Any]) -> None:
    """Give lists of numbers the dtype of the tensor they meet, as a Python number takes it."""
    dtype = np.result_type(*[array for array in arrays if isinstance(array, np.ndarray)])
    for i, value in enumerate(arrays):
        if isinstance(value, list | tuple):
            array = np.asarray(value)
            arrays[i] = array.astype(dtype) if array.dtype.kind in "if" and dtype.kind == "f" else array
