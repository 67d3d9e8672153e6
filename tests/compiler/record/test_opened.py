"""Objects that do nothing but hold, as arguments of which each call is given another one, and as results."""

import argparse
from collections import namedtuple
from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.opened import closed, contents, opened
from tests.compiler.comparing import assert_same, eager, points

T = TypeVar("T")


def check(run, exact=True, check_every=None):
    """Compare what a run leaves with its step captured, and as it is; return the captured step."""
    steps = []

    def capture(function):
        steps.append(ad.capture(function, exact, check_every))
        return steps[0]

    for i, pair in enumerate(zip(run(capture), run(eager), strict=True)):
        assert_same(*pair, exact, f"value {i}")
    return steps[0]


class Scaling:
    __slots__ = ()

    def scaled(self):
        return self.x * self.weight * SCALES["x"]


@dataclass
class Batch(Scaling):
    x: Any
    y: Any
    weight: float = 1.0
    name: str = "train"


@dataclass(frozen=True, slots=True)
class Frozen(Scaling):
    x: Any
    y: Any
    weight: float = 1.0
    name: str = "train"


class Plain:
    """An object with an `__init__` that does more than to take what it is given."""

    def __init__(self, x, y, weight=1.0, name="train"):
        self.x, self.y, self.weight, self.name = np.asarray(x), y, weight, name

    @cached_property
    def double(self):
        return self.x * 2

    def scaled(self):
        return self.double / 2 * self.weight * SCALES["x"]


class Parametrized(Generic[T], Scaling):
    def __init__(self, x, y, weight=1.0, name="train"):
        self.x, self.y, self.weight, self.name = x, y, weight, name


def namespace(kind):
    def make(x, y, weight=1.0, name="train"):
        return kind(x=x, y=y, weight=weight, name=name, scaled=None)

    return make


SCALES = {"x": 1.0}
MAKERS = {
    "dataclass": Batch,
    "frozen, with slots": Frozen,
    "plain": Plain,
    "generic": Parametrized,
    "SimpleNamespace": namespace(SimpleNamespace),
    "argparse.Namespace": namespace(argparse.Namespace),
}
each_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


def train(w, batch):
    x = batch.scaled() if batch.scaled is not None else batch.x * batch.weight
    loss = np.mean((x @ w - batch.y) ** 2)
    w.grad = None
    loss.backward()
    w.data -= 0.1 * w.grad.data
    return loss


@each_maker
@pytest.mark.parametrize("check_every", [None, 0])
def test_each_call_is_given_another_object(make, check_every):
    def run(capture):
        w = ad.Tensor(np.ones(2), requires_grad=True)
        step = capture(lambda batch: train(w, batch))
        batches = [make(points(seed=i)[0], np.full(len(points()[0]), 0.5 * i), 1 + i / 10) for i in range(24)]
        batches[12:16] = [make(points(seed=i)[0][:5], np.ones(5)) for i in range(4)]  # a smaller one
        losses = [step(batch) for batch in batches]
        return [*losses, w.data.copy(), *(batch.x.copy() for batch in batches)]

    compiled = check(run, exact=True, check_every=check_every)
    assert len(compiled.programs) == 2


def test_objects_in_lists_and_in_each_other():
    @dataclass
    class Pair:
        left: Batch
        right: list[Batch]

    def run(capture):
        step = capture(lambda pair, more: pair.left.x * pair.right[0].weight + more["b"].x)

        def batch(i):
            return Batch(np.arange(3.0) + i, None, float(i))

        return [step(Pair(batch(i), [batch(2 * i)]), {"b": batch(3 * i)}) for i in range(20)]

    assert check(run, exact=True).programs


def test_what_tells_objects_apart_gets_a_program_of_its_own():
    def run(capture):
        step = capture(lambda batch: batch.x * (2 if batch.name == "train" else 1))
        names = ["train"] * 8 + ["test"] * 8 + ["train"] * 3
        return [step(Batch(np.arange(3.0) + i, None, name=name)) for i, name in enumerate(names)]

    assert len(check(run, exact=True).programs) == 2


def test_what_a_method_reads_is_watched(monkeypatch):
    w = ad.Tensor(np.ones(2), requires_grad=True)
    step = ad.capture(lambda batch: np.sum(batch.scaled() @ w), check_every=0)
    for i in range(12):
        monkeypatch.setitem(SCALES, "x", 1.0 if i < 10 else 3.0)
        batch = Batch(points(seed=i)[0], None)
        assert step(batch).item() == pytest.approx(np.sum(batch.x * SCALES["x"]))


def test_arrays_in_it_are_written_into():
    def run(capture):
        def step(batch):
            batch.x *= 2
            return np.sum(batch.x)

        step = capture(step)
        batches = [SimpleNamespace(x=np.arange(3.0) + i) for i in range(12)]
        return [*(step(batch) for batch in batches), *(batch.x for batch in batches)]

    check(run, exact=True)


def test_an_object_that_stays_the_same_may_be_changed_by_the_step():
    @dataclass
    class State:
        w: Any
        count: int = 0

    def run(capture):
        def step(state, x):
            state.w = state.w * 0.5 + x
            state.count += 1
            return state.w * state.count

        step, state = capture(step), State(np.zeros(3))
        return [*(step(state, np.ones(3) * i) for i in range(12)), state.w, state.count]

    check(run, exact=True)


def test_another_one_in_each_call_that_the_step_changes_is_refused_and_left():
    w = np.ones(3)

    def step(batch):
        out = batch.x * w
        if "keep" in batch.name:
            return out
        batch.y = out
        return out

    step = ad.capture(step)
    for i in range(3):
        step(Batch(np.ones(3) * i, None, name="keep"))
    batch = Batch(np.ones(3), None)
    with pytest.raises(CaptureError, match=r"changes what is in a Batch among its arguments.*return it instead"):
        step(batch)
    assert batch.y is None


def test_models_are_no_mere_data():
    def run(capture):
        nets = [SimpleNamespace(w=ad.Tensor(np.ones(2) * i, requires_grad=True)) for i in range(3)]
        step = capture(lambda net, x: np.sum(x @ net.w))
        return [step(net, points(seed=i)[0]) for i in range(8) for net in nets]

    check(run, exact=True)


# Results

Metrics = namedtuple("Metrics", "loss more")


@dataclass
class Output:
    loss: Any
    logits: Any = None
    more: Any = field(default_factory=dict)


@pytest.mark.parametrize("kind", [Output, SimpleNamespace])
def test_results(kind):
    def run(capture):
        w = ad.Tensor(np.ones(2), requires_grad=True)

        @capture
        def step(x, y):
            logits = x @ w
            loss = np.mean(logits**2)
            w.grad = None
            loss.backward()
            w.data -= 0.1 * w.grad.data
            inner = kind(loss=loss * 2, logits=None, more="a")
            return kind(loss=loss, logits=logits.data, more={"n": 3, "inner": [inner]})

        results = [step(*points(seed=i)) for i in range(12)]
        assert {type(result) for result in results} == {type(result.more["inner"][0]) for result in results} == {kind}
        assert len({id(result) for result in results}) == 12
        return [
            *(result.loss for result in results),
            *(result.logits for result in results),
            *(result.more["inner"][0].loss for result in results),
            *(result.more["n"] for result in results),
        ]

    check(run, exact=True)


def test_results_that_are_appended():
    def run(capture):
        history = []
        step = capture(lambda x: history.append(Output(np.sum(x), more=x * 2)))
        for i in range(12):
            step(np.ones(3) * i)
        return [part for entry in history for part in (entry.loss, entry.more, entry.logits)]

    check(run, exact=True)


def test_results_of_many_steps():
    step = ad.capture(lambda x: Output(np.sum(x), more=(x * 2, "a")))
    batches = [(np.ones(3) * i,) for i in range(20)]
    found = step.repeat(20, batches)
    assert type(found) is Output
    np.testing.assert_array_equal(found.loss, [3 * i for i in range(20)])
    np.testing.assert_array_equal(found.more[0], [[2 * i] * 3 for i in range(20)])
    assert found.more[1] == "a"
    assert found.logits is None


def test_an_object_that_the_step_reaches_is_returned_itself():
    state = Output(np.zeros(3))

    def step(x):
        state.loss = state.loss + x
        return state

    step = ad.capture(step)
    for i in range(12):
        assert step(np.ones(3)) is state
        np.testing.assert_array_equal(state.loss, np.ones(3) * (i + 1))


# What is opened


class Asking:
    def __init__(self):
        self.x = 1

    def __getattr__(self, name):
        return 3


class Guarding(SimpleNamespace):
    def __setattr__(self, name, value):
        super().__setattr__(name, value * 2)


class Half:
    __slots__ = ("x", "y")


@pytest.mark.parametrize(
    "thing", [Asking(), Guarding(), Half(), ad.Linear(2, 3), ad.Tensor([1.0]), 3, "text", [1], Batch, np.ones(2)]
)
def test_whatever_does_more_than_hold_stays_closed(thing):
    assert contents(thing) is None
    assert opened(thing) is thing


@each_maker
def test_what_is_opened_and_closed_is_the_same_object_or_one_like_it(make):
    thing = make(np.ones(2), [1, 2])
    tree = opened(thing)
    assert closed(tree) is thing
    again = tree.make(*tree)
    assert type(again) is type(thing)
    assert vars(again) == vars(thing) if hasattr(thing, "__dict__") else again.x is thing.x
