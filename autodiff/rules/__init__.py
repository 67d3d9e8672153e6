"""The derivative rules of NumPy's own functions; importing a module registers its rules."""

from autodiff.rules import (
    covariance,
    decompositions,
    einsum,
    elementwise,
    fourier,
    indexing,
    linalg,
    nan_reductions,
    norms,
    quantiles,
    reductions,
    sequences,
    shaping,
)

__all__ = [
    "covariance",
    "decompositions",
    "einsum",
    "elementwise",
    "fourier",
    "indexing",
    "linalg",
    "nan_reductions",
    "norms",
    "quantiles",
    "reductions",
    "sequences",
    "shaping",
]
