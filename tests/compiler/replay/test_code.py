"""Code generation: every kind of call and of result as a line of Python, and what it leaves in its places."""

import ast
from collections import namedtuple

import numpy as np
import pytest

import autodiff as ad

X = np.arange(1.0, 13.0).reshape(3, 4) / 7
Pair = namedtuple("Pair", "left right")


def same(found, expected):
    """Compare what two calls returned, to the type and the bit."""
    assert type(found) is type(expected)
    if isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other)
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            same(found[key], value)
    elif isinstance(expected, ad.Tensor):
        same(found.data, expected.data)
    elif isinstance(expected, np.ndarray | np.generic):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert found.tobytes() == expected.tobytes()
    else:
        assert found == expected


def followed(function, *more, exact=True, calls=7):
    """Capture a function, compare every call with one that runs as it is, and return the captured."""
    step = ad.capture(function, exact=exact)
    for i in range(calls):
        same(step(X * (i + 1), *more), function(X * (i + 1), *more))
    assert step.program.exact is exact
    return step


CALLS = {
    "concatenate": lambda x: np.concatenate([x, x[:1]]),
    "concatenate along the last": lambda x: np.concatenate([x, x], axis=-1),
    "concatenate with a dtype": lambda x: np.concatenate([x, x], dtype=np.float32, casting="same_kind"),
    "stack": lambda x: np.stack([x, x * 2], axis=1),
    "stack with a dtype": lambda x: np.stack([x, x], dtype=np.float32, casting="same_kind"),
    "dot": lambda x: (np.dot(x, x.T), np.dot(x[0], x[1]), np.dot(x, 2.0), np.dot(x[0], x.T)),
    "take": lambda x: (np.take(x, [1, 0], axis=1), np.take(x, 2), np.take(x, [[5, -1]], mode="wrap"), x.take([0, 1])),
    "products": lambda x: (x @ x.T, x[0] @ x[1], x @ x[0], x.T @ x, np.matmul(x[None], x.T), np.vecdot(x, x)),
    "two results": lambda x: (*np.divmod(x, 0.3), *np.modf(x), *np.frexp(x)),
    "results of a named tuple": lambda x: tuple(np.linalg.eigh(x @ x.T)[0:1]),
    "other functions": lambda x: (np.cumsum(x, axis=1), np.sort(x)[::-1], np.where(x > 1, x, 0), np.argmax(x, axis=0)),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x),
    "clip": lambda x: (np.clip(x, 0.2, 1), np.clip(x, None, x[0])),
    "extrema": lambda x: (np.maximum(x, x[0]), np.minimum(x, 0.5), np.fmax(x, 0.5)),
    "a ufunc with options": lambda x: (np.add(x, 1, dtype=np.float32), np.sqrt(x, dtype=np.float32), x.T + 1),
    "reductions": lambda x: (np.add.reduce(x), np.add.reduce(x, 0), np.add.reduce(x, axis=1), np.add.accumulate(x)),
    "a reduction with where": lambda x: np.sum(x, axis=0, where=x > 1),
    "outer": lambda x: np.multiply.outer(x[0], x[1]),
    "at": lambda x: at_index(x),
    "an index of slices and None": lambda x: (x[None, 1:, ::2], x[..., -1], x[[0, 2], 1:], x[np.array([1]), :]),
    "padding and repetition": lambda x: (np.pad(x, 1), np.repeat(x, 2, axis=0), np.tile(x, (1, 2)), np.flip(x)),
    "scalars": lambda x: (np.sum(x), np.sum(x) / 12, np.sum(x) * np.sum(x[0]) - 1, np.max(x), np.sum(x) + x),
    "scalars of scalars": lambda x: np.exp(np.sum(x) / 100) * np.mean(x) - np.sum(x * x),
    "integers": lambda x: (np.sum(x > 1), np.argmax(x), np.sum(x > 1) / 2, (x > 1).mean()),
    "named tuples": lambda x: np.stack(Pair(x, x + 1)) * np.transpose(x[None], Pair(1, 2) + (0,)).sum(),
    "a list within a tuple": lambda x: (*(all_of := np.histogramdd(x, bins=2))[1], all_of[0]),
    "a list or tuple of one": lambda x: (np.meshgrid(x[0])[0] + 1, np.unravel_index(np.argsort(x[0]), (4,))[0]),
    "views of views": lambda x: (np.exp(x).T[::-1][1:], np.exp(x)[0], np.exp(x).reshape(2, 6).T),
}  # fmt: skip


def at_index(x):
    t = x * 1
    np.add.at(t, (np.array([0, 0, 2]), 1), 5)
    np.maximum.at(t[1], np.array([0, 1]), 1.0)
    return t


@pytest.mark.parametrize("exact", [True, False], ids=["exact", "fast"])
@pytest.mark.parametrize("function", CALLS.values(), ids=CALLS)
def test_every_kind_of_call(function, exact):
    step = ad.capture(function, exact=exact)
    for i in range(7):
        found, expected = step(X * (i + 1)), function(X * (i + 1))
        if exact:
            same(found, expected)
        pairs = zip(found, expected, strict=True) if isinstance(expected, tuple) else [(found, expected)]
        for one, other in pairs:
            assert one.dtype == other.dtype
            np.testing.assert_allclose(one, other, rtol=1e-12)
    ast.parse(step.compiled.source)


OUTPUTS = {
    "nothing": lambda x: None,
    "nested": lambda x: {"a": [np.exp(x), (np.sum(x), 3, "b")], 2: None, "empty": [(), {}]},
    "a named tuple": lambda x: Pair(np.exp(x), Pair(1.5, np.sum(x))),
    "one in a tuple": lambda x: (np.exp(x),),
    "an argument": lambda x: (x, x.T, x[0]),
    "a constant": lambda x: (np.arange(3.0), np.float32(2), np.ones_like(x)),
    "one result twice": lambda x: [np.exp(x)] * 2,
    "tensors": lambda x: [ad.Tensor(x) * 2, np.sum(ad.Tensor(x)), np.sum(ad.Tensor(x)) / 2 + 1],
    "scalars": lambda x: (np.sum(x), np.sum(x) + 0.5, np.sum(x, keepdims=True).reshape(()), np.sum(x)[...]),
    "numbers of the shape": lambda x: (x.shape, x.ndim, len(x), x.dtype),
}


@pytest.mark.parametrize("function", OUTPUTS.values(), ids=OUTPUTS)
def test_every_kind_of_output(function):
    followed(function)


def test_what_is_returned_is_safe_to_keep():
    step = ad.capture(lambda x: (np.exp(x), np.exp(x).T, x, np.sum(x), ad.Tensor(x) * 2, np.ones(3)))
    kept = [step(X * i) for i in range(8)]
    for i, found in enumerate(kept):
        same(found, (np.exp(X * i), np.exp(X * i).T.copy(), X * i, np.sum(X * i), ad.Tensor(X * i) * 2, np.ones(3)))
        found[-1][...] = i  # which is not the program's own


def test_numbers_are_computed_in_python():
    def function(x, n):
        return x * (n**2 - 1) / (2 * n), n + 1, -n, abs(n), n // 2, n > 1

    step = ad.capture(function)
    for i in range(8):
        same(step(X, 0.5 + i), function(X, 0.5 + i))


def test_the_error_handling_of_every_call_is_that_of_the_step():
    def function(x):
        with np.errstate(divide="ignore"):
            first = np.log(x)
            second = 1 / x
        return first, second, np.sqrt(x)

    step = ad.capture(function)
    for i in range(8):
        x = np.array([0.0, 1.0 + i])
        with np.errstate(divide="raise"):
            found = step(x)
        with np.errstate(divide="ignore"):
            same(found, (np.log(x), 1 / x, np.sqrt(x)))
    assert "divide='ignore'" in step.compiled.source


def test_a_shape_that_depends_on_the_values_is_noticed():
    step = ad.capture(lambda x, edges: np.histogram_bin_edges(x, 3) + edges)
    for i in range(7):
        x = X.ravel() * (i + 1)
        np.testing.assert_array_equal(step(x, np.ones(4)), np.histogram_bin_edges(x, 3) + 1)


def test_numbers_and_arrays_are_put_in_their_places():
    class State:
        pass

    def build():
        state, table = State(), {"array": np.zeros(2), 3: 0}
        state.count, state.latest, state.history = 0, np.zeros((3, 4)), [0, np.zeros(())]
        total = np.zeros(())

        def function(x):
            nonlocal total
            state.count = state.count + 1
            table[3] = table[3] + 2
            state.history[0] = state.history[0] + state.count
            state.latest = x * state.count
            table["array"] = np.sum(x, axis=0)[:2]
            total = total + np.sum(x)
            return state.latest + table[3]

        function.read = lambda: (state.count, table[3], state.history[0], state.latest, table["array"], float(total))
        return function

    one, other = build(), build()
    step = ad.capture(one)
    for i in range(9):
        same(step(X * i), other(X * i))
        for found, expected in zip(one.read(), other.read(), strict=True):
            np.testing.assert_array_equal(found, expected)


NAMES = [
    "plain",
    "my array",
    "class",
    "0",
    "a.b",
    "None",
    "\ufb01rst",
    "na\u00efve",
    "'quoted\"",
    "__dunder__",
    "__private",
]


@pytest.mark.parametrize("name", NAMES)
def test_attributes_of_any_name_are_read_watched_and_rebound(name):
    """Such names come from setattr; Python would read the ligature in \ufb01rst as two letters."""

    class Holder:
        pass

    def build():
        array, number, fixed = Holder(), Holder(), Holder()
        setattr(array, name, np.zeros((3, 4)))
        setattr(number, name, 1.0)
        setattr(fixed, name, "what has to stay")

        def function(x):
            setattr(array, name, getattr(array, name) * 0.5 + x)
            setattr(number, name, getattr(number, name) * 0.5)
            return getattr(array, name) * getattr(number, name) + len(getattr(fixed, name))

        function.read = lambda: (getattr(array, name).copy(), getattr(number, name))
        function.fixed = fixed
        return function

    one, other = build(), build()
    step = ad.capture(one, exact=True)
    for i in range(7):
        same(step(X * i), other(X * i))
        same(one.read(), other.read())
    for function in (one, other):
        setattr(function.fixed, name, "something else")
    same(step(X), other(X))


# Gradients


def parameter(values):
    return ad.Tensor(np.asarray(values, float), requires_grad=True)


def test_gradients_that_are_constant_stay_so_though_the_caller_changes_them():
    one, other = parameter(np.ones(3)), parameter(np.ones(3))

    def function(x):
        loss = np.sum(one) + np.sum(other) + np.sum(x)
        one.grad = other.grad = None
        loss.backward()
        return loss

    step = ad.capture(function)
    for i in range(8):
        step(X * i)
        np.testing.assert_array_equal(one.grad.data, np.ones(3))
        np.testing.assert_array_equal(other.grad.data, np.ones(3))
        if one.grad.data.flags.writeable:
            one.grad.data[...] *= 5
            np.testing.assert_array_equal(other.grad.data, np.ones(3))


def test_gradients_share_no_memory_where_the_eager_ones_share_none():
    one, other = parameter(np.ones((3, 4))), parameter(np.ones((3, 4)))

    def function(x):
        loss = np.sum(np.sin(one * 2 + other * 2) * x)
        one.grad = other.grad = None
        loss.backward()
        return loss

    function(X)
    shared = np.shares_memory(one.grad.data, other.grad.data)
    step = ad.capture(function)
    for i in range(8):
        step(X * i)
    assert np.shares_memory(one.grad.data, other.grad.data) <= shared


@pytest.mark.parametrize("scale", [lambda x, b: x + b, lambda x, b: x * b], ids=["added", "multiplied"])
def test_gradients_of_numbers_that_nobody_reads(scale):
    tensors = parameter(0.5), parameter(0.5)

    def build(tensor):
        def function(x):
            loss = np.sum(scale(x, tensor))
            tensor.grad = None
            loss.backward()
            return loss

        return function

    step, eager = ad.capture(build(tensors[0]), exact=True), build(tensors[1])
    for i in range(8):
        same(step(X * i), eager(X * i))
        same(tensors[0].grad.data, tensors[1].grad.data)
        assert isinstance(tensors[0].grad.data, np.ndarray)


def test_gradients_that_are_added_up():
    tensors = parameter(np.ones((3, 4))), parameter(np.ones((3, 4)))

    def build(tensor):
        def function(x):
            loss = np.sum(np.sin(tensor) * x)
            loss.backward()
            return loss

        return function

    step, eager = ad.capture(build(tensors[0])), build(tensors[1])
    for i in range(9):
        same(step(X * i), eager(X * i))
        np.testing.assert_allclose(tensors[0].grad.data, tensors[1].grad.data)


def test_a_gradient_that_is_left_none():
    tensor = parameter(np.ones((3, 4)))

    def function(x):
        loss = np.sum(tensor * x)
        loss.backward()
        gradient = tensor.grad
        tensor.grad = None
        return gradient

    step = ad.capture(function)
    for i in range(8):
        np.testing.assert_array_equal(step(X * i).data, X * i)
        assert tensor.grad is None


# NumPy's errors


@pytest.mark.parametrize("factor", [lambda n: 1.0, lambda n: n * 2], ids=["a function of its own", "with a number"])
def test_errors_are_ignored_where_the_step_ignores_them_alone(factor):
    def function(x, n):
        with np.errstate(all="ignore"):
            inside = np.log(x) / factor(n)
        return inside, np.log(x)

    step = ad.capture(function, exact=True)
    for i in range(7):
        same(step(X + i, 0.5 + i), function(X + i, 0.5 + i))
    assert ("block0" in step.compiled.source) is (factor(2.0) == 1.0)
    with pytest.warns(RuntimeWarning, match="divide by zero") as warned:
        same(step(X * 0, 0.5), (X * 0 - np.inf, X * 0 - np.inf))
    assert len(warned) == 1


# The text


def test_the_code_is_one_line_a_call():
    step = followed(lambda x: np.exp(np.sin(x) * 2) + x)
    body = ast.parse(step.compiled.source).body[0].body[0].body
    assert len(body) == 1 + 4 + 1  # the argument, the calls, the result


def test_small_products_are_made_by_dot():
    step = ad.capture(lambda x: x @ x.T)
    for i in range(7):
        np.testing.assert_allclose(step(X * i), X @ X.T * i * i, rtol=1e-14)
    assert "dot" in {getattr(cell, "__name__", "") for cell in objects(step)}


def objects(step):
    return [cell.cell_contents for cell in step.compiled.replay.__closure__]


def test_products_of_two_dtypes_or_exact_programs_are_made_by_matmul():
    step = followed(lambda x: (x @ x.T, x.astype(np.float32) @ x.T))
    assert "matmul" in {getattr(cell, "__name__", "") for cell in objects(step)}
    followed(lambda x: x.astype(np.float32) @ x.T, exact=False)


def test_results_of_exact_programs_lie_in_memory_as_those_of_the_step():
    def function(x):
        return np.exp(x).T, ad.Tensor(x.T) * 2, x.T, np.sum(x[None], axis=0).T

    step = ad.capture(function, exact=True)
    for i in range(7):
        for found, expected in zip(step(X * i), function(X * i), strict=True):
            found, expected = (getattr(one, "strides", None) or one.data.strides for one in (found, expected))
            assert found == expected


def test_a_shape_that_is_another_one_in_a_replay_is_refused():
    step = ad.capture(lambda x, counts: np.repeat(x, counts) * 2)
    for i in range(7):
        np.testing.assert_array_equal(step(X[0] + i, np.array([1, 2, 0, 1])), (X[0] + i)[[0, 1, 1, 3]] * 2)
    with pytest.raises(ad.CaptureError, match=r"returned shape \(5,\), \(4,\) when the step was recorded"):
        step(X[0], np.array([1, 2, 1, 1]))


def test_a_gradient_that_is_there_and_taken_away():
    tensor = parameter(np.ones((3, 4)))

    @ad.capture
    def step(x):
        gradient = tensor.grad.data * 2
        tensor.grad = None
        return x + gradient

    for i in range(8):
        tensor.grad = ad.Tensor(np.full((3, 4), float(i)))
        np.testing.assert_array_equal(step(X), X + 2 * i)
        assert tensor.grad is None
