"""The derivative rules of NumPy's own functions; importing a module registers its rules."""

from autodiff.rules import einsum, elementwise, indexing, linalg, reductions, shaping

__all__ = ["einsum", "elementwise", "indexing", "linalg", "reductions", "shaping"]
