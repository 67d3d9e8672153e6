"""Derivative rules of matrix decompositions (Giles 2008; Seeger et al. 2017, Auto-differentiating linear algebra).

Where the factors are not unique (equal eigenvalues or singular values) gradients are infinite or NaN.
"""

from typing import Any

import numpy as np

from autodiff.declarations import apply_without_gradient, composed, differentiable
from autodiff.function import Function
from autodiff.rules.linalg import identity_like, inverse_transposed, transposed
from autodiff.rules.reductions import ABSENT

EighResult: Any = type(np.linalg.eigh(np.eye(1)))
SVDResult: Any = type(np.linalg.svd(np.eye(1)))
QRResult: Any = type(np.linalg.qr(np.eye(1)))


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
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """Return the lower triangular L with L L' = a, symmetric and given by its lower triangle; or L', by its upper."""
    return transposed(cholesky_factor(symmetric(transposed(a)))) if upper else cholesky_factor(symmetric(a))


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
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """Return the singular value decomposition; of hermitian matrices, given by their lower triangle, from that of eigh.

    The further vectors of full_matrices=True are not unique, and a gradient that flows into them is refused.
    """
    if hermitian:
        return svd_of_symmetric(a) if compute_uv else np.flip(np.sort(np.absolute(eigvalsh(a)), axis=-1), -1)
    if not compute_uv:
        return singular_values(a)
    u, s, vh = thin_svd(a)
    if full_matrices and a.shape[-2] > a.shape[-1]:
        u = np.concatenate([u, further_left_vectors(a)], axis=-1)
    if full_matrices and a.shape[-2] < a.shape[-1]:
        vh = np.concatenate([vh, further_right_vectors(a)], axis=-2)
    return SVDResult(u, s, vh)


def svd_of_symmetric(a: Any) -> Any:
    """Return the singular value decomposition of symmetric matrices: their eigenvalues without the signs."""
    values, vectors = eigh(a)
    order = np.flip(np.argsort(np.absolute(values), axis=-1), -1)
    values = np.take_along_axis(values, order, axis=-1)
    u = np.take_along_axis(vectors, order[..., None, :], axis=-1)
    return SVDResult(u, np.absolute(values), transposed(u * np.sign(values)[..., None, :]))


def no_gradient_into(g: Any, a: Any) -> Any:
    """Return zeros for a gradient of zeros, and refuse any other: the vectors that it flows into are not unique."""
    if np.any(g):
        raise TypeError(
            "np.linalg.svd: a gradient flows into the further vectors of full_matrices=True, which are not unique; "
            "use full_matrices=False"
        )
    return np.zeros_like(a)


further_left_vectors = Function(
    lambda a: np.linalg.svd(a)[0][..., a.shape[-1] :], {"a": lambda g, a: no_gradient_into(g, a)}
)
further_right_vectors = Function(
    lambda a: np.linalg.svd(a)[2][..., a.shape[-2] :, :], {"a": lambda g, a: no_gradient_into(g, a)}
)


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


# What follows from singular values


def pinv_gradient(g: Any, a: Any, out: Any) -> Any:
    """Return the gradient of the pseudo-inverse, for matrices whose rank stays (Golub & Pereyra 1973)."""
    rows = identity_like(a) - a @ out
    columns = identity_like(out) - out @ a
    outside = rows @ transposed(g) @ out @ transposed(out) + transposed(out) @ out @ transposed(g) @ columns
    return outside - transposed(out) @ g @ transposed(out)


@differentiable(a=pinv_gradient, accepts=["rcond"])
def pseudo_inverse(a: Any, rcond: Any = None) -> Any:
    """Return the pseudo-inverse; singular values up to rcond times the largest count as 0."""
    return np.linalg.pinv(a, rcond)


@composed(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = ABSENT) -> Any:
    """Return the pseudo-inverse; of hermitian matrices, by their lower triangle."""
    if rtol is None:
        rtol = max(a.shape[-2:]) * float(np.finfo(a.dtype).eps)
    return pseudo_inverse(symmetric(a) if hermitian else a, rcond if rtol is ABSENT else rtol)


@composed(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """Return the condition number: the largest singular value over the smallest, or the norms of x and its inverse."""
    if p in (None, 2, -2):
        values = singular_values(x)
        return values[..., 0] / values[..., -1] if p != -2 else values[..., -1] / values[..., 0]
    return np.linalg.norm(x, p, axis=(-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, axis=(-2, -1))


@composed(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """Return the solution of least squares and of least length, its residuals, the rank, and the singular values."""
    dtype = np.result_type(a, b, *[np.float64 for one in (a, b) if one.dtype.kind != "f"])
    a, b = np.astype(a, dtype), np.astype(b, dtype)
    _, residuals, rank, _ = apply_without_gradient(np.linalg.lstsq, a, b, rcond)
    epsilon = float(np.finfo(dtype).eps)
    smallest = epsilon * max(a.shape) if rcond is None else epsilon if rcond == -1 else rcond
    x = pseudo_inverse(a, smallest) @ b
    if np.size(residuals):
        residuals = np.reshape(np.sum(np.square(b - a @ x), axis=0), -1)
    return x, residuals, rank, singular_values(a)
