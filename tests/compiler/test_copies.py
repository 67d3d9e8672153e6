"""Copies of objects that hold a captured step: theirs is a step of their own, which is not compiled yet."""

import copy
import pickle

import numpy as np

import autodiff as ad


class Trainer:
    def __init__(self):
        self.w = ad.Parameter(np.ones(2))
        self.step = ad.capture(self.step, exact=True, check_every=7)

    def step(self, x):
        loss = np.sum(self.w * x)
        self.w.grad = None
        loss.backward()
        self.w.data[...] -= self.w.grad.data
        return loss


@ad.capture
def double(x):
    return x * 2


def check_copy(make):
    trainer = Trainer()
    for _ in range(6):
        trainer.step(np.ones(2))
    other = make(trainer)
    assert other.step is not trainer.step
    assert other.step.specializations == []
    assert (other.step.step.exact, other.step.step.check_every) == (True, 7)
    np.testing.assert_array_equal(other.w.data, -5)
    for i in range(6):
        assert other.step(np.ones(2)).item() == -10 - 2 * i
    np.testing.assert_array_equal(trainer.w.data, -5)


def test_a_deep_copy():
    check_copy(copy.deepcopy)


def test_a_pickled_copy():
    check_copy(lambda trainer: pickle.loads(pickle.dumps(trainer)))


def test_a_captured_function_of_a_module_is_that_function():
    assert pickle.loads(pickle.dumps(double)) is double
    assert copy.deepcopy(double) is double
