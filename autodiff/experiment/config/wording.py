"""pydantic's findings in plain English: what is wrong with a field, and what was probably meant."""

import difflib
import shlex
from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from autodiff.experiment.config import yaml_source
from autodiff.experiment.config.config import WIDEST, Config, Dataset

# Names from elsewhere that are too far from ours for difflib to find.
NAMES_ELSEWHERE = {
    "lr": "learning_rate",
    "layers": "hidden",
    "units": "hidden",
    "iterations": "epochs",
    "steps": "epochs",
    "points": "points_per_class",
}


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


def explained(detail: ErrorDetails) -> str:
    """Return what is wrong with a field, after its name."""
    path = detail["loc"]
    if detail["type"] == "extra_forbidden":
        return f"unknown field{_nearest_field(path)}"
    if detail["type"] == "contradiction":
        return str(detail["ctx"]["message"])
    wanted = _wanted(path)
    if detail["type"] == "missing":
        return f"is missing; it must be {wanted}"
    return f"must be {wanted}, found {shown(detail['input'])}{_advice(path, detail['input'])}"


def _wanted(path: yaml_source.Path) -> str:
    if path[0] == "hidden" and len(path) > 1:
        return f"a whole number from 1 to {WIDEST:,}"
    return str(_field(path).description)


def _field(path: yaml_source.Path) -> FieldInfo:
    if path[0] == "dataset" and len(path) > 1:
        return Dataset.model_fields[str(path[1])]
    return Config.model_fields[str(path[0])]


def _advice(path: yaml_source.Path, found: Any) -> str:
    """Say what was probably meant by a wrong text."""
    if not isinstance(found, str):
        return ""
    choices = [choice for choice in get_args(_field(path).annotation) if isinstance(choice, str)]
    before, comment, _ = found.partition("#")
    if comment and (before in choices or (not choices and yaml_source.is_number(before))):
        return " (a blank is missing before the '#')"
    nearest = difflib.get_close_matches(found.lower(), choices, n=1)
    if nearest:
        return f" (did you mean {nearest[0]}?)"
    return " (a text: remove the quotes)" if not choices and yaml_source.is_number(found) else ""


def assignment_meant(key: str, value: str = "...") -> str | None:
    """Return the option that sets a field which was written without it, as `--epochs 5` or `epochs=5`; else None."""
    name = key.strip().lstrip("-").replace("-", "_").lower()
    name = NAMES_ELSEWHERE.get(name, name)
    fields = [*Config.model_fields, *(f"dataset.{field}" for field in Dataset.model_fields)]
    meant = [field for field in fields if name in (field, field.removeprefix("dataset."))]
    meant = meant or difflib.get_close_matches(name, fields, n=1, cutoff=0.8)
    return f"--set {shlex.quote(f'{meant[0]}={value}')}" if meant else None


def _nearest_field(path: yaml_source.Path) -> str:
    """Suggest the field that was meant by an unknown one, here or at the other level."""
    name = str(path[-1]).lower()
    name = NAMES_ELSEWHERE.get(name, name)
    of_config, of_dataset = list(Config.model_fields), [f"dataset.{field}" for field in Dataset.model_fields]
    prefix = "" if len(path) == 1 else "dataset."
    here, elsewhere = (of_config, of_dataset) if len(path) == 1 else (of_dataset, of_config)
    nearest = difflib.get_close_matches(prefix + name, here, n=1, cutoff=0.6 if not prefix else 0.8)
    if name in (other.removeprefix("dataset.") for other in elsewhere):
        nearest = [other for other in elsewhere if other.removeprefix("dataset.") == name]
    return f" (did you mean {nearest[0]}?)" if nearest else f"; the fields are {', '.join(here)}"
