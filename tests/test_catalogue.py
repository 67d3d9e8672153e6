import ast
import re
import warnings
from pathlib import Path

import numpy as np

from autodiff.catalogue import catalogue
from autodiff.registry import full_name, functions
from autodiff.rules.elementwise import DEPRECATED

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "functions.md"


def test_the_table_in_the_docs_is_that_of_the_registry():
    assert DOCUMENT.read_text(encoding="utf-8") == catalogue(), "run: python -m autodiff.catalogue > docs/functions.md"


def test_every_rule_is_linked_to_the_line_where_it_is_written():
    links = re.findall(r"\]\(\.\./([^)]+)#L(\d+)\)", catalogue())
    assert len(links) > 200
    assert all(file.startswith("autodiff/") for file, _ in links)
    for file in {file for file, _ in links}:
        nodes = [*ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8")))]
        written = [node.lineno for node in nodes if isinstance(node, ast.Lambda | ast.FunctionDef)]
        written += [line.lineno for node in nodes if isinstance(node, ast.FunctionDef) for line in node.decorator_list]
        assert {int(line) for other, line in links if other == file} <= set(written), file


def test_a_link_leads_to_the_rule_of_that_function():
    (file, line), *_ = re.findall(r"`np\.tanh` \| \[x\]\(\.\./([^)]+)#L(\d+)\)", catalogue())
    assert "np.tanh" in (ROOT / file).read_text(encoding="utf-8").splitlines()[int(line) - 1]


def test_np_fix_has_a_rule_where_numpy_does_not_warn_of_it():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = np.fix(-1.5) if hasattr(np, "fix") else None
    stands = value == np.trunc(-1.5) and not caught
    assert [full_name(function) for function in DEPRECATED] == ["np.fix"] * stands
    assert ("np.fix" in {full_name(function) for function in functions}) == stands


def test_every_function_with_a_gradient_says_for_what_and_on_how_many_samples():
    rows = [line.split("|")[1:-1] for line in catalogue().splitlines() if line.startswith("| `")]
    assert len(rows) > 200
    for name, arguments, orders, samples, manner in rows:
        has_samples = bool(samples.strip())
        assert has_samples == (arguments.strip() not in ("none", "values written")), name
        assert orders.strip() == ("1, 2" if has_samples else "")
        assert arguments.strip()
        assert manner.strip()
