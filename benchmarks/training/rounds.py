"""Runs the contestants of a row: first whether they train alike, then in turn, for their times."""

import statistics
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from importlib.util import find_spec

from benchmarks.training.child import FIRST_CALL_LIMIT, Child, ContestantError
from benchmarks.training.contestants import REFERENCE, Contestant
from benchmarks.training.work import STEPS_TO_AGREE, Row

ROUNDS, TOLERANCE = 11, 1e-4


@dataclass(frozen=True)
class Entry:
    """A cell of the table: the microseconds of a step, or words in their place and the note that explains them."""

    microseconds: float | None = None
    words: str = ""
    note: str = ""
    first_seconds: float = 0.0
    facts: dict[str, float] = field(default_factory=dict)


Results = dict[Row, dict[str, Entry]]


def measure(rows: Iterable[Row], contestants: list[Contestant]) -> Results:
    """Return the entries of rows, each contestant in one process for all of them."""
    missing = {c.name: Entry(words="not installed", note=f"pip install {c.package}") for c in contestants}
    with ExitStack() as stack:
        children = {c.name: Child(c) for c in [REFERENCE, *contestants] if find_spec(c.package) is not None}
        for child in children.values():
            stack.callback(child.stop)
        reference = children.pop(REFERENCE.name)
        return {row: missing | measure_row(row, reference, children) for row in rows}


def measure_row(row: Row, reference: Child, children: dict[str, Child]) -> dict[str, Entry]:
    """Return the entries of a row."""
    reference.make(row)
    expected = reference.run(STEPS_TO_AGREE + 1).loss
    entries = {name: check(row, child, expected) for name, child in children.items()}
    times: dict[str, list[float]] = {name: [] for name, entry in entries.items() if not entry.words}
    for _ in range(ROUNDS):
        for name, found in times.items():
            found.append(children[name].run(row.steps).processor_seconds / row.steps * 1e6)
    return entries | {name: replace(entries[name], microseconds=statistics.median(times[name])) for name in times}


def check(row: Row, child: Child, expected: float) -> Entry:
    """Return an entry without its time: whether the contestant runs, and comes to the same loss."""
    try:
        child.make(row)
        first = child.run(1, FIRST_CALL_LIMIT)
        after = child.run(STEPS_TO_AGREE)
        child.run(row.steps, FIRST_CALL_LIMIT)  # a program for so many steps is compiled now, not in the first round
        facts = child.facts()
    except ContestantError as error:
        return Entry(words="does not run here", note=str(error))
    if not abs(after.loss - expected) <= TOLERANCE * abs(expected):
        note = f"its loss after {STEPS_TO_AGREE} steps is {after.loss:.6f}, that of NumPy in float64 {expected:.6f}"
        return Entry(words="losses differ", note=note)
    return Entry(first_seconds=first.clock_seconds, facts=facts)
