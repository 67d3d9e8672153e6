import numpy as np
import pytest

import autodiff as ad


def pair(*shapes):
    rng = np.random.default_rng(0)
    return [ad.Parameter(rng.normal(size=shape)) for shape in shapes]


def descend(optimizer, parameters, count):
    for _ in range(count):
        optimizer.zero_grad()
        sum((np.sum((p - 3.0) ** 2) for p in parameters), start=ad.Tensor(0.0)).backward()
        optimizer.step()


def test_groups_do_what_their_optimizers_do_alone():
    parameters, alone = pair((2, 3), 4), pair((2, 3), 4)
    descend(ad.ParameterGroups(ad.SGD(parameters[:1], 0.1, 0.9), ad.Adam(parameters[1:], 0.2)), parameters, 10)
    for optimizer, parameter in ((ad.SGD(alone[:1], 0.1, 0.9), alone[0]), (ad.Adam(alone[1:], 0.2), alone[1])):
        descend(optimizer, [parameter], 10)
    for one, other in zip(parameters, alone, strict=True):
        np.testing.assert_array_equal(one.data, other.data)


def test_dicts_make_groups_in_pytorchs_words():
    parameters = pair(2, 3)
    optimizer = ad.SGD([{"params": parameters[:1], "lr": 0.5}, {"params": parameters[1:]}], lr=0.1, momentum=0.9)
    assert [(one.learning_rate, one.momentum) for one in optimizer.members] == [(0.5, 0.9), (0.1, 0.9)]
    assert optimizer.parameters == parameters


def test_a_state_is_resumed():
    parameters, resumed = pair(2, 3), pair(2, 3)
    make = lambda p: ad.ParameterGroups(ad.Adam(p[:1], 0.1), ad.SGD(p[1:], 0.2, 0.9))
    optimizer, second = make(parameters), make(resumed)
    descend(optimizer, parameters, 5)
    for one, other in zip(resumed, parameters, strict=True):
        one.data[...] = other.data
    second.load_state_dict(optimizer.state_dict())
    for some, moved in ((optimizer, parameters), (second, resumed)):
        descend(some, moved, 5)
    for one, other in zip(resumed, parameters, strict=True):
        np.testing.assert_array_equal(one.data, other.data)


def test_a_state_that_does_not_fit_changes_nothing():
    parameters = pair(2, 3)
    optimizer = ad.ParameterGroups(ad.Adam(parameters[:1], 0.1), ad.SGD(parameters[1:], 0.2))
    state = optimizer.state_dict()
    state["groups"][0]["learning_rate"] = 7.0
    del state["groups"][1]["momentum"]
    with pytest.raises(ValueError, match="does not fit the ParameterGroups: group 1: missing 'momentum'"):
        optimizer.load_state_dict(state)
    assert optimizer.members[0].learning_rate == 0.1
    with pytest.raises(ValueError, match="not of 2 groups"):
        optimizer.load_state_dict({"groups": state["groups"][:1]})


def test_what_makes_no_groups_is_refused():
    parameters = pair(2)
    with pytest.raises(ValueError, match="two optimizers have the same parameter"):
        ad.ParameterGroups(ad.SGD(parameters, 0.1), ad.SGD(parameters, 0.2))
    with pytest.raises(TypeError, match="takes optimizers, found a list at position 0"):
        ad.ParameterGroups(parameters)
    with pytest.raises(ValueError, match="needs at least one optimizer"):
        ad.ParameterGroups()


def test_they_are_captured():
    def train(way):
        parameters = pair((2, 3), 4)
        optimizer = ad.ParameterGroups(ad.SGD(parameters[:1], 0.1, 0.9), ad.Adam(parameters[1:], 0.2))

        @way
        def step():
            loss = sum((np.sum((p - 3.0) ** 2) for p in parameters), start=ad.Tensor(0.0))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        for _ in range(12):
            step()
        return np.concatenate([p.data.ravel() for p in parameters])

    np.testing.assert_allclose(train(ad.capture), train(lambda step: step), rtol=1e-10)
