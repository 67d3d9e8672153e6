"""What a captured function reaches was changed between its calls: what it gives then is what it gives as it is."""

import collections
import dataclasses
import functools
import importlib
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.comparing import check
from tests.compiler.refusing import OFFSET, X, call, followed, followed_training, network, outcome, refused, training

SETTINGS = {"power": 2}


# What the function reaches was changed between the calls


def test_a_parameter_replaced_is_followed():
    step, model, optimizer = training()
    model.layers[0].weight = ad.Parameter(np.ones((4, 2)))
    optimizer.parameters[0] = model.layers[0].weight
    optimizer.regroup([{} for _ in optimizer.parameters])
    call(step, 1, X)
    followed_training(step, model, optimizer)


def test_the_array_of_a_parameter_replaced_is_followed():
    step, model, optimizer = training()
    model.layers[0].weight.data = np.ones((4, 2))
    followed_training(step, model, optimizer)


def test_load_state_dict_of_a_network_is_followed():
    step, model, optimizer = training()
    model.load_state_dict(network(5).state_dict())
    followed_training(step, model, optimizer)


def test_states_with_other_entries_given_to_an_optimizer_are_followed():
    """More often than there may be programs: those for groups that are no more make room."""
    step, _, optimizer = training()
    _, same, other = training()
    for _ in range(10):
        for one in (optimizer, other):
            one.load_state_dict(one.state_dict() | {"states": [{} for _ in one.parameters]})
        for _ in range(6):
            loss = step(X)
            eager = np.mean(same(X) ** 2)
            other.zero_grad()
            eager.backward()
            other.step()
            np.testing.assert_allclose(loss.data, eager.data, rtol=1e-12)
    assert step.current.is_ready


def test_a_network_replaced_is_followed():
    model = network()
    predict = ad.capture(lambda x: model(x))
    call(predict, 7)
    model = network(5)
    followed(predict)


def test_an_optimizer_replaced_is_followed():
    model = network()
    optimizer = ad.SGD(model.parameters(), 0.01)

    @ad.capture
    def step(x):
        optimizer.zero_grad()
        loss = np.sum(model(x) ** 2)
        loss.backward()
        optimizer.step()
        return loss

    call(step, 7, X)
    optimizer = ad.Adam(model.parameters(), 0.01)
    call(step, 1, X)
    followed_training(step, model, optimizer)


def test_an_optimizer_added_to_a_list_is_followed():
    model = network()
    optimizers = [ad.SGD([model.layers[0].weight], 0.01)]

    @ad.capture
    def step(x):
        for p in model.parameters():
            p.grad = None
        np.sum(model(x) ** 2).backward()
        for optimizer in optimizers:
            optimizer.step()

    call(step, 7)
    optimizers.append(ad.SGD([model.layers[2].weight], 0.01))
    before = model.layers[2].weight.data.copy()
    call(step, 1)
    np.testing.assert_allclose(model.layers[2].weight.data, before - 0.01 * model.layers[2].weight.grad.data)
    followed(step)


def test_an_optimizer_of_the_same_parameters_that_took_a_step_elsewhere_is_followed():
    """Its state is changed in place, which a replay sees."""
    step, model, optimizer = training()
    other, eager_model, eager_optimizer = training()
    for p, q in zip(model.parameters(), eager_model.parameters(), strict=True):
        p.grad, q.grad = ad.Tensor(np.ones(p.shape)), ad.Tensor(np.ones(p.shape))
    optimizer.step()
    eager_optimizer.step()
    np.testing.assert_array_equal(step(X).data, other.function(X).data)


def test_a_layer_added_is_followed():
    model = network()
    model.more = []

    def function(x):
        x = model(x)
        for layer in model.more:
            x = layer(x)
        return x

    predict = ad.capture(function)
    call(predict, 7)
    model.more.append(ad.Tanh())
    followed(predict)


def test_a_layer_replaced_in_a_list_is_followed():
    layers = [ad.Tanh(), ad.Tanh()]
    predict = ad.capture(lambda x: layers[1](layers[0](x)))
    call(predict, 7)
    layers[1] = ad.ReLU()
    followed(predict)


def test_a_setting_of_the_optimizer_changed_is_followed():
    step, model, optimizer = training()
    optimizer.momentum = 0.5
    followed_training(step, model, optimizer)


def test_a_flag_of_the_network_changed_is_followed():
    model = network()
    model.training = True

    def function(x):
        return model(x) * 2 if model.training else model(x)

    predict = ad.capture(function)
    call(predict, 7)
    model.training = False
    followed(predict)


def test_an_attribute_added_is_followed():
    model = network()

    def function(x):
        return model(x) * getattr(model, "scale", 1.0)

    predict = ad.capture(function)
    call(predict, 7)
    model.scale = 2.0
    followed(predict)


def test_an_attribute_removed_is_followed():
    model = network()
    model.scale = "large"

    def function(x):
        return model(x) * (2.0 if hasattr(model, "scale") else 1.0)

    predict = ad.capture(function)
    call(predict, 7)
    del model.scale
    followed(predict)


def test_a_method_replaced_is_followed():
    model = network()
    predict = ad.capture(lambda x: model(x))
    call(predict, 7)
    model.forward = lambda x: x
    followed(predict)


def test_a_variable_of_the_closure_changed_is_followed():
    power = "square"
    function = ad.capture(lambda x: x**2 if power == "square" else x)
    call(function, 7)
    power = "none"
    followed(function)


def test_a_number_of_the_closure_changed_is_followed():
    scale = 2.0
    function = ad.capture(lambda x: x * scale)
    call(function, 7)
    scale = 3.0
    followed(function)


def test_a_number_of_the_closure_that_changes_during_the_recording_is_followed():
    scale = 2.0
    function = ad.capture(lambda x: x * scale)
    for i in range(10):
        scale = i / 2
        np.testing.assert_array_equal(function(np.ones(2)), [scale, scale])


def test_an_array_of_the_closure_replaced_is_followed():
    offset = np.zeros(2)
    function = ad.capture(lambda x: x + offset)
    call(function, 7)
    offset = np.ones(2)
    followed(function)


def test_a_global_variable_changed_is_followed(monkeypatch):
    function = ad.capture(lambda x: x ** SETTINGS["power"])
    call(function, 7)
    monkeypatch.setitem(SETTINGS, "power", 3)
    followed(function)


def test_a_global_array_replaced_is_followed(monkeypatch):
    function = ad.capture(lambda x: x + OFFSET)
    call(function, 7)
    monkeypatch.setitem(globals(), "OFFSET", np.ones(2))
    followed(function)


def test_a_function_of_the_closure_replaced_is_followed():
    activation = np.tanh
    function = ad.capture(lambda x: activation(x))
    call(function, 7)
    activation = np.sin
    followed(function)


def test_what_a_helper_reaches_is_looked_at_too():
    options = {"scale": "large"}

    def helper(x):
        return x * 9 if options["scale"] == "large" else x

    function = ad.capture(lambda x: helper(x))
    call(function, 7)
    options["scale"] = "small"
    followed(function)


def test_a_default_of_the_function_changed_is_followed():
    def helper(x, kind="double"):
        return x * 2 if kind == "double" else x

    function = ad.capture(lambda x: helper(x))
    call(function, 7)
    helper.__defaults__ = ("same",)
    followed(function)


def test_a_generator_replaced_is_followed():
    rng = np.random.default_rng(0)
    function = ad.capture(lambda x: x + rng.normal(size=2))
    call(function, 7)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        same = np.random.default_rng(seed)
        for _ in range(5):
            np.testing.assert_array_equal(call(function, 1), [1, 2] + same.normal(size=2))


def test_an_entry_of_a_set_added_is_followed():
    names = {"a"}
    function = ad.capture(lambda x: x * len(names))
    call(function, 7)
    names.add("b")
    followed(function)


def test_a_parameter_whose_gradient_was_set_to_none_by_hand_is_followed():
    """The step adds to the gradient that is there, or starts one; which it does is in the program."""

    def build():
        weight = ad.Tensor(np.ones(2), requires_grad=True)

        def function(x):
            np.sum(weight * x).backward()

        return weight, function

    weight, function = build()
    step = ad.capture(function)
    call(step, 7)
    weight.grad = None
    _, refusal = outcome(call, step, 1)
    assert "grad" in refusal or np.array_equal(weight.grad.data, [1.0, 2.0])


def test_a_gradient_set_by_hand_or_taken_away_is_followed_where_the_step_starts_anew():
    step, _, optimizer = training()
    same, other, _ = training()
    optimizer.zero_grad()
    for p in other.parameters():
        p.grad = ad.Tensor(np.ones(p.shape))
    np.testing.assert_array_equal(step(X).data, same(X).data)


# What is reached by other ways than variables and attributes


def test_a_global_variable_named_by_a_method_of_the_users_class(monkeypatch):
    class Scaled(ad.Module):
        def forward(self, x):
            return x * SETTINGS["power"]

    model = Scaled()
    predict = ad.capture(lambda x: model(x))
    call(predict, 7)
    monkeypatch.setitem(SETTINGS, "power", 3)
    followed(predict)


def test_a_global_array_named_by_a_method_of_the_users_class(monkeypatch):
    class Shifted(ad.Module):
        def forward(self, x):
            return x + OFFSET

    model = Shifted()
    predict = ad.capture(lambda x: model(x))
    call(predict, 7)
    monkeypatch.setitem(globals(), "OFFSET", np.ones(2))
    followed(predict)


def test_a_variable_of_the_closure_of_a_method():
    factor = 2.0

    class Scaled(ad.Module):
        def forward(self, x):
            return x * factor

    model = Scaled()
    predict = ad.capture(lambda x: model(x))
    call(predict, 7)
    factor = 3.0
    followed(predict)


def test_an_attribute_of_a_class_changed_is_followed():
    class Settings:
        scale = 2.0

    predict = ad.capture(lambda x: x * Settings.scale)
    call(predict, 7)
    Settings.scale = 3.0
    followed(predict)


def test_an_attribute_of_the_class_of_an_object_changed_is_followed():
    class Scaled(ad.Module):
        scale = 2.0

        def forward(self, x):
            return x * self.scale

    model = Scaled()
    predict = ad.capture(lambda x: model(x))
    call(predict, 7)
    Scaled.scale = 3.0
    followed(predict)


def test_a_method_of_a_class_replaced_is_followed():
    class Scaled(ad.Module):
        def forward(self, x):
            return x * 2

    model = Scaled()
    predict = ad.capture(lambda x: model(x))
    call(predict, 7)
    Scaled.forward = lambda self, x: x * 3
    followed(predict)


def test_the_code_of_a_function_replaced_is_followed():
    def helper(x):
        return x * 2

    def other(x):
        return x * 3

    predict = ad.capture(lambda x: helper(x))
    call(predict, 7)
    helper.__code__ = other.__code__
    followed(predict)


@pytest.fixture
def users_module(tmp_path, monkeypatch):
    """A module of the user's, with a number and an array."""
    (tmp_path / "settings_of_capture.py").write_text(
        "import numpy as np\nscale = 2.0\narray = np.array([2.0, 2.0])\n\ndef helper(x):\n    return x * scale\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("settings_of_capture")
    del sys.modules["settings_of_capture"]


def test_a_variable_of_the_users_module_changed_is_followed(users_module):
    predict = ad.capture(lambda x: x * users_module.scale)
    call(predict, 7)
    users_module.scale = 3.0
    followed(predict)


def test_a_variable_that_a_function_of_the_users_module_names_is_looked_at(users_module):
    predict = ad.capture(lambda x: users_module.helper(x))
    call(predict, 7)
    users_module.scale = 3.0
    followed(predict)


def test_an_array_of_the_users_module_changed_is_followed_or_refused(users_module):
    predict = ad.capture(lambda x: x * users_module.array)
    call(predict, 7)
    users_module.array[...] = 3.0
    found, refusal = outcome(call, predict, 1)
    assert "array" in refusal or np.array_equal(found, [3.0, 6.0])


def test_a_property_that_computes_is_followed():
    class Scaled(ad.Module):
        def __init__(self):
            self.log_scale = np.zeros(2)

        @property
        def scale(self):
            return np.exp(self.log_scale * OFFSET)

    model = Scaled()
    function = ad.capture(lambda x: x * model.scale)
    call(function, 7)
    model.log_scale = np.ones(2)
    followed(function)


def test_what_a_partial_holds_in_keywords_is_looked_at():
    options = {"scale": 2.0}
    function = ad.capture(functools.partial(lambda x, options: x * options["scale"], options=options))
    call(function, 7)
    options["scale"] = 3.0
    followed(function)


def test_what_a_decorator_holds_is_looked_at():
    factor = [2.0]

    def scaled(function):
        @functools.wraps(function)
        def inner(x):
            return function(x) * factor[0]

        return inner

    function = ad.capture(scaled(lambda x: x + 1))
    call(function, 7)
    factor[0] = 3.0
    followed(function)


def test_a_dataclass_field_changed_is_followed():
    @dataclasses.dataclass
    class Settings:
        scale: float = 2.0

    settings = Settings()
    function = ad.capture(lambda x: x * settings.scale)
    call(function, 7)
    settings.scale = 3.0
    followed(function)


def test_an_object_with_slots_changed_is_followed():
    @dataclasses.dataclass(slots=True)
    class Settings:
        scale: float = 2.0

    settings = Settings()
    function = ad.capture(lambda x: x * settings.scale)
    call(function, 7)
    settings.scale = 3.0
    followed(function)


def test_the_entries_of_a_deque_are_followed_or_refused():
    recent = collections.deque([np.ones(2), np.zeros(2)], maxlen=2)
    function = ad.capture(lambda x: x * recent[0] + recent[1])
    for i in range(12):
        if i > 7:
            recent.append(np.full(2, float(i)))
        found, refusal = outcome(function, np.ones(2))
        assert "recent" in refusal or np.array_equal(found, recent[0] + recent[1])


def test_a_deque_appended_to_in_the_step_is_followed_or_refused():
    recent = collections.deque([np.zeros(2)], maxlen=2)

    def function(x):
        recent.append(x * 2)
        return sum(recent)

    step, expected = ad.capture(function), np.zeros(2)
    for i in range(9):
        x = np.full(2, float(i))
        found, refusal = outcome(step, x)
        if refusal:
            break
        np.testing.assert_array_equal(found, expected + x * 2)
        expected = x * 2


def test_a_function_with_a_cache_is_followed_or_refused():
    scale = [2.0]

    @functools.lru_cache
    def factor():
        return np.full(2, scale[0])

    function = ad.capture(lambda x: x * factor())
    _, refusal = outcome(call, function)
    scale[0] = 3.0
    factor.cache_clear()
    found, late = outcome(call, function, 1)
    assert refusal or late or np.array_equal(found, [3.0, 6.0])


def test_an_array_computed_on_once_is_followed_when_it_changes_before_the_program_is_trusted():
    scale = np.array([1.0, 2.0])
    step = ad.capture(lambda x: x * (scale + 1), exact=True)
    while not step.compiled:
        step(X)
    scale[...] = 5.0
    followed(step, X)


@pytest.mark.parametrize("keys", [(1, True), (1, 1.0), ((1,), (True,))])
def test_a_dict_with_keys_of_other_types_is_another(keys):
    held = SimpleNamespace(batch=None)

    def function():
        is_first = repr([*held.batch]) == repr([keys[0]])
        return held.batch[keys[0]] * (2.0 if is_first else 1.0)

    step = ad.capture(function, check_every=0)
    for i in range(24):
        held.batch = {keys[i // 12]: np.full(2, float(i))}
        np.testing.assert_array_equal(step(), step.function())


# Tensors that are put in a place from outside, and changed by the step


CHANGES = {
    "data": lambda t, x: setattr(t, "data", 0.9 * t.data + 0.1 * x),
    "an entry": lambda t, x: t.__setitem__(slice(None), 0.9 * t + 0.1 * x),
    "the memory": lambda t, x: t.data.__setitem__(..., 0.9 * t.data + 0.1 * x),
    "copy_": lambda t, x: t.copy_(0.9 * t + 0.1 * x),
}


@pytest.mark.parametrize("kind", [ad.Tensor, ad.Buffer])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_tensor_put_there_from_outside_is_changed_itself(change, kind):
    def run(capture):
        states, task = [kind(np.zeros(2)), kind(np.zeros(2))], SimpleNamespace(state=None)
        step, found = capture(lambda x: change(task.state, x)), []
        for i in range(40):
            task.state = states[i % 2]
            step(np.full(2, 1.0 + i))
            assert task.state is states[i % 2]
            found.append(task.state.data.copy())
        return found

    check(run, exact=True)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_tensor_in_a_tuple_put_there_from_outside_is_changed_itself(change):
    def run(capture):
        states, task = [ad.Tensor(np.zeros(2)), ad.Tensor(np.zeros(2))], SimpleNamespace(both=None)
        step = capture(lambda x: change(task.both[0], x))
        for i in range(40):
            task.both = states[i % 2], states[1 - i % 2]
            step(np.full(2, 1.0 + i))
        assert task.both[0] is states[1]
        return [state.data for state in states]

    check(run, exact=True)


def test_the_statistics_of_two_domains():
    def run(capture):
        norm, rng = ad.BatchNorm1d(2), np.random.default_rng(0)
        means = [ad.Buffer(np.zeros(2, np.float32)) for _ in range(2)]
        step, found = capture(lambda x: (norm(x) ** 2).mean()), []
        for i in range(40):
            norm.running_mean = means[i % 2]
            found.append(step(rng.normal(i % 2, 1, (8, 2)).astype(np.float32)))
            assert norm.running_mean is means[i % 2]
        return [*found, *(mean.data for mean in means)]

    check(run, exact=True)


def leaves(*shape, rng):
    return [ad.Tensor(rng.normal(size=shape), requires_grad=True), ad.Tensor(np.zeros(shape[1]), requires_grad=True)]


def layer(of):
    """Return a layer as a function, and its parameters."""
    if isinstance(of, list):
        return lambda x: x @ of[0] + of[1], of
    return of, list(of.parameters())


def thaw(parameters, flag):
    for parameter in parameters:
        parameter.requires_grad = flag


@pytest.mark.parametrize("make", [ad.Linear, leaves])
def test_parameters_that_are_frozen_and_thawed_within_the_step(make):
    def run(capture):
        rng = np.random.default_rng(0)
        generator, ours = layer(make(4, 2, rng=rng))
        critic, theirs = layer(make(2, 1, rng=rng))
        of_generator, of_critic = (ad.SGD(parameters, learning_rate=0.1) for parameters in (ours, theirs))

        def step(z, real):
            fake = generator(z)
            thaw(theirs, True)
            of_critic.zero_grad()
            critic_loss = (critic(fake.detach()) ** 2).mean() + ((critic(real) - 1) ** 2).mean()
            critic_loss.backward()
            of_critic.step()
            thaw(theirs, False)
            of_generator.zero_grad()
            loss = ((critic(fake) - 1) ** 2).mean()
            loss.backward()
            of_generator.step()
            return critic_loss, loss

        step = capture(step)
        draws = [(rng.normal(size=(16, 4)), rng.normal(size=(16, 2))) for _ in range(20)]
        losses = [loss for z, real in draws for loss in step(z, real)]
        return [*losses, *(p.data for p in [*ours, *theirs])]

    check(run, exact=True)


@pytest.mark.parametrize("make", [ad.Linear, leaves])
def test_factors_that_are_trained_in_turn_by_one_optimizer_are_refused(make):
    one, two = (layer(make(2, 2, rng=np.random.default_rng(seed))) for seed in range(2))
    optimizer = ad.SGD([*one[1], *two[1]], learning_rate=0.1)

    @ad.capture
    def step(x):
        for (_, frozen), (_, trained) in ((one, two), (two, one)):
            thaw(frozen, False)
            thaw(trained, True)
            optimizer.zero_grad()
            (one[0](two[0](x)) ** 2).mean().backward()
            optimizer.step()

    words = r"optimizer has others of its parameters frozen .* an optimizer for each part"
    with pytest.raises(ad.CaptureError, match=words):
        step.repeat(4, [(np.ones((3, 2)),)] * 4)


def test_arrays_in_turn_that_are_reached_elsewhere_too_are_refused_after_a_while():
    held = SimpleNamespace(current=None, both=[np.zeros(3), np.ones(3)])

    @ad.capture
    def step(x):
        np.multiply(held.current, 0.9, out=held.current)
        np.add(held.current, x, out=held.current)
        return held.both[0].sum(), held.both[1].sum()

    def in_turn():
        for i in range(40):
            held.current = held.both[i % 2]
            step(np.ones(3))

    with pytest.raises(ad.CaptureError, match=r"held\.current is replaced by another array again and again"):
        in_turn()


# Flags and integers that decide shapes and branches


def masked(mask, labels):
    w, x = ad.Parameter(np.arange(1.0, 7.0)), np.arange(6.0)

    def step():
        chosen = (w * x)[mask]
        loss = np.sum(chosen * chosen) * float(np.mean(labels == 1)) + np.sum(x[np.flatnonzero(labels == 2)])
        w.grad = None
        loss.backward()
        w.data -= 0.01 * w.grad.data
        return chosen.detach() * (2 if labels.max() > 2 else 1)

    return step


@pytest.mark.parametrize("change", [1, 2, 3, 4, 5, 9])
def test_masks_and_labels_of_the_closure_are_watched(change):
    """In whichever call: while the step is recorded, checked or replayed."""
    mask, labels = np.arange(6) < 3, np.arange(6) % 3
    plain, captured = masked(mask, labels), ad.capture(masked(mask, labels), check_every=0)
    for call_number in range(32):
        if call_number in (change, change + 12):
            mask[:] = ~mask
            labels[call_number // 12] += 1
        expected = plain()
        np.testing.assert_allclose(captured().data, expected.data, rtol=1e-12)
        assert expected.shape == (3,)
    assert captured.current.is_ready


def test_flags_that_the_step_changes_decide_nothing():
    mask, x = np.arange(4) < 2, np.arange(4.0)

    def after(_):
        np.logical_not(mask, out=mask)
        return x[mask]

    def before(_):
        chosen = x[mask]
        np.logical_not(mask, out=mask)
        return chosen

    refused(ad.capture(after), r"t\[mask\], whose shape depends on the values")
    refused(ad.capture(before), "mask, an array of bool, holds something else than it did")
    refused(ad.capture(lambda x: x[x > 1]), r"t\[mask\], whose shape depends on the values")


def test_a_buffer_that_the_step_gives_another_value():
    class Normalized(ad.Module):
        def __init__(self):
            self.mean = ad.Buffer(np.zeros(2))

        def forward(self, x):
            self.mean = 0.9 * self.mean + 0.1 * np.mean(x, axis=0)
            return x - self.mean

    def run(capture):
        module = Normalized()
        step = capture(lambda x: module(x).detach())
        found = [step(np.full((3, 2), float(i))) for i in range(20)]
        assert type(module.mean) is ad.Buffer
        return [*found, module.mean.data]

    check(run, exact=True)


def decided(look):
    held = SimpleNamespace(k=np.zeros(1, int), x=np.ones(4))

    def step():
        found = np.sum(held.x) * look(held.k)
        held.k = held.k + 1
        return found

    return step


LOOKS = {
    "an entry": lambda k: 2 if k[0] < 14 else 1,
    "all": lambda k: 2 if (k < 14).all() else 1,
    "int": lambda k: 1 + int(k[0]) // 14,
    "item": lambda k: 1 + k[0].item() // 14,
    "tolist": lambda k: 1 + k.tolist()[0] // 14,
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
def test_flags_that_the_step_gives_another_array_decide_nothing(look):
    plain, step = decided(look), ad.capture(decided(look), check_every=0)
    for _ in range(24):
        expected = plain()
        found, refusal = outcome(step)
        assert refusal or found == expected


def test_flags_that_are_replaced_from_outside():
    held = SimpleNamespace(y=np.array([0, 0, 1, 1]))
    step = ad.capture(lambda x: np.sum(x) * len(np.unique(held.y)), check_every=0)
    for i in range(30):
        held.y = np.array([0, 0, 1, 1]) if i < 14 else np.array([0, 1, 2, 3])
        found, refusal = outcome(step, np.ones(4))
        assert refusal or found == 4.0 * len(np.unique(held.y))


def test_a_flag_that_many_steps_change():
    def begin():
        held = SimpleNamespace(x=np.full(4, 4.0), done=np.zeros(1, bool))

        def step():
            if held.done[0]:
                return np.sum(held.x) * 0
            held.x *= 0.9
            y = np.sum(held.x)
            held.done[0] = y < 4
            return y

        return held, step

    (expected, plain), (held, step) = begin(), begin()
    found, refusal = outcome(ad.capture(step, check_every=0).repeat, 24)
    if not refusal:
        np.testing.assert_array_equal(found, [plain() for _ in range(24)])
        np.testing.assert_array_equal(held.x, expected.x)
