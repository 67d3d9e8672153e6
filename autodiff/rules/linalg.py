"""Derivative rules of linear algebra. Stacks of matrices are broadcast like NumPy's; the engine undoes that."""

from typing import Any

import numpy as np

from autodiff.function import rule


def matmul_left(g: Any, b: Any, a_shape: tuple[int, ...]) -> Any:
    """Return the gradient of a @ b with respect to a: g @ b', with NumPy's vectors read as rows and columns."""
    if b.ndim == 1:
        return g[..., None] * b
    if len(a_shape) == 1:
        return (b @ g[..., None])[..., 0]
    return g @ np.matrix_transpose(b)


def matmul_right(g: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    """Return the gradient of a @ b with respect to b: a' @ g, with NumPy's vectors read as rows and columns."""
    if a.ndim == 1 and len(b_shape) == 1:
        return g * a
    if a.ndim == 1:
        return a[:, None] * g[..., None, :]
    if len(b_shape) == 1:
        return (np.matrix_transpose(a) @ g[..., None])[..., 0]
    return np.matrix_transpose(a) @ g


rule(
    np.matmul,
    a=lambda g, b, a_shape: matmul_left(g, b, a_shape),
    b=lambda g, a, b_shape: matmul_right(g, a, b_shape),
)
