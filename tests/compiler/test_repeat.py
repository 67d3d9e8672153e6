"""Many steps in one call do what one call after the other does: results, what they leave, checks, errors, Ctrl-C."""

import signal
import threading
from types import SimpleNamespace

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.compiler import repeat, specialization
from autodiff.compiler.passes.blocks import Loop
from autodiff.compiler.repeat import CHUNK
from autodiff.compiler.replay.check import Check
from autodiff.compiler.replay.code import Compiled
from autodiff.compiler.replay.stacks import Stacks
from tests.compiler.comparing import network, points


def one_by_one(step, count, batches=None):
    """Return what calls return, stacked by NumPy."""
    calls = [()] * count if batches is None else batches
    return [np.stack(leaves) for leaves in zip(*(leaves_of(step(*args)) for args in calls), strict=True)]


def leaves_of(result):
    """Return copies of the arrays and numbers of a result."""
    leaves = result if isinstance(result, tuple) else [result]
    return [np.array(leaf.data if isinstance(leaf, ad.Tensor) else leaf) for leaf in leaves]


def full_batch():
    """Adam on all points: gradients, and a counter of steps."""
    model, (x, labels) = network(dtype=np.float32), points(np.float32)
    optimizer = ad.Adam(model.parameters(), 0.02)

    def step():
        loss = F.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss, np.sum(np.argmax(model(x), axis=1) == labels)

    def left():
        state = [value for one in optimizer.group_states for value in one.values()]
        return [*(p.data for p in model.parameters()), *(p.grad.data for p in model.parameters()), *state]

    return step, left, None


def mini_batches():
    """SGD with momentum on batches; noise from a generator that the order of the batches is from, too."""
    model, (x, labels), rng = network(dtype=np.float32), points(np.float32), np.random.default_rng(0)
    optimizer = ad.SGD(model.parameters(), 0.02, momentum=0.9)

    def step(x, labels):
        loss = F.cross_entropy(model(F.dropout(x, 0.2, rng)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    def left():
        return [*(p.data for p in model.parameters()), rng.random()]

    def batches(count):
        for _ in range(count):
            batch = rng.permutation(len(labels))[:7]
            yield x[batch], labels[batch]

    return step, left, batches


def gradients_that_add_up():
    """The gradient of a step is read by the next; a number that changes from outside, a number of the step's own."""
    w, seen = ad.Parameter(np.ones(3)), {"count": 0, "mean": 0.0}

    def step():
        seen["count"] += 1
        seen["mean"] = 0.9 * seen["mean"] + seen["count"]
        loss = np.sum(w * w) * 0.01
        loss.backward()
        w.data[...] -= 0.01 * w.grad.data
        return loss, seen["mean"], w.data, w.grad

    return step, lambda: [w.data, w.grad.data, *seen.values()], None


def in_blocks():
    """A batch that is too large for the cache."""
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(4000, 3)), ad.Parameter(rng.normal(size=(3, 60)))

    def step():
        loss = np.mean(np.tanh(np.sin(x @ w) * 0.5) ** 2)
        w.grad = None
        loss.backward()
        w.data[...] -= w.grad.data
        return loss

    return step, lambda: [w.data, w.grad.data], None


MAKERS = [full_batch, mini_batches, gradients_that_add_up]


@pytest.fixture
def short_loops(monkeypatch):
    """Have several loops where there are few steps."""
    monkeypatch.setattr(repeat, "CHUNK", 10)


def run(make, capture, exact, before, count, take):
    """Return what steps return and leave: some calls, and then some taken by `take`."""
    step, left, batches = make()
    step = ad.capture(step, exact=exact) if capture else step
    found = [] if not before else one_by_one(step, before, batches and batches(before))
    found += take(step, count, batches and batches(count))
    return [np.array(part) for part in [*found, *left()]]


def repeated(step, count, batches):
    return leaves_of(step.repeat(count, batches))


def assert_same(found, expected):
    assert len(found) == len(expected)
    for one, two in zip(found, expected, strict=True):
        assert (one.dtype, one.shape) == (two.dtype, two.shape)
        np.testing.assert_array_equal(one, two)


@pytest.mark.usefixtures("short_loops")
@pytest.mark.parametrize("before", [0, 2, 20])
@pytest.mark.parametrize("make", MAKERS)
def test_repeated_steps_do_what_the_function_does(make, before):
    expected = run(make, False, True, before, 60, one_by_one)
    assert_same(run(make, True, True, before, 60, repeated), expected)


@pytest.mark.usefixtures("short_loops")
@pytest.mark.parametrize("before", [0, 20])
@pytest.mark.parametrize("make", MAKERS)
def test_repeated_steps_do_what_captured_calls_do(make, before):
    expected = run(make, True, False, before, 60, one_by_one)
    assert_same(run(make, True, False, before, 60, repeated), expected)


@pytest.mark.usefixtures("short_loops")
def test_programs_with_loops_over_blocks_are_repeated():
    step, _, _ = in_blocks()
    step = trusted(step)
    assert any(isinstance(call.function, Loop) for call in step.program.calls)
    expected = run(in_blocks, True, False, 0, 24, one_by_one)
    assert_same(run(in_blocks, True, False, 0, 24, repeated), expected)


def trusted(function, *args, **options):
    """Return a captured function from whose next call on the program runs alone."""
    step = ad.capture(function, **options)
    while step.checks < 2:
        step(*args)
    return step


def spoilt(step):
    """Have single replays fail, so that only a loop comes to an end."""

    def fail(leaves):
        raise AssertionError("a single replay")

    step.compiled.replay = fail


def test_steps_between_checks_run_in_a_loop():
    step = trusted(lambda x: x * 2, np.ones(2), check_every=0)
    spoilt(step)
    batches = [(np.full(2, float(i)),) for i in range(3 * CHUNK)]
    expected = np.stack([x * 2 for (x,) in batches])
    np.testing.assert_array_equal(step.repeat(3 * CHUNK, batches), expected)
    np.testing.assert_array_equal(step.repeat(3 * CHUNK, iter(batches)), expected)


@pytest.mark.parametrize("every", [0, 1, 5, 8, 20, None])
@pytest.mark.parametrize("count", [1, 3, 40])
def test_the_calls_that_are_checked_are_checked(monkeypatch, every, count):
    def checked(take):
        made, w = [], np.zeros(2)

        def function():
            w[...] += 1
            return w

        def noted(*arguments):
            made.append(float(w[0]))
            return Check(*arguments)

        monkeypatch.setattr(specialization, "Check", noted)
        step = ad.capture(function, check_every=every)
        for _ in range(120 // count):
            take(step)
        return made

    assert checked(lambda step: step.repeat(count)) == checked(lambda step: [step() for _ in range(count)])


# What is returned


def test_the_results_are_stacked_and_what_is_no_array_stays():
    w, held = ad.Parameter(np.ones(2)), np.arange(2.0)

    def step(x):
        w.data[...] += 1
        y = x * 2
        return {
            "tensor": w * 1,
            "parts": (np.sum(y), [y, y, x, None, "text", 3, 0.5, True, held, np.float32(2)]),
            "count": np.count_nonzero(y > 2),
            "the parameter": w,
        }

    step = ad.capture(step)
    batches = [(np.arange(3.0) * i,) for i in range(30)]
    found = step.repeat(30, batches)
    x = np.stack([x for (x,) in batches])
    weights = np.arange(2.0, 32.0)[:, None] * np.ones(2)
    assert list(found) == ["tensor", "parts", "count", "the parameter"]
    for name in ("tensor", "the parameter"):
        assert type(found[name]) is ad.Tensor
        assert not found[name].requires_grad
        np.testing.assert_array_equal(found[name].data, weights)
    np.testing.assert_array_equal(found["parts"][0], x.sum(axis=1) * 2)
    first, second, same, none, text, *numbers, held_stack, scalar = found["parts"][1]
    for array, expected in ((first, x * 2), (second, x * 2), (same, x), (held_stack, np.tile(held, (30, 1)))):
        np.testing.assert_array_equal(array, expected)
    assert not np.shares_memory(first, second)
    assert (none, text) == (None, "text")
    for number, expected in zip(numbers, (3, 0.5, True), strict=True):
        assert number.dtype == np.asarray(expected).dtype
        np.testing.assert_array_equal(number, [expected] * 30)
    assert (scalar.dtype, scalar.shape) == (np.float32, (30,))
    assert found["count"].dtype == np.int64
    np.testing.assert_array_equal(found["count"], np.count_nonzero(x * 2 > 2, axis=1))
    w.data[...] = np.nan
    np.testing.assert_array_equal(found["the parameter"].data, weights)


def test_no_steps_are_no_result():
    step = ad.capture(lambda: np.ones(2))
    assert step.repeat(0) is None
    assert step.repeat(5, []) is None
    assert step.repeat(5, iter(())) is None
    step.repeat(20)
    assert step.repeat(0) is None


@pytest.mark.parametrize("before", [0, 20])
def test_no_more_batches_are_drawn_than_steps_taken_and_no_more_steps_than_batches(before):
    step = ad.capture(lambda x: x + 1)
    for _ in range(before):
        step(np.zeros(2))
    batches = iter([(np.full(2, float(i)),) for i in range(50)])
    np.testing.assert_array_equal(step.repeat(30, batches)[:, 0], np.arange(1.0, 31.0))
    np.testing.assert_array_equal(step.repeat(30, batches)[:, 0], np.arange(31.0, 51.0))
    assert step.repeat(30, batches) is None


def doubling():
    """Return a captured step whose last number is infinite from step 27 on, and an array that it changes."""
    w = np.ones(2)

    def function():
        np.multiply(w, 2, out=w)
        number = 1e300 * w[0]
        return np.log(number), np.array([np.inf]), number

    return ad.capture(function), w


def test_a_number_that_is_not_finite_is_the_last_if_that_is_asked_for():
    for before in (0, 20):
        step, w = doubling()
        with np.errstate(over="ignore"):
            for _ in range(before):
                step()
            log, array, number = step.repeat(100, while_finite=True)
        assert len(log) == len(array) == len(number)
        assert not np.isfinite(number[-1])
        assert np.isfinite(number[:-1]).all()
        assert w[0] == 2.0 ** (before + len(log)) == 2.0**28


def test_results_of_several_shapes_are_no_stack():
    sizes = iter([3, 3, 4])

    class Step:
        def __call__(self):
            return np.zeros(next(sizes)), 1.0

        def trusted(self):
            return None

        latest = SimpleNamespace(trace=SimpleNamespace(outputs=(None, None)))

    with pytest.raises(ValueError, match=r"result 0 of the steps is no stack: it is \(3,\) and \(4,\)"):
        repeat.Repetition(Step(), 3, None, False).run()


def test_a_negative_number_of_steps_is_refused():
    with pytest.raises(ValueError, match="steps is a number of steps, at least 0, found -1"):
        ad.capture(lambda: 1.0).repeat(-1)
    with pytest.raises(TypeError):
        ad.capture(lambda: 1.0).repeat(2.5)


# Errors


def inverse_after_a_write():
    w = np.zeros(2)

    def step(x):
        w[...] += 1
        return np.linalg.inv(x)[0] + w

    return step, w


def inverse_before_a_write():
    w = np.zeros(2)

    def step(x):
        inverse = np.linalg.inv(x)
        w[...] += 1
        return inverse[0] + w

    return step, w


@pytest.mark.parametrize("as_batches", [list, iter])
@pytest.mark.parametrize("failing", [0, 3, 30, 59])
@pytest.mark.parametrize("make", [inverse_after_a_write, inverse_before_a_write])
def test_an_error_leaves_what_the_function_leaves_and_says_which_step_it_was(make, failing, as_batches):
    batches = [(np.eye(2) * (i + 1),) for i in range(60)]
    batches[failing] = (np.zeros((2, 2)),)
    (function, expected), (step, w) = make(), make()
    with pytest.raises(np.linalg.LinAlgError):
        one_by_one(function, 60, batches)
    step = ad.capture(step)
    with pytest.raises(np.linalg.LinAlgError) as caught:
        step.repeat(60, as_batches(batches))
    assert f"in step {failing} of a repetition, counted from 0" in caught.value.__notes__
    assert any(entry.name == "step" for entry in caught.traceback)  # the function raises it, at its line
    np.testing.assert_array_equal(w, expected)
    if failing != 0:  # else it was never recorded
        np.testing.assert_allclose(step.repeat(3, batches[1:2]), [np.eye(2)[0] / 2 + w])


def test_an_error_that_the_program_alone_raises_is_raised_as_it_is():
    step = trusted(lambda x: x * 2, np.ones(2), check_every=0)

    def fail(steps, finite, stacks):
        return 4, MemoryError("too little")

    step.compiled.in_loop = fail
    with pytest.raises(MemoryError, match="too little") as caught:
        step.repeat(20, [(np.ones(2),)] * 20)
    assert caught.value.__notes__ == ["in step 4 of a repetition, counted from 0"]


def test_an_error_of_the_batches_comes_after_the_steps_before_it():
    w = np.zeros(2)

    def step(x):
        w[...] += x

    step = trusted(step, np.ones(2))
    before = w[0]

    def batches():
        for _ in range(30):
            yield (np.ones(2),)
        raise OSError("no more")

    with pytest.raises(OSError, match="no more") as caught:
        step.repeat(100, batches())
    assert not hasattr(caught.value, "__notes__")
    assert w[0] == before + 30


@pytest.mark.parametrize("batch", [np.ones((1, 2)), [np.ones(2)], 3.0])
def test_a_batch_that_is_no_tuple_is_refused(batch):
    step = trusted(lambda x: x * 2, np.ones(2))
    with pytest.raises(TypeError, match=f"tuple of the step's arguments, found a {type(batch).__name__}"):
        step.repeat(20, [*[(np.ones(2),)] * 12, batch])


def test_arguments_that_are_missing_are_the_functions_error():
    step = trusted(lambda x: x * 2, np.ones(2))
    with pytest.raises(TypeError, match="missing a required argument: 'x'"):
        step.repeat(3)


def test_a_batch_that_shares_its_memory_with_what_the_step_changes_is_refused():
    w = np.zeros(2)

    def step(x):
        w[...] += x

    step = trusted(step, np.ones(2))
    with pytest.raises(ad.CaptureError, match="an argument shares its memory") as caught:
        step.repeat(20, [*[(np.ones(2),)] * 12, (w,)])
    assert "in step 12" in caught.value.__notes__[0]
    assert w[0] == step.checks + 2 + 12


# What happens between the steps


def test_what_a_generator_of_batches_changes_is_seen_by_the_next_step():
    w, settings = np.zeros(2), {"scale": 1.0}

    def step(x):
        w[...] += x * settings["scale"]
        return w.copy()

    def batches(count):
        for i in range(count):
            settings["scale"] = float(i % 3)
            w[...] *= 2
            yield (np.ones(2),)

    expected = np.stack([step(*batch) for batch in batches(40)])
    w[...] = 0
    np.testing.assert_array_equal(ad.capture(step).repeat(40, batches(40)), expected)


def test_a_generator_of_batches_may_take_steps_itself():
    w = np.zeros(2)

    def function(x):
        w[...] += x
        return w.copy()

    step = trusted(function, np.ones(2))
    w[...] = 0

    def batches():
        for i in range(60):
            if i % 10 == 5:
                np.testing.assert_array_equal(step(np.full(2, 100.0)), w)
            yield (np.ones(2),)

    expected = np.arange(1.0, 61.0) + 100 * ((np.arange(60) + 5) // 10)
    np.testing.assert_array_equal(step.repeat(60, batches())[:, 0], expected)


@pytest.mark.parametrize("change", [lambda p: setattr(p, "data", p.data * 1), lambda p: setattr(p, "data", p.data + 1)])
def test_a_change_that_a_call_follows_is_followed(change):
    w = ad.Parameter(np.ones(2))
    step = trusted(lambda x: w * x, np.ones(2))

    def batches():
        for i in range(20):
            if i == 12:
                change(w)
            yield (np.ones(2),)

    found = step.repeat(20, batches()).data[:, 0]
    np.testing.assert_array_equal(found, [1.0] * 12 + [w.data[0]] * 8)


def test_a_generator_of_batches_that_changes_a_constant_has_the_program_compiled_anew():
    scale = np.ones(2)
    step = trusted(lambda x: x * np.exp(scale), np.ones(2), exact=True)

    def batches():
        for i in range(30):
            scale[...] = i // 10
            yield (np.ones(2),)

    np.testing.assert_array_equal(step.repeat(30, batches())[:, 0], np.exp(np.arange(30.0) // 10))


def test_a_generator_of_batches_that_switches_gradients_off_is_followed_as_a_call_is():
    w = ad.Parameter(np.ones(2))
    step = trusted(lambda x: np.float64((w * x).requires_grad) + 0 * x, np.ones(2))

    def batches():
        for _ in range(12):
            yield (np.ones(2),)
        with ad.no_grad():
            yield (np.ones(2),)

    np.testing.assert_array_equal(step.repeat(20, batches())[:, 0], [1.0] * 12 + [0.0])


def test_it_runs_in_a_thread_of_its_own():
    found = []

    def work():
        found.append(ad.capture(lambda x: x * 2).repeat(30, [(np.full(2, float(i)),) for i in range(30)]))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    np.testing.assert_array_equal(found[0][:, 0], np.arange(30.0) * 2)


# Ctrl-C


@pytest.fixture
def interruptible():
    """Have SIGINT raise KeyboardInterrupt, though these tests may run where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def counted():
    """Return a step that is trusted and counts in an array, and the array, which is zero."""
    w = np.zeros(2)

    def step():
        w[...] += 1
        return w.copy(), w * 2

    step = trusted(step, check_every=0)
    w[...] = 0
    return step, w


def interrupting(monkeypatch, at):
    """Have SIGINT come within a step: when its first result is stored."""

    class Interrupting:
        def __init__(self, array):
            self.array = array

        def __setitem__(self, i, value):
            if i == at:
                signal.raise_signal(signal.SIGINT)
            self.array[i] = value

        def __getitem__(self, rows):
            return self.array[rows]

    def stacks(outputs, count):
        made = Stacks(outputs, count)
        made.arrays[0] = Interrupting(made.arrays[0])
        return made

    monkeypatch.setattr(repeat, "Stacks", stacks)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_takes_effect_after_the_present_step(monkeypatch):
    step, w = counted()
    interrupting(monkeypatch, 5)
    with pytest.raises(KeyboardInterrupt):
        step.repeat(20)
    np.testing.assert_array_equal(w, [6, 6])


def test_a_handler_of_somebody_elses_is_called_at_once_and_the_steps_go_on(monkeypatch):
    step, w = counted()
    interrupting(monkeypatch, 5)
    seen = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(w[0]))
    try:
        step.repeat(20)
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [6]
    assert w[0] == 20


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_while_the_loop_waits_for_a_batch_takes_effect_at_once():
    w = np.zeros(2)

    def step(x):
        w[...] += x

    step = trusted(step, np.ones(2), check_every=0)
    w[...] = 0

    def batches():
        for _ in range(5):
            yield (np.ones(2),)
        signal.raise_signal(signal.SIGINT)
        w[...] = np.nan

    with pytest.raises(KeyboardInterrupt):
        step.repeat(20, batches())
    np.testing.assert_array_equal(w, [5, 5])


def test_the_loop_is_written_when_it_is_first_asked_for():
    step = trusted(lambda x: x * 2, np.ones(2))
    assert step.compiled.in_loop is None
    step.repeat(20, [(np.ones(2),)] * 20)
    assert step.compiled.in_loop is not None
    assert isinstance(step.compiled, Compiled)


def test_a_batch_that_is_drawn_may_have_the_program_compiled_anew():
    """It changes an array that was computed on once and for all, and takes a step of its own with it."""
    scale = np.array([1.0, 2.0])
    step = ad.capture(lambda x: x * (scale + 1), check_every=0)

    def batches():
        for i in range(40):
            if i == 25:
                scale[...] = 5.0
                step(np.ones(2))
            yield (np.full(2, float(i)),)

    expected = [i * (np.array([2.0, 3.0]) if i < 25 else 6.0) * np.ones(2) for i in range(40)]
    np.testing.assert_array_equal(step.repeat(40, batches()), expected)


def test_a_gradient_that_the_first_step_leaves_is_added_to_by_the_next():
    w = ad.Parameter(np.ones(3))

    @ad.capture
    def step():
        loss = np.sum(w * 2)
        loss.backward()
        return loss

    for _ in range(8):  # with no gradient before: a program of its own
        w.grad = None
        step()
    w.grad = None
    step.repeat(4)
    np.testing.assert_array_equal(w.grad.data, np.full(3, 8.0))


def test_ints_beyond_those_of_numpy_are_stacked_as_they_are():
    held = SimpleNamespace(n=1)

    @ad.capture
    def step():
        held.n *= 3
        return held.n

    assert step.repeat(50).tolist() == [3**i for i in range(1, 51)]
    assert held.n == 3**50
    held.n = 1
    found = step.repeat(20)
    assert found.dtype == np.int64
    assert found.tolist() == [3**i for i in range(1, 21)]
