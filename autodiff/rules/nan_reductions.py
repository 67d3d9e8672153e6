"""Definitions of the reductions that pass over NaN."""

from typing import Any

import numpy as np

from autodiff.declarations import composed
from autodiff.rules.reductions import ABSENT, Axis, Keepdims, given, reduced_shape, root


def counted(a: Any, where: Any) -> Any:
    """Return which elements are numbers, and chosen."""
    return ~np.isnan(a) if where is ABSENT else ~np.isnan(a) & where


@composed(np.nansum)
def nansum(a: Any, axis: Axis = None, dtype: Any = None, **keywords: Any) -> Any:
    """Return the sum of the elements that are numbers."""
    return np.sum(np.where(np.isnan(a), 0, a), axis=axis, dtype=dtype, **keywords)


@composed(np.nanprod)
def nanprod(a: Any, axis: Axis = None, dtype: Any = None, **keywords: Any) -> Any:
    """Return the product of the elements that are numbers."""
    return np.prod(np.where(np.isnan(a), 1, a), axis=axis, dtype=dtype, **keywords)


@composed(np.nancumsum)
def nancumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Return the running sum of the elements that are numbers."""
    return np.cumsum(np.where(np.isnan(a), 0, a), axis=axis, dtype=dtype)


@composed(np.nancumprod)
def nancumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Return the running product of the elements that are numbers."""
    return np.cumprod(np.where(np.isnan(a), 1, a), axis=axis, dtype=dtype)


@composed(np.nanmean)
def nanmean(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: Keepdims = False, where: Any = ABSENT) -> Any:
    """Return the mean of the elements that are numbers."""
    numbers = np.sum(counted(a, where), axis=axis, keepdims=keepdims)
    total = np.nansum(a, axis=axis, dtype=dtype, keepdims=keepdims, **given({"where": where}))
    return np.astype(total / numbers, total.dtype)


@composed(np.nanvar)
def nanvar(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: Keepdims = False,
    where: Any = ABSENT,
    mean: Any = ABSENT,
    correction: Any = ABSENT,
) -> Any:
    """Return the variance of the elements that are numbers, from their mean, which may be given, with its axes kept."""
    a, kept = a if dtype is None else np.astype(a, dtype), counted(a, where)
    numbers = np.sum(kept, axis=axis, keepdims=True)
    freedom = numbers - (ddof if correction is ABSENT else correction)
    if mean is ABSENT:
        mean = nanmean(a, axis, keepdims=True, where=where)
    squares = np.sum(np.square(np.where(kept, a - mean, 0)), axis=axis, keepdims=True)
    found = np.astype(squares / freedom, squares.dtype)
    return found if keepdims else np.reshape(found, reduced_shape(np.shape(a), axis))


@composed(np.nanstd)
def nanstd(a: Any, axis: Axis = None, dtype: Any = None, **keywords: Any) -> Any:
    """Return the standard deviation of the elements that are numbers."""
    return root(nanvar(a, axis, dtype, **keywords))
