"""The arguments of a step: which of their parts may differ from call to call, and how calls may be spelled."""

from collections import namedtuple

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.record.arguments import (
    Arguments,
    Signature,
    describe,
    named_arguments,
)
from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.matching import is_input
from tests.compiler.comparing import check_calls

Pair = namedtuple("Pair", "left right")
A, B = np.zeros((2, 3)), np.zeros(4, np.float32)


def test_arguments_have_the_names_of_the_parameters():
    found = named_arguments(("x", "y"), (1, [2], 3), {"z": {"k": 4}})
    assert found == [("x", 1), ("y[0]", 2), ("argument 2", 3), ("z['k']", 4)]


DESCRIPTIONS = [
    (A, "float64 (2, 3)"),
    (B, "float32 (4,)"),
    (np.ones(2, bool), "bool (2,)"),
    (np.ones((), np.uint8), "uint8 ()"),
    (np.ones(2, complex), "complex128 (2,)"),
    (np.float32(1), "a NumPy float32"),
    (np.float64(1), "a NumPy float64"),
    (np.bool_(True), "a NumPy bool"),
    (1.5, "a float"),
    (3, 3),
    (True, True),
    ("a", "a"),
    (None, None),
    (ad.Tensor(A), "a Tensor of float64 (2, 3)"),
]


@pytest.mark.parametrize(("leaf", "words"), DESCRIPTIONS, ids=lambda part: repr(part)[:20])
def test_what_has_to_be_the_same_of_a_part(leaf, words):
    assert describe(leaf) == words
    assert type(describe(leaf)) is type(words)


def test_a_tensor_that_requires_a_gradient_is_refused():
    with pytest.raises(CaptureError, match="requires a gradient"):
        describe(ad.Tensor(A, requires_grad=True))


@pytest.mark.parametrize(
    ("leaf", "may_differ"),
    [
        (A, True),
        (np.float32(1), True),
        (1.5, True),
        (ad.Tensor(A), True),
        (3, False),
        (True, False),
        ("a", False),
        (None, False),
    ],
    ids=lambda part: repr(part)[:20],
)
def test_which_parts_may_differ(leaf, may_differ):
    assert is_input(leaf) is may_differ


UNLIKE = [
    (A, A.astype(np.float32)),
    (A, A[:1]),
    (A, 1.5),
    (A, A.tolist()),
    (1.5, 1),
    (1.5, np.float64(1.5)),
    (np.float32(1), np.float64(1)),
    (3, 4),
    (1, True),
    ("a", "b"),
    (None, 0),
    (A, ad.Tensor(A)),
]


@pytest.mark.parametrize(("before", "now"), UNLIKE, ids=lambda part: repr(part)[:20])
def test_parts_that_are_unlike_are_told_apart_and_named(before, now):
    arguments, others = (Arguments(("x",), ([part],), {}, False) for part in (before, now))
    assert arguments.match(([now],), {}) is None
    assert arguments.match(([before],), {}) is not None
    if not isinstance(now, list):
        assert others.differences([arguments])[0].startswith("the argument x[0] was ")


@pytest.mark.parametrize(("before", "now"), UNLIKE, ids=lambda part: repr(part)[:20])
def test_a_captured_function_has_a_program_for_what_is_unlike(before, now):
    step = ad.capture(lambda x, y: (isinstance(x, int | float), y * 2))
    for part in [before] * 6 + [now] * 6 + [before]:
        found, expected = step(part, A), step.function(part, A)
        assert found[0] is expected[0]
        np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.parametrize(
    "make", [lambda i: np.array([1j * i, 2]), lambda i: np.complex128(i + 1j)], ids=["array", "scalar"]
)
def test_complex_arguments_may_differ_in_each_call(make):
    step = ad.capture(lambda x: x * 2 + 1)
    for i in range(8):
        np.testing.assert_array_equal(step(make(i)), make(i) * 2 + 1)


@pytest.mark.parametrize(
    "make", [lambda: np.array(["a", "b"]), lambda: np.array([None, 1], object)], ids=["text", "objects"]
)
def test_arrays_of_what_is_no_number_are_taken_or_refused_in_words(make):
    step = ad.capture(lambda names, x: x * 2)
    try:
        for i in range(8):
            np.testing.assert_array_equal(step(make(), A + i), (A + i) * 2)
    except CaptureError:
        pass


# Spellings


def plain(x, y, z=3.0):
    return x * y + z


SPELLINGS = [
    ((1.0, 2.0, 3.0), {}),
    ((1.0,), {"z": 3.0, "y": 2.0}),
    ((1.0, 2.0), {"z": 3.0}),
    ((), {"z": 3.0, "y": 2.0, "x": 1.0}),
]


@pytest.mark.parametrize(("args", "keywords"), SPELLINGS, ids=str)
def test_every_spelling_of_a_call_is_the_same_call(args, keywords):
    assert Signature(plain).bind(args, keywords) == ((1.0, 2.0, 3.0), {})


def test_a_default_that_is_not_given_is_no_argument():
    assert Signature(plain).bind((1.0,), {"y": 2.0}) == ((1.0, 2.0), {})


def test_a_captured_function_may_be_called_in_any_spelling():
    step = ad.capture(plain)
    for i in range(4):
        for args, keywords in SPELLINGS:
            offset = float(i)
            shifted = tuple(arg + offset for arg in args), {key: arg + offset for key, arg in keywords.items()}
            assert step(*shifted[0], **shifted[1]) == plain(*shifted[0], **shifted[1])


def test_keywords_that_stay_keywords():
    def function(x, *rest, scale=1.0, **more):
        return x * scale + sum(rest) + more.get("last", 0.0)

    bound = Signature(function).bind((1.0, 2.0), {"last": 4.0})
    assert bound == ((1.0, 2.0), {"last": 4.0})
    step = ad.capture(function)
    for i in range(7):
        assert step(A + i, 2.0, scale=float(i), last=4.0)[0, 0] == function(A + i, 2.0, scale=float(i), last=4.0)[0, 0]


@pytest.mark.parametrize(
    ("args", "keywords"), [((), {}), ((1, 2, 3, 4), {}), ((1, 2), {"q": 1}), ((1, 2), {"x": 1})], ids=str
)
def test_calls_that_do_not_fit_are_pythons_errors(args, keywords):
    with pytest.raises(TypeError):
        Signature(plain).bind(args, keywords)
    with pytest.raises(TypeError):
        ad.capture(plain)(*args, **keywords)


def defaults():
    w, rate = ad.Parameter(np.ones(2)), np.full(2, 0.1)
    model = ad.Linear(2, 1, rng=np.random.default_rng(0), dtype=np.float64)
    return w, rate, model, ad.SGD(model.parameters(), 0.01), np.random.default_rng(1), [0]


def trained_by_a_default(w, *_):
    def step(x, w=w):
        loss = np.sum((x * w) ** 2)
        w.grad = None
        loss.backward()
        np.subtract(w.data, 0.01 * w.grad.data, out=w.data)
        return loss

    return step


def written_into(w, rate, *_):
    def step(x, rate=rate):
        rate *= 0.9
        return x * rate

    return step


def a_layer(w, rate, model, optimizer, generator, _):
    def step(x, model=model, *, optimizer=optimizer, generator=generator):
        loss = np.mean(model(x + generator.normal(size=2)) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def a_count(*kept):
    def step(x, count=kept[-1], factor=2.0):
        count[0] += 1
        return x * count[0] * factor

    return step


@pytest.mark.parametrize("make", [trained_by_a_default, written_into, a_layer, a_count])
def test_a_default_is_reached_as_a_variable_of_the_closure_is(make):
    def build(wrap):
        kept = defaults()
        step = wrap(make(*kept))

        def call(i):
            w, rate, model, *_, count = kept
            return step(np.ones((3, 2)) + 0.1 * i), w.data, rate, model.weight.data, count[0]

        return call

    check_calls(build, exact=True)


def test_a_default_that_is_given_at_times_is_an_argument_then():
    def build(wrap):
        step = wrap(lambda x, mask=None, factor=2.0: x * factor if mask is None else x * mask)

        def call(i):
            return step(A + i) if i % 3 else step(A + i, factor=0.5 * i, mask=A + 1 if i % 2 else None)

        return call

    check_calls(build, calls=24)
