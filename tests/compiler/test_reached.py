"""What a captured function reaches and changes: arrays, buffers, counters, generators."""

import functools

import numpy as np

import autodiff as ad
from tests.compiler.comparing import check, network, points


def test_an_array_of_the_closure_changed_by_the_caller():
    def run(capture):
        scale = np.ones(3)
        function = capture(lambda x: x * scale)
        found = []
        for i in range(9):
            scale[...] = i
            found.append(function(np.arange(3.0)))
        return found

    check(run, exact=True)


def test_an_array_of_the_closure_changed_by_the_function():
    def run(capture):
        total, history = np.zeros(3), np.zeros((4, 3))

        @capture
        def function(x):
            total[...] += x
            np.add(total, 1, out=total)
            history[1:] = history[:-1].copy()
            history[0] = total
            return total

        rng = np.random.default_rng(0)
        return [*(np.array(function(rng.normal(size=3))) for _ in range(9)), total, history]

    check(run, exact=True)


def test_tuples_within_tuples_in_the_closure():
    def run(capture):
        pads = [((0, 1), (2, 0))]
        nested = ((np.ones(2), (np.arange(2.0), "name")), 3)
        function = capture(lambda x: np.pad(x * nested[0][0] + nested[0][1][0], pads[0]) * nested[1])
        return [function(np.full((2, 2), float(i))) for i in range(8)]

    check(run, exact=True)


def test_a_counter_in_the_closure():
    def run(capture):
        count = 0

        @capture
        def function(x):
            nonlocal count
            count += 1
            return x / count

        return [*(function(np.ones(3)) for _ in range(9)), count]

    check(run, exact=True)


def test_a_counter_in_an_attribute_of_the_model():
    def run(capture):
        model = network()
        model.calls = 0

        @capture
        def function(x):
            model.calls += 1
            return model(x) * 0.5**model.calls

        return [*(function(points(seed=i)[0]) for i in range(9)), model.calls]

    check(run, exact=True)


def test_a_running_sum_of_floats_in_a_dict():
    def run(capture):
        state = {"total": 0.0}

        @capture
        def function(x, amount):
            state["total"] = state["total"] * 0.5 + amount
            return x * state["total"]

        return [*(function(np.ones(3), i + 0.25) for i in range(9)), state["total"]]

    check(run, exact=True)


def test_a_variable_that_is_given_a_new_array_in_every_step():
    def run(capture):
        position, momentum = np.ones(3), np.zeros(3)

        @capture
        def function(x):
            nonlocal position, momentum
            momentum = momentum * 0.9 + x
            position = position - momentum
            return np.sum(position)

        rng = np.random.default_rng(0)
        return [*(function(rng.normal(size=3)) for _ in range(9)), position, momentum]

    check(run, exact=True)


def test_two_variables_that_trade_places():
    def run(capture):
        ping, pong = np.arange(3.0), np.zeros(3)

        @capture
        def function(x):
            nonlocal ping, pong
            ping, pong = pong + x, ping * 2
            return ping - pong

        return [*(function(np.full(3, 0.5 * i)) for i in range(9)), ping, pong]

    check(run, exact=True)


def test_a_method_of_an_object():
    class Filter:
        def __init__(self):
            self.state = np.zeros(2)

        def advance(self, x):
            self.state = self.state * 0.5 + x
            return self.state * 2

    def run(capture):
        made = Filter()
        advance = capture(made.advance)
        return [*(advance(np.array([1.0, i])) for i in range(9)), made.state]

    check(run, exact=True)


def test_an_object_that_can_be_called():
    def run(capture):
        model = network()
        predict = capture(model)
        return [predict(points(seed=i)[0]) for i in range(8)]

    check(run, exact=True)


def test_a_partial_function():
    def run(capture):
        function = capture(
            functools.partial(lambda x, scale, power: (x * scale) ** power, scale=np.arange(3.0), power=2.0)
        )
        return [function(np.full(3, float(i))) for i in range(8)]

    check(run, exact=True)


def test_each_instance_with_its_own_captured_method():
    class Scale:
        def __init__(self, factor):
            self.factor = np.array(factor)
            self.apply = ad.capture(self.apply)

        def apply(self, x):
            return x * self.factor

    double, triple = Scale(2.0), Scale(3.0)
    for i in range(8):
        assert double.apply(np.array([1.0 * i]))[0] == 2 * i
        assert triple.apply(np.array([1.0 * i]))[0] == 3 * i


def test_a_decorated_function_keeps_its_name_and_docstring():
    @ad.capture
    def advance(x):
        """Go on."""
        return x

    assert (advance.__name__, advance.__doc__) == ("advance", "Go on.")
