"""Refusals: the lines that they name, and that the first of a recording is remembered."""

import json
import re

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.record import errors
from autodiff.compiler.record.errors import CaptureError, MissingAttributeError, here, is_library, missing, refusal


@pytest.fixture(autouse=True)
def _nothing_refused():
    errors.refused.error = None
    yield
    errors.refused.error = None


def line_of(function):
    """Return where the first line of a function's body is, as an error names it."""
    return f"{__file__}:{function.__code__.co_firstlineno + 1}, in {function.__name__}"


def test_here_is_the_users_line():
    def asking():
        return here()

    origin = asking()
    assert (origin.line, origin.within) == (line_of(asking), "")


def within(file, source):
    """Return what an expression makes as if it were written in that file."""
    return eval(compile(source, file, "eval"), {"here": here})


def test_the_line_beyond_the_libraries_is_named_and_the_function_of_the_engine_that_was_running():
    def asking():
        return inner()

    for file, running in [
        (f"{errors.ENGINE}/tensor.py", "tensor.py:1"),
        (f"{errors.COMPILER}/record/recorder.py", ""),
        (f"{errors.NUMPY}/linalg.py", ""),
    ]:
        inner = within(file, "lambda: here()")
        assert asking() == (line_of(asking), running)
        code = inner.__code__.replace(co_name="tanh")
        inner = type(inner)(code, inner.__globals__)
        assert asking() == (line_of(asking), "tanh" if running else "")


def test_the_innermost_function_of_the_engine_is_named():
    inner = within(f"{errors.ENGINE}/function.py", "lambda: here()")
    outer = eval(compile("lambda: inner()", f"{errors.ENGINE}/modules/module.py", "eval"), {"inner": inner})
    assert outer().within == "function.py:1"


def test_a_function_of_the_users_that_a_library_calls_is_where_it_is():
    def asking():
        return json.loads("{}", object_hook=lambda _: here())

    assert asking().line == f"{line_of(asking).split(', in')[0]}, in <lambda>"


def test_lines_of_numpy_python_and_the_engine_are_not_the_users():
    assert is_library(np.linalg.__file__)
    assert is_library(json.__file__)
    assert is_library(ad.__file__)
    assert not is_library(__file__)
    for installed in (pytest.__file__, f"{errors.STANDARD}/site-packages/torch/nn.py"):
        assert not is_library(installed)  # a library of the user's choice is the user's own code


def test_a_refusal_names_the_thing_the_line_and_the_way_out():
    def asking():
        return refusal("a branch", "choose with np.where")

    error = asking()
    assert type(error) is CaptureError
    assert str(error) == f"a branch at {line_of(asking)} cannot be captured: choose with np.where"


def test_the_first_refusal_is_remembered_and_the_last_is_returned():
    first, second = refusal("one", "a"), refusal("other", "b")
    assert errors.refused.error is first
    assert first is not second


def test_a_missing_attribute_is_one_to_hasattr_and_is_not_remembered():
    error = missing("detach")
    assert isinstance(error, AttributeError)
    assert isinstance(error, MissingAttributeError)
    assert isinstance(error, CaptureError)
    assert re.match(
        r"\.detach of a recorded value at .*test_errors\.py:\d+.*: call a NumPy function instead", str(error)
    )
    assert errors.refused.error is None
