"""The configs that come with adrun, and how a folder gets them."""

from collections.abc import Iterator
from pathlib import Path

from autodiff.experiment.config import wording
from autodiff.experiment.config.file_text import SUFFIXES
from autodiff.experiment.errors import InputError, reason

_PACKAGE = Path(__file__).parents[2]


def starters() -> list[Path]:
    """Return the configs that come with adrun: in the package when a wheel was installed, beside it in a clone."""
    for folder in (_PACKAGE / "configs", _PACKAGE.parent / "configs"):
        files = sorted(file for file in folder.glob("*") if file.suffix in SUFFIXES)
        if files:
            return files
    raise InputError([f"{wording.shown_path(_PACKAGE / 'configs')}: is missing; install adrun again"])


def write_starters(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Copy the configs to a folder, and yield each with whether it was written: what is there stays as it is.

    Raises InputError when the folder cannot be written to.
    """
    sources = [(source.name, source.read_bytes()) for source in starters()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in sources:
            yield folder / name, _write_new(folder / name, data)
    except OSError as error:
        raise InputError([f"{wording.shown_path(folder)}: cannot be written to: {reason(error)}"]) from None
    except ValueError as error:  # a null character in the name
        raise InputError([f"{wording.shown_path(folder)}: cannot be written to: {error}"]) from None


def _write_new(file: Path, data: bytes) -> bool:
    """Write a file, whole or not at all, and tell whether there was none."""
    try:
        stream = file.open("xb")
    except FileExistsError:
        return False
    try:
        with stream:
            stream.write(data)
    except BaseException:
        file.unlink()
        raise
    return True
