"""From a config file and the command line's overrides to a Config, or to every mistake in them at once.

A mistake is one line: `file:line:column: field: what is wrong (did you mean ...?)`. What came from the command line
names its option instead of a file and a line.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from autodiff.experiment.config import wording, yaml_source
from autodiff.experiment.config.choice import BESIDE
from autodiff.experiment.config.config import Config
from autodiff.experiment.config.file_text import SUFFIXES, read_text
from autodiff.experiment.config.meant import nearest_field
from autodiff.experiment.config.names import checked_name, is_record, run_names
from autodiff.experiment.config.overrides import Override, merged
from autodiff.experiment.config.own_code import Code, used_by
from autodiff.experiment.config.yaml_source import Document, Position, SourceError
from autodiff.experiment.data.data_file import beside
from autodiff.experiment.errors import InputError, reason
from autodiff.experiment.register import KINDS


@dataclass(frozen=True)
class Experiment:
    """A config, the name under which its results are kept, and the code of one's own that it needs."""

    name: str
    config: Config
    code: tuple[Code, ...] = ()


def configs_in(folder: Path) -> list[Path]:
    """Return every config of a folder, by name, but not what editors keep there. Raises InputError if there is none."""
    where = wording.shown_path(folder)
    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError:
        raise InputError([f"{where}: no such folder{_nearest_folder(folder)}; {_ADVICE}"]) from None
    except NotADirectoryError:
        raise InputError([f"{where}: is a file, not a folder; name configs without --all"]) from None
    except (OSError, ValueError) as error:  # a null character in the name is a ValueError
        said = reason(error) if isinstance(error, OSError) else str(error)
        raise InputError([f"{where}: cannot be read: {said}"]) from None
    files = [entry for entry in entries if _looks_like_a_config(entry)]
    if not files:
        raise InputError([f"{where}: no config (*.yaml) here; {_ADVICE}"])
    return files


_ADVICE = "name the folder of yours with --configs, or let `adrun init` write four to begin with"


def _looks_like_a_config(entry: Path) -> bool:
    """Tell configs from other files, from folders, and from an editor's locks and copies, which may lead nowhere."""
    return entry.suffix.lower() in SUFFIXES and not entry.name.startswith((".", "#", "~")) and entry.is_file()


def _nearest_folder(folder: Path) -> str:
    try:
        names = [entry.name for entry in folder.parent.iterdir() if entry.is_dir()]
    except OSError:
        return ""
    nearest = difflib.get_close_matches(folder.name, sorted(names), n=1)
    return f" (did you mean {wording.shown_path(folder.parent / nearest[0])}?)" if nearest else ""


def load_all(files: Sequence[Path], overrides: Sequence[Override] = (), name: str | None = None) -> list[Experiment]:
    """Read every config file. Raises InputError with the mistakes of all of them.

    name: of the run, when there is one config; otherwise each run is named after its file and overrides.
    """
    if name is not None and len(files) != 1:
        raise InputError([f"--name: is for one config, and {len(files)} are given; train them one by one"])
    configs: list[Config] = []
    names: list[str] = []
    problems: list[str] = []
    for file in files:
        try:
            configs.append(load(file, overrides))
        except InputError as error:
            problems += error.problems
    try:
        names = run_names(files, overrides) if name is None else [checked_name(name)]
    except InputError as error:
        problems += error.problems
    if problems:
        raise InputError(list(dict.fromkeys(problems)))  # an override that is wrong in every file is told once
    return [Experiment(*of_one, used_by(of_one[1].choices)) for of_one in zip(names, configs, strict=True)]


def load(file: Path, overrides: Sequence[Override] = ()) -> Config:
    """Read one config file. Raises InputError with every mistake in it."""
    try:
        document = yaml_source.parse(read_text(file))
    except SourceError as problem:
        raise InputError([_line(_at(file, problem.position), (), problem.message)]) from None
    source = _Source(file, document)
    for override in overrides:
        source.override(override)
    return source.validated()


class _Source:
    """The values of one config, where each came from, and what is wrong with them."""

    def __init__(self, file: Path, document: Document) -> None:
        self.file = file
        self.document = document
        self.options: dict[yaml_source.Path, str] = {}  # the command line's option, by the path that it set
        self.refused: dict[yaml_source.Path, str] = {}  # such options whose values are not YAML, with the reason
        self.values = self._fields()

    def _fields(self) -> dict[str, Any]:
        value = self.document.value
        if isinstance(value, dict):
            return value
        if value is None and not self.document.problems:
            required = "activation, optimizer, learning_rate and epochs"
            raise InputError(
                [_line(_at(self.file, Position(1, 1)), (), f"is empty; a config needs at least {required}")]
            )
        found = f"must be fields, one a line, such as `epochs: 1000`, found {wording.shown(value)}"
        of_yaml = [
            _line(_at(self.file, problem.position), path, problem.message) for path, problem in self.document.problems
        ]
        raise InputError(of_yaml or [_line(_at(self.file, self.document.positions[()]), (), found)])

    def override(self, override: Override) -> None:
        """Give a field the value that the command line asks for."""
        path = override.path
        if override.problem is not None:
            self._refuse(override, override.problem)
            return
        mapping = self.values
        for parent in path[:-1]:
            if mapping.get(parent) is None:
                mapping[parent] = {}
            inner = mapping[parent]
            if isinstance(inner, str) and parent in KINDS:  # the name of a part, that is to have settings
                inner = mapping[parent] = {"name": inner}
            if not isinstance(inner, dict):
                self._refuse(override, f"{parent} is {wording.shown(inner)} and has no fields of its own")
                return
            mapping = inner
        old = mapping.get(path[-1])
        mapping[path[-1]] = merged(old, override.value)
        if not isinstance(old, dict):
            self._set_by(override, path)
        for single, _ in override.assignments():
            self._set_by(override, single)

    def _set_by(self, override: Override, path: yaml_source.Path) -> None:
        """Note which option set a field; the last of several holds."""
        for known in [known for known in self.options if known[: len(path)] == path]:
            del self.options[known]
            self.refused.pop(known, None)
        self.options[path] = override.option

    def _refuse(self, override: Override, message: str) -> None:
        self._set_by(override, override.path)
        self.refused[override.path] = message

    def validated(self) -> Config:
        """Return the config. Raises InputError with every mistake, in the order of the file."""
        problems = [
            (problem.position, path, _at(self.file, problem.position), problem.message)
            for path, problem in self.document.problems
            if not _beneath(path, self.options)
        ]
        problems += [(None, path, self.options[path], message) for path, message in self.refused.items()]
        told = {path for _, path, _, _ in problems}
        config = None
        try:
            with beside(self.file, is_record=is_record(self.file)):
                config = Config.model_validate(without_absent(self.values))
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                path = self._path_of(detail)
                if not _beneath(path, told):
                    position, where = self._origin(path, of_key=detail["type"] in UNKNOWN)
                    problems.append((position, path, where, explained(detail)))
        if problems or config is None:
            last = Position(2**31, 0)  # the command line's mistakes come after the file's
            problems.sort(key=lambda problem: ((problem[0] or last).line, (problem[0] or last).column))
            raise InputError([_line(where, path, message) for _, path, where, message in problems])
        return config

    def _path_of(self, detail: ErrorDetails) -> yaml_source.Path:
        """Return the path of what is wrong, as it was written."""
        path = detail["loc"]
        setting = detail.get("ctx", {}).get("setting")
        if setting is not None and isinstance(self.values.get(str(path[0])), dict):
            path = (*path, setting)
        written_within = isinstance(optimizer := self.values.get("optimizer"), dict) and path[0] in optimizer
        return ("optimizer", *path) if path[0] in BESIDE and written_within and path[0] not in self.values else path

    def _origin(self, path: yaml_source.Path, *, of_key: bool) -> tuple[Position | None, str]:
        """Return where a value (or its key) was written. A missing field is reported where it should have been."""
        for start in _starts(path):
            if start in self.options:
                return None, self.options[start]
        for known, option in self.options.items():
            if path in _starts(known) and path not in self.document.positions:
                return None, option
        positions = self.document.keys if of_key and path in self.document.keys else self.document.positions
        position = next((positions[start] for start in _starts(path) if start in positions), Position(1, 1))
        return position, _at(self.file, position)


def _starts(path: yaml_source.Path) -> list[yaml_source.Path]:
    """Return the path and the paths of all that holds it, the longest first."""
    return [path[:length] for length in range(len(path), -1, -1)]


def _beneath(path: yaml_source.Path, paths: "set[yaml_source.Path] | dict[yaml_source.Path, str]") -> bool:
    return any(start in paths for start in _starts(path))


UNKNOWN = ("extra_forbidden", "unknown_setting")


def explained(detail: ErrorDetails) -> str:
    """Return what is wrong with a field, after its name."""
    if detail["type"] in UNKNOWN:
        part = detail["ctx"]["message"] if detail["type"] == "unknown_setting" else None
        return f"unknown field{nearest_field(detail['loc'], part)}"
    return wording.explained(detail, Config.model_fields)


def without_absent(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out the fields whose value is null: they are absent. What is no field stays, to be refused."""
    return {key: value for key, value in values.items() if value is not None or key not in Config.model_fields}


def _at(file: Path, position: Position | None) -> str:
    where = wording.shown_path(file)
    return f"{where}:{position.line}:{position.column}" if position else where


def _line(where: str, path: yaml_source.Path, message: str) -> str:
    return f"{where}: {wording.field_name(path)}: {message}" if path else f"{where}: {message}"
