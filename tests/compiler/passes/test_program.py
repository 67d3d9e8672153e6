"""The program of a captured step: what it says when it is printed, and the code that runs it."""

import ast
import re

import numpy as np

import autodiff as ad
from autodiff import functional as F  # noqa: N812


def captured_training(exact=True):
    rng = np.random.default_rng(0)
    model = ad.Sequential(ad.Linear(2, 5, rng=rng), ad.ReLU(), ad.Linear(5, 3, rng=rng))
    optimizer = ad.SGD(model.parameters(), 0.1)

    @ad.capture if not exact else lambda function: ad.capture(function, exact=True)
    def step(x, labels):
        loss = F.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for _ in range(7):
        step(rng.normal(size=(7, 2)).astype(np.float32), rng.integers(0, 3, 7))
    return step


def test_every_call_is_shown_with_its_shape_and_the_users_line():
    text = str(captured_training().program)
    lines = text.splitlines()
    assert "calls" in lines[0]
    assert "bytes" in lines[0]
    computed = [line for line in lines if "  # " in line]
    assert len(computed) >= 10
    assert all("test_program.py:" in line for line in computed)
    assert any("np.matmul" in line and "float32[7, 5]" in line for line in computed)


def test_the_function_of_the_engine_is_shown():
    assert "relu" in str(captured_training().program)


def test_arguments_and_parameters_are_shown_by_name():
    text = str(captured_training().program)
    assert "argument" in text
    assert "float32[5, 2]" in text
    assert "learning_rate" in text


def test_what_is_returned_is_shown():
    assert str(captured_training().program).splitlines()[-1].strip().startswith("return ")


def test_the_program_of_the_fast_kernels_can_be_printed_too():
    assert "return" in str(captured_training(exact=False).program)


def test_the_code_is_python():
    step = captured_training()
    tree = ast.parse(step.compiled.source)
    assert isinstance(tree.body[0], ast.FunctionDef)


def test_views_are_made_once_and_not_in_the_code():
    def function(x):
        return np.exp(x.T) + x.reshape(3, 2) + x[::-1].T

    step = ad.capture(function, exact=True)
    for i in range(8):
        x = np.arange(6.0).reshape(2, 3) + i
        np.testing.assert_array_equal(step(x), function(x))
    source = step.compiled.source
    assert not any(word in source for word in ("transpose", "reshape", "getitem", "::"))
    assert sum(not call.is_view for call in step.program.calls) == 3


def test_a_step_is_compiled_once():
    step = captured_training()
    program, seconds = step.program, step.compile_seconds
    rng = np.random.default_rng(0)
    for _ in range(5):
        step(rng.normal(size=(7, 2)).astype(np.float32), rng.integers(0, 3, 7))
    assert step.program is program
    assert step.compile_seconds == seconds > 0


def test_the_exact_program_makes_no_call_that_the_step_does_not_make():
    """Bit for bit: fewer calls than recorded are possible, other ones are not."""
    step = ad.capture(lambda x: np.exp(x) @ np.ones((3, 2)) + np.sum(x, axis=1, keepdims=True), exact=True)
    for i in range(8):
        step(np.arange(12.0).reshape(4, 3) + i)
    names = {call.function.__name__ for call in step.program.calls if not call.is_view}
    assert names <= {"exp", "matmul", "add", "sum", "reduce", "assign", "fill"}


def test_results_of_several_parts_are_shown_by_their_names():
    log = []

    @ad.capture
    def step(x):
        log.append((x * 3, 1.5))
        return {"half": x / 2, "parts": [x + 1, (np.ones(()), None)]}

    for i in range(6):
        step(np.arange(3.0) + i)
    appended, returned = (line.strip() for line in str(step.program).splitlines()[-2:])
    assert re.fullmatch(r"log\.append\(\(b\d+, 1\.5\)\)", appended)
    assert re.fullmatch(r"return \{half: b\d+, parts: \(b\d+, \(1, None\)\)\}", returned)
