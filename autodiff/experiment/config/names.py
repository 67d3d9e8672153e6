"""The name of a run, which is that of its folder: from its config's file and what the command line sets.

`relu-adam.yaml --seed 2 --set dataset.noise=0.3` is `relu-adam,noise=0.3,seed=2`. Every name that leaves this file
stands for one folder within the results, on every system.
"""

import hashlib
import os
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from autodiff.experiment.config import meant, wording
from autodiff.experiment.config.config import Config
from autodiff.experiment.config.overrides import FieldPath, Override
from autodiff.experiment.config.yaml_source import Value
from autodiff.experiment.errors import InputError

COMPARISON = "comparison"  # stands beside the runs' folders, so no run may have this name
RECORD = "config.yaml"  # of a finished run, when it stands beside a
SUMMARY = "summary.json"

LONGEST = 200  # bytes of UTF-8; file systems take 255, some of which are for the names of temporary files
LONGEST_WITH_SETTINGS = 100
MORE = "more"  # the last setting of a name that was cut: a hash of the whole

_DEVICES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³"
}
_SEPARATORS = "/\\:"  # ":" is one on Windows, of drives and streams
_REORDERING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # show a line in another order
_CHARACTERS = {"Cc": "the control character", "Cs": "half a character,", "Zl": "the line break", "Zp": "the line break"}


def run_name(file: Path, overrides: Sequence[Override] = ()) -> str:
    """Name a run after its config's file, or after its folder when the file is the record of a finished run.

    What the overrides set is appended, and replaces what the name says of the same fields. Raises InputError where
    that would be no name.
    """
    return checked_name(_with_settings(next(_bases(file)), overrides), file)


def run_names(files: Sequence[Path], overrides: Sequence[Override] = ()) -> list[str]:
    """Name the runs of several configs, each otherwise: records of one name are told apart by the folders above.

    Raises InputError with every file whose name cannot be taken.
    """
    names: dict[int, str] = {}
    taken: dict[str, Path] = {}
    problems: list[str] = []
    in_order = sorted(range(len(files)), key=lambda index: is_record(files[index]))  # they can give way
    given: dict[Path, Path] = {}
    for index in in_order:
        file = files[index]
        candidates = [_with_settings(base, overrides) for base in _bases(file)]
        free = [name for name in candidates if _folder_key(name) not in taken]
        same = given.get(_absolute(file))
        if same or not free:
            other, advice = taken[_folder_key(candidates[0])], "rename one"
            if same:
                other, advice = same, "it is the same file, give it once"
            would = f"would write to the same folder, {candidates[0]}, as {wording.shown_path(other)}"
            problems.append(f"{wording.shown_path(file)}: {would}; {advice}")
            continue
        given[_absolute(file)] = taken[_folder_key(free[0])] = file
        try:
            names[index] = checked_name(free[0], file)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return [names[index] for index in range(len(files))]


def without_settings(name: str, fields: Collection[FieldPath]) -> str:
    """Return what the name of a run is without what it says of some fields."""
    base, settings = _taken_apart(name)
    return _joined(base, {_key(path): text for path, text in settings.items() if path not in fields})


def without_common_settings(names: Sequence[str]) -> list[str]:
    """Return names without the settings that all have alike; as they are, where that would make two the same."""
    apart = [_taken_apart(name) for name in names]
    common = set.intersection(*(set(settings.items()) for _, settings in apart)) if len(names) > 1 else set()
    fields = {path for path, _ in common}
    short = [without_settings(name, fields) for name in names]
    return short if len(set(short)) == len(set(names)) else list(names)


def checked_name(name: str, file: Path | None = None) -> str:
    """Return a name that a run may have. Raises InputError, which names the file that it is from, else `--name`."""
    flaw = _flaw(name)
    if flaw is None:
        return name
    where, advice = "--name", "choose another"
    if file is not None:
        absolute = _absolute(file)
        kind = "folder" if is_record(absolute) else "file"
        where, advice = wording.shown_path(file), f"rename the {kind}, or name the run with --name"
    raise InputError([f"{where}: a run cannot be named {wording.shown(name)}: {flaw}; {advice}"])


def _absolute(file: Path) -> Path:
    """Return where a file is, without . and .., by its name alone: a link is called what it is called."""
    return Path(os.path.abspath(file))


def is_record(file: Path) -> bool:
    """Tell whether a config is that of the record in whose folder it stands."""
    absolute = _absolute(file)
    return absolute.name == RECORD and (absolute.parent / SUMMARY).is_file()


def _bases(file: Path) -> Iterator[str]:
    """Yield the names that a config may have, before its settings; a record's, with ever more of its parents."""
    absolute = _absolute(file)
    if not is_record(absolute):
        yield absolute.stem
        return
    folder = absolute.parent
    name = folder.name
    yield name
    for parent in folder.parents:
        if _portable(parent.name):
            name = f"{_portable(parent.name)}-{name}"
            yield name


def _folder_key(name: str) -> str:
    """Return what two names have in common that are one folder on some system."""
    return unicodedata.normalize("NFC", name.casefold())


def _flaw(name: str) -> str | None:
    """Say why a name is none, if so."""
    if not name:
        return "it is empty"
    for character in name:
        what = _CHARACTERS.get(unicodedata.category(character))
        if what is None and character in _REORDERING:
            what = "the invisible character"
        if what:
            return f"it holds {what} U+{ord(character):04X}"
        if character in _SEPARATORS:
            return f"it holds {character!r}, which separates folders or drives on some systems"
    for place, character in (("begins", name[0]), ("ends", name[-1])):
        if character == "." or character.isspace():
            return f"it {place} with a {'dot' if character == '.' else 'blank'}"
    if name.partition(".")[0].rstrip().upper() in _DEVICES:
        return "Windows keeps this name for a device"
    if _folder_key(name) == COMPARISON:
        return "this folder is for the comparison of runs"
    if _bytes(name) > LONGEST:
        return f"it takes {_bytes(name)} bytes, and {LONGEST} are allowed"
    return None


def _with_settings(base: str, overrides: Sequence[Override]) -> str:
    """Append what the overrides set to a name; the last holds, also over what the name says already."""
    set_now = [assignment for override in overrides for assignment in override.assignments()]
    if not set_now:
        return base
    base, settings = _taken_apart(base)
    for path, value in set_now:
        for replaced in [known for known in settings if known[: len(path)] == path]:
            del settings[replaced]
        settings[path] = _text(value)
    return _joined(base, {_key(path): text for path, text in settings.items()})


def _taken_apart(name: str) -> tuple[str, dict[FieldPath, str]]:
    """Split a name into what it began with and the settings at its end."""
    known = {_key(path): path for path in _known_fields()}
    base, *parts = name.split(",")
    settings: dict[FieldPath, str] = {}
    while parts:
        key, equals, text = parts[-1].partition("=")
        if key not in known or not equals or known[key] in settings:
            break
        settings[known[key]] = text
        parts.pop()
    return ",".join([base, *parts]), settings


def _joined(base: str, settings: dict[str, str]) -> str:
    """Return a name of at most LONGEST_WITH_SETTINGS bytes; what does not fit is represented by a hash."""
    parts = [f"{key}={settings[key]}" for key in sorted(settings, key=lambda key: (key == MORE, key))]
    name = whole = ",".join([base, *parts])
    more = f"{MORE}={hashlib.sha256(_encoded(whole)).hexdigest()[:8]}"
    while _bytes(name) > LONGEST_WITH_SETTINGS and parts:
        parts.pop()
        name = ",".join([base, *parts, more])
    if _bytes(name) > LONGEST_WITH_SETTINGS:
        room = LONGEST_WITH_SETTINGS - len(more) - 1
        name = f"{_encoded(base)[:room].decode(errors='ignore')},{more}"
    return name


def _known_fields() -> Iterator[FieldPath]:
    yield from ((field,) for field in [*Config.model_fields, MORE])
    yield from meant.settings()


def _key(path: FieldPath) -> str:
    """Return a field's name, without `dataset.` where it is clear."""
    short = path[1:] if path[0] == "dataset" and len(path) == 2 and path[1] not in Config.model_fields else path
    return _portable(".".join(short))


def _text(value: Value) -> str:
    """Return a value in a few characters that every system allows; numbers that are equal look alike."""
    if value is None:
        return "none"
    if isinstance(value, list):
        return "x".join(_text(item) for item in value) or "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**64:
        value = int(value)
    return _portable(str(value)) or "empty"


def _portable(text: str) -> str:
    """Replace what some system forbids in names, and what separates settings."""
    return re.sub(r"[^\w.+-]+", "-", text).strip(".")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _bytes(text: str) -> int:
    return len(_encoded(text))
