"""Batches that are replaced as a whole where the function reaches them: tuples, lists, dicts and Tensors."""

from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.comparing import check_calls, each_exactness
from tests.compiler.refusing import refused

Pair = namedtuple("Pair", "x y")
DATA = np.random.default_rng(0).normal(size=(40, 3))


def parts_of(batch):
    return (batch["x"], batch["y"]) if isinstance(batch, dict) else batch[:2]


BATCHES = {
    "tuple": lambda x, y: (x, y),
    "named tuple": Pair,
    "list": lambda x, y: [x, y],
    "dict": lambda x, y: {"x": x, "y": y, "name": "batch"},
    "Tensors": lambda x, y: (ad.Tensor(x), ad.Tensor(y)),
    "a dict of them": lambda x, y: {"x": ad.Tensor(x), "y": ad.Tensor(y)},
    "nested": lambda x, y: (x, y, ({"z": x * 2}, [y * 1])),
    "with a number": lambda x, y: (x, y, float(x[0, 0])),
    "with constants": lambda x, y: (x, y, None, "train", True),
}


class Holder:
    batch = None


class Training:
    """A step on a batch that is replaced between its calls, in a variable, an attribute and an item."""

    def __init__(self, make, way, wrap):
        self.w = ad.Parameter(np.full((2, 1), 0.5))
        self.make = make
        batch, held, items = None, Holder(), {}

        def replace(new):
            nonlocal batch
            batch = held.batch = items["batch"] = new

        reading = {"variable": lambda: batch, "attribute": lambda: held.batch, "item": lambda: items["batch"]}[way]
        self.replace, self.reading = replace, reading
        w = self.w

        def step():
            x, y = parts_of(reading())
            loss = np.mean((x @ w - y) ** 2)
            w.grad = None
            loss.backward()
            np.subtract(w.data, 0.1 * w.grad.data, out=w.data)
            return loss

        self.step = wrap(step)

    def call(self, i, rows=4):
        part = DATA[i % 36 : i % 36 + rows]
        batch = self.make(part[:, :2].copy(), part[:, 2:].copy())
        self.replace(batch)
        loss = self.step()
        assert self.reading() is batch
        assert all(type(one) in (np.ndarray, ad.Tensor) for one in parts_of(batch))
        return loss, self.w.data


@pytest.mark.parametrize("way", ["variable", "attribute", "item"])
@pytest.mark.parametrize("make", BATCHES.values(), ids=BATCHES)
def test_a_batch_that_is_replaced_before_each_call_has_one_program(make, way):
    steps = []

    def build(wrap):
        training = Training(make, way, wrap)
        steps.append(training.step)
        return training.call

    check_calls(build, calls=20)
    assert len(steps[1].specializations) == 1
    assert steps[1].current.is_ready


@each_exactness
@pytest.mark.parametrize("name", ["tuple", "dict", "Tensors"])
def test_a_batch_that_is_replaced_now_and_then_and_a_smaller_one(name, exact):
    steps = []

    def build(wrap):
        training = Training(BATCHES[name], "variable", wrap)
        steps.append(training.step)
        return lambda i: training.call(i // 8, rows=2 if i % 8 == 7 else 4)

    check_calls(build, exact, calls=48)
    assert len(steps[1].specializations) == 2


@each_exactness
@pytest.mark.parametrize("name", ["tuple", "list", "dict", "Tensors"])
def test_a_batch_of_another_structure_has_another_program(name, exact):
    def build(wrap):
        training = Training(None, "attribute", wrap)

        def call(i):
            training.make = BATCHES[name] if i % 12 < 7 else BATCHES["with constants"]
            return training.call(i)

        return call

    check_calls(build, exact, calls=40)


STATES = {"tuple": lambda h, c: (h, c), "named tuple": Pair}


@each_exactness
@pytest.mark.parametrize("of_tensors", [False, True], ids=["arrays", "Tensors"])
@pytest.mark.parametrize("make", STATES.values(), ids=STATES)
def test_a_state_that_the_step_replaces_as_a_whole(make, of_tensors, exact):
    """As that of an LSTM: a replay leaves what the step leaves, in a tuple of the same kind."""

    def build(wrap):
        w = ad.Parameter(np.full((2, 2), 0.3))
        zeros = [np.zeros((4, 2)) for _ in range(2)]
        model = SimpleNamespace(state=make(*map(ad.Tensor, zeros) if of_tensors else zeros))

        def step(x):
            h, c = parts_of(model.state)
            h = np.tanh(x @ w + h)
            c = 0.5 * c + h
            loss = np.mean(c**2)
            w.grad = None
            loss.backward()
            np.subtract(w.data, 0.1 * w.grad.data, out=w.data)
            model.state = make(h.detach(), c.detach()) if of_tensors else make(h.data.copy(), c.data * 1)
            return loss

        step = wrap(step)

        def call(i):
            loss = step(DATA[i : i + 4, :2])
            return loss, model.state, w.data

        return call

    check_calls(build, exact, calls=16)


@pytest.mark.parametrize("make", [lambda h: [h], lambda h: {"h": h}], ids=["list", "dict"])
def test_a_list_or_dict_that_the_step_replaces_is_refused(make):
    """A replay would write into that of the step before, which the user may have kept."""
    model = SimpleNamespace(state=make(np.zeros(2)))

    def step(x):
        model.state = make(x * 2)
        return x

    refused(ad.capture(step), r"model\.state is another (list|dict) than it was.*tuple")


@each_exactness
def test_what_a_step_changes_in_a_dict_that_is_replaced_is_in_the_dict(exact):
    def build(wrap):
        batch = {}

        def step():
            batch["now"]["x"] = batch["now"]["x"] * 0.5
            return np.sum(batch["now"]["x"])

        step = wrap(step)

        def call(i):
            mine = batch["now"] = {"x": DATA[i].copy(), "y": 1}
            return step(), mine["x"]

        return call

    check_calls(build, exact, calls=16)


def test_a_tensor_that_is_replaced_stays_the_one_that_it_is():
    now = ad.Tensor(np.ones(3))
    step = ad.capture(lambda: now * 2)
    for i in range(12):
        now = kept = ad.Tensor(np.full(3, float(i)))
        assert np.array_equal(step().data, np.full(3, 2.0 * i))
        assert now is kept
    kept.data[...] = 7.0
    assert np.array_equal(step().data, np.full(3, 14.0))
    kept.data = np.full(3, 8.0)
    assert np.array_equal(step().data, np.full(3, 16.0))
    assert len(step.programs) == 1
