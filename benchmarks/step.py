"""A training step side by side: autodiff, plain NumPy by hand, and PyTorch where it is installed.

    OMP_NUM_THREADS=1 python -m benchmarks.step

300 points, a 2-100-3 network with ReLU, Adam, float32. Rounds are interleaved and medians compared, so that the noise
of the machine falls on all alike. All start from the same weights, and their losses after 100 steps have to agree.
"""

import operator
import platform
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

import autodiff as ad
from autodiff import functional as F  # noqa: N812 - the name by which the field knows it

Array = NDArray[np.float32]
Step = Callable[[], float]

ROUNDS, STEPS, LEARNING_RATE = 40, 50, 0.01


def make_data() -> tuple[Array, NDArray[np.int64], list[Array]]:
    """Return points, labels and initial weights, the same for all."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(300, 2)).astype(np.float32)
    labels = rng.integers(0, 3, 300)
    shapes = [(100, 2), (100,), (3, 100), (3,)]
    return points, labels, [(0.3 * rng.normal(size=shape)).astype(np.float32) for shape in shapes]


def with_autodiff() -> Step:
    """Return a step of this project's engine."""
    points, labels, weights = make_data()
    rng = np.random.default_rng(0)
    model = ad.Sequential(ad.Linear(2, 100, rng=rng), ad.ReLU(), ad.Linear(100, 3, rng=rng))
    model.load_state_dict(dict(zip(model.state_dict(), weights, strict=True)))
    optimizer = ad.Adam(model.parameters(), LEARNING_RATE)

    def step() -> float:
        loss = F.cross_entropy(model(points), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss)

    return step


def by_hand() -> Step:
    """Return a step as one writes it in NumPy without an engine."""
    points, labels, weights = make_data()
    first, first_bias, second, second_bias = weights
    means, squares = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    rows, count = np.arange(len(labels)), 0

    def step() -> float:
        nonlocal count
        hidden = np.maximum(points @ first.T + first_bias, 0)
        logits = hidden @ second.T + second_bias
        logits = logits - logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        totals = exponentials.sum(axis=1, keepdims=True)
        loss = -(logits[rows, labels] - np.log(totals[:, 0])).mean()
        slope = exponentials / totals
        slope[rows, labels] -= 1
        slope /= len(labels)
        back = slope @ second
        back *= hidden > 0
        gradients = [back.T @ points, back.sum(axis=0), slope.T @ hidden, slope.sum(axis=0)]
        count += 1
        for values, gradient, mean, square in zip(weights, gradients, means, squares, strict=True):
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient * gradient - square)
            values -= LEARNING_RATE / (1 - 0.9**count) * mean / (np.sqrt(square / (1 - 0.999**count)) + 1e-8)
        return float(loss)

    return step


def with_torch() -> Step:
    """Return a step of PyTorch with its fused Adam."""
    torch = import_module("torch")
    torch.set_num_threads(1)
    points, labels, weights = make_data()
    model = torch.nn.Sequential(torch.nn.Linear(2, 100), torch.nn.ReLU(), torch.nn.Linear(100, 3))
    model.load_state_dict(dict(zip(model.state_dict(), map(torch.from_numpy, weights), strict=True)))
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE, fused=True)
    inputs, targets = torch.from_numpy(points), torch.from_numpy(labels)

    def step() -> float:
        loss = torch.nn.functional.cross_entropy(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def microseconds(step: Callable[[], Any]) -> float:
    """Return how long one of some steps takes."""
    started = time.perf_counter()
    for _ in range(STEPS):
        step()
    return (time.perf_counter() - started) / STEPS * 1e6


def overhead() -> None:
    """Print what an operation on three numbers costs beside the bare NumPy call."""
    numbers = np.ones(3, np.float32)
    cases: dict[str, Callable[[], Any]] = {}
    plain, tracked = ad.Tensor(numbers), ad.Tensor(numbers, requires_grad=True)
    for name, value in [("NumPy", numbers), ("autodiff", plain), ("autodiff, with a gradient", tracked)]:
        cases[f"a * b, {name}"] = partial(operator.mul, value, value)
        cases[f"np.exp(a), {name}"] = partial(np.exp, value)
    if find_spec("torch"):
        torch = import_module("torch")
        for name, wanted in [("PyTorch", False), ("PyTorch, with a gradient", True)]:
            tensor = torch.ones(3, requires_grad=wanted)
            cases[f"a * b, {name}"] = partial(operator.mul, tensor, tensor)
            cases[f"exp(a), {name}"] = partial(torch.exp, tensor)
    times = {name: [microseconds(case) for _ in range(ROUNDS)] for name, case in cases.items()}
    print(f"\n{'one operation on 3 numbers':34}{'microseconds':>14}")
    for name, found in times.items():
        print(f"{name:34}{statistics.median(found):14.2f}")


def main() -> None:
    """Measure and print the tables."""
    makers = {"NumPy by hand": by_hand, "autodiff": with_autodiff}
    if find_spec("torch"):
        makers["PyTorch"] = with_torch
    else:
        print("PyTorch is not installed: pip install torch==2.13.0")
    steps = {name: make() for name, make in makers.items()}
    losses = {name: [step() for _ in range(101)][-1] for name, step in steps.items()}
    assert max(losses.values()) - min(losses.values()) < 1e-4, f"the losses differ: {losses}"
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            times[name].append(microseconds(step))
    reference = statistics.median(times["NumPy by hand"])
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, loss after 100 steps {losses['autodiff']:.6f}")
    print(f"{'a training step':24}{'microseconds':>14}{'ratio':>8}")
    for name, found in times.items():
        print(f"{name:24}{statistics.median(found):14.1f}{statistics.median(found) / reference:8.2f}")
    overhead()


if __name__ == "__main__":
    main()
