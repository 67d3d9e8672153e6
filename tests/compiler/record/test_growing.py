"""Lists that a step appends to."""

import copy
import heapq
import json
from collections import deque
from types import SimpleNamespace

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.comparing import check_calls, each_exactness
from tests.compiler.refusing import network, refused

X = np.linspace(-1.0, 1.0, 6).reshape(3, 2)


def the_losses_of_a_training(wrap):
    model = network()
    optimizer = ad.Adam(model.parameters(), 0.01)
    losses = []

    def step(x):
        loss = np.mean(model(x) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss)
        return loss

    step = wrap(step)
    return lambda i: (step(X + i), list(losses), [p.data for p in model.parameters()])


def several_lists_within_objects(wrap):
    log = SimpleNamespace(rows=[], history={"best": [], "mean": []})

    def step(x):
        log.rows.append((np.sum(x), {"twice": x * 2, "what": "text"}))
        log.history["best"].append(np.max(x))
        log.history["mean"].append(np.mean(x))
        log.history["mean"].append(0.5)
        return x * 2

    step = wrap(step)
    return lambda i: (step(X + i), list(log.rows), list(log.history["best"]), list(log.history["mean"]))


def by_extend_and_by_an_operator(wrap):
    log, more = [], []

    def step(x):
        nonlocal more
        log.extend([np.sum(x), np.max(x)])
        more += (x[0], x[1])
        return x * 2

    step = wrap(step)
    return lambda i: (step(X + i), list(log), list(more))


def a_deque_of_the_latest(wrap):
    log = deque(maxlen=4)

    def step(x):
        log.append(np.sum(x))
        return x * 2

    step = wrap(step)
    return lambda i: (step(X + i), list(log))


def counters(wrap):
    log = SimpleNamespace(count=0, counts=[])

    def step(x):
        log.count += 1
        log.counts.append(log.count)
        return x * 2

    step = wrap(step)
    return lambda i: (step(X + i), list(log.counts))


def emptied_from_outside(wrap):
    log = []

    def step(x):
        log.append(np.sum(x))
        return x * 2

    step = wrap(step)

    def call(i):
        if i % 3 == 2:
            log.clear()
        return step(X + i), list(log)

    return call


@each_exactness
@pytest.mark.parametrize(
    "build",
    [
        the_losses_of_a_training, several_lists_within_objects, by_extend_and_by_an_operator, a_deque_of_the_latest,
        counters, emptied_from_outside,
    ],
)  # fmt: skip
def test_what_a_step_appends_is_there_after_every_call(build, exact):
    check_calls(build, exact, calls=20)


def test_what_was_appended_is_not_overwritten():
    log = []

    @ad.capture
    def step(x):
        log.append(x * 2)

    for i in range(9):
        step(np.full(2, float(i)))
    np.testing.assert_array_equal(log, [[2.0 * i] * 2 for i in range(9)])
    assert len({id(one) for one in log}) == 9


def test_the_listing_shows_it():
    log = []

    @ad.capture
    def step(x):
        log.append(np.exp(x))

    for _ in range(6):
        step(X)
    assert "log.append(" in str(step.program)


READINGS = {
    "the length of": lambda log: len(log),
    "reading": lambda log: log[-1],
    "reading of all": lambda log: sum(log),
    "reading as an array": lambda log: np.array(log),
    "a branch on": lambda log: 1.0 if log else 2.0,
    ".insert of": lambda log: log.insert(0, 1.0),
    "changing": lambda log: log.__setitem__(0, 1.0),
    "text": lambda log: f"{log}",
    "comparing": lambda log: log < [0.5],
    "copying": lambda log: copy.copy(log),
    "a match of": lambda log: is_long(log),
}


def is_long(log):
    match log:
        case [_, _, *_]:
            return True
    return False


@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)
def test_a_step_that_does_more_than_append_is_refused(reading):
    log = [0.0]

    def function(x):
        log.append(np.sum(x))
        reading(log)
        return x

    message = refused(ad.capture(function), "log, a list that the step appends to,")
    assert "test_growing.py" in message
    assert "keep what the step needs of it in a variable of its own" in message


@pytest.mark.parametrize(
    "reading", [lambda log: heapq.heappush(log, 0.0), lambda log: list.append(log, 0.0), lambda log: json.dumps(log)]
)
def test_a_function_that_takes_nothing_but_lists_is_refused(reading):
    log = [0.0]

    def function(x):
        log.append(np.sum(x))
        reading(log)
        return x

    assert "log.append(value)" in refused(ad.capture(function), "a list that the step appends to")
    assert type(log) is list


def test_a_refused_call_leaves_the_list_itself_with_what_was_appended():
    log = []

    def function(x):
        log.append(np.sum(x))
        if len(log) > 1:
            return x
        return x * 2

    refused(ad.capture(function), "log, a list")
    assert type(log) is list
    assert all(type(one) is np.float64 for one in log)


def test_a_list_that_is_filled_once_may_be_read():
    cache = []

    @ad.capture
    def step(x):
        if not cache:
            cache.append(np.ones(2) * 3)
        return x * cache[0]

    for i in range(8):
        np.testing.assert_array_equal(step(X + i), (X + i) * 3)


def test_a_check_finds_what_is_appended_wrongly():
    log, values = [], iter([1.0] * 20)

    def hidden():
        return next(values)

    @ad.capture
    def step(x):
        log.append(x * 2)
        return x

    for i in range(30):
        step(X + i)
    assert len(log) == 30  # those of checks too, and once
