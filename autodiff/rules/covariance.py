"""Definitions of the covariance and the correlation of variables."""

from typing import Any

import numpy as np

from autodiff.declarations import composed
from autodiff.rules.elementwise import as_array


def in_rows(variables: Any, rowvar: bool, dtype: Any) -> Any:
    """Return observations with one variable a row."""
    matrix = np.atleast_2d(np.astype(as_array(variables, dtype), dtype))
    return matrix if rowvar or np.ndim(variables) < 2 else matrix.T


@composed(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """Return the covariance matrix of variables, by default one a row, in float64 at least, as NumPy does."""
    dtype = np.result_type(m, *([] if y is None else [y]), np.float64) if dtype is None else np.dtype(dtype)
    matrix = in_rows(m, rowvar, dtype)
    if y is not None:
        matrix = np.concatenate([matrix, in_rows(y, rowvar, dtype)], axis=0)
    ddof = (0 if bias else 1) if ddof is None else ddof
    weights = [np.astype(as_array(one, dtype), dtype) for one in (fweights, aweights) if one is not None]
    if not weights:
        deviations = matrix - np.mean(matrix, axis=1, keepdims=True)
        product, freedom = deviations @ deviations.T, max(matrix.shape[1] - ddof, 0)
    else:
        weight = weights[0] if len(weights) == 1 else weights[0] * weights[1]
        total = np.sum(weight)
        deviations = matrix - np.sum(matrix * weight, axis=1, keepdims=True) / total
        product = deviations @ (deviations * weight).T
        freedom = total - ddof * (1 if aweights is None else np.sum(weight * weights[-1]) / total)
    return np.squeeze(product / freedom)


@composed(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """Return the matrix of Pearson's correlation coefficients."""
    covariance = cov(x, y, rowvar, dtype=dtype)
    if np.ndim(covariance) == 0:
        return covariance / covariance
    deviations = np.sqrt(np.diagonal(covariance))
    return np.clip(covariance / deviations[:, None] / deviations, -1, 1)
