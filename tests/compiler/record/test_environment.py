"""Finding the arrays and settings that a function reaches."""

import dataclasses
import functools
import types
from collections import OrderedDict, namedtuple
from typing import Protocol, runtime_checkable

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.record.environment import explore

TABLE = np.arange(3.0)
OPTIONS = {"scale": np.ones(2), "nested": [np.zeros(1)]}


def names(slots):
    return sorted(slot.name for slot in slots)


def arrays_of(function):
    return names(explore(function).arrays)


def test_arrays_of_the_closure():
    scale, other = np.ones(2), np.ones(3)
    assert arrays_of(lambda x: x * scale + other) == ["other", "scale"]


def test_arrays_of_global_variables():
    assert arrays_of(lambda x: x * TABLE) == ["TABLE"]


def test_arrays_of_global_containers():
    assert arrays_of(lambda x: OPTIONS) == ["OPTIONS['nested'][0]", "OPTIONS['scale']"]


def test_global_variables_named_only_in_an_inner_function():
    assert arrays_of(lambda x: [TABLE * one for one in x]) == ["TABLE"]
    assert arrays_of(lambda x: (lambda y: (lambda z: z * TABLE)(y))(x)) == ["TABLE"]


def test_what_a_function_does_not_name_is_not_looked_at():
    unused = np.ones(2)
    assert arrays_of(lambda x: x) == []
    assert unused.size == 2


def test_parameters_are_named_by_their_path():
    rng = np.random.default_rng(0)
    model = ad.Sequential(ad.Linear(2, 3, rng=rng), ad.ReLU())
    assert arrays_of(lambda x: model(x)) == ["model.layers[0].bias", "model.layers[0].weight"]


def test_the_gradients_of_tensors_are_places_of_their_own():
    w = ad.Tensor(np.ones(2), requires_grad=True)
    found = explore(lambda x: w * x)
    assert names(found.gradients) == ["w.grad"]
    assert found.gradient_arrays == []
    w.grad = ad.Tensor(np.ones(2))
    assert names(explore(lambda x: w * x).gradient_arrays) == ["w.grad"]


def test_the_state_of_an_optimizer():
    w = ad.Tensor(np.ones(2), requires_grad=True)
    optimizer = ad.Adam([w], 0.1)
    w.grad = ad.Tensor(np.ones(2))
    optimizer.step()
    found = explore(lambda: optimizer.step())
    assert {"mean", "square"} <= {name.split("'")[1] for name in names(found.arrays) if "'" in name}
    assert "optimizer.learning_rate" in names(found.numbers)


def test_a_tensor_found_by_two_ways_is_one():
    w = ad.Tensor(np.ones(2), requires_grad=True)
    first, second = [w], {"w": w}
    assert len(arrays_of(lambda: (first, second))) == 1


def test_an_array_found_by_two_ways_is_two_places():
    shared = np.ones(2)
    first, second = [shared], [shared]
    assert arrays_of(lambda: (first, second)) == ["first[0]", "second[0]"]


@pytest.mark.parametrize(
    ("container", "name"),
    [
        ([np.ones(1)], "box[0]"),
        ((np.ones(1),), "box[0]"),
        ({"a": np.ones(1)}, "box['a']"),
        ({3: np.ones(1)}, "box[3]"),
        (OrderedDict(a=np.ones(1)), "box['a']"),
        (namedtuple("Pair", ["left", "right"])(np.ones(1), 2), "box[0]"),
        ([[(np.ones(1),)]], "box[0][0][0]"),
    ],
    ids=["list", "tuple", "dict", "dict of numbers", "ordered dict", "named tuple", "nested"],
)
def test_arrays_in_containers(container, name):
    box = container
    assert arrays_of(lambda: box) == [name]


def test_arrays_in_attributes():
    class Holder:
        def __init__(self):
            self.array = np.ones(1)
            self.inner = {"more": np.zeros(1)}

    holder = Holder()
    assert arrays_of(lambda: holder) == ["holder.array", "holder.inner['more']"]


def test_arrays_in_dataclasses():
    @dataclasses.dataclass
    class Holder:
        array: np.ndarray

    holder = Holder(np.ones(1))
    assert arrays_of(lambda: holder) == ["holder.array"]


def test_arrays_that_a_bound_method_reaches():
    class Holder:
        def __init__(self):
            self.array = np.ones(1)

        def method(self):
            return self.array

    assert arrays_of(Holder().method) == ["Holder.array"]


def test_arrays_in_the_keywords_of_a_partial():
    assert len(arrays_of(functools.partial(lambda x, scale: x * scale, scale=np.ones(1)))) == 1


def test_arrays_in_defaults():
    def function(x, scale=TABLE * 2, *, offset=TABLE * 3):
        return x * scale + offset

    assert {id(slot.get()) for slot in explore(function).arrays} == {
        id(array) for array in (*function.__defaults__, *function.__kwdefaults__.values())
    }


def test_arrays_that_a_called_function_reaches():
    hidden = np.ones(1)

    def inner():
        return hidden

    def outer():
        return inner()

    assert arrays_of(outer) == ["hidden"]


def test_what_a_decorated_function_wraps():
    scale = np.ones(1)

    def decorate(function):
        @functools.wraps(function)
        def inner(x):
            return function(x) * scale

        return inner

    offset = np.zeros(1)
    assert arrays_of(decorate(lambda x: x + offset)) == ["offset", "scale"]


def test_cycles_end():
    first: list = [np.ones(1)]
    first.append(first)
    assert arrays_of(lambda: first) == ["first[0]"]


def test_modules_are_not_looked_into():
    found = explore(lambda x: np.exp(x) + ad.functional.relu(x))
    assert found.arrays == []
    assert len(found.fixed) < 20


def test_generators_are_found():
    rng = np.random.default_rng(0)
    holder = {"rng": rng}
    assert names(explore(lambda: (rng, holder)).generators) == ["holder['rng']", "rng"]


def test_a_variable_that_is_not_set_yet_is_left_out():
    def function():
        return later

    assert arrays_of(function) == []
    later = np.ones(1)
    assert arrays_of(function) == ["later"]


def test_everything_else_is_fixed():
    power, names_of_layers, flag = 2, ["a"], True
    found = explore(lambda: (power, names_of_layers, flag))
    assert {slot.name for slot, _ in found.fixed} >= {"power", "names_of_layers", "names_of_layers[0]", "flag"}


def test_nothing_has_changed_at_once():
    model = ad.Linear(2, 1, rng=np.random.default_rng(0))
    assert list(explore(lambda x: model(x)).changes()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda holder: holder.update(power=3), "holder['power'] was 2 and is now 3"),
        (lambda holder: holder.update(power=2.0), "holder['power'] was 2 and is now 2.0"),
        (lambda holder: holder.pop("power"), "holder['power'] is gone"),
        (lambda holder: holder.update(more=1), "holder had 2 entries and has now 3"),
        (lambda holder: holder["layers"].append(1), "holder['layers'] had 0 entries and has now 1"),
        (lambda holder: holder.update(layers=[]), "holder['layers'] is another list than it was"),
        (lambda holder: holder.update(power=None), "holder['power'] was 2 and is now None"),
    ],
    ids=["number", "type", "gone", "added", "appended", "another", "none"],
)
def test_changes_are_told_in_words(change, words):
    holder = {"power": 2, "layers": []}
    found = explore(lambda: holder)
    change(holder)
    assert words in [text for _, text in found.changes()]


def test_an_equal_number_is_no_change():
    holder = {"scale": 1234.5, "name": "layer"}
    found = explore(lambda: holder)
    holder.update(scale=float("1234.5"), name="".join(["la", "yer"]))
    assert list(found.changes()) == []


@pytest.mark.parametrize(
    "build",
    [
        lambda array: [array],
        lambda array: {"a": array},
        lambda array: [(1, array)],
        lambda array: [((array, 2), 3)],
        lambda array: [namedtuple("Pair", ["left", "right"])(array, 2)],
        lambda array: ad.Tensor(array),
    ],
    ids=["list", "dict", "tuple in a list", "nested tuples", "named tuple", "Tensor"],
)
def test_what_a_place_holds_can_be_replaced_and_put_back(build):
    box = build(np.ones(2))
    (slot,) = explore(lambda: box).arrays
    before, other = slot.get(), np.zeros(2)
    slot.set(other)
    assert slot.get() is other
    assert explore(lambda: box).arrays[0].get() is other
    slot.set(before)
    assert slot.get() is before


@pytest.mark.parametrize(
    ("before", "now"),
    [(0.0, -0.0), (complex(0.0, 0.0), complex(0.0, -0.0)), (np.float32(0.0), np.float32(-0.0))],
    ids=["float", "complex", "NumPy"],
)
def test_a_zero_of_another_sign_is_a_change(before, now):
    holder = {"zero": before}
    found = explore(lambda: holder)
    holder["zero"] = now
    assert "holder['zero'] was" in next(found.changes())[1]


def test_another_nan_is_no_change():
    holder = {"scale": float("nan")}
    found = explore(lambda: holder)
    holder["scale"] = float("nan")
    assert list(found.changes()) == []


def test_a_function_that_reaches_too_much_is_refused():
    many = [[] for _ in range(100_001)]
    with pytest.raises((ValueError, ad.CaptureError), match="reaches more than"):
        explore(lambda: many)


def test_capture_refuses_a_function_that_reaches_too_much():
    many = [[] for _ in range(100_001)]
    with pytest.raises(ad.CaptureError, match="reaches more than"):
        ad.capture(lambda x: many and x)(np.ones(1))


# Objects that raise when they are looked at, or pose as others


def raising(*names):
    def refuse(*args):
        raise RuntimeError("not to be asked")

    return dict.fromkeys(names, refuse)


def raising_property(name, error=RuntimeError):
    def refuse(self):
        raise error("not to be asked")

    return {name: property(refuse)}


class Proxy:
    def __init__(self, original):
        object.__setattr__(self, "_original", original)

    def __getattr__(self, name):
        return getattr(self._original, name)

    @property
    def __class__(self):
        return type(self._original)


class Meta(type):
    def __getattribute__(cls, name):
        if name in ("__dict__", "__mro__", "__module__", "__slots__"):
            raise RuntimeError(name)
        return super().__getattribute__(name)


class OfMeta(metaclass=Meta):
    pass


class LazyModule(types.ModuleType):
    def __getattribute__(self, name):
        raise RuntimeError(name)


SPECIAL = (
    "__eq__",
    "__hash__",
    "__repr__",
    "__bool__",
    "__len__",
    "__iter__",
    "__contains__",
    "__str__",
    "__getitem__",
)
TAKEN = {
    "special methods": type("Odd", (), raising(*SPECIAL))(),
    "a list of them": [type("Odd", (), raising(*SPECIAL))()],
    "__getattr__": type("Odd", (), raising("__getattr__"))(),
    "a descriptor": type("Odd", (), {**raising_property("value"), "other": 1})(),
    "a descriptor before a slot": type(
        "Odd", (type("Base", (), {"__slots__": ("value",)}),), raising_property("value")
    )(),
    "slots without values": type("Odd", (), {"__slots__": {"value": "of a dict"}})(),
    "a number of another class": type("Odd", (int,), raising("__eq__", "__repr__"))(3),
    "text of another class": type("Odd", (str,), raising("__eq__", "__repr__"))("text"),
    "no module": type("Odd", (), {"__module__": None})(),
}
REFUSED = {
    "__dict__": type("Odd", (), raising_property("__dict__"))(),
    "__dict__ that is none": type("Odd", (), {"__dict__": 5})(),
    "__class__": type("Odd", (), raising_property("__class__"))(),
    "__getattribute__": type("Odd", (), raising("__getattribute__"))(),
    "a list": type("Odd", (list,), raising("__len__", "__iter__"))([1]),
    "a dict": type("Odd", (dict,), raising("__len__", "__iter__", "items"))(a=1),
    "a key": {type("Odd", (), raising("__repr__"))(): 1},
    "a metaclass": OfMeta(),
    "a class of it": OfMeta,
    "a lazy module": LazyModule("lazy"),
    **{
        f"posing as {type(one).__name__}": Proxy(one) for one in ([1], {"a": 1}, np.ones(2), 3, np, len, ad.Tensor(1.0))
    },
}


def ways_to_reach(odd):
    holder = type("Holder", (), {})()
    holder.held = odd
    return {
        "a closure": lambda x: (odd, x * 2)[1],
        "an attribute": lambda x: (holder.held, x * 2)[1],
        "an argument": lambda x, odd: x * 2,
        "not named": lambda x: (holder, x * 2)[1],
    }


@pytest.mark.parametrize("way", ["a closure", "an attribute", "an argument"])
@pytest.mark.parametrize("name", TAKEN)
def test_an_odd_object_that_can_be_looked_into(name, way):
    odd = TAKEN[name]
    step = ad.capture(ways_to_reach(odd)[way])
    for i in range(6):
        assert np.array_equal(step(np.ones(2) * i, *[odd] * (way == "an argument")), np.full(2, 2.0 * i))


@pytest.mark.parametrize("way", ["a closure", "an attribute", "an argument"])
@pytest.mark.parametrize("name", REFUSED)
def test_an_object_that_cannot_be_looked_into_is_refused_by_name(name, way):
    odd = REFUSED[name]
    step = ad.capture(ways_to_reach(odd)[way])
    with pytest.raises(ad.CaptureError, match="cannot be looked into") as caught:
        step(np.ones(2), *[odd] * (way == "an argument"))
    assert {"a closure": "odd", "an attribute": "held", "an argument": "pass what"}[way] in str(caught.value)


@pytest.mark.parametrize("name", REFUSED)
def test_an_object_that_no_code_names_may_be_odd(name):
    step = ad.capture(ways_to_reach(REFUSED[name])["not named"])
    for i in range(6):
        assert np.array_equal(step(np.ones(2) * i), np.full(2, 2.0 * i))


def test_classes_are_left_as_they_were():
    @runtime_checkable
    class HasMean(Protocol):
        def mean(self): ...

    class Settings:
        scale = 2.0

    step = ad.capture(lambda x: x * Settings.scale * (2 if isinstance(HELD, HasMean) else 1))
    for i in range(8):
        np.testing.assert_array_equal(step(np.ones(2) * i), np.full(2, 4.0 * i))
    assert isinstance(HELD, HasMean)  # which another attribute of the protocol would forbid
    assert vars(Settings).keys() == vars(Others).keys()


class Others:
    scale = 2.0


HELD = np.ones(2)
