import copy
import functools
import pickle
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


def test_a_parameter_requires_a_gradient_unless_it_is_frozen():
    assert ad.Parameter([1.0]).requires_grad
    assert not ad.Parameter([1.0], requires_grad=False).requires_grad
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
        def members(self):
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


# Modules within modules


def test_modules_and_children_are_each_yielded_once_with_their_names():
    model, shared = Custom(), ad.ReLU()
    model.first, model.second, model.inner = shared, shared, ad.Sequential(shared, ad.Tanh())
    assert [name for name, _ in model.named_children()] == [
        *("layers.0", "layers.1", "heads.left", "heads.right.1.0", "first", "inner")
    ]
    assert [name for name, _ in model.named_modules()] == ["", *(n for n, _ in model.named_children()), "inner.1"]
    assert list(model.children()) == [module for _, module in model.named_children()]
    assert list(model.modules()) == [module for _, module in model.named_modules()]


def test_a_module_that_refers_back_to_its_parent_is_walked_once():
    model = ad.Sequential(ad.Linear(1, 1))
    model[0].parent = model
    assert [name for name, _ in model.named_modules()] == ["", "0"]
    assert "(parent): Sequential(...)" in repr(model)
    assert not model.eval()[0].training


def test_apply_calls_the_function_with_the_inner_modules_first():
    model = ad.Sequential(ad.ReLU(), ad.Sequential(ad.Tanh()))
    seen = []
    assert model.apply(seen.append) is model
    assert seen.index(model[1][0]) < seen.index(model[1]) < seen.index(model)
    assert sorted(map(id, seen)) == sorted(map(id, model.modules()))


# Training and evaluation


def test_train_and_eval_reach_every_module():
    model = Custom()
    assert all(module.training for module in model.modules())
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    assert model.train() is model
    assert all(module.training for module in model.modules())
    model.layers[0].train(False)
    assert [module.training for module in model.layers] == [False, True]
    assert ad.Module().training


def test_a_module_is_as_it_was_after_evaluation():
    """A captured step asks for that: its modules must not have more attributes than when it was recorded."""
    model = Custom()
    before = dict(vars(model))
    model.eval().train()
    assert vars(model) == before


def test_a_copy_and_a_pickle_stay_in_evaluation():
    layer = ad.BatchNorm1d(2).eval()
    for made in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert not made.training


# Freezing


def test_a_frozen_parameter_gets_no_gradient_and_is_left_by_the_optimizer():
    model = ad.Sequential(ad.Linear(2, 3, rng=rng()), ad.Linear(3, 1, rng=rng()))
    assert model[0].requires_grad_(False) is model[0]
    assert [parameter.requires_grad for parameter in model.parameters()] == [False, False, True, True]
    optimizer, before = ad.Adam(model.parameters()), model.state_dict()
    np.sum(model(np.ones((4, 2), np.float32))).backward()
    optimizer.step()
    after = model.state_dict()
    assert [name for name in after if not np.array_equal(after[name], before[name])] == ["1.weight", "1.bias"]
    assert model[0].weight.grad is model[0].bias.grad is None
    model[0].requires_grad_()
    np.sum(model(np.ones((4, 2), np.float32))).backward()
    optimizer.step()
    assert not np.array_equal(model[0].weight.data, before["0.weight"])


def test_a_frozen_parameter_that_has_a_gradient_keeps_it_and_is_not_moved_by_it():
    layer = ad.Linear(2, 1, rng=rng())
    optimizer, before = ad.SGD(layer.parameters(), learning_rate=0.1), layer.state_dict()
    np.sum(layer(np.ones((4, 2), np.float32))).backward()
    layer.weight.requires_grad = False
    optimizer.step()
    np.testing.assert_array_equal(layer.weight.data, before["weight"])
    assert not np.array_equal(layer.bias.data, before["bias"])
    assert layer.weight.grad is not None


def test_zero_grad_forgets_all_gradients():
    model = Custom()
    np.sum(model(np.ones(2, np.float32))).backward()
    assert model.scale.grad is not None
    model.zero_grad()
    assert {parameter.grad for parameter in model.parameters()} == {None}


# Buffers


class Counter(ad.Module):
    def __init__(self):
        self.count = ad.Buffer(np.zeros(2))
        self.register_buffer("cache", np.arange(3.0), persistent=False)
        self.register_buffer("nothing", None)
        self.inner = [ad.Buffer(np.array(7))]


def test_buffers_are_named_and_saved_unless_they_are_not_persistent():
    model = ad.Sequential(Counter())
    assert [name for name, _ in model.named_buffers()] == ["0.count", "0.cache", "0.inner.0"]
    assert [buffer.requires_grad for buffer in model.buffers()] == [False] * 3
    assert list(model.parameters()) == []
    state = model.state_dict()
    assert list(state) == ["0.count", "0.inner.0"]
    assert model[0].nothing is None
    model.load_state_dict({"0.count": [5, 6], "0.inner.0": 8})
    np.testing.assert_array_equal(model[0].count.data, [5, 6])
    assert model[0].inner[0].item() == 8
    assert model[0].inner[0].dtype == np.int64
    with pytest.raises(ValueError, match=r"'0\.count' has shape \(3,\), the buffer \(2,\)"):
        model.load_state_dict({"0.count": [5, 6, 7], "0.inner.0": 8})
    with pytest.raises(ValueError, match=r"unexpected '0\.cache'"):
        model.load_state_dict({**state, "0.cache": np.arange(3.0)})


@pytest.mark.parametrize("make", [ad.Tensor, np.asarray])
def test_what_takes_the_place_of_a_buffer_becomes_one(make):
    model = Counter()
    model.count = make(model.count + 1)
    model.cache = make(model.cache * 2)
    assert [name for name, _ in model.named_buffers()] == ["count", "cache", "inner.0"]
    np.testing.assert_array_equal(model.state_dict()["count"], [1, 1])
    assert "cache" not in model.state_dict()
    with pytest.raises(TypeError, match=r"would lose it; use t\.detach\(\)"):
        model.count = ad.Tensor([1.0], requires_grad=True)
    model.count = ad.Parameter([1.0])
    assert [name for name, _ in model.named_parameters()] == ["count"]
    model.count = None
    assert "count" not in model.state_dict()


def test_a_buffer_in_an_object_is_an_error_at_the_first_look():
    model = holding(SimpleNamespace(mean=ad.Buffer([1.0])))
    with pytest.raises(TypeError, match=r"holds a buffer in a SimpleNamespace.*would not be saved"):
        model.state_dict()


def test_a_parameter_and_a_buffer_of_one_name_are_an_error():
    with pytest.raises(ValueError, match=r"have the name 'held\.1'"):
        holding({1: ad.Parameter([1.0]), "1": ad.Buffer([1.0])}).state_dict()


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_a_copy_of_a_buffer_is_one(again):
    model = Counter()
    for buffer in (model.count, model.cache):
        made = again(buffer)
        assert type(made) is ad.Buffer
        assert made.persistent is buffer.persistent
        np.testing.assert_array_equal(made.data, buffer.data)
        assert not np.shares_memory(made.data, buffer.data)


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
            "Sequential(",
            "  (0): Linear(in_features=2, out_features=100, bias=True)",
            "  (1): ReLU()",
            "  (2): Sequential(",
            "    (0): Linear(in_features=100, out_features=3, bias=True)",
            "    (1): Softmax(axis=0)",
            "  )",
            ")",
        ]
    )


def test_repr_names_modules_held_in_lists_and_dicts():
    lines = repr(Custom()).splitlines()
    assert lines[0] == "Custom("
    assert "  (layers.1): Linear(in_features=3, out_features=2, bias=True)" in lines
    assert "  (heads.left): Linear(in_features=2, out_features=1, bias=True)" in lines
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


class InEvaluation(ad.Module):
    training = False

    def forward(self, x):
        return x


class Derived(ad.Module):
    @property
    def training(self):
        return True

    def forward(self, x):
        return x


def test_a_class_may_say_itself_whether_its_modules_are_in_training():
    assert not InEvaluation().training
    assert InEvaluation().train().training
    assert not InEvaluation().training
    assert Derived().training
