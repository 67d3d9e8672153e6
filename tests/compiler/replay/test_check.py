"""The first replays are compared with ordinary runs: a difference is an error that names the value."""

import itertools
import threading
from dataclasses import replace

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.compiler import specialization
from autodiff.compiler.replay.check import Check, Left, agree


class Hidden:
    """A number that no search finds: in what a function of Python's own returns."""

    def get(self):
        return threading.current_thread().number_of_a_test

    def set(self, number):
        threading.current_thread().number_of_a_test = number


HIDDEN = Hidden()


def capture_until_checked(function, *args):
    """Return the error of the first replay that is compared, which has another number than the recordings had."""
    HIDDEN.set(1.0)
    step = ad.capture(function, exact=True)
    while not step.compiled:
        step(*args)
    HIDDEN.set(3.0)
    with pytest.raises(ad.CaptureError, match="does not do what the function does") as caught:
        step(*args)
    return str(caught.value)


def test_a_result_that_differs_is_named():
    message = capture_until_checked(lambda x: (x + 1, x * HIDDEN.get()), np.ones(2))
    assert "result 1 is [1. 1.] and should be [3. 3.]" in message
    assert "argument" in message


def test_a_parameter_that_differs_is_named():
    w = ad.Tensor(np.ones(2), requires_grad=True)

    def step(x):
        w.data[...] = w.data - x * HIDDEN.get()

    assert "w is [" in capture_until_checked(step, np.ones(2))


def test_a_gradient_that_differs_is_named():
    w = ad.Tensor(np.ones(2), requires_grad=True)

    def step(x):
        w.grad = None
        np.sum(w * x * HIDDEN.get()).backward()

    assert "w.grad is [" in capture_until_checked(step, np.ones(2))


def test_an_argument_that_is_left_different_is_named():
    def step(x):
        x[...] = HIDDEN.get()

    assert "argument" in capture_until_checked(step, np.ones(2))


def test_what_is_appended_and_differs_is_named():
    log = []
    assert "the end of log 0 is [1. 1.]" in capture_until_checked(lambda x: log.append(x * HIDDEN.get()), np.ones(2))


def test_a_difference_leaves_what_the_ordinary_run_left():
    state = np.zeros(2)

    def step(x):
        state[...] = x * HIDDEN.get()

    capture_until_checked(step, np.ones(2))
    np.testing.assert_array_equal(state, [3.0, 3.0])


def test_a_difference_is_for_good():
    HIDDEN.set(1.0)
    step = ad.capture(lambda x: x * HIDDEN.get(), exact=True)
    while not step.compiled:
        step(np.ones(2))
    HIDDEN.set(3.0)
    for _ in range(2):
        with pytest.raises(ad.CaptureError, match="does not do what the function does"):
            step(np.ones(2))


def test_fast_kernels_that_differ_give_way_to_exact_ones_before_there_is_an_error(monkeypatch):
    compile_recording = specialization.compile_recording

    def compile_wrongly(recording, exact, *what_moves):
        program, compiled = compile_recording(recording, exact, *what_moves)
        replay = compiled.replay
        return program, replace(compiled, replay=replay if exact else lambda leaves: replay(leaves) * 1.01)

    monkeypatch.setattr(specialization, "compile_recording", compile_wrongly)
    step = ad.capture(lambda x: x * 3)
    for _ in range(8):
        np.testing.assert_array_equal(step(np.ones(2)), [3.0, 3.0])
    assert step.program.exact
    assert "result 0 is [3.03 3.03] and should be [3. 3.]" in str(step.program)


def test_the_checks_take_no_extra_steps():
    """Each is run twice, on the state of before; generators are put back as well."""
    rng, same = np.random.default_rng(0), np.random.default_rng(0)
    state, expected = np.zeros(3), np.zeros(3)

    @ad.capture
    def step(x):
        x += rng.normal(size=3)
        state[...] = state * 2 + x

    x, y = np.zeros(3), np.zeros(3)
    for _ in range(8):
        step(x)
        y += same.normal(size=3)
        expected = expected * 2 + y
        np.testing.assert_array_equal(x, y)
        np.testing.assert_array_equal(state, expected)


def test_an_exception_within_a_check_leaves_the_captured_function_usable():
    step = ad.capture(lambda x: np.linalg.inv(x) * 2)
    while not step.compiled:
        step(np.eye(2))
    with pytest.raises(np.linalg.LinAlgError):
        step(np.zeros((2, 2)))
    for _ in range(6):
        np.testing.assert_array_equal(step(np.eye(2) * 2), np.eye(2))


@pytest.mark.parametrize(
    ("expected", "value", "exact", "same"),
    [
        (np.ones(2), np.ones(2), True, True),
        (np.ones(2), np.ones(2) + 1e-12, True, False),
        (np.ones(2), np.ones(2) + 1e-12, False, True),
        (np.ones(2), np.ones(2) + 1e-3, False, False),
        (np.ones(2, np.float32), np.ones(2, np.float32) + np.float32(1e-5), False, True),
        (np.ones(2, np.float32), np.ones(2), False, False),
        (np.ones(2), np.ones(3), False, False),
        (np.array([1, np.nan, np.inf]), np.array([1, np.nan, np.inf]), False, True),
        (np.array([1, np.nan]), np.array([1, 2.0]), False, False),
        (np.array([1, np.inf]), np.array([1, -np.inf]), False, False),
        (np.array([1, 2]), np.array([1, 3]), False, False),
        (np.array([]), np.array([]), False, True),
        (1.0, 1.0, True, True),
        (1.0, 2.0, False, False),
        (float("nan"), float("nan"), False, True),
        (1, 1.0, False, False),
        (None, None, False, True),
        (None, np.ones(1), False, False),
        ("a", "a", True, True),
        (True, False, False, False),
    ],
)
def test_what_is_the_same(expected, value, exact, same):
    assert agree(Left("it", expected), Left("it", value), exact) is same


def test_a_large_program_has_no_memory_of_its_own_while_the_function_runs_as_it_is(monkeypatch):
    w = ad.Tensor(np.ones((40, 40)), requires_grad=True)
    x = np.random.default_rng(0).normal(size=(30, 40))

    def step(x):
        w.grad = None
        loss = np.sum(np.tanh(x @ w) ** 2)
        loss.backward()
        w.data[...] = w.data - 0.01 * w.grad.data
        return loss

    def losses_and_programs():
        """Return the losses, and whether there was a program while the function ran as it is."""
        w.data[...] = 1.0
        replayed, there = ad.capture(step), []

        def noted(run, *arguments):
            there.append(replayed.compiled is not None)
            return Check(run, *arguments)

        monkeypatch.setattr(specialization, "Check", noted)
        return [replayed(x).item() for _ in range(9)], there

    expected, there = losses_and_programs()
    assert there == [True, True]
    monkeypatch.setattr(specialization, "LARGE", 0)
    losses, there = losses_and_programs()
    assert there == [False, False]
    np.testing.assert_allclose(losses, expected, rtol=1e-12)


class BatchNorm(ad.Module):
    """Takes a mean away, so that the gradient of a bias before it is nothing but rounding."""

    def __init__(self, width):
        self.scale, self.shift = ad.Parameter(np.ones(width)), ad.Parameter(np.zeros(width))
        self.running_mean = np.zeros(width, np.float32)

    def __call__(self, x):
        mean = np.mean(x, axis=0)
        self.running_mean[...] = 0.9 * self.running_mean + 0.1 * mean.data
        return (x - mean) / np.sqrt(np.mean((x - mean) ** 2, axis=0) + 1e-5) * self.scale + self.shift


SIZES = {"relu": (2, 30, 3), "sigmoid": (2, 30, 3), "deep": (2, 12, 10, 8, 8, 3), "batch norm": (2, 12, 10, 3)}
OPTIMIZERS = {"SGD": lambda p, rate: ad.SGD(p, rate, momentum=0.9), "Adam": ad.Adam}

each_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
each_learning_rate = pytest.mark.parametrize("learning_rate", [1e-2, 1e-3, 1e-4, 1e-5])


def training(kind, make, learning_rate, exact=False, seed=0):
    """Return a captured training step in float32 that was not called yet, its network and its optimizer."""
    rng = np.random.default_rng(seed)
    layers = []
    for width, following in itertools.pairwise(SIZES[kind]):
        layers += [ad.Linear(width, following, rng=rng), *([BatchNorm(following)] if kind == "batch norm" else [])]
        layers += [ad.Sigmoid() if kind == "sigmoid" else ad.ReLU()]
    model = ad.Sequential(*layers[:-1])
    optimizer = make(model.parameters(), learning_rate)
    x, labels = rng.normal(size=(100, 2)).astype(np.float32), rng.integers(0, 3, 100)

    def step():
        loss = F.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return ad.capture(step, exact=exact), model, optimizer


@pytest.mark.parametrize("exact", [False, True], ids=["fast", "exact"])
@each_optimizer
@each_learning_rate
@pytest.mark.parametrize("kind", SIZES)
def test_ordinary_steps_pass(kind, learning_rate, make, exact):
    step, _, _ = training(kind, make, learning_rate, exact)
    for _ in range(6):
        step()
    assert step.checks == 2
    assert not step.program.why_exact


def left_out(now, before):
    return before


def reversed_(now, before):
    return 2 * before - now


@pytest.mark.parametrize("spoil", [left_out, reversed_])
@pytest.mark.parametrize("which", [0, 1, 2, 3, "state"])
@each_optimizer
@each_learning_rate
def test_an_update_that_goes_wrong_is_found(monkeypatch, which, learning_rate, make, spoil):
    compile_recording = specialization.compile_recording
    step, model, optimizer = training("relu", make, learning_rate)

    def compile_wrongly(recording, exact, *what_moves):
        program, compiled = compile_recording(recording, exact, *what_moves)

        def replay(leaves):
            if which == "state":
                arrays = [array for state in optimizer.group_states for array in state.values() if np.ndim(array)][:1]
            else:
                arrays = [[*model.parameters()][which].data]
            before = [array.copy() for array in arrays]
            result = compiled.replay(leaves)
            for array, was in zip(arrays, before, strict=True):
                array[...] = spoil(array, was)
            return result

        return program, replace(compiled, replay=compiled.replay if exact else replay)

    monkeypatch.setattr(specialization, "compile_recording", compile_wrongly)
    while not step.checks:
        step()
    assert "and should be" in step.program.why_exact


def test_a_number_of_results_that_differs_is_told():
    message = capture_until_checked(lambda x: [x] * int(HIDDEN.get()), np.ones(2))
    assert "it returned 3 values, and 1 when it was recorded" in message


@pytest.mark.parametrize("exact", [False, True], ids=["fast", "exact"])
def test_a_step_that_agrees_with_its_program_runs_once_in_each_check(exact):
    HIDDEN.set(0)

    def function(x):
        HIDDEN.set(HIDDEN.get() + 1)
        return x * 2

    step = ad.capture(function, exact=exact, check_every=0)
    for _ in range(9):
        step(np.ones(2))
    assert HIDDEN.get() == 2 + 2
