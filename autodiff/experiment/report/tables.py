"""The page's tables, as HTML: results, configs with what differs marked, versions."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from autodiff.experiment.runs.fields import differing, flattened
from autodiff.experiment.runs.text import value_text


def html_table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]], marked: Sequence[str] = ()) -> str:
    """Return a table. marked: the first cells of rows whose other cells are marked."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in headings)
    body = []
    for first, *cells in rows:
        mark = ' class="differs"' if first in marked else ""
        values = "".join(f"<td{mark}>{escape(cell)}</td>" for cell in cells)
        body.append(f'<tr><th scope="row">{escape(first)}</th>{values}</tr>')
    return (
        f'<div class="scroll" role="group" aria-label="{escape(caption)}" tabindex="0"><table>'
        f'<caption class="hidden">{escape(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def markdown_table(caption: str, text: str) -> str:
    """Return a table that is written in Markdown as HTML."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip().replace("\\|", "|") for cell in cells_of(line)] for line in lines]
    return html_table(caption, rows[0], rows[2:])


def cells_of(line: str) -> list[str]:
    """Return the cells of a row in Markdown, in which a bar within a cell has a backslash before it."""
    return line.replace("\\|", "\0").strip().strip("|").replace("\0", "\\|").split(" | ")


def config_table(configs: Mapping[str, Mapping[str, Any]]) -> str:
    """Return all fields of the configs, a column each, with those that differ marked."""
    flat = {name: flattened(config) for name, config in configs.items()}
    fields = dict.fromkeys(field for values in flat.values() for field in values)
    rows = [[field, *(value_text(values.get(field)) for values in flat.values())] for field in fields]
    return html_table("settings", ["field", *flat], rows, differing(*configs.values()))


def machine_table(summaries: Sequence[Mapping[str, Any]]) -> str:
    """Return the versions and machines that the runs come from, a column for each that there is."""
    kinds = [flattened({**(summary.get("versions") or {}), **(summary.get("machine") or {})}) for summary in summaries]
    distinct = list({tuple(kind.items()): kind for kind in kinds}.values())
    fields = dict.fromkeys(field for kind in distinct for field in kind)
    rows = [[field, *(str(kind.get(field, "")) for kind in distinct)] for field in fields]
    return html_table("versions and machine", ["entry", *("value" for _ in distinct)], rows) if rows else ""
