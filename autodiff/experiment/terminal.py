"""The room that a terminal has, in columns, and texts that fit into it."""

import os
import sys
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

from autodiff.experiment.errors import InputError, RunError, reason

USUAL_COLUMNS = 80
NARROWEST_NAME = 12  # columns to which a run's name is shortened where room is scarce
ELLIPSIS = "…"
NOTEBOOK = "JPY_PARENT_PID"  # what Jupyter tells the kernel of a notebook, and so all that is started there


def say(text: str) -> bool:
    """Print a line of results; return whether it got there. Where stdout is full or closed the work goes on without."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        print(text.encode(encoding, "replace").decode(encoding), flush=True)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        _forget_stdout()
    except OSError as error:
        warn(f"stdout: cannot be written to: {reason(error)}")
        _forget_stdout()
        return False
    return True


def send(data: bytes) -> bool:
    """Write bytes to stdout; return whether more are wanted: not by a reader that has gone. Raises RunError."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _forget_stdout()
        return False
    except OSError as error:
        _forget_stdout()
        raise RunError(f"stdout: cannot be written to: {reason(error)}") from None
    return True


def warn(text: str) -> None:
    """Print a line on stderr, if that can be."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def agreed(question: str, option: str) -> bool:
    """Ask on the terminal, and return whether the answer is yes; `option` is what says so where there is none.

    Raises InputError where nobody can be asked.
    """
    if in_notebook() or not (sys.stdin and sys.stdin.isatty()):
        raise InputError([f"{question} There is no terminal to ask on; give {option}"])
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def in_notebook() -> bool:
    """Tell whether a notebook started this: its terminal has nobody to answer, and it keeps every line ever shown."""
    return NOTEBOOK in os.environ


def _forget_stdout() -> None:
    """Send what is still printed to nowhere, lest it raises when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def terminal_columns(stream: TextIO | None) -> int:
    """Return the columns of the terminal that a stream writes to; COLUMNS, where set, holds before all."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    try:
        return os.get_terminal_size(stream.fileno()).columns or USUAL_COLUMNS if stream else USUAL_COLUMNS
    except (OSError, ValueError):  # no terminal, or closed
        return USUAL_COLUMNS


def columns_of(text: str) -> int:
    """Return the columns that a text takes: two for each wide character (Chinese, say), none for a combining mark."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """Return a text with blanks up to some columns, behind it or, for numbers, before it."""
    blanks = " " * (columns - columns_of(text))
    return blanks + text if right else text + blanks


def fitted(text: str, columns: int) -> str:
    """Return the text, or its beginning and its end around an ellipsis, in at most so many columns."""
    if columns_of(text) <= columns:
        return text
    head, tail = list(text[: len(text) // 2]), list(text[len(text) // 2 :])
    while (head or tail) and columns_of("".join(head + tail)) + 1 > columns:
        if columns_of("".join(head)) > columns_of("".join(tail)):
            head.pop()
        else:
            tail.pop(0)
    return "".join(head) + ELLIPSIS + "".join(tail) if columns > 0 else ""


def aligned(table: Sequence[Sequence[str]], rights: Sequence[bool]) -> list[list[str]]:
    """Return rows with every cell as wide as its column; `rights` tells which columns, of numbers, go to the right."""
    widths = [max(map(columns_of, column)) for column in zip(*table, strict=True)]
    return [
        [padded(cell, width, right=right) for cell, width, right in zip(cells, widths, rights, strict=True)]
        for cells in table
    ]


def fitted_table(
    table: Sequence[Sequence[str]], rights: Sequence[bool], columns: int | None = None, least: Sequence[int] = ()
) -> str:
    """Return aligned rows, a line each, without a newline at the end; names are in the first column.

    Given the `columns` of a terminal, the lines fit into them: names are shortened and, if that is not enough, the
    columns of the table in `least` are left out, first to last.
    """
    cells = aligned(table, rights)
    kept = list(range(len(rights)))
    if columns is not None:
        width = {i: columns_of(cells[0][i]) for i in kept}
        narrowest = min(NARROWEST_NAME, width[0])
        for i in (None, *least):
            kept = [j for j in kept if j != i]
            room = columns - sum(width[j] + 2 for j in kept[1:])
            if room >= narrowest:
                break
        if room < width[0]:
            cells = aligned([[fitted(row[0], max(room, narrowest)), *row[1:]] for row in table], rights)
    return "\n".join("  ".join(row[i] for i in kept).rstrip() for row in cells)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
