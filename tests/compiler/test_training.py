"""A captured function does what the function does: training steps, inference, and plain functions of arrays."""

import functools
import itertools
from collections import namedtuple

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812

STEPS = 60
TOLERANCE = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-6}
OPTIMIZERS = {
    "SGD": lambda parameters: ad.SGD(parameters, 0.1),
    "SGD with weight decay": lambda parameters: ad.SGD(parameters, 0.1, weight_decay=0.01),
    "SGD with momentum": lambda parameters: ad.SGD(parameters, 0.05, momentum=0.9),
    "SGD with nesterov": lambda parameters: ad.SGD(parameters, 0.05, momentum=0.9, nesterov=True, weight_decay=0.001),
    "Adam": lambda parameters: ad.Adam(parameters, 0.02),
    "Adam with weight decay": lambda parameters: ad.Adam(parameters, 0.02, weight_decay=0.01),
    "AdamW": lambda parameters: ad.AdamW(parameters, 0.02),
}
each_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
each_activation = pytest.mark.parametrize("activation", [ad.ReLU, ad.Sigmoid, ad.Tanh])
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
each_exactness = pytest.mark.parametrize("exact", [False, True], ids=["fast", "exact"])


def eager(function):
    return function


def captured(exact):
    return lambda function: ad.capture(function, exact=exact)


def check(run, exact):
    """Compare what a run leaves with its step captured, and as it is."""
    expected, found = run(eager), run(captured(exact))
    assert len(expected) == len(found)
    for i, pair in enumerate(zip(found, expected, strict=True)):
        assert_same(*pair, exact, f"value {i} of {len(found)}")


def assert_same(found, expected, exact, name):
    if isinstance(expected, ad.Tensor):
        assert isinstance(found, ad.Tensor), name
        found, expected = found.data, expected.data
    if not isinstance(expected, np.ndarray):
        assert type(found) is type(expected), name
        if isinstance(expected, float) and not exact:
            assert found == pytest.approx(float(expected), rel=TOLERANCE[np.dtype(type(expected))]), name
        else:
            assert found == expected, name
        return
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape), name
    if exact or expected.dtype.kind != "f":
        assert found.tobytes() == expected.tobytes(), name
    else:
        tolerance = TOLERANCE[expected.dtype]
        scale = np.max(np.abs(expected), initial=0)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * scale, err_msg=name)


def network(activation=ad.ReLU, dtype=np.float64, sizes=(2, 8, 3)):
    rng = np.random.default_rng(3)
    layers = []
    for width, following in itertools.pairwise(sizes):
        init = "he" if activation is ad.ReLU else "glorot"
        layers += [ad.Linear(width, following, rng=rng, init=init, dtype=dtype), activation()]
    return ad.Sequential(*layers[:-1])


def points(dtype=np.float64, count=30, seed=5):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 2)).astype(dtype)
    return x, (x[:, 0] * x[:, 1] > 0).astype(np.int64) + (x[:, 0] > 1)


def leftovers(model, optimizer):
    """Return everything that a step changes: parameters, gradients and the optimizer's state."""
    parameters = list(model.parameters())
    gradients = [None if p.grad is None else p.grad.data.copy() for p in parameters]
    state = [value for one in optimizer.state_dict()["states"] for _, value in sorted(one.items())]
    return [*(p.data.copy() for p in parameters), *gradients, *state]


def train(capture, model, make, steps=STEPS):
    """Return the losses of a training on all points, and what it leaves."""
    x, labels = points(next(model.parameters()).dtype)
    optimizer = make(model.parameters())

    def step():
        loss = F.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    step = capture(step)
    losses = [step() for _ in range(steps)]
    return [*losses, *leftovers(model, optimizer)]


# Training


@each_exactness
@each_dtype
@each_activation
@each_optimizer
def test_training_leaves_what_the_eager_training_leaves(make, activation, dtype, exact):
    check(lambda capture: train(capture, network(activation, dtype), make), exact)


@each_exactness
@pytest.mark.parametrize("sizes", [(2, 3), (2, 6, 5, 3), (2, 5, 4, 6, 3)], ids=str)
def test_networks_of_any_depth(sizes, exact):
    check(lambda capture: train(capture, network(ad.Tanh, sizes=sizes), OPTIMIZERS["Adam"]), exact)


@each_exactness
def test_parameters_that_are_updated_apart_from_the_others(exact):
    def make(parameters):
        optimizer = ad.Adam(parameters, 0.02)
        optimizer.alone_from = 10
        optimizer.regroup(optimizer.states)
        assert len(optimizer.groups) > 1
        return optimizer

    check(lambda capture: train(capture, network(), make), exact)


@each_exactness
def test_a_log_of_a_thousand_epochs(exact):
    check(lambda capture: train(capture, network(sizes=(2, 6, 3)), OPTIMIZERS["Adam"], 1_000), exact)


@each_exactness
@each_dtype
def test_minibatches_as_arguments(dtype, exact):
    def run(capture):
        model = network(dtype=dtype)
        optimizer = ad.Adam(model.parameters(), 0.02)
        x, labels = points(dtype)
        rng = np.random.default_rng(0)

        @capture
        def step(x, labels):
            loss = F.cross_entropy(model(x), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        batches = [rng.choice(30, 10, replace=False) for _ in range(STEPS)]
        return [*(step(x[batch], labels[batch]) for batch in batches), *leftovers(model, optimizer)]

    check(run, exact)


@each_exactness
def test_minibatches_taken_inside_by_an_index(exact):
    def run(capture):
        model = network()
        optimizer = ad.SGD(model.parameters(), 0.1, momentum=0.9)
        x, labels = points()
        rng = np.random.default_rng(0)

        @capture
        def step(batch):
            loss = F.cross_entropy(model(x[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        return [*(step(rng.permutation(30)[:10]) for _ in range(STEPS)), *leftovers(model, optimizer)]

    check(run, exact)


@each_exactness
@pytest.mark.parametrize("make", [OPTIMIZERS["SGD with nesterov"], OPTIMIZERS["AdamW"]], ids=["SGD", "AdamW"])
def test_a_learning_rate_that_changes_in_every_step(make, exact):
    def run(capture):
        model = network()
        optimizer = make(model.parameters())
        x, labels = points()

        @capture
        def step():
            loss = F.cross_entropy(model(x), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        losses = []
        for i in range(STEPS):
            optimizer.learning_rate = 0.1 / (1 + i)
            losses.append(step())
        return [*losses, *leftovers(model, optimizer)]

    check(run, exact)


@each_exactness
def test_a_learning_rate_set_inside_the_step(exact):
    def run(capture):
        model = network()
        optimizer = ad.Adam(model.parameters(), 0.02)
        x, labels = points()

        @capture
        def step(rate):
            optimizer.learning_rate = rate
            loss = F.cross_entropy(model(x), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        losses = [step(0.1 / (1 + i)) for i in range(STEPS)]
        return [*losses, *leftovers(model, optimizer), optimizer.learning_rate]

    check(run, exact)


@each_exactness
@each_dtype
def test_dropout_draws_what_it_draws_eagerly(dtype, exact):
    def run(capture):
        model = network(dtype=dtype)
        optimizer = ad.Adam(model.parameters(), 0.02)
        x, labels = points(dtype)
        rng = np.random.default_rng(8)

        @capture
        def step():
            hidden = F.dropout(F.relu(model.layers[0](x)), 0.3, rng)
            loss = F.cross_entropy(model.layers[2](hidden), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        losses = [step() for _ in range(STEPS)]
        return [*losses, *leftovers(model, optimizer), rng.bit_generator.state["state"]["state"], rng.random()]

    check(run, exact)


def test_draws_outside_of_the_step_and_inside_take_turns():
    def run(capture):
        rng = np.random.default_rng(8)
        noisy = capture(lambda x: x + rng.normal(size=3))
        return [value for _ in range(10) for value in (noisy(np.zeros(3)), rng.random(2))]

    check(run, exact=True)


def test_a_generator_that_is_seeded_anew_between_the_calls_starts_anew():
    rng = np.random.default_rng(8)
    start = rng.bit_generator.state
    noisy = ad.capture(lambda: rng.normal(size=3))
    first = [noisy() for _ in range(8)]
    rng.bit_generator.state = start
    np.testing.assert_array_equal([noisy() for _ in range(8)], first)


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.integers(0, 10, 4),
        lambda rng: rng.permutation(5),
        lambda rng: rng.uniform(-1, 1, (2, 3)),
        lambda rng: rng.choice(6, 3, replace=False),
        lambda rng: rng.standard_normal(3, dtype=np.float32),
        lambda rng: rng.normal(),
    ],
    ids=["integers", "permutation", "uniform", "choice", "standard_normal", "one number"],
)
def test_every_kind_of_draw(draw):
    def run(capture):
        rng = np.random.default_rng(8)
        drawn = capture(lambda: draw(rng) * 2)
        return [drawn() for _ in range(9)]

    check(run, exact=True)


@each_exactness
def test_gradients_add_up_without_zero_grad(exact):
    def run(capture):
        model = network()
        x, labels = points()

        @capture
        def accumulate(x, labels):
            loss = F.cross_entropy(model(x), labels)
            loss.backward()
            return loss

        losses = [accumulate(x[i : i + 20], labels[i : i + 20]) for i in range(10)]
        return [*losses, *(p.grad.data.copy() for p in model.parameters())]

    check(run, exact)


@each_exactness
def test_zero_grad_outside_of_the_step(exact):
    def run(capture):
        model = network()
        optimizer = ad.Adam(model.parameters(), 0.02)
        x, labels = points()

        @capture
        def step():
            loss = F.cross_entropy(model(x), labels)
            loss.backward()
            optimizer.step()
            return loss

        losses = []
        for _ in range(STEPS):
            optimizer.zero_grad()
            losses.append(step())
        return [*losses, *leftovers(model, optimizer)]

    check(run, exact)


@each_exactness
def test_zero_grad_at_the_end_of_the_step(exact):
    def run(capture):
        model = network()
        optimizer = ad.Adam(model.parameters(), 0.02)
        x, labels = points()

        @capture
        def step():
            loss = F.cross_entropy(model(x), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            return loss

        return [*(step() for _ in range(STEPS)), *leftovers(model, optimizer)]

    check(run, exact)


@each_exactness
def test_gradients_of_several_batches_in_one_step(exact):
    def run(capture):
        model = network()
        optimizer = ad.SGD(model.parameters(), 0.05)
        x, labels = points()

        @capture
        def step():
            optimizer.zero_grad()
            losses = []
            for i in range(0, 30, 10):
                loss = F.cross_entropy(model(x[i : i + 10]), labels[i : i + 10]) / 3
                loss.backward()
                losses.append(loss)
            optimizer.step()
            return losses

        return [*itertools.chain(*(step() for _ in range(STEPS))), *leftovers(model, optimizer)]

    check(run, exact)


@each_exactness
def test_two_optimizers_in_one_step(exact):
    def run(capture):
        model = network()
        first = ad.SGD([model.layers[0].weight, model.layers[0].bias], 0.1)
        second = ad.Adam([model.layers[2].weight, model.layers[2].bias], 0.02)
        x, labels = points()

        @capture
        def step():
            loss = F.cross_entropy(model(x), labels)
            first.zero_grad()
            second.zero_grad()
            loss.backward()
            first.step()
            second.step()
            return loss

        return [*(step() for _ in range(STEPS)), *leftovers(model, second)]

    check(run, exact)


@each_exactness
def test_two_captured_steps_that_train_the_same_network_in_turns(exact):
    def run(capture):
        model = network()
        optimizer = ad.Adam(model.parameters(), 0.02)
        x, labels = points()

        def make(part):
            def step():
                loss = F.cross_entropy(model(x[part]), labels[part])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                return loss

            return capture(step)

        first, second = make(slice(0, 10)), make(slice(10, 30))
        return [*(loss for _ in range(20) for loss in (first(), second())), *leftovers(model, optimizer)]

    check(run, exact)


def test_captured_and_eager_steps_in_turns():
    def run(capture):
        model = network()
        optimizer = ad.Adam(model.parameters(), 0.02)
        x, labels = points()

        def step():
            loss = F.cross_entropy(model(x), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        fast = capture(step)
        return [*(loss for _ in range(20) for loss in (fast(), step())), *leftovers(model, optimizer)]

    check(run, exact=True)


@each_exactness
def test_clipping_gradients_by_their_norm(exact):
    def run(capture):
        model = network()
        optimizer = ad.SGD(model.parameters(), 0.5)
        x, labels = points()

        @capture
        def step():
            loss = F.cross_entropy(model(x), labels)
            optimizer.zero_grad()
            loss.backward()
            norm = np.sqrt(sum(np.sum(p.grad.data**2) for p in model.parameters()))
            for p in model.parameters():
                p.grad.data[...] = p.grad.data * np.minimum(1.0, 0.1 / norm)
            optimizer.step()
            return loss, norm

        return [*itertools.chain(*(step() for _ in range(STEPS))), *leftovers(model, optimizer)]

    check(run, exact)


@each_exactness
def test_gradients_that_are_kept_in_place(exact):
    def run(capture):
        model = network()
        optimizer = ad.SGD(model.parameters(), 0.5)
        x, labels = points()
        for p in model.parameters():
            p.grad = ad.Tensor(np.zeros(p.shape))

        @capture
        def step():
            for p in model.parameters():
                p.grad.data[...] = 0
            F.cross_entropy(model(x), labels).backward()
            optimizer.step()

        for _ in range(STEPS):
            step()
        return leftovers(model, optimizer)

    check(run, exact)


@each_exactness
def test_a_step_by_hand_under_no_grad(exact):
    def run(capture):
        weight = ad.Tensor(np.array([[1.0, -2.0]]), requires_grad=True)
        x, _ = points()

        @capture
        def step(rate):
            loss = np.mean((x @ weight.T - 1) ** 2)
            weight.grad = None
            loss.backward()
            with ad.no_grad():
                weight.data[...] = weight.data - rate * weight.grad.data
            return loss

        return [*(step(0.1) for _ in range(20)), weight.data.copy()]

    check(run, exact)


@each_exactness
def test_running_means_kept_in_an_attribute(exact):
    def run(capture):
        model = network()
        model.average = np.zeros(2)

        @capture
        def step(x):
            model.average *= 0.9
            model.average += 0.1 * np.mean(x, axis=0)
            return model(x - model.average)

        rng = np.random.default_rng(1)
        return [*(step(rng.normal(size=(4, 2))) for _ in range(10)), model.average.copy()]

    check(run, exact)


# Functions that do not train


@each_exactness
@each_dtype
def test_inference_under_no_grad(dtype, exact):
    def run(capture):
        model = network(dtype=dtype)

        @capture
        def predict(x):
            with ad.no_grad():
                return F.softmax(model(x))

        return [predict(points(dtype, seed=i)[0]) for i in range(10)]

    check(run, exact)


def test_inference_called_under_no_grad():
    def run(capture):
        model = network()
        predict = capture(lambda x: np.argmax(model(x), axis=-1))
        with ad.no_grad():
            return [predict(points(seed=i)[0]) for i in range(10)]

    check(run, exact=True)


def test_inference_sees_parameters_that_were_trained_meanwhile():
    def run(capture):
        model = network()
        x, _ = points()
        predict = capture(lambda: model(x))
        found = []
        for _ in range(10):
            found.append(predict())
            model.layers[0].weight.data[...] *= 0.9
        return found

    check(run, exact=True)


def energy(w, x):
    return np.sum(np.tanh(x @ w) ** 2)


TRANSFORMS = {
    "grad": lambda w, x: ad.grad(energy)(w, x),
    "value_and_grad": lambda w, x: ad.value_and_grad(energy)(w, x),
    "grad by both arguments": lambda w, x: ad.grad(energy, (0, 1))(w, x),
    "hessian": lambda w, x: ad.hessian(energy)(w, x),
    "hvp": lambda w, x: ad.hvp(lambda w: energy(w, x), (w,), (np.ones(2),)),
    "jacobian": lambda w, x: ad.jacobian(lambda w: np.tanh(x @ w))(w),
    "jvp": lambda w, x: ad.jvp(lambda w: np.tanh(x @ w), (w,), (np.ones(2),)),
    "vjp": lambda w, x: ad.vjp(lambda w: np.tanh(x @ w), w)[1](np.ones(4)),
    "grad of grad": lambda w, x: ad.grad(lambda w: np.sum(ad.grad(energy)(w, x) ** 2))(w),
}


@each_exactness
@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_transforms_inside_of_a_captured_function(transform, exact):
    def run(capture):
        rng = np.random.default_rng(2)
        function = capture(transform)
        results = [function(rng.normal(size=2), rng.normal(size=(4, 2))) for _ in range(8)]
        return [part for result in results for part in (result if isinstance(result, tuple) else (result,))]

    check(run, exact)


def test_second_order_gradients_with_create_graph():
    def run(capture):
        w = ad.Tensor(np.array([0.3, -0.2]), requires_grad=True)

        @capture
        def step(x):
            w.grad = None
            energy(w, x).backward(create_graph=True)
            slope = np.sum(w.grad**2)
            w.grad = None
            slope.backward()
            return slope

        rng = np.random.default_rng(2)
        return [*(step(rng.normal(size=(4, 2))) for _ in range(8)), w.grad]

    check(run, exact=True)


# Arguments

Batch = namedtuple("Batch", ["x", "y"])


@each_exactness
def test_arguments_in_lists_dicts_tuples_and_named_tuples(exact):
    def run(capture):
        @capture
        def function(pair, named, batch):
            return pair[0] @ pair[1] + named["bias"] * named["inner"][0] - batch.x * batch.y

        rng = np.random.default_rng(0)
        return [
            function(
                [rng.normal(size=(3, 2)), rng.normal(size=(2, 4))],
                {"bias": rng.normal(size=4), "inner": (rng.normal(), 7)},
                Batch(rng.normal(size=(3, 1)), 0.5 + i),
            )
            for i in range(8)
        ]

    check(run, exact)


@each_exactness
def test_tensors_as_arguments(exact):
    def run(capture):
        model = network()
        function = capture(lambda x, scale: np.exp(model(x)) * scale)
        rng = np.random.default_rng(0)
        return [function(ad.Tensor(rng.normal(size=(3, 2))), ad.Tensor(float(i), dtype=float)) for i in range(8)]

    check(run, exact)


@pytest.mark.parametrize("kind", [float, np.float32, np.float64, np.int64], ids=lambda kind: kind.__name__)
def test_numbers_as_arguments(kind):
    def run(capture):
        function = capture(lambda x, number: x * number + number**2)
        return [function(np.arange(3, dtype=np.float32), kind(i + 1)) for i in range(8)]

    check(run, exact=True)


def test_a_python_number_that_is_computed_with_before_it_meets_an_array():
    def run(capture):
        @capture
        def function(x, t):
            return x * (1 - 0.9**t) / (t + 1.0), 2 / t - -t, abs(t) // 2, t % 2

        results = [function(np.arange(3, dtype=np.float32), float(i + 1)) for i in range(8)]
        return [part for result in results for part in result]

    check(run, exact=True)


@pytest.mark.parametrize("kind", [float, np.float32], ids=lambda kind: kind.__name__)
def test_tensors_made_of_numbers(kind):
    def run(capture):
        @capture
        def function(x, number):
            scale = ad.Tensor(number, requires_grad=True)
            np.sum((x * scale + ad.Tensor(x[0])) ** 2).backward()
            return scale.grad

        return [function(np.arange(3, dtype=np.float32), kind(i + 1)) for i in range(8)]

    check(run, exact=True)


def test_infinite_numbers_and_nans_as_arguments():
    def run(capture):
        function = capture(lambda x, number: (np.maximum(x, number), np.isnan(x + number)))
        numbers = [1.0, -np.inf, 2.0, np.nan, np.inf, 3.0, np.nan, -np.inf]
        return [part for number in numbers for part in function(np.arange(3.0), number)]

    check(run, exact=True)


def test_positional_and_keyword_spelling_mixed():
    def run(capture):
        function = capture(lambda x, y, power=2.0: x - y**power)
        x, y = np.arange(3.0), np.arange(3.0) + 1
        spellings = [
            lambda k: function(x * k, y),
            lambda k: function(x * k, y=y),
            lambda k: function(y=y, x=x * k),
        ]
        return [spellings[k % 3](k) for k in range(12)]

    check(run, exact=True)


def test_a_default_spelled_out_or_left_away():
    step = ad.capture(lambda x, power=2.0: x**power)
    for i in range(10):
        power = {} if i % 2 else {"power": 2.0}
        np.testing.assert_array_equal(step(np.array([1.0, i]), **power), [1.0, float(i) ** 2])


def test_variable_arguments():
    def run(capture):
        function = capture(lambda *arrays, **named: sum(arrays) * named["scale"])
        return [function(np.arange(3.0), np.ones(3) * i, scale=i + 0.5) for i in range(8)]

    check(run, exact=True)


def test_the_same_array_passed_twice():
    def run(capture):
        function = capture(lambda x, y: x @ y.T + np.sum(x * y))
        rng = np.random.default_rng(0)
        arrays = [rng.normal(size=(3, 3)) for _ in range(8)]
        return [function(x, x) for x in arrays]

    check(run, exact=True)


def test_the_same_array_passed_twice_at_first_and_two_later():
    def run(capture):
        function = capture(lambda x, y: x - 2 * y)
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=3), rng.normal(size=3)
        return [function(x, x if i < 6 else y) for i in range(9)]

    check(run, exact=True)


@pytest.mark.parametrize(
    "layout",
    [
        lambda x: np.asfortranarray(x),
        lambda x: x.T,
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x[::-1],
        lambda x: np.broadcast_to(x[0], x.shape),
    ],
    ids=["Fortran order", "transposed", "every second column", "backwards", "broadcast"],
)
def test_arguments_whose_elements_lie_apart_in_memory(layout):
    def run(capture):
        function = capture(lambda x: (x @ x.T, np.sum(x, axis=0), x.reshape(-1) * 2))
        rng = np.random.default_rng(0)
        return [part for _ in range(8) for part in function(layout(rng.normal(size=(4, 4))))]

    check(run, exact=True)


def test_arguments_whose_layout_changes_after_the_recording():
    def run(capture):
        function = capture(lambda x: (x @ x, np.ravel(x), np.sum(x, axis=1)))
        rng = np.random.default_rng(0)
        arrays = [rng.normal(size=(4, 4)) for _ in range(10)]
        return [part for i, x in enumerate(arrays) for part in function(x if i < 6 else x.T)]

    check(run, exact=False)


def test_empty_arrays_and_arrays_without_axes():
    def run(capture):
        function = capture(lambda x, y: (np.sum(x) + y, x * 2, y * 2))
        return [part for i in range(8) for part in function(np.zeros((0, 3)), np.array(float(i)))]

    check(run, exact=True)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32, np.uint8, bool])
def test_arrays_of_every_kind(dtype):
    def run(capture):
        function = capture(lambda x: (x + x, np.sum(x), x.astype(np.float64) / 3, x == x[0]))
        rng = np.random.default_rng(0)
        return [part for _ in range(8) for part in function(rng.integers(0, 2, 5).astype(dtype))]

    check(run, exact=True)


def test_an_argument_changed_in_place():
    def run(capture):
        @capture
        def function(x, y):
            x += y
            x[0] = 7
            x *= 2
            return np.sum(x)

        x = np.zeros(4)
        return [*(function(x, np.arange(4.0) * i) for i in range(8)), x]

    check(run, exact=True)


def test_an_argument_that_is_a_view_changed_in_place():
    def run(capture):
        @capture
        def function(x):
            x[...] = np.sort(x)[::-1] + 1

        whole = np.random.default_rng(0).normal(size=(6, 6))
        for i in range(8):
            function(whole[i % 4, ::2])
        return [whole]

    check(run, exact=True)


def test_an_argument_changed_by_the_caller_between_the_calls():
    def run(capture):
        function = capture(lambda x: x * 2)
        x = np.zeros(3)
        found = []
        for i in range(9):
            x[...] = i
            found.append(function(x))
        return found

    check(run, exact=True)


# What the function reaches


def test_an_array_of_the_closure_changed_by_the_caller():
    def run(capture):
        scale = np.ones(3)
        function = capture(lambda x: x * scale)
        found = []
        for i in range(9):
            scale[...] = i
            found.append(function(np.arange(3.0)))
        return found

    check(run, exact=True)


def test_an_array_of_the_closure_changed_by_the_function():
    def run(capture):
        total, history = np.zeros(3), np.zeros((4, 3))

        @capture
        def function(x):
            total[...] += x
            np.add(total, 1, out=total)
            history[1:] = history[:-1].copy()
            history[0] = total
            return total

        rng = np.random.default_rng(0)
        return [*(np.array(function(rng.normal(size=3))) for _ in range(9)), total, history]

    check(run, exact=True)


def test_tuples_within_tuples_in_the_closure():
    def run(capture):
        pads = [((0, 1), (2, 0))]
        nested = ((np.ones(2), (np.arange(2.0), "name")), 3)
        function = capture(lambda x: np.pad(x * nested[0][0] + nested[0][1][0], pads[0]) * nested[1])
        return [function(np.full((2, 2), float(i))) for i in range(8)]

    check(run, exact=True)


def test_a_counter_in_the_closure():
    def run(capture):
        count = 0

        @capture
        def function(x):
            nonlocal count
            count += 1
            return x / count

        return [*(function(np.ones(3)) for _ in range(9)), count]

    check(run, exact=True)


def test_a_counter_in_an_attribute_of_the_model():
    def run(capture):
        model = network()
        model.calls = 0

        @capture
        def function(x):
            model.calls += 1
            return model(x) * 0.5**model.calls

        return [*(function(points(seed=i)[0]) for i in range(9)), model.calls]

    check(run, exact=True)


def test_a_running_sum_of_floats_in_a_dict():
    def run(capture):
        state = {"total": 0.0}

        @capture
        def function(x, amount):
            state["total"] = state["total"] * 0.5 + amount
            return x * state["total"]

        return [*(function(np.ones(3), i + 0.25) for i in range(9)), state["total"]]

    check(run, exact=True)


def test_a_variable_that_is_given_a_new_array_in_every_step():
    def run(capture):
        position, momentum = np.ones(3), np.zeros(3)

        @capture
        def function(x):
            nonlocal position, momentum
            momentum = momentum * 0.9 + x
            position = position - momentum
            return np.sum(position)

        rng = np.random.default_rng(0)
        return [*(function(rng.normal(size=3)) for _ in range(9)), position, momentum]

    check(run, exact=True)


def test_two_variables_that_trade_places():
    def run(capture):
        ping, pong = np.arange(3.0), np.zeros(3)

        @capture
        def function(x):
            nonlocal ping, pong
            ping, pong = pong + x, ping * 2
            return ping - pong

        return [*(function(np.full(3, 0.5 * i)) for i in range(9)), ping, pong]

    check(run, exact=True)


def test_a_method_of_an_object():
    class Filter:
        def __init__(self):
            self.state = np.zeros(2)

        def advance(self, x):
            self.state = self.state * 0.5 + x
            return self.state * 2

    def run(capture):
        made = Filter()
        advance = capture(made.advance)
        return [*(advance(np.array([1.0, i])) for i in range(9)), made.state]

    check(run, exact=True)


def test_an_object_that_can_be_called():
    def run(capture):
        model = network()
        predict = capture(model)
        return [predict(points(seed=i)[0]) for i in range(8)]

    check(run, exact=True)


def test_a_partial_function():
    def run(capture):
        function = capture(
            functools.partial(lambda x, scale, power: (x * scale) ** power, scale=np.arange(3.0), power=2.0)
        )
        return [function(np.full(3, float(i))) for i in range(8)]

    check(run, exact=True)


def test_each_instance_with_its_own_captured_method():
    class Scale:
        def __init__(self, factor):
            self.factor = np.array(factor)
            self.apply = ad.capture(self.apply)

        def apply(self, x):
            return x * self.factor

    double, triple = Scale(2.0), Scale(3.0)
    for i in range(8):
        assert double.apply(np.array([1.0 * i]))[0] == 2 * i
        assert triple.apply(np.array([1.0 * i]))[0] == 3 * i


def test_a_decorated_function_keeps_its_name_and_docstring():
    @ad.capture
    def advance(x):
        """Go on."""
        return x

    assert (advance.__name__, advance.__doc__) == ("advance", "Go on.")


# Results


def test_results_in_lists_dicts_and_tuples():
    function = ad.capture(
        lambda x: {"double": x * 2, "parts": (np.sum(x), [x + 1, None, "text", 3]), "batch": Batch(x, -x)}
    )
    for i in range(8):
        x = np.arange(3.0) * i
        found = function(x)
        assert list(found) == ["double", "parts", "batch"]
        assert type(found["parts"]) is tuple
        assert type(found["batch"]) is Batch
        assert type(found["parts"][1]) is list
        assert found["parts"][1][1:] == [None, "text", 3]
        np.testing.assert_array_equal(found["double"], x * 2)
        np.testing.assert_array_equal(found["parts"][0], np.sum(x))
        np.testing.assert_array_equal(found["parts"][1][0], x + 1)
        np.testing.assert_array_equal(found["batch"].y, -x)


def test_results_have_the_types_they_have_eagerly():
    def run(capture):
        function = capture(lambda x, t: (np.sum(x), x[0], x[..., 0], np.max(x) > 1, t * 2, ad.Tensor(x) * 2, x.T))
        return [part for i in range(8) for part in function(np.arange(3.0) * i, float(i))]

    check(run, exact=True)


def test_results_of_earlier_calls_stay_what_they_were():
    function = ad.capture(lambda x: (x * 2, ad.Tensor(x) + 1, [x], np.sum(x)))
    kept = [function(np.full(3, float(i))) for i in range(12)]
    for i, (double, more, (same,), total) in enumerate(kept):
        np.testing.assert_array_equal(double, [2.0 * i] * 3)
        np.testing.assert_array_equal(more.data, [i + 1.0] * 3)
        np.testing.assert_array_equal(same, [float(i)] * 3)
        assert total == 3 * i


def test_writing_into_a_result_changes_nothing_else():
    scale = np.arange(3.0)
    function = ad.capture(lambda x: (x * scale, scale * 2))
    for i in range(10):
        found = function(np.full(3, float(i)))
        np.testing.assert_array_equal(found[0], scale * i)
        np.testing.assert_array_equal(found[1], scale * 2)
        found[0][...] = np.nan
        found[1][...] = np.nan


def test_an_output_fed_back_as_the_next_input():
    def run(capture):
        function = capture(lambda x: np.sin(x) + 0.1 * x[::-1])
        x = np.arange(5.0)
        found = []
        for _ in range(20):
            x = function(x)
            found.append(x)
        return found

    check(run, exact=True)


def test_an_argument_that_is_returned_is_a_copy_or_the_argument():
    function = ad.capture(lambda x: x)
    for i in range(8):
        np.testing.assert_array_equal(function(np.full(2, float(i))), [i, i])


def test_a_parameter_that_is_returned_is_that_parameter():
    model = network()
    function = ad.capture(lambda: model.layers[0].weight)
    for _ in range(8):
        assert function() is model.layers[0].weight


def test_the_gradient_of_a_step_belongs_to_that_step():
    """A gradient that was kept is not the buffer of the next one: eagerly, each step makes a new one."""
    model = network()
    x, labels = points()

    def step(x, labels):
        for p in model.parameters():
            p.grad = None
        F.cross_entropy(model(x), labels).backward()

    fast = ad.capture(step, exact=True)
    for i in range(8):
        fast(x[i : i + 9], labels[i : i + 9])
        found = model.layers[0].weight.grad.data.copy()
        step(x[i : i + 9], labels[i : i + 9])
        np.testing.assert_array_equal(found, model.layers[0].weight.grad.data)


def test_a_function_that_returns_nothing():
    total = np.zeros(2)

    @ad.capture
    def function(x):
        total[...] += x

    for _ in range(8):
        assert function(np.ones(2)) is None
    np.testing.assert_array_equal(total, 8)


def test_the_program_and_the_time_of_compiling_can_be_read():
    function = ad.capture(lambda x: x * 2)
    for _ in range(8):
        function(np.ones(2))
    assert len(function.program.calls) == 1
    assert 0 < function.compile_seconds < 60


# What NumPy says of numbers


def test_errors_of_numpy_are_raised_in_replays_as_well():
    function = ad.capture(lambda x: 1 / x)
    for _ in range(8):
        function(np.ones(2))
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        function(np.zeros(2))


def test_errstate_within_the_function_holds_in_replays():
    @ad.capture
    def function(x):
        with np.errstate(divide="ignore"):
            return 1 / x

    for i in range(8):
        assert function(np.full(2, float(i % 2)))[0] == (1 if i % 2 else np.inf)


def test_a_warning_of_an_eager_run_is_a_warning_of_a_replay():
    function = ad.capture(lambda x: np.log(x))
    for _ in range(8):
        function(np.ones(2))
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        function(np.zeros(2))
