"""What a user can cause: reported in plain lines, never as a traceback."""

import traceback
from collections.abc import Container, Sequence


class InputError(Exception):
    """Bad input: every mistake that was found, one line each. The command ends with exit code 2."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class ColumnError(InputError):
    """A column of a table that a setting of a data set asks for cannot be taken."""

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__([problem])
        self.setting = setting


class RunError(Exception):
    """A run could not be finished, for a reason that one line can say. The command ends with exit code 1."""


def in_one_line(error: BaseException) -> str:
    """Return the kind of an error and its words, on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def line_in(error: BaseException, files: Container[str]) -> str | None:
    """Return where in some files an error came up, as `file:line`; None if it did not pass through them."""
    passed = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename in files
    ]
    return ":".join(map(str, passed[-1])) if passed else None


def reason(error: OSError) -> str:
    """Return why the operating system refused, in its own words and without the path."""
    return error.strerror or str(error)
