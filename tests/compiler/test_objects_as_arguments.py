"""Objects given as arguments are looked into as if the function reached them; those returned hold no stand-ins."""

import copy
import dataclasses

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.compiler.record.arguments import Arguments
from autodiff.compiler.record.stand_in import StandIn
from tests.compiler.comparing import check, network, points
from tests.compiler.refusing import outcome


@dataclasses.dataclass
class Settings:
    scale: float = 2.0
    table: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Frozen:
    table: np.ndarray


@dataclasses.dataclass
class Result:
    loss: object


def test_a_model_and_an_optimizer():
    def run(capture):
        model = network()
        optimizer = ad.Adam(model.parameters(), 0.01)

        @capture
        def step(model, optimizer, x):
            loss = np.mean(model(x) ** 2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        losses = [step(model, optimizer, points(seed=i)[0]) for i in range(9)]
        return [*losses, *(p.data.copy() for p in model.parameters())]

    check(run, exact=True)


def test_a_generator():
    def run(capture):
        rng = np.random.default_rng(0)
        function = capture(lambda x, rng: x + rng.normal(size=2))
        return [*(function(np.ones(2), rng) for _ in range(9)), rng.normal()]

    check(run, exact=True)


def test_generators_in_a_dict():
    def run(capture):
        rngs = {"a": np.random.default_rng(0), "b": np.random.default_rng(1)}
        function = capture(lambda x, rngs: x + rngs["a"].normal(size=2) * rngs["b"].uniform(size=2))
        return [*(function(np.ones(2), rngs) for _ in range(9)), rngs["a"].normal()]

    check(run, exact=True)


def test_another_generator_has_a_program_of_its_own():
    function = ad.capture(lambda x, rng: x + rng.normal(size=2))
    rng = np.random.default_rng(0)
    for _ in range(7):
        function(np.ones(2), rng)
    other, same = np.random.default_rng(1), np.random.default_rng(1)
    for _ in range(7):
        np.testing.assert_array_equal(function(np.ones(2), other), 1 + same.normal(size=2))
    np.testing.assert_array_equal(function(np.ones(2), other), 1 + same.normal(size=2))


def test_an_array_in_an_object():
    def run(capture):
        settings = Settings(table=np.arange(2.0))

        @capture
        def function(x, settings):
            settings.table = settings.table * 0.5 + x
            return settings.table * 2

        return [*(function(np.full(2, float(i)), settings) for i in range(9)), settings.table]

    check(run, exact=True)


def test_an_array_in_a_frozen_dataclass():
    def run(capture):
        frozen, other = Frozen(np.arange(2.0)), Frozen(np.ones(2))

        @capture
        def function(x, settings):
            other.table[...] += x
            return settings.table * x + other.table

        return [*(function(np.full(2, float(i)), frozen) for i in range(9)), other.table]

    check(run, exact=True)


@pytest.mark.parametrize("calls", [1, 8])
def test_a_setting_changed_in_an_object_is_followed_or_refused(calls):
    settings = Settings()
    step = ad.capture(lambda x, settings: x * settings.scale)
    for i in range(calls):
        assert step(1.0 * i, settings) == 2.0 * i
    settings.scale = 3.0
    found, refusal = outcome(step, 1.0, settings)
    assert found == 3.0 or "settings.scale" in refusal


def test_an_equal_object_with_other_arrays_is_refused():
    step = ad.capture(lambda x, settings: x * settings.table)
    settings = Settings(table=np.ones(2))
    for _ in range(7):
        step(np.ones(2), settings)
    found, refusal = outcome(step, np.ones(2), Settings(table=np.full(2, 3.0)))
    assert "argument settings" in refusal or np.array_equal(found, [3.0, 3.0])


def test_an_equal_object_each_time_may_be_given():
    step = ad.capture(lambda x, settings: x * settings.scale)
    for i in range(9):
        assert step(1.0 * i, Settings()) == 2.0 * i


@dataclasses.dataclass
class Named:
    name: str
    scale: object = dataclasses.field(default=None, compare=False)


class Labelled(int):
    label = ""


def labelled(label, value=2):
    number = Labelled(value)
    number.label = label
    return number


EQUAL = [
    (labelled("a"), labelled("b")),
    (Named("a", labelled("b", 2)), Named("a", labelled("b", 3))),
    (Named("a", ValueError("b")), Named("a", ValueError("c"))),
    (Named("a", (Named("b", 2.0), {1, 2})), Named("a", (Named("b", 2.0), {1, 3}))),
    (Named("a", 2.0), Named("a", 3.0)),
    (Named("a", [2.0]), Named("a", [3.0])),
    (Named("a", {"b": 2.0}), Named("a", {"c": 2.0})),
    (Named("a", {2.0}), Named("a", {3.0})),
    (Named("a", Settings()), Named("a", Settings(3.0))),
    (Named("a", Named("a", 2.0)), Named("a", Named("a", 3.0))),
    (Named("a", np.sin), Named("a", np.cos)),
    (Named("a", Settings().__eq__), Named("a", Settings(3.0).__eq__)),
    (Named("a", F.relu), Named("a", F.softplus)),
    (Named("a", ad.capture(np.sin)), Named("a", ad.capture(np.cos))),
    (Settings(0.0), Settings(-0.0)),
    (complex(-1.0, 0.0), complex(-1.0, -0.0)),
    ([complex(-1.0, 0.0)], [complex(-1.0, -0.0)]),
]


@pytest.mark.parametrize(("before", "now"), EQUAL)
def test_what_is_equal_is_not_the_same_where_it_holds_something_else(before, now):
    assert before == now
    arguments = Arguments(("x",), (before,), {}, False)
    assert arguments.leaves_of((copy.copy(before),), {}) is not None
    assert arguments.leaves_of((now,), {}) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: tree.update(w=tree["w"] * 2),
        lambda tree: tree.update(more=1),
        lambda tree: tree.pop("w"),
        lambda tree: tree["inner"].append(2),
        lambda tree: tree["inner"].__setitem__(0, tree["w"]),
        lambda tree: tree.update(name="b"),
    ],
    ids=["an array", "a key", "a key taken away", "a list", "an entry of a list", "text"],
)
def test_a_change_of_a_dict_or_list_among_the_arguments_is_refused(change):
    tree = {"w": np.ones(2), "inner": [1], "name": "a"}

    def function(tree):
        change(tree)
        return np.ones(2) * 2

    _, refusal = outcome(ad.capture(function), tree)
    assert "return it" in refusal


def test_writing_into_an_array_of_a_dict_among_the_arguments_is_followed():
    def run(capture):
        tree = {"w": np.ones(2)}

        @capture
        def function(tree, x):
            tree["w"][...] += x
            return tree["w"] * 2

        return [*(function(tree, np.full(2, float(i))) for i in range(9)), tree["w"]]

    check(run, exact=True)


@pytest.mark.parametrize(
    "build",
    [
        Result,
        lambda value: [Result(value)],
        lambda value: Result([{"a": value}]),
        lambda value: lambda: value,
        lambda value: Result(Result(value)),
        lambda value: Result(ad.Tensor([1.0]) * value),
    ],
    ids=["a dataclass", "in a list", "in a dict", "a function", "in each other", "of a Tensor"],
)
def test_a_result_in_an_object_is_refused_and_no_stand_in_leaves(build):
    found, refusal = outcome(ad.capture(lambda x: build(x * 2)), np.ones(2))
    assert found is None
    assert "return a tuple, a list or a dict" in refusal


def test_an_object_that_the_step_reaches_may_be_returned():
    model = network()
    step = ad.capture(lambda x: (model, model(x)))
    for i in range(8):
        found, value = step(points(seed=i)[0])
        assert found is model
        np.testing.assert_allclose(value.data, model(points(seed=i)[0]).data)
    assert not any(type(p._data) is StandIn for p in model.parameters())


def test_an_object_without_arrays_may_be_returned():
    settings = Settings()
    step = ad.capture(lambda x: (settings, x * 2, range(3)))
    for _ in range(8):
        assert step(1.0) == (settings, 2.0, range(3))
