"""Points from a CSV file: columns of numbers, and one of labels, which are any text.

There may be a heading or none, and the delimiter is found out. The csv module reads a million rows in less time than
NumPy's loadtxt if they are taken a few at a time, so that Python's garbage collector never walks through all of them.
"""

import csv
import difflib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from autodiff.experiment.data.arrays import Features, Labels
from autodiff.experiment.data.points import MOST_CLASSES
from autodiff.experiment.errors import ColumnError, InputError

Column = str | int  # its name in the heading, or its number, from 1
Row = list[str]

DELIMITERS = "\t;|,"  # of those that would do, the first: a comma may be a decimal one
SAMPLE = 20  # rows from which the delimiter is found out
ROWS_AT_ONCE = 500
LARGEST = 1e100  # a number, so that its square is one too
MOST_FEATURES = 1_000
MOST_TOLD = 5  # mistakes


@dataclass(frozen=True)
class Table:
    """Features (n, d), labels (n,), and the names of both: class j is the j-th of the classes."""

    features: Features
    labels: Labels
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]


def read_table(data: bytes, name: str, label: Column | None = None, features: Sequence[Column] | None = None) -> Table:
    """Read the bytes of a CSV file. By default the last column is the label, and all others are features.

    The first row is a heading if it holds a column that is asked for by name, or no number. name: of the file, for
    errors. Raises ColumnError, and InputError with the first mistakes, each by its line and column.
    """
    lines = _Lines(data, name)
    first = next(lines.rows(), None)
    if first is None:
        raise InputError([f"{name}:1:1: is empty; it needs a row for each point"])
    layout = Layout.of(first, lines, label, features)
    values, codes, names = _read(lines, layout)
    if not len(codes):
        raise InputError([f"{name}:2:1: has no rows, only a heading; it needs a row for each point"])
    if len(names) == 1:
        found = f"has one class only: {layout.names[layout.label]} is {names[0]!r:.40} in every row"
        raise InputError([f"{name}: {found}; to tell classes apart, there have to be two or more"])
    order = in_order(names)
    ranks = np.empty(len(names), np.int64)
    ranks[order] = np.arange(len(names))
    chosen = tuple(layout.names[i] for i in layout.features)
    return Table(values, ranks[codes], chosen, tuple(names[i] for i in order))


def in_order(labels: Sequence[str]) -> list[int]:
    """Return the places of labels in their order: by value if all of them are numbers, else by text."""
    values = [number(label) for label in labels]
    if None in values:
        return sorted(range(len(labels)), key=labels.__getitem__)
    return sorted(range(len(labels)), key=lambda i: (values[i] or 0.0, labels[i]))


def number(text: str) -> float | None:
    """Return the finite number that a text is, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if "_" not in text and abs(value) <= LARGEST else None


class _Lines:
    """The text of a CSV file. Raises InputError where it is none."""

    def __init__(self, data: bytes, name: str) -> None:
        self.data, self.name = data, name
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise InputError([f"{name}:1:1: is UTF-16 text; save it as UTF-8"])
        try:
            sample = list(islice(self._text(), SAMPLE))
        except UnicodeDecodeError:
            raise self._not_utf_8() from None
        self.delimiter = delimiter_of(sample)

    def rows(self) -> Iterator[Row]:
        """Yield the rows, but for blank ones. Raises InputError."""
        for _, row in self.numbered():
            yield row

    def in_parts(self) -> Iterator[list[Row]]:
        """Yield some rows at a time, but for blank ones. Raises InputError."""
        with self._reading() as reader:
            while part := list(islice(reader, ROWS_AT_ONCE)):
                yield [row for row in part if not is_blank(row)]

    def numbered(self) -> Iterator[tuple[int, Row]]:
        """Yield the number of the line on which each row begins, and the row, but for blank ones. Raises InputError."""
        with self._reading() as reader:
            before = 0
            for row in reader:
                if not is_blank(row):
                    yield before + 1, row
                before = reader.line_num

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        reader = csv.reader(self._text(), delimiter=self.delimiter, skipinitialspace=True)
        try:
            yield reader
        except UnicodeDecodeError:
            raise self._not_utf_8() from None
        except csv.Error as error:
            raise InputError([f"{self.name}:{reader.line_num}:1: is no CSV: {error}"]) from None

    def place(self, line: int, column: int) -> str:
        """Return `file:line:column` of a column, counted from 0, of the row that begins on a line."""
        quoted, left, at = False, column, 1
        for text in islice(self._text(), line - 1, None):
            for i, character in enumerate(text):
                if not left:
                    after = text[i:]
                    return f"{self.name}:{line}:{at + len(after) - len(after.lstrip(' '))}"
                quoted ^= character == '"'
                left -= character == self.delimiter and not quoted
                at += 1
            line, at = line + 1, 1
        return f"{self.name}:{line}:{at}"  # pragma: no cover (a column that is asked for is there)

    def _text(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BytesIO(self.data), encoding="utf-8-sig", newline="")

    def _not_utf_8(self) -> InputError:
        try:
            self.data.decode("utf-8")
        except UnicodeDecodeError as error:
            before = self.data[: error.start].decode("utf-8")
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            found = f"the byte 0x{self.data[error.start]:02x} is not UTF-8 text; save the file as UTF-8"
            return InputError([f"{self.name}:{line}:{column}: {found}"])
        raise AssertionError("it is UTF-8 after all")  # pragma: no cover


def is_blank(row: Row) -> bool:
    """Tell whether a line holds nothing."""
    return not row or (len(row) == 1 and not row[0].strip())


def delimiter_of(sample: Sequence[str]) -> str:
    """Return the delimiter that gives all rows as many columns, and of several such, the one that gives most.

    csv.Sniffer is not asked: it takes letters that are frequent for delimiters, and fails where there is one column.
    """

    def columns(delimiter: str) -> int:
        try:
            rows = list(csv.reader(sample, delimiter=delimiter, skipinitialspace=True))
        except csv.Error:  # which is told when all is read
            return 0
        widths = {len(row) for row in rows if not is_blank(row)}
        return widths.pop() if len(widths) == 1 else 0

    most = max(DELIMITERS, key=columns)
    return most if columns(most) > 1 else max(DELIMITERS, key=lambda each: sum(line.count(each) for line in sample[:1]))


@dataclass(frozen=True)
class Layout:
    """The columns of a CSV file: their names, whether those stand in a heading, and which are the label and features.

    They are counted from 0.
    """

    names: tuple[str, ...]
    heading: bool
    label: int
    features: tuple[int, ...]

    @classmethod
    def of(cls, first: Row, lines: _Lines, label: Column | None, features: Sequence[Column] | None) -> "Layout":
        """Find the columns by the first row. Raises ColumnError and InputError."""
        cells = [cell.strip() for cell in first]
        asked = [label, *(features or ())]
        heading = any(isinstance(column, str) and column in cells for column in asked)
        heading = heading or all(number(cell.replace(",", ".")) is None for cell in cells)
        names = tuple(cells) if heading else tuple(f"column {i}" for i in range(1, len(cells) + 1))
        if len(names) < 2:
            known = "commas, semicolons, tabs and | are known"
            raise InputError(
                [f"{lines.name}:1:1: has one column, and needs two or more, of features and labels ({known})"]
            )
        at = len(names) - 1 if label is None else _column(label, "label", names, heading, lines.name)
        if features is None:
            chosen = [i for i in range(len(names)) if i != at]
        else:
            chosen = [_column(each, "features", names, heading, lines.name) for i, each in enumerate(features)]
        for i, column in enumerate(chosen):
            again = column == at and "is the label, and no feature"
            again = again or (column in chosen[:i] and "is given twice")
            if again:
                raise ColumnError("features", f"{names[column]!r} {again}; leave it out")
        if len(chosen) > MOST_FEATURES:
            raise InputError([f"{lines.name}:1:1: has {len(chosen):,} features; at most {MOST_FEATURES:,} are allowed"])
        return cls(names, heading, at, tuple(chosen))


def _column(asked: Column, setting: str, names: Sequence[str], heading: bool, file: str) -> int:
    """Return the place of a column that is asked for by name or number. Raises ColumnError."""
    if isinstance(asked, int):
        if 1 <= asked <= len(names):
            return asked - 1
        raise ColumnError(setting, f"{file} has the columns 1 to {len(names)}, and no column {asked}")
    count = names.count(asked) if heading else 0
    if count == 1:
        return names.index(asked)
    if count:
        raise ColumnError(setting, f"{file} has {count} columns {asked!r}; give the number of the one that is meant")
    if not heading:
        raise ColumnError(
            setting, f"{file} has no heading with a column {asked!r}; add one, or give the column's number"
        )
    folded = {name.casefold(): name for name in reversed(names)}
    nearest = difflib.get_close_matches(asked.casefold(), folded, n=1)
    known = f" (did you mean {folded[nearest[0]]}?)" if nearest else f"; there are {shortened(names)}"
    raise ColumnError(setting, f"{file} has no column {asked!r}{known}")


def shortened(names: Sequence[str], most: int = 10) -> str:
    """Return the first of some names."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def _read(lines: _Lines, layout: Layout) -> tuple[Features, Labels, list[str]]:
    """Return the features and, of the labels, numbers and their texts. Raises InputError."""
    values: list[Features] = [np.empty((len(layout.features), 0))]
    codes: list[int] = []
    known: dict[str, int] = {}
    for i, part in enumerate(lines.in_parts()):
        rows = part[1:] if i == 0 and layout.heading else part
        try:
            columns = list(zip(*rows, strict=True)) or [()] * len(layout.names)
            if len(columns) != len(layout.names):
                raise ValueError
            chosen = [columns[j] for j in layout.features]
            numbers = np.array([list(map(float, column)) for column in chosen])
            labels = list(map(str.strip, columns[layout.label]))
            if not (np.abs(numbers) <= LARGEST).all() or "" in labels or any("_" in "".join(each) for each in chosen):
                raise ValueError
        except ValueError:
            raise InputError(list(islice(_mistakes(lines, layout), MOST_TOLD))) from None
        values.append(numbers)
        codes += [known.setdefault(label, len(known)) for label in labels]
        if len(known) > MOST_CLASSES:
            raise InputError([_too_many(lines, layout)])
    return np.ascontiguousarray(np.concatenate(values, axis=1).T), np.array(codes, np.int64), list(known)


def _too_many(lines: _Lines, layout: Layout) -> str:
    found = f"{layout.names[layout.label]} has more than {MOST_CLASSES} different labels"
    return f"{lines.name}:1:1: {found}, which are too many classes; is another column the label?"


def _mistakes(lines: _Lines, layout: Layout) -> Iterator[str]:
    """Yield what is wrong with the rows, a line each."""
    rows = lines.numbered()
    if layout.heading:
        next(rows)
    for line, row in rows:
        if len(row) != len(layout.names):
            expected = f"{len(layout.names)}, as the first row has"
            more = "quote cells that hold a delimiter" if len(row) > len(layout.names) else "some are missing"
            yield f"{lines.name}:{line}:1: has {_columns(len(row))}, and should have {expected} ({more})"
            continue
        for column in sorted({layout.label, *layout.features}):
            problem = _mistake(row[column].strip(), is_label=column == layout.label)
            if problem:
                yield f"{lines.place(line, column)}: {layout.names[column]}: {problem}"


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count:,} columns"


def _mistake(cell: str, *, is_label: bool) -> str:
    """Say what is wrong with a cell, if anything."""
    if not cell:
        return "is empty; give a value, or remove the row"
    if is_label or number(cell) is not None:
        return ""
    try:
        if "_" not in cell:
            value = float(cell)
            wanted = "a finite number" if not np.isfinite(value) else f"a number of at most {LARGEST:g}"
            return f"must be {wanted}, found {cell!r:.40}; correct it, or remove the row"
    except ValueError:
        pass
    comma = number(cell.replace(",", ".")) is not None
    advice = (
        f"write {cell.replace(',', '.')}"
        if comma
        else "correct it, remove the row, or leave the column out of features"
    )
    return f"must be a number, found {cell!r:.40}; {advice}"
