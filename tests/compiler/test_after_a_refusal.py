"""After a refusal everything is in its place, and other functions, or the same, can be captured."""

import inspect
import sys

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.compiler.record.recorder import active
from tests.compiler.refusing import X, call, captured_on, in_thread, network, refused


def test_a_refusal_is_repeated_at_the_next_call():
    step = ad.capture(lambda x: float(x[0]))
    message = refused(step, "float")
    again = refused(step, "could not be captured", 1)
    assert message in again


def test_a_refusal_because_of_a_thread_or_an_argument_is_not_for_good():
    step = captured_on(X)
    assert isinstance(in_thread(lambda: step(X)), ad.CaptureError)
    with pytest.raises(ad.CaptureError, match="requires a gradient"):
        step(ad.Tensor(X, requires_grad=True))
    np.testing.assert_array_equal(step(X)[0], 2)


GLOBAL = np.arange(2.0)

GLOBAL_LIST = [np.arange(2.0)]


@pytest.mark.parametrize("failure", ["refusal", "own exception", "interrupt"])
@pytest.mark.parametrize("calls", [1, 2])
def test_everything_is_in_its_place_after_a_recorded_call_that_failed(failure, calls):
    model = network()
    optimizer = ad.Adam(model.parameters(), 0.01)
    rng = np.random.default_rng(0)
    state = {"mean": np.zeros(2), "pair": (np.ones(2), [np.ones(1)])}
    count = 0

    def function(x, fail):
        nonlocal count
        count += 1
        state["mean"] += x[0]
        state["new"] = np.exp(GLOBAL) + GLOBAL_LIST[0] + state["pair"][1][0]
        optimizer.zero_grad()
        np.sum(F.dropout(model(x), 0.1, rng) ** 2).backward()
        optimizer.step()
        if fail:
            {"refusal": lambda: float(x[0, 0]), "own exception": lambda: {}["nothing"], "interrupt": interrupt}[
                failure
            ]()
        return model(x)

    step = ad.capture(function)
    state["new"] = np.zeros(2)
    for _ in range(calls - 1):
        step(X, False)
    before = model.layers[0].weight.data.copy()
    if calls == 1:
        with pytest.raises((ad.CaptureError, KeyError, KeyboardInterrupt)):
            step(X, True)
        assert not np.array_equal(model.layers[0].weight.data, before)  # it went as far as that
    else:
        with pytest.raises((ad.CaptureError, KeyError, KeyboardInterrupt)):
            step(X, True)
    places = [
        *(p._data for p in model.parameters()),
        state["mean"],
        state["new"],
        state["pair"][0],
        state["pair"][1][0],
    ]
    places += [p.grad._data for p in model.parameters() if p.grad is not None] + [GLOBAL, GLOBAL_LIST[0]]
    places += [array for one in optimizer.group_states for array in one.values() if not isinstance(array, int)]
    assert [type(array) for array in places] == [np.ndarray] * len(places)
    assert type(rng) is np.random.Generator
    assert type(count) is int
    assert type(optimizer.learning_rate) is float
    assert all(type(one.get("step", 0)) is int for one in optimizer.group_states)
    function(X, False)  # and it works as ever
    assert all(np.isfinite(p.data).all() for p in model.parameters())


def interrupt():
    raise KeyboardInterrupt


def interrupted_at(function, number):
    """Call a function, with an interrupt at the start of the Python function that is called as so manieth in it."""
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        is_callback = frame.f_code.co_name == "<lambda>"  # of a weak reference, perhaps, from which nothing is raised
        count += not (is_callback or frame.f_code.co_flags & inspect.CO_GENERATOR)
        if count == number:
            sys.settrace(None)
            raise KeyboardInterrupt

    before, errstate = sys.gettrace(), np.geterr()
    sys.settrace(trace)
    try:
        function()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
        np.seterr(**errstate)  # as the interrupt may have come before np.errstate put it back
    return False


def test_an_interrupt_at_any_time_leaves_no_stand_in():
    x, rng, number, going_on = np.ones((3, 2)), np.random.default_rng(0), 1, True
    while going_on:
        model = network()
        optimizer = ad.SGD(model.parameters(), 0.01, momentum=0.9)

        @ad.capture
        def step():
            loss = np.mean(F.dropout(model(x), 0.1, rng) ** 2)  # noqa: B023 - called in this turn alone
            optimizer.zero_grad()  # noqa: B023
            loss.backward()
            optimizer.step()  # noqa: B023

        going_on = interrupted_at(step, number)
        places = [*(p._data for p in model.parameters()), x]
        places += [p.grad._data for p in model.parameters() if p.grad is not None]
        places += [array for state in optimizer.group_states for array in state.values()]
        assert {type(array) for array in places} == {np.ndarray}, number
        assert type(rng) is np.random.Generator, number
        assert active.recorder is None, number
        number += 37
    assert number > 2000


def test_an_exception_of_the_function_itself_passes_through():
    def function(x):
        raise KeyError("mine")

    step = ad.capture(function)
    for _ in range(3):
        with pytest.raises(KeyError, match="mine"):
            call(step, 1)


def test_another_function_can_be_captured_after_a_refusal():
    refused(ad.capture(lambda x: float(x[0])), "float")
    np.testing.assert_array_equal(call(ad.capture(lambda x: x * 2)), [2.0, 4.0])


class Trainer:
    """A network in training, with what else a step may leave: a list that grows, and a running mean."""

    def __init__(self, wrap):
        self.model = network()
        self.optimizer = ad.SGD(self.model.parameters(), 0.01, momentum=0.9)
        self.log, self.mean, self.count = [], np.float64(0), 0
        self.step = wrap(self.update)

    def update(self, x):
        self.count += 1
        loss = np.mean(self.model(x) ** 2)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.mean = 0.9 * self.mean + 0.1 * loss.data
        self.log.append(loss.data)
        return loss

    def arrays(self):
        return [
            *(p.data for p in self.model.parameters()),
            *(array for state in self.optimizer.group_states for array in state.values()),
        ]


def interrupted_in_replay(function, number):
    """Call a captured function, with an interrupt before so manieth line of its program."""
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        if frame.f_code.co_filename != "<captured step>":
            return None
        count += event == "line"
        if count == number:
            sys.settrace(None)
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def test_an_interrupt_in_a_replay_leaves_a_step_that_goes_on():
    """It leaves the arrays amid the step, as in one that is not captured; once they are put back, all is as ever."""
    plain = Trainer(lambda function: function)
    for _ in range(6):
        plain.step(X)
    expected = [plain.step(X).item() for _ in range(4)]
    number, going_on = 1, True
    while going_on:
        trainer = Trainer(ad.capture)
        for _ in range(6):
            trainer.step(X)
        arrays, copies = trainer.arrays(), [array.copy() for array in trainer.arrays()]
        mean, count = trainer.mean, trainer.count
        going_on = interrupted_in_replay(lambda: trainer.step(X), number)  # noqa: B023 - called in this turn alone
        assert all(now is array for now, array in zip(trainer.arrays(), arrays, strict=True))
        assert (type(trainer.mean), type(trainer.count), type(trainer.log)) == (np.float64, int, list)
        for array, contents in zip(arrays, copies, strict=True):
            array[...] = contents
        trainer.mean, trainer.count = mean, count
        np.testing.assert_allclose([trainer.step(X).item() for _ in range(4)], expected)
        number += 3
    assert number > 10


def test_a_refusal_tells_that_the_call_has_changed_parameters():
    model = network()
    optimizer = ad.SGD(model.parameters(), 0.01)

    def function(x):
        loss = np.mean(model(x) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    message = refused(ad.capture(function), r"\.item\(\)", argument=X)
    assert "This call has changed model.layers[0].bias and 3 more already" in message


def test_a_refusal_tells_of_what_the_call_has_put_in_the_place_of_another():
    layer = network()
    layer.mean = np.zeros(1)

    def function(x):
        layer.mean = 0.9 * layer.mean + 0.1 * np.mean(x)
        return np.mean(layer(x)).item()

    message = refused(ad.capture(function), r"\.item\(\)", argument=X)
    assert "This call has changed layer.mean already" in message


def test_an_error_whose_words_tell_of_values_is_raised_as_it_is_and_the_next_calls_go_on():
    model = network()

    def function(x, labels):
        return F.cross_entropy(np.concatenate([model(x), -model(x)], axis=1), labels)

    step = ad.capture(function)
    with pytest.raises(ValueError, match="2 classes need labels from 0 to 1, found 7 to 7"):
        step(X, np.full(len(X), 7))
    for i in range(8):
        labels = np.arange(len(X)) % 2 if i % 2 else np.zeros(len(X), int)
        np.testing.assert_allclose(step(X, labels).data, function(X, labels).data)


class StopError(Exception):
    def __init__(self, loss, weight):
        super().__init__("stop", loss, weight)
        self.losses = {"loss": [loss]}


def test_an_error_of_the_step_leaves_with_arrays():
    """Of the same types as without capture; so do those that it came from. What the step reaches, they hold itself."""
    w, x = ad.Parameter([1.0, 2.0]), np.array([1.0, 3.0])

    def step(x):
        try:
            raise StopError(np.sum(x), w)
        except StopError as error:
            raise ValueError(w * x, x * 2) from error

    errors = []
    for function in (step, ad.capture(step)):
        with pytest.raises(ValueError, match="Tensor") as caught:
            function(x)
        errors.append(caught.value)
    for one in errors:
        product, double = one.args
        assert type(product) is ad.Tensor
        assert type(product.data) is type(double) is np.ndarray
        assert (product.data.tolist(), double.tolist()) == ([1.0, 6.0], [2.0, 6.0])
        assert type(one.__cause__.args[1]) is type(one.__cause__.losses["loss"][0]) is np.float64
        assert one.__cause__.losses == {"loss": [4.0]}
        assert one.__cause__.args[2] is w
    with pytest.raises(StopError, match="stop"):
        ad.capture(lambda x: (_ for _ in ()).throw(StopError(x, w)))(x)
