"""Tables of vectors."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import autodiff.functional as functional
from autodiff.arrays import DEFAULT_FLOAT
from autodiff.functional.activations import check_generator
from autodiff.modules.checks import check_size
from autodiff.modules.module import Module, Parameter


class Embedding(Module):
    """A vector for each of num_embeddings things, by their numbers: weight[indices].

    weight has shape (num_embeddings, embedding_dim) and starts with normal numbers of variance 1, which `rng` draws;
    without it they are other ones in every run.
    padding_idx: the number that stands for padding: its vector starts at 0, and gets no gradient.
    Raises ValueError for a number that is none of the things', and TypeError for indices that are no integers.

    >>> embedding = ad.Embedding(10, 3, padding_idx=0)
    >>> embedding([[1, 2], [4, 0]]).shape, embedding([0])
    ((2, 2, 3), Tensor([[0., 0., 0.]], from=embedding))
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        rng: np.random.Generator | None = None,
        dtype: DTypeLike = DEFAULT_FLOAT,
    ) -> None:
        self.num_embeddings = check_size("Embedding", "num_embeddings", num_embeddings)
        self.embedding_dim = check_size("Embedding", "embedding_dim", embedding_dim)
        rng = np.random.default_rng() if rng is None else rng
        check_generator("Embedding", rng, "normal")
        values = rng.normal(size=(num_embeddings, embedding_dim)).astype(dtype)
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ValueError(f"Embedding: padding_idx must be from 0 to {num_embeddings - 1}, found {padding_idx}")
            padding_idx %= num_embeddings
            values[padding_idx] = 0
        self.padding_idx = padding_idx
        self.weight = Parameter(values)

    def forward(self, indices: Any) -> Any:
        """Return the vectors (*indices.shape, embedding_dim) of indices from 0 to below num_embeddings."""
        return functional.embedding(indices, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """Return the sizes."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
