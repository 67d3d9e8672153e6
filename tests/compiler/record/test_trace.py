"""Traces: what Values and calls know of themselves."""

import numpy as np
import pytest

from autodiff.compiler.record.errors import Origin
from autodiff.compiler.record.trace import NOWHERE, Call, Storage, Value, values_in


def value(array, source=None):
    return Value(Storage("constant"), "array", array.shape, array.dtype, array.strides, array, source)


@pytest.mark.parametrize("array", [np.ones((2, 3), np.float32), np.ones(()), np.zeros((0, 4), np.int8)], ids=str)
def test_sizes_are_those_of_the_array(array):
    assert (value(array).size, value(array).nbytes) == (array.size, array.nbytes)


def test_values_and_calls_are_told_apart_by_identity():
    array = np.ones(2)
    one, other = value(array), value(array)
    assert one != other
    assert len({one, other}) == 2
    assert Call(np.exp, (one,), {}, []) != Call(np.exp, (one,), {}, [])
    assert Storage("made") != Storage("made")


def test_a_constant_is_still_what_it_was_while_its_source_is():
    source = np.array([1.0, np.nan])
    copied = value(source.copy(), source)
    assert copied.is_still(source)
    source[0] = 2
    assert not copied.is_still(source)


def test_integers_and_text_are_compared_as_they_are():
    source = np.array([1, 2])
    assert value(source.copy(), source).is_still(source)
    assert not value(source.copy(), source).is_still(source + 1)


def test_what_was_copied_from_nothing_is_always_still():
    assert value(np.ones(2)).is_still(np.zeros(2))


def test_the_operands_of_a_call_are_those_in_lists_dicts_and_keywords_in_order():
    a, b, c, d = (value(np.ones(2)) for _ in range(4))
    call = Call(np.concatenate, ([a, (b, 1)], "text", {"key": c}), {"out": d, "axis": 0}, [a])
    assert call.operands() == [a, b, c, d]
    assert values_in([1, [a, {"x": b}], None]) == [a, b]


def test_a_derived_call_keeps_the_line_and_the_errstate_and_nothing_else():
    a, b = value(np.ones(2)), value(np.ones(2))
    origin = Origin("file.py:3, in step", "relu")
    call = Call(np.exp, (a,), {"dtype": "f4"}, [b], (a,), True, True, ("warn",) * 4, origin)
    derived = call.derived(np.add, (a, 1), [b], (b,), out=b)
    assert (derived.function, derived.args, derived.keywords) == (np.add, (a, 1), {"out": b})
    assert (derived.results, derived.written) == ([b], (b,))
    assert (derived.errstate, derived.origin) == (("warn",) * 4, origin)
    assert not derived.is_view
    assert not derived.draws
    assert derived.derived(np.sin, (a,)).results == []
    assert Call(np.exp, (a,), {}, []).origin == NOWHERE
