"""The room that a terminal has, in columns, and texts that fit into it."""

import os
import sys
import unicodedata
from contextlib import suppress
from typing import TextIO

USUAL_COLUMNS = 80
NARROWEST_NAME = 12  # columns to which a run's name is shortened where room is scarce
ELLIPSIS = "…"


def say(text: str) -> bool:
    """Print a line of results; return whether it got there. Where stdout is full or closed the work goes on without."""
    try:
        print(text, flush=True)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        _forget_stdout()
    except OSError as error:
        warn(f"stdout: cannot be written to: {error.strerror or error}")
        _forget_stdout()
        return False
    return True


def warn(text: str) -> None:
    """Print a line on stderr, if that can be."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


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


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
