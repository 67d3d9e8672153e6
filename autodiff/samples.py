"""Sample inputs for every function that has a derivative rule; gradcheck and the tests run over them.

A function's samples are arguments as a user would pass them. Every float64 array among them, in a list too, is a
variable. They stay away from kinks, ties and the ends of domains, where a numerical derivative means nothing.
"""

import operator
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autodiff import functional
from autodiff.rules.indexing import place
from autodiff.rules.shaping import join
from autodiff.tensor import full_name

Random = np.random.Generator
Shape = tuple[int, ...]


class Sample(NamedTuple):
    """One call of a function."""

    arguments: tuple[Any, ...]
    keywords: dict[str, Any]

    def __repr__(self) -> str:
        keywords = [f"{name}={value!r}" for name, value in self.keywords.items()]
        return ", ".join([*map(show, self.arguments), *keywords])


def show(value: Any) -> str:
    """Return an argument briefly: the shape of an array, the value of anything else."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(show, value))}]"
    return repr(value)


def call(*arguments: Any, **keywords: Any) -> Sample:
    """Return a sample with these arguments."""
    return Sample(arguments, keywords)


def spaced(random: Random, shape: Shape, low: float = -2.0, high: float = 2.0) -> NDArray[np.float64]:
    """Return distinct numbers between low and high in random order, none of them 0, no two closer than a step."""
    count = int(np.prod(shape))
    values = low + (high - low) * (np.arange(count) + 0.35 + 0.3 * random.random(count)) / max(count, 1)
    return random.permutation(values).reshape(shape)


def strided(random: Random, low: float = -2.0, high: float = 2.0) -> NDArray[np.float64]:
    """Return a (2, 3) array whose elements do not lie next to each other."""
    return spaced(random, (6, 4), low, high)[::2, ::2].T


def unary(low: float = -2.0, high: float = 2.0, **keywords: Any) -> Callable[[Random], list[Sample]]:
    """Return samples of an elementwise function of one array, on numbers between low and high."""

    def samples(random: Random) -> list[Sample]:
        arrays = [spaced(random, shape, low, high) for shape in [(3, 4), (5,), (), (0, 3), (2, 1, 3)]]
        return [call(array, **keywords) for array in [*arrays, strided(random, low, high)]]

    return samples


def binary(a: tuple[float, float] = (-2, 2), b: tuple[float, float] = (-2, 2)) -> Callable[[Random], list[Sample]]:
    """Return samples of an elementwise function of two arrays, each on numbers between its bounds."""
    pairs: list[tuple[Shape, Shape]] = [
        ((3, 4), (3, 4)),
        ((3, 4), (4,)),
        ((4,), (3, 1)),
        ((2, 1, 3), (4, 1)),
        ((), (3,)),
        ((2, 3), ()),
        ((), ()),
        ((0, 3), (3,)),
        ((1,), (0,)),
    ]

    def samples(random: Random) -> list[Sample]:
        arrays = [(spaced(random, left, *a), spaced(random, right, *b)) for left, right in pairs]
        arrays.append((strided(random, *a), strided(random, *b)))
        scalars = [call(spaced(random, (3,), *a), b[0] + 1.3), call(a[0] + 1.3, spaced(random, (3,), *b))]
        return [call(*pair) for pair in arrays] + scalars

    return samples


def reduction(*, empty: bool = True) -> Callable[[Random], list[Sample]]:
    """Return samples of a function that reduces axes. empty: whether it has a value for no elements."""

    def samples(random: Random) -> list[Sample]:
        calls = [call(spaced(random, (3, 4)), **keywords) for keywords in REDUCED]
        calls += [
            call(spaced(random, (2, 3, 2)), axis=(0, -1)),
            call(spaced(random, ())),
            call(strided(random), axis=1),
        ]
        calls += [call(spaced(random, (2, 3, 2)), (2, 0), keepdims=True), call(spaced(random, (0, 3)), axis=1)]
        return calls + ([call(spaced(random, (0, 3)), axis=0)] if empty else [])

    return samples


REDUCED: list[dict[str, Any]] = [
    {},
    {"axis": 0},
    {"axis": -1},
    {"axis": 1, "keepdims": True},
    {"keepdims": True},
    {"axis": (0, 1)},
]


def of_shapes(*shapes: Sequence[Shape]) -> Callable[[Random], list[Sample]]:
    """Return samples of a function of arrays of each list of shapes."""
    return lambda random: [call(*[spaced(random, shape) for shape in one]) for one in shapes]


def matmul_samples(random: Random) -> list[Sample]:
    """Return vectors, matrices, stacks of matrices, broadcast stacks, and matrices that are not contiguous."""
    shapes: list[list[Shape]] = [
        [(3,), (3,)],
        [(2, 3), (3,)],
        [(3,), (3, 2)],
        [(2, 3), (3, 4)],
        [(5, 2, 3), (5, 3, 2)],
        [(5, 2, 3), (3, 2)],
        [(2, 3), (5, 3, 2)],
        [(2, 1, 2, 3), (4, 3, 2)],
        [(4, 2, 3), (3,)],
        [(3,), (4, 3, 2)],
        [(0, 3), (3, 2)],
        [(2, 0), (0, 2)],
    ]
    return of_shapes(*shapes)(random) + [call(strided(random), strided(random).T)]


def where_samples(random: Random) -> list[Sample]:
    """Return conditions with arrays, broadcast arrays and numbers to choose from."""
    condition = np.array([[True, False, True], [False, False, True]])
    shapes: list[tuple[Shape, Shape]] = [
        ((2, 3), (2, 3)),
        ((3,), (2, 1)),
        ((), (2, 3)),
        ((2, 3), ()),
        ((4, 2, 3), (3,)),
    ]
    calls = [call(condition, spaced(random, x), spaced(random, y)) for x, y in shapes]
    return [*calls, call(condition, spaced(random, (3,)), 1.5), call(condition, 0, spaced(random, (3,)))]


INDICES: list[Any] = [
    1,
    -1,
    slice(None, None, -2),
    ...,
    None,
    (slice(None), 2),
    (1, 2),
    (..., None, 1),
    (slice(1, 1), 0),
    [0, 0, 2],
    (np.array([0, 2, 0]), np.array([1, 1, 1])),
    (np.array([[0], [2]]), [1, 3]),
    (slice(None), [3, 3]),
    np.array([True, False, True]),
    np.arange(12).reshape(3, 4) % 3 == 0,
    (np.array([True, False, True]), 1),
]


def getitem_samples(random: Random) -> list[Sample]:
    """Return every kind of index: integers, slices, new axes, arrays of integers with repeats, masks."""
    calls = [call(spaced(random, (3, 4)), index) for index in INDICES]
    return [*calls, call(spaced(random, ()), ()), call(spaced(random, (0, 3)), slice(None)), call(strided(random), 0)]


def place_samples(random: Random) -> list[Sample]:
    """Return gradients of what each index picks from a (3, 4) array."""
    whole = np.zeros((3, 4))
    return [call(spaced(random, np.shape(whole[index])), index, (3, 4)) for index in INDICES]


def setitem_samples(random: Random) -> list[Sample]:
    """Return arrays and values to write at the indices that name no element twice; values are broadcast."""
    whole = np.zeros((3, 4))
    numbers = np.arange(12).reshape(3, 4)
    unique = [index for index in INDICES if np.unique(numbers[index]).size == np.size(numbers[index])]
    calls = [call(spaced(random, (3, 4)), index, spaced(random, np.shape(whole[index]))) for index in unique]
    return [*calls, call(spaced(random, (3, 4)), 1, spaced(random, ())), call(spaced(random, (3, 4)), 0, 2.5)]


def cross_entropy_samples(random: Random) -> list[Sample]:
    """Return logits with class numbers, with probabilities, with weights that sum to something else, and with none."""
    soft = random.dirichlet(np.ones(3), size=4)
    return [
        call(spaced(random, (4, 3)), np.array([0, 2, 1, 1])),
        call(spaced(random, (4, 3)), soft),
        call(spaced(random, (4, 3)), 2 * soft + 0.1),
        call(spaced(random, (2, 2, 3)), np.array([[0, 1], [2, 2]])),
        call(spaced(random, (3,)), np.array(1)),
        call(spaced(random, (0, 3)), np.zeros(0, dtype=int)),
    ]


def lists_of(*shapes: list[Shape], **keywords: Any) -> Callable[[Random], list[Sample]]:
    """Return samples of a function that takes a list of arrays."""
    return lambda random: [call([spaced(random, shape) for shape in one], **keywords) for one in shapes]


def both(*makers: Callable[[Random], list[Sample]]) -> Callable[[Random], list[Sample]]:
    """Return the samples of several makers."""
    return lambda random: [sample for maker in makers for sample in maker(random)]


def with_arguments(*pairs: tuple[Shape, tuple[Any, ...]], **keywords: Any) -> Callable[[Random], list[Sample]]:
    """Return samples of a function of one array of each shape and further arguments that are not variables."""
    return lambda random: [call(spaced(random, shape), *rest, **keywords) for shape, rest in pairs]


SAMPLES: dict[Callable[..., Any], Callable[[Random], list[Sample]]] = {
    # elementwise
    np.add: binary(),
    np.subtract: binary(),
    np.multiply: binary(),
    np.divide: binary(b=(0.5, 2)),
    np.negative: unary(),
    np.positive: unary(),
    np.power: both(
        binary(a=(0.3, 2)),
        lambda random: [call(spaced(random, (3, 4)), exponent) for exponent in (2, 3.0, 1, 0)],
        lambda random: [call(spaced(random, (4,), 0.5, 2), -1.5), call(spaced(random, (3,)), np.array([2, 3, 1]))],
    ),
    np.exp: unary(),
    np.log: unary(0.2, 3),
    np.sqrt: unary(0.2, 3),
    np.tanh: unary(),
    np.absolute: unary(),
    np.maximum: binary(a=(-2, 2), b=(-1.9, 2.05)),
    np.minimum: binary(a=(-2, 2), b=(-1.9, 2.05)),
    np.where: where_samples,
    np.sign: unary(),
    np.astype: with_arguments(((3, 4), (np.float64,)), ((), (np.float64,)), ((0, 2), (np.float64,))),
    # reductions
    np.sum: reduction(),
    np.mean: reduction(empty=False),
    np.max: reduction(empty=False),
    np.min: reduction(empty=False),
    # linear algebra
    np.matmul: matmul_samples,
    # shape
    np.reshape: with_arguments(((2, 6), ((3, 4),)), ((2, 6), (-1,)), ((), ((1, 1),)), ((0, 3), ((3, 0),))),
    np.transpose: with_arguments(((2, 3), ()), ((2, 3, 4), ((2, 0, 1),)), ((2, 3, 4), ((0, -1, 1),)), ((), ())),
    np.matrix_transpose: of_shapes([(2, 3)], [(4, 2, 3)], [(0, 3)]),
    np.expand_dims: with_arguments(((2, 3), (1,)), ((2, 3), ((0, -1),)), ((), (0,)), ((0,), (-1,))),
    np.broadcast_to: with_arguments(((3,), ((2, 3),)), ((2, 1), ((4, 2, 3),)), ((), ((2,),)), ((1,), ((0,),))),
    np.concatenate: both(
        lists_of([(2, 3), (1, 3), (0, 3)], [(2,), (3,)]),
        lists_of([(2, 3), (2, 1)], axis=-1),
        lists_of([(2, 3), (2,)], axis=None),
    ),
    np.stack: both(lists_of([(2, 3), (2, 3)], [(), ()]), lists_of([(2, 3), (2, 3), (2, 3)], axis=-1)),
    join: of_shapes([(2, 3), (1, 3)], [(2,), (0,), (1,)]),
    # indexing
    operator.getitem: getitem_samples,
    operator.setitem: setitem_samples,
    place: place_samples,
    # functional
    functional.relu: unary(),
    functional.sigmoid: unary(-4, 4),
    functional.softmax: both(
        with_arguments(((3, 4), ()), ((5,), ()), ((0, 3), ())), with_arguments(((3, 4), ()), axis=0)
    ),
    functional.log_softmax: both(
        with_arguments(((3, 4), ()), ((5,), ())), with_arguments(((2, 3, 2), ()), axis=(0, 2))
    ),
    functional.linear: of_shapes(
        [(4, 2), (3, 2), (3,)], [(2,), (3, 2), (3,)], [(2, 4, 2), (3, 2), (3,)], [(0, 2), (3, 2), (3,)]
    ),
    functional.cross_entropy: cross_entropy_samples,
}


def samples_of(function: Callable[..., Any]) -> list[Sample]:
    """Return the samples of a registered function, the same at every call; none if it has none."""
    if function not in SAMPLES:
        return []
    return SAMPLES[function](np.random.default_rng(zlib.crc32(full_name(function).encode())))
