"""Derivative rules of `t[index]` and `t[index] = value`, for every kind of index."""

import math
import operator
from typing import Any

import numpy as np

from autodiff.declarations import differentiable, rule
from autodiff.function import Function


def pick(x: Any, index: Any) -> Any:
    """Return x[index]."""
    return x[index]


@differentiable(g=lambda g, index: g[index], accepts=["shape"])
def place(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Return zeros of that shape with g added at the index; an element that was picked twice receives both."""
    whole = np.zeros_like(g, shape=shape, order="C")
    if isinstance(index, np.ndarray) and index.dtype.kind in "iu" and index.ndim and g.ndim > index.ndim:
        length = math.prod(shape[1:])
        elements = np.expand_dims(index, -1) * length + np.arange(length)
        np.add.at(whole.reshape(-1), elements.reshape(-1), g.reshape(-1))  # four times as fast as whole rows
    elif may_repeat(index):
        np.add.at(whole, index, g)
    else:
        whole[index] = g
    return whole


def may_repeat(index: Any) -> bool:
    """Return whether an index can name an element more than once: arrays of integers can, masks and slices cannot."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(np.ndim(part) > 0 and kind_of(part) in "iu" for part in parts if part is not None)


def kind_of(part: Any) -> str:
    """Return the kind of the dtype of an array or a list."""
    kind: str = (part if isinstance(part, np.ndarray) else np.asarray(part)).dtype.kind
    return kind


def assign(x: Any, index: Any, value: Any) -> Any:
    """Return a copy of x with the value written at the index."""
    changed = np.copy(x)
    changed[index] = value
    return changed


def written_last(g: Any, index: Any) -> Any:
    """Return which of the values written to an array like g stay, if an index names an element repeatedly: the last."""
    if not may_repeat(index):
        return True
    owners = np.zeros_like(g, dtype=np.intp)
    numbers = np.arange(owners[index].size).reshape(owners[index].shape)
    owners[index] = numbers
    return owners[index] == numbers


def keep_others(g: Any, index: Any) -> Any:
    """Return g with zeros where the assignment wrote."""
    return assigned(g, index, 0)


def written(g: Any, index: Any, ndim: int) -> Any:
    """Return the part of g that a value of `ndim` axes was written to, with the axes of length 1 it had in front."""
    found = g[index] * written_last(g, index)
    return found if found.ndim >= ndim else np.reshape(found, (1,) * (ndim - found.ndim) + found.shape)


rule(operator.getitem, forward=pick, x=lambda g, index, x_shape: place(g, index, x_shape))
assigned: Function[..., Any] = rule(
    operator.setitem,
    forward=assign,
    x=lambda g, index: keep_others(g, index),
    value=lambda g, index, value_shape: written(g, index, len(value_shape)),
)
