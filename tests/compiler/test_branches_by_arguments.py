"""Branches by floats among the arguments: a program for each way, as by counters."""

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.comparing import check, network, points


def test_a_program_for_each_way():
    def run(capture):
        step = capture(
            lambda x, settings: x * 2 if settings["rate"] > 0.5 and settings["decay"] < 1 else x + settings["rate"]
        )
        rates = [0.1 * (i % 9) for i in range(40)]
        return [step(np.ones(2) * i, {"rate": rate, "decay": 2 * rate}) for i, rate in enumerate(rates)]

    check(run, exact=True)


def test_what_is_computed_from_an_argument_and_a_counter():
    def run(capture):
        count = 0

        @capture
        def step(x, every):
            nonlocal count
            count += 1
            return x * (2 if count % (2 * every) == 0 else 1)

        return [step(np.ones(2) * i, 1.0 + i % 3) for i in range(40)]

    check(run, exact=True)


SETTINGS = {
    "clip_grad_norm": lambda model, x, y, value: (loss_of(model, x, y), ad.clip_grad_norm(model.parameters(), value)),
    "label_smoothing": lambda model, x, y, value: ad.functional.cross_entropy(model(x), y, label_smoothing=value),
    "dropout": lambda model, x, y, value: ad.functional.dropout(model(x), value, rng=RNG).sum(),
    "huber": lambda model, x, y, value: ad.functional.huber(model(x)[:, 0], y * 1.0, delta=value),
    "weight decay": lambda model, x, y, value: loss_of(model, x, y) * (1 + value if value > 0.25 else 1),
}
RNG = np.random.default_rng(0)


def loss_of(model, x, y):
    loss = ad.functional.cross_entropy(model(x), y)
    model.zero_grad()
    loss.backward()
    return loss


@pytest.mark.parametrize("compute", SETTINGS.values(), ids=SETTINGS.keys())
def test_settings_that_functions_of_the_engine_look_at(compute):
    def run(capture):
        RNG.bit_generator.state = np.random.default_rng(0).bit_generator.state
        model = network()
        step = capture(lambda x, y, value: compute(model, x, y, value))
        found = [step(*points(seed=i), 0.1 + 0.2 * (i % 3)) for i in range(20)]
        return [part for one in found for part in (one if isinstance(one, tuple) else [one])]

    check(run, exact=True)


def test_a_value_that_the_function_refuses_is_refused_in_a_replay():
    step = ad.capture(lambda x, y, value: ad.functional.cross_entropy(x, y, label_smoothing=value), check_every=0)
    x, y = np.ones((3, 2)), np.array([0, 1, 1])
    for _ in range(8):
        step(x, y, 0.1)
    with pytest.raises(ValueError, match="label_smoothing"):
        step(x, y, 1.5)
    assert step(x, y, 0.2).item() == ad.functional.cross_entropy(x, y, label_smoothing=0.2).item()
