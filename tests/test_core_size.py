"""The core is what a student reads to understand reverse mode, so that it stays short."""

import ast
import io
import tokenize
from pathlib import Path

import autodiff

CORE = ("tensor", "function", "graph", "saved", "anomaly", "transforms")
LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def lines_of_code(source):
    """Return how many lines hold code: they are not blank, and not all comment or docstring, be it of a variable."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {line for token in tokens if token.type not in LAYOUT for line in lines_from(token.start[0], token.end[0])}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines.difference_update(lines_from(node.lineno, node.end_lineno))
    return len(lines)


def lines_from(first, last):
    return range(first, last + 1)


SOURCE = '''"""A docstring

of several lines."""

import a  # a comment beside code

# A comment

TEXT = """a string
that is code"""
"""What a variable is."""


def f(
    x,
):
    """A docstring."""
    return x
'''


def test_lines_of_code_are_neither_blank_nor_comment_nor_docstring():
    assert lines_of_code(SOURCE) == 7
    assert lines_of_code("") == 0


def test_the_core_is_under_900_lines_of_code():
    sizes = {name: lines_of_code((Path(autodiff.__file__).parent / f"{name}.py").read_text("utf-8")) for name in CORE}
    assert sum(sizes.values()) < 900, sizes
