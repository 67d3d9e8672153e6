"""The derivative rules of NumPy's own functions; importing a module registers its rules."""

from autodiff.rules import elementwise, indexing, linalg, reductions, shaping

__all__ = ["elementwise", "indexing", "linalg", "reductions", "shaping"]
