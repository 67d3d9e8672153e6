"""The JSON Schema of a config: what editors and other tools can know of it."""

from typing import Any

from autodiff.experiment.config.choice import BESIDE, Named, chosen, fields_of
from autodiff.experiment.config.config import Config
from autodiff.experiment.register import KINDS, REQUIRED, Part

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
    others = {name: _fields(model) for name, model in of_pydantic.pop("$defs").items()}
    of_config = _fields(of_pydantic)
    fields = of_config["properties"]
    for name, field in Config.model_fields.items():
        fields[name] |= next(
            (_naming(named, field.is_required()) for named in field.metadata if isinstance(named, Named)), {}
        )
    return {
        "$schema": DIALECT,
        **of_config,
        "title": "adrun config",
        "description": _DESCRIPTION,
        "allOf": [_refused("momentum", [None]), _refused("weight_decay", [None, 0])],
        "$defs": {kind: _kind(kind, fields) for kind in KINDS if kind in fields} | others,
    }


def _fields(model: dict[str, Any]) -> dict[str, Any]:
    """Return a model's schema without the titles that pydantic makes up, and null allowed where a default is."""
    required = model.get("required", [])
    fields: dict[str, Any] = {}
    for name, field in model.get("properties", {}).items():
        said = {key: field[key] for key in ("description", "default") if field.get(key) is not None}
        allowed = _limited({key: field[key] for key in field if key not in ("title", "description", "default")})
        fields[name] = said | (allowed if name in required else _or_null(allowed))
    rest = {key: value for key, value in model.items() if key not in ("title", "description", "properties")}
    return rest | {"properties": fields}


def _naming(named: Named, is_required: bool) -> dict[str, Any]:
    """Return the schema of a field that names a part, or several."""
    one = {"$ref": f"#/$defs/{named.kind}"}
    several = [{"type": "array", "items": one, "minItems": 1}] if named.several else []
    default = {} if named.default is None else {"default": chosen(named.kind, named.default).whole()}
    return default | {"anyOf": [one, *several, *([] if is_required else [{"type": "null"}])]}


def _kind(kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of what names a part of a kind: its name alone, or with settings."""
    parts = KINDS[kind].parts.values()
    alone: list[str | None] = [
        part.name for part in parts if all(one.default is not REQUIRED for one in part.settings.values())
    ]
    default = next((one.default for one in Config.model_fields[kind].metadata if isinstance(one, Named)), None)
    return {"anyOf": [{"enum": alone}, *(_part(part, fields, part.name == default) for part in parts)]}


def _part(part: Part, fields: dict[str, Any], is_default: bool) -> dict[str, Any]:
    """Return the schema of a part with its settings."""
    own = _fields(fields_of(part).model_json_schema())
    beside = {name: fields[name] for name in BESIDE if part.kind == "optimizer" and name in part.settings}
    name = {"enum": [part.name, None]} if is_default else {"const": part.name}
    required = [*([] if is_default else ["name"]), *own.get("required", [])]
    return own | {
        "properties": {"name": name, **own["properties"], **beside},
        "required": required,
    }


def _refused(setting: str, allowed: list[Any]) -> dict[str, Any]:
    """Return the schema that refuses a field of the config which is a setting of other optimizers."""
    without = [part.name for part in KINDS["optimizer"].parts.values() if setting not in part.settings]
    named = {"properties": {"name": {"enum": without}}, "required": ["name"], "type": "object"}
    optimizer = {"anyOf": [{"enum": without}, named]}
    return {
        "if": {"properties": {"optimizer": optimizer}, "required": ["optimizer"]},
        "then": {"properties": {setting: {"enum": allowed}}},
    }


def _limited(schema: Any) -> Any:
    """Return a schema with its limits under the names that JSON Schema has for them."""
    if isinstance(schema, dict):
        return {_LIMITS.get(key, key): _limited(value) for key, value in schema.items()}
    return [_limited(value) for value in schema] if isinstance(schema, list) else schema


def _or_null(allowed: dict[str, Any]) -> dict[str, Any]:
    return allowed if {"type": "null"} in allowed.get("anyOf", ()) else {"anyOf": [allowed, {"type": "null"}]}
