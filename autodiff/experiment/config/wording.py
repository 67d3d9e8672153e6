"""pydantic's findings in plain English: what is wrong with a field, and what was probably meant."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from autodiff.experiment.config import yaml_source


def field_name(path: yaml_source.Path) -> str:
    """Return a field's name as a reader would write it: `dataset.noise`, `hidden[1]`."""
    name = ""
    for part in path:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else shortened(part)
    return name


def shown(value: Any) -> str:
    """Return a value as it would be written in a config, on one line and not too long."""
    if isinstance(value, dict):
        return "fields" if value else "no fields"
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    try:
        return shortened(repr(value))
    except ValueError:  # Python refuses to print an integer of thousands of digits
        return "an enormous number"


def shown_path(path: Path) -> str:
    """Return a path as it was given, on one line."""
    return on_one_line(str(path))


def on_one_line(text: str) -> str:
    """Make sure that a text stays on its line, and that a terminal takes it for nothing else."""
    return text if text.isprintable() else repr(text)


def shortened(text: str, length: int = 60) -> str:
    """Cut a long text, and make sure that it stays on its line."""
    line = on_one_line(text)
    return line if len(line) <= length else f"{line[: length - 3]}..."


def explained(detail: ErrorDetails, fields: Mapping[str, FieldInfo]) -> str:
    """Return what is wrong with one of some fields, after its name."""
    if detail["type"] in ("contradiction", "wrong_setting"):  # our own words
        return str(detail["ctx"]["message"])
    name, *deeper = detail["loc"]
    field = fields[str(name)]
    while deeper and isinstance(deeper[0], str) and (inner := fields_within(field)):
        field = inner[str(deeper.pop(0))]
    if any(isinstance(step, int) for step in deeper):  # an entry of a list
        field = FieldInfo.from_annotation(get_args(_without_none(field.annotation))[0])
    if detail["type"] == "missing":
        return f"is missing; it must be {wanted(field)}"
    choices = [choice for choice in get_args(_without_none(field.annotation)) if isinstance(choice, str)]
    return f"must be {wanted(field)}, found {shown(detail['input'])}{advice(detail['input'], choices)}"


def fields_within(field: FieldInfo) -> Mapping[str, FieldInfo]:
    """Return the fields of a field that has some of its own."""
    kind = _without_none(field.annotation)
    return kind.model_fields if isinstance(kind, type) and issubclass(kind, BaseModel) else {}


def wanted(field: FieldInfo) -> str:
    """Return what a field may hold, to complete the sentence "must be ..."."""
    if field.description:
        return field.description
    annotation = _without_none(field.annotation)
    if get_origin(annotation) is Annotated:
        return wanted(FieldInfo.from_annotation(annotation))
    if get_origin(annotation) is Literal:
        choices = [str(choice) for choice in get_args(annotation)]
        return f"one of {', '.join(choices)}" if len(choices) > 1 else choices[0]
    if get_origin(annotation) is list:
        return f"a list, each entry {wanted(FieldInfo.from_annotation(get_args(annotation)[0]))}"
    words = {bool: "true or false", int: "a whole number", str: "a text"}
    return words.get(annotation, "a number") + "".join(
        f"{said} {limit:g}"
        for one in field.metadata
        for name, said in _LIMITS.items()
        if (limit := getattr(one, name, None)) is not None
    )


_LIMITS = {"gt": ", above", "ge": ", at least", "lt": ", below", "le": ", at most"}


def _without_none(annotation: Any) -> Any:
    """Return a type without the None that it may be, too."""
    if get_origin(annotation) in (Union, UnionType):
        others = [one for one in get_args(annotation) if one is not NoneType]
        return others[0] if len(others) == 1 else annotation
    return annotation


def advice(found: Any, choices: Sequence[str]) -> str:
    """Say what was probably meant by a wrong text: one of the choices, or a number if there are none."""
    if not isinstance(found, str):
        return ""
    before, comment, _ = found.partition("#")
    if comment and (before in choices or (not choices and yaml_source.is_number(before))):
        return " (a blank is missing before the '#')"
    nearest = difflib.get_close_matches(found.lower(), choices, n=1)
    if nearest:
        return f" (did you mean {nearest[0]}?)"
    return " (a text: remove the quotes)" if not choices and yaml_source.is_number(found) else ""
