"""Memory: intermediate arrays share it, and none is overwritten while it is still read."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff import functional as F  # noqa: N812

UNARY = [np.exp, np.sin, np.negative, np.tanh, np.square, np.copy, lambda a: a + 1, lambda a: a * a]
BINARY = [np.add, np.subtract, np.multiply, np.maximum, np.matmul, lambda a, b: np.where(a > 0, a, b)]
SHAPING = [
    lambda a: a.T,
    lambda a: a[::-1],
    lambda a: a[:, ::-1],
    lambda a: np.reshape(a, (-1,)).reshape(4, 4),
    lambda a: np.broadcast_to(a[0], (4, 4)),
    lambda a: np.concatenate([a[:2], a[2:]]),
    lambda a: np.broadcast_to(np.sum(a, axis=0), (4, 4)),
    lambda a: np.broadcast_to(np.max(a, axis=1, keepdims=True), (4, 4)),
    lambda a: np.roll(a, 1, axis=0),
]


def write_whole(a, b):
    a[...] = b


def write_row(a, b):
    a[0] = b[1]


def add_to(a, b):
    a += b


def out_of(a, b):
    np.multiply(a, b, out=a)


def through_a_view(a, b):
    a.T[1:, 0] -= b[:3, 1]


WRITES = [write_whole, write_row, add_to, out_of, through_a_view]

steps = st.lists(
    st.one_of(
        st.tuples(st.just("unary"), st.integers(0, len(UNARY) - 1), st.integers(0, 99), st.just(0)),
        st.tuples(st.just("shape"), st.integers(0, len(SHAPING) - 1), st.integers(0, 99), st.just(0)),
        st.tuples(st.just("binary"), st.integers(0, len(BINARY) - 1), st.integers(0, 99), st.integers(0, 99)),
        st.tuples(st.just("write"), st.integers(0, len(WRITES) - 1), st.integers(0, 99), st.integers(0, 99)),
    ),
    min_size=1,
    max_size=14,
)


def run(chain, state, x, returned):
    """Compute a chain of operations, each on results of earlier ones; writes go into copies, or into the state."""
    values, own = [x, state], [state]
    for kind, which, left, right in chain:
        a = values[left % len(values)]
        if kind == "unary":
            values.append(np.tanh(UNARY[which](a)))
            own.append(values[-1])
        elif kind == "shape":
            values.append(SHAPING[which](a))
        elif kind == "binary":
            values.append(np.tanh(BINARY[which](a, values[right % len(values)])))
            own.append(values[-1])
        else:
            WRITES[which](own[left % len(own)], values[right % len(values)])
    return [values[i % len(values)] for i in returned], np.sum(values[-1])


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(chain=steps, returned=st.lists(st.integers(0, 99), min_size=1, max_size=4), exact=st.booleans())
def test_random_programs_give_what_they_give_eagerly(chain, returned, exact):
    states = np.full((4, 4), 0.5), np.full((4, 4), 0.5)
    captured = ad.capture(lambda x: run(chain, states[0], x, returned), exact=exact)
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        for _ in range(7):
            x = rng.normal(size=(4, 4))
            found, expected = captured(x.copy()), run(chain, states[1], x.copy(), returned)
            for one, other in zip([*found[0], found[1]], [*expected[0], expected[1]], strict=True):
                np.testing.assert_allclose(one, other, rtol=0 if exact else 1e-12, atol=0 if exact else 1e-13)
            np.testing.assert_allclose(states[0], states[1], rtol=0 if exact else 1e-12, atol=0 if exact else 1e-13)


TWO_RESULTS = [np.modf, np.frexp, lambda a: np.divmod(a, 0.7), lambda a: np.linalg.qr(a), lambda a: np.linalg.eigh(a)]


@pytest.mark.parametrize("function", TWO_RESULTS, ids=["modf", "frexp", "divmod", "qr", "eigh"])
@pytest.mark.parametrize("read", ["both", "first", "second", "neither", "first_late", "second_late"])
def test_two_results_of_a_call_share_no_memory_though_their_argument_dies(function, read):
    """Only one of them may take the argument's place, and only if the other is not in its way."""

    def step(x):
        first, second = function(np.tanh(x) * 3.7)
        if read == "neither":
            return np.exp(x)
        if read in ("first", "second"):
            return np.exp(first if read == "first" else second)
        if read == "both":
            return np.exp(first) + second, second * 2, first
        late, early = (first, second) if read == "first_late" else (second, first)
        return np.exp(np.negative(early)) * 2 + late

    captured = ad.capture(step, exact=True)
    rng = np.random.default_rng(0)
    for _ in range(7):
        x = rng.normal(size=(20, 20))
        found, expected = captured(x), step(x)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def network(points, hidden, dtype=np.float32):
    rng = np.random.default_rng(0)
    model = ad.Sequential(
        ad.Linear(2, hidden, rng=rng, dtype=dtype), ad.ReLU(), ad.Linear(hidden, 3, rng=rng, dtype=dtype)
    )
    optimizer = ad.Adam(model.parameters(), 0.01)
    x, labels = rng.normal(size=(points, 2)).astype(dtype), rng.integers(0, 3, points)

    def step():
        loss = F.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def peak_of(step):
    """Return the most memory that one call has at a time beyond what there was before."""
    tracemalloc.start()
    try:
        step()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        step()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("points", "hidden"), [(300, 100), (1000, 64)])
@pytest.mark.parametrize("exact", [False, True], ids=["fast", "exact"])
def test_a_program_takes_no_more_memory_than_the_eager_step(points, hidden, exact):
    step = network(points, hidden)
    eager = peak_of(step)
    captured = ad.capture(step, exact=exact)
    for _ in range(7):
        captured()
    assert captured.program.peak_bytes > 0
    assert captured.program.peak_bytes + peak_of(captured) <= eager  # what it keeps, and what a replay makes besides


def test_the_memory_of_a_long_chain_does_not_grow_with_its_length():
    def chain(length):
        def function(x):
            for _ in range(length):
                x = np.sin(x) + 1
            return x

        step = ad.capture(function)
        for _ in range(6):
            step(np.ones(1000))
        return step.program.peak_bytes

    assert chain(60) <= chain(6) <= 3 * 8064


def test_results_that_are_all_needed_at_the_end_lie_apart():
    step = ad.capture(lambda x: [np.exp(x * k) for k in range(1, 9)])
    for i in range(8):
        x = np.linspace(0, 1, 32) * i
        for k, found in enumerate(step(x), start=1):
            np.testing.assert_array_equal(found, np.exp(x * k))


def test_an_operand_that_is_read_again_later_is_not_computed_over():
    def function(x):
        doubled = x * 2
        raised = doubled + 1
        return raised * doubled - doubled

    step = ad.capture(function)
    for i in range(8):
        x = np.arange(4.0) + i
        np.testing.assert_array_equal(step(x), function(x))


def test_an_operand_in_another_shape_or_order_is_not_computed_over():
    def function(x):
        made = x * 2
        return made + made.T, (x + 1) + np.broadcast_to((x + 1)[0], x.shape), (x * 3)[::-1] - x * 3

    step = ad.capture(function)
    for i in range(8):
        x = np.arange(16.0).reshape(4, 4) + i
        for found, expected in zip(step(x), function(x), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_gradients_have_memory_that_no_later_call_of_the_program_takes():
    step = network(20, 8, np.float64)
    captured = ad.capture(step)
    for _ in range(7):
        captured()
    weight = next(held.slot.owner for held in captured.program.gradients)
    kept = weight.grad.data
    before = kept.copy()
    ad.capture(network(20, 8, np.float64))()
    np.testing.assert_array_equal(kept, before)
