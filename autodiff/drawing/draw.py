"""draw: the picture of how a value was computed."""

import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from autodiff.drawing import text
from autodiff.drawing.build import picture_of
from autodiff.drawing.fold import folded
from autodiff.drawing.names import Names, variables_of
from autodiff.drawing.picture import Picture
from autodiff.drawing.trace import Trace, watched_by
from autodiff.graph import Node, backward_pass
from autodiff.tensor import Tensor
from autodiff.trees import flatten

NO_GRAPHVIZ = (
    "Graphviz draws the picture, and is not there: install its program (apt install graphviz, brew install graphviz) "
    "and pip install 'adrun[graph]', or take the picture as text, which GitHub and notebooks draw: "
    "print(drawing.mermaid)"
)


def draw(what: Tensor | Callable[..., Any], *args: Any, depth: int | None = None) -> "Drawing":
    """Return the graph of a computation: inputs, parameters and operations, with shapes, values and gradients.

    what: a Tensor, whose graph must not be freed by a backward pass; values are shown as far as they are kept. Or a
        function: it is called with the arguments, and all values and the modules at work are seen. What it returns is
        drawn, the first Tensor with a graph if that is a tuple or a dict.
    depth: how far to look into modules: 0 for one box each. By default as far as can be read.

    Gradients are those of a backward pass from the value, if it is a single number. It is made for the picture, and
    leaves every `grad` as it is, unless the function makes its own. Arrays of at most 6 numbers are shown whole.

    Raises TypeError or ValueError for what has no graph, and for one that is too large to be read.

    >>> import autodiff as ad
    >>> w = ad.Parameter(3.0)
    >>> print(ad.draw(lambda: w * w).mermaid.splitlines()[2])
      n1["<b>np.multiply</b><br/>float32 #40;#41;<br/>9<br/>gradient 1"]:::operation
    """
    frame = sys._getframe(1)
    trace = Trace()
    if isinstance(what, Tensor):
        if args:
            raise TypeError("ad.draw takes arguments for a function only, found some beside a tensor")
        names, root = Names(variables_of(frame)), what
    elif callable(what):
        names = Names(variables_of(frame, what))
        with watched_by(trace):
            root = first_with_graph(what(*args))
    else:
        raise TypeError(f"ad.draw takes a tensor or a function, found a {type(what).__name__}")
    node = graph_of(root, trace)
    if root.size == 1:
        seed = np.ones(root.shape, root.dtype)
        if not trace.gradients:
            with watched_by(trace):
                backward_pass(node, seed, retain_graph=True)
        trace.gradients[node] = seed
    return Drawing(folded(picture_of(node, root._data, trace, names), depth))


def first_with_graph(result: Any) -> Tensor:
    """Return the first Tensor in a result that a gradient can start from."""
    for leaf in flatten(result):
        if isinstance(leaf, Tensor) and leaf.node is not None:
            return leaf
    raise TypeError(f"ad.draw draws a tensor that requires a gradient, and the function returned {result!r}")


def graph_of(tensor: Tensor, trace: Trace) -> Node:
    """Return the node of a Tensor. Raises ValueError if there is nothing to draw."""
    if tensor.node is None:
        raise ValueError(
            "the tensor was computed from nothing that requires a gradient, so that its graph was not kept; make what "
            "it comes from with requires_grad=True"
        )
    if tensor.node.function is not None and not trace.parents_of(tensor.node):
        raise ValueError(
            "the graph was freed by backward(); draw it before that, call backward(retain_graph=True), or give ad.draw "
            "the function that computes it"
        )
    return tensor.node


class Drawing:
    """The picture of a computation; notebooks show it as it is.

    `dot` and `mermaid` are it as text, `svg()` as a picture, where Graphviz is there, and `save` writes a file.
    """

    def __init__(self, picture: Picture) -> None:
        self.picture = picture

    @property
    def dot(self) -> str:
        """The picture in the language of Graphviz."""
        return text.dot(self.picture)

    @property
    def mermaid(self) -> str:
        """The picture in Mermaid's language."""
        return text.mermaid(self.picture)

    def __str__(self) -> str:
        return self.mermaid

    def __repr__(self) -> str:
        return f"<Drawing of {len(self.picture.boxes)} values; print it, or .save('graph.svg')>"

    def svg(self) -> str:
        """Return the picture as SVG. Raises RuntimeError where Graphviz is not there."""
        try:
            import graphviz
        except ImportError:
            raise RuntimeError(NO_GRAPHVIZ) from None
        try:
            found: str = graphviz.Source(self.dot).pipe("svg", encoding="utf-8")
        except graphviz.ExecutableNotFound:
            raise RuntimeError(NO_GRAPHVIZ) from None
        return found

    def save(self, path: str | Path) -> None:
        """Write the picture to a file: .svg, .dot (or .gv), or .mmd (or .md) for Mermaid's text.

        Raises ValueError for another ending, RuntimeError where Graphviz is needed and not there.
        """
        path = Path(path)
        if path.suffix == ".svg":
            content = self.svg()
        elif path.suffix in (".dot", ".gv"):
            content = self.dot
        elif path.suffix in (".mmd", ".md"):
            content = self.mermaid if path.suffix == ".mmd" else f"```mermaid\n{self.mermaid}\n```"
        else:
            raise ValueError(f"a drawing is saved as .svg, .dot or .mmd, found {path.name!r}")
        path.write_text(content + "\n", encoding="utf-8")

    @cached_property
    def _drawn(self) -> str | None:
        try:
            return self.svg()
        except RuntimeError:
            return None

    def _repr_svg_(self) -> str | None:
        return self._drawn

    def _repr_markdown_(self) -> str | None:
        """Return Mermaid's text where there is no picture: JupyterLab would prefer it to one."""
        return None if self._drawn else f"```mermaid\n{self.mermaid}\n```"
