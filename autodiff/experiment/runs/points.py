"""Points read from a CSV file of any length, some at a time: columns of numbers, with a heading or without."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from autodiff.experiment.data.table import delimiter_of, shortened
from autodiff.experiment.errors import InputError, reason

BYTES_AT_ONCE = 1 << 20
LONGEST_LINE = 10_000  # bytes beside two numbers, which never take as many; and for each further column
FEATURES = 2  # of points that were generated
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Points:
    """Some points (n, d) in float64, all finite, and the numbers of the lines that they were read from (n,)."""

    features: NDArray[np.float64]
    lines: Sequence[int]


def read_points(stream: BinaryIO, name: str, feature_names: Sequence[str] = ()) -> Iterator[Points]:
    """Yield the points of a file as they arrive, all before the first line that is none.

    feature_names: of the columns to read, which a heading with these names may have in any order and among others;
    without a heading the columns are the features. None for two columns of any names. Raises InputError for the first
    line that is no point, naming it, and for a file without points.
    """
    reader = _Reader(name, feature_names)
    first_line, read = 1, 0
    for block in _blocks(stream, name, reader.longest):
        for points in reader.parsed(block, first_line):
            read += len(points.features)
            yield points
        first_line += block.count(b"\n")
    if not read:
        found = "has no points, only a heading" if first_line > 1 else "is empty"
        raise InputError([f"{name}: {found}; each line needs {reader.wanted}"])


def _blocks(stream: BinaryIO, name: str, longest: int) -> Iterator[bytes]:
    """Yield what can be read without waiting, up to the end of a line. Raises InputError."""
    rest, lines = b"", 0
    while True:
        try:
            data = _read(stream)
        except OSError as error:
            raise InputError([f"{name}: cannot be read: {reason(error)}"]) from None
        if not data:
            break
        whole, newline, after = (rest + data).rpartition(b"\n")
        if newline:
            lines += whole.count(b"\n") + 1
            yield whole + newline
        if len(after) > longest:
            raise InputError([f"{name}:{lines + 1}: the line is too long to be a point"])
        rest = after
    if rest:
        yield rest + b"\n"


def _read(stream: BinaryIO) -> bytes:
    read_some = getattr(stream, "read1", stream.read)
    data: bytes = read_some(BYTES_AT_ONCE)
    return data


class _Reader:
    """Reads the lines of a file of points, whose first one tells where the columns are."""

    def __init__(self, name: str, feature_names: Sequence[str]) -> None:
        self.name, self.feature_names = name, feature_names
        self.delimiter = ","
        self.width = len(feature_names) or FEATURES  # columns of the file
        self.chosen: Sequence[int] = range(self.width)  # of which these are the features
        self.longest = LONGEST_LINE * max(1, self.width - 1)
        self.wanted = "two numbers, such as 0.5,-0.25"
        if self.width != FEATURES:
            self.wanted = "a number" if self.width == 1 else f"{self.width} numbers"

    def parsed(self, block: bytes, first_line: int) -> Iterator[Points]:
        """Yield the points of some whole lines."""
        if first_line == 1:  # it may be a heading
            head, newline, block = block.partition(b"\n")
            head = head.removeprefix(BYTE_ORDER_MARK)
            if not self._is_heading(head):
                yield from self.one_by_one(head + newline, 1)
            first_line = 2
        count = block.count(b"\n")
        values = self._at_once(block)
        if values is not None and values.shape == (count, len(self.chosen)) and np.isfinite(values).all():
            yield Points(values, range(first_line, first_line + count))
        else:
            yield from self.one_by_one(block, first_line)

    def _is_heading(self, line: bytes) -> bool:
        """Tell whether the first line is a heading, and find the columns. Raises InputError."""
        where = f"{self.name}:1"
        if self.feature_names:
            self.delimiter = delimiter_of([line.decode("utf-8", "replace")])
        if not line.strip():
            return False
        cells = self._cells(line, where)
        if any(_number(cell) is not None for cell in cells):
            return False
        names = [cell.strip() for cell in cells]
        missing = [name for name in self.feature_names if name not in names]
        if self.feature_names and not missing:
            self.width, self.chosen = len(names), [names.index(name) for name in self.feature_names]
        elif self.feature_names:
            known = f"there are {shortened(names)}"
            raise InputError([f"{where}: has no column {missing[0]!r}, which the network needs; {known}"])
        return len(names) == self.width

    def _at_once(self, block: bytes) -> NDArray[np.float64] | None:
        """Return the numbers of some lines, or None if they are not all numbers."""
        if not block.strip():
            return None
        try:
            if self.all_chosen:
                return np.loadtxt(io.BytesIO(block), delimiter=self.delimiter, comments=None, ndmin=2)
            return np.loadtxt(
                io.BytesIO(block), delimiter=self.delimiter, comments=None, ndmin=2, quotechar='"', usecols=self.chosen
            )
        except ValueError:
            return None

    def one_by_one(self, block: bytes, first_line: int) -> Iterator[Points]:
        """Yield the points of lines that may be blank or quoted. Raises InputError for the first that is wrong."""
        values: list[list[float]] = []
        lines: list[int] = []
        problem = None
        for number, line in enumerate(block.split(b"\n"), first_line):
            try:
                point = self._point(line, f"{self.name}:{number}")
            except InputError as error:
                problem = error
                break
            if point:
                values.append(point)
                lines.append(number)
        if values:
            yield Points(np.array(values), lines)
        if problem:
            raise problem

    def _cells(self, line: bytes, where: str) -> list[str]:
        try:
            text = line.decode("utf-8").strip(" \r\n")
            return next(csv.reader([text], delimiter=self.delimiter, strict=True))
        except (UnicodeDecodeError, csv.Error):
            raise InputError([f"{where}: is no line of a CSV; it needs {self.wanted}"]) from None

    def _point(self, line: bytes, where: str) -> list[float]:
        """Return the numbers of a line, or none for one that is blank. Raises InputError."""
        if not line.strip():
            return []
        cells = self._cells(line, where)
        if len(cells) <= max(self.chosen) or (self.all_chosen and len(cells) != self.width):
            found = "1 column" if len(cells) == 1 else f"{len(cells)} columns"
            raise InputError([f"{where}: must be {self._needed}, found {found}: {line.decode().strip()[:40]!r}"])
        values = []
        for cell in (cells[i] for i in self.chosen):
            value = _number(cell)
            if value is None or not math.isfinite(value):
                raise InputError([f"{where}: must be a finite number, found {cell.strip()[:40]!r}"])
            values.append(value)
        return values

    @property
    def all_chosen(self) -> bool:
        """Whether the columns are the features, in their order, and no others."""
        return list(self.chosen) == list(range(self.width))

    @property
    def _needed(self) -> str:
        if not self.all_chosen:
            return f"{self.width} columns, as the heading has"
        return "two numbers with a comma between them" if self.width == FEATURES else self.wanted


def _number(text: str) -> float | None:
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None
