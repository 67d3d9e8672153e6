"""Derivative rules of linear algebra. Stacks of matrices are broadcast like NumPy's; the engine undoes that.

The rules of decompositions are in Giles (2008), An extended collection of matrix derivative results, and Seeger et al.
(2017), Auto-differentiating linear algebra.
"""

import functools
import math
from typing import Any

import numpy as np

from autodiff.function import composed, differentiable, no_gradient, rule
from autodiff.rules.reductions import axes_of, root

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
def vecdot(a: Any, b: Any) -> Any:
    """Return the scalar products along the last axis."""
    return np.sum(a * b, axis=-1)


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
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return the sum along a diagonal."""
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1)


@composed(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """Return a matrix times itself n times, by repeated squaring; of its inverse if n is negative."""
    if n < 0:
        return matrix_power(np.linalg.inv(a), -n)
    power = np.zeros_like(a) + np.eye(a.shape[-1], dtype=a.dtype)
    while n:
        if n % 2:
            power = power @ a
        a, n = a @ a if n > 1 else a, n // 2
    return power


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
rule(np.linalg.det, a=lambda g, a, out: (g * out)[..., None, None] * inverse_transposed(a))


def pinv_gradient(g: Any, a: Any, out: Any) -> Any:
    """Return the gradient of the pseudo-inverse, for matrices whose rank stays (Golub & Pereyra 1973)."""
    rows = identity_like(a) - a @ out
    columns = identity_like(out) - out @ a
    outside = rows @ transposed(g) @ out @ transposed(out) + transposed(out) @ out @ transposed(g) @ columns
    return outside - transposed(out) @ g @ transposed(out)


rule(np.linalg.pinv, a=pinv_gradient, accepts=["rcond"])


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
EighResult: Any = type(np.linalg.eigh(np.eye(1)))
SVDResult: Any = type(np.linalg.svd(np.eye(1)))
QRResult: Any = type(np.linalg.qr(np.eye(1)))

# Decompositions. Where the factors are not unique (equal eigenvalues or singular values) gradients are infinite or NaN.


def cholesky_gradient(g: Any, out: Any) -> Any:
    """Return the gradient of the Cholesky factor L with respect to the symmetric matrix L L'."""
    inner = np.tril(transposed(out) @ g)
    inner = inner - inner * identity_like(out) / 2
    back = np.linalg.inv(out)
    whole = transposed(back) @ inner @ back
    return (whole + transposed(whole)) / 2


@differentiable(a=cholesky_gradient)
def cholesky_factor(a: Any) -> Any:
    """Return the Cholesky factor of a symmetric matrix."""
    return np.linalg.cholesky(a)


@composed(np.linalg.cholesky)
def cholesky(a: Any) -> Any:
    """Return the lower triangular L with L L' = a, a symmetric matrix given by its lower triangle."""
    return cholesky_factor(symmetric(a))


def gaps(values: Any) -> Any:
    """Return 1 / (v_j - v_i) off the diagonal, 0 on it."""
    identity = np.eye(values.shape[-1], dtype=values.dtype)
    return (1 - identity) / (values[..., None, :] - values[..., :, None] + identity)


def eigenvalues_gradient(g: Any, a: Any) -> Any:
    """Return the gradient of the eigenvalues: v diag(g) v'."""
    v = eigenvectors(a)
    return (v * g[..., None, :]) @ transposed(v)


@differentiable(a=eigenvalues_gradient)
def eigenvalues(a: Any) -> Any:
    """Return the eigenvalues of a symmetric matrix, the smallest first."""
    return np.linalg.eigh(a)[0]


@differentiable(
    a=lambda g, a, out: out @ (gaps(eigenvalues(a)) * (transposed(out) @ g)) @ transposed(out), accepts=["triangle"]
)
def eigenvectors(a: Any, triangle: Any = "L") -> Any:
    """Return the eigenvectors of a symmetric matrix, one a column, in the direction NumPy finds from a triangle."""
    return np.linalg.eigh(a, triangle)[1]


def symmetric(a: Any) -> Any:
    """Return a matrix made symmetric from its lower triangle, the part that NumPy reads."""
    return np.tril(a) + transposed(np.tril(a, -1))


@composed(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803 - NumPy's name
    """Return the eigenvalues and eigenvectors of a symmetric matrix, given by one triangle."""
    whole = symmetric(a if UPLO.upper() == "L" else transposed(a))
    return EighResult(eigenvalues(whole), eigenvectors(whole, UPLO))


@composed(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803 - NumPy's name
    """Return the eigenvalues of a symmetric matrix, given by one triangle."""
    return eigenvalues(symmetric(a if UPLO.upper() == "L" else transposed(a)))


def thin_svd(a: Any) -> Any:
    """Return the singular value decomposition with as many columns as there are singular values."""
    return left_vectors(a), singular_values(a), right_vectors(a)


def singular_values_gradient(g: Any, a: Any) -> Any:
    """Return the gradient of the singular values: u diag(g) v'."""
    u, _, vh = thin_svd(a)
    return (u * g[..., None, :]) @ vh


def left_vectors_gradient(g: Any, a: Any, out: Any) -> Any:
    """Return the gradient of the left singular vectors u."""
    _, s, vh = thin_svd(a)
    turned = transposed(out) @ g
    within = (turned - transposed(turned)) * gaps(s * s) * s[..., None, :]
    outside = g - out @ turned
    return (out @ within + outside / s[..., None, :]) @ vh


def right_vectors_gradient(g: Any, a: Any, out: Any) -> Any:
    """Return the gradient of the right singular vectors v'."""
    u, s, _ = thin_svd(a)
    turned = out @ transposed(g)
    within = (turned - transposed(turned)) * gaps(s * s) * s[..., :, None]
    outside = g - transposed(turned) @ out
    return u @ (within @ out + outside / s[..., :, None])


@differentiable(a=singular_values_gradient)
def singular_values(a: Any) -> Any:
    """Return the singular values, the largest first."""
    return np.linalg.svd(a, full_matrices=False)[1]


@differentiable(a=left_vectors_gradient)
def left_vectors(a: Any) -> Any:
    """Return the left singular vectors, one a column."""
    return np.linalg.svd(a, full_matrices=False)[0]


@differentiable(a=right_vectors_gradient)
def right_vectors(a: Any) -> Any:
    """Return the right singular vectors, one a row."""
    return np.linalg.svd(a, full_matrices=False)[2]


@composed(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Return the singular value decomposition."""
    if not compute_uv:
        return singular_values(a)
    if full_matrices and a.shape[-1] != a.shape[-2]:
        raise TypeError(
            "np.linalg.svd: the further vectors of full_matrices=True are not unique and have no gradient; "
            "use full_matrices=False"
        )
    return SVDResult(*thin_svd(a))


@composed(np.linalg.svdvals)
def svdvals(x: Any) -> Any:
    """Return the singular values, the largest first."""
    return singular_values(x)


def qr_gradient(g_q: Any, g_r: Any, q: Any, r: Any) -> Any:
    """Return the gradient of a QR decomposition with as many columns as r has rows; either of g_q and g_r may be 0."""
    inner = r @ transposed(g_r) - transposed(g_q) @ q
    mirrored = np.tril(inner) + transposed(np.tril(inner, -1))
    return (g_q + q @ mirrored) @ inverse_transposed(r)


def orthogonal_factor_gradient(g: Any, a: Any, out: Any) -> Any:
    """Return the gradient of q."""
    r = triangular_factor(a)
    return qr_gradient(g, 0 * r, out, r)


def triangular_factor_gradient(g: Any, a: Any, out: Any) -> Any:
    """Return the gradient of r."""
    q = orthogonal_factor(a)
    return qr_gradient(0 * q, g, q, out)


@differentiable(a=orthogonal_factor_gradient)
def orthogonal_factor(a: Any) -> Any:
    """Return q of a QR decomposition of a matrix at least as tall as wide."""
    return np.linalg.qr(a)[0]


@differentiable(a=triangular_factor_gradient)
def triangular_factor(a: Any) -> Any:
    """Return r of a QR decomposition of a matrix at least as tall as wide."""
    return np.linalg.qr(a)[1]


@composed(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """Return an orthogonal and a triangular factor."""
    if mode not in ("reduced", "r"):
        raise TypeError(f"np.linalg.qr: mode must be 'reduced' or 'r' on tensors, found {mode!r}")
    square = a[..., : min(a.shape[-2:])]
    q, r = orthogonal_factor(square), triangular_factor(square)
    if square.shape != a.shape:
        r = np.concatenate([r, transposed(q) @ a[..., a.shape[-2] :]], axis=-1)
    return r if mode == "r" else QRResult(q, r)


# Norms


@differentiable(
    x=lambda g, x, power, out: (
        g * np.sign(x) * ((np.absolute(x) + (x == 0)) / (out + (out == 0))) ** (power - 1) * (out != 0)
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
def linalg_trace(x: Any, *, offset: int = 0) -> Any:
    """Return the sum along a diagonal of the last two axes."""
    return np.trace(x, offset, -2, -1)


@composed(np.linalg.vector_norm)
def vector_norm(x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """Return the norm of vectors along an axis, or of all elements as one vector."""
    if axis is None:
        size = norm(np.reshape(x, -1), ord)
        return np.reshape(size, (1,) * np.ndim(x)) if keepdims else size
    return norm(x, ord, axis, keepdims)


@composed(np.linalg.matrix_norm)
def matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Return the norm of matrices in the last two axes."""
    return norm(x, ord, (-2, -1), keepdims)
