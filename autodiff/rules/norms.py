"""Derivative rules of the norms of vectors and matrices. At 0 their gradient is 0, as PyTorch has it."""

import math
from typing import Any

import numpy as np

from autodiff.declarations import composed, differentiable
from autodiff.rules.decompositions import singular_values
from autodiff.rules.elementwise import masked
from autodiff.rules.reductions import axes_of, last, restore, root


@differentiable(
    x=lambda g, x, power, out: (
        masked(g * np.sign(x), out != 0) * ((np.absolute(x) + (x == 0)) / (out + (out == 0))) ** (power - 1)
    )
)
def power_norm(x: Any, power: float) -> Any:
    """Return (sum of |x| ** power) ** (1 / power) over the last axis, kept; its gradient where x is 0 is 0."""
    return np.sum(np.absolute(x) ** power, axis=-1, keepdims=True) ** (1 / power)


def vector_lengths(rows: Any, ord: Any) -> Any:
    """Return the norm of vectors along the last axis."""
    if ord is None or ord == 2:
        return root(np.sum(rows * rows, axis=-1))
    if ord == 0:
        return np.sum((rows != 0).astype(rows.dtype), axis=-1)
    if ord in (1, math.inf, -math.inf):
        reduce_sizes: Any = {1: np.sum, math.inf: np.max, -math.inf: np.min}[ord]
        return reduce_sizes(np.absolute(rows), axis=-1)
    return power_norm(rows, ord)[..., 0]


def matrix_sizes(matrices: Any, ord: Any) -> Any:
    """Return the norm of matrices in the last two axes."""
    if ord in (None, "fro"):
        return root(np.sum(matrices * matrices, axis=(-2, -1)))
    if ord == "nuc":
        return np.sum(singular_values(matrices), axis=-1)
    if ord in (2, -2):
        return singular_values(matrices)[..., 0 if ord == 2 else -1]
    if ord in (1, -1, math.inf, -math.inf):
        sums = np.sum(np.absolute(matrices), axis=-2 if abs(ord) == 1 else -1)
        return np.max(sums, axis=-1) if ord > 0 else np.min(sums, axis=-1)
    raise ValueError(f"np.linalg.norm: a matrix has no norm of order {ord!r}; use one of 'fro', 'nuc', 1, 2, inf")


@composed(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the norm of vectors or matrices, of every order that NumPy knows; its gradient at 0 is 0."""
    flat = axis is None and (ord is None or np.ndim(x) == 1)
    axes = tuple(range(np.ndim(x))) if axis is None else axes_of(axis, np.ndim(x))
    moved = np.moveaxis(x, axes, range(-len(axes), 0))
    if flat or len(axes) == 1:
        rows = np.reshape(
            moved, (*moved.shape[: np.ndim(x) - len(axes)], math.prod(moved.shape[np.ndim(x) - len(axes) :]))
        )
        size = vector_lengths(rows, ord)
    elif len(axes) == 2:
        size = matrix_sizes(moved, ord)
    else:
        raise ValueError(f"np.linalg.norm: {len(axes)} axes; give one for vectors or two for matrices")
    return np.reshape(size, [1 if i in axes else n for i, n in enumerate(x.shape)]) if keepdims else size


@composed(np.linalg.vector_norm)
def vector_norm(x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """Return the norm of vectors along an axis, or of all elements as one vector."""
    size = vector_lengths(last(x, axis), ord)
    return restore(size, x.shape, axis) if keepdims else size


@composed(np.linalg.matrix_norm)
def matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Return the norm of matrices in the last two axes."""
    return norm(x, ord, (-2, -1), keepdims)
