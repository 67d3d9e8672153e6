"""Branches that a step takes by its counters: each way has a program of its own."""

import functools
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.record.branches import Branches
from tests.compiler.comparing import check_calls, each_exactness
from tests.compiler.refusing import network, refused

X = np.linspace(-1.0, 1.0, 6).reshape(3, 2)


def every_fifth(x, n):
    return x * 2 if n % 5 == 0 else x * n


def from_the_tenth_on(x, n):
    return np.tanh(x) if n > 10 else x


def several(x, n):
    if n < 3:
        return x
    if n % 2 == 0 and n % 3 == 0:
        return x * 2
    return x * 3 if not n % 2 else x * 4


def the_truth_of_a_number(x, n):
    return x if n // 10 else np.exp(x)


def an_entry_of_a_list(x, n):
    return x * [1.0, 2.0, 3.0][n % 3]


def a_loop(x, n):
    for _ in range(n % 3):
        x = x * 2
    return x


def an_int(x, n):
    return x * {0: 1.0, 1: 0.5}[int(n / 10) % 2]


def a_branch_before_what_would_fail(x, n):
    return x * (1 / (n - 7)) if n != 7 else x


def a_slice(x, n):
    k = n % 3
    z = np.zeros(4)
    z[k : k + 2] = x[1]
    return x[k : k + 2] * 2, z, ad.Tensor(x)[: k + 1], x[:: k + 1, 0]


def a_batch(x, n):
    first = n % 7
    return x.repeat(8, axis=0)[first * 4 : (first + 1) * 4], x.repeat(8, axis=0)[n : n + 2, 0], x[-(n % 3) - 1 :]


def a_while(x, n):
    while n > 15:
        n, x = n - 5, x * 2
    return x


def a_look_into_a_dict(x, n):
    return x * {0: 1.0, 1: 2.0}.get(n % 2, 5.0)


def a_list_repeated(x, n):
    return x, [0] * (n % 3), n % 2 * "text"


def one_of_several(x, n):
    return x * (n % 3 or 7) * (2 if n in (3, 5) else 1 if 7 < n < 12 else 3)


def python_numbers(x, n):
    return x * 0.9**n, ~n, n & 1, n << 2, -n, abs(3 - n), divmod(n, 3), 2**n, round(n / 3, 1), sum([n, 1, 2.0])


WAYS = [
    a_look_into_a_dict, a_list_repeated, one_of_several, python_numbers,
    every_fifth, from_the_tenth_on, several, the_truth_of_a_number, an_entry_of_a_list, a_loop, an_int,
    a_branch_before_what_would_fail, a_while, a_slice, a_batch,
]  # fmt: skip


INTS = np.arange(6).reshape(3, 2)


def of_match(number):
    match number:
        case int():
            return 1
        case _:
            return 2


@functools.singledispatch
def of_kind(number):
    return 2


@of_kind.register
def of_int(number: int):
    return 1


TYPES = {
    "min": lambda x, n: INTS * min(1, n / 5),
    "max": lambda x, n: INTS + max(1, n / 5),
    "one within another": lambda x, n: INTS * max(0, min(1, n / 5)),
    "a negative power": lambda x, n: INTS * 2 ** (5 - n),
    "a power of what is unsure": lambda x, n: INTS * 2 ** min(3, n / 5) + INTS * min(1, n / 5) ** 2,
    "operators of Python": lambda x, n: INTS * (-abs(min(1, n / 5)) * 2 % 3 // 1),
    "a number of a list": lambda x, n: np.array([min([1, n / 5]), 1]),
    "a full array": lambda x, n: np.full(3, min(1, n / 5)),
    "where": lambda x, n: np.where(x > 0, min(1, n / 5), INTS),
    "a Tensor of ints": lambda x, n: ad.Tensor(INTS) * min(1, n / 5),
    "returned": lambda x, n: (x, {"warmup": min(1, n / 5)}),
    "the class": lambda x, n: x * (1 if min(1, n / 5).__class__ is int else 2),
    "match": lambda x, n: x * of_match(min(1, n / 5)),
    "a generic function": lambda x, n: x * of_kind(min(1, n / 5)),
    "the dtype of a result": lambda x, n: x * (1 if np.result_type(INTS, min(1, n / 5)) == INTS.dtype else 2),
    "type": lambda x, n: x * (1 if type(min(1, n / 5)) is int else 2),
    "isinstance": lambda x, n: x * (1 if isinstance(min(1, n / 5), float) else 2),
    "an expression with a condition": lambda x, n: INTS * (n / 5 if n < 5 else 1),
}
OF_ONE_TYPE = {
    "an array of floats": lambda x, n: x * min(1, n / 5),
    "a rate": lambda x, n: INTS * (0.5 * min(1, n / 5) * (1 + math.cos(math.pi * min(1, n / 9)))),
    "rounded": lambda x, n: INTS * (round(n / 5) + math.floor(min(1, n / 5)) + abs(n) + n // 1),
    "divided": lambda x, n: (INTS / max(1, n / 5), INTS * (min(1, n / 5) / 2)),
    "compared": lambda x, n: (min(1, n / 5) > INTS, INTS * (min(1, n / 5) > 0.5)),
    "floats": lambda x, n: INTS * min(1.0, n / 5),
    "a power": lambda x, n: INTS * n**2 + INTS * 2.0 ** (5 - n),
}


def counted(way):
    def build(wrap):
        count = 0

        def step(x):
            nonlocal count
            count += 1
            return way(x, count)

        step = wrap(step)
        built.append(step)
        return lambda i: step(X + 0.1 * i)

    built = []
    return build, built


@pytest.mark.parametrize("way", TYPES.values(), ids=TYPES)
def test_a_number_that_is_an_int_at_times_and_a_float_at_others(way):
    build, built = counted(way)
    check_calls(build, exact=True, calls=24)
    assert len(built[1].programs) > 1


@pytest.mark.parametrize("way", OF_ONE_TYPE.values(), ids=OF_ONE_TYPE)
def test_its_type_is_no_branch_where_it_decides_nothing(way):
    build, built = counted(way)
    check_calls(build, exact=True, calls=24)
    assert len(built[1].programs) == 1


def test_a_length_that_is_counted():
    build, _ = counted(lambda x, n: (np.arange(n % 3), np.eye(n % 2 + 1), np.zeros(n % 3)))
    check_calls(build, exact=True, calls=24)


def test_the_type_that_an_argument_decides():
    def build(wrap):
        step = wrap(lambda x, rate: INTS * min(1, rate))
        return lambda i: step(X, 0.3 * i)

    check_calls(build, exact=True)


def test_a_type_that_no_argument_decides():
    def build(wrap):
        step = wrap(lambda x, rate: INTS * min(1.0, rate))
        return lambda i: step(X, 0.3 * i)

    check_calls(build, exact=True)


@each_exactness
@pytest.mark.parametrize("inside", [True, False], ids=["counted in the step", "counted outside"])
@pytest.mark.parametrize("way", WAYS)
def test_a_branch_on_a_counter(way, inside, exact):
    def build(wrap):
        state = SimpleNamespace(count=0)

        def step(x):
            if inside:
                state.count += 1
            return way(x, state.count)

        step = wrap(step)

        def call(i):
            state.count += not inside
            return step(X + 0.1 * i), state.count

        return call

    check_calls(build, exact, calls=24)


def test_a_training_step_that_does_more_in_some_calls():
    def build(wrap):
        model = network()
        optimizer = ad.Adam(model.parameters(), 0.01)
        state = {"count": 0, "best": np.float64(np.inf)}
        losses = []

        def step(x):
            state["count"] += 1
            loss = np.mean(model(x) ** 2)
            if state["count"] > 6:
                loss = loss + 0.01 * sum(np.sum(p**2) for p in model.parameters())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss)
            state["best"] = np.minimum(state["best"], loss.data)
            if state["count"] % 4 == 0:
                return loss, np.max(x)
            return loss

        captured = wrap(step)

        def call(i):
            return captured(X + 0.1 * i), [p.data for p in model.parameters()], dict(state), list(losses)

        return call

    check_calls(build, calls=40)


def test_two_networks_in_turn_of_which_one_begins_later():
    """Its optimizer makes what it keeps in the second call, of another way than the first."""

    def build(wrap):
        models = [network(seed) for seed in (0, 1)]
        optimizers = [ad.Adam(model.parameters(), 0.01) for model in models]
        count = 0

        def step(x):
            nonlocal count
            count += 1
            way = count % 2
            loss = np.mean(models[way](x) ** 2)
            optimizers[way].zero_grad()
            loss.backward()
            optimizers[way].step()
            return loss

        step = wrap(step)
        return lambda i: (step(X + 0.1 * i), [p.data for model in models for p in model.parameters()])

    check_calls(build, calls=30)


def test_too_many_ways_are_refused_by_the_line_that_decides():
    state = SimpleNamespace(count=0)

    def function(x):
        state.count += 1
        return x * np.ones(100)[range(100)[state.count]]

    message = refused(ad.capture(function), "has 8 programs", times=60)
    assert "test_branches.py" in message
    assert "np.take" in message


def test_a_branch_on_a_number_that_depends_on_an_array_is_refused():
    state = SimpleNamespace(count=0)

    def function(x):
        state.count += 1
        return x if state.count > np.sum(x) else x * 2

    refused(ad.capture(function), "branch", argument=X)


def test_text_and_floats_of_a_counter_are_refused_with_what_to_write():
    state = SimpleNamespace(count=0)

    def function(x):
        state.count += 1
        return x * float(state.count)

    assert "write n + 0.0" in refused(ad.capture(function), r"float\(\)")


def test_without_branches_there_is_no_other_way():
    assert Branches([], []).hold()


def test_a_function_of_python_that_does_not_take_a_recorded_number_is_named():
    state = SimpleNamespace(count=0)

    def function(x):
        state.count += 1
        json.dumps(state.count)
        return x

    assert "test_branches.py" in refused(
        ad.capture(function), "gives a recorded array to a function that cannot take it"
    )


def test_batches_of_one_length_have_one_program():
    state = SimpleNamespace(count=0)
    numbers = np.arange(200.0).reshape(100, 2)

    def function():
        state.count += 1
        return numbers[(state.count - 1) * 2 : state.count * 2] * 2

    step = ad.capture(function)
    for i in range(40):
        np.testing.assert_array_equal(step(), numbers[2 * i : 2 * i + 2] * 2)
    assert len(step.programs) == 1


def test_a_slice_by_a_counter_is_written_into_by_its_place():
    state, numbers = SimpleNamespace(count=0), np.zeros(50)

    def function():
        state.count += 1
        part = numbers[state.count : state.count + 2]
        part += 1

    refused(ad.capture(lambda x: function()), r"t\[i\] by a name of its own")


WRITES = {
    "a call": lambda x: np.clip(x, -5, 5, out=x),
    "an operator": lambda x: x.__iadd__(1),
    "an item": lambda x: x.__setitem__(0, 7.0),
}


@each_exactness
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("take", [lambda x, n: x[n : n + 2], lambda x, n: x[n], lambda x, n: x[n : n + 3][n % 2]])
def test_a_part_by_a_counter_is_not_read_after_a_write_into_the_whole(take, write, exact):
    state, numbers = SimpleNamespace(count=0), np.arange(80.0).reshape(20, 4)

    def function(x):
        state.count += 1
        part = take(numbers, state.count)
        write(numbers)
        return np.max(part)

    refused(ad.capture(function, exact=exact), "copy")


def test_a_part_by_a_counter_is_not_returned_after_a_write_into_the_whole():
    state, numbers = SimpleNamespace(count=0), np.arange(80.0).reshape(20, 4)

    def function(x):
        state.count += 1
        part = numbers[state.count : state.count + 2]
        numbers[...] = 1
        return part

    refused(ad.capture(function), "copy")


def test_a_part_by_a_counter_is_read_before_a_write_into_the_whole():
    def build(wrap):
        state, numbers = SimpleNamespace(count=0), np.arange(80.0).reshape(20, 4)

        def function(x):
            state.count = (state.count + 1) % 17
            largest = np.max(numbers[state.count : state.count + 2])
            kept = numbers[state.count].copy()
            np.multiply(numbers, 0.9, out=numbers)
            return largest, kept, np.sum(numbers[state.count : state.count + 2])

        step = wrap(function)
        return lambda i: (step(X), numbers)

    check_calls(build, calls=24)
