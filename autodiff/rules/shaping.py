"""Derivative rules of functions that rearrange elements and leave them as they are."""

from itertools import accumulate
from typing import Any

import numpy as np

from autodiff.function import composed, rule, variadic_rule


def inverse(axes: Any, ndim: int) -> Any:
    """Return the permutation that undoes `np.transpose(a, axes)`."""
    return axes if axes is None else tuple(int(i) for i in np.argsort([axis % ndim for axis in axes]))


rule(np.reshape, a=lambda g, a_shape: np.reshape(g, a_shape), accepts=["shape"])
rule(np.transpose, a=lambda g, axes: np.transpose(g, inverse(axes, g.ndim)))
rule(np.matrix_transpose, x=lambda g: np.matrix_transpose(g))
rule(np.expand_dims, a=lambda g, a_shape: np.reshape(g, a_shape), accepts=["axis"])
rule(np.broadcast_to, array=lambda g: g, accepts=["shape"])


def part(g: Any, i: int, shapes: list[tuple[int, ...]], axis: int | None) -> Any:
    """Return the piece of a gradient that belongs to the i-th of the concatenated arrays."""
    if axis is None:
        ends = list(accumulate(int(np.prod(shape)) for shape in shapes))
        return np.reshape(g[ends[i - 1] if i else 0 : ends[i]], shapes[i])
    ends = list(accumulate(shape[axis] for shape in shapes))
    before = (slice(None),) * (axis % g.ndim)
    return g[(*before, slice(ends[i - 1] if i else 0, ends[i]))]


def join(*arrays: Any, axis: int | None = 0) -> Any:
    """Return np.concatenate(arrays, axis)."""
    return np.concatenate(arrays, axis=axis)


joined = variadic_rule(join, lambda g, i, shapes, axis: part(g, i, shapes, axis))


@composed(np.concatenate)
def concatenate(arrays: Any, axis: int | None = 0) -> Any:
    """Join arrays along an axis; all of them flattened if it is None."""
    return joined(*arrays, axis=axis)


@composed(np.stack)
def stack(arrays: Any, axis: int = 0) -> Any:
    """Join arrays along a new axis."""
    return joined(*[np.expand_dims(array, axis) for array in arrays], axis=axis)
