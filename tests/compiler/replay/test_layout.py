"""The layout: an array for every Value of a program, in one block or of its own, and views opened once."""

import operator

import numpy as np
import pytest

from autodiff.compiler.compiler import compile_recording
from autodiff.compiler.passes.arrays import ALIGNMENT
from autodiff.compiler.passes.blocks import Loop
from autodiff.compiler.passes.program import Program
from autodiff.compiler.record.errors import CaptureError, Origin
from autodiff.compiler.record.recording import record
from autodiff.compiler.record.trace import Call, Storage, Value
from autodiff.compiler.replay.layout import Layout


def value(shape=(4,), kind="made", form="array", array=None, storage=None, dtype=np.float64):
    example = np.empty(shape, dtype) if array is None else array
    return Value(storage or Storage(kind), form, example.shape, example.dtype, example.strides, array)


def program(calls, inputs=(), outputs=None):
    return Program([*inputs], calls, [], [], outputs, ("warn",) * 4, exact=True)


def chain(*functions, shape=(4,)):
    """Return an input, the Values that functions make of it one after the other, and the program of that."""
    values = [value(shape, "input"), *(value(shape) for _ in functions)]
    calls = [Call(f, (values[i],), {}, [values[i + 1]]) for i, f in enumerate(functions)]
    return values, program(calls, values[:1], values[-1])


def test_every_value_has_an_array_of_its_shape_and_dtype_that_starts_at_a_cache_line():
    values, steps = chain(np.exp, np.sin, np.cos, shape=(3, 5))
    layout = Layout(steps)
    for one in values:
        assert (layout[one].shape, layout[one].dtype) == (one.shape, one.dtype)
        assert layout[one].ctypes.data % ALIGNMENT == 0


def test_the_axes_lie_in_memory_as_numpy_laid_them():
    columns = value(array=None)
    columns.shape, columns.strides = (3, 5), (8, 24)
    layout = Layout(program([Call(np.exp, (columns,), {}, [value((3, 5))])], [columns]))
    assert layout[columns].strides == (8, 24)


def test_what_is_read_later_is_not_overwritten_and_the_memory_of_what_is_done_is_used_again():
    x, a, b, total = (value(kind=kind) for kind in ("input", "made", "made", "made"))
    calls = [Call(np.exp, (x,), {}, [a]), Call(np.sin, (x,), {}, [b]), Call(np.add, (a, b), {}, [total])]
    layout = Layout(program(calls, [x], total))
    assert not np.shares_memory(layout[a], layout[b])
    assert not any(np.shares_memory(layout[x], layout[one]) for one in (a, b, total))
    (_, *made), steps = chain(*[np.exp] * 20, shape=(64,))
    layout = Layout(steps)
    assert steps.peak_bytes < sum(one.nbytes for one in made) / 4
    addresses = {layout[one].ctypes.data for one in made[:-1]}
    assert max(addresses) - min(addresses) < steps.peak_bytes


def test_an_array_that_exists_is_itself():
    own = np.arange(4.0)
    held = value(array=own, kind="held")
    layout = Layout(program([Call(np.exp, (held,), {}, [value()])]))
    assert layout[held] is own


def test_numbers_have_no_array():
    number = value((), "made", "number")
    layout = Layout(program([Call(operator.add, (1, 2), {}, [number])]))
    assert number not in layout.arrays
    with pytest.raises(CaptureError, match=r"an array of float64 \(\) is read before it is made"):
        _ = layout[number]


def opened(function, *args, result=(2, 2)):
    """Return the array of a (2, 2) input, and that of the view of it that a call opens."""
    x = value((2, 2), "input")
    view = value(result, storage=x.storage)
    call = Call(function, (x, *args), {}, [view], is_view=True, origin=Origin("step.py:3, in step", ""))
    layout = Layout(program([call], [x], view))
    return layout[x], layout[view]


def test_views_are_opened_once_on_the_memory_of_their_array():
    x, view = opened(np.transpose)
    x[...] = [[1, 2], [3, 4]]
    np.testing.assert_array_equal(view, [[1, 3], [2, 4]])
    x, row = opened(operator.getitem, 1, result=(2,))
    x[1] = 7
    np.testing.assert_array_equal(row, [7, 7])


def test_a_copy_where_there_was_a_view_is_refused_with_the_line():
    with pytest.raises(CaptureError, match=r"np\.copy at step\.py:3, in step made a copy where it had made a view"):
        opened(np.copy)


def test_a_view_of_nothing_may_be_anywhere():
    x = value((0, 2), "input")
    view = value((2, 0), storage=x.storage)
    layout = Layout(program([Call(lambda a: np.zeros((2, 0)), (x,), {}, [view], is_view=True)], [x], view))
    assert layout[view].shape == (2, 0)


WEIGHTS = np.linspace(-1, 1, 120).reshape(2, 60)


def loop_of(function):
    """Return the loop of a function of 4,000 samples, which are more than a block holds, and its layout."""
    recording = record(function, (np.linspace(0, 1, 8000).reshape(4000, 2),), {}, set())
    compiled, _ = compile_recording(recording, exact=False)
    (loop,) = [call.function for call in compiled.calls if isinstance(call.function, Loop)]
    return loop, Layout(compiled)


def test_the_blocks_of_a_loop_are_parts_of_their_arrays():
    loop, layout = loop_of(lambda x: np.tanh(np.sin(x @ WEIGHTS) * 0.5) @ WEIGHTS.T)
    assert loop.sliced
    for entry in loop.sliced:
        parts, whole = layout.slices[entry.part], layout[entry.whole]
        assert [part.shape[entry.axis] for part in parts] == [loop.length] * loop.count
        whole[...] = np.arange(whole.size).reshape(whole.shape)
        np.testing.assert_array_equal(np.concatenate(parts, axis=entry.axis), whole)
        assert layout[entry.part] is parts[0]


def test_what_a_loop_gathers_is_computed_in_its_place_where_that_is_in_one_piece():
    def function(x):
        h = np.tanh(np.sin(x @ WEIGHTS) * 0.5)
        return h, (h @ WEIGHTS.T).T * 2

    loop, layout = loop_of(function)
    (direct, direct_part), (across, across_part) = loop.gathered_parts()
    assert (direct.axis, across.axis) == (0, 1)
    assert np.shares_memory(layout[direct_part], layout[direct.whole])
    assert [part.shape for part in layout.slices[direct_part]] == [(loop.length, 60)] * loop.count
    assert not np.shares_memory(layout[across_part], layout[across.whole])
