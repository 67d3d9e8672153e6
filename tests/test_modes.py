"""Modes: each thread, task, generator and call has its own."""

import asyncio
import contextlib
import functools
import inspect
import threading

import numpy as np
import pytest

import autodiff as ad
from autodiff.modes import Modes, modes


def leaf(value=1.0):
    return ad.Tensor(value, requires_grad=True)


def is_recorded():
    return (leaf() * 2).requires_grad


def is_checked():
    with np.errstate(divide="ignore"):
        try:
            np.log(leaf(0.0))
        except ad.AnomalyError:
            return True
    return False


MODES = {"no_grad": (ad.no_grad, lambda: not is_recorded()), "detect_anomaly": (ad.detect_anomaly, is_checked)}
each_mode = pytest.mark.parametrize(("mode", "is_on"), MODES.values(), ids=MODES)


@pytest.fixture(autouse=True)
def _modes_are_as_they_were():
    yield
    assert modes.get() == Modes()


# Who computes in the mode


def plain(is_on):
    return [is_on()]


def generator(is_on):
    yield is_on()
    yield is_on()


def delegating_generator(is_on):
    yield from generator(is_on)


def returned_generator(is_on):
    return (is_on() for _ in range(2))


async def coroutine(is_on):
    await asyncio.sleep(0)
    return [is_on()]


class Methods:
    def __init__(self, is_on):
        self.is_on = is_on

    def method(self):
        yield self.is_on()

    @staticmethod
    def static(is_on):
        yield is_on()

    def __call__(self):
        return [self.is_on()]


def values_of(result):
    return asyncio.run(result) if inspect.iscoroutine(result) else list(result)


KINDS = {
    "function": plain,
    "generator": generator,
    "delegating generator": delegating_generator,
    "generator expression": returned_generator,
    "coroutine": coroutine,
    "method": lambda is_on: Methods(is_on).method(),
    "static method": Methods.static,
    "partial": functools.partial(generator),
    "lambda": lambda is_on: [is_on()],
}


@each_mode
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_a_decorated_function_computes_is_in_the_mode(mode, is_on, kind):
    found = values_of(mode()(kind)(is_on))
    assert found
    assert all(found)
    assert not is_on()


@each_mode
def test_a_decorated_object_that_can_be_called_computes_in_the_mode(mode, is_on):
    assert mode()(Methods(is_on))() == [True]


@each_mode
def test_who_takes_from_a_decorated_generator_is_not_in_the_mode(mode, is_on):
    for inside in mode()(generator)(is_on):
        assert inside
        assert not is_on()


@each_mode
def test_what_is_sent_to_thrown_into_and_closes_a_generator_is_in_the_mode(mode, is_on):
    found = []

    @mode()
    def listening():
        try:
            while True:
                try:
                    found.append((yield is_on()))
                except KeyError:
                    found.append(is_on())
        finally:
            found.append(is_on())

    steps = listening()
    next(steps)
    steps.send("sent")
    steps.throw(KeyError)
    steps.close()
    assert found == ["sent", True, True]


def test_what_a_generator_returns_is_handed_on():
    @ad.no_grad()
    def steps():
        yield 1
        return 2

    def outer():
        return (yield from steps())

    running = outer()
    next(running)
    with pytest.raises(StopIteration) as ended:
        next(running)
    assert ended.value.value == 2


def test_a_decorated_generator_makes_a_context_manager():
    @contextlib.contextmanager
    @ad.no_grad()
    def opened():
        yield is_recorded()

    with opened() as recorded:
        assert not recorded
        assert is_recorded()


# Blocks and threads


def test_no_grad_records_nothing():
    x = leaf(1.0)
    with ad.no_grad():
        y = x * 2
        assert not y.requires_grad
        assert y.node is None
    assert (x * 2).requires_grad


def test_no_grad_decorates_a_function():
    @ad.no_grad()
    def double(x, depth=3):
        return double(x, depth - 1) if depth else x * 2

    assert not double(leaf(1.0)).requires_grad
    assert (leaf(1.0) * 2).requires_grad


def test_no_grad_ends_with_an_exception():
    with pytest.raises(KeyError), ad.no_grad():
        raise KeyError
    assert (leaf(1.0) * 2).requires_grad


def test_no_grad_holds_for_its_own_thread():
    x = leaf(1.0)
    recorded = []
    with ad.no_grad():
        thread = threading.Thread(target=lambda: recorded.append((x * 2).requires_grad))
        thread.start()
        thread.join()
    assert recorded == [True]


# One object in several places


@each_mode
def test_one_object_in_two_threads(mode, is_on):
    shared, found = mode(), {}
    inside, done = threading.Event(), threading.Event()

    def first():
        with shared:
            inside.set()
            assert done.wait(30)
            found["within"] = is_on()
        found["after"] = is_on()

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(30)
    with shared:
        done.set()
        thread.join()
        assert is_on()
    assert not is_on()
    assert found == {"within": True, "after": False}


@each_mode
def test_a_task_that_waits_in_a_mode_leaves_the_others_alone(mode, is_on):
    async def waiting(entered, go_on):
        with mode():
            entered.set()
            await go_on.wait()
            return is_on()

    async def other(entered, go_on):
        await entered.wait()
        found = is_on()
        go_on.set()
        return found

    async def main():
        events = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(waiting(*events), other(*events))

    assert asyncio.run(main()) == [True, False]


@each_mode
def test_blocks_may_end_in_another_order_than_they_began(mode, is_on):
    outer, inner = mode(), ad.no_grad() if mode is ad.detect_anomaly else ad.detect_anomaly()
    outer.__enter__()
    inner.__enter__()
    outer.__exit__()
    assert not is_on()
    inner.__exit__()


def test_one_object_within_itself_and_in_a_recursive_function():
    shared = ad.no_grad()

    @shared
    def depth(n):
        return depth(n - 1) if n else is_recorded()

    with shared, shared:
        assert not depth(3)
        assert not is_recorded()
    assert is_recorded()


# Other modes around a pass that records itself


def test_a_recorded_backward_pass_records_under_no_grad():
    x = leaf(3.0)
    y = x**3
    with ad.no_grad():
        y.backward(create_graph=True)
        y.backward(create_graph=True)
    np.sum(x.grad).backward()
    assert x.grad.item() == 2 * 27 + 2 * 18  # what was there, and its derivative 6x of each pass


# Refused


@each_mode
def test_parentheses_that_are_missing_are_named(mode, is_on):
    with pytest.raises(TypeError, match=rf"write `@ad\.{mode.__name__}\(\)`, with parentheses"):

        @mode
        def function():
            pass


@each_mode
@pytest.mark.parametrize("what", [Methods, property(lambda self: 1), classmethod(lambda kind: 1), None, 3])
def test_what_is_no_function_is_not_decorated(mode, is_on, what):
    with pytest.raises(TypeError, match="decorates functions and methods, found"):
        mode()(what)


@each_mode
def test_an_asynchronous_generator_is_refused(mode, is_on):
    @mode()
    async def steps():
        yield 1

    with pytest.raises(TypeError, match=rf"write `with ad\.{mode.__name__}\(\):` around what steps computes"):
        steps()
