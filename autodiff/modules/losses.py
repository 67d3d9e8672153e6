"""Losses as modules."""

from typing import Any

from autodiff import functional
from autodiff.modules.module import Module


class CrossEntropyLoss(Module):
    """The mean cross-entropy of logits and labels; see `functional.cross_entropy`.

    >>> ad.CrossEntropyLoss()(ad.Tensor([[0.0, 0.0]]), [1])
    Tensor(0.6931472)
    """

    def forward(self, logits: Any, labels: Any) -> Any:
        """Return `functional.cross_entropy(logits, labels)`."""
        return functional.cross_entropy(logits, labels)
