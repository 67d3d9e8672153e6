"""Stamps of saved arrays: any change of a large array changes them, be it one of many at once."""

import numpy as np
import pytest

from autodiff.stamps import SMALL, stamp

FLOATS = [np.float16, np.float32, np.float64]
INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]


def words_of(array):
    """Return the bits of an array, an integer an element."""
    return array.view(f"u{array.itemsize}")


def negate(array):
    array *= -1


def negate_two(array):
    array[[20, 21]] *= -1


def flip_top_bits(array):
    words_of(array)[...] ^= words_of(array).dtype.type(1 << (8 * array.itemsize - 1))


def flip_two_top_bits(array):
    words_of(array)[[20, 70]] ^= words_of(array).dtype.type(1 << (8 * array.itemsize - 1))


def flip_lowest_bit(array):
    words_of(array)[-1] ^= words_of(array).dtype.type(1)


def double(array):
    array *= 2


def swap(array):
    array[[20, 5000]] = array[[5000, 20]]


def reverse(array):
    array[:] = array[::-1].copy()


def shift(array):
    array[:] = np.roll(array, 1)


CHANGES = [negate, negate_two, flip_top_bits, flip_two_top_bits, flip_lowest_bit, double, swap, reverse, shift]


def plain(array):
    pass


def with_a_nan(array):
    array[7] = np.nan


def with_infinities(array):
    array[[7, 9]] = np.inf, -np.inf


def with_tiny_ones(array):
    array[[20, 21, 70]] = np.finfo(
        array.dtype
    ).smallest_normal  # beside which the others leave nothing of them in a sum


def zeros(array):
    array[:] = 0


FILLS = [plain, with_a_nan, with_infinities, with_tiny_ones, zeros]
CASES = [(dtype, fill) for dtype in FLOATS for fill in FILLS] + [(dtype, plain) for dtype in INTEGERS]


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("dtype", "fill"), CASES, ids=lambda part: part.__name__)
@pytest.mark.parametrize("extra", [0, 1])
def test_every_change_of_a_large_array_changes_its_stamp(dtype, fill, change, extra):
    rng = np.random.default_rng(0)
    array = (rng.uniform(1, 100, 80_000 + extra)).astype(dtype)
    assert array.nbytes > SMALL
    fill(array)
    before, first = array.copy(), stamp(array)
    assert stamp(before) == first
    if change is negate and np.dtype(dtype).kind == "u":
        np.negative(array, out=array)
    elif change is negate_two and np.dtype(dtype).kind == "u":
        array[[20, 21]] = np.negative(array[[20, 21]])
    else:
        change(array)
    assert (stamp(array) == first) is (array.tobytes() == before.tobytes())


def test_the_stamp_of_a_list_tells_its_structure():
    small = np.arange(3)
    assert stamp([[1, 2], [3]]) != stamp([[1], [2, 3]])
    assert stamp([small, 1]) == stamp([small.copy(), 1])
    assert stamp([small, 1]) != stamp([small + 1, 1])
