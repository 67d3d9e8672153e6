"""A program for each kind of call: each of them does what the step does, and what they share is shared."""

from types import SimpleNamespace

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from tests.compiler.comparing import assert_same, check, each_exactness, eager, network, points
from tests.compiler.refusing import outcome

OPTIMIZERS = {
    "SGD": lambda parameters: ad.SGD(parameters, 0.05, momentum=0.9),
    "Adam": lambda parameters: ad.Adam(parameters, 0.02),
    "AdamW": lambda parameters: ad.AdamW(parameters, 0.02),
}


def leftovers(model, optimizer):
    arrays = [p.data for p in model.parameters()] + [p.grad.data for p in model.parameters()]
    return [*arrays, *(np.asarray(value) for state in optimizer.states for value in state.values())]


@pytest.mark.parametrize("accumulates", [False, True], ids=["anew", "adding up"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@each_exactness
def test_epochs_with_a_smaller_last_batch(exact, optimizer, accumulates):
    """Parameters, momenta, counters, gradients, learning rate and draws go from program to program."""

    def run(capture):
        model, (x, labels), rng = network(), points(count=116), np.random.default_rng(2)
        optimize = optimizer(list(model.parameters()))

        @capture
        def step(x, labels):
            loss = F.cross_entropy(F.dropout(model(x), 0.2, rng), labels)
            if not accumulates:
                optimize.zero_grad()
            loss.backward()
            optimize.step()
            return loss

        found = []
        for epoch in range(8):
            optimize.learning_rate = 0.05 / (1 + epoch)
            if accumulates and epoch % 2:
                optimize.zero_grad()
            for i in range(0, 116, 32):
                found.append(step(x[i : i + 32], labels[i : i + 32]))
                found += [p.grad.data.copy() for p in model.parameters()]
        if capture is not eager:
            assert {program.inputs[0].shape[0] for program in step.programs} == {32, 20}
        return [*found, *leftovers(model, optimize)]

    check(run, exact)


@each_exactness
def test_a_network_that_is_trained_and_evaluated_by_one_function(exact):
    def run(capture):
        model, (x, labels), rng = network(), points(), np.random.default_rng(2)
        optimizer = ad.Adam(model.parameters(), 0.02)
        model.training = True

        @capture
        def step(x):
            out = F.dropout(model(x), 0.3, rng) if model.training else model(x)
            loss = F.cross_entropy(out, labels)
            if model.training:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            return loss.detach()

        found = []
        for i in range(40):
            model.training = i % 3 != 2
            found.append(step(x))
        if capture is not eager:
            assert len(step.programs) == 2
        return [*found, *leftovers(model, optimizer)]

    check(run, exact)


@each_exactness
def test_gradients_that_add_up_and_are_emptied_outside(exact):
    """Where there is none yet, another program runs than where there is one."""

    def run(capture):
        model, (x, labels) = network(), points()
        optimizer = ad.SGD(model.parameters(), 0.1)

        @capture
        def accumulate(x, labels):
            loss = F.cross_entropy(model(x), labels)
            loss.backward()
            return loss

        found = []
        for _ in range(8):
            optimizer.zero_grad()
            for i in range(3):
                found.append(accumulate(x[10 * i : 10 * i + 10], labels[10 * i : 10 * i + 10]))
                found += [p.grad.data.copy() for p in model.parameters()]
            optimizer.step()
        return [*found, *leftovers(model, optimizer)]

    check(run, exact)


def test_steps_that_are_repeated_go_on_with_the_program_of_what_the_first_of_them_left():
    weight = ad.Parameter(np.ones(2))

    @ad.capture
    def step():
        np.sum(weight * 2).backward()
        return weight.grad

    for _ in range(7):
        weight.grad = None
        step()
    weight.grad = None
    np.testing.assert_array_equal(step.repeat(6).data[:, 0], [2, 4, 6, 8, 10, 12])


def test_repeated_steps_may_have_batches_of_several_shapes():
    step = ad.capture(lambda x: np.sum(x))
    batches = [(np.full(n, 1.0),) for n in [4, 4, 4, 3] * 20]
    for make in (list, iter):
        np.testing.assert_array_equal(step.repeat(80, make(batches)), [4, 4, 4, 3] * 20)
    assert len(step.programs) == 2


def test_a_gradient_of_another_dtype_is_not_converted():
    weight = ad.Parameter(np.ones(2, np.float32))

    def function(x):
        np.sum(weight * x).backward()
        return weight.grad

    step = ad.capture(function)
    x = np.ones(2, np.float32)
    for dtype in [np.float32] * 7 + [np.float64] * 7 + [np.float32]:
        weight.grad = ad.Tensor(np.full(2, 1 / 3, dtype))
        found = step(x).data
        weight.grad = ad.Tensor(np.full(2, 1 / 3, dtype))
        assert_same(found, function(x).data, True, dtype.__name__)


def test_a_kind_of_call_that_is_refused_leaves_the_others():
    step = ad.capture(lambda x, number: float(x[0]) if number else x * 2)
    for _ in range(3):
        np.testing.assert_array_equal(step(np.ones(2), False), [2, 2])
        with pytest.raises(ad.CaptureError, match="float"):
            step(np.ones(2), True)
    for _ in range(5):
        np.testing.assert_array_equal(step(np.ones(3), False), [2, 2, 2])
        np.testing.assert_array_equal(step(np.ones(2), False), [2, 2])
    assert len(step.programs) == 2


def test_a_program_that_turns_out_wrong_leaves_the_others(tmp_path):
    file = tmp_path / "scale"
    file.write_text("2.0")
    step = ad.capture(lambda x: x * float(file.read_text()), check_every=1)
    for _ in range(7):
        np.testing.assert_array_equal(step(np.ones(2)), [2, 2])
    file.write_text("3.0")
    with pytest.raises(ad.CaptureError, match="does not do what the function does"):
        step(np.ones(2))
    with pytest.raises(ad.CaptureError, match="could not be captured"):
        step(np.ones(2))
    for _ in range(7):
        np.testing.assert_array_equal(step(np.ones(3)), [3, 3, 3])


@pytest.mark.parametrize("kind", [int, float])
def test_a_number_that_keeps_changing_is_looked_up_in_the_end(kind):
    state = {"n": kind(0)}
    step = ad.capture(lambda x: x * state["n"], programs=3)
    for i in range(20):
        for n in (4, 5) if i % 4 == 0 else (5,):
            for _ in range(5):
                state["n"] = kind(i)
                np.testing.assert_array_equal(step(np.ones(n)), np.full(n, float(i)))
    assert len(step.programs) <= 3


def test_a_changing_number_that_becomes_something_else_is_not_followed_blindly():
    state = {"n": 1.0}
    function = lambda x: x * state["n"] if state["n"] is not None else x
    step = ad.capture(function)
    x = np.ones(2, np.int64)
    for n in [1.0, 2.0, 3.0, 4.0] * 3 + [None] * 6 + [5.0, True, 2] * 6:
        state["n"] = n
        assert_same(step(x), function(x), True, str(n))


def test_the_largest_number_of_programs_holds_for_what_is_reached_too():
    state = {"name": "a"}
    step = ad.capture(lambda x: x * len(state["name"]), programs=2)
    for name in ["a", "bb"] * 5:
        state["name"] = name
        np.testing.assert_array_equal(step(np.ones(2)), [len(name)] * 2)
    state["name"] = "ccc"
    with pytest.raises(ad.CaptureError, match=r"has 2 programs.*state\['name'\] was 'bb' and is now 'ccc'"):
        step(np.ones(2))
    state["name"] = "a"
    np.testing.assert_array_equal(step(np.ones(2)), [1, 1])


# Arrays that are replaced


@each_exactness
def test_a_batch_of_the_closure_that_is_another_in_each_call(exact):
    def run(capture):
        model, (points_, labels_) = network(), points(count=100)
        optimizer = ad.Adam(model.parameters(), 0.02)
        x = labels = None

        @capture
        def step():
            loss = F.cross_entropy(model(x), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        found = []
        for i in [0, 20, 40, 60, 80] * 6:
            rows = 20 if i < 80 else 15
            x, labels = points_[i : i + rows], labels_[i : i + rows].copy()
            found.append(step())
        if capture is not eager:
            assert len(step.programs) == 2
            assert step.current.is_ready
        return [*found, *leftovers(model, optimizer)]

    check(run, exact)


@each_exactness
def test_load_state_dict_again_and_again(exact):
    def run(capture):
        model, (x, labels) = network(), points()
        optimizer = ad.SGD(model.parameters(), 0.1, momentum=0.9)
        start, states = model.state_dict(), optimizer.state_dict()

        @capture
        def step():
            loss = F.cross_entropy(model(x), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        found = []
        for i in range(12):
            model.load_state_dict(start)
            optimizer.load_state_dict(states)
            found += [step() for _ in range(8 if i % 2 else 3)]
        return [*found, *leftovers(model, optimizer)]

    check(run, exact)


def build_aliasing():
    """Return a function that writes into one array and reads others, what it reaches, and all replacements to try."""
    held = {"written": np.zeros(3), "read": np.ones(3), "other": np.ones(3)}
    weight = ad.Parameter(np.ones((4, 3)))

    def function(x):
        held["written"] += held["read"] * x
        total = np.sum(weight.data @ held["written"]) + held["other"]
        weight.data[...] *= 0.9
        return total

    def replace(name, kind, rng):
        if kind == "new":
            held[name] = rng.normal(size=3)
        elif kind == "row":
            held[name] = weight.data[rng.integers(4)]
        elif kind == "parts":
            whole = rng.normal(size=4)
            held["read"], held["written"] = whole[1:], whole[:3]
        elif kind == "borrowed":
            held[name] = np.frombuffer(bytearray(rng.normal(size=3).tobytes()))
        elif kind == "narrow":
            held[name] = rng.normal(size=3).astype(np.float32)
        elif kind == "single":
            held[name] = rng.normal(size=1)
        elif kind == "reversed":
            held[name] = rng.normal(size=3)[::-1]
        else:
            held[name] = held[kind]

    return function, held, weight, replace


@pytest.mark.parametrize("seed", range(30))
def test_arrays_replaced_by_any_others_in_any_order(seed):
    """By parts of each other, of a parameter, of other dtypes and shapes: right, or refused by name."""
    kinds = ["new", "new", "row", "parts", "borrowed", "narrow", "single", "reversed", "read", "other"]
    (one, held, weight, replace), (same, others, weight_too, replace_too) = build_aliasing(), build_aliasing()
    step, rng = ad.capture(one, programs=20, exact=seed % 2 == 0), np.random.default_rng(seed)
    chosen = rng.choice(kinds, 3)
    for _ in range(40):
        if rng.random() < 0.4:
            name, kind, key = rng.choice(["read", "other", "written"]), rng.choice(chosen), int(rng.integers(1 << 30))
            if name == "written" and kind in ("narrow", "single"):
                name = "read"
            replace(name, kind, np.random.default_rng(key))
            replace_too(name, kind, np.random.default_rng(key))
        x = rng.normal(size=3)
        if held["written"].shape == (1,):
            with pytest.raises(ValueError, match="non-broadcastable"):
                step(x)
            return
        try:
            found = step(x)
        except ad.CaptureError as error:
            assert "held[" in str(error)  # noqa: PT017
            return
        np.testing.assert_allclose(found, same(x), rtol=1e-9)
        np.testing.assert_allclose(weight.data, weight_too.data, rtol=1e-9)
        for key in held:
            np.testing.assert_allclose(held[key], others[key], rtol=1e-9)


def test_a_replaced_array_that_is_an_argument_too():
    held = {"x": np.ones(3)}

    def function(x):
        held["x"] += 1
        return x + held["x"]

    step = ad.capture(function)
    for i in range(12):
        held["x"] = np.full(3, float(i))
        np.testing.assert_array_equal(step(np.zeros(3)), np.full(3, i + 1.0))
        np.testing.assert_array_equal(held["x"], np.full(3, i + 1.0))
    with pytest.raises(ad.CaptureError, match="shares its memory"):
        step(held["x"])
    with pytest.raises(ad.CaptureError, match="shares its memory"):
        step(held["x"][::-1])


def test_a_replaced_array_that_cannot_be_written_to():
    held = {"x": np.ones(3)}

    def function():
        held["x"] += 1

    step = ad.capture(function)
    for _ in range(12):
        held["x"] = np.ones(3)
        step()
    held["x"] = np.ones(3)
    held["x"].flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        step()


def test_too_many_programs_are_told_by_what_has_changed_since_the_latest():
    holder = SimpleNamespace(mode="a", seen=[])
    w = ad.Parameter([1.0, 2.0])
    optimizer = ad.Adam([w], 0.1)

    @ad.capture
    def step(x):
        loss = np.sum(w * x) * len(holder.seen)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    refusals = []
    for i in range(10):
        refusals.append(outcome(step, np.ones(2, np.float32) * i)[1])
        holder.seen.append(i)
    assert "asks for another: holder.seen had 7 entries and has now 8. Give" in refusals[8]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda i: [1] * i, "the arguments are in other containers, or in another order"),
        (lambda i: f"a{i}", "the argument x was 'a0', 'a1'"),
        (lambda i: np.array([str(i)]), "the argument x was a numpy.ndarray each time, and not the same one"),
        (lambda i: object(), "the argument x was a object each time, and not the same one"),
        (lambda i: dict.fromkeys([*"abcdefghijk"[i:], *"abcdefghijk"[:i]]), "other containers, or in another order"),
    ],
    ids=["a list", "text", "an array of text", "an object", "an order"],
)
def test_too_many_kinds_of_arguments_are_told_in_words(make, words):
    step = ad.capture(lambda y, x: y * 2)
    refusals = [outcome(step, np.ones(2), make(i))[1] for i in range(11)]
    assert any(words in refusal for refusal in refusals if refusal)
