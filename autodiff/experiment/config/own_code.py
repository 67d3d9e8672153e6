"""Code of one's own that registers parts: read once, run once, and known by its text wherever it goes.

A config never makes code run, and neither does a record, which keeps the text: only `--code` does.
"""

import hashlib
import linecache
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from autodiff.experiment.config import wording
from autodiff.experiment.config.choice import Choice, fields_of
from autodiff.experiment.errors import InputError, in_one_line, line_in, reason
from autodiff.experiment.register import KINDS

LARGEST = 1024**2  # bytes


@dataclass(frozen=True)
class Code:
    """The text of a file, and the path under which it was given, by which its errors are told."""

    file: str
    text: str

    @property
    def name(self) -> str:
        """The name of the file."""
        return Path(self.file).name

    @property
    def digest(self) -> str:
        """What tells the text from others: its SHA-256."""
        return hashlib.sha256(self.text.encode()).hexdigest()


_in_use: list[Code] = []


def read(files: Sequence[Path]) -> list[Code]:
    """Return the texts of some files. Raises InputError for what cannot be read, and for two of one name."""
    codes = [Code(wording.shown_path(file), _text(file)) for file in files]
    names = [code.name for code in codes]
    for code in codes:
        if names.count(code.name) > 1:
            raise InputError([f"--code {code.file}: another file of this name is given; rename one"])
    return codes


def _text(file: Path) -> str:
    where = f"--code {wording.shown_path(file)}"
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise InputError([f"{where}: is larger than {LARGEST // 1024} KB"])
        return data.decode("utf-8-sig")
    except IsADirectoryError:
        raise InputError([f"{where}: is a folder; give a file of Python"]) from None
    except FileNotFoundError:
        raise InputError([f"{where}: no such file"]) from None
    except OSError as error:
        raise InputError([f"{where}: cannot be read: {reason(error)}"]) from None
    except UnicodeDecodeError:
        raise InputError([f"{where}: is no text in UTF-8"]) from None
    except ValueError as error:  # a null character in the name
        raise InputError([f"{where}: cannot be read: {error}"]) from None


def use(codes: Sequence[Code]) -> None:
    """Have the parts registered that these codes bring, and of others no more. Each is run, unless it was just before.

    Raises InputError with what is wrong, by its file and line.
    """
    if _in_use == list(codes):
        return
    files = {code.file for code in _in_use}
    for kind in KINDS.values():
        for name in [name for name, part in kind.parts.items() if part.file in files]:
            del kind.parts[name]
    _in_use.clear()
    for code in codes:
        _in_use.append(code)
        _run(code)


def have(codes: Sequence[Code]) -> None:
    """Have the parts registered that these codes bring, among others. Raises InputError as `use` does."""
    if not set(codes) <= set(_in_use):
        use(codes)


def in_use() -> list[Code]:
    """Return the codes whose parts are registered."""
    return list(_in_use)


def used_by(choices: Iterable[Choice]) -> tuple[Code, ...]:
    """Return the codes in use that some of these parts come from."""
    files = {choice.part.file for choice in choices}
    return tuple(code for code in _in_use if code.file in files)


def _run(code: Code) -> None:
    module = ModuleType(f"own_code_{Path(code.file).stem}")
    module.__file__ = code.file
    linecache.cache[code.file] = (len(code.text), None, code.text.splitlines(keepends=True), code.file)
    sys.modules[module.__name__] = module
    try:
        exec(compile(code.text, code.file, "exec"), vars(module))
    except SyntaxError as error:
        place = ":".join(str(part) for part in (code.file, error.lineno, error.offset) if part)
        raise InputError([f"{place}: {error.msg}"]) from None
    except (Exception, SystemExit) as error:
        where = line_in(error, {code.file}) or code.file
        raise InputError([f"{where}: {in_one_line(error)}"]) from None
    parts = [part for kind in KINDS.values() for part in kind.parts.values() if part.file == code.file]
    if not parts:
        advice = "decorate a function or class with @register.activation, optimizer, dataset or layer"
        raise InputError([f"{code.file}: registers nothing; {advice}"])
    for part in parts:
        fields_of(part)
