"""Definitions of quantiles and medians, those that pass over NaN too: weighted sums of elements in their order."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.declarations import apply_without_gradient, composed
from autodiff.rules.reductions import Axis, Keepdims, kept_shape, last


def fractions_of(q: Any, scale: float, name: str) -> Any:
    """Return the quantiles, constants, as numbers from 0 to 1; they are given in units in which 1 is `scale`."""
    fractions = np.asarray(q, dtype=np.float64) / scale
    if fractions.size and not (fractions.min() >= 0 and fractions.max() <= 1):
        raise ValueError(f"{name}: quantiles must be in the range [0, {scale}]")
    return fractions


def positions_of(fractions: Any, length: int, method: str) -> Any:
    """Return the places of quantiles among so many elements: those of the quantiles of 0, 1, 2, and so on."""
    if method == "linear":
        return fractions * max(length - 1, 0)
    return np.quantile(np.arange(max(length, 1), dtype=np.float64), fractions, method=method)  # type: ignore[call-overload]


def positions_in_rows(fractions: Any, lengths: Any, method: str) -> Any:
    """Return the places of quantiles in rows of different lengths, along a new last axis."""
    if method == "linear":
        return np.maximum(lengths - 1, 0)[..., None] * fractions
    table = {length: positions_of(fractions, length, method) for length in np.unique(lengths).tolist()}
    positions = np.array([table[length] for length in lengths.reshape(-1).tolist()])
    return positions.reshape((*lengths.shape, fractions.size))


def interpolated(ordered: Any, positions: Any) -> Any:
    """Return what stands at fractional positions of ordered rows, for each row the same or its own, along the end."""
    below = np.floor(positions).astype(np.intp)
    above = np.ceil(positions).astype(np.intp)
    weights = np.where(above == below, 0.5, positions - below).astype(ordered.dtype)  # none is 0: 0 * inf is a NaN
    rows = (*ordered.shape[:-1], positions.shape[-1])
    low, high = (np.take_along_axis(ordered, np.broadcast_to(one, rows), axis=-1) for one in (below, above))
    return low * (1 - weights) + high * weights


def arranged(values: Any, fractions: Any, shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Any:
    """Return quantiles that lie along the last axis with the axes of the fractions in front, as NumPy has them."""
    values = np.moveaxis(values, -1, 0)
    return np.reshape(values, (*fractions.shape, *(kept_shape(shape, axis) if keepdims else values.shape[1:])))


def weighted(function: Callable[..., Any], a: Any, q: Any, axis: Axis, **options: Any) -> Any:
    """Return quantiles of elements that count as their weights: each is an element, whose number NumPy finds."""
    flat = np.reshape(a, -1)
    order = np.argsort(flat)
    numbers = np.where(np.isnan(flat), math.nan, np.argsort(order))  # they are ordered as the elements are
    found = apply_without_gradient(function, np.reshape(numbers.astype(np.float64), np.shape(a)), q, axis, **options)
    picked = flat[order[np.nan_to_num(found).astype(np.intp)]]
    return np.where(np.isnan(found), math.nan, picked)


@composed(np.quantile, weak=True)
def quantile(
    a: Any,
    q: Any,
    axis: Axis = None,
    *,
    method: str = "linear",
    keepdims: Keepdims = False,
    weights: Any = None,
    scale: float = 1,
) -> Any:
    """Return quantiles, by default by linear interpolation between the two nearest; q may be an array of constants.

    With weights, which are constants too, the method is "inverted_cdf".
    """
    fractions = fractions_of(q, scale, "np.quantile" if scale == 1 else "np.percentile")
    if weights is not None:
        return weighted(np.quantile, a, fractions, axis, method=method, keepdims=keepdims, weights=weights)
    rows = last(a, axis)
    positions = positions_of(fractions.reshape(-1), rows.shape[-1], method)
    values = interpolated(np.sort(rows, axis=-1), positions)
    lost = np.any(np.isnan(rows), axis=-1, keepdims=True)  # a NaN anywhere makes the result one
    return arranged(np.where(lost, math.nan, values), fractions, np.shape(a), axis, keepdims)


@composed(np.percentile, weak=True)
def percentile(
    a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: Keepdims = False, weights: Any = None
) -> Any:
    """Return quantiles given in percent."""
    return quantile(a, q, axis, method=method, keepdims=keepdims, weights=weights, scale=100)


@composed(np.median, weak=True)
def median(a: Any, axis: Axis = None, *, keepdims: Keepdims = False) -> Any:
    """Return the middle element, or the mean of the two in the middle."""
    return quantile(a, 0.5, axis, keepdims=keepdims)


@composed(np.nanquantile, weak=True)
def nanquantile(
    a: Any,
    q: Any,
    axis: Axis = None,
    *,
    method: str = "linear",
    keepdims: Keepdims = False,
    weights: Any = None,
    scale: float = 1,
) -> Any:
    """Return the quantiles of the elements that are numbers; NaN where there is none."""
    fractions = fractions_of(q, scale, "np.nanquantile" if scale == 1 else "np.nanpercentile")
    if weights is not None:
        return weighted(np.nanquantile, a, fractions, axis, method=method, keepdims=keepdims, weights=weights)
    rows = last(a, axis)
    numbers = np.sum(~np.isnan(rows), axis=-1)  # a constant, and so are the positions in each row
    positions = positions_in_rows(fractions.reshape(-1), numbers, method)
    values = interpolated(np.sort(rows, axis=-1), positions)  # NaN come last
    return arranged(values, fractions, np.shape(a), axis, keepdims)


@composed(np.nanpercentile, weak=True)
def nanpercentile(
    a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: Keepdims = False, weights: Any = None
) -> Any:
    """Return the quantiles, given in percent, of the elements that are numbers."""
    return nanquantile(a, q, axis, method=method, keepdims=keepdims, weights=weights, scale=100)


@composed(np.nanmedian, weak=True)
def nanmedian(a: Any, axis: Axis = None, *, keepdims: Keepdims = False) -> Any:
    """Return the median of the elements that are numbers."""
    return nanquantile(a, 0.5, axis, keepdims=keepdims)
