"""From a config file and the command line's overrides to a Config, or to every mistake in them at once.

A mistake is one line: `file:line:column: field: what is wrong (did you mean ...?)`. What came from the command line
names its option instead of a file and a line.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from autodiff.experiment.config import wording, yaml_source
from autodiff.experiment.config.config import Config
from autodiff.experiment.config.file_text import read_text
from autodiff.experiment.config.yaml_source import Document, Place, SourceError
from autodiff.experiment.errors import InputError

COMPARISON = "comparison"  # stands beside the runs' folders, so no run may have this name


@dataclass(frozen=True)
class Override:
    """A field that the command line sets: `key` may be dotted; `option` is how the user wrote the whole."""

    option: str
    key: str
    text: str

    @classmethod
    def parse(cls, assignment: str) -> "Override":
        """Read `key=value`. Raises InputError when there is no key, no = or no value."""
        key, equals, text = assignment.partition("=")
        if not (key.strip() and equals and text.strip()):
            raise InputError([f"--set {assignment}: must be key=value, such as --set epochs=500"])
        return cls(f"--set {assignment}", key.strip(), text.strip())


def overrides_of(assignments: Sequence[str], seed: int | None) -> list[Override]:
    """Return the overrides of `--set` and `--seed`. Raises InputError with every one that is not key=value."""
    overrides: list[Override] = []
    problems: list[str] = []
    for assignment in assignments:
        try:
            overrides.append(Override.parse(assignment))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return overrides if seed is None else [*overrides, Override(f"--seed {seed}", "seed", str(seed))]


@dataclass(frozen=True)
class Experiment:
    """A config, and the name under which its results are kept."""

    name: str
    config: Config


def configs_in(folder: Path) -> list[Path]:
    """Return every *.yaml of a folder, by name. Raises InputError if there is none."""
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise InputError([f"{folder}: no config (*.yaml) here; name the folder of yours with --configs"])
    return files


def load_all(files: Sequence[Path], overrides: Sequence[Override] = (), name: str | None = None) -> list[Experiment]:
    """Read every config file. Raises InputError with the mistakes of all of them."""
    experiments: list[Experiment] = []
    problems: list[str] = []
    for file in files:
        try:
            experiments.append(Experiment(name or _name(file), load(file, overrides)))
        except InputError as error:
            problems += error.problems
    problems += _repeated_names(files)
    if problems:
        raise InputError(list(dict.fromkeys(problems)))  # an override that is wrong in every file is told once
    return experiments


def load(file: Path, overrides: Sequence[Override] = ()) -> Config:
    """Read one config file. Raises InputError with every mistake in it."""
    try:
        document = yaml_source.parse(read_text(file))
    except SourceError as problem:
        raise InputError([_line(_at(file, problem.place), (), problem.message)]) from None
    source = _Source(file, document)
    for override in overrides:
        source.override(override)
    return source.validated()


def _name(file: Path) -> str:
    """Name a run after its file; after its folder when the file is the `config.yaml` of a finished run."""
    absolute = file.absolute()
    return absolute.parent.name if absolute.name == "config.yaml" and absolute.parent.name else file.stem


def _repeated_names(files: Sequence[Path]) -> Iterator[str]:
    first: dict[str, Path] = {}
    for file in files:
        name = _name(file).casefold()  # two folders whose names differ in case are one folder on some machines
        if name in first:
            yield f"{file}: would write to the same folder, {_name(file)}, as {first[name]}; rename one"
        if name == COMPARISON:
            yield f"{file}: the folder {COMPARISON} is for the comparison of runs; rename this config"
        first.setdefault(name, file)


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
            raise InputError([f"{self.file}:1:1: is empty; a config needs at least {required}"])
        found = f"must be fields, one a line, such as `epochs: 1000`, found {wording.shown(value)}"
        of_yaml = [
            _line(_at(self.file, problem.place), path, problem.message) for path, problem in self.document.problems
        ]
        raise InputError(of_yaml or [_line(_at(self.file, self.document.places[()]), (), found)])

    def override(self, override: Override) -> None:
        """Give a field the value that the command line asks for."""
        path: yaml_source.Path = tuple(override.key.split("."))
        for known in [known for known in self.options if known[: len(path)] == path]:
            del self.options[known]  # the last of several options holds
            self.refused.pop(known, None)
        self.options[path] = override.option
        try:
            document = yaml_source.parse(override.text)
            if document.problems:
                raise document.problems[0][1]
        except SourceError as problem:
            self.refused[path] = problem.message
            return
        mapping = self.values
        for parent in path[:-1]:
            if mapping.get(str(parent)) is None:
                mapping[str(parent)] = {}
            mapping = mapping[str(parent)]
            if not isinstance(mapping, dict):
                self.refused[path] = f"{parent} has no fields of its own"
                return
        mapping[str(path[-1])] = document.value

    def validated(self) -> Config:
        """Return the config. Raises InputError with every mistake, in the order of the file."""
        problems = [
            (problem.place, path, _at(self.file, problem.place), problem.message)
            for path, problem in self.document.problems
            if not _beneath(path, self.options)
        ]
        problems += [(None, path, self.options[path], message) for path, message in self.refused.items()]
        told = {path for _, path, _, _ in problems}
        config = None
        try:
            config = Config.model_validate(_without_absent(self.values))
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                path = detail["loc"]
                if not _beneath(path, told):
                    place, where = self._origin(path, of_key=detail["type"] == "extra_forbidden")
                    problems.append((place, path, where, wording.explained(detail)))
        if problems or config is None:
            last = Place(2**31, 0)  # the command line's mistakes come after the file's
            problems.sort(key=lambda problem: ((problem[0] or last).line, (problem[0] or last).column))
            raise InputError([_line(where, path, message) for _, path, where, message in problems])
        return config

    def _origin(self, path: yaml_source.Path, *, of_key: bool) -> tuple[Place | None, str]:
        """Return where a value (or its key) was written. A missing field is reported where it should have been."""
        for known, option in self.options.items():
            if known in _starts(path) or (path in _starts(known) and path not in self.document.places):
                return None, option
        places = self.document.keys if of_key and path in self.document.keys else self.document.places
        place = next((places[start] for start in _starts(path) if start in places), Place(1, 1))
        return place, _at(self.file, place)


def _starts(path: yaml_source.Path) -> list[yaml_source.Path]:
    """Return the path and the paths of all that holds it, the longest first."""
    return [path[:length] for length in range(len(path), -1, -1)]


def _beneath(path: yaml_source.Path, paths: "set[yaml_source.Path] | dict[yaml_source.Path, str]") -> bool:
    return any(start in paths for start in _starts(path))


def _without_absent(value: Any) -> Any:
    """Leave out the fields whose value is null: they are absent."""
    if isinstance(value, dict):
        return {key: _without_absent(field) for key, field in value.items() if field is not None}
    return value


def _at(file: Path, place: Place | None) -> str:
    return f"{file}:{place.line}:{place.column}" if place else str(file)


def _line(where: str, path: yaml_source.Path, message: str) -> str:
    return f"{where}: {wording.field_name(path)}: {message}" if path else f"{where}: {message}"
