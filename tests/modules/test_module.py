import functools
from collections import OrderedDict, UserDict, UserList, deque
from dataclasses import dataclass
from types import MappingProxyType, SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

import autodiff as ad


def rng():
    return np.random.default_rng(0)


class Custom(ad.Module):
    def __init__(self):
        self.scale = ad.Parameter(np.ones(1))
        self.layers = [ad.Linear(2, 3, rng=rng()), ad.Linear(3, 2, rng=rng())]
        self.heads = {"left": ad.Linear(2, 1, rng=rng()), "right": [ad.Parameter(np.zeros(4)), (ad.ReLU(),)]}
        self.name = "not a parameter"
        self.constant = ad.Tensor(np.ones(3))

    def forward(self, x, factor=1.0):
        return x * self.scale * factor


# Parameters


def test_a_parameter_always_requires_a_gradient():
    assert ad.Parameter([1.0]).requires_grad
    with pytest.raises(TypeError, match="only floating-point"):
        ad.Parameter(np.array([1]))


def test_parameters_are_found_in_attributes_lists_tuples_and_dicts():
    assert [name for name, _ in Custom().named_parameters()] == [
        "scale",
        "layers.0.weight",
        "layers.0.bias",
        "layers.1.weight",
        "layers.1.bias",
        "heads.left.weight",
        "heads.left.bias",
        "heads.right.0",
    ]


def test_a_module_that_is_a_sequence_too_is_one_module():
    class Layers(ad.Module, UserList):
        def children(self):
            return ((f"layer{i}", layer) for i, layer in enumerate(self.data))

    model = ad.Module()
    model.inner = Layers([ad.Linear(1, 1, bias=False)])
    assert [name for name, _ in model.named_parameters()] == ["inner.layer0.weight"]


def test_a_plain_tensor_is_no_parameter():
    model = Custom()
    assert all(parameter is not model.constant for parameter in model.parameters())
    assert all(isinstance(parameter, ad.Parameter) for parameter in model.parameters())


def test_a_shared_parameter_is_yielded_once():
    first = ad.Linear(2, 2, rng=rng())
    second = ad.Linear(2, 2, rng=rng())
    second.weight = first.weight
    model = ad.Sequential(first, second, first)
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    assert len(list(model.parameters())) == 3


def test_a_parameter_added_later_is_found():
    model = Custom()
    model.extra = ad.Parameter([1.0])
    assert "extra" in dict(model.named_parameters())


# Held anywhere: found, or an error at the first look


class Slots(ad.Module):
    __slots__ = ("held", "unset")


class Base(ad.Module):
    held = None


class Pair(NamedTuple):
    first: object
    second: object


@dataclass
class Settings:
    weight: object


class SlottedObject:
    __slots__ = ("weight",)

    def __init__(self, weight):
        self.weight = weight


def holding(value):
    model = ad.Module()
    model.held = value
    return model


def in_slots(p):
    model = Slots()
    model.held = p
    return model


def in_the_class(value):
    return type("Net", (Base,), {"held": value})()


def computed_once(p):
    class Net(ad.Module):
        @functools.cached_property
        def held(self):
            return p

    model = Net()
    assert model.held is p
    return model


FOUND = {
    "an attribute": (holding, "held"),
    "a list": (lambda p: holding([1, p]), "held.1"),
    "a dict": (lambda p: holding({"a": {2: p}}), "held.a.2"),
    "an ordered dict": (lambda p: holding(OrderedDict(a=p)), "held.a"),
    "a mapping": (lambda p: holding(UserDict(a=p)), "held.a"),
    "a mapping proxy": (lambda p: holding(MappingProxyType({"a": p})), "held.a"),
    "a named tuple": (lambda p: holding(Pair(1, p)), "held.1"),
    "a deque": (lambda p: holding(deque([p])), "held.0"),
    "a sequence": (lambda p: holding(UserList([p])), "held.0"),
    "an array of modules": (lambda p: holding(np.array([None, holding(p)], dtype=object)), "held.1.held"),
    "slots": (in_slots, "held"),
    "the class": (in_the_class, "held"),
    "a list of the class": (lambda p: in_the_class([p]), "held.0"),
    "a class above": (lambda p: type("Net", (type(in_the_class(p)),), {})(), "held"),
    "a cached property": (computed_once, "held"),
    "a module of the class": (lambda p: in_the_class(holding(p)), "held.held"),
    "a dict with an empty key": (lambda p: holding({"": p}), "held."),
    "a dict with a dot first": (lambda p: holding([holding({".a": p})]), "held.0.held..a"),
    "a module named by a dot": (lambda p: named({".": holding(p)}), "..held"),
}


def named(attributes):
    model = ad.Module()
    vars(model).update(attributes)
    return model


@pytest.mark.parametrize(("make", "name"), FOUND.values(), ids=FOUND)
def test_a_parameter_is_found(make, name):
    p = ad.Parameter([1.0])
    model = make(p)
    assert [(found, held) for found, held in model.named_parameters()] == [(name, p)]
    assert model.state_dict().keys() == {name}
    model.load_state_dict({name: [5.0]})
    assert p.item() == 5
    ad.SGD(holding(model).parameters(), 0.1)


def test_an_attribute_hides_that_of_its_class():
    p, q = ad.Parameter([1.0]), ad.Parameter([2.0])
    model = in_the_class(p)
    model.held = q
    assert [*model.parameters()] == [q]
    model.held = None
    assert [*model.parameters()] == []


SET = "is a (frozen)?set, which has no order"
HIDDEN = {
    "a set": (lambda p: holding({p}), SET),
    "a frozen set in a list": (lambda p: holding([frozenset([p])]), SET),
    "a set of modules": (lambda p: holding({holding(p)}), SET),
    "the values of a dict": (lambda p: holding({"a": p}.values()), "in a dict_values, where none is looked for"),
    "an iterator": (lambda p: holding(iter([p])), "in a list_iterator"),
    "a namespace": (
        lambda p: holding(SimpleNamespace(p=p)),
        r"Module\.(held\.)?held holds a parameter in a SimpleNamespace",
    ),
    "a namespace in a module": (lambda p: holding(holding(SimpleNamespace(p=p))), r"Module\.(held\.)?held\.held holds"),
    "a dataclass": (lambda p: holding(Settings(p)), "in a Settings"),
    "a dataclass in a list": (lambda p: holding([Settings(p)]), "in a Settings"),
    "an object with slots": (lambda p: holding(SlottedObject(p)), "in a SlottedObject"),
    "a list in an object": (lambda p: holding(Settings([p])), "in a Settings"),
    "a module in an object": (lambda p: holding(Settings(holding(p))), "in a Settings"),
    "an object of the class": (lambda p: in_the_class(Settings(p)), "in a Settings"),
    "a partial": (lambda p: holding(functools.partial(np.add, p)), "in a partial"),
    "a method": (lambda p: holding(holding(p).forward), "in a method"),
    "a closure": (lambda p: holding(lambda x: x * p), "in a function"),
    "a bound optimizer": (lambda p: holding(ad.SGD([p], 0.1)), "in a SGD"),
}


@pytest.mark.parametrize(("make", "message"), HIDDEN.values(), ids=HIDDEN)
def test_a_parameter_that_would_be_dropped_is_an_error_at_the_first_look(make, message):
    p = ad.Parameter([1.0])
    model = make(p)
    for look in (
        lambda: next(model.parameters()),
        lambda: next(model.named_parameters()),
        model.state_dict,
        lambda: model.load_state_dict({}),
        lambda: ad.SGD(model.parameters(), 0.1),
        lambda: next(holding(model).parameters()),
    ):
        with pytest.raises(TypeError, match=message):
            look()


def test_an_object_may_hold_a_parameter_that_is_found_elsewhere():
    layer = ad.Linear(2, 2, rng=rng())
    model = holding(layer)
    model.optimizer = ad.SGD(layer.parameters(), 0.1)
    model.forward = lambda x: layer(x)
    model.bound = layer.forward
    model.settings = SimpleNamespace(numbers=[1, 2], model=model, rng=rng(), array=np.ones(3), t=ad.Tensor(1.0))
    assert [name for name, _ in model.named_parameters()] == ["held.weight", "held.bias"]


COLLIDING = {
    "a number and its text": (lambda p, q: holding({1: p, "1": q}), "'held.1'"),
    "a dot in a key": (lambda p, q: holding({"a.b": p, "a": {"b": q}}), "'held.a.b'"),
    "a dot in an attribute": (lambda p, q: named({"a.b": p, "a": holding_as_b(q)}), "'a.b'"),
    "numbers that look alike": (lambda p, q: holding({1.5: p, 1: [0, 0, 0, 0, 0, q]}), "'held.1.5'"),
    "an attribute of a Sequential": (lambda p, q: sequential(p, q), "'0.held'"),
    "in a module within": (lambda p, q: holding(holding({1: p, "1": q})), "'held.held.1'"),
    "keys with one text": (lambda p, q: holding({Word(): p, "word": q}), "'held.word'"),
}


class Word:
    def __str__(self):
        return "word"


def holding_as_b(value):
    return named({"b": value})


def sequential(p, q):
    model = ad.Sequential(holding(p))
    vars(model)["0"] = holding(q)
    return model


@pytest.mark.parametrize(("make", "name"), COLLIDING.values(), ids=COLLIDING)
def test_two_parameters_of_one_name_are_an_error_at_the_first_look(make, name):
    model = make(ad.Parameter([1.0]), ad.Parameter([2.0]))
    for look in (lambda: next(model.parameters()), model.state_dict, lambda: model.load_state_dict({})):
        with pytest.raises(ValueError, match=f"have the name {name}; rename"):
            look()


# State


def test_a_state_round_trip_is_exact():
    source, target = ad.Linear(3, 2, rng=np.random.default_rng(1)), ad.Linear(3, 2, rng=np.random.default_rng(2))
    target.load_state_dict(source.state_dict())
    for name, parameter in source.named_parameters():
        np.testing.assert_array_equal(dict(target.named_parameters())[name].data, parameter.data)


def test_a_state_is_a_copy_both_ways():
    model = ad.Linear(3, 2, rng=rng())
    state = model.state_dict()
    state["bias"][:] = 7
    assert not model.bias.data.any()
    model.load_state_dict(state)
    state["bias"][:] = 8
    np.testing.assert_array_equal(model.bias.data, 7)


def test_a_loaded_state_takes_the_dtype_and_keeps_the_parameter():
    model = ad.Linear(3, 2, rng=rng())
    bias = model.bias
    model.load_state_dict({"weight": np.ones((2, 3)), "bias": [1, 2]})
    assert model.bias is bias
    assert model.weight.dtype == bias.dtype == np.float32
    np.testing.assert_array_equal(bias.data, [1, 2])


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        (lambda state: state.pop("0.bias"), ["missing '0.bias'"]),
        (lambda state: state.update(more=np.ones(1)), ["unexpected 'more'"]),
        (lambda state: state.update({"0.bias": np.ones(3)}), [r"'0.bias' has shape (3,), the parameter (2,)"]),
        (
            lambda state: (state.pop("1.bias"), state.update(more=1), state.update({"0.bias": 1.0})),
            ["missing '1.bias'", "unexpected 'more'", "'0.bias' has shape ()"],
        ),
        (lambda state: state.update({"1.bias": np.array(["a", "b"])}), ["1.bias"]),
        (lambda state: state.update({"1.bias": [[1.0], [2.0, 3.0]]}), ["1.bias"]),
    ],
    ids=["missing", "unexpected", "shape", "several", "text", "ragged"],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(change, messages):
    model = ad.Sequential(ad.Linear(3, 2, rng=rng()), ad.Linear(2, 2, rng=rng()))
    before = model.state_dict()
    state = {name: array + 1 for name, array in before.items()}
    change(state)
    with pytest.raises(ValueError, match="the state does not fit the Sequential") as caught:
        model.load_state_dict(state)
    for message in messages:
        assert message in str(caught.value)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


# repr


def test_repr_shows_the_tree():
    model = ad.Sequential(
        ad.Linear(2, 100, rng=rng()), ad.ReLU(), ad.Sequential(ad.Linear(100, 3, rng=rng()), ad.Softmax(axis=0))
    )
    assert repr(model) == "\n".join(
        [
            "Sequential()",
            "  (0): Linear(2, 100)",
            "  (1): ReLU()",
            "  (2): Sequential()",
            "    (0): Linear(100, 3)",
            "    (1): Softmax(axis=0)",
        ]
    )


def test_repr_names_modules_held_in_lists_and_dicts():
    lines = repr(Custom()).splitlines()
    assert lines[0] == "Custom()"
    assert "  (layers.1): Linear(3, 2)" in lines
    assert "  (heads.left): Linear(2, 1)" in lines
    assert "  (heads.right.1.0): ReLU()" in lines


# Calling


def test_a_module_calls_its_forward():
    np.testing.assert_array_equal(Custom()(np.ones(2), factor=3.0).data, [3, 3])
    with pytest.raises(NotImplementedError, match="Module defines no forward"):
        ad.Module()(1)


def test_a_network_of_float32_stays_float32():
    model = ad.Sequential(
        ad.Linear(2, 8, rng=rng()),
        ad.ReLU(),
        ad.Linear(8, 8, rng=rng()),
        ad.Sigmoid(),
        ad.Linear(8, 3, rng=rng()),
        ad.Tanh(),
    )
    loss = ad.CrossEntropyLoss()(model(np.ones((4, 2), np.float32)), [0, 1, 2, 0])
    loss.backward()
    assert loss.dtype == np.float32
    assert {parameter.grad.dtype for parameter in model.parameters()} == {np.dtype(np.float32)}
