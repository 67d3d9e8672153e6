"""What CONTRIBUTING.md tells is so: its tasks, its example of an operation, its commands, and the files beside it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
RECIPES = {
    name: re.findall(r"^\t(.*)$", recipe, re.MULTILINE)
    for name, recipe in re.findall(r"^(\w+): ##.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
}
TEMPLATES = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert (ROOT / target).exists(), target


def test_the_tasks_are_those_of_the_makefile_and_of_ci():
    assert re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split() == list(RECIPES)
    assert set(re.findall(r"make (\w+)", PAGE)) == set(RECIPES)
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "\n".join(RECIPES["check"]) in ci
    assert RECIPES["setup"] + RECIPES["test"] == SECOND_COMMAND.split(" && ")


SECOND_COMMAND = re.findall(r"^python3 -m venv.*", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)[1]
"""Of the README: it sets up all that the tests need, and runs them."""


def test_what_runs_before_a_commit_is_a_task():
    (hooks,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert [hook["entry"] for hook in hooks["hooks"]] == ["make check"]


def test_the_rule_and_the_samples_shown_are_those_of_the_function():
    python = [block for language, block in BLOCKS if language == "python"]
    assert python[0] in (ROOT / "autodiff" / "rules" / "elementwise.py").read_text(encoding="utf-8")
    (samples,) = re.findall(r"`(np\.\w+: .*?,)`", PAGE)
    assert f"    {samples}\n" in (ROOT / "autodiff" / "samples" / "elementwise.py").read_text(encoding="utf-8")


def test_the_function_shown_is_differentiable():
    python = [block for language, block in BLOCKS if language == "python"]
    checked = (
        "import autodiff as ad\n"
        "for order in (1, 2):\n"
        "    found = ad.gradcheck.check_gradient(squared_relu, [np.array([-1.5, 0.7, 2.0])], order=order)\n"
        "    assert found and all(one.passed for one in found), found\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", python[1] + checked], cwd=ROOT, check=True)


def test_the_check_of_one_function_runs():
    (commands,) = [block.splitlines() for language, block in BLOCKS if language == "sh"]
    for command in commands:
        program, *arguments = command.replace(".venv/bin/adrun", ".venv/bin/python -m autodiff").split()
        assert program == ".venv/bin/python"
        done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r"\d+ passed|checks passed", done.stdout)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_the_issue_templates_are_forms_that_ask_for_something(template):
    form = yaml.safe_load(template.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= form.keys()
    assert any(field.get("validations", {}).get("required") for field in form["body"])
    assert len({field["id"] for field in form["body"]}) == len(form["body"])
    assert all({"type", "attributes"} <= field.keys() and field["attributes"]["label"] for field in form["body"])
