"""The room that a terminal has, in columns, and texts that fit into it."""

import os
import unicodedata
from typing import TextIO

USUAL_COLUMNS = 80
NARROWEST_NAME = 12  # columns to which a run's name is shortened where room is scarce
ELLIPSIS = "…"


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
