"""Derivative rules of products, inverses and determinants of matrices.

Stacks of matrices are broadcast like NumPy's; the engine undoes that. The rules are in Giles (2008), An extended
collection of matrix derivative results.
"""

import functools
import math
import operator
from typing import Any

import numpy as np

from autodiff.declarations import composed, differentiable, no_gradient, rule
from autodiff.rules.reductions import axes_of

transposed = np.matrix_transpose

# Products


def matmul_left(g: Any, b: Any, a_shape: tuple[int, ...]) -> Any:
    """Return the gradient of a @ b with respect to a: g @ b', with NumPy's vectors read as rows and columns."""
    if b.ndim == 1:
        return g[..., None] * b
    if len(a_shape) == 1:
        return (b @ g[..., None])[..., 0]
    return g @ transposed(b)


def matmul_right(g: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    """Return the gradient of a @ b with respect to b: a' @ g, with NumPy's vectors read as rows and columns."""
    if a.ndim == 1 and len(b_shape) == 1:
        return g * a
    if a.ndim == 1:
        return a[:, None] * g[..., None, :]
    if len(b_shape) == 1:
        return (transposed(a) @ g[..., None])[..., 0]
    return transposed(a) @ g


rule(
    np.matmul,
    a=lambda g, b, a_shape: matmul_left(g, b, a_shape),
    b=lambda g, a, b_shape: matmul_right(g, a, b_shape),
)


@composed(np.vecdot, np.linalg.vecdot)
def vecdot(a: Any, b: Any, *, axis: int = -1) -> Any:
    """Return the scalar products along an axis."""
    return np.sum(np.moveaxis(a, axis, -1) * np.moveaxis(b, axis, -1), axis=-1)


@composed(np.matvec)
def matvec(a: Any, b: Any) -> Any:
    """Return matrices times vectors."""
    return (a @ b[..., None])[..., 0]


@composed(np.vecmat)
def vecmat(a: Any, b: Any) -> Any:
    """Return vectors times matrices."""
    return (a[..., None, :] @ b)[..., 0, :]


@composed(np.dot)
def dot(a: Any, b: Any) -> Any:
    """Return the product over the last axis of a and the last but one, or only, of b."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    return a @ b if np.ndim(b) <= 2 else np.tensordot(a, b, axes=(-1, -2))


@composed(np.inner)
def inner(a: Any, b: Any) -> Any:
    """Return the product over the last axes of both."""
    return a * b if np.ndim(a) == 0 or np.ndim(b) == 0 else np.tensordot(a, b, axes=(-1, -1))


@composed(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    """Return the scalar product of the flattened arrays."""
    return np.reshape(a, -1) @ np.reshape(b, -1)


@composed(np.outer, np.linalg.outer)
def outer(a: Any, b: Any) -> Any:
    """Return every product of an element of a and one of b."""
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))


@composed(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Return the product over pairs of axes."""
    if isinstance(axes, int):
        axes = (tuple(range(np.ndim(a) - axes, np.ndim(a))), tuple(range(axes)))
    over_a, over_b = axes_of(axes[0], np.ndim(a)), axes_of(axes[1], np.ndim(b))
    kept_a = [i for i in range(np.ndim(a)) if i not in over_a]
    kept_b = [i for i in range(np.ndim(b)) if i not in over_b]
    shape_a, shape_b = [np.shape(a)[i] for i in kept_a], [np.shape(b)[i] for i in kept_b]
    length_a, length_b = (math.prod(np.shape(x)[i] for i in over) for x, over in ((a, over_a), (b, over_b)))
    rows = np.reshape(np.transpose(a, (*kept_a, *over_a)), (math.prod(shape_a), length_a))
    columns = np.reshape(np.transpose(b, (*over_b, *kept_b)), (length_b, math.prod(shape_b)))
    return np.reshape(rows @ columns, (*shape_a, *shape_b))


@composed(np.kron)
def kron(a: Any, b: Any) -> Any:
    """Return the Kronecker product: every element of a times the whole of b."""
    ndim = max(np.ndim(a), np.ndim(b))
    shapes = [(1,) * (ndim - np.ndim(x)) + np.shape(x) for x in (a, b)]
    apart = [
        [n for length in shape for n in ((length, 1) if i == 0 else (1, length))] for i, shape in enumerate(shapes)
    ]
    product = np.reshape(a, apart[0]) * np.reshape(b, apart[1])
    return np.reshape(product, [m * n for m, n in zip(*shapes, strict=True)])


@composed(np.cross, np.linalg.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """Return the vector products of vectors of length 3."""
    along = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    if np.shape(a)[along[0]] != 3 or np.shape(b)[along[1]] != 3:
        raise ValueError(f"np.cross takes vectors of length 3, found shapes {np.shape(a)} and {np.shape(b)}")
    x, y = np.moveaxis(a, along[0], 0), np.moveaxis(b, along[1], 0)
    return np.stack([x[i - 2] * y[i - 1] - x[i - 1] * y[i - 2] for i in range(3)], axis=along[2])


@composed(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    """Return the sum along a diagonal."""
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


@composed(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """Return a matrix times itself n times, by repeated squaring; of its inverse if n is negative."""
    n = operator.index(n)
    if n < 0:
        return matrix_power(np.linalg.inv(a), -n)
    power = None
    while n:
        if n % 2:
            power = a if power is None else power @ a
        a, n = a @ a if n > 1 else a, n // 2
    return np.zeros_like(a) + np.eye(a.shape[-1], dtype=a.dtype) if power is None else power


@composed(np.linalg.multi_dot)
def multi_dot(arrays: Any) -> Any:
    """Return the product of several matrices, from left to right; the first and the last may be vectors."""
    return functools.reduce(np.matmul, arrays)


# Inverses and determinants


def identity_like(a: Any) -> Any:
    """Return the identity matrix of the size of the rows of `a`."""
    return np.eye(a.shape[-2], dtype=a.dtype)


def inverse_transposed(a: Any) -> Any:
    """Return the transpose of the inverse."""
    return transposed(np.linalg.inv(a))


def column(b: Any, of_vectors: bool) -> Any:
    """Return a vector as a matrix of one column, a matrix as it is."""
    return b[..., None] if of_vectors else b


rule(np.linalg.inv, a=lambda g, out: -transposed(out) @ g @ transposed(out))


def solve_left(g: Any, a: Any, b_shape: tuple[int, ...], out: Any) -> Any:
    """Return the gradient of solve(a, b) with respect to a."""
    vectors = len(b_shape) == 1
    return -np.linalg.solve(transposed(a), column(g, vectors)) @ transposed(column(out, vectors))


def solve_right(g: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    """Return the gradient of solve(a, b) with respect to b."""
    back = np.linalg.solve(transposed(a), column(g, len(b_shape) == 1))
    return back[..., 0] if len(b_shape) == 1 else back


rule(
    np.linalg.solve,
    a=lambda g, a, b_shape, out: solve_left(g, a, b_shape, out),
    b=lambda g, a, b_shape: solve_right(g, a, b_shape),
)


# The gradient of the determinant are the cofactors, which a singular matrix has, though it has no inverse. Those of a
# diagonal matrix are the products of all elements but one, and their derivatives products of all but two.


def orientation(u: Any, vh: Any) -> Any:
    """Return the determinant of orthogonal u times that of v', which is 1 or -1."""
    return np.round(np.linalg.det(u) * np.linalg.det(vh))[..., None, None]


def minors_along(g: Any, a: Any) -> Any:
    """Return the gradient of the cofactors, and that of their derivative by its direction: a Hessian is symmetric."""
    return second_minors(g, a)


@differentiable(a=minors_along)
def cofactors(a: Any) -> Any:
    """Return the cofactors of matrices: the transposes of their adjugates."""
    u, s, vh = np.linalg.svd(a)
    others = np.where(np.eye(s.shape[-1], dtype=bool), 1, s[..., None, :])
    return orientation(u, vh) * (u * np.prod(others, axis=-1)[..., None, :]) @ vh


def second_minors_gradient(g: Any, direction: Any, a: Any) -> Any:
    """Return the gradient of `second_minors` with respect to matrices; they must have an inverse here."""
    back = inverse_transposed(a)

    def across(x: Any) -> Any:
        return back @ transposed(x) @ back

    def along(x: Any, y: Any = back) -> Any:
        return np.sum(x * y, axis=(-2, -1), keepdims=True)

    whole = back * (along(g) * along(direction) - along(g, across(direction)))
    apart = along(g) * across(direction) + along(direction) * across(g)
    twice = across(direction) @ transposed(g) @ back + across(g) @ transposed(direction) @ back
    return np.linalg.det(a)[..., None, None] * (whole - apart + twice)


@differentiable(direction=minors_along, a=second_minors_gradient)
def second_minors(direction: Any, a: Any) -> Any:
    """Return the derivative of the cofactors of matrices in a direction."""
    u, s, vh = np.linalg.svd(a)
    size = s.shape[-1]
    own = np.eye(size, dtype=bool)
    others = np.prod(np.where(own[:, None] | own, 1, s[..., None, None, :]), axis=-1) * ~own
    moved = transposed(u) @ direction @ transposed(vh)
    diagonal = (others @ np.diagonal(moved, axis1=-2, axis2=-1)[..., None]) * np.eye(size, dtype=s.dtype)
    return orientation(u, vh) * u @ (diagonal - others * transposed(moved)) @ vh


rule(np.linalg.det, a=lambda g, a: g[..., None, None] * cofactors(a))


@differentiable(a=lambda g, a: g[..., None, None] * inverse_transposed(a))
def log_abs_determinant(a: Any) -> Any:
    """Return the logarithm of the absolute determinant."""
    return np.linalg.slogdet(a)[1]


@composed(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """Return the sign and the logarithm of the absolute determinant."""
    return SlogdetResult(np.sign(determinant_sign(a)), log_abs_determinant(a))


def sign_of_determinant(a: Any) -> Any:
    """Return the sign of the determinant."""
    return np.linalg.slogdet(a)[0]


determinant_sign = no_gradient(sign_of_determinant)
SlogdetResult: Any = type(np.linalg.slogdet(np.eye(1)))


# NumPy's second names, with the arguments of the array API standard


@composed(np.linalg.matmul)
def linalg_matmul(x1: Any, x2: Any) -> Any:
    """Return np.matmul(x1, x2)."""
    return x1 @ x2


@composed(np.linalg.matrix_transpose)
def linalg_matrix_transpose(x: Any) -> Any:
    """Return np.matrix_transpose(x)."""
    return transposed(x)


@composed(np.linalg.diagonal)
def linalg_diagonal(x: Any, *, offset: int = 0) -> Any:
    """Return a diagonal of the last two axes."""
    return np.diagonal(x, offset, -2, -1)


@composed(np.linalg.trace)
def linalg_trace(x: Any, *, offset: int = 0, dtype: Any = None) -> Any:
    """Return the sum along a diagonal of the last two axes."""
    return np.trace(x, offset, -2, -1, dtype=dtype)


# Tensors as matrices


@composed(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """Return the inverse of an array as a map from its last axes to its first `ind`."""
    if ind <= 0:
        raise ValueError(f"np.linalg.tensorinv: ind must be above 0, found {ind}")
    shape = np.shape(a)
    back = np.linalg.inv(np.reshape(a, (-1, math.prod(shape[ind:]))))
    return np.reshape(back, (*shape[ind:], *shape[:ind]))


@composed(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """Return the x with tensordot(a, x) = b; `axes` of a are moved to its end first."""
    moved = axes_of(axes, np.ndim(a)) if axes is not None else ()
    a = np.transpose(a, (*[i for i in range(np.ndim(a)) if i not in moved], *moved))
    shape = np.shape(a)[np.ndim(b) :]
    rows = np.reshape(a, (-1, math.prod(shape)))
    return np.reshape(np.linalg.solve(rows, np.reshape(b, -1)), shape)


no_gradient(np.linalg.matrix_rank)
