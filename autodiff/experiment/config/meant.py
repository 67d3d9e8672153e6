"""Which field was meant by one that there is not."""

import difflib
import shlex
from collections.abc import Iterator

from autodiff.experiment.config import yaml_source
from autodiff.experiment.config.choice import fields_of
from autodiff.experiment.config.config import Config
from autodiff.experiment.config.wording import fields_within
from autodiff.experiment.register import KINDS

# Names from elsewhere that are too far from ours for difflib to find.
NAMES_ELSEWHERE = {
    "lr": "learning_rate",
    "layers": "hidden",
    "units": "hidden",
    "iterations": "epochs",
    "steps": "epochs",
    "points": "points_per_class",
}


def settings() -> Iterator[tuple[str, str]]:
    """Yield all settings of all parts, each once with the field that it is in: ("dataset", "noise") and so on."""
    for field, about in Config.model_fields.items():
        yield from ((field, name) for name in fields_within(about))
        parts = KINDS[field].parts.values() if field in KINDS else ()
        yield from dict.fromkeys((field, name) for part in parts for name in ("name", *part.settings))


def assignment_meant(key: str, value: str = "...") -> str | None:
    """Return the option that sets a field which was written without it, as `--epochs 5` or `epochs=5`; else None."""
    name = key.strip().lstrip("-").replace("-", "_").lower()
    name = NAMES_ELSEWHERE.get(name, name)
    fields = [*Config.model_fields, *map(".".join, settings())]
    meant = [field for field in fields if name in (field, field.rpartition(".")[2])]
    meant = meant or difflib.get_close_matches(name, fields, n=1, cutoff=0.8)
    return f"--set {shlex.quote(f'{meant[0]}={value}')}" if meant else None


def nearest_field(path: yaml_source.Path, part: str | None = None) -> str:
    """Suggest the field that was meant by an unknown one, here or elsewhere.

    part: the name of the part whose setting it would be.
    """
    name = str(path[-1]).lower()
    name = NAMES_ELSEWHERE.get(name, name)
    of_config = list(Config.model_fields)
    if part is None and len(path) > 1:
        own = list(fields_within(Config.model_fields[str(path[0])]))
        nearest = difflib.get_close_matches(name, own, n=1)
        return _meant([f"{path[0]}.{one}" for one in nearest]) or f"; {path[0]} has {', '.join(own)}"
    if part is None:
        elsewhere = [".".join(one) for one in settings() if name == one[1]]
        nearest = elsewhere or difflib.get_close_matches(name, of_config, n=1)
        return _meant(nearest) or f"; the fields are {', '.join(of_config)}"
    parts = KINDS[str(path[0])].parts
    own = list(fields_of(parts[part]).model_fields)
    nearest = difflib.get_close_matches(name, own, n=1)
    if nearest:
        return _meant([f"{path[0]}.{nearest[0]}"])
    if name in of_config:
        return _meant([name])
    others = [other for other, one in parts.items() if name in one.settings]
    belongs = f"; it is a setting of {', '.join(others)}, and" if others else ";"
    return f"{belongs} {part} has {', '.join(own) or 'no settings'}"


def _meant(nearest: list[str]) -> str:
    return f" (did you mean {nearest[0]}?)" if nearest else ""
