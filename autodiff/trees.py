"""Trees: lists, tuples and dicts in each other, and the leaves that they hold. This file alone walks through them.

Anything else is a leaf, and a tree by itself. A named tuple stays one, and a dict is walked in its order.
"""

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

Tree = Any
CONTAINERS = (list, tuple, dict)


def parts(tree: Tree) -> dict[Any, Any] | None:
    """Return what a list, tuple or dict holds, by index or by key; None of a leaf."""
    if isinstance(tree, dict):
        return tree
    return dict(enumerate(tree)) if isinstance(tree, list | tuple) else None


def flatten(tree: Tree) -> list[Any]:
    """Return the leaves, in order."""
    if not isinstance(tree, CONTAINERS):
        return [tree]
    leaves: list[Any] = []
    for part in tree.values() if isinstance(tree, dict) else tree:
        if isinstance(part, CONTAINERS):
            leaves += flatten(part)
        else:
            leaves.append(part)
    return leaves


def paths(
    tree: Tree, parts: Callable[[Any], dict[Any, Any] | None] = parts, path: tuple[Any, ...] = ()
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the leaves, each with the indices and keys that lead to it. parts: what is no leaf, and what that holds."""
    held = parts(tree)
    if held is None:
        yield path, tree
        return
    for key, part in held.items():
        yield from paths(part, parts, (*path, key))


def named_leaves(tree: Tree, name: str) -> list[tuple[str, Any]]:
    """Return the leaves, each with a name as Python writes it: x, x[0], x['key'], x.field of a named tuple."""
    held = parts(tree)
    if held is None:
        return [(name, tree)]
    names = [f"{name}.{field}" for field in getattr(type(tree), "_fields", ())] or [f"{name}[{key!r}]" for key in held]
    return [leaf for inner, part in zip(names, held.values(), strict=True) for leaf in named_leaves(part, inner)]


def folded(tree: Tree, join: Callable[[list[Any]], Any]) -> Any:
    """Return what `join` makes of a list, tuple or dict from what it made of those within; a leaf stays as it is."""
    held = parts(tree)
    return tree if held is None else join([folded(part, join) for part in held.values()])


def mapped(tree: Tree, change: Callable[[Any], Any]) -> Tree:
    """Return the tree with every leaf changed. A list, tuple or dict in which nothing changes is returned as it is."""
    held = parts(tree)
    if held is None:
        return change(tree)
    return rebuilt(tree, {key: mapped(part, change) for key, part in held.items()})


def rebuilt(tree: Tree, changed: dict[Any, Any]) -> Tree:
    """Return a list, tuple or dict like another that holds something else; that one, if it is the same."""
    if all(changed[key] is part for key, part in (parts(tree) or {}).items()):
        return tree
    return like(tree, changed)


def like(tree: Tree, held: dict[Any, Any]) -> Tree:
    """Return a list, tuple or dict of the very class of another, with what else it has, that holds something else."""
    if isinstance(tree, tuple):
        return tuple.__new__(type(tree), held.values())
    if type(tree) in (list, dict):
        return [*held.values()] if isinstance(tree, list) else held
    made = copy(tree)
    made.clear()
    if isinstance(tree, list):
        made.extend(held.values())
    else:
        made.update(held)
    return made


def rebuild(tree: Tree, leaves: Iterator[Any]) -> Tree:
    """Return the tree with other leaves in place of its own."""
    return mapped(tree, lambda _: next(leaves))
