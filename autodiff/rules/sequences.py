"""Rules and definitions of functions of samples in a row: slopes, interpolation, convolution, polynomials, grids."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.declarations import composed, differentiable
from autodiff.rules.elementwise import as_array
from autodiff.rules.indexing import assigned
from autodiff.rules.reductions import axes_of

# Slopes between samples


@composed(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Return the slopes along each axis: central differences, and one-sided ones of the given order at the ends.

    varargs: the distance of samples, one for all axes or one an axis, each a number or the samples' places.
    """
    axes = axes_of(axis, np.ndim(f))
    spacings = list(varargs) or [1.0]
    if len(spacings) == 1 and np.ndim(spacings[0]) == 0:
        spacings *= len(axes)
    if len(spacings) != len(axes):
        raise TypeError(f"np.gradient: {len(axes)} axes need as many distances, found {len(spacings)}")
    if edge_order not in (1, 2):
        raise ValueError(f"np.gradient: edge_order must be 1 or 2, found {edge_order}")
    found = tuple(slopes_along(f, spacing, one, edge_order) for spacing, one in zip(spacings, axes, strict=True))
    return found[0] if len(found) == 1 else found


def slopes_along(f: Any, spacing: Any, axis: int, edge_order: int) -> Any:
    """Return the slopes along one axis (Fornberg 1988, for samples that are not evenly spaced)."""
    if np.shape(f)[axis] <= edge_order:
        raise ValueError(f"np.gradient: {np.shape(f)[axis]} samples along axis {axis}, {edge_order + 1} are needed")
    dtype = f.dtype if f.dtype.kind == "f" else np.dtype(np.float64)
    y = np.moveaxis(np.astype(f, dtype), axis, -1)
    spacing = np.astype(as_array(spacing, dtype), dtype)
    if np.ndim(spacing):
        steps = np.diff(spacing)
        before, after = steps[:-1], steps[1:]
        first, last = steps[:1], steps[-1:]
        ends = ((steps[:1], steps[1:2]), (steps[-2:-1], steps[-1:]))
    else:
        before = after = first = last = spacing
        ends = ((spacing, spacing), (spacing, spacing))
    middle = (
        -y[..., :-2] * (after / (before * (before + after)))
        + y[..., 1:-1] * ((after - before) / (before * after))
        + y[..., 2:] * (before / (after * (before + after)))
    )
    if edge_order == 1:
        start, end = (y[..., 1:2] - y[..., :1]) / first, (y[..., -1:] - y[..., -2:-1]) / last
    else:
        (h, k), (q, r) = ends
        start = (
            -y[..., :1] * ((2 * h + k) / (h * (h + k)))
            + y[..., 1:2] * ((h + k) / (h * k))
            - y[..., 2:3] * (h / (k * (h + k)))
        )
        end = (
            y[..., -3:-2] * (r / (q * (q + r)))
            - y[..., -2:-1] * ((q + r) / (q * r))
            + y[..., -1:] * ((2 * r + q) / (r * (q + r)))
        )
    return np.moveaxis(np.concatenate([start, middle, end], axis=-1), -1, axis)


# Interpolation


def at(values: Any, places: Any) -> Any:
    """Return the values, of one axis, at places of any shape; np.take does not see that places are a tensor."""
    return np.reshape(np.take_along_axis(values, np.reshape(places, -1), 0), np.shape(places))


@composed(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: float | None = None) -> Any:
    """Return the values at x of the line through points with rising xp, in float64, as NumPy does."""
    x, xp, fp = (np.astype(as_array(value, np.float64), np.float64) for value in (x, xp, fp))
    if period is not None:
        x, xp = np.remainder(x, abs(period)), np.remainder(xp, abs(period))
        order = np.argsort(xp)
        xp, fp = at(xp, order), at(fp, order)
        xp = np.concatenate([xp[-1:] - abs(period), xp, xp[:1] + abs(period)])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    places = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, max(len(xp) - 2, 0))
    following = np.minimum(places + 1, len(xp) - 1)
    start, height = at(xp, places), at(fp, places)
    width = at(xp, following) - start
    slope = (at(fp, following) - height) / np.where(width == 0, 1, width)
    inside = height + slope * (np.clip(x, xp[0], xp[-1]) - start)
    if period is not None:
        return inside
    inside = np.where(x < xp[0], fp[0] if left is None else left, inside)
    return np.where(x > xp[-1], fp[-1] if right is None else right, inside)


# Convolution


@differentiable(
    a=lambda g, v: np.correlate(g, v, "valid"),
    v=lambda g, a: np.correlate(g, a, "valid"),
)
def whole_convolution(a: Any, v: Any) -> Any:
    """Return the sums of products of two rows of numbers at every shift at which they overlap."""
    return np.convolve(a, v)


@composed(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """Return the sums of products of a and v at every shift, at those without a gap, or at as many as elements."""
    shorter, longer = sorted((len(a), len(v)))
    whole = whole_convolution(a, np.flip(v))
    starts = {"full": 0, "valid": shorter - 1, "same": (shorter - 1) // 2 if len(a) >= len(v) else shorter // 2}
    lengths = {"full": shorter + longer - 1, "valid": longer - shorter + 1, "same": longer}
    if mode not in starts:
        raise ValueError(f"mode must be 'full', 'same' or 'valid', found {mode!r}")
    return whole[starts[mode] : starts[mode] + lengths[mode]]


@composed(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """Return the convolution of two rows of numbers."""
    a, v = (a, v) if len(a) >= len(v) else (v, a)
    return correlate(a, np.flip(v), mode)


# Polynomials


@composed(np.polyval, weak=True)
def polyval(p: Any, x: Any) -> Any:
    """Return the polynomial with the coefficients p, the highest first, at x, by Horner's rule."""
    value = np.zeros_like(x) if hasattr(x, "dtype") else 0.0
    for i in range(len(p)):
        value = value * x + p[i]
    return value


@composed(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:  # noqa: N803 - NumPy's name
    """Return the powers of the elements, one a column."""
    columns, x = len(x) if N is None else N, np.astype(x, np.promote_types(x.dtype, int))
    powers = [np.ones_like(x)]
    for _ in range(columns - 1):
        powers.append(powers[-1] * x)
    matrix = np.stack(powers, axis=-1)[:, :columns]
    return matrix if increasing else np.flip(matrix, -1)


# Numbers between two ends


def steps(num: int, endpoint: bool, ndim: int, dtype: Any) -> Any:
    """Return numbers from 0 to 1 along a new first axis."""
    divisor = max(num - 1 if endpoint else num, 1)
    return np.reshape((np.arange(num) / divisor).astype(dtype), (num, *(1,) * ndim))


def between(start: Any, stop: Any, num: int, endpoint: bool, axis: int, move: Callable[..., Any]) -> Any:
    """Return rows from start to stop, both of which stand there exactly; move(start, stop, fractions) is between."""
    dtype = np.result_type(*[value for value in (start, stop) if hasattr(value, "dtype")], np.float16)
    start, stop = (np.astype(as_array(value, dtype), dtype) for value in (start, stop))
    start, stop = np.broadcast_arrays(start, stop)
    fractions = steps(num, endpoint, start.ndim, dtype)
    row = move(start, stop, fractions)
    row = np.where(fractions == 0, start, row)
    return np.moveaxis(np.where(fractions == 1, stop, row) if endpoint and num > 1 else row, 0, axis)


@composed(np.linspace, weak=True)
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    """Return evenly spaced numbers from start to stop."""
    row = between(start, stop, num, endpoint, axis, lambda start, stop, part: start + part * (stop - start))
    row = row if dtype is None else np.astype(row, dtype)
    divisor = num - 1 if endpoint else num
    return (row, (stop - start) / divisor if divisor > 0 else math.nan) if retstep else row


@composed(np.logspace, weak=True)
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Any:
    """Return the powers of a base whose exponents are evenly spaced."""
    exponents = linspace(start, stop, num, endpoint, axis=axis)
    powers = np.power(np.expand_dims(base, axis) if np.ndim(base) else base, exponents)
    return powers if dtype is None else np.astype(powers, dtype)


@composed(np.geomspace)
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """Return numbers from start to stop, each the same multiple of the one before it, in float64, as NumPy does."""
    start, stop = (np.astype(as_array(value, np.float64), np.float64) for value in (start, stop))
    row = between(start, stop, num, endpoint, axis, lambda start, stop, part: start * (stop / start) ** part)
    return row if dtype is None else np.astype(row, dtype)


# Functions of rows and of parts


@composed(np.apply_along_axis)
def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **keywords: Any) -> Any:
    """Return what a function makes of each row along an axis, in the row's place."""
    axis = axis % np.ndim(arr)
    moved = np.moveaxis(arr, axis, -1)
    rows = np.reshape(moved, (-1, moved.shape[-1]))
    results = np.stack([func1d(rows[i], *args, **keywords) for i in range(len(rows))])
    found = np.reshape(results, moved.shape[:-1] + results.shape[1:])
    made = results.ndim - 1
    return np.moveaxis(found, range(found.ndim - made, found.ndim), range(axis, axis + made))


@composed(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **keywords: Any) -> Any:
    """Return an array computed by different functions, or constants, where different conditions hold."""
    conditions = [as_array(one, bool) for one in condlist_of(condlist, x)]
    if len(funclist) == len(conditions) + 1:
        conditions.append(np.logical_not(functools.reduce(np.logical_or, conditions)))
    if len(funclist) != len(conditions):
        raise ValueError(f"np.piecewise: {len(conditions)} conditions need as many functions or one more")
    value = np.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):
        part = function(x[condition], *args, **keywords) if callable(function) else function
        value = assigned(value, condition, part)
    return value


def condlist_of(condlist: Any, x: Any) -> list[Any]:
    """Return the conditions of np.piecewise as a list; one alone stands for itself."""
    is_one = np.ndim(condlist) == 0 or (np.ndim(condlist[0]) == 0 and np.ndim(x) > 0)
    return [condlist] if is_one else list(condlist)
