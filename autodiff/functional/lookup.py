"""Rows of a table by their numbers."""

from typing import Any

import numpy as np

from autodiff.declarations import differentiable
from autodiff.rules.elementwise import masked
from autodiff.rules.indexing import place


def table_gradient(g: Any, weight_shape: Any, indices: Any, padding_idx: int | None) -> Any:
    """Return the sum of the gradients of every row's occurrences, but of none that stand for padding."""
    if padding_idx is not None:
        number = padding_idx % weight_shape[0]
        g = masked(g, np.broadcast_to(np.expand_dims(np.not_equal(indices, number), -1), g.shape))
    return place(g, checked(indices, weight_shape[0]), weight_shape)


@differentiable(weight=table_gradient)
def embedding(indices: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """Return the rows of a table: weight[indices].

    indices: integers of any shape, from 0 to below the number of rows. weight: (rows, features).
    padding_idx: the number that stands for padding, whose row gets no gradient. Returns (*indices.shape, features).
    Raises ValueError for a number that no row has, and TypeError for indices of another dtype.

    >>> F.embedding([1, 0], ad.Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([[3., 4.],
            [1., 2.]])
    """
    return weight[checked(indices, len(weight))]


def checked(indices: Any, rows: int) -> Any:
    """Return the numbers of rows as an array, or raise ValueError or TypeError."""
    numbers = np.asarray(indices) if isinstance(indices, list | tuple | int) else indices
    if numbers.dtype.kind not in "iu":
        raise TypeError(f"embedding: indices must be integers, found {numbers.dtype}; convert them with .astype(int)")
    try:
        return np.ravel_multi_index((numbers,), (rows,))
    except ValueError:
        raise ValueError(
            f"embedding: {rows} rows need indices from 0 to {rows - 1}, found {np.min(numbers)} to {np.max(numbers)}"
        ) from None
