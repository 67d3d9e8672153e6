"""Who makes, reads and writes what; views count as their memory, whatever the passes put in its place."""

import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.compiler.compiler import program_of
from autodiff.compiler.passes.uses import Uses, dummy, is_contiguous, made_array, view
from autodiff.compiler.record.recording import record
from autodiff.compiler.record.trace import Storage, Value


def uses_of(function, *args):
    program = program_of(record(function, args, {}, set()), exact=True)
    return Uses(program), program, {call.function: call for call in program.calls}


X = np.arange(12.0).reshape(3, 4)


def test_makers_and_readers():
    uses, program, calls = uses_of(lambda x: np.exp(np.sin(x)) + np.sin(x)[0], X)
    made = calls[np.exp].results[0]
    assert uses.makers[made.storage] is calls[np.exp]
    assert uses.readers[made.storage] == [calls[np.add]]
    assert uses.readers[program.inputs[0].storage] == [call for call in program.calls if call.function is np.sin]


def test_a_reader_of_a_view_reads_the_array():
    uses, _, calls = uses_of(lambda x: np.exp(np.sin(x).T[1:]), X)
    assert uses.readers[calls[np.sin].results[0].storage] == [calls[np.exp]]
    assert uses.made_for(calls[np.sin].results[0], calls[np.exp]) is calls[np.sin]
    assert uses.made_for(calls[np.exp].args[0], calls[np.exp]) is None  # which is a view, not what was made


def test_what_is_read_twice_or_at_the_end_is_not_made_for_one_reader():
    def function(x):
        twice, kept, once = np.sin(x), np.cos(x), np.tan(x)
        return np.exp(twice) + twice, kept.T, np.log(kept), np.sqrt(once)

    with np.errstate(all="ignore"):
        uses, _, calls = uses_of(function, X)
    assert uses.made_for(calls[np.sin].results[0], calls[np.exp]) is None
    assert uses.made_for(calls[np.cos].results[0], calls[np.log]) is None
    assert uses.made_for(calls[np.tan].results[0], calls[np.sqrt]) is calls[np.tan]


def test_what_is_written_into_is_not_made_once():
    def function(x):
        t, u = np.sin(x), np.cos(x)
        t.T[0] = 1
        return t, u

    uses, _, calls = uses_of(function, X)
    assert uses.made_once(calls[np.sin].results[0]) is None
    assert uses.made_once(calls[np.cos].results[0]) is calls[np.cos]
    assert uses.writers[calls[np.sin].results[0].storage] == [calls[operator.setitem]]


def test_arguments_numbers_and_constants_are_not_made():
    uses, program, _ = uses_of(lambda x: x + np.tile(1.0, 4), X)
    assert uses.made_once(program.inputs[0]) is None
    assert uses.made_once(3.0) is None
    assert uses.made_once(program.calls[0].args[1]) is None


def test_what_a_call_only_writes_over_it_does_not_read():
    def function(x):
        t, u = np.sin(x), np.cos(x)
        t[...] = x
        np.copyto(u, x)
        np.add(x, x, out=t)
        return t, u

    uses, _, calls = uses_of(function, X)
    assert not uses.readers[calls[np.sin].results[0].storage]
    assert not uses.readers[calls[np.cos].results[0].storage]
    assert len(uses.writers[calls[np.sin].results[0].storage]) == 2


def test_the_base_of_a_view_is_found_through_the_named_functions():
    uses, _, calls = uses_of(lambda x: np.exp(np.sin(x).reshape(4, 3).T[1:]), X)
    made, shown = calls[np.sin].results[0], calls[np.exp].args[0]
    assert uses.base(shown, np.transpose, np.reshape) is shown
    assert uses.base(shown, np.transpose, np.reshape, operator.getitem) is made
    assert uses.base(made, np.transpose) is made


SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(shape=SHAPES, turned=st.booleans(), step=st.sampled_from([1, 2, -1]), dtype=st.sampled_from(["f4", "f8", "i1"]))
def test_contiguity_is_that_of_numpy(shape, turned, step, dtype):
    array = np.zeros(shape, dtype)[::step]
    array = array.T if turned else array
    value = Value(Storage("made"), "array", array.shape, array.dtype, array.strides)
    assert is_contiguous(value) == array.flags.c_contiguous
    assert (dummy(value).shape, dummy(value).strides) == (array.shape, array.strides)


def test_a_view_is_of_the_same_memory():
    value = made_array(X)
    call, shown = view(np.transpose, value)
    assert call.is_view
    assert call.results == [shown]
    assert shown.storage is value.storage
    assert (shown.shape, shown.strides) == ((4, 3), (8, 32))


def test_a_made_array_is_a_copy_in_aligned_memory():
    value = made_array(X.T)
    np.testing.assert_array_equal(value.array, X.T)
    assert not np.may_share_memory(value.array, X)
    assert value.array.ctypes.data % 64 == 0
    assert value.storage.kind == "constant"


VIEWS = {
    "once": lambda t: t.T,
    "twice": lambda t: t[::-1].T,
    "three times": lambda t: t[1:].T[::-1],
    "four times": lambda t: t[1:].T[::-1][:, 1:],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_views_of_views_of_constants_and_copies(view):
    def function(x):
        t = np.sin(x)
        shown, constant = view(t.copy()), view(np.ones((3, 4)) * 2)
        again = view(np.ones((3, 4)) * 2)
        return shown + constant, np.exp(t) * 2, shown * again, np.cos(x) + t

    step = ad.capture(function, exact=True)
    for i in range(7):
        for found, expected in zip(step(X * i / 9), function(X * i / 9), strict=True):
            np.testing.assert_array_equal(found, expected)
