"""Arrays whose memory somebody else can write to, or whose elements are no numbers: followed, or refused."""

import ctypes

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.refusing import outcome


def dates():
    days = np.array(["2020-01-01", "2020-01-02"], "datetime64[D]")
    return (lambda x: x * float(days[0].astype(int))), lambda: days.__setitem__(0, np.datetime64("2021-01-01"))


def spans_of_time():
    days = np.array([1, 2], "timedelta64[D]")
    return (lambda x: x * float(days[0].astype(int))), lambda: days.__setitem__(0, 5)


def text():
    names = np.array(["a", "b"])
    return (lambda x: x * (2.0 if names[0] == "a" else 3.0)), lambda: names.__setitem__(0, "c")


def bytes_in_an_array():
    names = np.array([b"a", b"b"])
    return (lambda x: x * (2.0 if names[0] == b"a" else 3.0)), lambda: names.__setitem__(0, b"c")


def objects():
    numbers = np.array([2.0, None], object)
    return (lambda x: x * numbers[0]), lambda: numbers.__setitem__(0, 3.0)


def lists_in_an_array():
    numbers = np.empty(1, object)
    numbers[0] = [2.0]
    return (lambda x: x * numbers[0][0]), lambda: numbers[0].__setitem__(0, 3.0)


def fields():
    table = np.array([(2.0, 1)], [("scale", float), ("count", int)])
    return (lambda x: x * float(table["scale"][0])), lambda: table.__setitem__(0, (3.0, 1))


def a_read_only_view():
    table = np.array([2.0, 1.0])
    view = table.view()
    view.flags.writeable = False
    return (lambda x: x * np.sum(view)), lambda: table.__setitem__(0, 3.0)


def a_read_only_view_in_a_hidden_place():
    hidden = np.array([2.0, 1.0])
    view = hidden.view()
    view.flags.writeable = False
    return hold(view, lambda: hidden.__setitem__(0, 3.0))


def a_broadcast_array_in_a_hidden_place():
    hidden = np.array([2.0])
    return hold(np.broadcast_to(hidden, 2), lambda: hidden.__setitem__(0, 3.0))


def a_buffer_in_a_hidden_place():
    memory = bytearray(np.array([2.0, 1.0]).tobytes())
    return hold(lambda: np.frombuffer(memory), lambda: np.frombuffer(memory).__setitem__(0, 3.0))


def a_read_only_buffer_in_a_hidden_place():
    memory = bytearray(np.array([2.0, 1.0]).tobytes())
    view = memoryview(memory).toreadonly()
    return hold(lambda: np.frombuffer(view), lambda: np.frombuffer(memory).__setitem__(0, 3.0))


def a_sliding_window_in_a_hidden_place():
    hidden = np.array([2.0, 1.0, 1.0])
    return hold(np.lib.stride_tricks.sliding_window_view(hidden, 2), lambda: hidden.__setitem__(0, 3.0))


def a_masked_array():
    table = np.ma.masked_array([2.0, 1.0], [False, True])
    return (lambda x: x * float((table * 1.0).sum())), lambda: setattr(table, "mask", [False, False])


def a_matrix():
    with pytest.warns(PendingDeprecationWarning):
        table = np.matrix([[2.0, 1.0], [0.0, 1.0]])
    return (lambda x: np.sum(x * (table * table)[0, 0])), lambda: None


class Hidden:
    """Holds something where no search finds it."""

    def __init__(self, made):
        ctypes.pythonapi.held_by_a_test = made

    def get(self):
        made = ctypes.pythonapi.held_by_a_test
        return made() if callable(made) else made


def hold(made, change):
    hidden = Hidden(made)
    return (lambda x: np.sum(x * hidden.get())), change


CASES = [
    dates, spans_of_time, text, bytes_in_an_array, objects, lists_in_an_array, fields, a_read_only_view,
    a_read_only_view_in_a_hidden_place, a_broadcast_array_in_a_hidden_place, a_buffer_in_a_hidden_place,
    a_read_only_buffer_in_a_hidden_place, a_sliding_window_in_a_hidden_place, a_masked_array, a_matrix,
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case.__name__.replace("_", " ") for case in CASES])
@pytest.mark.parametrize("argument", [2.0, np.array([1.0, 2.0])], ids=["a number", "an array"])
def test_what_a_step_reads_is_followed_or_refused(case, argument):
    function, change = case()
    step = ad.capture(function)
    for call in range(12):
        if call == 8:
            change()
        found, refusal = outcome(step, argument)
        if refusal:
            return
    np.testing.assert_array_equal(found, function(argument))


def a_view_and_a_buffer(memory):
    """Two arrays on one memory that NumPy knows nothing of."""
    return np.frombuffer(memory), np.frombuffer(memory)


def a_window(memory):
    array = np.frombuffer(memory)
    return array, np.lib.stride_tricks.sliding_window_view(array, array.size)[0]


def parts_that_overlap(memory):
    return np.frombuffer(memory)[:2], np.frombuffer(memory, offset=8)


PAIRS = pytest.mark.parametrize("pair", [a_view_and_a_buffer, a_window, parts_that_overlap])


@PAIRS
def test_two_arrays_of_the_closure_on_one_memory(pair):
    def run(capture):
        first, second = pair(bytearray(np.arange(3.0).tobytes()))

        @capture
        def function(x):
            before = np.sum(second) * 2
            first[...] += x
            return before + np.sum(second)

        found = []
        for i in range(9):
            result, refusal = outcome(function, 1.0 * i)
            if refusal:
                assert "memory" in refusal
                return None
            found.append(float(result))
        return found

    assert run(ad.capture) in (None, run(lambda function: function))


@PAIRS
def test_an_argument_on_the_memory_of_the_closure(pair):
    def run(capture):
        first, second = pair(bytearray(np.arange(3.0).tobytes()))

        @capture
        def function(x, given):
            before = np.sum(given) * 2
            first[...] += x
            return before + np.sum(given)

        found = []
        for i in range(9):
            result, refusal = outcome(function, 1.0 * i, second)
            if refusal:
                assert "memory" in refusal
                return None
            found.append(float(result))
        return found

    assert run(ad.capture) in (None, run(lambda function: function))


@PAIRS
@pytest.mark.parametrize("late", [False, True], ids=["from the start", "late"])
def test_two_arguments_on_one_memory(pair, late):
    def run(capture):
        pairs = [pair(bytearray(np.arange(3.0).tobytes())), pair(bytearray(np.arange(3.0).tobytes()))]

        @capture
        def function(first, second, x):
            before = np.sum(second) * 2
            first[...] += x
            return before + np.sum(second)

        found = []
        for i in range(9):
            apart = late and i < 7
            result, refusal = outcome(function, pairs[0][0], pairs[1 if apart else 0][1], 1.0 * i)
            if refusal:
                assert "memory" in refusal
                return None
            found.append(float(result))
        return found

    assert run(ad.capture) in (None, run(lambda function: function))


def test_memory_shared_with_torch():
    torch = pytest.importorskip("torch")
    tensor = torch.ones(2, dtype=torch.float64)
    first, second = tensor.numpy(), tensor.numpy()

    def function(x):
        before = np.sum(second) * 2
        first[...] += x
        return before + np.sum(second)

    step = ad.capture(function)
    expected = np.ones(2)
    for i in range(10):
        if i == 8:
            tensor += 1
            expected += 1
        found, refusal = outcome(step, 1.0 * i)
        if refusal:
            assert "memory" in refusal
            return
        before = expected.sum() * 2
        expected += i
        assert found == before + expected.sum()
    np.testing.assert_array_equal(tensor.numpy(), expected)


def test_arrays_side_by_side_on_one_memory_are_no_reason_to_refuse():
    memory = bytearray(np.arange(4.0).tobytes())
    first, second = np.frombuffer(memory, count=2), np.frombuffer(memory, offset=16)

    @ad.capture
    def function(x):
        first[...] += x
        return np.sum(second) + np.sum(first)

    for i in range(8):
        assert outcome(function, 1.0 * i)[1] == ""
    np.testing.assert_array_equal(np.frombuffer(memory), [28.0, 29.0, 2.0, 3.0])
