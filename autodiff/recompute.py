"""Recomputing instead of keeping: less memory for one more forward pass (Chen et al. 2016)."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import numpy as np

from autodiff.graph import Fused, Node, Rule
from autodiff.modes import modes, recording
from autodiff.saved import next_order
from autodiff.tensor import Tensor, gradients, wrap

P = ParamSpec("P")


class RecomputedDifferentlyError(RuntimeError):
    """A checkpointed function gave another value when it was computed again."""


def checkpoint(function: Callable[P, Any]) -> Callable[P, Any]:
    """Return a function that keeps nothing for the backward pass and is computed again there.

    The function returns one Tensor, and the same one when it is called again with the same arguments: what it reads
    must not change in between, and it must not draw random numbers. Raises RecomputedDifferentlyError otherwise.

    >>> ad.grad(lambda x: np.sum(ad.checkpoint(lambda h: np.tanh(h * 2))(x)))(np.zeros(2))
    array([2., 2.])
    """

    @wraps(function)
    def checkpointed(*args: P.args, **keywords: P.kwargs) -> Any:
        before = next_order()
        value = function(*args, **keywords)
        if not isinstance(value, Tensor) or value.node is None or not modes.get().grad_enabled:
            return value
        return wrap(value._data, checkpoint_node(lambda: function(*args, **keywords), value, before))

    return checkpointed


def checkpoint_node(compute: Callable[[], Tensor], value: Tensor, before: int) -> Node:
    """Return a node whose parents are the nodes that a value was computed from, and that were there before."""
    assert value.node is not None
    parents = sources(value.node, before)
    saved = {"out": value._data, "recomputed": Recomputed(compute, value._data, parents)}
    return Node(CHECKPOINT, dict(enumerate(parents)), saved, value.shape, value.dtype)


def sources(root: Node, before: int) -> list[Node]:
    """Return the nodes older than `before` that a node was computed from."""
    found: dict[Node, None] = {}
    seen = {root}
    pending = [root]
    while pending:
        node = pending.pop()
        if node.order < before or node.function is None:
            found[node] = None
            continue
        new = [parent for parent in node.parents.values() if parent not in seen]
        seen.update(new)
        pending.extend(new)
    return list(found)


class Checkpoint:
    """Stands where a node has its function; its rules, by the position of the source, ask what the node saved."""

    name = "checkpoint"
    fused: Fused | None = None

    @property
    def rules(self) -> "Checkpoint":
        """The rules: this itself."""
        return self

    def __getitem__(self, i: int) -> Rule:
        return Rule(lambda g, recomputed: recomputed.gradient(g, i), ("recomputed",))


CHECKPOINT = Checkpoint()


class Recomputed:
    """A function to compute again, once for all the gradients of a backward pass."""

    def __init__(self, compute: Callable[[], Tensor], expected: Any, parents: list[Node]) -> None:
        self.compute = compute
        self.expected = expected
        self.parents = parents
        self.latest: tuple[Any, dict[Node, Any]] | None = None

    def gradient(self, g: Any, i: int) -> Any:
        """Return the gradient with respect to the i-th source."""
        if self.latest is None or self.latest[0] is not g:
            self.latest = (g, self.gradients(g))
        found = self.latest[1]
        if i == len(self.parents) - 1:
            self.latest = None  # the pass is done: nothing is kept
        parent = self.parents[i]
        return found[parent] if parent in found else np.zeros(parent.shape, parent.dtype)

    def gradients(self, g: Any) -> dict[Node, Any]:
        """Return the gradients with respect to all sources, computing the function again."""
        with recording():
            value = self.compute()
        if not np.array_equal(value._data, self.expected, equal_nan=True):
            raise RecomputedDifferentlyError(
                "a checkpointed function gave another value when it was computed again: it draws random numbers, or "
                "something it reads has changed; draw them outside and pass them in"
            )
        recorded = isinstance(g, Tensor)
        found = gradients(value, g, self.parents, create_graph=recorded, retain_graph=recorded)
        return found if recorded else {node: gradient._data for node, gradient in found.items()}
