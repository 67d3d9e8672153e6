"""What a step keeps from call to call: arrays, Tensors and numbers that it puts in the place of those before."""

import copy
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.comparing import check_calls, each_exactness
from tests.compiler.refusing import network, outcome, refused

X = np.linspace(-1.0, 1.0, 6).reshape(3, 2)
KEPT = np.zeros((3, 2))


def points(i):
    return X + 0.1 * i


class Recurrent:
    def __init__(self, start):
        self.h = start
        self.w = ad.Tensor(np.array([[0.5, 0.1], [0.2, 0.3]]))

    def of_arrays(self, x):
        if self.h is None:
            self.h = np.zeros(2)
        self.h = np.tanh(self.h @ self.w.data + x[0])
        return self.h.sum()

    def of_tensors(self, x):
        if self.h is None:
            self.h = ad.Tensor(np.zeros(2))
        self.h = np.tanh(self.h @ self.w + x[0]).detach()
        return np.sum(self.h)


@each_exactness
@pytest.mark.parametrize("start", ["zeros", "nothing"])
@pytest.mark.parametrize("of", ["of_arrays", "of_tensors"])
def test_a_recurrent_state_is_read_again_in_the_next_call(of, start, exact):
    def build(wrap):
        zeros = np.zeros(2) if of == "of_arrays" else ad.Tensor(np.zeros(2))
        model = Recurrent(zeros if start == "zeros" else None)
        step = wrap(getattr(model, of))

        def call(i):
            if i == 8:
                model.h = zeros  # from outside: a new sequence
            return step(points(i)), model.h

        return call

    check_calls(build, exact, calls=20)


def kept_in_a_variable(wrap):
    h = np.zeros((3, 2))

    def step(x):
        nonlocal h
        h = h * 0.5 + x
        return np.sum(x)

    step = wrap(step)
    return lambda i: (step(points(i)), h)


def kept_in_a_global(wrap):
    globals()["KEPT"] = np.zeros((3, 2))

    def step(x):
        global KEPT
        KEPT = KEPT * 0.5 + x
        return np.sum(x)

    step = wrap(step)
    return lambda i: (step(points(i)), KEPT)


def kept_in_a_dict(wrap):
    state = {"h": np.zeros((3, 2))}

    def step(x):
        state["h"] = state["h"] * 0.5 + x
        return np.sum(x)

    step = wrap(step)
    return lambda i: (step(points(i)), dict(state))


def kept_in_a_list(wrap):
    state = [np.zeros((3, 2)), np.ones(2)]

    def step(x):
        state[0], state[1] = state[0] * 0.5 + x * state[1], state[1] * 0.9
        return np.sum(x)

    step = wrap(step)
    return lambda i: (step(points(i)), list(state))


def swapped(wrap):
    state = SimpleNamespace(a=np.zeros((3, 2)), b=np.ones((3, 2)))

    def step(x):
        state.a, state.b = state.b, state.a + x
        return np.sum(x)

    step = wrap(step)
    return lambda i: (step(points(i)), state.a, state.b)


def kept_by_a_name_of_two_words(wrap):
    state = SimpleNamespace()
    setattr(state, "my array", np.ones(2))
    setattr(state, "class", 0)

    def step(x):
        setattr(state, "my array", getattr(state, "my array") + x[0])
        setattr(state, "class", getattr(state, "class") + 1)
        return x * getattr(state, "class")

    step = wrap(step)
    return lambda i: (step(points(i)), getattr(state, "my array"))


def a_new_attribute(wrap):
    state = SimpleNamespace()

    def step(x):
        state.latest = np.sum(ad.Tensor(x) * 2)
        return x * 2

    step = wrap(step)
    return lambda i: (step(points(i)), state.latest)


def the_loss_of_a_training_step(wrap):
    model = network()
    optimizer = ad.Adam(model.parameters(), 0.01)
    state = SimpleNamespace(loss=None, value=None)

    def step(x):
        state.loss = np.mean(model(x) ** 2)
        state.value = state.loss.data
        optimizer.zero_grad()
        state.loss.backward()
        optimizer.step()

    step = wrap(step)
    return lambda i: (step(points(i)), state.loss, state.value, [p.data for p in model.parameters()])


@each_exactness
@pytest.mark.parametrize(
    "build",
    [
        kept_in_a_variable, kept_in_a_global, kept_in_a_dict, kept_in_a_list, swapped, kept_by_a_name_of_two_words,
        a_new_attribute, the_loss_of_a_training_step,
    ],
)  # fmt: skip
def test_what_is_put_in_a_place_is_there_after_every_call(build, exact):
    check_calls(build, exact, calls=20)


STARTS = {
    "a float": 0.0,
    "an int": 0,
    "float16": np.float16(0),
    "float32": np.float32(0),
    "float64": np.float64(0),
    "complex": np.complex128(0),
    "an array": np.array(0.0),
}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_a_running_mean_is_of_the_type_that_it_is_without_capture(start, dtype):
    def build(wrap):
        state = SimpleNamespace(mean=copy.copy(start), total=copy.copy(start), best=np.inf)

        def step(x):
            state.mean = 0.9 * state.mean + 0.1 * np.mean(x)
            state.total += np.sum(x)
            state.best = np.minimum(state.best, np.sum(x))
            return state.mean * 2

        step = wrap(step)

        def call(i):
            return step(points(i).astype(dtype)), state.mean, state.total, state.best

        return call

    check_calls(build, exact=True, calls=20)


def test_a_tensor_that_takes_its_graph_to_the_next_call_is_refused_with_what_to_write():
    state = SimpleNamespace(total=0.0)
    model = network()

    def function(x):
        state.total = state.total + np.mean(model(x))
        return x

    message = refused(ad.capture(function), r"state\.total", argument=X)
    assert ".detach()" in message


def test_a_state_that_is_taken_away_is_refused():
    state = SimpleNamespace(h=ad.Tensor(np.zeros(2)), is_over=False)

    def function(x):
        state.h = None if state.is_over else state.h * 0.5 + x
        return x

    step = ad.capture(function)
    for _ in range(7):
        step(np.ones(2))
    state.is_over = True
    refused(step, r"takes away what is in state\.h")


# What becomes something else between the calls

NUMBERS = {
    "a bool": (1.0, True),
    "float64": (1.0, np.float64(3)),
    "float32": (1.0, np.float32(3)),
    "an int": (1.0, 3),
    "an array": (1.0, np.ones(2)),
    "a 0-d array": (1.0, np.array(2.0)),
    "a complex number": (1.0, 2j),
    "a float": (1j, 2.0),
    "a list": (1.0, [1.0, 2.0]),
    "a Tensor": (1.0, ad.Tensor([1.0, 2.0])),
    "another NumPy float": (np.float32(1), np.float64(2)),
    "a Python float": (np.float64(1), 2.0),
    "a zero of another sign": (0.0, -0.0),
}


@pytest.mark.parametrize("is_changing", [True, False])
@pytest.mark.parametrize(("before", "after"), NUMBERS.values(), ids=NUMBERS)
def test_a_number_that_becomes_something_else_is_followed(before, after, is_changing):
    def build(wrap):
        state = SimpleNamespace(scale=before)
        step = wrap(lambda x: (x * state.scale, x * np.exp(-2.0) / (x + state.scale + 5)))

        def call(i):
            if i in (1, 2) and is_changing:
                state.scale = state.scale + type(before)(1)
            if i == 8:
                state.scale = after
            with np.errstate(all="ignore"):
                return step(points(i))

        return call

    check_calls(build, exact=True, calls=20)


def test_a_zero_of_another_sign_is_another_number():
    def build(wrap):
        state = SimpleNamespace(sign=0.0)
        step = wrap(lambda x: np.copysign(x, state.sign))

        def call(i):
            state.sign = -0.0 if i > 8 else 0.0
            return step(points(i))

        return call

    check_calls(build, exact=True, calls=20)


@pytest.mark.parametrize("wrong", [None, "a"])
def test_a_number_that_becomes_what_the_step_cannot_take_fails_as_without_capture(wrong):
    state = SimpleNamespace(scale=1.0)
    step = ad.capture(lambda x: x * state.scale)
    for i in range(8):
        step(X)
        state.scale = float(i)
    state.scale = wrong
    with pytest.raises(TypeError):
        step(X)


STATES = {
    "another dtype": lambda: np.zeros((3, 2), np.float32),
    "integers": lambda: np.zeros((3, 2), int),
    "a shape that broadcasts": lambda: np.zeros(2),
    "more axes": lambda: np.zeros((2, 3, 2)),
    "another order": lambda: np.ones((2, 3)).T,
    "a number": lambda: 0.0,
    "a Tensor": lambda: ad.Tensor(np.zeros((3, 2))),
}


@pytest.mark.parametrize("start", ["array", "Tensor"])
@pytest.mark.parametrize("other", STATES.values(), ids=STATES)
def test_a_state_that_becomes_something_else_is_followed(other, start):
    def build(wrap):
        zeros = np.zeros((3, 2))
        state = SimpleNamespace(h=zeros if start == "array" else ad.Tensor(zeros))

        def step(x):
            state.h = state.h * 0.5 + x
            return np.sum(state.h)

        step = wrap(step)

        def call(i):
            if i == 8:
                state.h = other()
            return step(points(i)), state.h

        return call

    check_calls(build, calls=20)


def test_a_masked_array_in_the_place_of_a_state_is_refused():
    state = SimpleNamespace(h=np.zeros((3, 2)))

    def function(x):
        state.h = state.h * 0.5 + x
        return x

    step = ad.capture(function)
    for _ in range(7):
        step(X)
    state.h = np.ma.masked_less(np.ones((3, 2)), 2)
    refused(step, r"state\.h is a numpy\.ma\.MaskedArray", argument=X)


def test_a_tensor_that_gathers_gradients_in_the_place_of_one_that_does_not():
    def build(wrap):
        state = SimpleNamespace(h=ad.Tensor(np.zeros((3, 2))))

        def step(x):
            loss = np.sum((state.h * 0.5 + x) ** 2)
            if loss.requires_grad:
                state.h.grad = None
                loss.backward()
                return loss, state.h.grad
            state.h = state.h * 0.5
            return loss

        step = wrap(step)

        def call(i):
            if i == 8:
                state.h = ad.Tensor(np.ones((3, 2)), requires_grad=True)
            return step(points(i))

        return call

    check_calls(build, calls=20)


@pytest.mark.parametrize(("name", "value"), [("shape", (2, 3)), ("dtype", np.int64)])
def test_an_array_that_is_made_one_of_another_shape_or_dtype_is_followed(name, value):
    def build(wrap):
        held = np.arange(6.0).reshape(3, 2)
        step = wrap(lambda x: np.sum(held.T, axis=0) * x)

        def call(i):
            if i == 8:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)  # of NumPy, which is about to forbid it
                    setattr(held, name, value)
            return step(float(i))

        return call

    check_calls(build, exact=True, calls=20)


FREEZING = {
    "the node": lambda p: setattr(p, "node", None),
    "the flag": lambda p: setattr(p, "requires_grad", False),
    "a gradient of another dtype": lambda p: setattr(p, "grad", ad.Tensor(p.data.astype(np.float32))),
    "no gradient": lambda p: setattr(p, "grad", None),
}


@pytest.mark.parametrize("adds_up", [True, False])
@pytest.mark.parametrize("change", FREEZING.values(), ids=FREEZING)
def test_a_parameter_that_is_changed_from_outside_is_followed(change, adds_up):
    def build(wrap):
        model = network()
        optimizer = ad.SGD(model.parameters(), 0.01)

        def step(x):
            loss = np.mean(model(x) ** 2)
            if not adds_up:
                optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        step = wrap(step)

        def call(i):
            if i == 8:
                change(model.layers[0].weight)
            return step(points(i)), [p.data for p in model.parameters()]

        return call

    check_calls(build, calls=20)


def test_a_class_whose_objects_are_copied_is_as_it_was():
    class Trainer:
        scale = 2.0

    trainer = Trainer()
    step = ad.capture(lambda x: x * trainer.scale)
    for _ in range(7):
        step(X)
    copy.deepcopy(trainer)  # for which Python writes down something in the class
    step(X)
    assert len(step.programs) == 1


def a_mode(build_model):
    """Return what makes a step that sets a model to training or to evaluation itself."""

    def build(wrap):
        model = build_model()
        optimizer = ad.SGD(model.parameters(), 0.05)

        def step(x, training):
            model.train(training)
            if not training:
                with ad.no_grad():
                    return np.mean(model(x) ** 2)
            loss = np.mean(model(x) ** 2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        step = wrap(step)
        return lambda i: (step(points(i), i % 4 != 3), model.training, [p.data for p in model.parameters()])

    return build


MODES = {
    "dropout": lambda: ad.Sequential(network(), ad.Dropout(0.5, rng=np.random.default_rng(0))),
    "normalization": lambda: ad.Sequential(network(), ad.BatchNorm1d(1, dtype=np.float64)),
}


@each_exactness
@pytest.mark.parametrize("build_model", MODES.values(), ids=MODES)
def test_a_step_that_sets_the_mode_of_a_model(build_model, exact):
    check_calls(a_mode(build_model), exact, calls=32)


@pytest.mark.parametrize("values", [(True, False), ("a", "b"), (None, "a"), (False, None)])
@pytest.mark.parametrize("place", ["attribute", "item", "variable"])
def test_a_constant_that_a_step_puts_in_the_place_of_another(place, values):
    def build(wrap):
        box, held, variable = SimpleNamespace(value=values[0]), {"value": values[0]}, values[0]

        def step(x, to):
            nonlocal variable
            now = {"attribute": box.value, "item": held["value"], "variable": variable}[place]
            if place == "attribute":
                box.value = values[to]
            elif place == "item":
                held["value"] = values[to]
            else:
                variable = values[to]
            return x * (2.0 if now == values[0] else 3.0)

        step = wrap(step)
        return lambda i: (step(points(i), i // 3 % 2), box.value, held["value"], variable)

    check_calls(build, calls=36)


def test_a_constant_that_is_another_in_every_call_is_refused():
    box = SimpleNamespace(text="")

    def function(x):
        box.text += "a"
        return x * 2

    refused(ad.capture(function), "box.text", times=20)


def test_a_flag_that_a_step_toggles():
    def build(wrap):
        box = SimpleNamespace(on=True)

        def step(x):
            box.on = not box.on
            return x * 2 if box.on else x

        step = wrap(step)
        return lambda i: (step(points(i)), box.on)

    check_calls(build, calls=24)


# What a step puts in a place, though it is what stood there while it was recorded


class Meter:
    def __init__(self):
        self.n, self.late, self.found, self.rate, self.epoch, self.first = 0, False, np.bool_(False), 0.1, 0, True
        self.held, self.small = {"last": 0.1, "count": np.int64(0)}, [False]


latest, is_late = 0.0, False


@pytest.mark.parametrize("check_every", [None, 0])
def test_what_a_step_leaves_in_a_place_may_be_what_stood_there_while_it_was_recorded(check_every):
    def left(capture):
        global latest, is_late
        latest, is_late = 0.0, False
        meter, inner = Meter(), 0

        def step(x, rate):
            global latest, is_late
            nonlocal inner
            meter.n += 1
            meter.late = meter.n > 9
            meter.first = meter.n < 12
            meter.rate = max(0.1, meter.n * 0.01)
            meter.epoch = meter.n // 10
            meter.found = np.any(np.isinf(x))
            meter.held["last"], meter.held["count"] = rate, np.sum(x > 100)
            meter.small[0] = meter.n % 7 == 6
            latest, is_late = rate * 2, meter.n > 15
            inner = meter.n // 13
            return x * 2

        step = capture(step)
        found = []
        for i in range(30):
            step(np.array([1.0, np.inf if i > 20 else 2.0, 200.0 if i % 11 == 10 else 3.0]), 0.1 if i < 10 else 0.2)
            found += [*vars(meter).values(), *meter.held.values(), *meter.small, latest, is_late, inner]
        return [(type(one), one) for one in found if not isinstance(one, dict | list)]

    assert left(lambda step: ad.capture(step, check_every=check_every)) == left(lambda step: step)


def test_a_global_variable_that_a_step_only_assigns():
    global latest

    def step(x):
        global latest
        latest = x * 2

    step = ad.capture(step)
    for i in range(12):
        _, refusal = outcome(step, np.ones(2) * i)
        assert refusal or np.array_equal(latest, np.full(2, 2.0 * i))
        assert type(latest) is np.ndarray


@pytest.mark.parametrize(
    "put",
    [lambda held, n, x: held.update({n % 2: x}), lambda held, n, x: held.update({("a", n): x})],
    ids=["int", "tuple"],
)
def test_keys_made_of_counters_are_numbers(put):
    meter, held = Meter(), {}

    def step(x):
        meter.n += 1
        put(held, meter.n, 1.0)
        return x * 2

    step = ad.capture(step)
    for i in range(12):
        outcome(step, np.ones(2) * i)
        assert not [key for key in held if "recorded" in repr(key)]


def test_members_of_a_set_made_of_counters_are_numbers():
    meter, seen = Meter(), set()

    def step(x):
        meter.n += 1
        seen.add(meter.n % 3)
        return x * 2

    step = ad.capture(step)
    for i in range(12):
        outcome(step, np.ones(2) * i)
        assert seen <= {0, 1, 2}
        assert all(type(one) is int for one in seen)


# Attributes that are set by code of the user's


class WithSetter:
    def __init__(self):
        vars(self).update(version=0, log=[])
        self.w = np.ones(3)

    def __setattr__(self, name, value):
        vars(self)["version"] += 1
        self.log.append(name)
        vars(self)[name] = value


class WithProperty:
    def __init__(self):
        self.held, self.count = np.ones(3), 0

    @property
    def w(self):
        return self.held * 2

    @w.setter
    def w(self, value):
        self.count += 1
        self.held = value / 2


@pytest.mark.parametrize("kind", [WithSetter, WithProperty])
@pytest.mark.parametrize("check_every", [None, 0])
def test_code_that_sets_an_attribute_runs_once_in_each_call(kind, check_every):
    def left(capture):
        holder = kind()

        def step(x):
            holder.w = holder.w * 0.5 + x
            return holder.w * 2

        step = capture(step)
        found = [step(np.ones(3) * i).tolist() for i in range(20)]
        return found, {name: getattr(one, "tolist", lambda one=one: one)() for name, one in vars(holder).items()}

    assert left(lambda step: ad.capture(step, exact=True, check_every=check_every)) == left(lambda step: step)


class Scaled(dict):
    def __getitem__(self, key):
        return super().__getitem__(key) * 2


def test_a_dict_that_gives_out_something_else_is_refused_and_left():
    scaled = Scaled(w=np.ones(3))
    _, refusal = outcome(ad.capture(lambda x: x * scaled["w"]), np.ones(3))
    assert refusal.startswith("scaled is a tests.compiler.test_state.Scaled, whose state a replay would not see")
    assert type(dict(scaled.items())["w"]) is np.ndarray
