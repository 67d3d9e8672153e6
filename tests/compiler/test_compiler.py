"""The compiler as a whole; what each pass does is tested in passes/, and what comes of it in test_training.py."""

import sys

import numpy as np

import autodiff as ad
from autodiff import functional as F  # noqa: N812 - the name by which the field knows it
from autodiff.compiler.compiler import compile_recording


def lines_run_by(function):
    """Return how many lines of Python a call runs: a measure of its work that no load on the machine changes."""
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


def recording_of_layers(count):
    rng = np.random.default_rng(0)
    layers = [layer for _ in range(count) for layer in (ad.Linear(4, 4, rng=rng), ad.ReLU())]
    model = ad.Sequential(*layers, ad.Linear(4, 3, rng=rng))
    optimizer = ad.Adam(model.parameters(), learning_rate=0.01)
    x, labels = rng.normal(size=(5, 4)).astype(np.float32), rng.integers(0, 3, 5)

    @ad.capture
    def step():
        loss = F.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    step()
    step()
    return step.latest


def test_compiling_takes_work_in_proportion_to_the_layers():
    few, many = recording_of_layers(8), recording_of_layers(32)
    work = [lines_run_by(lambda recording=one: compile_recording(recording, False)) for one in (few, many)]
    assert work[1] < 4 * work[0]
