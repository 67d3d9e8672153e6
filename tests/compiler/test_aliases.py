"""PyTorch's names within a captured step: they do what they do without."""

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from tests.compiler.comparing import check, network
from tests.compiler.refusing import refused
from tests.test_aliases import ROWS, names

ARGUMENTS = ["t", "u", "v", "x", "labels", "logits"]


def values(expression, capture):
    """Return what an expression is in ten calls, each with other values of the arrays."""
    known = names()
    step = capture(eval(f"lambda {', '.join(ARGUMENTS)}: {expression}", known))
    return [
        step(*(np.roll(known[name], i) if name == "labels" else moved(known[name], i) for name in ARGUMENTS))
        for i in range(10)
    ]


def moved(tensor, i):
    return ad.Tensor(tensor.data + i)


@pytest.mark.parametrize("expression", [here for _, here in ROWS])
def test_every_row_of_the_page(expression):
    check(lambda capture: values(expression, capture), exact=False)


@pytest.mark.parametrize(
    "expression",
    [
        "t.detach().numpy()", "ad.Tensor(labels).numpy()", "F.one_hot(labels, 3)", "F.one_hot(ad.Tensor(labels), 3)",
        "F.nll_loss(F.log_softmax(logits), labels)", "F.nll_loss(F.log_softmax(logits), labels, ignore_index=2)",
    ],
)  # fmt: skip
def test_what_looks_at_values(expression):
    check(lambda capture: values(expression, capture), exact=False)


def test_the_number_of_classes_is_not_found_out():
    refused(ad.capture(lambda x: F.one_hot(np.astype(x, int))), r"int\(\)")


def test_a_network_that_follows_another_one():
    def run(capture):
        model, target = network(), network()
        optimizer = ad.SGD(model.parameters(), 0.1)
        n = 0

        def step(x):
            nonlocal n
            loss = F.mse(model(x), target(x).detach() + 1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            n += 1
            if n % 3 == 0:
                target.load_state_dict(model.state_dict())
            return loss

        step = capture(step)
        losses = [step(np.full((3, 2), i / 20)) for i in range(20)]
        return [*losses, *(p.data for p in target.parameters())]

    check(run, exact=False)
