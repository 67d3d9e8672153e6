import copy
import math

import numpy as np
import pytest

import autodiff as ad

MAKERS = {
    "NAdam": lambda parameters: ad.NAdam(parameters, 0.1, weight_decay=0.01),
    "RMSprop": lambda parameters: ad.RMSprop(parameters, 0.03),
    "RMSprop with all": lambda parameters: ad.RMSprop(parameters, 0.01, 0.9, momentum=0.5, centered=True),
    "Adagrad": lambda parameters: ad.Adagrad(parameters, 0.9, 0.001, weight_decay=0.001),
    "Lion": lambda parameters: ad.Lion(parameters, 0.02, (0.8, 0.9), weight_decay=0.01),
    "SGD": lambda parameters: ad.SGD(parameters, 0.1),
    "SGD with momentum": lambda parameters: ad.SGD(parameters, 0.05, momentum=0.9, weight_decay=0.01),
    "SGD with nesterov": lambda parameters: ad.SGD(parameters, 0.05, momentum=0.9, nesterov=True),
    "Adam": lambda parameters: ad.Adam(parameters, 0.1, weight_decay=0.01),
    "AdamW": lambda parameters: ad.AdamW(parameters, 0.1),
}
each_optimizer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def parameters_at(*values, dtype=np.float64):
    return [ad.Parameter(np.array(value, dtype)) for value in values]


def take_steps(optimizer, parameters, count):
    """Descend a valley whose sides are not equally steep."""
    for _ in range(count):
        optimizer.zero_grad()
        sum((np.sum((i + 1) * (p - 3.0) ** 2) for i, p in enumerate(parameters)), start=ad.Tensor(0.0)).backward()
        optimizer.step()


# What a step does, by hand


def set_grad(parameter, value):
    parameter.grad = ad.Tensor(np.full(parameter.shape, value, parameter.dtype))


def test_sgd_moves_against_the_gradient():
    (p,) = parameters_at([1.0, 2.0])
    optimizer = ad.SGD([p], 0.1)
    set_grad(p, 3.0)
    optimizer.step()
    np.testing.assert_allclose(p.data, [0.7, 1.7], rtol=1e-15)


def test_momentum_adds_up_past_gradients():
    (p,) = parameters_at(0.0)
    optimizer = ad.SGD([p], 0.1, momentum=0.5)
    for expected in (-0.1, -0.25, -0.425):  # velocities 1, 1.5, 1.75
        set_grad(p, 1.0)
        optimizer.step()
        np.testing.assert_allclose(p.data, expected, rtol=1e-14)


def test_nesterov_looks_ahead():
    (p,) = parameters_at(0.0)
    optimizer = ad.SGD([p], 0.1, momentum=0.5, nesterov=True)
    for expected in (-0.15, -0.325):  # 1 + 0.5 * 1, 1 + 0.5 * 1.5
        set_grad(p, 1.0)
        optimizer.step()
        np.testing.assert_allclose(p.data, expected, rtol=1e-14)


def test_weight_decay_pulls_towards_0():
    (p,) = parameters_at(2.0)
    optimizer = ad.SGD([p], 0.1, weight_decay=0.5)
    set_grad(p, 0.0)
    optimizer.step()
    np.testing.assert_allclose(p.data, 1.9, rtol=1e-15)


@pytest.mark.parametrize("gradient", [1e-3, 1.0, 1e3])
def test_adams_first_step_has_the_length_of_the_learning_rate(gradient):
    (p,) = parameters_at(0.0)
    optimizer = ad.Adam([p], 0.01)
    set_grad(p, gradient)
    optimizer.step()
    np.testing.assert_allclose(p.data, -0.01, rtol=1e-4)


def test_adam_is_the_papers_algorithm():
    (p,) = parameters_at(1.0)
    optimizer = ad.Adam([p], 0.1, betas=(0.8, 0.9), epsilon=1e-3)
    value, m, v = 1.0, 0.0, 0.0
    for t, gradient in enumerate([0.5, -2.0, 3.0], start=1):
        set_grad(p, gradient)
        optimizer.step()
        m, v = 0.8 * m + 0.2 * gradient, 0.9 * v + 0.1 * gradient**2
        value -= 0.1 * (m / (1 - 0.8**t)) / (math.sqrt(v / (1 - 0.9**t)) + 1e-3)
        np.testing.assert_allclose(p.data, value, rtol=1e-13)


def test_adamw_decays_weights_apart_from_the_gradient():
    (p,) = parameters_at(2.0)
    optimizer = ad.AdamW([p], 0.1, weight_decay=0.5)
    set_grad(p, 0.0)
    optimizer.step()
    np.testing.assert_allclose(p.data, 2.0 * (1 - 0.1 * 0.5), rtol=1e-15)


@each_optimizer
def test_optimizers_reach_the_minimum(make):
    parameters = parameters_at([0.0, 10.0], 5.0)
    optimizer = make(parameters)
    optimizer.weight_decay = 0.0
    for _ in range(4):  # some take steps of one length to the end
        take_steps(optimizer, parameters, 400)
        optimizer.learning_rate *= 0.2
    for parameter in parameters:
        np.testing.assert_allclose(parameter.data, 3.0, atol=1e-3)


# Parameters


@each_optimizer
def test_a_parameter_without_a_gradient_stays(make):
    moved, still = parameters_at(1.0, 1.0)
    optimizer = make([moved, still])
    set_grad(moved, 1.0)
    optimizer.step()
    assert moved.item() != 1
    assert still.item() == 1


@each_optimizer
def test_values_change_in_place_and_the_gradient_stays(make):
    (p,) = parameters_at([1.0, 2.0])
    data = p.data
    set_grad(p, 1.0)
    optimizer = make([p])
    for _ in range(3):
        optimizer.step()
    assert p.data is data
    np.testing.assert_array_equal(p.grad.data, [1, 1])


@each_optimizer
def test_float32_stays_float32(make):
    (p,) = parameters_at([1.0, 2.0], dtype=np.float32)
    optimizer = make([p])
    take_steps(optimizer, [p], 3)
    assert p.dtype == np.float32
    arrays = [value for value in optimizer.states[0].values() if isinstance(value, np.ndarray)]
    assert all(array.dtype == np.float32 for array in arrays)


def test_zero_grad_forgets_the_gradients():
    parameters = parameters_at(1.0, 2.0)
    for parameter in parameters:
        set_grad(parameter, 1.0)
    ad.SGD(parameters, 0.1).zero_grad()
    assert [parameter.grad for parameter in parameters] == [None, None]


def test_parameters_may_come_as_a_generator():
    model = ad.Linear(2, 3, rng=np.random.default_rng(0))
    assert len(ad.Adam(model.parameters()).parameters) == 2


# Parameters that are updated together


def mixed_parameters():
    """Of two dtypes, of 0 to 3 axes, one without elements, one not contiguous, and one too large to be copied."""
    rng = np.random.default_rng(0)
    shapes = [(3, 4), (), (5,), (2, 1, 3), (0,), (1,), (100, 100)]
    parameters = [ad.Parameter(rng.normal(size=shape).astype(np.float32)) for shape in shapes]
    parameters += [ad.Parameter(rng.normal(size=shape)) for shape in shapes[:3]]
    parameters[0].data = rng.normal(size=(4, 3)).astype(np.float32).T
    return parameters


def give_gradients(parameters, seed, without=()):
    rng = np.random.default_rng(seed)
    for i, parameter in enumerate(parameters):
        gradient = ad.Tensor(rng.normal(size=parameter.shape), dtype=parameter.dtype)
        parameter.grad = None if i in without else gradient


def assert_same_bits(left, right):
    assert [p.data.dtype for p in left] == [p.data.dtype for p in right]
    assert [p.data.tobytes() for p in left] == [p.data.tobytes() for p in right]


@each_optimizer
def test_parameters_updated_together_have_the_bits_of_each_updated_alone(make):
    together, alone = mixed_parameters(), mixed_parameters()
    optimizer, optimizers = make(together), [make([parameter]) for parameter in alone]
    for step, without in enumerate([(), (), (1, 8), (1, 8), (), (0,), tuple(range(10)), ()]):
        give_gradients(together, step, without)
        give_gradients(alone, step, without)
        optimizer.step()
        for one in optimizers:
            one.step()
        assert_same_bits(together, alone)
    np.testing.assert_equal(optimizer.states, [one.states[0] for one in optimizers])


@each_optimizer
def test_a_state_is_resumed_where_parameters_are_at_different_steps(make):
    parameters, resumed = mixed_parameters(), mixed_parameters()
    optimizer, second = make(parameters), make(resumed)
    for step, without in enumerate([(), (1, 2, 8), (1,)]):
        give_gradients(parameters, step, without)
        optimizer.step()
    for parameter, other in zip(resumed, parameters, strict=True):
        parameter.data = other.data.copy()
    second.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for step, without in enumerate([(3,), ()], start=3):
        for some in (parameters, resumed):
            give_gradients(some, step, without)
        optimizer.step()
        second.step()
    assert_same_bits(parameters, resumed)


def test_small_parameters_at_the_same_step_are_updated_in_one_call():
    class Counting(ad.Adam):
        calls = 0

        def update(self, values, gradient, state):
            Counting.calls += 1
            super().update(values, gradient, state)

    parameters = mixed_parameters()
    optimizer = Counting(parameters)
    # one call each for float32, float64 and the large one; the last for the parameter that missed a step
    for step, without, calls in [(0, (), 3), (1, (1,), 3), (2, (), 4)]:
        give_gradients(parameters, step, without)
        Counting.calls = 0
        optimizer.step()
        assert Counting.calls == calls


def test_small_parameters_are_joined_for_momentum_which_takes_more_calls():
    for momentum, groups in [(0.9, 1), (0.0, 2)]:
        parameters = parameters_at([0.0, 10.0], 5.0)
        optimizer = ad.SGD(parameters, 0.1, momentum=momentum)
        take_steps(optimizer, parameters, 1)
        assert len(optimizer.groups) == groups


def test_a_copied_optimizer_moves_its_own_parameters():
    parameters = parameters_at([0.0, 10.0], 5.0)
    optimizer = ad.Adam(parameters, 0.1)
    take_steps(optimizer, parameters, 2)
    values = [p.data.copy() for p in parameters]
    other = copy.deepcopy(optimizer)
    take_steps(other, other.parameters, 2)
    np.testing.assert_equal([p.data for p in parameters], values)
    take_steps(optimizer, parameters, 2)
    assert_same_bits(parameters, other.parameters)


@each_optimizer
def test_a_gradient_of_another_shape_is_refused(make):
    parameters = parameters_at([0.0, 10.0], [5.0])
    optimizer = make(parameters)
    parameters[0].grad, parameters[1].grad = ad.Tensor([1.0]), ad.Tensor([1.0, 2.0])
    with pytest.raises(ValueError, match=r"parameter of shape \(2,\) has shape \(1,\)"):
        optimizer.step()


# State


@each_optimizer
def test_a_resumed_optimizer_goes_on_exactly(make):
    whole = parameters_at([0.0, 10.0], 5.0)
    take_steps(make(whole), whole, 20)

    half = parameters_at([0.0, 10.0], 5.0)
    optimizer = make(half)
    take_steps(optimizer, half, 8)
    state, values = copy.deepcopy(optimizer.state_dict()), [p.data for p in half]
    resumed = parameters_at(*values)
    second = make(resumed)
    second.load_state_dict(state)
    take_steps(second, resumed, 12)
    for one, other in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(one.data, other.data)


@each_optimizer
def test_a_state_is_a_copy_both_ways(make):
    parameters = parameters_at([0.0, 10.0])
    optimizer = make(parameters)
    take_steps(optimizer, parameters, 2)
    state = optimizer.state_dict()
    kept = copy.deepcopy(state)
    take_steps(optimizer, parameters, 2)
    optimizer.load_state_dict(state)
    take_steps(optimizer, parameters, 2)
    for name, value in kept["states"][0].items():
        np.testing.assert_array_equal(state["states"][0][name], value)


def test_a_state_carries_the_settings():
    state = ad.SGD(parameters_at(1.0), 0.25, momentum=0.5, nesterov=True, weight_decay=0.125).state_dict()
    assert state == {
        "learning_rate": 0.25,
        "momentum": 0.5,
        "nesterov": True,
        "weight_decay": 0.125,
        "states": [{}],
    }
    other = ad.SGD(parameters_at(1.0), 0.1)
    other.load_state_dict(state)
    assert other.state_dict() == state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("betas"), "missing 'betas'"),
        (lambda state: state.update(momentum=0.9), "unexpected 'momentum'"),
        (lambda state: state["states"].pop(), "1 parameter states for 2 parameters"),
        (lambda state: state["states"][1].update(mean=np.ones(3)), r"'mean' of parameter 1 has shape \(3,\)"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(change, message):
    parameters = parameters_at([0.0, 10.0], 5.0)
    optimizer = ad.Adam(parameters, 0.1)
    take_steps(optimizer, parameters, 3)
    before = copy.deepcopy(optimizer.state_dict())
    state = copy.deepcopy(before)
    state["learning_rate"] = 5.0
    state["states"][0]["mean"][:] = 7
    change(state)
    with pytest.raises(ValueError, match="the state does not fit the Adam: .*" + message):
        optimizer.load_state_dict(state)
    np.testing.assert_equal(optimizer.state_dict(), before)


# Errors


@pytest.mark.parametrize("value", [0, -0.1, math.nan, math.inf])
@pytest.mark.parametrize("kind", [ad.SGD, ad.Adam, ad.AdamW])
def test_a_learning_rate_that_makes_no_sense_is_refused(kind, value):
    with pytest.raises(ValueError, match="learning_rate must be a finite number above 0"):
        kind(parameters_at(1.0), value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: ad.SGD(p, 0.1, momentum=-0.5), "momentum must be a finite number, 0 or more, found -0.5"),
        (lambda p: ad.SGD(p, 0.1, weight_decay=math.nan), "weight_decay must be"),
        (lambda p: ad.SGD(p, 0.1, nesterov=True), "nesterov needs a momentum above 0"),
        (lambda p: ad.Adam(p, betas=(0.9, 1.0)), "betas must be two numbers from 0 to below 1"),
        (lambda p: ad.Adam(p, betas=(-0.1, 0.9)), "betas must be"),
        (lambda p: ad.Adam(p, betas=(0.9, 0.9, 0.9)), "betas must be two numbers"),
        (lambda p: ad.Adam(p, betas=0.9), "betas must be two numbers"),
        (lambda p: ad.AdamW(p, epsilon=-1.0), "epsilon must be"),
        (lambda p: ad.AdamW(p, weight_decay=-1.0), "weight_decay must be"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make(parameters_at(1.0))


@pytest.mark.parametrize("value", ["0.1", None, [0.1], 1j])
@pytest.mark.parametrize("name", ["learning_rate", "weight_decay", "momentum", "epsilon"])
def test_a_setting_that_is_no_number_is_refused_by_name(name, value):
    kind = ad.Adam if name == "epsilon" else ad.SGD
    with pytest.raises(TypeError, match=f"{name} must be a number, found"):
        kind(parameters_at(1.0), **{"learning_rate": 0.1, name: value})


WEIGHT = ad.Parameter(np.ones((2, 3)))
MODEL = ad.Linear(2, 3, rng=np.random.default_rng(0))
CANNOT_LEARN = {
    "a product": ([WEIGHT * 0.01], "at position 0 a tensor computed by np.multiply"),
    "a conversion": ([WEIGHT, ad.Tensor(np.ones(2), requires_grad=True).astype(np.float32)], "1 a tensor computed by"),
    "a view": ([WEIGHT[0]], "computed by getitem"),
    "what was asked for its gradient": ([(WEIGHT * 2).retain_grad()], "computed by np.multiply"),
    "a tensor": (WEIGHT, r"found one tensor, .* put it in a list, \[t\]"),
    "a constant": ([ad.Tensor([1.0])], "found one without at position 0; make it with requires_grad=True"),
    "a detached parameter": ([WEIGHT, WEIGHT.detach()], "found one without at position 1"),
    "an array": ([np.ones(2)], "found a ndarray at position 0"),
    "arrays of a model": (MODEL.state_dict().values(), "found a ndarray at position 0"),
    "an array alone": (np.ones(2), "found a float64 at position 0"),
    "text": (["weight"], "found a str at position 0"),
    "text alone": ("weight", "found a str at position 0"),
    "names and parameters": (list(MODEL.named_parameters()), "found a tuple at position 0"),
    "a group without parameters": ([{"lr": 0.1}], "each group has its parameters as 'params', found 'lr'"),
    "a group and a tensor": ([WEIGHT, {"params": [WEIGHT]}], "found a dict at position 1"),
    "a tensor in two groups": ([{"params": [WEIGHT]}, {"params": [WEIGHT]}], "the same parameter"),
    "a list of lists": ([[WEIGHT]], "found a list at position 0"),
    "a dict": ({"weight": WEIGHT}, r"found a dict; write its \.values\(\)"),
    "a set": ({WEIGHT}, "found a set, which has no order"),
    "a module": (MODEL, r"found a Linear; write its \.parameters\(\)"),
    "a list of modules": ([MODEL], "found a Linear at position 0"),
    "a method": (MODEL.parameters, r"found a function; call it, as in model\.parameters\(\)"),
    "another optimizer": (ad.SGD([WEIGHT], 0.1), "found a SGD"),
    "nothing": (None, "found None"),
    "an empty list": ([], "at least one parameter, found none"),
    "a generator that is used up": (iter([]), "at least one parameter, found none"),
    "one twice": ([WEIGHT, WEIGHT], "the same parameter twice"),
}


@each_optimizer
@pytest.mark.parametrize(("parameters", "message"), CANNOT_LEARN.values(), ids=CANNOT_LEARN)
def test_what_cannot_learn_is_refused(make, parameters, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make(parameters)


def test_what_can_learn_learns():
    rows = ad.Tensor(np.ones((2, 3)), requires_grad=True)
    for parameters in ([WEIGHT], (WEIGHT,), {"w": WEIGHT}.values(), iter([WEIGHT]), MODEL.parameters(), [rows]):
        optimizer = ad.SGD(parameters, 0.5)
        before = [p.data.copy() for p in optimizer.parameters]
        for p in optimizer.parameters:
            set_grad(p, 1.0)
        optimizer.step()
        for p, value in zip(optimizer.parameters, before, strict=True):
            np.testing.assert_allclose(p.data, value - 0.5, rtol=1e-6)


@each_optimizer
@pytest.mark.parametrize(
    "grad", [np.ones(2), 1.0, [1.0, 1.0], np.float64(1)], ids=["array", "number", "list", "scalar"]
)
@pytest.mark.parametrize("count", [1, 2])
def test_a_gradient_that_is_no_tensor_is_refused(make, grad, count):
    parameters = parameters_at(*[[0.0, 1.0]] * count)
    for p in parameters:
        p.grad = grad
    with pytest.raises(TypeError, match=r"must be a Tensor, found \w+; write p\.grad = ad\.Tensor\(array\)"):
        make(parameters).step()


@each_optimizer
def test_a_state_with_the_same_entries_is_written_into_the_arrays_that_are_there(make):
    parameters = parameters_at([1.0, 2.0], [[5.0]], 7.0)
    optimizer = make(parameters)
    take_steps(optimizer, parameters, 3)
    arrays = [array for state in optimizer.group_states for array in state.values() if isinstance(array, np.ndarray)]
    saved, values = copy.deepcopy(optimizer.state_dict()), [p.data.copy() for p in parameters]
    take_steps(optimizer, parameters, 4)
    expected = [p.data.copy() for p in parameters]
    optimizer.load_state_dict(saved)
    for p, value in zip(parameters, values, strict=True):
        p.data[...] = value
    now = [array for state in optimizer.group_states for array in state.values() if isinstance(array, np.ndarray)]
    assert [id(array) for array in now] == [id(array) for array in arrays]
    take_steps(optimizer, parameters, 4)
    for p, value in zip(parameters, expected, strict=True):
        np.testing.assert_array_equal(p.data, value)


def test_states_whose_numbers_differ_in_a_group_make_groups_of_their_own():
    parameters = parameters_at([1.0], [2.0])
    optimizer = ad.Adam(parameters, 0.1)
    take_steps(optimizer, parameters, 2)
    state = copy.deepcopy(optimizer.state_dict())
    state["states"][1]["step"] = 9
    optimizer.load_state_dict(state)
    assert [one["step"] for one in optimizer.states] == [2, 9]
