"""What a captured function refuses: the error names the line or the place, and says what to do instead."""

import collections
import contextvars
import copy
import dataclasses
import functools
import importlib
import inspect
import itertools
import random
import re
import sys
import threading
import time

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812

LEARNED = ad.Tensor(np.ones(2), requires_grad=True)
SETTINGS = {"power": 2}
OFFSET = np.zeros(2)


def call(function, times=8, argument=None):
    """Call a captured function several times; within the later ones it is replayed."""
    argument = np.array([1.0, 2.0]) if argument is None else argument
    for _ in range(times):
        result = function(argument)
    return result


def refused(function, match, times=8, argument=None):
    """Call a captured function until it refuses, and return the error."""
    with pytest.raises(ad.CaptureError, match=match) as caught:
        call(function, times, argument)
    return str(caught.value)


def outcome(function, *args):
    """Return the result of a call and nothing, or None and the text of the refusal."""
    try:
        return function(*args), ""
    except ad.CaptureError as error:
        return None, str(error)


def line_of(function, text):
    """Return the number of the line of this file at which a function holds a text."""
    lines, start = inspect.getsourcelines(function)
    (offset,) = [i for i, line in enumerate(lines) if text in line]
    return start + offset


def network(seed=3):
    rng = np.random.default_rng(seed)
    return ad.Sequential(
        ad.Linear(2, 4, rng=rng, dtype=np.float64), ad.Tanh(), ad.Linear(4, 1, rng=rng, dtype=np.float64)
    )


def training(model=None, optimizer=None):
    """Return a captured step on which six calls were made, its network and its optimizer."""
    model = model or network()
    optimizer = optimizer or ad.SGD(model.parameters(), 0.01, momentum=0.9)

    @ad.capture
    def step(x):
        loss = np.mean(model(x) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    call(step, 6, np.ones((3, 2)))
    return step, model, optimizer


def refused_training(step, match):
    return refused(step, match, 1, np.ones((3, 2)))


# What would leave the recorder's sight: the line is named, and what to do

SEEN = {
    "item": (lambda x: x * np.sum(x).item(), r"\.item\(\)", "return the array and convert it outside"),
    "item of a Tensor": (lambda x: x * np.sum(LEARNED * x).item(), r"\.item\(\)", "convert it outside"),
    "tolist": (lambda x: np.array(x.tolist()), r"\.tolist\(\)", "convert it outside"),
    "tolist of a Tensor": (lambda x: ad.Tensor(x).tolist(), r"\.tolist\(\)", "convert it outside"),
    "float": (lambda x: x * float(np.sum(x)), r"float\(\)", "convert it outside"),
    "float of a Tensor": (lambda x: x * float(np.sum(LEARNED)), r"float\(\)|\.item\(\)", "convert it outside"),
    "int": (lambda x: x * int(x[0]), r"int\(\)", "convert it outside"),
    "complex": (lambda x: x * complex(x[0]), r"complex\(\)", "convert it outside"),
    "round": (lambda x: x * round(x[0]), r"round\(\)", "convert it outside"),
    "if": (lambda x: x if np.sum(x) > 0 else -x, "branch", "np.where"),
    "if on a Tensor": (lambda x: x if np.sum(LEARNED) > 0 else -x, "branch", "np.where"),
    "bool": (lambda x: x * bool(np.all(x > 0)), "branch", "np.where"),
    "and": (lambda x: (x[0] > 0) and x, "branch", "np.where"),
    "not": (lambda x: not x[0], "branch", "np.where"),
    "while": (lambda x: next(i for i in range(9) if np.sum(x) < i), "branch", "np.where"),
    "max of Python": (lambda x: max(x[0], x[1]), "branch", "np.where"),
    "sorted of Python": (lambda x: sorted(x), "branch", "np.where"),
    "assert": (lambda x: [x for _ in [0] if np.isfinite(x).all()], "branch", "np.where"),
    "in": (lambda x: 1.0 in x, "in", "np.where"),
    "np.asarray": (lambda x: np.asarray(x), "np.asarray", "sight"),
    "np.array": (lambda x: np.array(x), "np.asarray", "sight"),
    "np.array of a list": (lambda x: np.array([x[0], x[1]]), "np.asarray|float", "sight|outside"),
    "np.array of a Tensor": (lambda x: np.array(ad.Tensor(x)), "np.asarray", "sight"),
    "np.fromiter": (lambda x: np.fromiter(x, float), r"float\(\)", "convert it outside"),
    "format": (lambda x: f"{x[0]:.3f}", "format", "convert it outside"),
    "format of a Tensor": (lambda x: f"{np.sum(ad.Tensor(x)):.3f}", "format|item", "convert it outside"),
    "text of a Tensor": (lambda x: str(ad.Tensor(x)), "text", "print what the step returns"),
    "repr of a Tensor": (lambda x: repr(ad.Tensor(x)), "text", "print what the step returns"),
    "text of an array": (lambda x: np.array_str(x), "text", "print what the step returns"),
    "a sum of Python numbers": (lambda x: sum(float(part) for part in x), r"float\(\)", "convert it outside"),
    "range": (lambda x: sum(range(np.argmax(x))), "index or length", "convert it outside"),
    "an index of a list": (lambda x: [1.0, 2.0][np.argmax(x)], "index", "convert it outside"),
    "the shape of a new array": (lambda x: np.zeros(np.argmax(x) + 1), "index or length", "convert it outside"),
    "a slice": (lambda x: x[: np.argmax(x)], "slice", "np.take"),
    "a slice of an ordinary array": (lambda x: OFFSET[: np.argmax(x)], "slice|index", "np.take|convert it outside"),
    "a mask": (lambda x: x[x > 1], "mask", r"np\.where"),
    "a mask on a Tensor": (lambda x: ad.Tensor(x)[x > 1], "mask", r"np\.where"),
    "np.nonzero": (lambda x: np.nonzero(x)[0], "np.nonzero", r"np\.where"),
    "np.flatnonzero": (lambda x: np.flatnonzero(x), "np.flatnonzero|np.nonzero", r"np\.where"),
    "np.argwhere": (lambda x: np.argwhere(x), "np.argwhere", r"np\.where"),
    "np.unique": (lambda x: np.unique(x), "np.unique", r"np\.where"),
    "np.where of a condition alone": (lambda x: np.where(x > 1)[0], "np.where", "mask"),
    "np.compress": (lambda x: np.compress(x > 1, x), "np.compress", r"np\.where"),
    "np.extract": (lambda x: np.extract(x > 1, x), "np.extract", r"np\.where"),
    "np.union1d": (lambda x: np.union1d(x, x), "np.union1d", r"np\.where"),
    "a copy of what is recorded": (lambda x: copy.deepcopy(x), "copying", "outside"),
    "a shallow copy of what is recorded": (lambda x: copy.copy(x), "copying", "outside"),
    "an attribute that is not there": (lambda x: x.ctypes.data, "ctypes", "NumPy function"),
    "bytes": (lambda x: x.tobytes(), "tobytes", "NumPy function"),
    "the key of a dict": (lambda x: {1.0: x}[float(x[0])], r"float\(\)", "convert it outside"),
    "np.fill_diagonal of an ordinary array": (
        lambda x: np.fill_diagonal(np.zeros((2, 2)), x),
        "ordinary array",
        "sight",
    ),
    "np.copyto into an ordinary array": (lambda x: np.copyto(np.zeros(2), x), "recorder", "zeros_like"),
    "out=": (lambda x: np.add(x, 1, out=np.zeros(2)), "recorder", "zeros_like"),
    "a generator made inside": (
        lambda x: x + np.random.default_rng().normal(size=2),
        "did not do the same|generator",
        "",
    ),
    "the old generator": (lambda x: x + np.random.rand(2), "did not do the same|generator", ""),  # noqa: NPY002
    "Python's generator": (lambda x: x + random.random(), "given|did not do the same", "argument"),
    "the time": (lambda x: x + time.perf_counter(), "given|did not do the same", "argument"),
}


@pytest.mark.parametrize(("function", "what", "advice"), SEEN.values(), ids=SEEN)
def test_what_a_replay_could_not_follow_is_refused_with_the_line_and_an_advice(function, what, advice):
    message = refused(ad.capture(function), what)
    assert re.search(advice, message), message
    place = re.search(r"test_refusals\.py:(\d+)", message)
    assert place, f"no line of this file in: {message}"
    assert int(place[1]) == function.__code__.co_firstlineno


def test_the_line_named_is_that_of_the_statement_not_of_the_function():
    @ad.capture
    def function(x):
        doubled = x * 2
        return doubled * np.max(doubled).item()

    message = refused(function, "item")
    assert f"test_refusals.py:{line_of(function.function, '.item()')}, in function" in message


def test_the_line_named_is_that_of_a_function_called_by_the_captured_one():
    def helper(x):
        return float(x[0])

    message = refused(ad.capture(lambda x: x * helper(x)), "float")
    assert f"test_refusals.py:{line_of(helper, 'float(')}, in helper" in message


def test_printing_a_tensor_is_refused(capsys):
    def function(x):
        print(ad.Tensor(x))
        return x

    assert "print what the step returns" in refused(ad.capture(function), "text of a recorded array")


@pytest.mark.parametrize("to_text", [print, str, lambda x: f"{x}"], ids=["print", "str", "f-string"])
def test_the_text_of_a_recorded_array_is_refused(to_text, capsys):
    def function(x):
        to_text(x)
        return x

    assert "test_refusals.py" in refused(ad.capture(function), "cannot be captured")
    assert capsys.readouterr().out == ""


def test_a_result_whose_shape_depends_on_the_values_is_refused_when_it_changes():
    step = ad.capture(lambda x: np.bincount(x))
    for _ in range(8):
        np.testing.assert_array_equal(step(np.array([0, 1, 1])), [1, 2])
    with pytest.raises(ad.CaptureError, match="depends on the values"):
        step(np.array([0, 1, 3]))


def test_a_refusal_that_the_function_catches_is_raised_all_the_same():
    """Swallowed, it would leave a program of the branch for exceptions."""

    def function(x):
        try:
            return x * float(x[0])
        except Exception:
            return x * 0

    assert "test_refusals.py" in refused(ad.capture(function), r"float\(\)")


def test_writing_a_recorded_value_into_an_ordinary_array_is_refused():
    def function(x):
        table = np.zeros(2)
        table[0] = x[0]
        return table * x

    message = refused(ad.capture(function), "ordinary array|float|recorder")
    assert f"test_refusals.py:{line_of(function, 'table[0] =')}" in message


def test_writing_a_recorded_row_into_an_ordinary_array_is_refused():
    def function(x):
        table = np.zeros((2, 2))
        table[0] = x
        return table

    message = refused(ad.capture(function), "ordinary array")
    assert f"test_refusals.py:{line_of(function, 'table[0] =')}" in message


def test_adding_a_recorded_array_to_an_ordinary_one_in_place_is_refused():
    def function(x):
        total = np.zeros(2)
        total += x
        return total

    message = refused(ad.capture(function), "recorder")
    assert f"test_refusals.py:{line_of(function, 'total += x')}" in message
    assert "zeros_like" in message


def test_a_recorded_index_of_an_ordinary_array_is_refused_or_followed():
    table = np.arange(10.0)

    def function(x):
        local = np.arange(5.0) * 2
        return local[np.argmax(x)] * x

    step = ad.capture(function)
    for i in range(8):
        x = np.roll([3.0, 0.0], i)
        found, refusal = outcome(step, x)
        if refusal:
            assert f"test_refusals.py:{line_of(function, 'local[')}" in refusal
            break
        np.testing.assert_array_equal(found, function(x))
    assert table.sum() == 45


def test_iterating_to_build_python_numbers_is_refused():
    def function(x):
        values = [part * 2 for part in x]
        return np.array(values)

    message = refused(ad.capture(function), "asarray|float")
    assert "test_refusals.py" in message


# Arguments


def captured_on(*args, function=None, **keywords):
    """Return a captured function that was called seven times with these arguments."""
    step = ad.capture(function or (lambda *args, **keywords: [part * 2 for part in flat((args, keywords))]))
    for _ in range(7):
        step(*args, **keywords)
    return step


def flat(tree):
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        return [leaf for part in tree for leaf in flat(part)]
    return [tree]


X = np.ones((3, 2))
CHANGED = {
    "shape": ((X,), (np.ones((4, 2)),), r"\(3, 2\).*\(4, 2\)"),
    "fewer axes": ((X,), (np.ones(2),), r"\(3, 2\).*\(2,\)"),
    "dtype": ((X,), (X.astype(np.float32),), "float64.*float32"),
    "integers": ((X,), (X.astype(int),), "float64.*int64"),
    "a Tensor for an array": ((X,), (ad.Tensor(X),), "float64.*Tensor"),
    "an array for a Tensor": ((ad.Tensor(X),), (X,), "Tensor.*float64"),
    "an int for a float": ((X, 1.0), (X, 1), "float.*1"),
    "a NumPy number for a float": ((X, 1.0), (X, np.float64(1.0)), "float.*NumPy"),
    "an array for a float": ((X, 1.0), (X, np.array(1.0)), r"float.*\(\)"),
    "another int": ((X, 3), (X, 4), "3.*4"),
    "True for 1": ((X, 1), (X, True), "1.*True"),
    "another text": ((X, "a"), (X, "b"), "'a'.*'b'"),
    "None": ((X, None), (X, X), "None.*float64"),
    "more arguments": ((X,), (X, X), "arguments"),
    "fewer arguments": ((X, X), (X,), "arguments"),
    "a longer list": (([X, X],), ([X, X, X],), "arguments"),
    "a tuple for a list": (([X, X],), ((X, X),), "arguments"),
    "other keys": (({"a": X},), ({"b": X},), "arguments"),
    "another order of keys": (({"a": X, "b": X},), ({"b": X, "a": X},), None),
    "deeper nesting": (([X, X],), ([X, [X]],), "arguments"),
    "an object of the same kind": ((X, np.dtype(np.float32)), (X, np.dtype(np.int8)), "float32.*int8"),
}


@pytest.mark.parametrize(("before", "after", "match"), CHANGED.values(), ids=CHANGED)
def test_changed_arguments_are_refused(before, after, match):
    step = captured_on(*before, function=lambda *args: [x * 2 for x in flat(args) if hasattr(x, "shape")])
    if match is None:  # no change at all
        step(*after)
        return
    with pytest.raises(ad.CaptureError, match=match):
        step(*after)


def test_the_parts_of_the_arguments_are_what_they_are_eagerly():
    """Code that asks what it was given takes the same way as ever."""
    questions = {
        "float": lambda t: isinstance(t, float),
        "int": lambda t: isinstance(t, int),
        "type": lambda t: hasattr(t, "shape") or hasattr(t, "dtype") or hasattr(t, "T") or hasattr(t, "ndim"),
        "array": lambda t: isinstance(t, np.ndarray),
        "scalar": lambda t: isinstance(t, np.generic),
        "of numpy": lambda t: np.isscalar(t),
        "callable": lambda t: callable(t),
    }

    def function(*args):
        return [(name, i, ask(value)) for name, ask in questions.items() for i, value in enumerate(args)]

    args = (np.ones(2), np.array(1.0), 1.0, np.float32(1.0), np.int64(3), ad.Tensor(np.ones(3)))
    step = ad.capture(function)
    for _ in range(5):
        assert step(*args) == function(*args)


def test_the_argument_that_changed_is_named():
    step = ad.capture(lambda x, options: x * options["scales"][1])
    for _ in range(7):
        step(X, {"scales": [X, X]})
    with pytest.raises(ad.CaptureError, match=r"options\['scales'\]\[1\].*\(3, 2\).*\(1, 2\)"):
        step(X, {"scales": [X, np.ones((1, 2))]})


def test_arguments_are_checked_before_anything_is_changed():
    step, model, _ = training()
    before = [p.data.copy() for p in model.parameters()]
    with pytest.raises(ad.CaptureError, match="argument x"):
        step(np.ones((5, 2)))
    for p, values in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.data, values)
    step(np.ones((3, 2)))  # it still works for what it was recorded for


def test_a_changed_argument_is_refused_during_the_recording_as_well():
    step = ad.capture(lambda x: x * 2)
    step(np.ones(2))
    with pytest.raises(ad.CaptureError, match=r"\(2,\).*\(3,\)"):
        step(np.ones(3))


def test_a_tensor_that_requires_a_gradient_is_no_argument():
    step = ad.capture(lambda x: np.sum(x * 2))
    with pytest.raises(ad.CaptureError, match=r"ad\.grad within the function"):
        step(ad.Tensor(np.ones(2), requires_grad=True))


def test_wrong_arguments_are_a_type_error_as_for_any_function():
    step = ad.capture(lambda x: x * 2)
    with pytest.raises(TypeError):
        step()
    with pytest.raises(TypeError):
        step(X, wrong=1)


def test_only_functions_are_captured():
    with pytest.raises(TypeError, match="takes a function"):
        ad.capture(np.ones(2))


def test_an_argument_that_shares_memory_with_another_that_is_written_is_refused():
    @ad.capture
    def step(x, y):
        x += 1
        return x + y

    x = np.zeros(4)
    for _ in range(2):
        with pytest.raises(ad.CaptureError, match=r"shares its memory.*copy"):
            step(x[:3], x[1:])


def test_an_argument_that_shares_memory_only_later_is_refused_or_followed():
    def function(x, y):
        x += 1
        return x + y

    step = ad.capture(function)
    for _ in range(7):
        step(np.zeros(3), np.zeros(3))
    whole, same = np.zeros(4), np.zeros(4)
    expected = function(same[:3], same[1:])
    found, refusal = outcome(step, whole[:3], whole[1:])
    assert "memory" in refusal or np.array_equal(found, expected)


def test_an_argument_that_shares_memory_with_the_closure_only_later_is_refused_or_followed():
    state = np.zeros(3)

    def function(x):
        state[...] = state + 1
        return x + state

    step = ad.capture(function)
    for _ in range(7):
        step(np.zeros(3))
    expected = 2 * (state + 1)
    found, refusal = outcome(step, state)
    assert "memory" in refusal or np.array_equal(found, expected)


# Modes


def test_no_grad_in_later_calls_is_refused():
    step = captured_on(X)
    with ad.no_grad(), pytest.raises(ad.CaptureError, match=r"recorded with gradients.*under no_grad.*once more"):
        step(X)


def test_gradients_after_a_recording_without_them_are_refused():
    step = ad.capture(lambda x: x * 2)
    with ad.no_grad():
        call(step, 7)
    with pytest.raises(ad.CaptureError, match=r"recorded under no_grad.*with gradients"):
        call(step, 1)


def test_detect_anomaly_is_refused():
    with ad.detect_anomaly(), pytest.raises(ad.CaptureError, match="detect_anomaly"):
        call(ad.capture(lambda x: x * 2), 1)


def test_detect_anomaly_in_later_calls_is_refused():
    step = captured_on(X)
    with ad.detect_anomaly(), pytest.raises(ad.CaptureError, match="detect_anomaly"):
        step(X)


def test_the_mode_of_the_calls_may_come_back():
    step = captured_on(X)
    with ad.no_grad(), pytest.raises(ad.CaptureError):
        step(X)
    np.testing.assert_array_equal(step(X)[0], 2)


# What the function reaches was changed between the calls


def test_a_parameter_replaced_is_refused_by_its_place():
    step, model, _ = training()
    model.layers[0].weight = ad.Parameter(np.ones((4, 2)))
    assert "once more" in refused_training(step, r"model\.layers\[0\]\.weight|optimizer\.parameters\[0\]")


def test_the_array_of_a_parameter_replaced_is_refused_by_its_place():
    step, model, _ = training()
    model.layers[0].weight.data = np.ones((4, 2))
    message = refused_training(step, r"model\.layers\[0\]\.weight has another array")
    assert "t.data[...] = values" in message


def test_load_state_dict_of_a_network_is_refused():
    step, model, _ = training()
    model.load_state_dict(network(5).state_dict())
    refused_training(step, r"model\.layers\[.\]\.(weight|bias) has another array")


def test_a_state_with_other_entries_given_to_an_optimizer_is_refused():
    step, _, optimizer = training()
    optimizer.load_state_dict(optimizer.state_dict() | {"states": [{} for _ in optimizer.parameters]})
    refused_training(step, "optimizer")


def test_a_network_replaced_is_refused():
    model = network()
    predict = ad.capture(lambda x: model(x))
    call(predict, 7)
    model = network(5)
    refused(predict, "model is another Sequential", 1)


def test_an_optimizer_replaced_is_refused():
    model = network()
    optimizer = ad.SGD(model.parameters(), 0.01)

    @ad.capture
    def step(x):
        optimizer.zero_grad()
        np.sum(model(x) ** 2).backward()
        optimizer.step()

    call(step, 7)
    optimizer = ad.Adam(model.parameters(), 0.01)
    refused(step, "optimizer is another Adam", 1)


def test_an_optimizer_added_to_a_list_is_refused():
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
    refused(step, "optimizers had 1 entries and has now 2", 1)


def test_an_optimizer_of_the_same_parameters_that_took_a_step_elsewhere_is_followed():
    """Its state is changed in place, which a replay sees."""
    step, model, optimizer = training()
    other, eager_model, eager_optimizer = training()
    for p, q in zip(model.parameters(), eager_model.parameters(), strict=True):
        p.grad, q.grad = ad.Tensor(np.ones(p.shape)), ad.Tensor(np.ones(p.shape))
    optimizer.step()
    eager_optimizer.step()
    np.testing.assert_array_equal(step(X).data, other.function(X).data)


def test_a_layer_added_is_refused():
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
    refused(predict, r"model\.more had 0 entries and has now 1", 1)


def test_a_layer_replaced_in_a_list_is_refused():
    layers = [ad.Tanh(), ad.Tanh()]
    predict = ad.capture(lambda x: layers[1](layers[0](x)))
    call(predict, 7)
    layers[1] = ad.ReLU()
    refused(predict, r"layers\[1\] is another ReLU", 1)


def test_a_setting_of_the_optimizer_changed_is_refused():
    step, _, optimizer = training()
    optimizer.momentum = 0.5
    message = refused_training(step, r"optimizer\.momentum was 0\.9 and is now 0\.5")
    assert "once more" in message


def test_a_flag_of_the_network_changed_is_refused():
    model = network()
    model.training = True

    def function(x):
        return model(x) * 2 if model.training else model(x)

    predict = ad.capture(function)
    call(predict, 7)
    model.training = False
    refused(predict, r"model\.training was True and is now False", 1)


def test_an_attribute_added_is_refused():
    model = network()

    def function(x):
        return model(x) * getattr(model, "scale", 1.0)

    predict = ad.capture(function)
    call(predict, 7)
    model.scale = 2.0
    refused(predict, "model had . entries and has now", 1)


def test_an_attribute_removed_is_refused():
    model = network()
    model.scale = "large"

    def function(x):
        return model(x) * (2.0 if hasattr(model, "scale") else 1.0)

    predict = ad.capture(function)
    call(predict, 7)
    del model.scale
    refused(predict, r"model\.scale is gone|model had", 1)


def test_a_method_replaced_is_refused():
    model = network()
    predict = ad.capture(lambda x: model(x))
    call(predict, 7)
    model.forward = lambda x: x
    refused(predict, "model", 1)


def test_a_variable_of_the_closure_changed_is_refused():
    power = "square"
    function = ad.capture(lambda x: x**2 if power == "square" else x)
    call(function, 7)
    power = "none"
    refused(function, "power was 'square' and is now 'none'", 1)


def test_a_number_of_the_closure_changed_is_refused_or_followed():
    scale = 2.0
    function = ad.capture(lambda x: x * scale)
    call(function, 7)
    scale = 3.0
    refused(function, "scale was 2.0 and is now 3.0.*argument", 1)


def test_a_number_of_the_closure_that_changes_during_the_recording_is_followed():
    scale = 2.0
    function = ad.capture(lambda x: x * scale)
    for i in range(10):
        scale = i / 2
        np.testing.assert_array_equal(function(np.ones(2)), [scale, scale])


def test_an_array_of_the_closure_replaced_is_refused():
    offset = np.zeros(2)
    function = ad.capture(lambda x: x + offset)
    call(function, 7)
    offset = np.ones(2)
    refused(function, "offset has another array", 1)


def test_a_global_variable_changed_is_refused(monkeypatch):
    function = ad.capture(lambda x: x ** SETTINGS["power"])
    call(function, 7)
    monkeypatch.setitem(SETTINGS, "power", 3)
    refused(function, r"SETTINGS\['power'\] was 2 and is now 3", 1)


def test_a_global_array_replaced_is_refused(monkeypatch):
    function = ad.capture(lambda x: x + OFFSET)
    call(function, 7)
    monkeypatch.setitem(globals(), "OFFSET", np.ones(2))
    refused(function, "OFFSET has another array", 1)


def test_a_function_of_the_closure_replaced_is_refused():
    activation = np.tanh
    function = ad.capture(lambda x: activation(x))
    call(function, 7)
    activation = np.sin
    refused(function, "activation is another ufunc", 1)


def test_what_a_helper_reaches_is_looked_at_too():
    options = {"scale": "large"}

    def helper(x):
        return x * 9 if options["scale"] == "large" else x

    function = ad.capture(lambda x: helper(x))
    call(function, 7)
    options["scale"] = "small"
    refused(function, r"options\['scale'\]", 1)


def test_a_default_of_the_function_changed_is_refused():
    def helper(x, kind="double"):
        return x * 2 if kind == "double" else x

    function = ad.capture(lambda x: helper(x))
    call(function, 7)
    helper.__defaults__ = ("same",)
    refused(function, "default", 1)


def test_a_generator_replaced_is_refused():
    rng = np.random.default_rng(0)
    function = ad.capture(lambda x: x + rng.normal(size=2))
    call(function, 7)
    rng = np.random.default_rng(0)
    refused(function, "rng", 1)


def test_an_entry_of_a_set_added_is_refused():
    names = {"a"}
    function = ad.capture(lambda x: x * len(names))
    call(function, 7)
    names.add("b")
    refused(function, "names had 1 entries and has now 2", 1)


def test_a_parameter_whose_gradient_was_set_to_none_by_hand_is_refused_or_followed():
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
    refused(predict, r"SETTINGS\['power'\] was 2 and is now 3", 1)


def test_a_global_array_named_by_a_method_of_the_users_class(monkeypatch):
    class Shifted(ad.Module):
        def forward(self, x):
            return x + OFFSET

    model = Shifted()
    predict = ad.capture(lambda x: model(x))
    call(predict, 7)
    monkeypatch.setitem(globals(), "OFFSET", np.ones(2))
    refused(predict, "OFFSET has another array", 1)


def test_a_variable_of_the_closure_of_a_method():
    factor = 2.0

    class Scaled(ad.Module):
        def forward(self, x):
            return x * factor

    model = Scaled()
    predict = ad.capture(lambda x: model(x))
    call(predict, 7)
    factor = 3.0
    refused(predict, "factor was 2.0 and is now 3.0", 1)


def test_an_attribute_of_a_class_changed_is_refused():
    class Settings:
        scale = 2.0

    predict = ad.capture(lambda x: x * Settings.scale)
    call(predict, 7)
    Settings.scale = 3.0
    refused(predict, r"scale", 1)


def test_an_attribute_of_the_class_of_an_object_changed_is_refused():
    class Scaled(ad.Module):
        scale = 2.0

        def forward(self, x):
            return x * self.scale

    model = Scaled()
    predict = ad.capture(lambda x: model(x))
    call(predict, 7)
    Scaled.scale = 3.0
    refused(predict, r"scale", 1)


def test_a_method_of_a_class_replaced_is_refused():
    class Scaled(ad.Module):
        def forward(self, x):
            return x * 2

    model = Scaled()
    predict = ad.capture(lambda x: model(x))
    call(predict, 7)
    Scaled.forward = lambda self, x: x * 3
    refused(predict, r"forward", 1)


def test_the_code_of_a_function_replaced_is_refused():
    def helper(x):
        return x * 2

    def other(x):
        return x * 3

    predict = ad.capture(lambda x: helper(x))
    call(predict, 7)
    helper.__code__ = other.__code__
    refused(predict, r"helper", 1)


@pytest.fixture
def users_module(tmp_path, monkeypatch):
    """A module of the user's, with a number and an array."""
    (tmp_path / "settings_of_capture.py").write_text(
        "import numpy as np\nscale = 2.0\narray = np.array([2.0, 2.0])\n\ndef helper(x):\n    return x * scale\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("settings_of_capture")
    del sys.modules["settings_of_capture"]


def test_a_variable_of_the_users_module_changed_is_refused(users_module):
    predict = ad.capture(lambda x: x * users_module.scale)
    call(predict, 7)
    users_module.scale = 3.0
    refused(predict, r"scale", 1)


def test_a_variable_that_a_function_of_the_users_module_names_is_looked_at(users_module):
    predict = ad.capture(lambda x: users_module.helper(x))
    call(predict, 7)
    users_module.scale = 3.0
    refused(predict, r"scale", 1)


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
    refused(function, r"model\.log_scale has another array", 1)


def test_what_a_partial_holds_in_keywords_is_looked_at():
    options = {"scale": 2.0}
    function = ad.capture(functools.partial(lambda x, options: x * options["scale"], options=options))
    call(function, 7)
    options["scale"] = 3.0
    refused(function, "scale", 1)


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
    refused(function, r"factor\[0\]", 1)


def test_a_dataclass_field_changed_is_refused():
    @dataclasses.dataclass
    class Settings:
        scale: float = 2.0

    settings = Settings()
    function = ad.capture(lambda x: x * settings.scale)
    call(function, 7)
    settings.scale = 3.0
    refused(function, r"settings\.scale was 2.0 and is now 3.0", 1)


def test_an_object_with_slots_changed_is_refused():
    @dataclasses.dataclass(slots=True)
    class Settings:
        scale: float = 2.0

    settings = Settings()
    function = ad.capture(lambda x: x * settings.scale)
    call(function, 7)
    settings.scale = 3.0
    refused(function, r"scale", 1)


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


# What the step itself changes besides


def test_a_list_appended_to_in_the_step_is_refused():
    losses = []

    def function(x):
        losses.append(np.sum(x))
        return x

    message = refused(ad.capture(function), "losses had .* entries")
    assert "return it from the function" in message


def test_an_entry_added_to_a_dict_in_the_step_is_refused():
    seen = {}

    def function(x):
        seen[len(seen)] = x * 2
        return x

    refused(ad.capture(function), "seen had")


def test_an_attribute_set_to_something_new_in_every_step_is_refused():
    model = network()

    def function(x):
        model.latest = [x * 2]
        return model(x)

    refused(ad.capture(function), r"model\.latest|model had")


def test_a_list_that_grows_by_numbers_is_refused():
    counts = []

    def function(x):
        counts.append(len(counts))
        return x

    refused(ad.capture(function), "counts had")


def test_text_that_changes_in_every_step_is_refused():
    label = "a"

    def function(x):
        nonlocal label
        label += "a"
        return x * len(label)

    refused(ad.capture(function), "label")


def test_a_variable_that_turns_from_nothing_into_an_array_settles_or_is_refused():
    cache = None

    def function(x):
        nonlocal cache
        cache = x * 2 if cache is None else cache + x
        return cache * 1

    step = ad.capture(function)
    expected = np.zeros(2)
    for i in range(9):
        x = np.array([1.0, i])
        expected = x * 2 if i == 0 else expected + x
        found, refusal = outcome(step, x)
        if refusal:
            assert "cache" in refusal
            break
        np.testing.assert_array_equal(found, expected)


def test_a_list_of_arrays_that_is_rotated_is_refused_or_followed():
    def build():
        history = [np.zeros(2), np.zeros(2)]

        def function(x):
            history.append(x + history.pop(0))
            return history[0] - history[1]

        return function

    eager, step = build(), ad.capture(build())
    for i in range(9):
        x = np.array([1.0, i])
        expected = eager(x)
        found, refusal = outcome(step, x)
        if refusal:
            assert "history" in refusal
            break
        np.testing.assert_array_equal(found, expected)


def test_a_branch_on_a_counter_is_refused():
    count = 0

    def function(x):
        nonlocal count
        count += 1
        return x if count % 2 else -x

    message = refused(ad.capture(function), "branch|did not do the same")
    assert "test_refusals.py" in message


def test_a_call_that_is_not_made_every_time_is_refused(tmp_path):
    switch = tmp_path / "switch"

    def function(x):
        return np.exp(x) if switch.exists() else np.sin(x)

    step = ad.capture(function)
    call(step, 1)
    switch.touch()
    message = refused(step, r"np\.sin.*np\.exp", 1)
    assert "test_refusals.py" in message


def test_a_number_from_outside_that_changes_is_refused(tmp_path):
    path = tmp_path / "scale"
    path.write_text("1")
    step = ad.capture(lambda x: x * float(path.read_text()))
    call(step, 1)
    path.write_text("2")
    message = refused(step, r"np\.multiply.*was given 2\.0.*1\.0", 1)
    assert "argument" in message
    assert "test_refusals.py" in message


@pytest.mark.parametrize(
    "source",
    [
        lambda: iter(np.linspace(0.1, 1.0, 50).tolist()),
        lambda: iter(np.arange(40.0).reshape(20, 2)),
        lambda: (float(i) for i in range(50)),
        lambda: itertools.count(),
        lambda: enumerate([1.0] * 50),
        lambda: map(float, range(50)),
    ],
    ids=["numbers", "arrays", "a generator", "itertools", "enumerate", "map"],
)
def test_an_iterator_is_refused(source):
    batches = source()

    def function(x):
        taken = next(batches)
        return x * (taken[1] if isinstance(taken, tuple) else taken)

    message = refused(ad.capture(function), r"batches.*iterator|np\.multiply.*was given")
    assert "argument" in message


def test_an_iterator_over_equal_batches_is_refused_or_noticed():
    """Batches that begin equal and differ later: the recorder saw no difference, the check of the replays has to."""
    arrays = [np.ones(2)] * 5 + [np.full(2, float(i)) for i in range(2, 10)]
    batches = iter(arrays)
    step = ad.capture(lambda x: x * next(batches))
    for expected in arrays:
        found, refusal = outcome(step, np.ones(2))
        assert refusal or np.array_equal(found, expected)


class Hidden:
    """Holds an array where no search finds it."""

    def __init__(self, array):
        self.variable = contextvars.ContextVar("hidden")
        self.variable.set(array)

    @property
    def array(self):
        return self.variable.get()

    @array.setter
    def array(self, array):
        self.variable.set(array)


def test_a_hidden_array_that_changes_is_refused():
    hidden = Hidden(np.ones(2))
    step = ad.capture(lambda x: x * hidden.array)
    for i in range(9):
        hidden.array[...] = i
        found, refusal = outcome(step, np.ones(2))
        assert refusal or np.array_equal(found, [i, i])


def test_a_hidden_array_that_stays_the_same_is_refused_for_it_might_change():
    hidden = Hidden(np.ones(2))
    message = refused(ad.capture(lambda x: x * hidden.array), "capture does not find it")
    assert "test_refusals.py" in message
    assert "argument" in message


def test_a_hidden_array_that_cannot_be_written_to_is_accepted():
    hidden = Hidden(np.full(2, 3.0))
    hidden.array.flags.writeable = False
    np.testing.assert_array_equal(call(ad.capture(lambda x: x * hidden.array)), [3.0, 6.0])


def test_a_hidden_array_that_the_step_writes_is_refused():
    hidden = Hidden(np.ones(2))

    def function(x):
        hidden.array += x
        return hidden.array * 2

    message = refused(ad.capture(function), "recorder does not know")
    assert "where the function can reach it" in message


def test_a_value_kept_in_a_hidden_place_is_refused_when_it_is_used():
    hidden = Hidden(None)

    def function(x):
        found = x if hidden.array is None else x + hidden.array
        hidden.array = x * 2
        return found

    message = refused(ad.capture(function), "kept in a place out of the recorder's sight|recorded by an earlier call")
    assert "return it from the step" in message
    assert "test_refusals.py" in message


def test_a_value_kept_in_a_hidden_place_is_refused_outside_of_the_step():
    hidden = Hidden(None)

    def function(x):
        hidden.array = x * 2
        return x

    step = ad.capture(function)
    call(step, 1)
    with pytest.raises(ad.CaptureError, match="recorded by an earlier call"):
        hidden.array + 1


def test_an_array_computed_on_once_and_changed_later_is_refused():
    scale = np.array([1.0, 2.0])
    function = ad.capture(lambda x: x * np.exp(scale))
    call(function, 8)
    scale[0] = 5
    expected = np.array([1.0, 2.0]) * np.exp(scale)
    found, refusal = outcome(call, function, 1)
    assert ("scale" in refusal and "argument" in refusal) or np.array_equal(found, expected)


def test_an_array_that_holds_again_what_it_held_is_accepted():
    scale = np.array([1.0, 2.0])
    function = ad.capture(lambda x: x * np.exp(scale))
    first = call(function, 8)
    scale += 1
    scale -= 1
    np.testing.assert_array_equal(call(function, 1), first)


def test_an_array_in_a_place_that_cannot_be_changed_is_refused():
    frozen = functools.partial(np.multiply, np.ones(2))
    with pytest.raises(ad.CaptureError, match=r"frozen\.args.*argument"):
        call(ad.capture(lambda x: frozen(x)))
    assert type(frozen.args[0]) is np.ndarray


def test_a_partial_of_an_array_works_or_is_refused():
    step = ad.capture(functools.partial(lambda scale, x: x * scale, np.array([2.0, 3.0])))
    for _ in range(8):
        found, refusal = outcome(step, np.ones(2))
        assert "argument" in refusal or np.array_equal(found, [2.0, 3.0])


# Where it is called


def test_a_captured_function_within_another_is_refused():
    inner = ad.capture(lambda x: x * 2)
    message = refused(ad.capture(lambda x: inner(x) + 1), "called within a captured function", 1)
    assert "capture the outer one alone" in message


def test_a_compiled_function_within_another_is_refused():
    inner = ad.capture(lambda x: x * 2)
    call(inner)
    refused(ad.capture(lambda x: inner(x) + 1), "called within a captured function|outer one alone", 8)


def test_a_captured_function_that_calls_itself_is_refused():
    @ad.capture
    def function(x):
        return function(x - 1)

    refused(function, "within a captured function", 1)


def in_thread(work):
    found = []

    def run():
        try:
            found.append(work())
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize("calls", [1, 8])
def test_a_call_in_another_thread_is_refused(calls):
    step = ad.capture(lambda x: x * 2)
    call(step, calls)
    error = in_thread(lambda: call(step, 1))
    assert isinstance(error, ad.CaptureError)
    assert "another thread" in str(error)
    assert "capture the function in each thread" in str(error)


def test_each_thread_may_capture_for_itself():
    found = in_thread(lambda: call(ad.capture(lambda x: x * 2)))
    np.testing.assert_array_equal(found, [2.0, 4.0])


def test_work_on_recorded_arrays_in_another_thread_is_refused():
    def function(x):
        error = in_thread(lambda: x * 2)
        if isinstance(error, BaseException):
            raise error
        return error

    refused(ad.capture(function), "another thread", 1)


def test_other_threads_may_compute_while_a_step_is_recorded():
    def function(x):
        np.testing.assert_array_equal(in_thread(lambda: np.ones(2) * 2), [2, 2])
        np.testing.assert_array_equal(in_thread(lambda: (ad.Tensor(np.ones(2)) * 2).data), [2, 2])
        return x * 3

    np.testing.assert_array_equal(call(ad.capture(function)), [3.0, 6.0])


@pytest.mark.parametrize("calls", [0, 8])
def test_differentiating_a_captured_function_is_refused(calls):
    step = ad.capture(lambda x: np.sum(x * x))
    for _ in range(calls):
        step(np.ones(2))
    with pytest.raises(ad.CaptureError, match=r"capture the function that calls ad\.grad|requires a gradient"):
        ad.grad(step)(np.ones(2))


def test_a_method_captured_in_the_class_is_refused():
    class Model:
        scale = 2.0

        @ad.capture
        def double(self, x):
            return x * self.scale

    with pytest.raises(ad.CaptureError, match=r"self\.double = ad\.capture\(self\.double\)"):
        Model().double(np.ones(2))


def test_the_program_before_it_is_compiled_is_refused():
    step = ad.capture(lambda x: x * 2)
    with pytest.raises(ad.CaptureError, match="not compiled yet"):
        step.program  # noqa: B018


# After a refusal


def test_a_refusal_is_repeated_at_the_next_call():
    step = ad.capture(lambda x: float(x[0]))
    message = refused(step, "float")
    again = refused(step, "could not be captured", 1)
    assert message in again


def test_a_refusal_because_of_a_thread_a_mode_or_an_argument_is_not_for_good():
    step = captured_on(X)
    assert isinstance(in_thread(lambda: step(X)), ad.CaptureError)
    with ad.no_grad(), pytest.raises(ad.CaptureError):
        step(X)
    with pytest.raises(ad.CaptureError):
        step(np.ones(7))
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


def test_a_step_may_be_captured_anew_after_a_refusal():
    step, model, optimizer = training()
    model.layers[0].weight.data = np.ones((4, 2))
    refused_training(step, "another array")
    again, _, _ = training(model, optimizer)
    assert np.isfinite(again(X).data)


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
