"""Dropout."""

from typing import Any

import numpy as np

import autodiff.functional as functional
from autodiff.functional.activations import check_generator
from autodiff.modules.module import Module


class Dropout(Module):
    """Sets elements to 0 at random while training, and scales up the others to keep the mean (Srivastava et al. 2014).

    p: the probability of an element to be dropped, from 0 to 1. rng: draws them, other ones at every call, in a
    captured step too; without it they differ from run to run. In evaluation, x is returned as it is.

    >>> dropout = ad.Dropout(0.5, rng=np.random.default_rng(0))
    >>> dropout(ad.Tensor([1.0, 1.0, 1.0, 1.0])), dropout.eval()(ad.Tensor([1.0, 1.0]))
    (Tensor([2., 0., 0., 0.]), Tensor([1., 1.]))
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p must be from 0 to 1, found {p}")
        self.p = p
        self.rng = np.random.default_rng() if rng is None else rng
        check_generator("Dropout", self.rng, "random")

    def forward(self, x: Any) -> Any:
        """Return `functional.dropout(x, p)` while training, and x in evaluation."""
        return functional.dropout(x, self.p, self.rng, self.training)

    def extra_repr(self) -> str:
        """Return the probability."""
        return f"p={self.p}"
