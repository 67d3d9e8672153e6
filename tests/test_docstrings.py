"""The examples in the docstrings are run, and every public name has one."""

import doctest
import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional, public
from autodiff.registry import functions


@pytest.fixture(autouse=True)
def _registry():
    """Forget what an example registers."""
    before = dict(functions)
    yield
    functions.clear()
    functions.update(before)


FILES = [m.name for m in pkgutil.walk_packages(ad.__path__, "autodiff.") if ".experiment" not in m.name]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith("__main__")])
def test_the_examples_are_right(name):
    names = {"ad": ad, "np": np, "F": functional}
    failed, _ = doctest.testmod(importlib.import_module(name), extraglobs=names, optionflags=FLAGS)
    assert failed == 0


MODULES_OF_ONE_LINE = {
    *("Identity", "LogSigmoid", "Mish", "ReLU", "SELU", "SiLU", "Sigmoid", "Sine", "Softplus", "Tanh"),
}
"""Layers that say all by their name."""
SHOWN_ELSEWHERE = {"Drawing", "Optimizer", "Schedule", "load", "load_metadata"}
"""What is shown with what makes it, or what it takes."""
PUBLIC = {name: getattr(ad, name) for name in public.__all__}
PUBLIC |= {f"functional.{name}": getattr(functional, name) for name in functional.__all__}


@pytest.mark.parametrize("name", [n for n, v in PUBLIC.items() if callable(v) and n not in MODULES_OF_ONE_LINE])
def test_a_public_name_has_an_example(name):
    value = PUBLIC[name]
    if isinstance(value, type) and issubclass(value, BaseException):
        assert value.__doc__
    elif name not in {
        "Drawing",
        "Optimizer",
        "Schedule",
        "load",
        "load_metadata",
    }:  # shown with what makes what they take
        assert ">>> " in (value.__doc__ or "")


def test_every_method_says_what_it_does():
    for name, value in inspect.getmembers(ad.Tensor):
        if not name.startswith("_") and callable(value) and value.__doc__ is not None:
            assert not value.__doc__.strip().endswith("of this tensor."), name
