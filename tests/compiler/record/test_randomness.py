"""Draws from the generators that `random` and `np.random` share, and from others than np.random.Generator: refused."""

import copy
import random
import threading
from contextlib import contextmanager
from random import randrange
from types import SimpleNamespace

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.record.environment import explore
from autodiff.compiler.record.randomness import RandomStates
from tests.compiler.refusing import call, followed, outcome, refused

STATE = np.random.RandomState(0)
PYTHON = random.Random(0)


def constant_draw(x):
    """Draw the same number in every call, so that two recordings agree."""
    np.random.seed(0)  # noqa: NPY002
    return x * np.random.uniform()  # noqa: NPY002


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: x * random.random(), "random"),
        (lambda x: x * random.choice([1.0, 1.0]), "random"),
        (lambda x: (random.shuffle([1, 2]), x)[1], "random"),
        (lambda x: x * np.random.rand(), r"np\.random"),  # noqa: NPY002
        (lambda x: x * bool(np.random.normal()), r"np\.random"),  # noqa: NPY002
        (constant_draw, r"np\.random"),
        (lambda x: x * bool(STATE.normal()), "STATE"),
        (lambda x: x * bool(PYTHON.random()), "PYTHON"),
    ],
    ids=["random", "choice", "shuffle", "rand", "a draw that is a flag", "a seed", "a RandomState", "a Random"],
)
def test_a_draw_that_a_replay_would_not_repeat_is_refused(function, name):
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    with pytest.raises(ad.CaptureError, match=rf"the step at .*test_randomness.py:\d+ draws from {name}, which"):
        ad.capture(function)(np.ones(2))


def test_a_generator_may_be_reached_that_is_not_drawn_from():
    step = ad.capture(lambda x: x * (2 if STATE is not None and PYTHON is not None else 1))
    np.testing.assert_array_equal(call(step), [2.0, 4.0])


def test_draws_between_the_calls_do_not_matter():
    step = ad.capture(lambda x: x * 2)
    for _ in range(8):
        random.random()
        np.random.rand()  # noqa: NPY002
        assert outcome(step, np.ones(2))[1] == ""


@contextmanager
def another_thread():
    """Have another thread wait."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def drawn_during(function):
    """Look at what a function reaches, draw from the generator that all share, and look again."""
    states = RandomStates(explore(function))
    random.random()
    states.check(function)


def test_what_another_thread_may_have_drawn_is_not_held_against_a_step_that_names_no_draw():
    function = lambda x: x * 2
    with pytest.raises(ad.CaptureError, match="draws from random"):
        drawn_during(function)
    with another_thread():
        drawn_during(function)


@pytest.mark.parametrize(
    "function",
    [lambda x: x * bool(random.choice([1.0, 1.0])), lambda x: x * bool(randrange(1, 9))],
    ids=["by its module", "by its name"],
)
def test_beside_other_threads_a_step_that_names_a_draw_is_refused(function):
    with another_thread(), pytest.raises(ad.CaptureError, match="draws from random"):
        ad.capture(function)(np.ones(2))


# What stands for a np.random.Generator

RNG = np.random.default_rng(0)
SAME = [RNG]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * (2 if type(RNG) is np.random.Generator else 3),
        lambda x: x * (2 if RNG.__class__ is np.random.Generator else 3),
        lambda x: x * (2 if RNG is SAME[0] else 3),
        lambda x: x * (2 if str(RNG) == f"{RNG}" == "Generator(PCG64)" else 3),
    ],
    ids=["type", "class", "the same by another way", "str"],
)
def test_python_tells_of_a_generator_what_it_is(function):
    followed(ad.capture(function))


def test_a_generator_that_a_step_returns_or_puts_somewhere_is_the_generator_itself():
    box = SimpleNamespace(rng=None)

    @ad.capture
    def step(x):
        box.rng = RNG
        return x + RNG.normal(), [RNG]

    for _ in range(7):
        assert step(np.ones(2))[1][0] is RNG
        assert box.rng is RNG


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (lambda x: x + copy.deepcopy(RNG).normal(), "a copy of a random generator"),
        (lambda x: x + np.random.Generator(RNG.bit_generator).normal(), "a look at the state of a random generator"),
        (lambda x: x * len(np.random.get_state()), r"get_state\(\) of random numbers"),  # noqa: NPY002
        (lambda x: x * len(random.getstate()), r"getstate\(\) of random numbers"),
    ],
    ids=["a copy", "its bits", "that of NumPy", "that of Python"],
)
def test_a_look_at_the_state_of_a_generator_is_refused(function, what):
    refused(ad.capture(function), rf"^{what} at .*test_randomness.py:\d+, in <lambda> cannot be captured")
