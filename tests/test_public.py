"""The public names: what editors, help() and type checkers know of them."""

import inspect
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional, public
from autodiff.registry import functions

ROOT = Path(__file__).parents[1]


def test_dir_shows_the_public_names_alone():
    assert dir(ad) == sorted(public.__all__)
    assert all(getattr(ad, name) is not None for name in dir(ad))


def test_a_misspelt_name_is_an_error():
    with pytest.raises(AttributeError, match=r"module 'autodiff' has no attribute 'Tensr'"):
        _ = ad.Tensr


def test_no_public_name_is_a_module_now_and_a_function_then():
    """What `import autodiff.x` makes of `autodiff.x` must not depend on what was imported before."""
    for package, names in ((ad, public.__all__), (functional, functional.__all__)):
        folder = Path(package.__file__).parent
        modules = {path.stem for path in [*folder.glob("*.py"), *(one.parent for one in folder.glob("*/__init__.py"))]}
        assert {"gradcheck", "functional"} <= modules or package is functional
        both = [name for name in names if name in modules and (package, name) != (ad, "tensor")]
        assert [name for name in both if not isinstance(getattr(package, name), ModuleType)] == []


@pytest.mark.parametrize("first", ["autodiff.tensor", "autodiff.graph", "autodiff.modules.checks", "autodiff"])
def test_tensor_is_the_function_whatever_was_imported_first(first):
    script = (
        f"import {first}; import autodiff as ad; from autodiff import tensor; assert tensor is ad.tensor; tensor([1.])"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def loss(w, *, scale=2.0):
    """Return the loss."""
    return np.sum(w * scale)


FUNCTIONS = [getattr(functional, name) for name in functional.__all__]
MAKERS = {
    **{
        maker.__name__: maker
        for maker in (ad.grad, ad.value_and_grad, ad.jacobian, ad.hessian, ad.capture, ad.checkpoint)
    },
    "no_grad": ad.no_grad(),
    "differentiable": ad.differentiable(),
}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_the_arguments_of_every_function_are_known(function):
    kinds = {parameter.kind for parameter in inspect.signature(function).parameters.values()}
    assert kinds
    assert not kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}


@pytest.mark.parametrize("maker", MAKERS)
def test_what_is_made_of_a_function_has_its_arguments(maker):
    made = MAKERS[maker](loss)
    functions.pop(made, None)  # a differentiable function is registered, and checked with all others
    assert inspect.signature(made) == inspect.signature(loss)


def shown_by_help(thing):
    script = f"import autodiff as ad; from autodiff import functional; help({thing})"
    return subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_help_shows_arguments_and_what_a_function_does():
    shown = without_blanks(shown_by_help("functional"))  # Python 3.13 gives each argument of many a line
    for function in FUNCTIONS:
        assert without_blanks(f"{function.__name__}{inspect.signature(function)}") in shown
        assert without_blanks(function.__doc__.splitlines()[0]) in shown


def without_blanks(text):
    return re.sub(r"[\s|]+|,(?=\s*\))", "", text)


def test_a_differentiable_function_in_a_class_is_not_given_the_instance():
    class Network:
        activation = functional.relu

    np.testing.assert_array_equal(Network().activation(np.array([-1.0, 2.0])), [0.0, 2.0])


# What a type checker says


WRONG = """
    import numpy as np
    import autodiff as ad
    from autodiff import functional as F

    x = ad.Tensor([1.0])

    ad.load_run(1)  # Argument 1 ... has incompatible type "int"
    ad.load_run("relu-adam").modle  # has no attribute "modle"
    ad.load_run("relu-adam").config + 1  # Unsupported operand types
    ad.load_run("relu-adam").log["loss"].wrong  # has no attribute "wrong"
    ad.load_run("relu-adam").model.eval().evl  # has no attribute "evl"
    ad.Tensr  # Module has no attribute "Tensr"
    F.rleu(x)  # Module has no attribute "rleu"
    F.relu(1, 2, 3, 4)  # Too many arguments
    F.relu()  # Missing positional argument "x"
    F.softmax(x, axis="last")  # Argument "axis" ... has incompatible type "str"
    F.cross_entropy(x, x, reductoin="sum")  # Unexpected keyword argument "reductoin"
    F.cross_entropy(x, x, reduction="total")  # Argument "reduction" ... has incompatible type


    def loss(w: ad.Tensor, scale: float = 1.0) -> ad.Tensor:
        return np.sum(w * scale)  # type: ignore[no-any-return]


    ad.grad(loss)(x, scael=2)  # Unexpected keyword argument "scael"
    ad.value_and_grad(loss)("x")  # Argument 1 ... has incompatible type "str"
    ad.jacobian(loss)()  # Too few arguments
    ad.hessian(loss)(x, 1.0, 2)  # Too many arguments
    ad.checkpoint(loss)(x, scael=2)  # Unexpected keyword argument "scael"
    ad.capture(loss)(x, scael=2)  # Unexpected keyword argument "scael"
    ad.capture(loss).programme  # has no attribute "programme"
    ad.no_grad()(loss)(x, scael=2)  # Unexpected keyword argument "scael"
    ad.differentiable(w=lambda g: g)(loss)(x, scael=2)  # Unexpected keyword argument "scael"
"""


def test_a_type_checker_finds_exactly_what_is_wrong(tmp_path):
    """Each line says what mypy has to say about it; nothing else is an error, and no wrong line passes."""
    lines = dedent(WRONG).strip().splitlines()
    expected = {i: line.split("  # ")[1] for i, line in enumerate(lines, 1) if "  # " in line and "type: " not in line}
    file = tmp_path / "wrong.py"
    file.write_text("\n".join(lines))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"wrong\.py:(\d+): error: (.*)", done.stdout)
    assert {int(number) for number, _ in found} == set(expected), done.stdout
    for number, words in found:
        assert all(part in words for part in expected[int(number)].split(" ... ")), words
