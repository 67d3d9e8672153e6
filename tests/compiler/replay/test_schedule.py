"""A program that is trusted goes on being checked, and leaves what it would leave without."""

from dataclasses import replace

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.compiler import specialization
from autodiff.compiler.replay.check import Check
from autodiff.compiler.replay.schedule import Schedule
from tests.compiler.comparing import each_exactness, network, points


@pytest.fixture
def checks(monkeypatch):
    """The checks that were made, a list that grows."""
    made = []

    def noted(*arguments):
        made.append(Check(*arguments))
        return made[-1]

    monkeypatch.setattr(specialization, "Check", noted)
    return made


def trusted(function, argument, **options):
    """Return a captured function from whose next call on the program runs alone."""
    step = ad.capture(function, **options)
    while step.checks < 2:
        step(argument)
    return step


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        (0, []),
        (1, [*range(1, 41)]),
        (5, [5, 10, 15, 20, 25, 30, 35, 40]),
        (8, [8, 16, 24, 32, 40]),
        (20, [8, 16, 20, 40]),
        (None, [8, 16, 32]),
    ],
)
def test_which_replays_are_checked(checks, every, expected):
    step = trusted(lambda x: x * 2, np.ones(2), check_every=every)
    found = []
    for call in range(1, 41):
        before = len(checks)
        step(np.ones(2))
        found += [call] * (len(checks) - before)
    assert found == expected


def due_of(every, replay_seconds, check_seconds, count):
    """Return which replays are checked, by a clock of our own."""
    now, schedule, found = 100.0, Schedule(every, 100.0), []
    for _ in range(count):
        now += (schedule.due - schedule.latest) * replay_seconds
        found.append(schedule.due)
        schedule.checked(now, now + check_seconds)
        now += check_seconds
    return found


def test_one_in_a_thousand_is_checked_after_the_first():
    assert due_of(None, 1.0, 4.0, 10) == [8, 16, 32, 64, 128, 256, 512, 1000, 2000, 3000]


def test_checks_that_take_long_are_made_less_often():
    """One that takes as long as ten replays takes 0.5 % of the time after 2000 of them."""
    assert due_of(None, 1.0, 10.0, 11)[-4:] == [1000, 3000, 5000, 7000]


def test_a_number_of_ones_own_is_kept_to_however_long_they_take():
    assert due_of(4, 1.0, 1000.0, 4) == [4, 8, 12, 16]


def test_a_negative_number_is_refused():
    with pytest.raises(ValueError, match="check_every is a number of calls, or 0 for no checks, found -1"):
        ad.capture(lambda x: x, check_every=-1)


@pytest.mark.parametrize("large", [0, 2**25])
@each_exactness
def test_checks_leave_what_unchecked_replays_leave(monkeypatch, exact, large):
    monkeypatch.setattr(specialization, "LARGE", large)

    def run(every):
        """Return, as bytes, all that a training returns and leaves: gradients that add up, draws, arguments."""
        model, rng, (x, labels) = (
            network(dtype=np.float32, sizes=(2, 40, 3)),
            np.random.default_rng(0),
            points(np.float32, 300),
        )
        optimizer = ad.Adam(model.parameters(), 0.02)
        extra = ad.Parameter(np.ones(2, np.float32))
        count = 0

        @captured_with(exact=exact, check_every=every)
        def step(x):
            nonlocal count
            count += 1
            logits = F.dropout(model(x * extra), 0.1, rng)
            loss = F.cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            x += np.float32(0.01)
            return loss, {"logits": logits, "count": count}

        found = []
        for _ in range(30):
            loss, rest = step(x)
            arrays = [loss.data, rest["logits"].data, x, extra.grad.data, *(p.data for p in model.parameters())]
            arrays += [p.grad.data for p in model.parameters()]
            arrays += [array for state in optimizer.group_states for array in state.values()]
            found.append([np.asarray(array).tobytes() for array in arrays])
            found.append([rest["count"], count, rng.bit_generator.state])
        return found

    assert run(1) == run(0)


def captured_with(**options):
    return lambda function: ad.capture(function, **options)


def spoil(step, change):
    """Let the program of a captured function do something else afterwards."""
    replay = step.compiled.replay

    def wrong(leaves):
        result = replay(leaves)
        change()
        return result

    step.current.compiled = replace(step.compiled, replay=wrong)


def test_a_check_leaves_and_returns_what_the_program_does_where_that_rounds_differently():
    w = ad.Parameter(np.ones(2, np.float32))

    def step(x):
        w.data[...] += x
        return w.data.copy()

    step = trusted(step, np.ones(2, np.float32), check_every=1)
    before = w.data.copy()
    spoil(step, lambda: np.nextafter(w.data, np.float32(0), out=w.data))
    step(np.ones(2, np.float32))
    np.testing.assert_array_equal(w.data, np.nextafter(before + 1, np.float32(0)))
    assert not step.program.exact


def test_a_program_that_is_wrong_is_found_and_the_value_named():
    w = ad.Parameter(np.ones(2))

    def step(x):
        w.data[...] += x

    step = trusted(step, np.ones(2), exact=True)
    before = w.data.copy()
    spoil(step, lambda: w.data.__isub__(2))
    for _ in range(7):
        step(np.ones(2))
    np.testing.assert_array_equal(w.data, before - 7)
    for _ in range(2):  # for good
        with pytest.raises(ad.CaptureError, match=r"does not do what the function does: w is \[.*\] and should be \["):
            step(np.ones(2))
    np.testing.assert_array_equal(w.data, before - 6)  # what the function leaves


def test_a_fast_program_that_is_wrong_gives_way_to_an_exact_one_at_once():
    w = ad.Parameter(np.ones(2))

    def step(x):
        w.data[...] += x

    step = trusted(step, np.ones(2))
    before = w.data.copy()
    spoil(step, lambda: w.data.__isub__(2))
    for _ in range(9):
        step(np.ones(2))
    np.testing.assert_array_equal(w.data, before - 7 + 2)
    assert "w is [" in step.program.why_exact


def test_an_error_of_the_function_in_a_check_leaves_what_it_leaves_by_itself():
    w = np.zeros(2)

    def step(x):
        w[...] += 1
        return np.linalg.inv(x)

    step = trusted(step, np.eye(2), check_every=2)
    for _ in range(2):
        before = w.copy()
        with pytest.raises(np.linalg.LinAlgError):
            step(np.zeros((2, 2)))
        np.testing.assert_array_equal(w, before + 1)
    np.testing.assert_array_equal(step(np.eye(2)), np.eye(2))
