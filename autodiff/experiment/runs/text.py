"""Values as people read them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def loss_text(loss: float) -> str:
    """Return a loss in six decimals, or in powers of ten where those would say little."""
    return f"{loss:.6f}" if 1e-4 <= loss < 1e4 or loss == 0 else f"{loss:.3e}"


def figures(measured: Mapping[str, Any], names: Sequence[str]) -> tuple[str, str]:
    """Return a loss and an accuracy that were measured, by their names; nothing if they were not."""
    loss, accuracy = map(measured.get, names)
    if accuracy is None:
        return "", ""
    return "not finite" if loss is None else loss_text(loss), f"{accuracy:.2%}"


def value_text(value: Any) -> str:
    """Return a value of a config as one would write it, nothing for a field that is absent."""
    if value is None:
        return ""
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def age_text(seconds: float) -> str:
    """Return an age in its largest unit: 8 s, 3 min, 2 h, 400 d."""
    for size, unit in UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "0 s"


def size_text(size: float) -> str:
    """Return a number of bytes as people say it."""
    for limit, unit in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if size >= limit:
            return f"{size / limit:.1f} {unit}"
    return f"{size} bytes"
