"""Points read from a CSV file of any length, some at a time: two columns of numbers, with a heading or without."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from autodiff.experiment.errors import InputError, reason

BYTES_AT_ONCE = 1 << 20
LONGEST_LINE = 10_000  # bytes: no two numbers take as many
COLUMNS = 2
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Points:
    """Some points (n, 2) in float64, all finite, and the numbers of the lines that they were read from (n,)."""

    features: NDArray[np.float64]
    lines: Sequence[int]


def read_points(stream: BinaryIO, name: str) -> Iterator[Points]:
    """Yield the points of a file as they arrive, all before the first line that is no two numbers.

    Raises InputError for that line, naming it, and for a file without points.
    """
    first_line, read = 1, 0
    for block in _blocks(stream, name):
        for points in _parsed(block, first_line, name):
            read += len(points.features)
            yield points
        first_line += block.count(b"\n")
    if not read:
        found = "has no points, only a heading" if first_line > 1 else "is empty"
        raise InputError([f"{name}: {found}; each line needs two numbers, such as 0.5,-0.25"])


def _blocks(stream: BinaryIO, name: str) -> Iterator[bytes]:
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
        if len(after) > LONGEST_LINE:
            raise InputError([f"{name}:{lines + 1}: the line is too long to be two numbers"])
        rest = after
    if rest:
        yield rest + b"\n"


def _read(stream: BinaryIO) -> bytes:
    read_some = getattr(stream, "read1", stream.read)
    data: bytes = read_some(BYTES_AT_ONCE)
    return data


def _parsed(block: bytes, first_line: int, name: str) -> Iterator[Points]:
    """Yield the points of some whole lines."""
    if first_line == 1:  # it may be a heading
        head, newline, block = block.partition(b"\n")
        yield from _one_by_one(head.removeprefix(BYTE_ORDER_MARK) + newline, 1, name)
        first_line = 2
    count = block.count(b"\n")
    values = _at_once(block)
    if values is not None and values.shape == (count, COLUMNS) and np.isfinite(values).all():
        yield Points(values, range(first_line, first_line + count))
    else:
        yield from _one_by_one(block, first_line, name)


def _at_once(block: bytes) -> NDArray[np.float64] | None:
    """Return the numbers of some lines, or None if they are not all numbers."""
    if not block.strip():
        return None
    try:
        return np.loadtxt(io.BytesIO(block), delimiter=",", comments=None, ndmin=2)
    except ValueError:
        return None


def _one_by_one(block: bytes, first_line: int, name: str) -> Iterator[Points]:
    """Yield the points of lines that may be blank, quoted or wrong. Raises InputError for the first that is wrong."""
    values: list[list[float]] = []
    lines: list[int] = []
    problem = None
    for number, line in enumerate(block.split(b"\n"), first_line):
        try:
            point = _point(line, f"{name}:{number}", may_be_heading=number == 1)
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


def _point(line: bytes, where: str, *, may_be_heading: bool) -> list[float]:
    """Return the two numbers of a line, or none for one that is blank or a heading. Raises InputError."""
    if not line.strip():
        return []
    try:
        text = line.decode("utf-8").strip()
        cells = next(csv.reader([text], strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise InputError([f"{where}: is no line of a CSV; it needs two numbers, such as 0.5,-0.25"]) from None
    if len(cells) != COLUMNS:
        found = "1 column" if len(cells) == 1 else f"{len(cells)} columns"
        raise InputError([f"{where}: must be two numbers with a comma between them, found {found}: {text[:40]!r}"])
    numbers = [_number(cell) for cell in cells]
    if may_be_heading and numbers == [None, None]:
        return []
    for cell, value in zip(cells, numbers, strict=True):
        if value is None or not math.isfinite(value):
            raise InputError([f"{where}: must be a finite number, found {cell.strip()[:40]!r}"])
    return [value for value in numbers if value is not None]


def _number(text: str) -> float | None:
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None
