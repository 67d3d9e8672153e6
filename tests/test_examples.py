"""Every example runs, with fewer steps, and comes to what it says."""

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
each_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)


def loaded(name):
    """Return an example as a module."""
    spec = spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_digits_are_told_apart(capsys):
    assert loaded("digits").main(epochs=4) > 0.95
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[-1].startswith("epoch  4: loss 0.")


def test_the_digits_are_all_there():
    images, digits = loaded("digits").load(np.random.default_rng(0))
    assert images.shape == (1797, 1, 8, 8)
    assert (images.min(), images.max(), images.dtype) == (0, 1, np.float32)
    assert np.bincount(digits).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # as its description says


def test_characters_are_learned_and_written(capsys):
    writer = loaded("characters")
    loss = writer.main(steps=40, length=20)
    assert loss < np.log(len(writer.CHARACTERS)) - 0.8  # of one who knows nothing
    written = capsys.readouterr().out.split("\n", 10)[-1]
    assert written.startswith("Alice ")
    assert len(written.rstrip("\n")) <= 26


def test_a_later_character_changes_nothing_before_it():
    writer = loaded("characters")
    model = writer.Writer(np.random.default_rng(0))
    numbers = np.random.default_rng(1).integers(0, len(writer.CHARACTERS), (1, 12))
    changed = numbers.copy()
    changed[0, 7] = (changed[0, 7] + 1) % len(writer.CHARACTERS)
    before, after = model(numbers).data, model(changed).data
    np.testing.assert_allclose(before[0, :7], after[0, :7], rtol=1e-5, atol=1e-6)
    assert not np.allclose(before[0, 7:], after[0, 7:], rtol=1e-3)


def test_the_equation_is_solved():
    assert loaded("physics").main(steps=1000) < 0.01


@each_script
def test_an_example_is_short_and_the_page_tells_of_it(script):
    text = script.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 80
    assert f"[`{script.name}`]({script.name})" in (EXAMPLES / "README.md").read_text(encoding="utf-8")


@each_script
def test_an_example_needs_numpy_and_the_public_names_alone(script):
    lines = re.findall(r"^\s*((?:import|from) .*)$", script.read_text(encoding="utf-8"), re.MULTILINE)
    ours = {line for line in lines if "autodiff" in line}
    registers = {"from autodiff.experiment import register"}  # what parts of one's own are brought to adrun with
    assert ours <= {"import autodiff as ad", "from autodiff import functional as F", *registers}
    assert {line.split()[1].split(".")[0] for line in lines} - sys.stdlib_module_names == {"autodiff", "numpy"}
