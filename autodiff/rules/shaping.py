"""Derivative rules of functions that rearrange elements and leave them as they are."""

import functools
import inspect
import math
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np

from autodiff.declarations import apply_without_gradient, composed, differentiable, rule, variadic_rule, writing
from autodiff.function import Function
from autodiff.rules.elementwise import as_array
from autodiff.rules.indexing import place
from autodiff.trees import folded, mapped, paths

Shape = tuple[int, ...]

# The same elements in another shape


def inverse(axes: Any, ndim: int) -> Any:
    """Return the permutation that undoes `np.transpose(a, axes)`."""
    return axes if axes is None else tuple(int(i) for i in np.argsort([axis % ndim for axis in axes]))


class InOrder(Function[..., Any]):
    """A function that reads the elements of `a` in an order; "A" and "K" are how they lie in memory at the call."""

    def save(self, node: Any, out: Any, arguments: Any) -> None:
        """Save what the rule needs, the order as one that does not depend on memory; see `Function.save`."""
        super().save(node, out, arguments)
        _, arrays, _, named = arguments
        node.saved["order"] = lasting_order(arrays[0] if arrays else named["a"], node.saved["order"])


def lasting_order(a: Any, order: Any) -> Any:
    """Return "C" for rows first, "F" for columns first, or the axes of an array from the slowest in memory on."""
    if order == "A":
        return "F" if a.flags.fnc else "C"
    return sorted(range(a.ndim), key=lambda axis: -abs(a.strides[axis])) if order == "K" else order


def put_back(g: Any, shape: Shape, order: Any) -> Any:
    """Return elements that were read in an order at their places in an array of that shape."""
    if order in ("C", "F"):
        return np.reshape(g, shape, order)
    return np.transpose(np.reshape(g, tuple(shape[axis] for axis in order)), inverse(order, len(shape)))


def reshape_in_order(a: Any, shape: Any, order: Any = "C", *, copy: bool | None = None) -> Any:
    """Return np.reshape(a, shape, order, copy=copy)."""
    return np.reshape(a, shape) if order == "C" and copy is None else np.reshape(a, shape, order, copy=copy)


rule(
    np.reshape,
    forward=reshape_in_order,
    a=lambda g, a_shape, order: put_back(g, a_shape, order),
    accepts=["shape", "copy"],
    kind=InOrder,
)
rule(np.expand_dims, a=lambda g, a_shape: np.reshape(g, a_shape), accepts=["axis"])
rule(np.squeeze, a=lambda g, a_shape: np.reshape(g, a_shape), accepts=["axis"])
rule(np.ravel, a=lambda g, a_shape, order: put_back(g, a_shape, order), kind=InOrder)
rule(np.transpose, a=lambda g, axes: np.transpose(g, inverse(axes, g.ndim)))
rule(np.matrix_transpose, x=lambda g: np.matrix_transpose(g))
rule(np.swapaxes, a=lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2))
rule(np.moveaxis, a=lambda g, source, destination: np.moveaxis(g, destination, source))
rule(np.copy, a=lambda g: g, accepts=["order"])
rule(np.flip, m=lambda g, axis: np.flip(g, axis))
rule(np.fliplr, m=lambda g: np.fliplr(g))
rule(np.flipud, m=lambda g: np.flipud(g))
rule(np.rot90, m=lambda g, k, axes: np.rot90(g, -k, axes))


def on_diagonal(g: Any, shape: Shape, offset: int, axis1: int, axis2: int) -> Any:
    """Return zeros with g on a diagonal."""
    numbers = np.arange(math.prod(shape)).reshape(shape)
    return np.reshape(place(g, np.diagonal(numbers, offset, axis1, axis2), (numbers.size,)), shape)


rule(
    np.diagonal,
    a=lambda g, a_shape, offset, axis1, axis2: on_diagonal(g, a_shape, offset, axis1, axis2),
)


def at_least(function: Callable[..., Any]) -> None:
    """Define np.atleast_1d and its like by a reshape."""

    def definition(*arrays: Any) -> Any:
        reshaped = tuple(np.reshape(array, function(np.empty(np.shape(array))).shape) for array in arrays)
        return reshaped[0] if len(reshaped) == 1 else reshaped

    composed(function)(definition)


for at_least_function in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    at_least(at_least_function)

# Broadcasting: the engine sums the gradient back

rule(np.broadcast_to, array=lambda g: g, accepts=["shape"])


@composed(np.broadcast_arrays)
def broadcast_arrays(*args: Any) -> tuple[Any, ...]:
    """Broadcast arrays against each other."""
    shape = np.broadcast_shapes(*[np.shape(array) for array in args])
    return tuple(np.broadcast_to(array, shape) for array in args)


@composed(np.meshgrid)
def meshgrid(*xi: Any, indexing: str = "xy", sparse: bool = False) -> tuple[Any, ...]:
    """Return the coordinates of a grid, one array an axis."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"np.meshgrid: indexing must be 'xy' or 'ij', found {indexing!r}")
    order = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        order[:2] = [1, 0]
    shapes = [[-1 if axis == order[i] else 1 for axis in range(len(xi))] for i in range(len(xi))]
    lines = tuple(np.reshape(x, shape) for x, shape in zip(xi, shapes, strict=True))
    return tuple(np.copy(line) for line in (lines if sparse else broadcast_arrays(*lines)))


@composed(np.full_like)
def full_like(a: Any, fill_value: Any) -> Any:
    """Return an array of the shape and dtype of `a`, filled with a value."""
    return np.zeros_like(a) + np.broadcast_to(fill_value, np.shape(a)).astype(a.dtype)


# Joining


def part(g: Any, i: int, shapes: list[Shape], axis: int | None) -> Any:
    """Return the piece of a gradient that belongs to the i-th of the concatenated arrays."""
    if axis is None:
        ends = list(accumulate(math.prod(shape) for shape in shapes))
        return np.reshape(g[ends[i - 1] if i else 0 : ends[i]], shapes[i])
    ends = list(accumulate(shape[axis] for shape in shapes))
    before = (slice(None),) * (axis % g.ndim)
    return g[(*before, slice(ends[i - 1] if i else 0, ends[i]))]


def join(*arrays: Any, axis: int | None = 0) -> Any:
    """Return np.concatenate(arrays, axis)."""
    return np.concatenate(arrays, axis=axis)


joined = variadic_rule(join, lambda g, i, shapes, axis: part(g, i, shapes, axis))


@composed(np.concatenate)
def concatenate(arrays: Any, axis: int | None = 0) -> Any:
    """Join arrays along an axis; all of them flattened if it is None."""
    return joined(*map(stacked, arrays), axis=axis)


@composed(np.stack)
def stack(arrays: Any, axis: int = 0) -> Any:
    """Join arrays along a new axis."""
    return joined(*[np.expand_dims(stacked(array), axis) for array in arrays], axis=axis)


@composed(np.vstack)
def vstack(tup: Any) -> Any:
    """Join arrays along the first axis, vectors as rows."""
    return joined(*[np.atleast_2d(array) for array in tup], axis=0)


@composed(np.hstack)
def hstack(tup: Any) -> Any:
    """Join arrays along the second axis, vectors along their only one."""
    arrays = [np.atleast_1d(array) for array in tup]
    return joined(*arrays, axis=0 if arrays[0].ndim == 1 else 1)


@composed(np.dstack)
def dstack(tup: Any) -> Any:
    """Join arrays along the third axis."""
    return joined(*[np.atleast_3d(array) for array in tup], axis=2)


@composed(np.column_stack)
def column_stack(tup: Any) -> Any:
    """Join vectors as columns."""
    return joined(*[array if np.ndim(array) > 1 else np.reshape(array, (-1, 1)) for array in tup], axis=1)


def stacked(values: Any) -> Any:
    """Return nested lists in which some tensor is as a tensor, anything else as it is."""
    return folded(values, lambda parts: np.stack(parts) if any(hasattr(part, "node") for part in parts) else parts)


@composed(np.append, weak=True)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """Join values at the end, both flattened if the axis is None."""
    arr, values = stacked(arr), stacked(values)
    dtype = np.result_type(*[value for value in (arr, values) if hasattr(value, "dtype")])
    return joined(as_array(arr, dtype), as_array(values, dtype), axis=axis)


@composed(np.block)
def block(arrays: Any) -> Any:
    """Put an array together from nested lists of blocks: the innermost side by side, the next below each other."""
    np.block(mapped(arrays, lambda _: np.empty(0)))  # raises NumPy's errors where the nesting is wrong
    blocks = dict(paths(arrays))
    depth = max(map(len, blocks))
    ndim = max(depth, *map(np.ndim, blocks.values()))
    blocks = {path: np.reshape(one, (1,) * (ndim - np.ndim(one)) + np.shape(one)) for path, one in blocks.items()}
    for axis in range(-1, -depth - 1, -1):
        rows: dict[Any, list[Any]] = {}
        for path, one in blocks.items():
            rows.setdefault(path[:-1], []).append(one)
        blocks = {path: joined(*row, axis=axis) for path, row in rows.items()}
    return blocks[()]


# Splitting


def piece(a: Any, axis: int, indices: Any) -> Any:
    """Return the part of an array at consecutive indices along an axis."""
    start = int(indices[0]) if len(indices) else 0
    return a[(slice(None),) * (axis % a.ndim) + (slice(start, start + len(indices)),)]


def splitting(function: Callable[..., Any], axis_for: Callable[[int], int] | None = None) -> None:
    """Define np.split and its like, NumPy finding where to cut; axis_for: the axis, by the number of axes."""

    def definition(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
        along = axis_for(ary.ndim) if axis_for else axis
        cut = np.array_split if function is np.array_split else np.split
        return [piece(ary, along, indices) for indices in cut(np.arange(ary.shape[along]), indices_or_sections)]

    composed(function)(definition)


splitting(np.split)
splitting(np.array_split)
splitting(np.vsplit, lambda ndim: 0)
splitting(np.hsplit, lambda ndim: 0 if ndim == 1 else 1)
splitting(np.dsplit, lambda ndim: 2)


@composed(np.unstack)
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """Return the slices along an axis."""
    return tuple(slices(np.moveaxis(x, axis, 0)))


def slices(x: Any) -> list[Any]:
    """Return x[0], x[1] and so on; of many by halves, so that their gradients are no arrays of the size of x each."""
    if len(x) < 8:
        return [x[i] for i in range(len(x))]
    return [*slices(x[: len(x) // 2]), *slices(x[len(x) // 2 :])]


# Rearrangements: NumPy moves the positions of the elements, and the elements are taken from there


def rearrangement(function: Callable[..., Any]) -> None:
    """Define a function of one array that copies elements to places that do not depend on their values."""

    signature = inspect.signature(function)
    first = next(iter(signature.parameters))

    @functools.wraps(function)
    def definition(*arguments: Any, **keywords: Any) -> Any:
        given = signature.bind(*arguments, **keywords).arguments
        a = given.pop(first)
        if given.get("out") is not None:
            raise TypeError(f"np.{function.__name__} cannot write into out= while recording")
        if isinstance(a, np.ndarray):
            return apply_without_gradient(function, a, **given)  # a constant: the tensors are among the indices
        numbers = np.arange(math.prod(np.shape(a))).reshape(np.shape(a))
        positions = apply_without_gradient(function, numbers, **given)
        return np.reshape(a, -1)[positions]

    composed(function)(definition)


for rearranging in (np.roll, np.repeat, np.tile, np.delete, np.fft.fftshift, np.fft.ifftshift):
    rearrangement(rearranging)
rearrangement(np.take)
rearrangement(np.take_along_axis)


@composed(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    """Return the slices where the condition holds."""
    return np.take(a, np.flatnonzero(condition), axis=axis)


@composed(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """Return the elements where the condition holds."""
    return np.reshape(arr, -1)[np.flatnonzero(condition)]


@composed(np.choose)
def choose(a: Any, choices: Any) -> Any:
    """Return at each place the element of the array with the number that stands there in `a`."""
    *arrays, numbers = broadcast_arrays(*choices, a)
    return np.take_along_axis(np.stack(arrays), numbers[None], axis=0)[0]


@composed(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """Return the array with values put in before the given indices."""
    count, values = math.prod(np.shape(arr)), stacked(values)
    values = np.astype(as_array(values, arr.dtype), arr.dtype)
    own = np.arange(count).reshape(np.shape(arr))
    new = np.arange(count, count + math.prod(np.shape(values))).reshape(np.shape(values))
    return joined(np.reshape(arr, -1), np.reshape(values, -1))[np.insert(own, obj, new, axis=axis)]


@composed(np.unique)
def unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False, axis: Any = None
) -> Any:
    """Return the different elements, or slices, in order; the gradient goes to the first of equals."""
    _, index, *further = apply_without_gradient(np.unique, ar, True, return_inverse, return_counts, axis)
    values = np.take(ar, index, axis=axis)
    return (values, *([index] if return_index else []), *further) if return_index or further else values


@composed(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """Return how often each whole number from 0 on occurs, each time counting as its weight, in float64."""
    length = max(int(np.max(x, initial=-1)) + 1, minlength)
    return place(np.astype(weights, np.float64), (as_array(x, np.intp),), (length,))


@composed(np.sort)
def sort(a: Any, axis: int | None = -1, *, stable: bool | None = None) -> Any:
    """Return the elements in order along an axis."""
    if axis is None:
        return sort(np.reshape(a, -1))
    return np.take_along_axis(a, np.argsort(a, axis=axis, stable=stable), axis=axis)


@composed(np.partition)
def partition(a: Any, kth: Any, axis: int | None = -1) -> Any:
    """Return the elements with the k-th in its place, smaller ones before it and larger ones after."""
    if axis is None:
        return partition(np.reshape(a, -1), kth)
    # np.argpartition orders what lies between as it likes, on some processors otherwise than np.partition does.
    values = apply_without_gradient(np.partition, a, kth, axis)
    ranks = np.argsort(np.argsort(values, axis=axis, stable=True), axis=axis)
    order = np.take_along_axis(np.argsort(a, axis=axis, stable=True), ranks, axis=axis)
    return np.take_along_axis(a, order, axis=axis)


@writing(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    """Write values at the indices along an axis, one of each row, say."""
    if axis is None:
        raise TypeError("np.put_along_axis with axis=None writes into a flattened copy of a tensor; use t[...] = v")
    places = list(np.ogrid[tuple(slice(length) for length in np.shape(indices))])
    places[axis] = indices
    arr[tuple(places)] = values


rule(np.unwrap, p=lambda g: g, accepts=["discont", "axis", "period"])

# Matrices and their diagonals


@composed(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """Return the k-th diagonal of a matrix, or the matrix with a vector as its k-th diagonal."""
    return np.diagonal(v, k) if np.ndim(v) == 2 else diagflat(v, k)


@composed(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """Return the matrix with the flattened array as its k-th diagonal."""
    values = np.reshape(v, -1)
    steps = np.arange(values.shape[0])
    size = values.shape[0] + abs(k)
    return place(values, (steps + max(-k, 0), steps + max(k, 0)), (size, size))


@composed(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """Return the matrix with zeros above the k-th diagonal."""
    return np.where(lower_triangle(m.shape, k), m, 0)


@composed(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """Return the matrix with zeros below the k-th diagonal."""
    return np.where(lower_triangle(m.shape, k - 1), 0, m)


def lower_triangle(shape: Shape, k: int) -> Any:
    """Return which elements of a matrix stand on the k-th diagonal or below it."""
    return np.tri((*shape, *shape)[-2], shape[-1], k, dtype=bool)  # of a vector: as many rows as columns


# Padding


def unpadded(g: Any, shape: Shape, pad_width: Any) -> Any:
    """Return the part of a padded array that stood there before."""
    starts = [start for start, _ in pad_widths(pad_width, len(shape))]
    return g[tuple(slice(start, start + length) for start, length in zip(starts, shape, strict=True))]


def pad_widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    """Return how much np.pad puts before and after each axis; a dict names axes."""
    if isinstance(pad_width, dict):
        named = {axis % ndim: np.broadcast_to(pair, 2) for axis, pair in pad_width.items()}
        return [tuple(map(int, named.get(axis, (0, 0)))) for axis in range(ndim)]  # type: ignore[misc]
    return [(int(start), int(end)) for start, end in np.broadcast_to(pad_width, (ndim, 2))]


@differentiable(
    array=lambda g, array_shape, pad_width: unpadded(g, array_shape, pad_width), accepts=["constant_values"]
)
def pad_with_constants(array: Any, pad_width: Any, constant_values: Any = 0) -> Any:
    """Return np.pad(array, pad_width, constant_values=constant_values)."""
    return np.pad(array, pad_width, constant_values=constant_values)


@composed(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **keywords: Any) -> Any:
    """Return the array with values put around it: constants, its own elements, what they are reduced to, or slopes."""
    if mode == "constant":
        return pad_with_constants(array, pad_width, **keywords)
    if mode not in ("edge", "empty", "reflect", "symmetric", "wrap", "linear_ramp", *STATISTICS):
        raise TypeError(
            "np.pad: mode must be constant, edge, empty, reflect, symmetric, wrap, linear_ramp, maximum, mean, median "
            f"or minimum on tensors, found {mode!r}"
        )
    widths = pad_widths(pad_width, np.ndim(array))
    numbers = np.arange(math.prod(array.shape)).reshape(array.shape)
    positions = np.pad(numbers, widths, mode, **keywords)  # raises NumPy's errors
    if mode == "empty":
        return pad_with_constants(array, widths)
    if mode in STATISTICS:
        return pad_each(array, widths, lambda a, i, pair: statistics_around(a, i, pair, STATISTICS[mode], **keywords))
    if mode == "linear_ramp":
        return pad_each(array, widths, lambda a, i, pair: ramps_around(a, i, pair, **keywords))
    if keywords.get("reflect_type") == "odd":
        return pad_oddly(array, widths, edge=int(mode == "symmetric"))
    return np.reshape(array, -1)[positions]


def pad_oddly(array: Any, widths: list[tuple[int, int]], edge: int) -> Any:
    """Return an array continued beyond its ends by what it is before them, turned about the end by half a circle.

    edge: 1 if the elements at the ends are repeated, else 0. As many elements as there are at a time, as in NumPy.
    """
    array = np.copy(array)  # which is returned where nothing is put around it
    for axis, (before, after) in enumerate(widths):
        front = (slice(None),) * axis
        if array.shape[axis] == 1:
            array = joined(np.repeat(array, before, axis), array, np.repeat(array, after, axis), axis=axis)
            continue
        period = array.shape[axis] - 1 + edge
        while before or after:
            length = array.shape[axis]
            whole = (length - 1 + edge) // period * period
            left, right = min(whole, before), min(whole, after)
            near = np.flip(array[(*front, slice(1 - edge, 1 - edge + left))], axis)
            far = np.flip(array[(*front, slice(length - 1 + edge - right, length - 1 + edge))], axis)
            first, last = array[(*front, slice(0, 1))], array[(*front, slice(-1, None))]
            array = joined(2 * first - near, array, 2 * last - far, axis=axis)
            before, after = before - left, after - right
    return array


STATISTICS: dict[Any, Callable[..., Any]] = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}
Around = Callable[[Any, int, tuple[int, int]], tuple[Any, Any]]


def pad_each(array: Any, widths: list[tuple[int, int]], around: Around) -> Any:
    """Return an array padded along one axis after the other, corners by what was put there before."""
    for axis, pair in enumerate(widths):
        before, after = around(array, axis, pair)
        array = joined(before, array, after, axis=axis)
    return array


def ends_of(value: Any, ndim: int, axis: int) -> tuple[Any, Any]:
    """Return what an argument of np.pad says for both ends of an axis."""
    start, end = np.broadcast_to(np.asarray(value, dtype=object), (ndim, 2))[axis]
    return start, end


def statistics_around(
    array: Any, axis: int, widths: tuple[int, int], reduce: Callable[..., Any], stat_length: Any = None
) -> tuple[Any, Any]:
    """Return what the elements next to each end of an axis, by default all, are reduced to, as wide as the padding."""
    length = array.shape[axis]
    taken = [min(length if n is None else int(n), length) for n in ends_of(stat_length, array.ndim, axis)]
    front = (slice(None),) * axis
    parts = array[(*front, slice(0, taken[0]))], array[(*front, slice(length - taken[1], length))]
    first, last = (
        np.repeat(reduce(part, axis=axis, keepdims=True), n, axis) for part, n in zip(parts, widths, strict=True)
    )
    return first, last


def ramps_around(array: Any, axis: int, widths: tuple[int, int], end_values: Any = 0) -> tuple[Any, Any]:
    """Return straight lines from the end values to the elements at each end of an axis."""
    values = ends_of(end_values, array.ndim, axis)
    edges = [np.take(array, [place], axis=axis) for place in (0, -1)]
    shape = [-1 if i == axis else 1 for i in range(array.ndim)]
    parts = [np.reshape(np.arange(n) / max(n, 1), shape).astype(array.dtype) for n in widths]
    ramps = [value + (edge - value) * part for value, edge, part in zip(values, edges, parts, strict=True)]
    return ramps[0], np.flip(ramps[1], axis)
