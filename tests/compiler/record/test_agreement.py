"""Whether two recorded runs of a step did the same: what may differ from run to run, and what may not."""

import re
import threading

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.record.agreement import Correspondence, check_nothing_hidden, difference, in_words
from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.recording import TensorOutput, record
from autodiff.compiler.record.trace import Storage, Value

X = np.arange(6.0).reshape(2, 3)


def compared(first, second, *args, then=None):
    """Return in what a run of one function differs from a run of another."""
    return difference(record(first, args, {}, set()), record(second, args if then is None else then, {}, set()))


def test_two_runs_on_other_contents_agree():
    def function(x, n):
        return np.sum(np.exp(x.T) * n) + np.arange(2.0), {"a": [x[0], None, "b"]}

    assert compared(function, function, X, 1.5, then=(X + 1, 2.5)) == ""


def test_arguments_may_lie_in_another_order():
    assert compared(lambda x: np.sin(x) * 2, lambda x: np.sin(x) * 2, X.T, then=(X.T.copy(),)) == ""


DIFFERENT = {
    "another function": (lambda x: np.sin(x), lambda x: np.cos(x), "called np.sin .* the next np.cos"),
    "another number": (lambda x: x * 2, lambda x: x * 3, "np.multiply .* was given 3, and 2 a call before"),
    "a number of another type": (lambda x: x * 2, lambda x: x * 2.0, "was given 2.0, and 2 a call before"),
    "truth for a number": (lambda x: x * 1, lambda x: x * True, "was given True, and 1"),
    "another constant": (lambda x: x * np.ones(3), lambda x: x * np.zeros(3), "was given a constant array"),
    "a constant of another dtype": (lambda x: x * np.ones(3), lambda x: x * np.ones(3, "f4"), "array of float32"),
    "a constant of another shape": (lambda x: x * np.ones(3), lambda x: x * np.ones((1, 3)), r"\(1, 3\)"),
    "another index": (lambda x: x[0], lambda x: x[1], "was given 1, and 0 a call before"),
    "another slice": (lambda x: x[:, 1:], lambda x: x[:, :2], "was given"),
    "another axis": (lambda x: np.sum(x, axis=0), lambda x: np.sum(x, axis=1), "was given 1, and 0"),
    "another length": (lambda x: np.concatenate([x, x]), lambda x: np.concatenate([x, x, x]), "was given"),
    "another operand": (lambda x: np.sin(x) * np.cos(x), lambda x: swapped(x), "np.multiply .* was given"),
    "a call more": (lambda x: x * 2, lambda x: np.sin(x * 2), "np.sin .* was called in one run of the step and not"),
    "a call fewer": (lambda x: np.sin(x * 2), lambda x: x * 2, "np.sin .* was called in one run of the step and not"),
    "an argument less": (lambda x: np.sum(x, 0), lambda x: np.sum(x), "was given None, and 0 a call before"),
    "another keyword": (lambda x: np.sum(x, axis=0), lambda x: np.sum(x, axis=0, keepdims=True), "way|True, and None"),
    "a keyword less": (lambda x: np.argsort(x, kind="stable"), lambda x: np.argsort(x), "argsort"),
    "another output": (lambda x: (x * 2, 1), lambda x: (x * 2, 2), "returned"),
    "another of its results": (lambda x: both(x)[0], lambda x: both(x)[1], "returned"),
    "a list for a tuple": (lambda x: [x * 2], lambda x: (x * 2,), "returned"),
    "a tensor for an array": (lambda x: (ad.Tensor(x) * 2).data, lambda x: ad.Tensor(x) * 2, "returned"),
    "another key": (lambda x: {"a": x * 2}, lambda x: {"b": x * 2}, "returned"),
    "a dtype": (lambda x: x.astype("f4"), lambda x: x.astype("f2"), "convert .* was given"),
}  # fmt: skip


def both(x):
    return np.sin(x), np.cos(x)


def swapped(x):
    left, right = np.sin(x), np.cos(x)
    return right * left


@pytest.mark.parametrize(("first", "second", "words"), DIFFERENT.values(), ids=DIFFERENT)
def test_the_first_difference_is_named(first, second, words):
    assert re.search(words, compared(first, second, X))
    assert compared(first, first, X) == ""
    assert compared(second, second, X) == ""


def test_what_can_be_done_is_said():
    assert "Pass what changes as an argument" in compared(lambda x: x * 2, lambda x: x * 3, X)


def test_an_argument_of_another_shape():
    def function(x):
        return np.sin(x)

    assert "(3, 2)" in compared(function, function, X, then=(X.T.copy(),))


def test_not_a_number_agrees_with_itself():
    def function(x):
        return np.where(x > 1, x, np.nan) + float("nan") + np.array([np.nan, 1, 2])

    assert compared(function, function, X) == ""


def test_a_place_that_was_not_there_before():
    state, other = np.ones(3), np.ones(3)
    assert "state, which was not there" in compared(lambda x: x * 2, lambda x: x * state, X)
    assert "other, which was not there" in compared(lambda x: x * state, lambda x: x * other, X)


def test_draws_agree_whatever_they_are():
    rng = np.random.default_rng(0)

    def function(x):
        return x + rng.normal(size=3)

    assert compared(function, function, X) == ""


def made(shape=(2,), dtype="f8", kind="made", form="array"):
    dtype = np.dtype(dtype)
    return Value(Storage(kind), form, shape, dtype, tuple(dtype.itemsize for _ in shape))


ALIKE = [
    (1, 1, True), (1, 2, False), (1, 1.0, False), (1, True, False), (0.5, 0.5, True), ("a", "a", True),
    (None, None, True),    (float("nan"), float("nan"), True),
    (float("nan"), 1.0, False), ([1, (2,)], [1, (2,)], True), ([1], (1,), False),
    ([1], [1, 2], False), ({"a": 1}, {"a": 1}, True), ({"a": 1}, {"b": 1}, False), ({"a": 1}, {"a": 2}, False),
    (slice(1, 2), slice(1, 2), True), (slice(1, 2), slice(1, 3), False), (np.dtype("f4"), np.dtype("f4"), True),
    (np.float32(1), np.float64(1), False), (np.sin, np.sin, True), (Ellipsis, Ellipsis, True), (..., None, False),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right", "same"), ALIKE, ids=str)
def test_arguments_that_are_the_same(left, right, same):
    assert Correspondence().agree(left, right) is same
    assert Correspondence().agree(right, left) is same


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (made(), made(), True),
        (made(), made((3,)), False),
        (made(), made(dtype="f4"), False),
        (made(), made(kind="held"), False),
        (made((), form="scalar"), made((), form="number"), False),
        (made(), 3, False),
    ],
)
def test_values_that_look_the_same(left, right, same):
    assert Correspondence().agree(left, right) is same


def test_a_value_has_one_partner():
    same = Correspondence()
    left, right, other = made(), made(), made()
    assert same.agree(left, right)
    assert same.agree(left, right)
    assert not same.agree(left, other)
    assert same.agree(TensorOutput(left), TensorOutput(right))
    assert not same.agree(TensorOutput(left), right)


def test_constants_are_the_same_in_their_contents():
    values = [made(kind="constant") for _ in range(3)]
    for value, contents in zip(values, ([1, np.nan], [1, np.nan], [1, 2]), strict=True):
        value.array = np.array(contents, float)
    assert Correspondence().agree(values[0], values[1])
    assert not Correspondence().agree(values[0], values[2])


class Library:
    """Stands for a library that keeps an array where capture does not look."""

    def __init__(self, writeable):
        array = np.ones(3)
        array.flags.writeable = writeable
        threading.current_thread().kept_by_a_test = array

    def __call__(self, x):
        return x * threading.current_thread().kept_by_a_test


@pytest.mark.parametrize("writeable", [True, False])
def test_an_array_that_lives_out_of_sight_is_refused_unless_it_cannot_change(writeable):
    library = Library(writeable)
    runs = [record(lambda x: library(x), (X,), {}, set()) for _ in range(2)]
    assert difference(*runs) == ""
    if writeable:
        with pytest.raises(CaptureError, match="lives in a place where capture does not find it"):
            check_nothing_hidden(*runs)
    else:
        check_nothing_hidden(*runs)


def test_constants_that_are_made_in_each_run_are_not_hidden():
    runs = [record(lambda x: x * np.ones(3) + [1, 2, 3], (X,), {}, set()) for _ in range(2)]
    check_nothing_hidden(*runs)


@pytest.mark.parametrize(("part", "words"), [
    (made((2, 3)), "an array of float64 (2, 3)"),
    (made((2,), kind="constant"), "a constant array of float64 (2,)"),
    (Value(Storage("held", "weight"), "array", (2,), np.dtype("f4"), (4,)), "weight of float32 (2,)"),
    (np.sin, "np.sin"), (3, "3"), ("a", "'a'"), (None, "None"),
])  # fmt: skip
def test_arguments_in_words(part, words):
    assert in_words(part) == words


class Counters:
    first, second = 1, 1


@pytest.mark.parametrize("swapped", [False, True])
def test_a_run_that_asks_more_of_its_counters_differs(swapped):
    counters = Counters()
    counters.first = counters.second = 1
    changing = {(id(vars(counters)), "first"), (id(vars(counters)), "second")}
    functions = [lambda x: x if counters.first else -x, lambda x: x if counters.first and counters.second else -x]
    before, after = (record(function, (X,), {}, changing) for function in functions[:: -1 if swapped else 1])
    assert "the step took another branch at" in difference(before, after)
