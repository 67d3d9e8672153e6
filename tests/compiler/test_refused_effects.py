"""What a step changes besides arrays, which a replay would leave as it is: refused, or followed."""

import copy
import functools
import itertools
import threading

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.refusing import call, network, outcome, refused


def test_a_list_that_is_appended_to_and_read_in_the_step_is_refused():
    losses = []

    def function(x):
        losses.append(np.sum(x))
        return x * losses[-1]

    message = refused(ad.capture(function), "reading losses, a list that the step appends to")
    assert "keep what the step needs of it in a variable" in message


def test_an_entry_added_to_a_dict_in_the_step_is_refused():
    seen = {}

    def function(x):
        seen[len(seen)] = x * 2
        return x

    refused(ad.capture(function), "seen had")


def test_an_attribute_set_to_something_new_in_every_step_is_refused():
    model = network()

    def function(x):
        model.latest = [x * 2]
        return model(x)

    refused(ad.capture(function), r"model\.latest|model had")


def test_a_list_that_grows_by_numbers_is_refused():
    counts = []

    def function(x):
        counts.append(len(counts))
        return x

    refused(ad.capture(function), "the length of counts")


def test_text_that_changes_in_every_step_is_refused():
    label = "a"

    def function(x):
        nonlocal label
        label += "a"
        return x * len(label)

    refused(ad.capture(function), "label", times=20)


def test_a_variable_that_turns_from_nothing_into_an_array_settles_or_is_refused():
    cache = None

    def function(x):
        nonlocal cache
        cache = x * 2 if cache is None else cache + x
        return cache * 1

    step = ad.capture(function)
    expected = np.zeros(2)
    for i in range(9):
        x = np.array([1.0, i])
        expected = x * 2 if i == 0 else expected + x
        found, refusal = outcome(step, x)
        if refusal:
            assert "cache" in refusal
            break
        np.testing.assert_array_equal(found, expected)


def test_a_list_of_arrays_that_is_rotated_is_refused_or_followed():
    def build():
        history = [np.zeros(2), np.zeros(2)]

        def function(x):
            history.append(x + history.pop(0))
            return history[0] - history[1]

        return function

    eager, step = build(), ad.capture(build())
    for i in range(9):
        x = np.array([1.0, i])
        expected = eager(x)
        found, refusal = outcome(step, x)
        if refusal:
            assert "history" in refusal
            break
        np.testing.assert_array_equal(found, expected)


def test_a_call_that_is_not_made_every_time_is_refused(tmp_path):
    switch = tmp_path / "switch"

    def function(x):
        return np.exp(x) if switch.exists() else np.sin(x)

    step = ad.capture(function)
    call(step, 1)
    switch.touch()
    message = refused(step, r"np\.sin.*np\.exp", 1)
    assert "test_refused_effects.py" in message


def test_a_number_from_outside_that_changes_is_refused(tmp_path):
    path = tmp_path / "scale"
    path.write_text("1")
    step = ad.capture(lambda x: x * float(path.read_text()))
    call(step, 1)
    path.write_text("2")
    message = refused(step, r"np\.multiply.*was given 2\.0.*1\.0", 1)
    assert "argument" in message
    assert "test_refused_effects.py" in message


@pytest.mark.parametrize(
    "source",
    [
        lambda: iter(np.linspace(0.1, 1.0, 50).tolist()),
        lambda: iter(np.arange(40.0).reshape(20, 2)),
        lambda: (float(i) for i in range(50)),
        lambda: itertools.count(),
        lambda: enumerate([1.0] * 50),
        lambda: map(float, range(50)),
    ],
    ids=["numbers", "arrays", "a generator", "itertools", "enumerate", "map"],
)
def test_an_iterator_is_refused(source):
    batches = source()

    def function(x):
        taken = next(batches)
        return x * (taken[1] if isinstance(taken, tuple) else taken)

    message = refused(ad.capture(function), r"batches.*iterator|np\.multiply.*was given")
    assert "argument" in message


def test_an_iterator_over_equal_batches_is_refused_or_noticed():
    """Batches that begin equal and differ later: the recorder saw no difference, the check of the replays has to."""
    arrays = [np.ones(2)] * 5 + [np.full(2, float(i)) for i in range(2, 10)]
    batches = iter(arrays)
    step = ad.capture(lambda x: x * next(batches))
    for expected in arrays:
        found, refusal = outcome(step, np.ones(2))
        assert refusal or np.array_equal(found, expected)


class Hidden:
    """Holds an array where no search finds it: in what a function of Python's own returns."""

    def __init__(self, array):
        self.array = array

    @property
    def array(self):
        return threading.current_thread().hidden_by_a_test

    @array.setter
    def array(self, array):
        threading.current_thread().hidden_by_a_test = array


def test_a_hidden_array_that_changes_is_refused():
    hidden = Hidden(np.ones(2))
    step = ad.capture(lambda x: x * hidden.array)
    for i in range(9):
        hidden.array[...] = i
        found, refusal = outcome(step, np.ones(2))
        assert refusal or np.array_equal(found, [i, i])


def test_a_hidden_array_that_stays_the_same_is_refused_for_it_might_change():
    hidden = Hidden(np.ones(2))
    message = refused(ad.capture(lambda x: x * hidden.array), "capture does not find it")
    assert "test_refused_effects.py" in message
    assert "argument" in message


def test_a_hidden_array_that_cannot_be_written_to_is_accepted():
    hidden = Hidden(np.full(2, 3.0))
    hidden.array.flags.writeable = False
    np.testing.assert_array_equal(call(ad.capture(lambda x: x * hidden.array)), [3.0, 6.0])


def test_a_hidden_array_that_the_step_writes_is_refused():
    hidden = Hidden(np.ones(2))

    def function(x):
        hidden.array += x
        return hidden.array * 2

    message = refused(ad.capture(function), "recorder does not know")
    assert "where the function can reach it" in message


def test_a_value_kept_in_a_hidden_place_is_refused_when_it_is_used():
    hidden = Hidden(None)

    def function(x):
        found = x if hidden.array is None else x + hidden.array
        hidden.array = x * 2
        return found

    message = refused(ad.capture(function), "kept in a place out of the recorder's sight|recorded by an earlier call")
    assert "return it from the step" in message
    assert "test_refused_effects.py" in message


def test_a_value_kept_in_a_hidden_place_is_refused_outside_of_the_step():
    hidden = Hidden(None)

    def function(x):
        hidden.array = x * 2
        return x

    step = ad.capture(function)
    call(step, 1)
    with pytest.raises(ad.CaptureError, match="recorded by an earlier call"):
        hidden.array + 1


def test_an_array_computed_on_once_and_changed_later_is_refused():
    scale = np.array([1.0, 2.0])
    function = ad.capture(lambda x: x * np.exp(scale))
    call(function, 8)
    scale[0] = 5
    expected = np.array([1.0, 2.0]) * np.exp(scale)
    found, refusal = outcome(call, function, 1)
    assert ("scale" in refusal and "argument" in refusal) or np.array_equal(found, expected)


def test_an_array_that_holds_again_what_it_held_is_accepted():
    scale = np.array([1.0, 2.0])
    function = ad.capture(lambda x: x * np.exp(scale))
    first = call(function, 8)
    scale += 1
    scale -= 1
    np.testing.assert_array_equal(call(function, 1), first)


def test_an_array_in_a_place_that_cannot_be_changed_is_refused():
    frozen = functools.partial(np.multiply, np.ones(2))
    with pytest.raises(ad.CaptureError, match=r"frozen\.args.*argument"):
        call(ad.capture(lambda x: frozen(x)))
    assert type(frozen.args[0]) is np.ndarray


def test_a_partial_of_an_array_works_or_is_refused():
    step = ad.capture(functools.partial(lambda scale, x: x * scale, np.array([2.0, 3.0])))
    for _ in range(8):
        found, refusal = outcome(step, np.ones(2))
        assert "argument" in refusal or np.array_equal(found, [2.0, 3.0])


@pytest.mark.parametrize(
    ("given", "change"),
    [
        ([], lambda given, x: given.append(x)),
        ([1, "a"], lambda given, x: given.append(x)),
        ({}, lambda given, x: given.update(loss=x)),
        ({"losses": []}, lambda given, x: given["losses"].append(x)),
    ],
)
def test_what_a_step_puts_in_a_list_or_dict_among_its_arguments_is_not_left_there(given, change):
    before = copy.deepcopy(given)
    step = ad.capture(lambda x, given: change(given, np.sum(x)))
    with pytest.raises(ad.CaptureError, match="among its arguments"):
        step(np.ones(3), given)
    assert given == before


@pytest.mark.parametrize("keep", [functools.lru_cache, functools.cache], ids=["lru_cache", "cache"])
def test_what_is_recorded_is_not_kept_by_a_cache(keep):
    size = keep(lambda n: n + 1)
    table = keep(lambda n: np.tril(np.ones((n, n))))
    step = ad.capture(lambda x: table(size(2)) @ x)
    _, refusal = outcome(step, np.ones(3))
    assert "keeps what it returns, by functools.lru_cache" in refusal
    assert type(table(3)) is np.ndarray
    held = table(3)
    step = ad.capture(lambda x: held[: size(2)] @ x)
    for i in range(8):
        np.testing.assert_array_equal(step(np.ones(3) * i), table(3) @ np.ones(3) * i)
