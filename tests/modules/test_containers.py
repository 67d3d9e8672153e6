import numpy as np
import pytest

import autodiff as ad


def rng():
    return np.random.default_rng(0)


def test_layers_of_sequential_are_named_by_number():
    model = ad.Sequential(ad.Linear(2, 3, rng=rng()), ad.ReLU(), ad.Sequential(ad.Linear(3, 1, rng=rng())))
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.0.weight", "2.0.bias"]


CONTAINERS = {"Sequential": lambda layers: ad.Sequential(*layers), "ModuleList": ad.ModuleList}


@pytest.fixture(params=CONTAINERS)
def make(request):
    return CONTAINERS[request.param]


def test_modules_in_a_list_are_reached_by_number_and_by_slice(make):
    layers = [ad.ReLU(), ad.Tanh(), ad.Sigmoid()]
    model = make(layers)
    assert len(model) == 3
    assert list(model) == layers
    assert [model[0], model[-1], model[np.int64(1)]] == [layers[0], layers[2], layers[1]]
    part = model[1:]
    assert type(part) is type(model)
    assert list(part) == layers[1:]
    part.append(ad.ReLU())
    assert len(model) == 3
    assert list(model[::-1]) == layers[::-1]
    assert layers[1] in model


def test_modules_are_added_replaced_and_removed(make):
    a, b, c, d = ad.ReLU(), ad.Tanh(), ad.Sigmoid(), ad.SiLU()
    model = make([])
    assert model.append(a).extend([c]).insert(1, b) is model
    assert list(model) == [a, b, c]
    model[-1] = d
    del model[0]
    assert list(model) == [b, d]
    assert [name for name, _ in model.named_children()] == ["0", "1"]
    del model[:]
    assert len(model) == 0


def test_what_is_no_module_is_refused_by_its_place(make):
    model = make([ad.ReLU()])
    kind = type(model).__name__
    for add in (
        lambda: make([ad.ReLU(), np.tanh]),
        lambda: model.append(np.tanh),
        lambda: model.insert(1, np.tanh),
        lambda: model.extend([np.tanh]),
    ):
        with pytest.raises(TypeError, match=rf"layer 1 of a {kind} must be a Module, such as .*, found <ufunc 'tanh'>"):
            add()
    with pytest.raises(TypeError, match=f"layer 0 of a {kind}"):
        model[0] = np.tanh
    assert len(model) == 1


@pytest.mark.parametrize("index", [3, -4])
def test_a_number_that_no_module_has_tells_how_many_there_are(make, index):
    model = make([ad.ReLU(), ad.ReLU(), ad.ReLU()])
    for reach in (lambda: model[index], lambda: model.__setitem__(index, ad.ReLU()), lambda: model.__delitem__(index)):
        with pytest.raises(IndexError, match=f"the {type(model).__name__} has 3 modules, found the index {index}"):
            reach()


def test_sequential_applies_its_layers_in_turn():
    model = ad.Sequential(ad.Linear(2, 3, rng=rng()), ad.ReLU(), ad.Linear(3, 1, rng=rng()))
    x = np.ones((4, 2), np.float32)
    np.testing.assert_array_equal(model(x).data, model[2](model[1](model[0](x))).data)
    np.testing.assert_array_equal(model[:1](x).data, model[0](x).data)
    assert ad.Sequential()(x) is x


def test_a_list_of_modules_is_no_function():
    with pytest.raises(NotImplementedError, match="ModuleList defines no forward"):
        ad.ModuleList([ad.ReLU()])(1.0)


def test_a_dict_of_modules_names_them():
    left, right, other = ad.Linear(2, 1, rng=rng()), ad.ReLU(), ad.Tanh()
    model = ad.ModuleDict({"left": left})
    model["right"] = right
    model.update([("left", left), ("other", other)])
    assert list(model) == list(model.keys()) == ["left", "right", "other"]
    assert list(model.values()) == [left, right, other]
    assert dict(model.items())["other"] is other
    assert list(model.state_dict()) == ["left.weight", "left.bias"]
    assert "right" in model
    del model["right"]
    assert len(model) == 2
    with pytest.raises(KeyError, match="right"):
        model["right"]
    with pytest.raises(TypeError, match=r"'f' of a ModuleDict must be a Module, such as .*, found <ufunc"):
        model["f"] = np.tanh


def test_containers_in_attributes_give_their_names_to_parameters():
    model = ad.Module()
    model.blocks = ad.ModuleList([ad.Sequential(ad.Linear(1, 1, bias=False))])
    model.heads = ad.ModuleDict({"left": ad.Linear(1, 1, bias=False)})
    assert list(model.state_dict()) == ["blocks.0.0.weight", "heads.left.weight"]
