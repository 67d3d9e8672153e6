"""Losses, by default the mean over all samples; definitions and gradients are PyTorch's."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from autodiff.declarations import composed, differentiable
from autodiff.function import Function
from autodiff.functional.activations import by_rows, log_softmax, softmax, softplus, weighed
from autodiff.rules.elementwise import as_array, sigmoid

Reduction = Literal["mean", "sum", "none"]


def reduced(losses: Any, reduction: str, divisor: Any = None) -> Any:
    """Return the losses as they are, their sum, or their mean: the sum over `divisor`, by default their number."""
    if reduction == "none":
        return losses
    if reduction == "sum":
        return np.sum(losses)
    if reduction == "mean":
        return np.mean(losses) if divisor is None else np.sum(losses) / divisor
    raise ValueError(f"reduction must be 'mean', 'sum' or 'none', found {reduction!r}")


# Classification


@composed()
def cross_entropy(
    logits: Any,
    labels: Any,
    *,
    weights: Any = None,
    label_smoothing: float = 0.0,
    reduction: Reduction = "mean",
    ignore_index: int | None = None,
    axis: int | None = None,
) -> Any:
    """Return the cross-entropy between the labels and softmax(logits).

    logits: (samples, classes, ...), floating-point. labels: integers of shape (samples, ...), or probabilities of the
    logits' shape.
    axis: that of the classes, by default the second, as in PyTorch, or the only one; -1 for logits (..., classes).
    weights: (classes,), how much each class counts; the mean is then over the weights of the labels.
    label_smoothing: the share of every label that is spread evenly over all classes (Szegedy et al. 2016).
    ignore_index: a class number that stands for none: samples with it count nothing, and their loss is 0.
    Returns a scalar, or the losses of shape (samples, ...) with reduction "none".
    Raises ValueError for labels that do not fit the logits, in shape or in range.

    >>> F.cross_entropy(ad.Tensor([[0.0, 0.0], [0.0, 200.0]]), [0, 1])
    Tensor(0.3465736)
    """
    logits, labels = classes_last("cross_entropy", logits, labels, axis)
    if ignore_index is not None:
        others = partial(cross_entropy, weights=weights, label_smoothing=label_smoothing, axis=-1)
        return without_ignored(others, logits, labels, weights, reduction, ignore_index)
    if logits.dtype == np.float16:
        settings: Any = {"weights": weights, "label_smoothing": label_smoothing, "reduction": reduction, "axis": -1}
        return in_half(cross_entropy, logits, labels, **settings)
    if weights is None and not label_smoothing and reduction == "mean":
        return mean_cross_entropy(logits, labels)
    check_labels(logits, labels)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing must be from 0 to 1, found {label_smoothing}")
    if is_class_index(labels) and not label_smoothing:
        return nll(log_softmax(logits), labels, weights=weights, reduction=reduction, axis=-1)
    targets = as_probabilities(labels, logits)
    smooth = targets * (1 - label_smoothing) + label_smoothing / logits.shape[-1]
    divisor: Any = samples(logits)
    if weights is not None:
        class_weights = as_array(weights, logits.dtype)
        smooth = smooth * class_weights
        divisor = np.sum(targets * class_weights) if is_class_index(labels) else divisor
    return reduced(-np.sum(weighed(log_softmax(logits), smooth), axis=-1), reduction, divisor)


def in_half(loss: Callable[..., Any], x: Any, *arguments: Any, **settings: Any) -> Any:
    """Return a loss of half precision numbers, of which it counts and adds up more than they reach, in theirs."""
    return np.astype(loss(np.astype(x, np.float32), *arguments, **settings), np.float16)


def without_ignored(
    loss: Callable[..., Any], scores: Any, labels: Any, weights: Any, reduction: str, ignore_index: int
) -> Any:
    """Return a loss of class numbers, of the samples whose number is another than the one to ignore."""
    if not is_class_index(labels):
        raise ValueError("ignore_index is a class number, and the labels are probabilities; leave it away")
    numbers = np.asarray(labels) if isinstance(labels, list | tuple) else labels
    kept = np.not_equal(numbers, ignore_index)
    numbers = np.where(kept, numbers, 0)
    losses = np.where(kept, loss(scores, numbers, reduction="none"), 0)
    counted = kept if weights is None else np.where(kept, np.take(as_array(weights, scores.dtype), numbers), 0)
    return reduced(losses, reduction, np.sum(np.astype(counted, scores.dtype)))


def cross_entropy_logits(g: Any, logits: Any, labels: Any) -> Any:
    """Return the gradient of mean_cross_entropy with respect to the logits."""
    targets = as_probabilities(labels, logits)
    whole = np.sum(targets, axis=-1, keepdims=True)  # 1 for probabilities, but nobody is forced to give such
    return (g / samples(logits)) * (softmax(logits) * whole - targets)


def cross_entropy_labels(g: Any, logits: Any) -> Any:
    """Return the gradient of mean_cross_entropy with respect to labels that are probabilities."""
    return (-g / samples(logits)) * log_softmax(logits)


@differentiable(logits=cross_entropy_logits, labels=cross_entropy_labels)
def mean_cross_entropy(logits: Any, labels: Any) -> Any:
    """Return the mean cross-entropy; see `cross_entropy`."""
    check_labels(logits, labels)
    if is_class_index(labels):
        return -np.sum(picked(log_softmax(logits), labels)) / samples(logits)
    return -np.sum(weighed(log_softmax(logits), as_probabilities(labels, logits))) / samples(logits)


def fused_cross_entropy(logits: Any, labels: Any) -> tuple[Any, Any]:
    """Return the cross-entropy of class numbers, and what `fused_gradient` needs.

    One row a class: NumPy reduces the first of a few classes' axes many times faster than the last.
    """
    check_labels(logits, labels)
    rows = by_rows(logits).T.copy()
    chosen = class_positions((labels, np.arange(rows.shape[1]).reshape(logits.shape[:-1])), rows.shape)
    rows -= rows.max(axis=0)
    exponentials = np.exp(rows)
    totals = exponentials.sum(axis=0)
    loss = (np.log(totals).sum() - rows.reshape(-1)[chosen].sum()) / samples(logits)
    return loss, (exponentials, totals, chosen, logits.shape)


def fused_gradient(g: Any, kept: Any) -> Any:
    """Return the gradient of `fused_cross_entropy` with respect to the logits: (softmax - one-hot) / samples."""
    exponentials, totals, chosen, shape = kept
    rows = exponentials / totals
    rows.reshape(-1)[chosen] -= 1
    rows *= g / max(rows.shape[1], 1)
    return rows.T.reshape(shape)


mean_cross_entropy.fuse("logits", lambda logits, labels: is_class_index(labels), fused_cross_entropy, fused_gradient)


def samples(logits: NDArray[Any]) -> int:
    """Return the number of rows of logits, at least 1."""
    return max(math.prod(logits.shape[:-1]), 1)


def is_class_index(labels: Any) -> bool:
    """Return whether labels are class numbers rather than probabilities."""
    dtype: np.dtype[Any] = labels.dtype if hasattr(labels, "dtype") else np.asarray(labels).dtype
    return dtype.kind in "iu"


def is_class(labels: Any, classes: int) -> Any:
    """Return rows of booleans that are true at the class and false elsewhere."""
    return np.expand_dims(class_positions((labels,), (classes,)), -1) == np.arange(classes)


def one_hot_rows(labels: Any, classes: int, dtype: Any) -> Any:
    """Return class numbers as rows with a 1 at the class and zeros elsewhere."""
    return is_class(labels, classes).astype(dtype)


one_hot = Function(one_hot_rows, {}, accepts=["labels", "classes", "dtype"])


@differentiable(
    log_probabilities=lambda g, log_probabilities_shape, labels: np.where(
        is_class(labels, log_probabilities_shape[-1]), np.expand_dims(g, -1), 0
    )
)
def picked(log_probabilities: Any, labels: Any) -> Any:
    """Return the log-probability of each label: what the others are does not matter, be they -inf."""
    numbers = class_positions((labels,), log_probabilities.shape[-1:])
    return np.take_along_axis(log_probabilities, np.expand_dims(numbers, -1), axis=-1)[..., 0]


def as_probabilities(labels: Any, logits: Any) -> Any:
    """Return class numbers as one-hot rows, and probabilities, in the dtype of the logits."""
    if is_class_index(labels):
        return one_hot(labels, logits.shape[-1], logits.dtype)
    return np.astype(as_array(labels, logits.dtype), logits.dtype, copy=False)


def classes_last(name: str, scores: Any, labels: Any, axis: int | None) -> tuple[Any, Any]:
    """Return scores with the axis of the classes as the last one, and labels that go with them.

    Raises ValueError for class numbers of a shape that does not go with the other axes of the scores.
    """
    if axis == -1 or (axis is None and scores.ndim < 3):
        return scores, labels
    where = 1 if axis is None else axis
    if where == scores.ndim - 1:
        return scores, labels
    if not is_class_index(labels):
        labels = as_array(labels, scores.dtype)
        if labels.shape != scores.shape:
            return scores, labels  # which will be refused
        return np.moveaxis(scores, where, -1), np.moveaxis(labels, where, -1)
    if np.shape(labels) != (wanted := scores.shape[:where] + scores.shape[where + 1 :]):
        hint = "; classes on the last axis need axis=-1" if np.shape(labels) == scores.shape[:-1] else ""
        raise ValueError(
            f"{name}: scores of shape {scores.shape} with classes on axis {where} need class numbers of shape "
            f"{wanted}, found {np.shape(labels)}{hint}"
        )
    return np.moveaxis(scores, where, -1), labels


def check_labels(logits: Any, labels: Any) -> None:
    """Raise ValueError unless the labels have the shape that their kind needs."""
    shape, wanted = np.shape(labels), logits.shape
    if not is_class_index(labels):
        if shape != wanted:
            raise ValueError(
                f"cross_entropy: labels of dtype {np.asarray(labels).dtype} are probabilities and need the "
                f"logits' shape {wanted}, found {shape}; class numbers need an integer dtype, labels.astype(np.int64)"
            )
        return
    if shape != wanted[:-1]:
        raise ValueError(
            f"cross_entropy: logits of shape {wanted} need class numbers of shape {wanted[:-1]}, found {shape}"
        )


def class_positions(index: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Return the positions, in the flattened array, of an index whose first part are class numbers.

    Raises ValueError for a number that is no class.
    """
    try:
        return np.ravel_multi_index(index, shape)
    except ValueError:
        labels, classes = index[0], shape[0]
        raise ValueError(
            f"cross_entropy: {classes} classes need labels from 0 to {classes - 1}, "
            f"found {np.min(labels)} to {np.max(labels)}"
        ) from None


@composed()
def nll(
    log_probabilities: Any,
    labels: Any,
    *,
    weights: Any = None,
    reduction: Reduction = "mean",
    ignore_index: int | None = None,
    axis: int | None = None,
) -> Any:
    """Return the negative log-likelihood of class numbers.

    log_probabilities: (samples, classes, ...), as from log_softmax. labels: integers of shape (samples, ...).
    weights: (classes,). ignore_index: a class number that stands for none. axis: that of the classes. Both are as in
    `cross_entropy`.

    >>> F.nll(np.log(ad.Tensor([[0.5, 0.5], [0.75, 0.25]])), [0, 1])
    Tensor(1.0397208)
    """
    log_probabilities, labels = classes_last("nll", log_probabilities, labels, axis)
    if ignore_index is not None:
        others = partial(nll, weights=weights, axis=-1)
        return without_ignored(others, log_probabilities, labels, weights, reduction, ignore_index)
    if not is_class_index(labels):
        raise ValueError("nll: labels must be class numbers of an integer dtype; cross_entropy takes probabilities")
    check_labels(log_probabilities, labels)
    if log_probabilities.dtype == np.float16:
        return in_half(nll, log_probabilities, labels, weights=weights, reduction=reduction, axis=-1)
    losses = -picked(log_probabilities, labels)
    if weights is None:
        return reduced(losses, reduction, samples(log_probabilities))
    classes = np.broadcast_to(as_array(weights, losses.dtype), log_probabilities.shape)
    counted = picked(classes, labels)
    return reduced(weighed(losses, counted), reduction, np.sum(counted))


def likelihood_gradient(g: Any, probabilities: Any, labels: Any) -> Any:
    """Return the gradient of the binary cross-entropy by the probabilities, large but finite at 0 and 1."""
    return g * (probabilities - labels) / np.maximum(probabilities * (1 - probabilities), 1e-12)


@differentiable(
    probabilities=likelihood_gradient,
    labels=lambda g, probabilities: g * (log_at_least(-probabilities, np.log1p) - log_at_least(probabilities)),
)
def binary_losses(probabilities: Any, labels: Any) -> Any:
    """Return the binary cross-entropy, elementwise; no logarithm falls below -100."""
    return -(labels * log_at_least(probabilities) + (1 - labels) * log_at_least(-probabilities, np.log1p))


def log_at_least(x: Any, log: Any = np.log) -> Any:
    """Return log(x), or -100 where that is lower."""
    with np.errstate(divide="ignore"):
        return np.maximum(log(x), -100)


@composed()
def binary_cross_entropy(probabilities: Any, labels: Any, *, reduction: Reduction = "mean") -> Any:
    """Return the cross-entropy of probabilities, as from a sigmoid, and labels from 0 to 1 of the same shape.

    >>> F.binary_cross_entropy(ad.Tensor([0.5, 0.5]), [0, 1])
    Tensor(0.6931472)
    """
    check_same_shape("binary_cross_entropy", probabilities, labels)
    return reduced(binary_losses(probabilities, as_array(labels, probabilities.dtype)), reduction)


@composed()
def binary_cross_entropy_with_logits(
    logits: Any, labels: Any, *, pos_weight: Any = None, reduction: Reduction = "mean"
) -> Any:
    """Return the cross-entropy of sigmoid(logits) and labels from 0 to 1, without overflow.

    pos_weight: how much more positive labels count, of a shape that broadcasts to that of the logits.

    >>> F.binary_cross_entropy_with_logits(ad.Tensor([0.0, 200.0]), [0, 1], reduction="sum")
    Tensor(0.6931472)
    """
    check_same_shape("binary_cross_entropy_with_logits", logits, labels)
    labels = as_array(labels, logits.dtype)
    if pos_weight is not None:
        positive = labels * as_array(pos_weight, logits.dtype)
        return reduced(weighed(softplus(logits), 1 - labels) + weighed(softplus(-logits), positive), reduction)
    return reduced(logit_losses(logits, labels), reduction)


@differentiable(
    logits=lambda g, logits, labels: g * (sigmoid(logits) - labels),
    labels=lambda g, logits: -g * logits,
)
def logit_losses(logits: Any, labels: Any) -> Any:
    """Return softplus(logits) - logits * labels, elementwise, without a difference of two large numbers."""
    wrong = weighed(np.absolute(logits), np.where(logits > 0, 1 - labels, labels))
    return wrong + np.log1p(np.exp(-np.absolute(logits)))


@composed()
def kl_div(
    log_probabilities: Any, targets: Any, *, reduction: Literal["mean", "batchmean", "sum", "none"] = "mean"
) -> Any:
    """Return targets * (log(targets) - log_probabilities), 0 where a target is 0 (Kullback & Leibler 1951).

    reduction: "batchmean", the sum over the length of the first axis, is the divergence as it is defined.

    >>> F.kl_div(np.log(ad.Tensor([0.5, 0.5])), [1.0, 0.0], reduction="sum")
    Tensor(0.6931472)
    """
    check_same_shape("kl_div", log_probabilities, targets)
    targets = as_array(targets, log_probabilities.dtype)
    positive = np.where(targets > 0, targets, 1)
    losses = weighed(np.log(positive) - log_probabilities, targets)
    if reduction == "batchmean":
        return np.sum(losses) / max(len(losses), 1)
    return reduced(losses, reduction)


# Regression


@composed()
def mse(predictions: Any, targets: Any, *, reduction: Reduction = "mean") -> Any:
    """Return the squared differences; both of the same shape.

    >>> F.mse(ad.Tensor([1.0, 3.0]), [0.0, 1.0])
    Tensor(2.5)
    """
    check_same_shape("mse", predictions, targets)
    return reduced(np.square(predictions - targets), reduction)


@composed()
def l1(predictions: Any, targets: Any, *, reduction: Reduction = "mean") -> Any:
    """Return the absolute differences; both of the same shape.

    >>> F.l1(ad.Tensor([1.0, 3.0]), [0.0, 1.0])
    Tensor(1.5)
    """
    check_same_shape("l1", predictions, targets)
    return reduced(np.absolute(predictions - targets), reduction)


@composed()
def huber(predictions: Any, targets: Any, *, delta: float = 1.0, reduction: Reduction = "mean") -> Any:
    """Return half the squared differences up to `delta`, and from there on a straight line (Huber 1964).

    >>> F.huber(ad.Tensor([0.5, 3.0]), [0.0, 0.0], reduction="none")
    Tensor([0.125, 2.5  ])
    """
    check_same_shape("huber", predictions, targets)
    if not delta > 0:
        raise ValueError(f"huber: delta must be above 0, found {delta}")
    size = np.absolute(predictions - targets)
    near = np.minimum(size, delta)
    return reduced(near * (size - near / 2), reduction)


@composed()
def smooth_l1(predictions: Any, targets: Any, *, beta: float = 1.0, reduction: Reduction = "mean") -> Any:
    """Return the absolute differences, less beta / 2, and below beta a parabola that meets them (Girshick 2015).

    >>> F.smooth_l1(ad.Tensor([0.25, 3.0]), [0.0, 0.0], beta=0.5, reduction="none")
    Tensor([0.0625, 2.75  ])
    """
    check_same_shape("smooth_l1", predictions, targets)
    if not beta >= 0:
        raise ValueError(f"smooth_l1: beta must be 0 or more, found {beta}")
    if beta == 0:
        return l1(predictions, targets, reduction=reduction)
    size = np.absolute(predictions - targets)
    near = np.minimum(size, beta)
    return reduced(near * (size - near / 2) / beta, reduction)


def check_same_shape(name: str, left: Any, right: Any) -> None:
    """Raise ValueError unless both have the same shape: broadcasting in a loss is nearly always a mistake."""
    if np.shape(left) != np.shape(right):
        raise ValueError(f"{name}: both arguments need the same shape, found {np.shape(left)} and {np.shape(right)}")
