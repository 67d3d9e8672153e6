"""A captured training step does what the step does: losses, parameters, gradients and the optimizer's state."""

import itertools

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from tests.compiler.comparing import check, each_dtype, each_exactness, network, points

STEPS = 60

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


SCHEDULES = {
    "steps": lambda optimizer: ad.StepLR(optimizer, step_size=3, gamma=0.5),
    "exponential": lambda optimizer: ad.ExponentialLR(optimizer, gamma=0.9),
    "cosine": lambda optimizer: ad.CosineAnnealingLR(optimizer, steps=15),
    "cosine after a warmup": lambda optimizer: ad.CosineAnnealingLR(optimizer, steps=9, warmup=3),
    "linear": lambda optimizer: ad.LinearLR(optimizer, total_iters=8),
}


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_a_schedule_that_the_step_advances(schedule):
    def run(capture):
        model, (x, labels) = network(), points()
        optimizer = ad.Adam(model.parameters(), 0.02)
        plan = schedule(optimizer)

        def step():
            loss = F.cross_entropy(model(x), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            plan.step()
            return loss

        step, found = capture(step), []
        for _ in range(20):
            found += [step(), optimizer.learning_rate, plan.steps]
        return [*found, *leftovers(model, optimizer)]

    check(run, exact=True)
