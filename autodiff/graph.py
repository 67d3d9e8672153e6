"""The graph of a computation, and the backward pass over it."""

import weakref
from collections.abc import Callable, Collection, Mapping
from heapq import heappop, heappush
from typing import Any, NamedTuple, Protocol

import numpy as np

from autodiff.broadcasting import unbroadcast
from autodiff.modes import modes
from autodiff.saved import check_unchanged, next_order

Array = Any
"""A NumPy array in a first-order backward pass; a Tensor where the pass is itself differentiated."""


class Rule(NamedTuple):
    """A vector-Jacobian product and the names of the values it needs besides `g`."""

    vjp: Callable[..., Any]
    needs: tuple[str, ...]


class Rules(Protocol):
    """The rules of a function by the name of the argument, or by its position."""

    def __getitem__(self, argument: Any, /) -> Rule:
        """Return the rule for an argument."""


class Fused(NamedTuple):
    """A hand-tuned way to compute a function and its gradient with respect to one argument, on arrays alone.

    `forward` returns the value and anything that `vjp(g, kept)` needs; `applies` tells for which arguments. The plain
    rule stays: it is what a recorded backward pass runs.
    """

    argument: str
    applies: Callable[..., bool]
    forward: Callable[..., tuple[Any, Any]]
    vjp: Callable[[Any, Any], Any]


class Differentiable(Protocol):
    """What a node has to know of the function that made it."""

    name: str
    fused: Fused | None

    @property
    def rules(self) -> Rules:
        """The derivative rules."""


class Node:
    """How one array was made: the function, the nodes of its inputs, and what the derivative rules need.

    A node holds arrays and other nodes, never a Tensor: an intermediate array that no rule needs dies as soon as its
    Tensor does, and no reference cycle can form. A leaf is a node without a function.
    """

    __slots__ = ("dtype", "function", "kept", "line", "order", "parents", "saved", "shape", "stamps", "tensor")

    def __init__(
        self,
        function: Differentiable | None,
        parents: Mapping[Any, "Node"],
        saved: dict[str, Any] | None,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
    ) -> None:
        self.function = function
        self.parents = parents  # by the name (or position) of the argument
        self.saved = saved  # None once a backward pass has used and freed it
        self.shape = shape
        self.dtype = dtype
        self.order = next_order()  # creation order is a topological order
        self.stamps: dict[str, Any] = {}  # of the saved arrays that users can change
        self.kept: Any = None  # what a fused function needs besides, for its gradient on arrays
        self.line = ""  # the user's line that made it, under a watch
        self.tensor: weakref.ref[Any] | None = None  # who wants the gradient: leaves, and those that asked


FREED: dict[Any, Any] = {}
"""What a node has for parents and stamps after its backward pass: nothing, so that a kept loss is its value alone."""


class GraphFreedError(RuntimeError):
    """A second backward pass over a graph whose saved arrays the first one has freed."""


def backward_pass(
    root: Node,
    seed: Array,
    wanted: Collection[Node] | None = None,
    lift: Callable[[Any, Node], Array] | None = None,
    retain_graph: bool = False,
) -> dict[Node, Array]:
    """Return the gradients of sum(root * seed) with respect to the `wanted` nodes, by default every leaf reached.

    `lift(array, node)` turns a saved array back into a Tensor, so that the pass is recorded in turn; without it the
    rules run on plain arrays. What a node saved is freed as the pass goes, unless `retain_graph`.
    """
    targets = None if wanted is None else set(wanted)
    oldest = min((node.order for node in targets), default=0) if targets else 0
    watch = modes.get().watch
    pending = Pending()
    pending.add(root, seed, shared=True)
    results: dict[Node, Array] = {}
    with np.errstate(all="ignore"):  # an infinite slope, as of sqrt at 0, is a value
        while pending.queue:
            node, g, shared = pending.pop()
            if node.tensor is not None if targets is None else node in targets:
                results[node] = alone(g, shared, lift)
                if targets is not None:
                    continue  # these are the variables: what they were computed from is not asked for
            assert node.function is not None
            if node.saved is None:
                raise GraphFreedError(
                    f"backward() reached {node.function.name} a second time, and what it saved was freed by the first "
                    "pass; call the first backward() with retain_graph=True, or compute the value again"
                )
            check_unchanged(node.saved, node.stamps, node.function.name, node.order)
            for name, parent in node.parents.items():
                if parent.order >= oldest:
                    gradient = vector_jacobian_product(node, name, g, lift)
                    if gradient.shape != parent.shape or gradient.dtype != parent.dtype:
                        gradient = fit_to(parent, gradient, node, name)
                    if watch is not None:
                        watch.gradient(node, name, gradient)
                    pending.add(parent, gradient, shared=gradient is g)
            if not retain_graph:
                node.saved = node.kept = None
                node.parents = node.stamps = FREED
    for leaf, g, shared in pending.gradients.values():
        if leaf.tensor is not None if targets is None else leaf in targets:
            results[leaf] = alone(g, shared, lift)
    return results


def alone(gradient: Array, shared: bool, lift: Callable[[Any, Node], Array] | None) -> Array:
    """Return a gradient that nobody else holds: itself, or a copy."""
    if not shared and is_new(gradient):
        return gradient
    return np.copy(gradient) if lift is None else +gradient


class Pending:
    """The gradients on their way to nodes, and a queue of those nodes, newest first. Those of leaves stay."""

    def __init__(self) -> None:
        self.gradients: dict[int, tuple[Node, Array, bool]] = {}  # by the order of the node
        self.queue: list[int] = []

    def add(self, node: Node, gradient: Array, shared: bool) -> None:
        """Add a gradient to what the node has. The first is borrowed, the second allocates, later ones add in place.

        shared: whether the gradient is also that of another node, or the seed.
        """
        order = node.order
        if order not in self.gradients:
            if node.function is not None:
                heappush(self.queue, -order)
            self.gradients[order] = node, gradient, shared
            return
        _, total, is_shared = self.gradients[order]
        if is_shared or not is_new(total):
            self.gradients[order] = node, total + gradient, False
        else:
            np.add(total, gradient, out=total)

    def pop(self) -> tuple[Node, Array, bool]:
        """Return the newest node, its gradient, now complete, and whether that is shared."""
        return self.gradients.pop(-heappop(self.queue))


def is_new(gradient: Array) -> bool:
    """Return whether what a rule made can be added to in place: not a view, nor a NumPy scalar, nor a Tensor."""
    return isinstance(gradient, np.ndarray) and gradient.base is None


def vector_jacobian_product(node: Node, name: Any, g: Array, lift: Callable[[Any, Node], Array] | None) -> Array:
    """Return the gradient with respect to the argument `name` of the node's function, given that of its output."""
    function, saved = node.function, node.saved
    assert function is not None and saved is not None  # noqa: PT018
    if lift is None and node.kept is not None and function.fused is not None:
        return function.fused.vjp(g, node.kept)
    vjp, needs = function.rules[name]
    if not needs:
        return vjp(g)
    if lift is None:
        return vjp(g, *[saved[need] for need in needs])
    return vjp(g, *[lift_saved(node, need, lift) for need in needs])


def lift_saved(node: Node, need: str, lift: Callable[[Any, Node], Array]) -> Any:
    """Return a saved value as the Tensor it was, connected to the node that made it; constants as they are."""
    assert node.saved is not None
    value = node.saved[need]
    if need == "out":
        return lift(value, node)
    if need == "inputs":  # of a function of any number of arrays, whose parents go by position
        return [lift(array, node.parents[i]) if i in node.parents else array for i, array in enumerate(value)]
    return lift(value, node.parents[need]) if need in node.parents else value


def fit_to(parent: Node, gradient: Array, node: Node, name: Any) -> Array:
    """Sum a gradient over the axes along which the parent was broadcast, and check its shape and dtype."""
    if gradient.shape != parent.shape:
        summed = unbroadcast(gradient, parent.shape)
        if summed is None:
            found = f"made a gradient of shape {gradient.shape} for an argument of shape {parent.shape}"
            raise wrong_rule(node, name, found)
        gradient = summed
    if gradient.dtype != parent.dtype:
        if node.dtype == parent.dtype:
            raise wrong_rule(node, name, f"made a {gradient.dtype} gradient for a {parent.dtype} argument")
        gradient = gradient.astype(parent.dtype)  # the function promoted float32 with float64
    return gradient


def wrong_rule(node: Node, name: Any, fault: str) -> AssertionError:
    """Return the error for a derivative rule that does not fit its argument."""
    assert node.function is not None
    return AssertionError(f"the derivative rule of {node.function.name} for argument {name!r} {fault}")
