"""An error in a replay leaves what it leaves in an ordinary step."""

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from tests.compiler.comparing import network, points


def leftovers(capture, make):
    """Return what some calls leave, of which one in the midst of the replays raises an error, and later ones do not."""
    step, good, bad, left = make()
    step = capture(step)
    found = []
    for call in range(12):
        if call in (8, 10):
            with pytest.raises((np.linalg.LinAlgError, IndexError, ValueError, FloatingPointError)):
                step(bad)
        else:
            found.append(step(good))
        found += [np.array(array) for array in left()]
    return [np.asarray(part) for part in found]


def before_and_after():
    state, w = {"mean": np.zeros(2), "count": 0}, ad.Parameter(np.eye(2))

    def step(x):
        state["mean"] += x[0]
        state["count"] += 1
        w.grad = None
        np.sum(w * x).backward()
        inverse = np.linalg.inv(x)
        w.data[...] += inverse
        state["mean"] *= 2
        return inverse

    return step, np.eye(2) * 2, np.ones((2, 2)), lambda: [state["mean"], state["count"], w.data, w.grad.data]


def gradients_that_are_there():
    w = ad.Parameter(np.eye(2))

    def step(x):
        np.sum(w * x).backward()
        return np.linalg.inv(x)

    return step, np.eye(2) * 2, np.ones((2, 2)), lambda: [w.grad.data]


def draws():
    rng, noise = np.random.default_rng(0), np.zeros(2)

    def step(x):
        noise[...] = rng.normal(size=2)
        inverse = np.linalg.inv(x)
        return inverse * rng.normal()

    return step, np.eye(2), np.zeros((2, 2)), lambda: [noise, rng.bit_generator.state["state"]["state"] % 2**62]


def training_on_a_batch():
    model, (x, labels) = network(), points()
    optimizer = ad.Adam(model.parameters(), 0.02)

    def step(batch):
        loss = F.cross_entropy(model(x[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.data

    def left():
        state = [array for one in optimizer.group_states for array in one.values()]
        return [*(p.data for p in model.parameters()), *(p.grad.data for p in model.parameters()), *state]

    return step, np.arange(5), np.array([0, 1, 2, 3, 999]), left


def a_function_that_raises_last():
    w, state = ad.Parameter(np.ones(2)), {"count": 0}

    def step(x):
        w.data[...] += x[0]
        state["count"] += 1
        return np.linalg.cholesky(x)

    return step, np.eye(2), -np.eye(2), lambda: [w.data, state["count"]]


MAKERS = [before_and_after, gradients_that_are_there, draws, training_on_a_batch, a_function_that_raises_last]


@pytest.mark.parametrize("make", MAKERS)
def test_an_error_leaves_what_the_function_leaves(make):
    expected = leftovers(lambda function: function, make)
    found = leftovers(lambda function: ad.capture(function, exact=True, check_every=0), make)
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, two)


def test_floating_point_errors_that_are_raised_leave_what_the_function_leaves():
    def make():
        w = np.ones(2)

        def step(x):
            w[...] += 1
            return np.divide(1.0, x)

        return step, np.ones(2), np.zeros(2), lambda: [w]

    with np.errstate(divide="raise"):
        test_an_error_leaves_what_the_function_leaves(make)


def test_the_error_names_the_line_of_the_function():
    step = ad.capture(lambda x: np.linalg.inv(x) + 1)
    for _ in range(7):
        step(np.eye(2))
    with pytest.raises(np.linalg.LinAlgError) as caught:
        step(np.zeros((2, 2)))
    assert any(entry.name == "<lambda>" for entry in caught.traceback)


def test_ordinary_training_saves_nothing():
    model, (x, labels) = network(), points()
    optimizer = ad.Adam(model.parameters(), 0.02)

    @ad.capture
    def step(batch):
        loss = F.cross_entropy(model(x[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for _ in range(7):
        step(np.arange(5))
    assert not step.current.undo.is_needed


DRAWS = {
    "by place": lambda rng, x: rng.poisson(x),
    "by name": lambda rng, x: rng.poisson(lam=x),
    "second": lambda rng, x: rng.normal(0, x),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_draw_that_is_given_a_negative_number_leaves_what_the_function_leaves(draw):
    def make():
        rng, w = np.random.default_rng(0), np.zeros(2)

        def step(x):
            w[...] += 1
            return draw(rng, x)

        return step, np.ones(2), -np.ones(2), lambda: [w, rng.bit_generator.state["state"]["state"] % 2**62]

    test_an_error_leaves_what_the_function_leaves(make)


def test_nothing_is_saved_for_draws_that_raise_nothing():
    rng, w = np.random.default_rng(0), np.zeros(4)

    @ad.capture
    def step(x):
        w[...] += rng.normal(size=4)
        return rng.permutation(x) + rng.permuted(x)

    for i in range(7):
        step(np.arange(4.0) + i)
    assert not step.current.undo.is_needed
