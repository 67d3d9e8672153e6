"""The graph of a computation, and the backward pass over it."""

import heapq
import itertools
import threading
import weakref
from collections.abc import Callable, Collection, Mapping
from contextlib import ContextDecorator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from autodiff.function import Function

Array = Any
"""A NumPy array in a first-order backward pass; a Tensor where the pass is itself differentiated."""


class Modes(threading.local):
    """The modes of the running thread."""

    grad_enabled = True
    transforms = 0  # how many of grad and its like are running, one within the other


modes = Modes()


class no_grad(ContextDecorator):  # noqa: N801 - reads as a statement
    """Compute without recording: `with ad.no_grad():`, or as a decorator of a function."""

    def __enter__(self) -> None:
        self.before = modes.grad_enabled
        modes.grad_enabled = False

    def __exit__(self, *exception: object) -> None:
        modes.grad_enabled = self.before

    def _recreate_cm(self) -> "no_grad":
        return no_grad()  # each call of a decorated function remembers its own mode


class Node:
    """How one array was made: the function, the nodes of its inputs, and what the derivative rules need.

    A node holds arrays and other nodes, never a Tensor: an intermediate array that no rule needs dies as soon as its
    Tensor does, and no reference cycle can form. A leaf is a node without a function.
    """

    __slots__ = ("dtype", "function", "order", "parents", "saved", "shape", "tensor")

    def __init__(
        self,
        function: "Function | None",
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
        self.tensor: weakref.ref[Any] | None = None  # who wants the gradient: leaves, and those that asked


next_order = itertools.count().__next__


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
    oldest = min((node.order for node in wanted), default=0) if wanted is not None else 0
    gradients: dict[Node, Array] = {root: seed}
    owned: set[Node] = set()  # nodes whose gradient nobody else holds: later ones may be added in place
    results: dict[Node, Array] = {}
    queue = [(-root.order, root)]
    while queue:
        _, node = heapq.heappop(queue)
        g = gradients.pop(node)
        if (node.tensor is not None) if wanted is None else (node in wanted):
            results[node] = g if node in owned or lift is not None else np.array(g)
        for name, parent in node.parents.items():
            if parent.order < oldest:
                continue
            gradient = fit_to(parent, vector_jacobian_product(node, name, g, lift), node, name)
            if parent not in gradients:
                gradients[parent] = gradient
                heapq.heappush(queue, (-parent.order, parent))
                if isinstance(gradient, np.ndarray) and gradient is not g and gradient.base is None:
                    owned.add(parent)
            elif parent in owned:
                np.add(gradients[parent], gradient, out=gradients[parent])
            else:
                gradients[parent] = total = gradients[parent] + gradient
                if isinstance(total, np.ndarray):
                    owned.add(parent)
        if not retain_graph and node.function is not None:
            node.saved = None
        owned.discard(node)
    return results


def vector_jacobian_product(node: Node, name: Any, g: Array, lift: Callable[[Any, Node], Array] | None) -> Array:
    """Return the gradient with respect to the argument `name` of the node's function, given that of its output."""
    function, saved = node.function, node.saved
    assert function is not None
    if saved is None:
        raise GraphFreedError(
            f"backward() reached {function.name} a second time, and what it saved was freed by the first pass; "
            "call the first backward() with retain_graph=True, or compute the value again"
        )
    rule = function.rules[name]
    if lift is None:
        return rule.vjp(g, *[saved[need] for need in rule.needs])
    return rule.vjp(g, *[lift_saved(node, need, lift) for need in rule.needs])


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
        gradient = unbroadcast(gradient, parent.shape, node, name)
    if gradient.dtype != parent.dtype:
        if node.dtype == parent.dtype:
            raise wrong_rule(node, name, f"made a {gradient.dtype} gradient for a {parent.dtype} argument")
        gradient = gradient.astype(parent.dtype)  # the function promoted float32 with float64
    return gradient


def unbroadcast(gradient: Array, shape: tuple[int, ...], node: Node, name: Any) -> Array:
    """Undo broadcasting: sum over the axes that were added in front, and over those stretched from length 1."""
    added = gradient.ndim - len(shape)
    stretched = tuple(
        axis + added
        for axis, length in enumerate(shape)
        if length == 1 and gradient.shape[axis + added : axis + added + 1] != (1,)
    )
    if added < 0 or any(length not in (1, gradient.shape[axis + added]) for axis, length in enumerate(shape)):
        raise wrong_rule(node, name, f"made a gradient of shape {gradient.shape} for an argument of shape {shape}")
    summed = np.sum(gradient, axis=(*range(added), *stretched))
    return summed if summed.shape == shape else np.reshape(summed, shape)


def wrong_rule(node: Node, name: Any, fault: str) -> AssertionError:
    """Return the error for a derivative rule that does not fit its argument."""
    assert node.function is not None
    return AssertionError(f"the derivative rule of {node.function.name} for argument {name!r} {fault}")
