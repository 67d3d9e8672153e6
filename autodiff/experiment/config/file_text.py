"""The text of a config file, or the reason why there is none."""

import difflib
from pathlib import Path

from autodiff.experiment.config import wording
from autodiff.experiment.config.meant import assignment_meant
from autodiff.experiment.errors import InputError, reason

SUFFIXES = (".yaml", ".yml")
LARGEST = 64 * 1024  # bytes; a config is a few lines


def read_text(file: Path) -> str:
    """Return the text of a config file. Raises InputError when it cannot be read as UTF-8."""
    where = wording.shown_path(file)
    if file.is_dir():
        raise InputError([f"{where}: is a folder, not a config file; name a file in it"])
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except FileNotFoundError:
        raise InputError([f"{where}: no such file{_nearest(file)}"]) from None
    except OSError as error:
        raise InputError([f"{where}: cannot be read: {reason(error)}"]) from None
    except ValueError as error:  # a null character in the name
        raise InputError([f"{where}: cannot be read: {error}"]) from None
    if len(data) > LARGEST:
        raise InputError([f"{where}: is larger than {LARGEST // 1024} KB, too large for a config"])
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError([f"{where}:1:1: is UTF-16 text; save it as UTF-8"])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        found = f"the byte 0x{error.object[error.start]:02x} is not UTF-8 text; save the file as UTF-8"
        raise InputError([f"{where}:{line}:{column}: {found}"]) from None


def _nearest(file: Path) -> str:
    """Suggest the config, or the option, that was meant by the name of a missing file."""
    key, equals, value = str(file).partition("=")
    option = assignment_meant(key, value) if equals else None
    if option:
        return f"; a field is set with {option}"
    try:
        names = sorted(entry.name for entry in file.parent.iterdir() if entry.suffix in SUFFIXES)
    except OSError:
        return f" (nor is there a folder {wording.shown_path(file.parent)})"
    same_stem = [name for name in names if Path(name).stem == file.stem]
    nearest = same_stem or difflib.get_close_matches(file.name, names, n=1)
    return f" (did you mean {wording.shown_path(file.parent / nearest[0])}?)" if nearest else ""
