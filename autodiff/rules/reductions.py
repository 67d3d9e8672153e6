"""Derivative rules of functions that reduce or accumulate along axes."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.declarations import composed, differentiable, no_gradient, rule
from autodiff.rules.elementwise import as_array, masked

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


ABSENT: Any = np._NoValue
"""What NumPy's signatures have for an argument that is not given."""


def given(keywords: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that are given."""
    return {name: value for name, value in keywords.items() if value is not ABSENT and value is not None}


def chosen_where(g: Any, where: Any) -> Any:
    """Return a gradient with zeros at the elements that a reduction left out."""
    return g if where is ABSENT or where is True else masked(g, where)


def number_of(shape: tuple[int, ...], axis: Axis, where: Any) -> Any:
    """Return how many elements are reduced into each one, with the reduced axes kept if they are chosen."""
    if where is ABSENT or where is True:
        return count(shape, axis)
    return np.sum(np.broadcast_to(where, shape), axis=axis, keepdims=True)


def share(g: Any, a: Any, out: Any, axis: Axis, initial: Any, where: Any) -> Any:
    """Return the gradient of an extremum, split evenly among the elements tied for it."""
    extreme = restore(out, a.shape, axis)
    chosen = a == extreme
    if where is not ABSENT:
        chosen = chosen & where
    ties = np.sum(chosen, axis=axis, keepdims=True)
    if initial is not ABSENT:
        ties = np.maximum(ties + (extreme == initial), 1)  # nothing but the initial value may be as large
    return np.where(chosen, (restore(g, a.shape, axis) / ties).astype(g.dtype), 0)


# Sums and means

rule(
    np.sum,
    a=lambda g, a_shape, axis, where: chosen_where(spread(g, a_shape, axis), where),
    accepts=["keepdims", "dtype", "initial"],
)
rule(
    np.mean,
    a=lambda g, a_shape, axis, where: mean_gradient(g, a_shape, axis, where),
    accepts=["keepdims", "dtype"],
)

HALF_PRECISION = 65_504
"""The largest number of half precision: more elements cannot be counted in it."""


def mean_gradient(g: Any, shape: tuple[int, ...], axis: Axis, where: Any) -> Any:
    """Return the gradient of a mean: an equal share for every element."""
    elements = number_of(shape, axis, where)
    if not isinstance(elements, int):
        return chosen_where(spread((restore(g, shape, axis) / elements).astype(g.dtype), shape, axis), where)
    return spread(g, shape, axis) * (1 / elements) if elements > HALF_PRECISION else spread(g, shape, axis) / elements


@composed(np.average)
def average(
    a: Any, axis: Axis = None, weights: Any = None, returned: bool = False, *, keepdims: Keepdims = False
) -> Any:
    """Return the weighted mean; weights have the shape of the array, or of the axes that are averaged over."""
    if weights is None:
        mean = np.mean(a, axis=axis, keepdims=keepdims)
        return (mean, np.full_like(mean, count(np.shape(a), axis))) if returned else mean
    weights = as_array(weights, a.dtype)
    dtype, shape = np.result_type(a, weights, *([] if a.dtype.kind == "f" else [np.float64])), np.shape(a)
    weights = np.astype(weights, dtype)
    if weights.shape != shape:
        if axis is None:
            raise TypeError("np.average: weights of another shape than the array need the axis they belong to")
        axes = axes_of(axis, len(shape))
        if weights.shape != tuple(shape[i] for i in axes):
            raise ValueError(
                f"np.average: weights need the shape of the array, {shape}, or that of the axes averaged over, "
                f"{tuple(shape[i] for i in axes)}; found {weights.shape}"
            )
        weights = np.reshape(np.transpose(weights, np.argsort(axes)), kept_out(shape, axes))
    weights = np.broadcast_to(weights, shape)
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    mean = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (mean, total) if returned else mean


def kept_out(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape with length 1 along all but some axes."""
    return tuple(length if i in axes else 1 for i, length in enumerate(shape))


@composed(np.var)
def var(
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
    """Return the variance: the mean square of the deviations from the mean, which may be given, with its axes kept."""
    a = a if dtype is None else np.astype(a, dtype)
    freedom = number_of(np.shape(a), axis, where) - (ddof if correction is ABSENT else correction)
    if mean is ABSENT:
        mean = np.mean(a, axis=axis, keepdims=True, **given({"where": where}))
    deviation = a - mean
    squares = np.sum(deviation * deviation, axis=axis, keepdims=True, **given({"where": where}))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.astype(squares / np.maximum(freedom, 0), squares.dtype)
    return found if keepdims else np.reshape(found, reduced_shape(np.shape(a), axis))


@composed(np.std)
def std(a: Any, axis: Axis = None, dtype: Any = None, **keywords: Any) -> Any:
    """Return the standard deviation; its gradient is 0 where all elements are equal."""
    return root(var(a, axis, dtype, **keywords))


@differentiable(x=lambda g, out: masked(g, out != 0) / (2 * out + (out == 0)))
def root(x: Any) -> Any:
    """Return the square root, with the gradient 0 at 0, as lengths and deviations have it."""
    return np.sqrt(x)


# Extrema

for extremum in (np.max, np.min, np.amax, np.amin, np.nanmax, np.nanmin):
    rule(
        extremum,
        a=lambda g, a, out, axis, initial, where: share(g, a, out, axis, initial, where),
        accepts=["keepdims"],
    )


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
def prod(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    keepdims: Keepdims = False,
    initial: Any = ABSENT,
    where: Any = ABSENT,
) -> Any:
    """Return the product, of pairs, of pairs of those, and so on."""
    a = a if dtype is None else np.astype(a, dtype)
    shape = np.shape(a)
    factors = last(a if where is ABSENT else np.where(where, a, 1), axis)
    if factors.shape[-1] == 0:
        factors = np.sum(factors, axis=-1, keepdims=True) + 1
    while factors.shape[-1] > 1:
        half = factors.shape[-1] // 2
        paired = factors[..., :half] * factors[..., half : 2 * half]
        factors = np.concatenate([paired, factors[..., 2 * half :]], axis=-1)
    product = np.reshape(factors, kept_shape(shape, axis)) if keepdims else factors[..., 0]
    return product if initial is ABSENT else product * initial


@composed(np.cumprod)
def cumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Return the running product, each doubling of the distance taking in twice as many factors."""
    a = a if dtype is None else np.astype(a, dtype)
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


rule(np.cumsum, a=lambda g, a_shape, axis: sum_from(g, a_shape, axis), accepts=["dtype"])


def cumulative(running: Callable[..., Any], start: int) -> Callable[..., Any]:
    """Return the array API's form of a running sum or product, which may begin with the value of no elements."""

    def definition(x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Any:
        if axis is None:
            if np.ndim(x) != 1:
                raise ValueError("np.cumulative_sum and np.cumulative_prod of several axes need the axis")
            axis = 0
        found = running(x, axis=axis, dtype=dtype)
        if not include_initial:
            return found
        beginning = np.full(kept_shape(np.shape(x), axis), start, found.dtype)
        return np.concatenate([beginning, found], axis=axis)

    return definition


composed(np.cumulative_sum)(cumulative(np.cumsum, 0))
composed(np.cumulative_prod)(cumulative(np.cumprod, 1))


@composed(np.diff, weak=True)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Return the differences of neighbours, n times over."""
    if n == 0:
        return a  # itself, as NumPy does
    if n < 0:
        raise ValueError(f"np.diff: n must be 0 or more, found {n}")
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


# No gradient

no_gradient(np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition, np.lexsort)
no_gradient(np.digitize, np.histogram, np.histogram_bin_edges, np.histogram2d, np.histogramdd)
no_gradient(np.any, np.all, np.count_nonzero, np.nonzero, np.flatnonzero, np.argwhere, np.searchsorted)
