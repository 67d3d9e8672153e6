"""Products of a layer: the bias and the transposition folded in, where nobody can tell but by the last digit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.compiler.passes.lower import assign


def followed(build, calls):
    """Capture what `build` makes, compare every call with a second one that runs as it is, and return the captured."""
    step, eager = ad.capture(build()), build()
    for args in calls:
        found, expected = step(*args), eager(*args)
        pairs = zip(found, expected, strict=True) if isinstance(expected, tuple) else [(found, expected)]
        for one, other in pairs:
            one, other = np.asarray(one), np.asarray(other)
            assert (one.dtype, one.shape) == (other.dtype, other.shape)
            tolerance = 1e-5 if one.dtype == np.float32 else 1e-12
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
    assert not step.program.exact  # else the check found a difference, and nothing was tested
    return step


def drawn(*shapes, dtype=np.float64, count=8):
    rng = np.random.default_rng(1)
    return [tuple(rng.normal(size=shape).astype(dtype) for shape in shapes) for _ in range(count)]


def always(function):
    return lambda: function


def products(step):
    return [call for call in step.program.calls if call.function is np.matmul]


def names(step):
    return [call.function.__name__ for call in step.program.calls if not call.is_view]


def is_folded(step):
    """Return whether the first product has the bias in it: a column of ones more than there were inputs."""
    left, right = products(step)[0].args
    return left.array is not None and bool(np.all(left.array[:, -1] == 1)) and right.shape[0] == left.shape[1]


def affine(x, w, b):
    return x @ w + b


# fold_bias


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [1, 2, 8])
def test_the_bias_of_few_columns_is_folded_into_the_product(columns, dtype):
    step = followed(always(affine), drawn((9, columns), (columns, 5), (5,), dtype=dtype))
    assert is_folded(step)
    assert "add" not in names(step)
    assert products(step)[0].args[0].shape == (9, columns + 1)


def test_the_bias_of_many_columns_is_left_alone():
    step = followed(always(affine), drawn((9, 9), (9, 5), (5,)))
    assert names(step) == ["matmul", "add"]


@settings(max_examples=12, deadline=None, derandomize=True)
@given(rows=st.integers(1, 20), columns=st.integers(1, 10), width=st.integers(1, 12), single=st.booleans())
def test_layers_of_any_size(rows, columns, width, single):
    dtype = np.float32 if single else np.float64
    followed(always(affine), drawn((rows, columns), (columns, width), (width,), dtype=dtype, count=6))


def test_a_bias_that_is_written_in_between_is_left_alone():
    def build():
        bias = np.zeros(5)

        def function(x, w):
            product = x @ w
            bias[...] = bias + x[0, 0]
            return product + bias

        return function

    assert not is_folded(followed(build, drawn((9, 2), (2, 5))))


def test_a_weight_that_is_written_in_between_is_left_alone():
    def build():
        weight = np.ones((2, 5))

        def function(x, b):
            product = x @ weight
            weight[...] = weight + x[:2, :1]
            return product + b

        return function

    assert not is_folded(followed(build, drawn((9, 2), (5,))))


def test_a_bias_that_is_written_afterwards_is_folded():
    def build():
        bias, weight = np.zeros(5), np.ones((2, 5))

        def function(x):
            y = x @ weight + bias
            bias[...] = bias + y[0] * 0.1
            weight[...] = weight - y[:2] * 0.1
            return y, x @ weight + bias

        return function

    assert is_folded(followed(build, drawn((9, 2))))


def test_a_product_that_another_call_reads_is_left_alone():
    def function(x, w, b):
        product = x @ w
        return product + b, np.exp(product)

    assert "add" in names(followed(always(function), drawn((9, 2), (2, 5), (5,))))


def test_a_product_that_is_returned_is_left_alone():
    def function(x, w, b):
        product = x @ w
        return product, product + b

    assert "add" in names(followed(always(function), drawn((9, 2), (2, 5), (5,))))


def test_inputs_that_the_step_writes_into_are_left_alone():
    def function(x, w, b):
        z = x * 1
        first = z @ w + b
        z[0] = 7
        return first, z @ w + b

    assert names(followed(always(function), drawn((9, 2), (2, 5), (5,)))).count("add") == 2


def test_inputs_that_two_layers_read_are_widened_once():
    step = followed(always(lambda x, w, b, v, c: (x @ w + b, x @ v + c)), drawn((9, 2), (2, 5), (5,), (2, 3), (3,)))
    left = [call.args[0] for call in products(step)]
    assert left[0] is left[1]


@pytest.mark.parametrize("shape", [(9, 1), (9, 5), (1, 5), (1,), ()], ids=str)
def test_what_is_no_row_is_added_as_it_is(shape):
    step = followed(always(affine), drawn((9, 2), (2, 5), shape))
    assert ("add" in names(step)) or shape == (1,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_layer_that_is_negated_has_its_weights_negated(dtype):
    step = followed(always(lambda x, w, b: np.exp(-(x @ w + b))), drawn((9, 2), (2, 5), (5,), dtype=dtype))
    assert is_folded(step)
    assert [call.args[0].shape for call in step.program.calls if call.function is np.negative] == [(3, 5)]


@pytest.mark.parametrize(
    "function",
    [
        lambda z: (-z, np.exp(z)),
        lambda z: (-z, z),
        lambda z: -z[:2],
        lambda z: np.negative(-z),
        lambda z: np.negative(z, where=z > 0, out=np.ones_like(z)),
        lambda z: np.negative(z, dtype=np.float64),
    ],
)
def test_a_layer_that_is_negated_and_read_otherwise(function):
    followed(always(lambda x, w, b: function(x @ w + b)), drawn((9, 2), (2, 5), (5,)))


def test_weights_that_are_written_before_their_layer_is_negated():
    def build():
        weight = np.ones((2, 5))

        def step(x, b):
            z = x @ weight + b
            np.multiply(weight, 0.5, out=weight)
            return -z

        return step

    followed(build, drawn((9, 2), (5,)))


def test_a_bias_of_wider_dtype_is_left_alone():
    calls = [(x.astype(np.float32), w.astype(np.float32), b) for x, w, b in drawn((9, 2), (2, 5), (5,))]
    assert "add" in names(followed(always(affine), calls))


def test_a_batch_of_matrices_is_left_alone():
    followed(always(affine), drawn((4, 9, 2), (2, 5), (5,)))
    followed(always(affine), drawn((2,), (2, 5), (5,)))


def test_inputs_that_the_function_reaches_are_widened_once_and_for_all():
    x = np.random.default_rng(0).normal(size=(9, 2))
    step = followed(always(lambda w, b: x @ w + b), drawn((2, 5), (5,)))
    assert names(step) == ["copyto", "copyto", "matmul"]
    x[3] = 4  # and looked at in every step
    w, b = np.ones((2, 5)), np.zeros(5)
    np.testing.assert_allclose(step(w, b), x @ w + b)
    x[3] = 5
    np.testing.assert_allclose(step(w, b), x @ w + b)


def test_gradients_of_a_layer_with_its_bias_folded_in():
    def build():
        rng = np.random.default_rng(0)
        layer = ad.Linear(2, 6, rng=rng, dtype=np.float64)

        def step(x):
            loss = F.mse(layer(x), np.zeros((9, 6)))
            layer.weight.grad = layer.bias.grad = None
            loss.backward()
            return loss.data, layer.weight.grad.data, layer.bias.grad.data

        return step

    followed(build, drawn((9, 2)))


@pytest.mark.parametrize("order", ["sum first", "product first", "read in between", "written in between"])
def test_gradients_of_a_weight_and_its_bias_in_any_order(order):
    def function(x, g, w, b):
        y, g = x @ w + b, g * 1
        if order == "product first":
            return y, g.T @ x, np.ones(9) @ g
        total = np.ones(9) @ g
        read = np.exp(total) if order == "read in between" else total * 2
        if order == "written in between":
            g[0] = 7
        return y, read, total, g.T @ x

    followed(always(function), drawn((9, 2), (9, 5), (2, 5), (5,)))


def test_gradients_of_wider_dtype_than_the_inputs():
    calls = [(x.astype(np.float32), g) for x, g in drawn((9, 2), (9, 5))]
    w, b = np.ones((2, 5), np.float32), np.ones(5, np.float32)
    followed(always(lambda x, g: (x @ w + b, np.ones(9) @ g, g.T @ x)), calls)


def test_exact_programs_add_the_bias_as_they_did():
    step = ad.capture(lambda x, w, b: x @ w + b, exact=True)
    for args in drawn((9, 2), (2, 5), (5,)):
        assert step(*args).tobytes() == affine(*args).tobytes()
    assert names(step) == ["matmul", "add"]


# transpose_outputs


def copies_of(shape, step):
    return [call for call in step.program.calls if call.function is assign and call.results[0].shape == shape]


def outputs(x, w, b):
    """Compute a layer of few outputs, and one row an output as cross_entropy does."""
    rows = (x @ w.T + b).T.copy()
    rows -= rows.max(axis=0)
    return rows


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [30, 700], ids=["small", "large"])
def test_outputs_are_computed_as_rows(rows, dtype):
    step = followed(always(outputs), drawn((rows, 10), (3, 10), (3,), dtype=dtype))
    assert not copies_of((3, rows), step)
    if rows == 30:
        assert products(step)[0].results[0].shape == (3, 30)
    assert not any(
        value.shape == (rows, 3) for call in step.program.calls if call.function is np.add for value in call.results
    )


def test_many_outputs_are_left_alone():
    step = followed(always(outputs), drawn((30, 10), (9, 10), (9,)))
    assert products(step)[0].results[0].shape == (30, 9)


@pytest.mark.parametrize("rows", [30, 700], ids=["small", "large"])
def test_outputs_that_are_returned_too_are_the_transposed_rows(rows):
    def function(x, w, b):
        logits = x @ w.T + b
        rows = logits.T.copy()
        return logits, np.exp(rows), np.argmax(logits, axis=1), logits[2], np.sum(logits)

    step = followed(always(function), drawn((rows, 10), (3, 10), (3,)))
    assert not copies_of((3, rows), step)
    assert step(*drawn((rows, 10), (3, 10), (3,))[0])[0].flags.c_contiguous


@pytest.mark.parametrize("rows", [30, 700], ids=["small", "large"])
def test_outputs_that_are_returned_though_the_rows_are_changed_keep_what_they_were(rows):
    def function(x, w, b):
        logits = x @ w.T + b
        rows = logits.T.copy()
        rows[0] = 7
        rows.reshape(-1)[3] = 8
        return logits, rows

    followed(always(function), drawn((rows, 10), (3, 10), (3,)))


def test_rows_of_outputs_that_are_changed_before_are_left_alone():
    def function(x, w, b):
        logits = x @ w.T + b
        logits[0] = 0
        return logits.T.copy() + 1

    followed(always(function), drawn((30, 10), (3, 10), (3,)))


def test_rows_that_are_copied_later_are_left_alone():
    def build():
        weight, bias = np.ones((3, 10)), np.zeros(3)

        def function(x):
            logits = x @ weight.T + bias
            weight[...] = weight + 1
            bias[...] = bias + 1
            return logits.T.copy() + 1

        return function

    followed(build, drawn((30, 10)))


def test_a_copy_that_is_not_turned_is_left_alone():
    followed(always(lambda x, w, b: (x @ w.T + b).copy() + 1), drawn((3, 10), (3, 10), (3,)))


def test_as_many_samples_as_outputs():
    followed(always(outputs), drawn((3, 10), (3, 10), (3,)))
    followed(always(outputs), drawn((1, 10), (1, 10), (1,)))


# store_few_columns


def test_a_turned_factor_of_few_columns_is_stored_row_by_row():
    step = followed(always(lambda g, w: g @ w.T), drawn((700, 10), (3, 10)))
    assert names(step) == ["assign", "matmul"]
    assert products(step)[0].args[1].strides == (24, 8)


@pytest.mark.parametrize(("rows", "columns"), [(300, 3), (700, 9)], ids=["small", "many columns"])
def test_other_factors_are_left_as_they_lie(rows, columns):
    assert names(followed(always(lambda g, w: g @ w.T), drawn((rows, 10), (columns, 10)))) == ["matmul"]


def test_a_factor_that_is_stored_row_by_row_is_not_copied():
    assert names(followed(always(lambda g, w: g @ w), drawn((700, 10), (10, 3)))) == ["matmul"]
