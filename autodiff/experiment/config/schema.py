"""The JSON Schema of a config: what editors and other tools can know of it."""

from typing import Any

from autodiff.experiment.config.config import ADAPTIVE, Config

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DESCRIPTION = (
    "An experiment for adrun. What depends on several fields together (the number of points, the size of a batch, the "
    "memory that is needed) is checked by `adrun validate`."
)


# pydantic does not translate the limits of what a validator of ours has seen first.
_LIMITS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def json_schema() -> dict[str, Any]:
    """Return the schema, in the draft of 2020-12. As in a config, a field that may be left out may be null."""
    of_pydantic = Config.model_json_schema()
    definitions = {name: _fields(model) for name, model in of_pydantic.pop("$defs").items()}
    return {
        "$schema": DIALECT,
        **_fields(of_pydantic),
        "title": "adrun config",
        "description": _DESCRIPTION,
        "if": {"properties": {"optimizer": {"enum": list(ADAPTIVE)}}, "required": ["optimizer"]},
        "then": {"properties": {"momentum": {"type": "null"}}},  # the other optimizers keep moments of their own
        "$defs": definitions,
    }


def _fields(model: dict[str, Any]) -> dict[str, Any]:
    """Return a model's schema without the titles that pydantic makes up, and null allowed where a default is."""
    required = model.get("required", [])
    fields: dict[str, Any] = {}
    for name, field in model["properties"].items():
        said = {key: field[key] for key in ("description", "default") if field.get(key) is not None}
        allowed = _limited({key: field[key] for key in field if key not in ("title", "description", "default")})
        fields[name] = said | (allowed if name in required else _or_null(allowed))
    rest = {key: value for key, value in model.items() if key not in ("title", "description", "properties")}
    return rest | {"properties": fields}


def _limited(schema: Any) -> Any:
    """Return a schema with its limits under the names that JSON Schema has for them."""
    if isinstance(schema, dict):
        return {_LIMITS.get(key, key): _limited(value) for key, value in schema.items()}
    return [_limited(value) for value in schema] if isinstance(schema, list) else schema


def _or_null(allowed: dict[str, Any]) -> dict[str, Any]:
    return allowed if {"type": "null"} in allowed.get("anyOf", ()) else {"anyOf": [allowed, {"type": "null"}]}
