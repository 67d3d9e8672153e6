"""The places within an object."""

from types import SimpleNamespace

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.comparing import check_calls, each_exactness

X = np.arange(3.0)


class Half:
    """Keeps half of what it is given, in the dict of its object."""

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, owner, kind=None):
        return vars(owner)[self.name] * 2

    def __set__(self, owner, value):
        vars(owner)[self.name] = value / 2


class OfHalf:
    w = Half()

    def __init__(self):
        self.w = np.ones(3)


class OfProperty:
    def __init__(self):
        self.w = np.ones(3)

    @property
    def w(self):
        return self.__dict__["w"] * 3

    @w.setter
    def w(self, value):
        self.__dict__["w"] = value + 1


class Counting:
    def __init__(self):
        vars(self)["version"] = 0
        self.w = np.ones(3)

    def __setattr__(self, name, value):
        object.__setattr__(self, "version", self.version + 1)
        object.__setattr__(self, name, value)


class Doubling:
    def __init__(self):
        self.w = np.ones(3)

    def __getattribute__(self, name):
        value = object.__getattribute__(self, name)
        return value * 2 if name == "w" else value


KINDS = pytest.mark.parametrize("kind", [OfHalf, OfProperty, Counting, Doubling])


def held_by(thing):
    return {key: np.copy(value) for key, value in object.__getattribute__(thing, "__dict__").items()}


@KINDS
@each_exactness
def test_ways_of_the_users_to_read_and_set_attributes_run_in_the_step_alone(kind, exact):
    def build(wrap):
        thing = kind()

        def step(x):
            thing.w = thing.w * 0.5 + x
            return x * thing.w

        step = wrap(step)
        return lambda i: (step(X + i), held_by(thing))

    check_calls(build, exact, calls=20)


@KINDS
def test_no_stand_in_is_left_where_such_a_way_leads(kind):
    thing, other = kind(), SimpleNamespace(mode=None)

    @ad.capture
    def step(x):
        other.mode = [x.item()]
        return x * thing.w

    before = held_by(thing)
    with pytest.raises(ad.CaptureError):
        step(X)
    assert repr(held_by(thing)) == repr(before)
