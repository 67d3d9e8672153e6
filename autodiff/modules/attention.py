"""Attention layers: names, shapes, definitions and initial values are PyTorch's, so that models load there."""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import autodiff.functional as functional
from autodiff.arrays import DEFAULT_FLOAT
from autodiff.functional.attention import attention_weights
from autodiff.modules.checks import check_size
from autodiff.modules.initialisation import Uniform
from autodiff.modules.linear import Linear, affine
from autodiff.modules.module import Module, Parameter


class MultiheadAttention(Module):
    """Attention in several heads at once, each to a part of the features (Vaswani et al. 2017).

    in_proj_weight: (3 * embed_dim, embed_dim), of queries, keys and values, with in_proj_bias; out_proj: a Linear. The
    weights start even, the biases at 0. dropout: the probability of a weight of attention to be dropped in training.
    rng: draws both; without it they are other ones in every run.

    >>> layer = ad.MultiheadAttention(8, 2, batch_first=True, rng=np.random.default_rng(0))
    >>> x = np.ones((5, 3, 8), np.float32)
    >>> output, weights = layer(x, x, x)
    >>> output.shape, weights.shape
    ((5, 3, 8), (5, 3, 3))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        *,
        dropout: float = 0.0,
        bias: bool = True,
        batch_first: bool = False,
        rng: np.random.Generator | None = None,
        dtype: DTypeLike = DEFAULT_FLOAT,
    ) -> None:
        self.embed_dim = check_size("MultiheadAttention", "embed_dim", embed_dim)
        self.num_heads = check_size("MultiheadAttention", "num_heads", num_heads)
        self.batch_first = batch_first
        if embed_dim % num_heads:
            raise ValueError(
                f"MultiheadAttention: num_heads must divide embed_dim, found {num_heads} heads for {embed_dim} features"
            )
        start = Uniform("MultiheadAttention", rng, dtype)
        self.dropout, self.rng = dropout, start.rng
        self.in_proj_weight = start.draw(math.sqrt(6 / (4 * embed_dim)), 3 * embed_dim, embed_dim)
        self.in_proj_bias = Parameter(np.zeros(3 * embed_dim, dtype)) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, rng=start.rng, dtype=dtype)
        self.out_proj.weight = start.draw(1 / math.sqrt(embed_dim), embed_dim, embed_dim)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        """Return what is attended to, of the queries' shape, and the weights, (samples, queries, keys).

        query, key, value: (length, samples, embed_dim), with batch_first (samples, length, embed_dim), or without
        samples. key_padding_mask: (samples, keys). attn_mask: (queries, keys), or (samples * heads, queries, keys). Of
        both, booleans are true for what is NOT seen, and numbers are added. need_weights: if not, they are None.
        average_attn_weights: whether they are the mean over the heads, which otherwise have an axis. is_causal: whether
        a query sees no later key.
        """
        inputs = [query, key, value]
        alone = np.ndim(query) == 2
        if alone:
            inputs = [one[None] for one in inputs]
        elif not self.batch_first:
            inputs = [np.swapaxes(one, 0, 1) for one in inputs]
        heads = self.projected(inputs, query is key and key is value)
        mask = joined_mask(key_padding_mask, attn_mask, self.num_heads)
        weights = attention_weights(heads[0], heads[1], mask, is_causal, None)
        if self.dropout:
            weights = functional.dropout(weights, self.dropout, self.rng, self.training)
        joined = np.moveaxis(weights @ heads[2], 1, 2)
        output = self.out_proj(np.reshape(joined, (*joined.shape[:2], self.embed_dim)))
        shown = (np.mean(weights, axis=1) if average_attn_weights else weights) if need_weights else None
        if alone:
            return output[0], None if shown is None else shown[0]
        return output if self.batch_first else np.swapaxes(output, 0, 1), shown

    def projected(self, inputs: list[Any], to_itself: bool) -> list[Any]:
        """Return queries, keys and values, each of shape (samples, heads, length, features of a head)."""
        weight, bias = self.in_proj_weight, self.in_proj_bias
        if to_itself:
            parts = np.split(affine(inputs[0], weight, bias), 3, axis=-1)
        else:
            biases = [None] * 3 if bias is None else np.split(bias, 3)
            parts = [affine(*one) for one in zip(inputs, np.split(weight, 3), biases, strict=True)]
        return [np.swapaxes(np.reshape(part, (*part.shape[:2], self.num_heads, -1)), 1, 2) for part in parts]

    def extra_repr(self) -> str:
        """Return the sizes, and the settings that are not usual."""
        dropout = f", dropout={self.dropout}" if self.dropout else ""
        bias = "" if self.in_proj_bias is not None else ", bias=False"
        return f"{self.embed_dim}, {self.num_heads}{dropout}{bias}{', batch_first=True' if self.batch_first else ''}"


def joined_mask(padding: Any, hidden: Any, heads: int) -> Any:
    """Return both masks as `functional.scaled_dot_product_attention` takes one: true is what is seen.

    padding: (samples, keys) or (keys,). hidden: (queries, keys), or (samples * heads, queries, keys).
    """
    masks = []
    if padding is not None:
        masks.append(np.reshape(padding, (-1, 1, 1, np.shape(padding)[-1])))
    if hidden is not None:
        masks.append(hidden if np.ndim(hidden) == 2 else np.reshape(hidden, (-1, heads, *np.shape(hidden)[1:])))
    masks.sort(key=lambda mask: mask.dtype != bool)
    if not masks:
        return None
    if len(masks) == 1:
        return ~masks[0] if masks[0].dtype == bool else masks[0]
    first, second = masks
    if second.dtype == bool:
        return ~(first | second)
    return np.where(first, -math.inf, second) if first.dtype == bool else first + second
