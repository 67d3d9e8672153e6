"""Sample inputs for gradcheck: how they are made.

A function's samples are arguments as a user would pass them. Every float64 array among them, in a list too, is a
variable. They stay away from kinks, ties and the ends of domains, where a numerical derivative means nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Random = np.random.Generator
Shape = tuple[int, ...]


class Sample(NamedTuple):
    """One call of a function.

    before: what to do to every variable first, to keep it in the domain, as a symmetric matrix is when one of its
    elements is moved; it leaves the variables of this sample as they are.
    """

    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    before: Callable[[Any], Any] | None = None

    def __repr__(self) -> str:
        keywords = [f"{name}={value!r}" for name, value in self.keywords.items()]
        return ", ".join([*map(show, self.arguments), *keywords])


Maker = Callable[[Random], list[Sample]]


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


def unary(low: float = -2.0, high: float = 2.0, **keywords: Any) -> Maker:
    """Return samples of an elementwise function of one array, on numbers between low and high."""

    def samples(random: Random) -> list[Sample]:
        arrays = [spaced(random, shape, low, high) for shape in [(3, 4), (5,), (), (0, 3), (2, 1, 3)]]
        return [call(array, **keywords) for array in [*arrays, strided(random, low, high)]]

    return samples


def binary(a: tuple[float, float] = (-2, 2), b: tuple[float, float] = (-2, 2)) -> Maker:
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


def of_shapes(*shapes: Sequence[Shape]) -> Maker:
    """Return samples of a function of arrays of each list of shapes."""
    return lambda random: [call(*[spaced(random, shape) for shape in one]) for one in shapes]


def lists_of(*shapes: list[Shape], **keywords: Any) -> Maker:
    """Return samples of a function that takes a list of arrays."""
    return lambda random: [call([spaced(random, shape) for shape in one], **keywords) for one in shapes]


def both(*makers: Maker) -> Maker:
    """Return the samples of several makers."""
    return lambda random: [sample for maker in makers for sample in maker(random)]


def with_arguments(*pairs: tuple[Shape, tuple[Any, ...]], **keywords: Any) -> Maker:
    """Return samples of a function of one array of each shape and further arguments that are not variables."""
    return lambda random: [call(spaced(random, shape), *rest, **keywords) for shape, rest in pairs]
