"""Attention (Vaswani et al. 2017); definitions and gradients are PyTorch's."""

import math
from typing import Any

import numpy as np

from autodiff.declarations import composed
from autodiff.functional.activations import softmax


@composed()
def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    is_causal: bool = False,
    scale: float | None = None,
) -> Any:
    """Return the means of the values, weighted by softmax(query @ key.T * scale + mask).

    query: (..., queries, features). key: (..., keys, features). value: (..., keys, out_features). attn_mask: of a shape
    that broadcasts to (..., queries, keys), booleans that are true for the keys which a query sees, or numbers that are
    added. is_causal: whether the i-th query sees the first i + 1 keys alone. scale: by default 1 / sqrt(features).
    Returns (..., queries, out_features), with zeros for a query that sees no key.

    >>> query, key, value = ad.Tensor([[0.0]]), ad.Tensor([[1.0], [2.0]]), ad.Tensor([[2.0], [4.0]])
    >>> F.scaled_dot_product_attention(query, key, value)
    Tensor([[3.]])
    """
    return attention_weights(query, key, attn_mask, is_causal, scale) @ value


def attention_weights(query: Any, key: Any, attn_mask: Any, is_causal: bool, scale: float | None) -> Any:
    """Return how much each query makes of each key, (..., queries, keys)."""
    check_features(np.shape(query), np.shape(key))
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = (query * scale) @ np.matrix_transpose(key)
    queries, keys = scores.shape[-2:]
    if is_causal:
        scores = scores + as_numbers(np.tri(queries, keys, dtype=bool), scores.dtype)
    if attn_mask is None:
        return softmax(scores)  # every query sees the first key
    scores = scores + as_numbers(attn_mask, scores.dtype)
    sees = np.max(scores, axis=-1, keepdims=True) > -math.inf
    return np.where(sees, softmax(np.where(sees, scores, 0)), 0)


def as_numbers(mask: Any, dtype: Any) -> Any:
    """Return a mask of booleans as numbers to add, one of numbers as it is."""
    return np.where(mask, 0, -math.inf).astype(dtype) if mask.dtype == bool else mask


def check_features(query: tuple[int, ...], key: tuple[int, ...]) -> None:
    """Raise ValueError unless queries and keys are vectors of one length."""
    if len(query) < 2 or len(key) < 2 or query[-1] != key[-1]:
        raise ValueError(
            "scaled_dot_product_attention takes queries (..., queries, features) and keys (..., keys, features), found "
            f"shapes {query} and {key}"
        )
