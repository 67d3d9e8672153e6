"""The derivative rules of NumPy's own functions; importing a module registers its rules."""

from autodiff.rules import (
    decompositions,
    einsum,
    elementwise,
    indexing,
    linalg,
    nan_reductions,
    norms,
    quantiles,
    reductions,
    shaping,
)

__all__ = [
    "decompositions",
    "einsum",
    "elementwise",
    "indexing",
    "linalg",
    "nan_reductions",
    "norms",
    "quantiles",
    "reductions",
    "shaping",
]
