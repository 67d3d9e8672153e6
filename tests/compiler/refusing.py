"""Captured steps to be refused, for the tests of what is."""

import threading

import numpy as np
import pytest

import autodiff as ad

OFFSET = np.zeros(2)


def call(function, times=8, argument=None):
    """Call a captured function several times; within the later ones it is replayed."""
    argument = np.array([1.0, 2.0]) if argument is None else argument
    for _ in range(times):
        result = function(argument)
    return result


def refused(function, match, times=8, argument=None):
    """Call a captured function until it refuses, and return the error."""
    with pytest.raises(ad.CaptureError, match=match) as caught:
        call(function, times, argument)
    return str(caught.value)


def followed(function, argument=None, times=8):
    """Check that a captured function, of whose surroundings something was changed, gives what it gives as it is."""
    argument = np.array([1.0, 2.0]) if argument is None else argument
    for _ in range(times):
        found, expected = function(argument), function.function(argument)
        pair = [part.data if isinstance(part, ad.Tensor) else part for part in (found, expected)]
        if pair[1] is not None:
            np.testing.assert_allclose(*pair, rtol=1e-12)
    assert function.current.is_ready


def outcome(function, *args):
    """Return the result of a call and nothing, or None and the text of the refusal."""
    try:
        return function(*args), ""
    except ad.CaptureError as error:
        return None, str(error)


def network(seed=3):
    rng = np.random.default_rng(seed)
    return ad.Sequential(
        ad.Linear(2, 4, rng=rng, dtype=np.float64), ad.Tanh(), ad.Linear(4, 1, rng=rng, dtype=np.float64)
    )


def training(model=None, optimizer=None):
    """Return a captured step on which six calls were made, its network and its optimizer."""
    model = model or network()
    optimizer = optimizer or ad.SGD(model.parameters(), 0.01, momentum=0.9)

    @ad.capture
    def step(x):
        loss = np.mean(model(x) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    call(step, 6, np.ones((3, 2)))
    return step, model, optimizer


def followed_training(step, model, optimizer, times=8):
    """Check that a captured step, of whose surroundings something was changed, does what it does as it is."""
    for _ in range(times):
        before = [p.data.copy() for p in model.parameters()], optimizer.state_dict()
        found = [step(X).data, *(p.data.copy() for p in model.parameters())]
        for p, values in zip(model.parameters(), before[0], strict=True):
            p.data[...] = values
        optimizer.load_state_dict(before[1])
        expected = [step.function(X).data, *(p.data for p in model.parameters())]
        for pair in zip(found, expected, strict=True):
            np.testing.assert_allclose(*pair, rtol=1e-12)
    assert step.current.is_ready


def captured_on(*args, function=None, **keywords):
    """Return a captured function that was called seven times with these arguments."""
    step = ad.capture(function or (lambda *args, **keywords: [part * 2 for part in flat((args, keywords))]))
    for _ in range(7):
        step(*args, **keywords)
    return step


def flat(tree):
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        return [leaf for part in tree for leaf in flat(part)]
    return [tree]


X = np.ones((3, 2))


def in_thread(work):
    found = []

    def run():
        try:
            found.append(work())
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]
