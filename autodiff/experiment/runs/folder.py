"""The folder that a run or a comparison writes to."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autodiff.experiment.errors import InputError, RunError, reason
from autodiff.experiment.files import replacing


def create(folder: Path) -> None:
    """Make sure that the folder exists and can be written to. Raises InputError otherwise."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError([f"{folder}: cannot be written to: {reason(error)}"]) from None


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turn what the operating system refuses (a full disk, say) into a RunError that names the folder."""
    try:
        yield
    except OSError as error:
        raise RunError(f"{folder}: cannot be written to: {reason(error)}") from None


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all. Raises OSError."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")
