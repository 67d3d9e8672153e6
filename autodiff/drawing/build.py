"""From a computed value to its picture."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.drawing.names import Names
from autodiff.drawing.picture import Arrow, Box, Picture
from autodiff.drawing.trace import FEW, Step, Trace, in_short
from autodiff.graph import Node


def picture_of(root: Node, value: Any, trace: Trace, names: Names) -> Picture:
    """Return the picture of all that a value was computed from."""
    nodes = sorted(ancestors(root, trace), key=lambda node: node.order)
    names.values[root] = value
    values = known_values(nodes, names)
    picture = Picture()
    keys: dict[Any, int] = {}
    for node in nodes:
        step = trace.steps.get(node)
        key = keys[node] = len(keys)
        gradient = trace.gradients.get(node)
        picture.boxes[key] = Box(
            "operation" if node.function else ("parameter" if node in names.parameters else "input"),
            title_of(node, step, names),
            names.nodes.get(node, "") if node.function else "",
            f"{node.dtype} {node.shape}",
            step.value if step else (in_short(values[node]) if node in values else ""),
            "" if gradient is None else (in_short(gradient) or f"of norm {np.linalg.norm(gradient):.3g}"),
            step.line if step else "",
            names.place_of(step.modules) if step else names.parameters.get(node, ("", ()))[1],
        )
        for argument, parent in trace.parents_of(node).items():
            picture.arrows.append(Arrow(keys[parent], key, str(argument)))
        for argument, array in constants_of(node, step, trace):
            if id(array) not in keys:
                keys[id(array)] = len(keys)
                title = names.arrays.get(id(array), "array")
                picture.boxes[keys[id(array)]] = Box(
                    "input", title, "", f"{array.dtype} {array.shape}", in_short(array)
                )
            picture.arrows.append(Arrow(keys[id(array)], key, str(argument)))
    count = Counter(arrow.end for arrow in picture.arrows)
    picture.arrows = [one if count[one.end] > 1 else Arrow(one.start, one.end, "") for one in picture.arrows]
    return picture


def ancestors(root: Node, trace: Trace) -> set[Node]:
    """Return a node and all that it was computed from."""
    found, pending = {root}, [root]
    while pending:
        for parent in trace.parents_of(pending.pop()).values():
            if parent not in found:
                found.add(parent)
                pending.append(parent)
    return found


def known_values(nodes: list[Node], names: Names) -> dict[Node, Any]:
    """Return the arrays of nodes as far as somebody has kept them: variables, leaves, and what the rules need."""
    found = dict(names.values)
    for node in nodes:
        tensor = node.tensor() if node.tensor is not None else None
        if tensor is not None:
            found[node] = tensor._data
        for name, array in (node.saved or {}).items():
            if name == "out":
                found.setdefault(node, array)
            elif name in node.parents:
                found.setdefault(node.parents[name], array)
    return found


def title_of(node: Node, step: Step | None, names: Names) -> str:
    """Return the name of a leaf, or the function with its arguments that are no arrays."""
    if node.function is None:
        return names.parameters[node][0] if node in names.parameters else names.nodes.get(node, "input")
    if step is None:
        return node.function.name
    given = [in_few_words(value) if is_setting(value) else "·" for value in step.arrays]
    given += [f"{name}={in_few_words(value)}" for name, value in step.keywords.items() if is_setting(value)]
    return f"{node.function.name}({', '.join(given)})" if any(text != "·" for text in given) else node.function.name


def is_setting(value: Any) -> bool:
    """Return whether an argument is no array, so that it has no box."""
    return not isinstance(value, np.ndarray) and not (isinstance(value, list) and len(value) > FEW)


def in_few_words(value: Any) -> str:
    """Return an argument as text, if that is short."""
    text = f"{value:.4g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 24 else type(value).__name__


def constants_of(node: Node, step: Step | None, trace: Trace) -> Iterator[tuple[Any, Any]]:
    """Yield the arguments that are arrays and that no gradient flows to."""
    parents = trace.parents_of(node)
    if step is None:
        given = {name: value for name, value in (node.saved or {}).items() if name != "out"}
    else:
        named: list[Any] = [*getattr(node.function, "names", ())] or [*range(len(step.arrays))]
        given = {**dict(zip(named, step.arrays, strict=False)), **step.keywords}
    for argument, value in given.items():
        if argument not in parents and isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            yield argument, value
