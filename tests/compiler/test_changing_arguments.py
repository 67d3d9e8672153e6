"""Arguments of a captured function that differ from call to call, as they may."""

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.comparing import Batch, check, each_exactness, network


@each_exactness
def test_arguments_in_lists_dicts_tuples_and_named_tuples(exact):
    def run(capture):
        @capture
        def function(pair, named, batch):
            return pair[0] @ pair[1] + named["bias"] * named["inner"][0] - batch.x * batch.y

        rng = np.random.default_rng(0)
        return [
            function(
                [rng.normal(size=(3, 2)), rng.normal(size=(2, 4))],
                {"bias": rng.normal(size=4), "inner": (rng.normal(), 7)},
                Batch(rng.normal(size=(3, 1)), 0.5 + i),
            )
            for i in range(8)
        ]

    check(run, exact)


@each_exactness
def test_dicts_and_keywords_that_come_in_another_order(exact):
    def run(capture):
        named = capture(lambda batch: batch["a"] * 2 + batch["b"])
        spelled = capture(lambda **batch: batch["a"] * 2 + batch["b"])
        a, b = np.arange(3.0), np.full(3, 5.0)
        orders = [{"a": a, "b": b}] * 7 + [{"b": b, "a": a}] * 7
        return [result for batch in orders for result in (named(batch), spelled(**batch))]

    check(run, exact)


@each_exactness
def test_tensors_as_arguments(exact):
    def run(capture):
        model = network()
        function = capture(lambda x, scale: np.exp(model(x)) * scale)
        rng = np.random.default_rng(0)
        return [function(ad.Tensor(rng.normal(size=(3, 2))), ad.Tensor(float(i), dtype=float)) for i in range(8)]

    check(run, exact)


@pytest.mark.parametrize("kind", [float, np.float32, np.float64, np.int64], ids=lambda kind: kind.__name__)
def test_numbers_as_arguments(kind):
    def run(capture):
        function = capture(lambda x, number: x * number + number**2)
        return [function(np.arange(3, dtype=np.float32), kind(i + 1)) for i in range(8)]

    check(run, exact=True)


def test_a_python_number_that_is_computed_with_before_it_meets_an_array():
    def run(capture):
        @capture
        def function(x, t):
            return x * (1 - 0.9**t) / (t + 1.0), 2 / t - -t, abs(t) // 2, t % 2

        results = [function(np.arange(3, dtype=np.float32), float(i + 1)) for i in range(8)]
        return [part for result in results for part in result]

    check(run, exact=True)


@pytest.mark.parametrize("kind", [float, np.float32], ids=lambda kind: kind.__name__)
def test_tensors_made_of_numbers(kind):
    def run(capture):
        @capture
        def function(x, number):
            scale = ad.Tensor(number, requires_grad=True)
            np.sum((x * scale + ad.Tensor(x[0])) ** 2).backward()
            return scale.grad

        return [function(np.arange(3, dtype=np.float32), kind(i + 1)) for i in range(8)]

    check(run, exact=True)


def test_infinite_numbers_and_nans_as_arguments():
    def run(capture):
        function = capture(lambda x, number: (np.maximum(x, number), np.isnan(x + number)))
        numbers = [1.0, -np.inf, 2.0, np.nan, np.inf, 3.0, np.nan, -np.inf]
        return [part for number in numbers for part in function(np.arange(3.0), number)]

    check(run, exact=True)


def test_positional_and_keyword_spelling_mixed():
    def run(capture):
        function = capture(lambda x, y, power=2.0: x - y**power)
        x, y = np.arange(3.0), np.arange(3.0) + 1
        spellings = [
            lambda k: function(x * k, y),
            lambda k: function(x * k, y=y),
            lambda k: function(y=y, x=x * k),
        ]
        return [spellings[k % 3](k) for k in range(12)]

    check(run, exact=True)


def test_a_default_spelled_out_or_left_away():
    step = ad.capture(lambda x, power=2.0: x**power)
    for i in range(10):
        power = {} if i % 2 else {"power": 2.0}
        np.testing.assert_array_equal(step(np.array([1.0, i]), **power), [1.0, float(i) ** 2])


def test_variable_arguments():
    def run(capture):
        function = capture(lambda *arrays, **named: sum(arrays) * named["scale"])
        return [function(np.arange(3.0), np.ones(3) * i, scale=i + 0.5) for i in range(8)]

    check(run, exact=True)


def test_the_same_array_passed_twice():
    def run(capture):
        function = capture(lambda x, y: x @ y.T + np.sum(x * y))
        rng = np.random.default_rng(0)
        arrays = [rng.normal(size=(3, 3)) for _ in range(8)]
        return [function(x, x) for x in arrays]

    check(run, exact=True)


def test_the_same_array_passed_twice_at_first_and_two_later():
    def run(capture):
        function = capture(lambda x, y: x - 2 * y)
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=3), rng.normal(size=3)
        return [function(x, x if i < 6 else y) for i in range(9)]

    check(run, exact=True)


@pytest.mark.parametrize(
    "layout",
    [
        lambda x: np.asfortranarray(x),
        lambda x: x.T,
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x[::-1],
        lambda x: np.broadcast_to(x[0], x.shape),
    ],
    ids=["Fortran order", "transposed", "every second column", "backwards", "broadcast"],
)
def test_arguments_whose_elements_lie_apart_in_memory(layout):
    def run(capture):
        function = capture(lambda x: (x @ x.T, np.sum(x, axis=0), x.reshape(-1) * 2))
        rng = np.random.default_rng(0)
        return [part for _ in range(8) for part in function(layout(rng.normal(size=(4, 4))))]

    check(run, exact=True)


def test_arguments_whose_layout_changes_after_the_recording():
    def run(capture):
        function = capture(lambda x: (x @ x, np.ravel(x), np.sum(x, axis=1)))
        rng = np.random.default_rng(0)
        arrays = [rng.normal(size=(4, 4)) for _ in range(10)]
        return [part for i, x in enumerate(arrays) for part in function(x if i < 6 else x.T)]

    check(run, exact=False)


def test_empty_arrays_and_arrays_without_axes():
    def run(capture):
        function = capture(lambda x, y: (np.sum(x) + y, x * 2, y * 2))
        return [part for i in range(8) for part in function(np.zeros((0, 3)), np.array(float(i)))]

    check(run, exact=True)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32, np.uint8, bool])
def test_arrays_of_every_kind(dtype):
    def run(capture):
        function = capture(lambda x: (x + x, np.sum(x), x.astype(np.float64) / 3, x == x[0]))
        rng = np.random.default_rng(0)
        return [part for _ in range(8) for part in function(rng.integers(0, 2, 5).astype(dtype))]

    check(run, exact=True)


def test_an_argument_changed_in_place():
    def run(capture):
        @capture
        def function(x, y):
            x += y
            x[0] = 7
            x *= 2
            return np.sum(x)

        x = np.zeros(4)
        return [*(function(x, np.arange(4.0) * i) for i in range(8)), x]

    check(run, exact=True)


def test_an_argument_that_is_a_view_changed_in_place():
    def run(capture):
        @capture
        def function(x):
            x[...] = np.sort(x)[::-1] + 1

        whole = np.random.default_rng(0).normal(size=(6, 6))
        for i in range(8):
            function(whole[i % 4, ::2])
        return [whole]

    check(run, exact=True)


def test_an_argument_changed_by_the_caller_between_the_calls():
    def run(capture):
        function = capture(lambda x: x * 2)
        x = np.zeros(3)
        found = []
        for i in range(9):
            x[...] = i
            found.append(function(x))
        return found

    check(run, exact=True)


@each_exactness
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.ravel("K") * 2,
        lambda x: np.reshape(x, -1, order="A") + 1,
        lambda x: x.flatten("K") * 2,
        lambda x: x * (2 if x.flags.c_contiguous else 1),
        lambda x: x * x.strides[0],
        lambda x: x * np.isfortran(x),
    ],
    ids=["ravel", "reshape", "flatten", "flags", "strides", "isfortran"],
)
def test_how_an_argument_lies_in_memory_where_the_step_asks_for_it(function, exact):
    def run(capture):
        step = capture(function)
        x = np.arange(6.0).reshape(2, 3)
        layouts = [x, np.asfortranarray(x), np.repeat(x, 2, 1)[:, ::2]]
        return [step(layouts[0 if i < 8 else i % 3] + 0) for i in range(20)]

    check(run, exact)
