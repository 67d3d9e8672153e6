"""Derivative rules of functions that reduce or accumulate along axes."""

import math
from typing import Any

import numpy as np

from autodiff.function import composed, differentiable, no_gradient, rule

Axis = int | tuple[int, ...] | None
Keepdims = Any  # a bool, which the types of NumPy 2.5 take as a literal True or False alone


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    """Return the axes reduced over, none of them negative."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(int(i) % ndim for i in (axis if isinstance(axis, tuple | list) else (axis,)))


def kept_shape(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """Return the shape that a reduction leaves with keepdims=True."""
    axes = axes_of(axis, len(shape))
    return tuple(1 if i in axes else length for i, length in enumerate(shape))


def reduced_shape(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """Return the shape that a reduction leaves without keepdims."""
    axes = axes_of(axis, len(shape))
    return tuple(length for i, length in enumerate(shape) if i not in axes)


def restore(reduced: Any, shape: tuple[int, ...], axis: Axis) -> Any:
    """Return what a reduction made of an array of that shape, with the reduced axes back as length 1."""
    return np.reshape(reduced, kept_shape(shape, axis))


def spread(g: Any, shape: tuple[int, ...], axis: Axis) -> Any:
    """Return the gradient of a sum: that of the result, at every element that was summed."""
    return np.broadcast_to(restore(g, shape, axis), shape)


def count(shape: tuple[int, ...], axis: Axis) -> int:
    """Return how many elements are reduced into one."""
    return math.prod(shape[i] for i in axes_of(axis, len(shape)))


def share(g: Any, a: Any, out: Any, axis: Axis) -> Any:
    """Return the gradient of an extremum, split evenly among the elements tied for it."""
    chosen = a == restore(out, a.shape, axis)
    ties = np.sum(chosen, axis=axis, keepdims=True).astype(g.dtype)
    return np.where(chosen, restore(g, a.shape, axis) / ties, 0)


# Sums and means

rule(np.sum, a=lambda g, a_shape, axis: spread(g, a_shape, axis), accepts=["keepdims"])
rule(np.mean, a=lambda g, a_shape, axis: spread(g, a_shape, axis) / count(a_shape, axis), accepts=["keepdims"])


@composed(np.average)
def average(
    a: Any, axis: Axis = None, weights: Any = None, returned: bool = False, *, keepdims: Keepdims = False
) -> Any:
    """Return the weighted mean; weights of one axis may be 1-d."""
    if weights is None:
        weights = np.ones(np.shape(a), a.dtype)
    elif np.ndim(weights) == 1 and np.ndim(a) != 1:
        if not isinstance(axis, int):
            raise TypeError("np.average: 1-d weights for an array of several axes need the axis they belong to")
        weights = np.reshape(weights, [-1 if i == axis % np.ndim(a) else 1 for i in range(np.ndim(a))])
    weights = np.broadcast_to(weights, np.shape(a))
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    mean = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (mean, total) if returned else mean


@composed(np.var)
def var(
    a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: Keepdims = False, correction: float | None = None
) -> Any:
    """Return the variance: the mean square of the deviations from the mean."""
    freedom = max(count(np.shape(a), axis) - (ddof if correction is None else correction), 0)
    deviation = a - np.mean(a, axis=axis, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sum(deviation * deviation, axis=axis, keepdims=keepdims) / freedom


@composed(np.std)
def std(
    a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: Keepdims = False, correction: float | None = None
) -> Any:
    """Return the standard deviation; its gradient is 0 where all elements are equal."""
    return root(var(a, axis, ddof=ddof, keepdims=keepdims, correction=correction))


@differentiable(x=lambda g, out: g * (out != 0) / (2 * out + (out == 0)))
def root(x: Any) -> Any:
    """Return the square root, with the gradient 0 at 0, as lengths and deviations have it."""
    return np.sqrt(x)


# Extrema

for extremum in (np.max, np.min, np.amax, np.amin, np.nanmax, np.nanmin):
    rule(extremum, a=lambda g, a, out, axis: share(g, a, out, axis), accepts=["keepdims"])


@composed(np.ptp)
def ptp(a: Any, axis: Axis = None, *, keepdims: Keepdims = False) -> Any:
    """Return the range, from the smallest to the largest."""
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


# Products. Halving needs no division, so that gradients of every order are exact where elements are 0.


def last(a: Any, axis: Axis) -> Any:
    """Return an array with the axes to reduce moved to the end, as one axis."""
    axes = axes_of(axis, np.ndim(a))
    kept = [i for i in range(np.ndim(a)) if i not in axes]
    return np.reshape(np.transpose(a, (*kept, *axes)), (*(a.shape[i] for i in kept), count(a.shape, axes)))


@composed(np.prod)
def prod(a: Any, axis: Axis = None, *, keepdims: Keepdims = False) -> Any:
    """Return the product, of pairs, of pairs of those, and so on."""
    factors = last(a, axis)
    if factors.shape[-1] == 0:
        factors = np.sum(factors, axis=-1, keepdims=True) + 1
    while factors.shape[-1] > 1:
        half = factors.shape[-1] // 2
        paired = factors[..., :half] * factors[..., half : 2 * half]
        factors = np.concatenate([paired, factors[..., 2 * half :]], axis=-1)
    return np.reshape(factors, kept_shape(a.shape, axis)) if keepdims else factors[..., 0]


@composed(np.cumprod)
def cumprod(a: Any, axis: int | None = None) -> Any:
    """Return the running product, each doubling of the distance taking in twice as many factors."""
    factors = np.copy(np.reshape(a, -1) if axis is None else np.moveaxis(a, axis, -1))
    distance = 1
    while distance < factors.shape[-1]:
        further = factors[..., distance:] * factors[..., :-distance]
        factors = np.concatenate([factors[..., :distance], further], axis=-1)
        distance *= 2
    return factors if axis is None else np.moveaxis(factors, -1, axis)


# Running sums and differences


def sum_from(g: Any, shape: tuple[int, ...], axis: int | None) -> Any:
    """Return the gradient of a running sum: the sum of g from each element to the end."""
    along = 0 if axis is None else axis
    return np.reshape(np.flip(np.cumsum(np.flip(g, along), along), along), shape)


rule(np.cumsum, a=lambda g, a_shape, axis: sum_from(g, a_shape, axis))


@composed(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Return the differences of neighbours, n times over."""
    ends = [value if value is None or np.ndim(value) else widen(value, a, axis) for value in (prepend, append)]
    parts = [part for part in (ends[0], a, ends[1]) if part is not None]
    moved = np.moveaxis(np.concatenate(parts, axis=axis) if len(parts) > 1 else a, axis, -1)
    for _ in range(n):
        moved = moved[..., 1:] - moved[..., :-1]
    return np.moveaxis(moved, -1, axis)


def widen(value: Any, a: Any, axis: int) -> Any:
    """Return a scalar as an array of a's shape with length 1 along the axis, in a's dtype."""
    return np.zeros_like(np.take(a, [0], axis=axis)) + value


@composed(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Return the differences of neighbours of the flattened array, between what is put before and after."""
    differences = np.diff(np.reshape(ary, -1))
    parts = [np.ravel(part) for part in (to_begin, differences, to_end) if part is not None]
    return np.concatenate([np.astype(part, differences.dtype) for part in parts])


@composed(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Return the integral by the trapezoidal rule."""
    heights = np.moveaxis(y, axis, -1)
    if x is not None:
        dx = np.diff(x if np.ndim(x) == 1 else np.moveaxis(x, axis, -1))
    return np.sum(dx * (heights[..., 1:] + heights[..., :-1]) / 2, axis=-1)


# Order statistics


@composed(np.quantile)
def quantile(a: Any, q: Any, axis: Axis = None, *, keepdims: Keepdims = False) -> Any:
    """Return quantiles by linear interpolation between the two nearest elements; q may be an array of constants."""
    fractions = np.asarray(q, dtype=np.float64)
    if fractions.size and not (fractions.min() >= 0 and fractions.max() <= 1):
        raise ValueError("np.quantile: quantiles must be in the range [0, 1]")
    ordered = np.sort(last(a, axis), axis=-1)
    positions = fractions * (ordered.shape[-1] - 1)
    below = np.floor(positions).astype(int)
    above = np.ceil(positions).astype(int)
    weights = np.where(above == below, 0.5, positions - below).astype(a.dtype)  # no weight is 0: 0 * inf is a NaN
    values = ordered[..., below] * (1 - weights) + ordered[..., above] * weights
    lost = np.any(np.isnan(last(a, axis)), axis=-1)  # a NaN anywhere makes the result one
    values = np.where(np.reshape(lost, (*lost.shape, *(1,) * fractions.ndim)), math.nan, values)
    values = np.moveaxis(values, range(-fractions.ndim, 0), range(fractions.ndim)) if fractions.ndim else values
    return np.reshape(values, (*fractions.shape, *kept_shape(a.shape, axis))) if keepdims else values


@composed(np.percentile)
def percentile(a: Any, q: Any, axis: Axis = None, *, keepdims: Keepdims = False) -> Any:
    """Return quantiles given in percent."""
    return quantile(a, np.asarray(q, dtype=np.float64) / 100, axis, keepdims=keepdims)


@composed(np.median)
def median(a: Any, axis: Axis = None, *, keepdims: Keepdims = False) -> Any:
    """Return the middle element, or the mean of the two in the middle."""
    return quantile(a, 0.5, axis, keepdims=keepdims)


# Reductions that pass over NaN


@composed(np.nansum)
def nansum(a: Any, axis: Axis = None, *, keepdims: Keepdims = False) -> Any:
    """Return the sum of the elements that are numbers."""
    return np.sum(np.where(np.isnan(a), 0, a), axis=axis, keepdims=keepdims)


@composed(np.nanmean)
def nanmean(a: Any, axis: Axis = None, *, keepdims: Keepdims = False) -> Any:
    """Return the mean of the elements that are numbers."""
    numbers = np.sum(~np.isnan(a), axis=axis, keepdims=keepdims).astype(a.dtype)
    return np.nansum(a, axis=axis, keepdims=keepdims) / numbers


@composed(np.nanvar)
def nanvar(a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: Keepdims = False) -> Any:
    """Return the variance of the elements that are numbers."""
    numbers = np.sum(~np.isnan(a), axis=axis, keepdims=True).astype(a.dtype)
    mean = np.nansum(a, axis=axis, keepdims=True) / numbers
    deviation = np.where(np.isnan(a), 0, a - mean)
    freedom = numbers - ddof if keepdims else np.reshape(numbers, reduced_shape(np.shape(a), axis)) - ddof
    return np.sum(np.square(deviation), axis=axis, keepdims=keepdims) / freedom


@composed(np.nanstd)
def nanstd(a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: Keepdims = False) -> Any:
    """Return the standard deviation of the elements that are numbers."""
    return root(np.nanvar(a, axis=axis, ddof=ddof, keepdims=keepdims))


@composed(np.nanprod)
def nanprod(a: Any, axis: Axis = None, *, keepdims: Keepdims = False) -> Any:
    """Return the product of the elements that are numbers."""
    return np.prod(np.where(np.isnan(a), 1, a), axis=axis, keepdims=keepdims)


# No gradient

no_gradient(np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition, np.lexsort)
no_gradient(np.any, np.all, np.count_nonzero, np.nonzero, np.flatnonzero, np.argwhere, np.searchsorted)
