"""A part as a config names it: by its name alone, or with settings, which are checked against those that it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, LiteralString, get_args, get_origin

from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError
from pydantic_core import CoreSchema, ErrorDetails, InitErrorDetails, PydanticCustomError, core_schema

import autodiff.experiment.data
import autodiff.experiment.parts  # noqa: F401 (both register what adrun brings along)
from autodiff.experiment.config import wording
from autodiff.experiment.config.fields import Fields, whole
from autodiff.experiment.data.data_file import DataFile
from autodiff.experiment.errors import InputError
from autodiff.experiment.register import KINDS, REQUIRED, Part

BESIDE = ("momentum", "weight_decay")
"""Settings of optimizers that are fields of the config itself, and may be written in either place."""


@dataclass(frozen=True)
class Choice:
    """A part of a kind by its name, and its settings, defaults filled in."""

    kind: str
    name: str
    settings: Mapping[str, Any]

    @property
    def part(self) -> Part:
        """The part. Raises KeyError where it has not been registered."""
        return KINDS[self.kind].parts[self.name]

    def whole(self) -> dict[str, Any]:
        """Return its name and all settings, as a config has them."""
        plain = {key: held.plain() if isinstance(held, DataFile) else held for key, held in self.settings.items()}
        return {"name": self.name, **{key: held for key, held in plain.items() if held is not None}}

    def plain(self) -> Any:
        """Return what a config says of it: the name alone where all settings are as they are by default."""
        by_default = {name: self.part.settings[name].default for name in self.settings}
        return self.name if self.settings == by_default else self.whole()


def chosen(kind: str, value: Any, default: str | None = None) -> Choice:
    """Return the part that a value of a config names. Raises ValidationError with every mistake in it.

    default: the name of the part where settings are given without one.
    """
    settings = dict(value) if isinstance(value, Mapping) else {}
    name = settings.pop("name", None) if isinstance(value, Mapping) else value
    if name is None and isinstance(value, Mapping):
        name = default
    parts = KINDS[kind].parts
    if name is None:
        raise _refused((("name",), "wrong_setting", f"is missing; it must be {one_of(kind)}", value))
    if not isinstance(name, str) or name not in parts:
        path = ("name",) if isinstance(value, Mapping) else ()
        found = f"must be {one_of(kind)}, found {wording.shown(name)}{wording.advice(name, list(parts))}"
        raise _refused((path, "wrong_setting", found, value))
    part = parts[name]
    fields = fields_of(part)
    given = {key: held for key, held in settings.items() if held is not None or key not in fields.model_fields}
    try:
        return Choice(kind, name, fields.model_validate(given).model_dump())
    except ValidationError as error:
        problems = {(problem := _problem(part, detail))[0]: problem for detail in error.errors(include_url=False)}
        raise _refused(*problems.values()) from None


def _problem(part: Part, detail: ErrorDetails) -> "Problem":
    """Return what is wrong with a setting of a part."""
    path = (detail["loc"][0], *(step for step in detail["loc"][1:] if isinstance(step, int)))  # no kinds of a union
    found = detail["input"]
    if detail["type"] != "extra_forbidden":
        return path, "wrong_setting", wording.explained(detail, fields_of(part).model_fields), found
    if path[0] in BESIDE and path[0] in part.settings:
        return path, "contradiction", "is given beside the optimizer, too; keep one of the two", found
    return path, "unknown_setting", part.name, found


def one_of(kind: str) -> str:
    """Return which parts of a kind there are, to complete the sentence "must be ..."."""
    names = list(KINDS[kind].parts)
    return f"one of {', '.join(names)}" if len(names) > 1 else names[0]


@cache
def fields_of(part: Part) -> type[Fields]:
    """Return the settings of a part as fields that are checked. Raises InputError for those that no config can give."""
    given: Any = {
        name: (_checked(setting.annotation), ... if setting.default is REQUIRED else setting.default)
        for name, setting in part.settings.items()
        if part.kind != "optimizer" or name not in BESIDE
    }
    where = f"{part.file}:{part.line}: {part.kind} {part.name}"
    try:
        fields = create_model(part.name, __base__=Fields, **given)
    except (PydanticSchemaGenerationError, NameError) as error:
        raise InputError([f"{where}: no config can give its settings: {error}".partition("\n")[0]]) from None
    required = {name for name, setting in part.settings.items() if setting.default is REQUIRED}
    try:
        fields.model_validate({name: default for name, (_, default) in given.items() if name not in required})
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            if detail["type"] != "missing":
                said = wording.explained(detail, fields.model_fields)
                raise InputError([f"{where}: the default of {wording.field_name(detail['loc'])} {said}"]) from None
    return fields


def _checked(annotation: Any) -> Any:
    """Return a type such that 1e4 is taken for 10000 where a whole number is wanted."""
    inner = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    return Annotated[annotation, BeforeValidator(whole)] if inner is int else annotation


Problem = tuple[tuple[int | str, ...], LiteralString, str, Any]
"""The path of a setting, the kind of problem, what is said of it, and the value found."""


def _refused(*problems: Problem) -> ValidationError:
    """Return the error of some problems."""
    return ValidationError.from_exception_data(
        "part",
        [
            InitErrorDetails(
                type=PydanticCustomError(kind, "{message}", {"message": message}),
                loc=path,
                input=value,
            )
            for path, kind, message, value in problems
        ],
    )


@dataclass(frozen=True)
class Named:
    """Marks a field of a config that names a part.

    default: the part that is meant where settings are given without a name. several: whether a list of parts is taken.
    """

    kind: str
    default: str | None = None
    several: bool = False

    def validated(self, value: Any) -> Any:
        """Return the part that is chosen, or all of a list. Raises ValidationError."""
        if isinstance(value, Choice):
            return value
        if not self.several or not isinstance(value, list) or not value:
            return chosen(self.kind, value, self.default)
        found, problems = [], []
        for i, one in enumerate(value):
            try:
                found.append(chosen(self.kind, one, self.default))
            except ValidationError as error:
                for detail in error.errors(include_url=False):
                    path, said = (i, *detail["loc"]), detail["ctx"]["message"]
                    problems.append((path, detail["type"], said, detail["input"]))
        if problems:
            raise _refused(*problems)
        return tuple(found)

    def plain(self, value: Any) -> Any:
        """Return what a config says of one part or of several: one name where all are the same."""
        if value is None:
            return None
        if isinstance(value, Choice):
            return value.plain() if self.default is None else value.whole()
        plain = [one.plain() for one in value]
        return plain[0] if all(one == plain[0] for one in plain) else plain

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.validated, serialization=core_schema.plain_serializer_function_ser_schema(self.plain)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {}  # `json_schema` knows more
