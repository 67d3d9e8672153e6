"""Losses as modules: each has the name, the settings and the definition of PyTorch's."""

from typing import Any, Literal

import autodiff.functional as functional
from autodiff.functional.losses import Reduction
from autodiff.modules.module import Buffer, Module


class Loss(Module):
    """What all losses have: how those of the samples become one number."""

    def __init__(self, reduction: Reduction = "mean") -> None:
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"{type(self).__name__}: reduction must be 'mean', 'sum' or 'none', found {reduction!r}")
        self.reduction: Reduction = reduction


def as_buffer(weights: Any) -> Buffer | None:
    """Return weights as a buffer, which is saved with a loss as PyTorch does."""
    return None if weights is None else Buffer(weights)


# Classification


class CrossEntropyLoss(Loss):
    """The cross-entropy of logits (samples, classes, ...) and labels; see `functional.cross_entropy`.

    weight: (classes,), how much each class counts. ignore_index: a class number that stands for none. axis: that of
    the classes, if not the second.

    >>> ad.CrossEntropyLoss()(ad.Tensor([[0.0, 0.0]]), [1])
    Tensor(0.6931472)
    """

    def __init__(
        self,
        weight: Any = None,
        *,
        ignore_index: int | None = None,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
        axis: int | None = None,
    ) -> None:
        super().__init__(reduction)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"CrossEntropyLoss: label_smoothing must be from 0 to 1, found {label_smoothing}")
        self.weight = as_buffer(weight)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        self.axis = axis

    def forward(self, logits: Any, labels: Any) -> Any:
        """Return `functional.cross_entropy(logits, labels)`."""
        return functional.cross_entropy(
            logits,
            labels,
            weights=self.weight,
            label_smoothing=self.label_smoothing,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            axis=self.axis,
        )


class NLLLoss(Loss):
    """The negative log-likelihood of log-probabilities (samples, classes, ...) and labels; see `functional.nll`.

    weight: (classes,), how much each class counts. ignore_index: a class number that stands for none. axis: that of
    the classes, if not the second.

    >>> ad.NLLLoss()(ad.LogSoftmax()(ad.Tensor([[0.0, 0.0]])), [1])
    Tensor(0.6931472)
    """

    def __init__(
        self,
        weight: Any = None,
        *,
        ignore_index: int | None = None,
        reduction: Reduction = "mean",
        axis: int | None = None,
    ) -> None:
        super().__init__(reduction)
        self.weight = as_buffer(weight)
        self.ignore_index = ignore_index
        self.axis = axis

    def forward(self, log_probabilities: Any, labels: Any) -> Any:
        """Return `functional.nll(log_probabilities, labels)`."""
        return functional.nll(
            log_probabilities,
            labels,
            weights=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            axis=self.axis,
        )


class BCELoss(Loss):
    """The binary cross-entropy of probabilities and labels from 0 to 1; see `functional.binary_cross_entropy`.

    >>> ad.BCELoss()(ad.Tensor([0.5, 0.5]), [0, 1])
    Tensor(0.6931472)
    """

    def forward(self, probabilities: Any, labels: Any) -> Any:
        """Return `functional.binary_cross_entropy(probabilities, labels)`."""
        return functional.binary_cross_entropy(probabilities, labels, reduction=self.reduction)


class BCEWithLogitsLoss(Loss):
    """The binary cross-entropy of sigmoid(logits) and labels; see `functional.binary_cross_entropy_with_logits`.

    pos_weight: how much more positive labels count, of a shape that broadcasts to that of the logits.

    >>> ad.BCEWithLogitsLoss()(ad.Tensor([0.0, 0.0]), [0, 1])
    Tensor(0.6931472)
    """

    def __init__(self, *, reduction: Reduction = "mean", pos_weight: Any = None) -> None:
        super().__init__(reduction)
        self.pos_weight = as_buffer(pos_weight)

    def forward(self, logits: Any, labels: Any) -> Any:
        """Return `functional.binary_cross_entropy_with_logits(logits, labels)`."""
        return functional.binary_cross_entropy_with_logits(
            logits, labels, pos_weight=self.pos_weight, reduction=self.reduction
        )


class KLDivLoss(Module):
    """The Kullback-Leibler divergence of targets from log-probabilities; see `functional.kl_div`.

    reduction: "batchmean" is the divergence as it is defined; "mean" is over all elements.

    >>> ad.KLDivLoss(reduction="batchmean")(np.log(ad.Tensor([[0.5, 0.5]])), [[1.0, 0.0]])
    Tensor(0.6931472)
    """

    def __init__(self, reduction: Literal["mean", "batchmean", "sum", "none"] = "mean") -> None:
        if reduction not in ("mean", "batchmean", "sum", "none"):
            raise ValueError(f"KLDivLoss: reduction must be 'mean', 'batchmean', 'sum' or 'none', found {reduction!r}")
        self.reduction: Literal["mean", "batchmean", "sum", "none"] = reduction

    def forward(self, log_probabilities: Any, targets: Any) -> Any:
        """Return `functional.kl_div(log_probabilities, targets)`."""
        return functional.kl_div(log_probabilities, targets, reduction=self.reduction)


# Regression


class MSELoss(Loss):
    """The squared differences of predictions and targets; see `functional.mse`.

    >>> ad.MSELoss()(ad.Tensor([1.0, 3.0]), [0.0, 1.0])
    Tensor(2.5)
    """

    def forward(self, predictions: Any, targets: Any) -> Any:
        """Return `functional.mse(predictions, targets)`."""
        return functional.mse(predictions, targets, reduction=self.reduction)


class L1Loss(Loss):
    """The absolute differences of predictions and targets; see `functional.l1`.

    >>> ad.L1Loss()(ad.Tensor([1.0, 3.0]), [0.0, 1.0])
    Tensor(1.5)
    """

    def forward(self, predictions: Any, targets: Any) -> Any:
        """Return `functional.l1(predictions, targets)`."""
        return functional.l1(predictions, targets, reduction=self.reduction)


class SmoothL1Loss(Loss):
    """The absolute differences, rounded off below beta; see `functional.smooth_l1`.

    >>> ad.SmoothL1Loss(reduction="none")(ad.Tensor([0.5, 3.0]), [0.0, 0.0])
    Tensor([0.125, 2.5  ])
    """

    def __init__(self, *, reduction: Reduction = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        if not beta >= 0:
            raise ValueError(f"SmoothL1Loss: beta must be 0 or more, found {beta}")
        self.beta = beta

    def forward(self, predictions: Any, targets: Any) -> Any:
        """Return `functional.smooth_l1(predictions, targets)`."""
        return functional.smooth_l1(predictions, targets, beta=self.beta, reduction=self.reduction)


class HuberLoss(Loss):
    """Half the squared differences, and straight lines beyond delta; see `functional.huber`.

    >>> ad.HuberLoss(reduction="none")(ad.Tensor([0.5, 3.0]), [0.0, 0.0])
    Tensor([0.125, 2.5  ])
    """

    def __init__(self, reduction: Reduction = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        if not delta > 0:
            raise ValueError(f"HuberLoss: delta must be above 0, found {delta}")
        self.delta = delta

    def forward(self, predictions: Any, targets: Any) -> Any:
        """Return `functional.huber(predictions, targets)`."""
        return functional.huber(predictions, targets, delta=self.delta, reduction=self.reduction)
