"""Functions that cannot tell a stand-in, and arrays that a step makes."""

import builtins
import collections.abc
import copy
import functools
import math
import numbers
import threading
from math import cos
from types import SimpleNamespace
from typing import (
    Any,
    Protocol,
    SupportsAbs,
    SupportsBytes,
    SupportsComplex,
    SupportsFloat,
    SupportsIndex,
    SupportsInt,
    SupportsRound,
    runtime_checkable,
)

import numpy as np
import pytest
from numpy import zeros

import autodiff as ad
from autodiff.compiler.record import shadows
from autodiff.compiler.record.environment import explore
from autodiff.compiler.record.recorder import Recorder
from tests.compiler.comparing import check_calls, each_exactness
from tests.compiler.refusing import network, refused

X = np.linspace(-1.0, 1.0, 6).reshape(3, 2)
TABLE = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
RNG = np.random.default_rng(3)


def of_points(function):
    def build(wrap):
        step = wrap(function)
        return lambda i: step(X + 0.1 * i)

    return build


def of_labels(function):
    def build(wrap):
        step = wrap(function)
        return lambda i: step(np.array([i % 3, 2 * i % 3]), float(i))

    return build


def of_a_float(function):
    def build(wrap):
        step = wrap(function)
        return lambda i: step(X, 0.5 * i)

    return build


def writing_by_rows(x):
    z = np.zeros((3, 2))
    for i in range(3):
        z[i] = np.tanh(x[i])
    return z


def writing_numbers(x):
    z = np.empty(3)
    for i in range(len(x)):
        z[i] = np.sum(x[i])
    return z, z[1]


def adding_up(x):
    z = zeros(2)
    for row in x:
        z += row
    return z


def looking_at_what_is_known(x):
    z = np.ones(2)
    count = int(z[0]) + int(np.arange(4).sum()) + len(np.flatnonzero(np.eye(3)))
    if z[0] > 0 and z.any():
        z[1] = x[0, 0]
    return z * x, count, [2.0 * part for part in np.arange(3)], float(np.array([2.5]).item())


def into_a_tensor(x):
    y = np.sum(ad.Tensor(x) ** 2, axis=1)
    z = ad.Tensor(np.zeros(3))
    z[1] = y[0]
    z[2] = np.sum(y)
    return z


def several_at_once(x):
    z = np.full((2, 3), 2.0)
    z[:, 1] *= x[0]
    z[np.arange(2), [0, 2]] = x[1]
    np.add.at(z, (0, [0, 0]), x[2])
    return z


def a_list_of_values(x):
    return np.array([x[0, 0], x[1, 1], 1.0]), np.array([list(x[0]), [0.0, 1.0]]), np.asarray(x) * 2, np.array(x)


def known_indices(x):
    mask = np.array([True, False, True])
    return (
        x[mask],
        x[np.arange(3) > 0],
        x[np.arange(3).nonzero()],
        np.reshape(x, np.array([2, 3])),
        x[np.ix_(np.array([0, 1]), np.array([1]))],
        x * len(np.unique(np.array([1, 1, 2]))),
        copy.deepcopy([np.ones(2)])[0] * x,
        sorted(np.array([3, 1, 2]))[0] * x,
        np.zeros(3).tobytes(),
        str(np.zeros(2)),
    )


def read_before_it_is_written(x):
    z = np.ones(2)
    before = z[0]
    z[0] = x[0, 0]
    return z * before, z[0]


MADE = {
    "known indices": of_points(known_indices),
    "read before": of_points(read_before_it_is_written),
    "rows": of_points(writing_by_rows),
    "numbers": of_points(writing_numbers),
    "a sum": of_points(adding_up),
    "what is known": of_points(looking_at_what_is_known),
    "a Tensor": of_points(into_a_tensor),
    "several ways": of_points(several_at_once),
    "a list": of_points(a_list_of_values),
    "one-hot": of_labels(lambda labels, x: np.eye(3)[labels] * x),
    "one-hot of a Tensor": of_points(lambda x: np.eye(2)[np.argmax(ad.Tensor(x), axis=1)] * x),
    "written by a Tensor": of_points(lambda x: written_by(np.argmax(ad.Tensor(x), axis=1))),
    "one-hot by np.take": of_labels(lambda labels, x: np.take(np.eye(3), labels, axis=0) * x),
    "one-hot by writing": of_labels(lambda labels, x: one_hot(labels) * x),
    "a table": of_labels(lambda labels, x: np.array(TABLE)[labels, 1] * x),
    "a table by np.take": of_labels(lambda labels, x: np.take(np.arange(20.0) ** 2, labels) + x),
    "one entry": of_labels(lambda labels, x: np.array(TABLE)[labels[0]] + x),
    "a permutation": of_points(lambda x: np.arange(3.0)[np.argsort(x[:, 0])] + x[:, 1]),
}


def written_by(labels):
    z = np.zeros((3, 2))
    z[np.arange(len(labels)), labels] = 1.0
    return z


def one_hot(labels):
    z = np.zeros((2, 3))
    z[np.arange(2), labels] = 1.0
    return z


@each_exactness
@pytest.mark.parametrize("build", MADE.values(), ids=MADE)
def test_an_array_that_the_step_makes_is_followed(build, exact):
    check_calls(build, exact)


def test_a_network_trains_through_an_array_that_the_step_makes():
    def build(wrap):
        model = network()
        optimizer = ad.Adam(model.parameters(), 0.01)

        def step(x):
            y = model(x)
            z = ad.Tensor(np.zeros((3, 1)))
            for i in range(3):
                z[i] = y[i] * 2
            loss = np.sum(z**2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        captured = wrap(step)
        return lambda i: (captured(X + 0.1 * i), [p.data for p in model.parameters()])

    check_calls(build, calls=20)


def test_what_was_made_an_ordinary_array_is_not_written_to_any_more():
    def function(x):
        z = np.zeros(2)
        shown = np.fromiter(z, float)
        hidden = memory_of(z)
        z[0] = x[0, 0]
        return hidden + shown + z

    message = refused(ad.capture(function), "made an ordinary one before", argument=X)
    assert "test_shadows.py" in message


def memory_of(array):
    return np.ndarray.__array__(np.matrix_transpose(array[None]).__array__())[:, 0]


TYPES = {
    "is": lambda x, n: x * 2 if type(x) is np.ndarray else x * 3,
    "==": lambda x, n: x * 2 if type(x) == np.ndarray else x * 3,  # noqa: E721
    "in": lambda x, n: x * 2 if type(n) in (float, int) else x * 3,
    "the name": lambda x, n: x * 2 if type(x).__name__ == "ndarray" else x * 3,
    "a table": lambda x, n: x * {np.ndarray: 2, float: 3}[type(n)],
    "issubclass": lambda x, n: x * 2 if issubclass(type(x), np.ndarray) else x * 3,
    "of a scalar": lambda x, n: x * 2 if type(np.sum(x)) is np.float64 else x * 3,
    "of the data of a Tensor": lambda x, n: x * 2 if type(ad.Tensor(x).data) is np.ndarray else x * 3,
    "of a Tensor": lambda x, n: x * 2 if type(ad.Tensor(x)) is ad.Tensor else x * 3,
    "of a Python number": lambda x, n: x * 2 if type(n + 1) is float else x * 3,
    "by its module": lambda x, n: x * 2 if builtins.type(x) is np.ndarray else x * 3,
    "of a type": lambda x, n: x * 2 if isinstance(type(x), type) and issubclass(type(type(x)), type) else x * 3,
    "isinstance": lambda x, n: x * 2 if isinstance(x, np.ndarray) and isinstance(n, float) else x * 3,
    "__class__": lambda x, n: x * 2 if x.__class__ is np.ndarray else x * 3,
    "an abstract class": lambda x, n: x * 2 if isinstance(x, collections.abc.Iterable) else x * 3,
    "three arguments": lambda x, n: x * type("Made", (), {"two": 2}).two,
}


@pytest.mark.parametrize("function", TYPES.values(), ids=TYPES)
def test_a_type_is_that_of_what_is_recorded(function):
    check_calls(of_a_float(function), calls=7)


def by_default(x, kind=type):
    return x * 2 if kind(x) is np.ndarray else x * 3


class ByOtherWays:
    def __init__(self):
        self.question, self.kinds, self.part, self.scale = type, [type], functools.partial(type), 2.0


BY_OTHER_WAYS = ByOtherWays()


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (by_default, r"the defaults of by_default\[0\]"),
        (lambda x: x * 2 if BY_OTHER_WAYS.question(x) is np.ndarray else x * 3, r"BY_OTHER_WAYS\.question"),
        (lambda x: x * 2 if BY_OTHER_WAYS.kinds[0](x) is np.ndarray else x * 3, r"BY_OTHER_WAYS\.kinds\[0\]"),
        (lambda x: x * 2 if BY_OTHER_WAYS.part(x) is np.ndarray else x * 3, r"BY_OTHER_WAYS\.part\.func"),
    ],
    ids=["a default", "an attribute", "an item", "a partial function"],
)
def test_type_is_refused_where_it_has_no_shadow(function, name):
    refused(ad.capture(function), rf"^{name} is `type`, .*; write type\(x\) in the code of the step")


def test_type_in_an_attribute_that_the_step_does_not_name_is_none_of_its_business():
    check_calls(of_a_float(lambda x, n: x * BY_OTHER_WAYS.scale), calls=7)


@runtime_checkable
class HasShape(Protocol):
    shape: Any


@runtime_checkable
class HasLength(Protocol):
    def __len__(self): ...


ABSTRACT = [
    *(getattr(collections.abc, name) for name in collections.abc.__all__ if name != "ByteString"),
    *(getattr(numbers, name) for name in numbers.__all__),
    *(SupportsInt, SupportsFloat, SupportsComplex, SupportsBytes, SupportsIndex, SupportsAbs, SupportsRound),
    *(HasShape, HasLength),
]
METHODS = (
    "__iter__",
    "__len__",
    "__getitem__",
    "__array__",
    "__array_ufunc__",
    "__float__",
    "__and__",
    "shape",
    "item",
)
RECORDED = {"float": 0.5, "int": 3, "np.float32": np.float32(2.0), "array": X}


def matched(part):
    match part:
        case collections.abc.Iterable():
            return "iterable"
        case numbers.Number():
            return "a number"
        case collections.abc.Hashable():
            return "hashable"
    return "something"


def what_is_told(part):
    told = [isinstance(part, kind) for kind in ABSTRACT]
    told += [isinstance(part, float | np.generic), builtins.isinstance(part, (list, collections.abc.Sized))]
    told += [hasattr(part, name) for name in METHODS]
    told += [getattr(part, name, None) is None for name in METHODS]
    return [*told, callable(part), matched(part), np.iterable(part)]


@pytest.mark.parametrize("start", RECORDED.values(), ids=RECORDED)
def test_python_tells_of_a_stand_in_what_it_tells_of_what_that_stands_for(start):
    told = []
    state = SimpleNamespace(now=start)

    def step(x):
        state.now = state.now + (x if isinstance(state.now, np.ndarray) else type(state.now)(1))
        told.append(what_is_told(state.now))
        return x * state.now

    captured = ad.capture(step)
    for _ in range(4):  # the lists that are appended to are Python's own, as long as nothing is compiled
        try:
            captured(np.array(1.0))
        except ad.CaptureError:
            break
    assert len(told) > 1
    assert told == [what_is_told(start)] * len(told)


NUMBERS = {
    "min": lambda x, n: x * min(1, n / 2),
    "max": lambda x, n: x * max(0.1, 1 - n, -n),
    "math.cos": lambda x, n: x * math.cos(n),
    "cos": lambda x, n: x * cos(n),
    "several": lambda x, n: x * (math.exp(-n) + math.sqrt(n) * math.pi + math.pow(n, 0.5) + math.hypot(n, 2.0)),
    "rounding": lambda x, n: x * (math.floor(n) + math.ceil(n) + round(n) + round(n, 1) + n // 1 + n % 2),
    "a NumPy function": lambda x, n: x * np.cos(n),
}


@pytest.mark.parametrize("function", NUMBERS.values(), ids=NUMBERS)
def test_a_function_of_a_number_is_called_in_every_replay(function):
    check_calls(of_a_float(function), exact=True)


@pytest.mark.parametrize("inside", [True, False], ids=["counted in the step", "counted outside"])
def test_a_schedule_of_a_counter(inside):
    def build(wrap):
        model = network()
        optimizer = ad.Adam(model.parameters(), 0.01)
        state = SimpleNamespace(count=0)

        def step(x):
            if inside:
                state.count += 1
            optimizer.learning_rate = 0.01 * min(1, state.count / 5) * (1 + math.cos(math.pi * state.count / 20)) / 2
            loss = np.mean(model(x) ** 2) * (state.count % 5 + 1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        captured = wrap(step)

        def call(i):
            state.count += not inside
            return captured(X + 0.1 * i), [p.data for p in model.parameters()], state.count

        return call

    check_calls(build, calls=20)


def test_everything_is_in_its_place_after_a_recording():
    before = {name: globals()[name] for name in ("np", "math", "cos", "zeros")}
    step = ad.capture(lambda x: x * min(1, 2) * math.cos(1.0) * cos(0.0) * zeros(2) * (type(x) is np.ndarray))
    for _ in range(3):
        step(X)
    assert all(globals()[name] is thing for name, thing in before.items())
    assert not {"min", "type"} & globals().keys()
    assert not shadows.places


def test_a_shadow_is_the_function_itself_where_nothing_is_recorded():
    shadow = {thing: shadows.SHADOWS[id(thing)] for thing in (type, min, np.zeros, np.eye)}
    assert shadow[type](3.0) is float
    assert isinstance(int, shadow[type])
    assert issubclass(type, shadow[type])
    assert shadow[min](2, 1) == 1
    assert type(shadow[np.zeros](2)) is np.ndarray
    assert shadow[np.eye].__name__ == "eye"


def test_two_threads_may_record_with_the_same_variables():
    """What one of them puts back, the other still has in use."""
    meeting = threading.Barrier(2, timeout=30)
    found = []

    def work(scale):
        step = ad.capture(lambda x: np.zeros(2) + x * scale * math.cos(scale))
        found.extend(float(step(np.ones(2))[0]) for _ in range(7))

    def both(scale):
        meeting.wait()
        work(scale)

    threads = [threading.Thread(target=both, args=(scale,)) for scale in (1.0, 2.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(found) == sorted([math.cos(1.0)] * 7 + [2.0 * math.cos(2.0)] * 7)
    assert type(np).__name__ == "module"
    assert not shadows.places


def test_places_are_given_back_when_the_last_recorder_is_done():
    one, other = Recorder(), Recorder()
    environment = explore(lambda x: math.cos(x))
    original = math
    shadows.put_in(environment, one)
    shadows.put_in(explore(lambda x: math.cos(x)), other)
    assert globals()["math"] is not original
    shadows.take_out(one)
    assert globals()["math"] is not original
    shadows.take_out(other)
    assert globals()["math"] is original


def test_a_branch_on_an_array_that_was_written_to_is_refused():
    def function(x):
        z = np.ones(2)
        z[0] = x[0, 0]
        return x if z[1] > 0 else -x

    refused(ad.capture(function), "branch", argument=X)
