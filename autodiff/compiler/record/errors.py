"""What capture refuses, and the lines that it names."""

import linecache
import os
import sys
import threading
from pathlib import Path
from traceback import walk_stack, walk_tb
from typing import NamedTuple

import numpy as np

COMPILER = str(Path(__file__).parents[1])
ENGINE = str(Path(__file__).parents[2])
NUMPY = str(Path(np.__file__).parent)
STANDARD = str(Path(os.__file__).parent)


class CaptureError(RuntimeError):
    """A step that cannot be recorded, or that is no longer what was recorded."""


class MissingAttributeError(CaptureError, AttributeError):
    """An attribute that recorded arrays do not have; to `hasattr` it is one that is missing."""


class Refused(threading.local):
    """The first refusal of the present recording: the step, or NumPy, may have caught it."""

    error: CaptureError | None = None


refused = Refused()


class Origin(NamedTuple):
    """Where a call was made: the user's line, and the function of the engine that was running."""

    line: str
    within: str


def here() -> Origin:
    """Return the line in the user's code and in the engine that is running."""
    within = ""
    for frame, line in walk_stack(sys._getframe(1)):
        name, file = frame.f_code.co_name, frame.f_code.co_filename
        if not is_library(file):
            break
        if not within and file.startswith(ENGINE) and not file.startswith(COMPILER):
            within = f"{Path(file).name}:{line}" if name[0] == "<" else name
    return Origin(f"{file}:{line}, in {name}", within)


def expression_here() -> str:
    """Return the expression in the user's code that is running, as it is written; nothing if its text is not there."""
    running = sys._getframe(1)
    users = (frame for frame, _ in walk_stack(running) if not is_library(frame.f_code.co_filename))
    frame = next(users, running)
    line, last_line, first, last = [*frame.f_code.co_positions()][frame.f_lasti // 2]
    if line is None or line != last_line:
        return ""
    return linecache.getline(frame.f_code.co_filename, line).encode()[first:last].decode()


def line_of(error: BaseException) -> str:
    """Return the line in the user's code at which an error came up."""
    user_line = ""
    for frame, line in walk_tb(error.__traceback__):
        if not is_library(frame.f_code.co_filename):
            user_line = f"{frame.f_code.co_filename}:{line}, in {frame.f_code.co_name},"
    return user_line


def is_library(file: str) -> bool:
    """Return whether a file belongs to the engine, NumPy or Python itself."""
    return file.startswith((ENGINE, NUMPY)) or (file.startswith(STANDARD) and "site-packages" not in file)


def refusal(what: str, advice: str, line: str = "") -> CaptureError:
    """Return the error for what cannot be recorded, at a line: the running one of the user if none is given."""
    error = CaptureError(f"{what} at {line or here().line} cannot be captured: {advice}")
    if refused.error is None:
        refused.error = error
    return error


def missing(name: str) -> MissingAttributeError:
    """Return the error for an attribute that a recorded array does not have."""
    return MissingAttributeError(
        f".{name} of a recorded value at {here().line} cannot be captured: call a NumPy function instead"
    )
