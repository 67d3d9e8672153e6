"""The fields of configs by their dotted names, and in which of them configs differ."""

import json
from collections.abc import Mapping
from typing import Any

from autodiff.experiment.errors import InputError


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested fields as one level: `dataset.noise` and so on."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flattened(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found


def differing(*several: Mapping[str, Any]) -> list[str]:
    """Return the dotted names of the fields that are not the same in all of some nested values, in their order."""
    flat = [flattened(values) for values in several]
    names = dict.fromkeys(name for values in flat for name in values)
    return [name for name in names if any(values.get(name) != flat[0].get(name) for values in flat)]


def named(field: str, known: Mapping[str, Any] | list[str], option: str) -> str:
    """Return the full name of a field that may be given by its last part, such as noise for dataset.noise.

    option: how the user wrote it, for the error. Raises InputError when no field, or more than one, has that name.
    """
    if field in known:
        return field
    full = [name for name in known if name.rpartition(".")[2] == field]
    if len(full) == 1:
        return full[0]
    if full:
        raise InputError([f"{option}: {field} may be {' or '.join(full)}; give the whole name"])
    import difflib

    parts = {name.rpartition(".")[2]: name for name in known} | {name: name for name in known}
    nearest = difflib.get_close_matches(field.lower(), list(parts), n=1)
    meant = f" (did you mean {parts[nearest[0]]}?)" if nearest else f"; there are {', '.join(known)}"
    raise InputError([f"{option}: there is no field {field!r}{meant}"])


def value_of(text: str) -> Any:
    """Return the value that a text of the command line stands for: a number, a list, true, null or the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return float(text)  # .5 and 1., which are no JSON
    except ValueError:
        return text
