"""A table of layers as HTML, for notebooks: without colours of its own, so that it can be read on light and on dark."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

INDENT = 1.5  # of a layer within another, in ems
LEFT, RIGHT = "text-align:left", "text-align:right"


class Row(NamedTuple):
    """A layer as `repr` writes it, how many others it lies within, and the parameters that are its own.

    size, frozen: how many numbers they are, but for those in a row above, and how many of these are not trained.
    """

    depth: int
    layer: str
    shapes: str
    size: int
    frozen: int


def table(rows: Sequence[Row]) -> str:
    """Return the table, with a last line that says how many parameters the layers have together."""
    body = "".join(
        f'<tr><td style="{LEFT};padding-left:{0.5 + INDENT * row.depth}em">{escape(row.layer)}</td>'
        f'<td style="{LEFT}">{escape(row.shapes)}</td><td style="{RIGHT}">{number(row.size)}</td></tr>'
        for row in rows
    )
    total, frozen = sum(row.size for row in rows), sum(row.frozen for row in rows)
    said = f"{total:,}, {frozen:,} of them frozen" if frozen else f"{total:,}"
    return (
        f'<table><thead><tr><th style="{LEFT}">Layer</th><th style="{LEFT}">Shapes</th>'
        f'<th style="{RIGHT}">Parameters</th></tr></thead><tbody>{body}</tbody><tfoot><tr>'
        f'<th style="{LEFT}" colspan="2">Total</th><th style="{RIGHT}">{said}</th></tr></tfoot></table>'
    )


def number(size: int) -> str:
    """Return a number of parameters; nothing for none."""
    return f"{size:,}" if size else ""
