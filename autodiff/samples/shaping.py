"""Samples of functions that rearrange elements."""

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.rules import shaping
from autodiff.samples.builders import (
    Maker,
    Random,
    Sample,
    both,
    call,
    lists_of,
    of_shapes,
    spaced,
    strided,
    unary,
    with_arguments,
)


def insert_samples(random: Random) -> list[Sample]:
    """Return samples of insertions at one place and at several, of numbers, vectors and rows."""
    array = spaced(random, (3, 4))
    calls = [
        call(array, 1, spaced(random, (4,)), 0),
        call(array, [0, 2], spaced(random, (3, 2)), 1),
        call(array, 5, 1.5),
    ]
    calls += [call(spaced(random, (3,)), -1, spaced(random, ())), call(spaced(random, (3,)), 1, [2, 3])]
    return [*calls, call(array, [1, 3], spaced(random, (2,)))]


def choose_samples(random: Random) -> list[Sample]:
    """Return samples of choices of the same shape and of shapes that are broadcast."""
    numbers = np.array([[0, 1, 2], [2, 1, 0]])
    return [
        call(numbers, [spaced(random, (2, 3)) for _ in range(3)]),
        call(numbers, [spaced(random, ()), spaced(random, (3,)), spaced(random, (2, 1))]),
    ]


def block_samples(random: Random) -> list[Sample]:
    """Return samples of blocks in a row."""
    return lists_of([(2, 3), (2, 1)], [(2,), (3,)], [(), (2,)])(random)


def along_axis(random: Random) -> list[Sample]:
    """Return samples that take elements along an axis, some of them twice."""
    array, numbers = spaced(random, (3, 4)), np.array([[0, 0, 3], [1, 2, 0], [3, 3, 3]])
    return [
        call(array, numbers, axis=1),
        call(array, np.array([[0, 2, 1, 1]]), axis=0),
        call(array, numbers[0], axis=None),
    ]


MATRICES: Maker = both(
    with_arguments(((3, 4), ()), ((4, 3), (1,)), ((3, 3), (-1,)), ((2, 3, 4), (0,)), ((3,), ()), ((4,), (-1,))),
    lambda random: [call(strided(random))],
)

SAMPLES: dict[Callable[..., Any], Maker] = {
    np.reshape: with_arguments(
        ((2, 6), ((3, 4),)), ((2, 6), (-1,)), ((), ((1, 1),)), ((0, 3), ((3, 0),)), ((2, 6), ((3, 4), "F"))
    ),
    np.expand_dims: with_arguments(((2, 3), (1,)), ((2, 3), ((0, -1),)), ((), (0,)), ((0,), (-1,))),
    np.squeeze: with_arguments(((2, 1, 3), ()), ((2, 1, 3, 1), (1,)), ((1, 2, 1), ((0, -1),)), ((1,), ())),
    np.ravel: both(
        of_shapes([(2, 3)], [()], [(0, 3)]), lambda random: [call(strided(random)), call(strided(random), "F")]
    ),
    np.transpose: with_arguments(((2, 3), ()), ((2, 3, 4), ((2, 0, 1),)), ((2, 3, 4), ((0, -1, 1),)), ((), ())),
    np.matrix_transpose: of_shapes([(2, 3)], [(4, 2, 3)], [(0, 3)]),
    np.swapaxes: with_arguments(((2, 3), (0, 1)), ((2, 3, 4), (-1, 0)), ((2, 3), (1, 1))),
    np.moveaxis: with_arguments(((2, 3, 4), (0, -1)), ((2, 3, 4), ((0, 1), (2, 0))), ((2, 3), (1, 1))),
    np.copy: unary(),
    np.atleast_1d: of_shapes([()], [(3,)], [(2, 3)], [(), (2,)]),
    np.atleast_2d: of_shapes([()], [(3,)], [(2, 3)], [(3,), (2, 1, 1)]),
    np.atleast_3d: of_shapes([()], [(3,)], [(2, 3)], [(2, 3, 1)]),
    np.broadcast_to: with_arguments(((3,), ((2, 3),)), ((2, 1), ((4, 2, 3),)), ((), ((2,),)), ((1,), ((0,),))),
    np.broadcast_arrays: of_shapes([(3,), (2, 1)], [(), (2,), (2,)], [(2, 3)]),
    np.meshgrid: both(
        of_shapes([(2,), (3,)], [(2,), (3,), (2,)], [(3,)]),
        lambda random: [call(spaced(random, (2,)), spaced(random, (3,)), indexing="ij", sparse=True)],
    ),
    np.full_like: lambda random: [
        call(spaced(random, (2, 3)), spaced(random, ())),
        call(spaced(random, (2, 3)), spaced(random, (3,))),
        call(spaced(random, (2,)), 1.5),
    ],
    np.concatenate: both(
        lists_of([(2, 3), (1, 3), (0, 3)], [(2,), (3,)]),
        lists_of([(2, 3), (2, 1)], axis=-1),
        lists_of([(2, 3), (2,)], axis=None),
    ),
    np.stack: both(lists_of([(2, 3), (2, 3)], [(), ()]), lists_of([(2, 3), (2, 3), (2, 3)], axis=-1)),
    shaping.join: of_shapes([(2, 3), (1, 3)], [(2,), (0,), (1,)]),
    np.vstack: lists_of([(3,), (2, 3)], [(), ()], [(2, 3, 1), (1, 3, 1)]),
    np.hstack: lists_of([(3,), (2,)], [(2, 3), (2, 1)], [(), ()]),
    np.dstack: lists_of([(3,), (3,)], [(2, 3), (2, 3)], [(2, 3, 2), (2, 3, 1)]),
    np.column_stack: lists_of([(3,), (3, 2)], [(2,), (2,)]),
    np.append: both(
        of_shapes([(2, 3), (4,)], [(3,), ()]),
        lambda random: [call(spaced(random, (2, 3)), spaced(random, (2, 1)), 1)],
    ),
    np.block: block_samples,
    np.split: with_arguments(((6, 2), (3,)), ((2, 5), ([1, 3], 1)), ((4,), ([2],)), ((3, 4), (2, -1))),
    np.array_split: with_arguments(((5, 2), (3,)), ((2, 5), (2, 1)), ((4,), ([1, 1, 3],))),
    np.vsplit: with_arguments(((4, 2), (2,)), ((3, 2, 2), ([1],))),
    np.hsplit: with_arguments(((4, 2), (2,)), ((5,), ([1, 3],))),
    np.dsplit: with_arguments(((1, 2, 4), (2,)), ((2, 2, 3), ([1],))),
    np.unstack: both(of_shapes([(3,)], [(2, 3)], [(17, 1)]), with_arguments(((2, 3, 4), ()), axis=-1)),
    np.unique: both(
        of_shapes([(5,)], [(2, 3)]),
        lambda random: [
            call(spaced(random, (4,)), True, True, True),
            call(spaced(random, (3, 2)), axis=0, return_counts=True),
        ],
    ),
    np.bincount: lambda random: [
        call([0, 3, 1, 3], spaced(random, (4,))),
        call(np.array([2, 0]), spaced(random, (2,)), 5),
    ],
    np.flip: both(
        with_arguments(((2, 3), ()), ((2, 3), (0,)), ((2, 3), ((0, -1),))), lambda random: [call(strided(random))]
    ),
    np.fliplr: of_shapes([(2, 3)], [(2, 3, 2)]),
    np.flipud: of_shapes([(2, 3)], [(3,)]),
    **{f: with_arguments(((2, 3), ()), ((5,), ()), ((3, 4), (1,))) for f in (np.fft.fftshift, np.fft.ifftshift)},
    np.roll: with_arguments(((2, 3), (1,)), ((2, 3), (-2, 1)), ((2, 3), ((1, 2), (0, 1))), ((0,), (1,))),
    np.rot90: with_arguments(((2, 3), ()), ((2, 3), (2,)), ((2, 3, 2), (1, (1, 2)))),
    np.repeat: with_arguments(((2, 3), (2,)), ((2, 3), (2, 1)), ((3,), ([1, 0, 2],)), ((), (3,))),
    np.tile: with_arguments(((2, 3), (2,)), ((3,), ((2, 2),)), ((2, 3), ((2, 1, 2),)), ((), (3,))),
    np.delete: with_arguments(((3, 4), (1, 0)), ((3, 4), ([0, 2], 1)), ((5,), (slice(1, 3),)), ((2, 3), (0,))),
    np.diagonal: with_arguments(((3, 4), ()), ((3, 4), (1,)), ((2, 3, 3), (0, 1, 2)), ((2, 2), (-1,))),
    np.take: with_arguments(
        ((3, 4), ([0, 0, 5],)), ((3, 4), ([2, 0], 1)), ((3, 4), (1, 0)), ((3,), ([[0, 2], [1, 1]],))
    ),
    np.take_along_axis: along_axis,
    np.compress: lambda random: [
        call([True, False, True], spaced(random, (3, 4)), 0),
        call([False, True], spaced(random, (2, 3))),
    ],
    np.extract: lambda random: [call(np.arange(6).reshape(2, 3) % 2 == 0, spaced(random, (2, 3)))],
    np.choose: choose_samples,
    np.insert: insert_samples,
    np.sort: with_arguments(((3, 4), ()), ((3, 4), (0,)), ((3, 4), (None,)), ((5,), ()), ((0,), ())),
    np.partition: with_arguments(((3, 5), (2,)), ((5, 2), (1, 0)), ((6,), ([1, 3],)), ((2, 3), (4, None))),
    np.unwrap: both(
        with_arguments(((8,), ()), ((2, 5), ())), lambda random: [call(spaced(random, (3, 4), -9, 9), axis=0)]
    ),
    np.diag: with_arguments(((3,), ()), ((3,), (1,)), ((2,), (-2,)), ((3, 4), ()), ((3, 3), (-1,))),
    np.diagflat: with_arguments(((3,), ()), ((2, 2), (1,)), ((2,), (-1,))),
    np.tril: MATRICES,
    np.triu: MATRICES,
    shaping.pad_with_constants: with_arguments(((2, 3), (1,)), ((2, 3), ((1, 2), 0.5)), ((3,), ((0, 2),))),
    np.pad: both(
        with_arguments(((2, 3), (1,)), ((2, 3), (((0, 1), (2, 0)),)), ((0, 2), (1,)), ((0, 2), (((0, 0), (1, 2)),))),
        with_arguments(((2, 3), ((1, 2),)), ((2, 3), ({-1: (1, 2)},)), ((2, 3, 2), ({0: 1, 1: (0, 3)},))),
        with_arguments(
            ((3, 4), (2, "edge")), ((3, 4), ((1, 2), "reflect")), ((3,), (3, "wrap")), ((3,), (2, "symmetric"))
        ),
        lambda random: [call(spaced(random, (2, 2)), 1, constant_values=3.0)],
        with_arguments(
            *[((3, 4), ((1, 2), mode)) for mode in ("maximum", "minimum", "mean", "median", "linear_ramp")],
            ((4,), (3, "linear_ramp")),
            ((2, 3), (((0, 0), (2, 1)), "mean")),
        ),
        with_arguments(((3, 4), (2, "mean")), ((2, 5), (((1, 0), (2, 2)), "maximum")), stat_length=2),
        with_arguments(((3, 4), (2, "linear_ramp")), end_values=((1.5, -2.0), (0.5, 3.0))),
        with_arguments(
            *[((3, 4), (((1, 2), (7, 9)), mode)) for mode in ("reflect", "symmetric")],
            *[((1, 2), (width, "reflect")) for width in (2, ((0, 3), (1, 0)))],
            ((4,), (0, "symmetric")),
            reflect_type="odd",
        ),
    ),
}
