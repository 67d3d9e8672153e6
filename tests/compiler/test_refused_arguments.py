"""Arguments that are not what a step was recorded for: it is recorded for them too, or the error says what to do."""

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.refusing import X, captured_on, flat, outcome

CHANGED = {
    "shape": ((X,), (np.ones((4, 2)),)),
    "fewer axes": ((X,), (np.ones(2),)),
    "dtype": ((X,), (X.astype(np.float32),)),
    "integers": ((X,), (X.astype(int),)),
    "a Tensor for an array": ((X,), (ad.Tensor(X),)),
    "an array for a Tensor": ((ad.Tensor(X),), (X,)),
    "an int for a float": ((X, 1.0), (X, 1)),
    "a NumPy number for a float": ((X, 1.0), (X, np.float64(1.0))),
    "an array for a float": ((X, 1.0), (X, np.array(1.0))),
    "another int": ((X, 3), (X, 4)),
    "True for 1": ((X, 1), (X, True)),
    "another text": ((X, "a"), (X, "b")),
    "None": ((X, None), (X, X)),
    "more arguments": ((X,), (X, X)),
    "fewer arguments": ((X, X), (X,)),
    "a longer list": (([X, X],), ([X, X, X],)),
    "a tuple for a list": (([X, X],), ((X, X),)),
    "other keys": (({"a": X},), ({"b": X},)),
    "another order of keys": (({"a": X, "b": X},), ({"b": X, "a": X},)),
    "deeper nesting": (([X, X],), ([X, [X]],)),
    "an object of the same kind": ((X, np.dtype(np.float32)), (X, np.dtype(np.int8))),
}


@pytest.mark.parametrize(("before", "after"), CHANGED.values(), ids=CHANGED)
def test_other_arguments_have_a_program_of_their_own(before, after):
    step = captured_on(*before, function=lambda *args: [x * 2 for x in flat(args) if hasattr(x, "shape")])
    programs = len(step.programs)
    for args in [after] * 7 + [before, after] * 3:
        found, expected = step(*args), step.function(*args)
        assert [type(x) for x in found] == [type(x) for x in expected]
        for pair in zip(found, expected, strict=True):
            np.testing.assert_array_equal(*map(np.asarray, pair))
    assert len(step.programs) <= programs + 1


def test_the_parts_of_the_arguments_are_what_they_are_eagerly():
    """Code that asks what it was given takes the same way as ever."""
    questions = {
        "float": lambda t: isinstance(t, float),
        "int": lambda t: isinstance(t, int),
        "type": lambda t: hasattr(t, "shape") or hasattr(t, "dtype") or hasattr(t, "T") or hasattr(t, "ndim"),
        "array": lambda t: isinstance(t, np.ndarray),
        "scalar": lambda t: isinstance(t, np.generic),
        "of numpy": lambda t: np.isscalar(t),
        "callable": lambda t: callable(t),
    }

    def function(*args):
        return [(name, i, ask(value)) for name, ask in questions.items() for i, value in enumerate(args)]

    args = (np.ones(2), np.array(1.0), 1.0, np.float32(1.0), np.int64(3), ad.Tensor(np.ones(3)))
    step = ad.capture(function)
    for _ in range(5):
        assert step(*args) == function(*args)


def test_the_arguments_that_keep_changing_are_named():
    step = ad.capture(lambda x, options, y: x * options["scales"][1], programs=2)
    for n in (3, 1):
        step(X, {"scales": [X, np.ones((n, 2))]}, X)
    with pytest.raises(
        ad.CaptureError,
        match=r"2 programs.*options\['scales'\]\[1\] was float64 \(3, 2\), float64 \(1, 2\), and is now",
    ) as error:
        step(X, {"scales": [X, np.ones(2)]}, X)
    assert "argument y" not in str(error.value)
    step(X, {"scales": [X, X]}, X)


def test_more_programs_may_be_asked_for():
    step = ad.capture(lambda x, n: x * n, programs=12)
    for n in [*range(12)] * 6:
        np.testing.assert_array_equal(step(X, n), X * n)
    assert len(step.programs) == 12
    with pytest.raises(ValueError, match="at least 1"):
        ad.capture(step.function, programs=0)


def test_a_tensor_that_requires_a_gradient_is_no_argument():
    step = ad.capture(lambda x: np.sum(x * 2))
    with pytest.raises(ad.CaptureError, match=r"ad\.grad within the function"):
        step(ad.Tensor(np.ones(2), requires_grad=True))


def test_wrong_arguments_are_a_type_error_as_for_any_function():
    step = ad.capture(lambda x: x * 2)
    with pytest.raises(TypeError):
        step()
    with pytest.raises(TypeError):
        step(X, wrong=1)


def test_only_functions_are_captured():
    with pytest.raises(TypeError, match="takes a function"):
        ad.capture(np.ones(2))


def test_an_argument_that_shares_memory_with_another_that_is_written_is_refused():
    @ad.capture
    def step(x, y):
        x += 1
        return x + y

    x = np.zeros(4)
    for _ in range(2):
        with pytest.raises(ad.CaptureError, match=r"shares its memory with another argument.*copy"):
            step(x[:3], x[1:])


def test_an_argument_that_shares_memory_only_later_is_refused_or_followed():
    def function(x, y):
        x += 1
        return x + y

    step = ad.capture(function)
    for _ in range(7):
        step(np.zeros(3), np.zeros(3))
    whole, same = np.zeros(4), np.zeros(4)
    expected = function(same[:3], same[1:])
    found, refusal = outcome(step, whole[:3], whole[1:])
    assert "memory" in refusal or np.array_equal(found, expected)


def test_an_argument_that_shares_memory_with_the_closure_only_later_is_refused_or_followed():
    state = np.zeros(3)

    def function(x):
        state[...] = state + 1
        return x + state

    step = ad.capture(function)
    for _ in range(7):
        step(np.zeros(3))
    expected = 2 * (state + 1)
    found, refusal = outcome(step, state)
    assert "memory" in refusal or np.array_equal(found, expected)


LAYOUTS = {
    "columns first": np.asfortranarray(np.ones((4, 6))),
    "every other column": np.ones((4, 12))[:, ::2],
    "backwards": np.ones((4, 6))[::-1],
}


@pytest.mark.parametrize("other", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("kind", [lambda x: x, lambda x: {"x": x}, ad.Tensor], ids=["array", "dict", "Tensor"])
def test_an_exact_step_has_a_program_for_another_order_of_memory(other, kind):
    """Sums and products of it round differently."""
    step = ad.capture(lambda x: np.sum(x["x"] if isinstance(x, dict) else x), exact=True)
    array = np.random.default_rng(0).normal(size=other.shape)
    other = other * array.astype(np.float64)
    for x in [array] * 6 + [other] * 6 + [array, other] * 3:
        np.testing.assert_array_equal(np.asarray(step(kind(x))), np.asarray(step.function(kind(x))))


def test_an_exact_step_takes_another_stride_of_an_axis_of_length_one():
    step = ad.capture(lambda x: x * 2, exact=True)
    for _ in range(6):
        step(np.ones((1, 6)))
    np.testing.assert_array_equal(step(np.ones((5, 6))[:1]), np.full((1, 6), 2.0))
    np.testing.assert_array_equal(step(np.ones((6, 1)).T), np.full((1, 6), 2.0))


def test_a_fast_step_takes_any_order_of_memory():
    step = ad.capture(lambda x: x * 2)
    for _ in range(6):
        step(np.arange(6.0).reshape(2, 3))
    other = np.asfortranarray(np.arange(6.0).reshape(2, 3) + 1)
    np.testing.assert_array_equal(step(other), other * 2)
