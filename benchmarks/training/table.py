"""The results as tables, in plain text and in Markdown."""

from dataclasses import dataclass

from benchmarks.training.rounds import ROUNDS, Entry, Results
from benchmarks.training.work import TINY

BASE = "adrun captured"
COMPILING = ["adrun captured", "torch.compile", "jax.jit", "jax scan"]


@dataclass
class Table:
    """A title, the heads of the columns, and rows of cells; the first column is text, the others are numbers."""

    title: str
    heads: list[str]
    rows: list[list[str]]

    def text(self) -> str:
        """Return the table for a terminal."""
        widths = [max(map(len, column)) for column in zip(self.heads, *self.rows, strict=True)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
            for row in [self.heads, *self.rows]
        ]
        return "\n".join([self.title, "", *(line.rstrip() for line in lines)])

    def markdown(self) -> str:
        """Return the table as Markdown."""
        rule = ["---", *("---:" for _ in self.heads[1:])]
        lines = [f"| {' | '.join(row)} |" for row in [self.heads, rule, *self.rows]]
        return "\n".join([f"## {self.title}", "", *lines])


class Notes:
    """Explanations, each told once, with the mark that refers to it."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def mark(self, contestant: str, entry: Entry) -> str:
        """Return the mark of what explains an entry."""
        text = f"{contestant}: {entry.words}: {entry.note}"
        if text not in self.texts:
            self.texts.append(text)
        return f"[{self.texts.index(text) + 1}]"


def make_tables(results: Results) -> tuple[list[Table], list[str]]:
    """Return the tables of the results and the notes to them."""
    notes = Notes()
    rows = {row: entries for row, entries in results.items() if row != TINY}
    names = list(next(iter(rows.values())))
    times = [[str(row), *(time_of(name, entries[name], notes) for name in names)] for row, entries in rows.items()]
    ratios = [[str(row), *(ratio_of(entries, name) for name in names)] for row, entries in rows.items()]
    first = next(iter(rows))
    compiling = [[name, *compilation(rows[first][name], notes, name)] for name in COMPILING]
    tiny = [[name, time_of(name, entry, notes)] for name, entry in results[TINY].items()]
    heads = ["a training step", *names]
    return [
        Table(f"Microseconds of a training step, medians of {ROUNDS} interleaved rounds", heads, times),
        Table(f"Times as long as {BASE}", heads, ratios),
        Table(f"What a step costs where nothing is large: {TINY}", ["contestant", "microseconds"], tiny),
        Table(f"Compiling: {first}", ["contestant", "seconds", "megabytes of buffers"], compiling),
    ], [f"[{number}] {text}" for number, text in enumerate(notes.texts, 1)]


def time_of(name: str, entry: Entry, notes: Notes) -> str:
    """Return the cell of a time."""
    if entry.microseconds is None:
        return f"{entry.words} {notes.mark(name, entry)}"
    return f"{entry.microseconds:.1f}" if entry.microseconds < 1000 else f"{entry.microseconds:.0f}"


def ratio_of(entries: dict[str, Entry], name: str) -> str:
    """Return the cell of a ratio."""
    own, base = entries[name].microseconds, entries[BASE].microseconds
    return "-" if own is None or base is None else f"{own / base:.2f}"


def compilation(entry: Entry, notes: Notes, name: str) -> list[str]:
    """Return what compiling took: the contestant's own measure, or else its first step."""
    if entry.microseconds is None:
        return [f"{entry.words} {notes.mark(name, entry)}", "-"]
    seconds = entry.facts.get("compile_seconds", entry.first_seconds)
    size = entry.facts.get("peak_bytes")
    return [f"{seconds:.2f}", "-" if size is None else f"{size / 1e6:.2f}"]


def text_page(heading: list[str], tables: list[Table], notes: list[str]) -> str:
    """Return everything as plain text."""
    return "\n\n".join(["\n".join(heading), *(table.text() for table in tables), "\n".join(notes)]).rstrip()


def markdown_page(heading: list[str], tables: list[Table], notes: list[str]) -> str:
    """Return everything as a Markdown page."""
    parts = ["# A training step side by side", *heading, *(table.markdown() for table in tables), *notes]
    return "\n\n".join(parts) + "\n"
