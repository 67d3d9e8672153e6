"""Differentiable functions that NumPy lacks: activations and losses."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.function import differentiable


@differentiable(x=lambda g, out: g * (out > 0))
def relu(x: Any) -> Any:
    """Return max(x, 0), elementwise; the gradient at 0 is 0."""
    return np.maximum(x, 0)


@differentiable(x=lambda g, out: g * out * (1 - out))
def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)), elementwise."""
    with np.errstate(over="ignore"):  # exp(-x) may be inf, which gives 0, as it should
        return 1 / (1 + np.exp(-x))


def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent, elementwise."""
    return np.tanh(x)


@differentiable(x=lambda g, out, axis: out * (g - np.sum(g * out, axis=axis, keepdims=True)))
def softmax(x: Any, axis: int | tuple[int, ...] = -1) -> Any:
    """Return exp(x) / sum(exp(x)) along the axis: positive numbers that sum to 1."""
    exponentials = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return exponentials / np.sum(exponentials, axis=axis, keepdims=True)


@differentiable(x=lambda g, out, axis: g - np.exp(out) * np.sum(g, axis=axis, keepdims=True))
def log_softmax(x: Any, axis: int | tuple[int, ...] = -1) -> Any:
    """Return log(softmax(x)) along the axis, without overflow and without the loss of small probabilities."""
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


@differentiable(
    x=lambda g, weight: g @ weight,
    weight=lambda g, x: by_rows(g).T @ by_rows(x),
    bias=lambda g: g,
)
def linear(x: Any, weight: Any, bias: Any) -> Any:
    """Return x @ weight.T + bias.

    x: (..., in_features). weight: (out_features, in_features). bias: (out_features,). Returns (..., out_features).
    """
    return x @ weight.T + bias


def by_rows(x: Any) -> Any:
    """Return an array of rows, whatever the number of axes in front: (..., features) as (rows, features)."""
    return np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def cross_entropy_logits(g: Any, logits: Any, labels: Any) -> Any:
    """Return the gradient of cross_entropy with respect to the logits."""
    targets = as_probabilities(labels, logits)
    whole = np.sum(targets, axis=-1, keepdims=True)  # 1 for probabilities, but nobody is forced to give such
    return (g / samples(logits)) * (softmax(logits) * whole - targets)


def cross_entropy_labels(g: Any, logits: Any) -> Any:
    """Return the gradient of cross_entropy with respect to labels that are probabilities."""
    return (-g / samples(logits)) * log_softmax(logits)


@differentiable(logits=cross_entropy_logits, labels=cross_entropy_labels)
def cross_entropy(logits: Any, labels: Any) -> Any:
    """Return the mean cross-entropy between the labels and softmax(logits).

    logits: (..., classes), floating-point. labels: integers of shape (...), or probabilities of the logits' shape.
    Returns a scalar. Raises ValueError for labels that do not fit the logits, in shape or in range.
    """
    check_labels(logits, labels)
    return -np.sum(log_softmax(logits) * as_probabilities(labels, logits)) / samples(logits)


def fused_cross_entropy(logits: Any, labels: Any) -> tuple[Any, Any]:
    """Return the cross-entropy of class numbers, and what `fused_gradient` needs.

    One row a class: NumPy reduces the first of a few classes' axes many times faster than the last.
    """
    check_labels(logits, labels)
    rows = by_rows(logits).T.copy()
    chosen = (np.ravel(labels), np.arange(rows.shape[1]))
    rows -= np.max(rows, axis=0)
    exponentials = np.exp(rows)
    totals = np.sum(exponentials, axis=0)
    loss = (np.sum(np.log(totals)) - np.sum(rows[chosen])) / samples(logits)
    return loss, (exponentials, totals, chosen, logits.shape)


def fused_gradient(g: Any, kept: Any) -> Any:
    """Return the gradient of `fused_cross_entropy` with respect to the logits: (softmax - one-hot) / samples."""
    exponentials, totals, chosen, shape = kept
    rows = exponentials / totals
    rows[chosen] -= 1
    rows *= g / max(rows.shape[1], 1)
    return np.reshape(rows.T, shape)


cross_entropy.fuse("logits", lambda logits, labels: is_class_index(labels), fused_cross_entropy, fused_gradient)


def samples(logits: NDArray[Any]) -> int:
    """Return the number of rows of logits, at least 1."""
    return max(math.prod(logits.shape[:-1]), 1)


def is_class_index(labels: Any) -> bool:
    """Return whether labels are class numbers rather than probabilities."""
    dtype: np.dtype[Any] = labels.dtype if hasattr(labels, "dtype") else np.asarray(labels).dtype
    return dtype.kind in "iu"


def as_probabilities(labels: Any, logits: Any) -> Any:
    """Return class numbers as one-hot rows in the dtype of the logits, probabilities as they are."""
    return np.eye(logits.shape[-1], dtype=logits.dtype)[np.asarray(labels)] if is_class_index(labels) else labels


def check_labels(logits: Any, labels: Any) -> None:
    """Raise ValueError unless the labels fit the logits."""
    shape, wanted, classes = np.shape(labels), logits.shape, logits.shape[-1]
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
    lowest, highest = (np.min(labels), np.max(labels)) if np.size(labels) else (0, 0)
    if lowest < 0 or highest >= classes:
        raise ValueError(
            f"cross_entropy: {classes} classes need labels from 0 to {classes - 1}, found {lowest} to {highest}"
        )
