"""What a captured function returns: values, structures and what of them is safe to keep."""

from collections import Counter, OrderedDict, defaultdict

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from tests.compiler.comparing import Batch, check, network, points


def test_results_in_lists_dicts_and_tuples():
    function = ad.capture(
        lambda x: {"double": x * 2, "parts": (np.sum(x), [x + 1, None, "text", 3]), "batch": Batch(x, -x)}
    )
    for i in range(8):
        x = np.arange(3.0) * i
        found = function(x)
        assert list(found) == ["double", "parts", "batch"]
        assert type(found["parts"]) is tuple
        assert type(found["batch"]) is Batch
        assert type(found["parts"][1]) is list
        assert found["parts"][1][1:] == [None, "text", 3]
        np.testing.assert_array_equal(found["double"], x * 2)
        np.testing.assert_array_equal(found["parts"][0], np.sum(x))
        np.testing.assert_array_equal(found["parts"][1][0], x + 1)
        np.testing.assert_array_equal(found["batch"].y, -x)


def test_results_have_the_types_they_have_eagerly():
    def run(capture):
        function = capture(lambda x, t: (np.sum(x), x[0], x[..., 0], np.max(x) > 1, t * 2, ad.Tensor(x) * 2, x.T))
        return [part for i in range(8) for part in function(np.arange(3.0) * i, float(i))]

    check(run, exact=True)


def test_results_of_earlier_calls_stay_what_they_were():
    function = ad.capture(lambda x: (x * 2, ad.Tensor(x) + 1, [x], np.sum(x)))
    kept = [function(np.full(3, float(i))) for i in range(12)]
    for i, (double, more, (same,), total) in enumerate(kept):
        np.testing.assert_array_equal(double, [2.0 * i] * 3)
        np.testing.assert_array_equal(more.data, [i + 1.0] * 3)
        np.testing.assert_array_equal(same, [float(i)] * 3)
        assert total == 3 * i


def test_writing_into_a_result_changes_nothing_else():
    scale = np.arange(3.0)
    function = ad.capture(lambda x: (x * scale, scale * 2))
    for i in range(10):
        found = function(np.full(3, float(i)))
        np.testing.assert_array_equal(found[0], scale * i)
        np.testing.assert_array_equal(found[1], scale * 2)
        found[0][...] = np.nan
        found[1][...] = np.nan


def test_an_output_fed_back_as_the_next_input():
    def run(capture):
        function = capture(lambda x: np.sin(x) + 0.1 * x[::-1])
        x = np.arange(5.0)
        found = []
        for _ in range(20):
            x = function(x)
            found.append(x)
        return found

    check(run, exact=True)


def test_arrays_that_are_returned_are_copies_from_the_first_call_on():
    w = ad.Parameter(np.zeros(2))
    held, constant = np.zeros(2), ad.Tensor(np.zeros(2))
    made = np.arange(2.0)
    made.flags.writeable = False

    @ad.capture
    def function(x):
        held[...] = x
        w.data[...] = x
        return x, held, w.data, constant.data, w[:1], made

    for i in range(8):
        x = np.full(2, float(i))
        found = function(x)
        for part in found:
            array = part.data if isinstance(part, ad.Tensor) else part
            assert not any(np.shares_memory(array, other) for other in (x, held, w.data, constant.data, made))
        np.testing.assert_array_equal(found[:3], [[i, i]] * 3)


def test_results_lie_in_memory_as_they_do_eagerly():
    function = ad.capture(lambda x: (x.T * 2, x * 2, ad.Tensor(x.T) + 1), exact=True)
    for _ in range(8):
        for part, rows_first in zip(function(np.ones((3, 4))), (False, True, False), strict=True):
            array = part.data if isinstance(part, ad.Tensor) else part
            assert array.flags.c_contiguous is rows_first


def test_a_parameter_that_is_returned_is_that_parameter():
    model = network()
    function = ad.capture(lambda: model.layers[0].weight)
    for _ in range(8):
        assert function() is model.layers[0].weight


def test_the_gradient_of_a_step_belongs_to_that_step():
    """A gradient that was kept is not the buffer of the next one: eagerly, each step makes a new one."""
    model = network()
    x, labels = points()

    def step(x, labels):
        for p in model.parameters():
            p.grad = None
        F.cross_entropy(model(x), labels).backward()

    fast = ad.capture(step, exact=True)
    for i in range(8):
        fast(x[i : i + 9], labels[i : i + 9])
        found = model.layers[0].weight.grad.data.copy()
        step(x[i : i + 9], labels[i : i + 9])
        np.testing.assert_array_equal(found, model.layers[0].weight.grad.data)


def test_a_function_that_returns_nothing():
    total = np.zeros(2)

    @ad.capture
    def function(x):
        total[...] += x

    for _ in range(8):
        assert function(np.ones(2)) is None
    np.testing.assert_array_equal(total, 8)


def test_the_program_and_the_time_of_compiling_can_be_read():
    function = ad.capture(lambda x: x * 2)
    for _ in range(8):
        function(np.ones(2))
    assert len(function.program.calls) == 1
    assert 0 < function.compile_seconds < 60


X = np.arange(3.0)

CONSTANTS = {
    "a Tensor": lambda: ad.Tensor([1.0, 2.0]),
    "a Tensor of an array": lambda: ad.Tensor(np.linspace(0, 1, 3)),
    "an array": lambda: np.linspace(0, 1, 3),
    "an array of text": lambda: np.array(["a", "b"]),
}


@pytest.mark.parametrize("make", CONSTANTS.values(), ids=CONSTANTS)
def test_what_a_step_makes_of_constants_is_the_users_in_every_call(make):
    step, appended = ad.capture(lambda x: (x * 2, make())), []

    @ad.capture
    def appending(x):
        appended.append(make())
        return x * 2

    for i in range(8):
        appending(X * i)
        for found in (step(X * i)[1], appended[-1]):
            assert type(found) is type(make())
            found = found.data if isinstance(found, ad.Tensor) else found
            np.testing.assert_array_equal(found, np.asarray(make()))
            found[...] = found[-1]


def test_what_a_step_makes_of_constants_fills_a_stack():
    step = ad.capture(lambda x: (np.sum(x), np.linspace(0, 1, 3), ad.Tensor([1.0, 2.0])))
    for _ in range(5):
        step(X)
    _, array, tensor = step.repeat(4, [(X,)] * 4)
    np.testing.assert_array_equal(array, [np.linspace(0, 1, 3)] * 4)
    np.testing.assert_array_equal(tensor.data, [[1.0, 2.0]] * 4)


# Containers of other classes


class Listed(list):
    """A list of the user's."""


class Attributes(dict):
    __getattr__ = dict.__getitem__


class Two(tuple):
    def __new__(cls, left, right):
        return super().__new__(cls, (left, right))


@pytest.mark.parametrize(
    "build",
    [
        lambda x: OrderedDict(b=x * 2, a=x),
        lambda x: defaultdict(list, a=x * 2),
        lambda x: Counter(a=np.sum(x)),
        lambda x: Listed([x * 2, 1]),
        lambda x: Attributes(a=x * 2, inner=Attributes(b=[x])),
        lambda x: Two(x * 2, Two(x, 3)),
        lambda x: (OrderedDict(), Listed(), x * 2),
    ],
    ids=["OrderedDict", "defaultdict", "Counter", "list", "attributes", "tuple", "empty"],
)
def test_containers_of_other_classes_keep_them(build):
    step = ad.capture(build, exact=True)
    results = [step(np.ones(2) * i) for i in range(12)]
    for i, found in enumerate(results):
        assert type(found) is type(build(np.ones(2)))
        assert repr(found) == repr(build(np.ones(2) * i))
    assert len({id(found) for found in results}) == 12
    assert len({id(found[0]) for found in results if isinstance(found, tuple)}) in (0, 12)
    assert type(step.repeat(3, [(np.ones(2),)] * 3)) is type(results[0])


def test_arguments_of_other_classes_reach_the_step_as_they_are():
    step = ad.capture(lambda batch: batch.a * 2 + batch["b"])
    for i in range(12):
        np.testing.assert_array_equal(step(Attributes(a=np.ones(2) * i, b=1.0)), np.full(2, 2.0 * i + 1))
