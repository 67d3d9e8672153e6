"""What the command line sets in a config: `--set key=value`, `--seed`, and each value of `--sweep key=value,value`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_origin

from autodiff.experiment.config import wording, yaml_source
from autodiff.experiment.config.config import Config
from autodiff.experiment.config.yaml_source import SourceError, Value
from autodiff.experiment.errors import InputError

FieldPath = tuple[str, ...]


@dataclass(frozen=True)
class Override:
    """A field that the command line sets; `option` is how the user wrote it, `problem` why its value is not YAML."""

    option: str
    path: FieldPath
    value: Value = None
    problem: str | None = None

    @classmethod
    def parse(cls, assignment: str, option: str = "--set") -> "Override":
        """Read `key=value`; the key may be dotted. Raises InputError when there is no key, no = or no value."""
        key, equals, text = assignment.partition("=")
        option = f"{option} {wording.on_one_line(assignment)}"
        if not (key.strip() and equals and text.strip()):
            raise InputError([f"{option}: must be key=value, such as --set epochs=500"])
        path = tuple(key.strip().split("."))
        try:
            document = yaml_source.parse(text.strip())
            if document.problems:
                raise document.problems[0][1]
        except SourceError as problem:
            return cls(option, path, problem=problem.message)
        return cls(option, path, _listed(path, text, document.value))

    def assignments(self) -> Iterator[tuple[FieldPath, Value]]:
        """Yield each single field that is set: one, or all those of a value such as {classes: 4}."""
        yield from _assignments(self.path, self.value)


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
    return overrides if seed is None else [*overrides, Override(f"--seed {seed}", ("seed",), seed)]


def merged(old: object, new: Value) -> Value:
    """Return the value that a field has after an override: fields are merged into those that are there."""
    if not isinstance(new, dict):
        return new
    kept = old if isinstance(old, dict) else {}
    return kept | {key: merged(kept.get(key), value) for key, value in new.items()}


def _assignments(path: FieldPath, value: Value) -> Iterator[tuple[FieldPath, Value]]:
    if isinstance(value, dict):
        for key, field in value.items():
            yield from _assignments((*path, key), field)
    else:
        yield path, value


def _listed(path: FieldPath, text: str, value: Value) -> Value:
    """Take 64,64 for [64, 64] where a list is wanted: brackets would need quotes in some shells."""
    known = Config.model_fields.get(path[0]) if len(path) == 1 else None
    if known is None or get_origin(known.annotation) is not list or not isinstance(value, str | int | float):
        return value
    items = text.split(",")
    if not all(yaml_source.is_number(item.strip()) for item in items):
        return value
    try:
        return [yaml_source.scalar(item.strip()) for item in items]
    except ValueError:  # a leading zero
        return value
