import gc
import math
import threading
import tracemalloc
import weakref
from types import ModuleType

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.function import Function
from autodiff.graph import Node

LONG = 100_000


def leaf(*values):
    return ad.Tensor(np.array(values), requires_grad=True)


def garbage_of(work):
    """Return how many objects of what `work()` made only the garbage collector can free."""
    gc.collect()
    gc.disable()
    try:
        work()
        return gc.collect()
    finally:
        gc.enable()


# The shape of the graph


def test_a_diamond_adds_up_both_ways():
    x = leaf(3.0)
    a = x * x
    np.sum(a * 2 + a * a).backward()  # 2 x^2 + x^4
    np.testing.assert_array_equal(x.grad.data, [4 * 3 + 4 * 27])


def test_a_ladder_of_diamonds_visits_each_node_once():
    x = leaf(1.0)
    y = x
    for _ in range(200):  # 2 ** 200 paths
        y = y * 0.5 + y * 0.5
    np.sum(y).backward()
    np.testing.assert_array_equal(x.grad.data, [1])


@pytest.mark.parametrize("function", [np.add, np.multiply, np.subtract, np.maximum, np.divide])
def test_an_argument_used_twice_receives_both_gradients(function):
    expected = {np.add: 2, np.multiply: 6, np.subtract: 0, np.maximum: 1, np.divide: 0}
    x = leaf(3.0)
    function(x, x).backward()
    np.testing.assert_allclose(x.grad.data, [expected[function]], atol=1e-15)


def test_a_leaf_that_does_not_matter_keeps_no_gradient():
    x, y = leaf(1.0), leaf(1.0)
    (x * 2).backward()
    assert y.grad is None


def test_only_tensors_that_require_a_gradient_receive_one():
    x, constant = leaf(2.0), ad.Tensor(np.array([3.0]))
    (x * constant).backward()
    assert constant.grad is None
    assert not x.grad.requires_grad


# Accumulation


def test_backward_passes_accumulate():
    x = leaf(1.0, 2.0)
    np.sum(x * x).backward()
    first = x.grad.data
    np.sum(x * 3).backward()
    np.testing.assert_array_equal(x.grad.data, [5, 7])
    np.testing.assert_array_equal(first, [2, 4])  # who kept the first gradient still has it


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_sum_does_not_give_two_leaves_one_buffer(create_graph):
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    seed = np.array([1.0, 1.0])
    (x + y).backward(seed, create_graph=create_graph)
    assert not np.shares_memory(x.grad.data, y.grad.data)
    assert not np.shares_memory(x.grad.data, seed)
    x.grad.data[0] = 100
    np.testing.assert_array_equal(y.grad.data, [1, 1])


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_gradient_can_be_written_to(create_graph):
    x = leaf(1.0, 2.0)
    np.sum(x).backward(create_graph=create_graph)  # made by broadcasting
    x.grad.data[:] = 5


def test_a_borrowed_gradient_is_never_written_to():
    x = leaf(1.0, 2.0)
    a, b = +x, +x
    c = (a + b).retain_grad()
    seed = np.array([1.0, 10.0])
    seed.flags.writeable = False
    (c + a * 2 + a * 3 + b).backward(seed)
    np.testing.assert_array_equal(c.grad.data, seed)
    np.testing.assert_array_equal(x.grad.data, [8, 80])


def test_a_gradient_seen_by_three_branches_stays_whole():
    x, y, z = leaf(1.0), leaf(1.0), leaf(1.0)
    s = x + y
    np.sum(s + z + x + x + y).backward()
    assert [t.grad.item() for t in (x, y, z)] == [3, 2, 1]


def test_retain_grad_keeps_the_gradient_of_an_intermediate():
    x = leaf(2.0)
    y = x * 3
    assert y.retain_grad() is y
    (y * y).backward()
    np.testing.assert_array_equal(y.grad.data, [12])
    np.testing.assert_array_equal(x.grad.data, [36])
    with pytest.raises(RuntimeError, match="does not require a gradient"):
        ad.Tensor(1.0).retain_grad()


# The seed


def test_a_scalar_needs_no_seed_and_an_array_does():
    x = leaf(1.0, 2.0)
    with pytest.raises(ValueError, match=r"shape \(2,\) needs the gradient to start from"):
        (x * 2).backward()
    (x * 2).backward([1, 10])
    np.testing.assert_array_equal(x.grad.data, [2, 20])


def test_the_seed_must_have_the_shape_and_takes_the_dtype():
    x = ad.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match=r"shape \(3,\), the tensor \(2,\)"):
        (x * 2).backward(np.ones(3))
    (x * 2).backward(np.ones(2, np.float64))
    assert x.grad.dtype == np.float32


def test_backward_of_a_leaf_is_its_seed():
    x = leaf(3.0)
    x.backward()
    np.testing.assert_array_equal(x.grad.data, [1])


def test_backward_of_a_constant_is_an_error():
    with pytest.raises(RuntimeError, match="does not require a gradient"):
        ad.Tensor(1.0).backward()
    with ad.no_grad():
        y = leaf(1.0) * 2
    with pytest.raises(RuntimeError, match="no_grad"):
        y.backward()


# A second pass


def test_a_second_backward_pass_says_what_to_do():
    x = leaf(2.0)
    y = np.exp(x)
    y.backward()
    with pytest.raises(ad.GraphFreedError, match=r"np\.exp a second time.*retain_graph=True"):
        y.backward()


def test_a_second_pass_through_a_shared_part_is_an_error_too():
    shared = np.exp(leaf(2.0))
    (shared * 2).backward()
    with pytest.raises(ad.GraphFreedError):
        (shared * 3).backward()


def test_retain_graph_allows_a_second_pass():
    x = leaf(2.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [8])
    with pytest.raises(ad.GraphFreedError):
        y.backward()


# Higher orders

CLOSED_FORMS = {
    "power": (lambda x: x**5, [lambda x: 5 * x**4, lambda x: 20 * x**3, lambda x: 60 * x**2, lambda x: 120 * x]),
    "exp": (lambda x: np.exp(2 * x), [lambda x, n=n: 2**n * math.exp(2 * x) for n in (1, 2, 3, 4)]),
    "log": (np.log, [lambda x: 1 / x, lambda x: -1 / x**2, lambda x: 2 / x**3, lambda x: -6 / x**4]),
    "reciprocal": (
        lambda x: 1 / x,
        [lambda x: -1 / x**2, lambda x: 2 / x**3, lambda x: -6 / x**4, lambda x: 24 / x**5],
    ),
    "sqrt": (
        np.sqrt,
        [lambda x: x**-0.5 / 2, lambda x: -(x**-1.5) / 4, lambda x: 3 * x**-2.5 / 8, lambda x: -15 * x**-3.5 / 16],
    ),
    "tanh": (
        np.tanh,
        [
            lambda x: 1 - math.tanh(x) ** 2,
            lambda x: -2 * math.tanh(x) * (1 - math.tanh(x) ** 2),
            lambda x: (1 - math.tanh(x) ** 2) * (6 * math.tanh(x) ** 2 - 2),
            lambda x: (1 - math.tanh(x) ** 2) * (16 * math.tanh(x) - 24 * math.tanh(x) ** 3),
        ],
    ),
}


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_four_orders_agree_with_closed_forms(name):
    function, derivatives = CLOSED_FORMS[name]
    x = leaf(0.7)
    y = function(x)
    for derivative in derivatives:
        x.grad = None
        np.sum(y).backward(create_graph=True)
        y = x.grad
        np.testing.assert_allclose(y.data, [derivative(0.7)], rtol=1e-12)


def test_the_orders_of_a_power_are_right_at_zero():
    x = leaf(0.0)
    y = x**3
    for expected in (0, 0, 6, 0):
        x.grad = None
        y.backward(create_graph=True)
        y = x.grad
        np.testing.assert_array_equal(y.data, [expected])


def test_sigmoids_derivatives_agree_with_closed_forms():
    x = leaf(0.3)
    s = 1 / (1 + math.exp(-0.3))
    y = F.sigmoid(x)
    for expected in (s * (1 - s), s * (1 - s) * (1 - 2 * s), s * (1 - s) * (1 - 6 * s + 6 * s * s)):
        x.grad = None
        y.backward(create_graph=True)
        y = x.grad
        np.testing.assert_allclose(y.data, [expected], rtol=1e-12)


def test_a_gradient_penalty_reaches_the_weights():
    w, x = leaf(2.0), leaf(3.0)
    np.sum(w * w * x).backward(create_graph=True)
    slope = x.grad  # w^2
    w.grad = None
    np.sum(slope * slope).backward()  # w^4
    np.testing.assert_array_equal(w.grad.data, [32])


# Length


def test_a_long_chain_runs_forwards_backwards_in_repr_and_is_deleted():
    x = leaf(1.0)
    y = x
    for _ in range(LONG):
        y = y + 1.0
    assert repr(y) == "Tensor([100001.], dtype=float64, from=np.add)"
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [1])
    last = weakref.ref(y)
    del y
    assert last() is None


def test_a_long_chain_that_saved_arrays_is_deleted_without_a_backward_pass():
    y = leaf(1.0)
    for _ in range(LONG):
        y = y * 1.0
    last = weakref.ref(y)
    del y
    assert last() is None


def test_a_long_chain_of_first_gradients_is_deleted():
    x = leaf(1.0)
    y = x
    for _ in range(LONG // 10):
        y = y * 1.0
    y.backward(create_graph=True)
    x.grad = None


# Memory


def test_the_garbage_collector_sees_a_cycle():
    def work():
        cycle = []
        cycle.append(cycle)

    assert garbage_of(work) == 1


def test_forward_and_backward_leave_no_cycles():
    def work():
        x, w = ad.Tensor(np.ones((4, 3)), requires_grad=True), ad.Tensor(np.ones((2, 3)), requires_grad=True)
        loss = F.cross_entropy(F.relu(F.linear(np.tanh(x), w, np.zeros(2))), np.array([0, 1, 0, 1]))
        loss.backward()
        y = np.concatenate([x, x[1:]])
        y[0] = x[1]
        np.sum(np.stack([y, y])).backward(retain_graph=True)

    assert garbage_of(work) == 0


def test_a_differentiable_gradient_leaves_no_cycles():
    def slope(x):
        return np.sum(ad.grad(lambda y: np.sum(np.exp(y) * F.softmax(y)))(x))

    def work():
        assert ad.grad(slope)(np.array([0.1, 0.2])).shape == (2,)

    assert garbage_of(work) == 0


def test_a_step_of_training_leaves_no_cycles():
    model = ad.Sequential(ad.Linear(2, 4, rng=np.random.default_rng(0)), ad.Tanh())
    optimizer = ad.Adam(model.parameters())

    def work():
        optimizer.zero_grad()
        np.sum(model(np.ones((3, 2), np.float32))).backward()
        optimizer.step()

    assert garbage_of(work) == 0


def test_an_intermediate_that_no_rule_needs_is_freed_when_dropped():
    x = leaf(1.0, 2.0)
    a = x + 1.0
    watched = weakref.ref(a.data)
    b = a + 2.0
    del a
    assert watched() is None
    np.sum(b).backward()
    np.testing.assert_array_equal(x.grad.data, [1, 1])


def test_an_array_is_saved_only_for_an_argument_that_needs_a_gradient():
    x = leaf(1.0, 2.0)
    scale = ad.Tensor(np.array([3.0, 4.0]))
    large = +x
    watched = weakref.ref(large.data)
    product = large * scale  # the gradient of large needs scale alone
    del large
    assert watched() is None
    np.sum(product).backward()
    np.testing.assert_array_equal(x.grad.data, [3, 4])


def test_a_backward_pass_frees_what_was_saved():
    x = leaf(1.0, 2.0)
    a = np.exp(x)
    watched = weakref.ref(a.data)
    y = np.sum(a * a)
    del a
    assert watched() is not None
    y.backward()
    assert watched() is None


def kept_by(tensor):
    """Return the nodes, and the bytes of the arrays and stamps, that a tensor keeps alive."""
    seen, nodes, size, pending = {}, 0, 0, [tensor._data, tensor.node]
    while pending:
        one = pending.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | Function) or callable(one):
            continue
        seen[id(one)] = one
        nodes += isinstance(one, Node)
        size += one.nbytes if isinstance(one, np.ndarray) else len(one) if isinstance(one, bytes) else 0
        pending.extend([one.base] if isinstance(one, np.ndarray) else gc.get_referents(one))
    return nodes, size


RANDOM = np.random.default_rng(0)
BATCH, LABELS = RANDOM.standard_normal((1000, 8)).astype(np.float32), RANDOM.integers(0, 3, 1000)
NETWORK = ad.Sequential(ad.Linear(8, 16, rng=RANDOM), ad.Tanh(), ad.Linear(16, 3, rng=RANDOM))
LOSSES = {
    "a loss": lambda: F.cross_entropy(NETWORK(BATCH), LABELS),
    "a loss with weights": lambda: F.cross_entropy(NETWORK(BATCH), LABELS, weights=[1, 2, 3]),
    "a checkpointed loss": lambda: ad.checkpoint(lambda x: F.cross_entropy(NETWORK(x), LABELS))(BATCH),
    "a checkpoint within": lambda: np.sum(ad.checkpoint(NETWORK)(BATCH) ** 2),
    "a product with an array": lambda: np.sum(NETWORK(BATCH) * BATCH[:, :3]),
    "a loss that was looked at": lambda: looked_at(F.cross_entropy(NETWORK(BATCH), LABELS)),
    "of many arrays": lambda: joined(),
    "an index": lambda: np.sum(NETWORK(BATCH)[LABELS] * 2),
    "an assignment": lambda: assigned(),
}


def looked_at(loss):
    assert np.isfinite(loss.data)
    return loss


def joined():
    return np.sum(np.concatenate([NETWORK(BATCH), BATCH], axis=1) ** 2)


def assigned():
    t = NETWORK(BATCH)
    t[LABELS] = BATCH[:, :3]
    return np.sum(t * t)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_keeps_nothing_but_its_value_after_the_backward_pass(name):
    loss = LOSSES[name]()
    assert kept_by(loss)[0] > 1
    loss.backward()
    nodes, size = kept_by(loss)
    assert nodes == 1
    assert size <= 2 * loss.data.nbytes  # NumPy makes a number an array by a window on another


def test_a_hundred_chained_additions_of_a_megabyte_peak_under_5_megabytes():
    x = ad.Tensor(np.ones(1_000_000 // 8), requires_grad=True)
    tracemalloc.start()
    try:
        y = x
        for _ in range(100):
            y = y + 1.0
        np.sum(y).backward()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


# Threads


def test_threads_differentiate_at_the_same_time():
    gradients = {}

    def work(n):
        x = leaf(float(n))
        y = x
        for _ in range(200):
            y = y * 1.0 + x
        y.backward()
        gradients[n] = x.grad.item()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gradients == dict.fromkeys(range(4), 201.0)
