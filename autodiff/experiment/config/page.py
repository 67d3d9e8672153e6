"""The page of the config's fields, docs/config.md: `python -m autodiff.experiment.config.page > docs/config.md`."""

import inspect
from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo

from autodiff.experiment.config.choice import BESIDE, Choice, fields_of
from autodiff.experiment.config.config import Config
from autodiff.experiment.config.wording import fields_within, wanted
from autodiff.experiment.register import KINDS, Part

HEAD = """\
# The fields of a config

A config is a YAML file of fields. `activation`, `optimizer`, `learning_rate` and `epochs` are needed, all others may be
left out. `adrun validate` checks a config and prints it with its defaults, `adrun schema` prints a JSON Schema for
editors, and `--set field=value` sets a field from the command line, `--set optimizer.beta1=0.8` one within another.

What has a name, as activations and optimizers do, is a part. A part is given by its name alone, or with settings:

```yaml
activation: [relu, {name: leaky_relu, negative_slope: 0.1}]
hidden: [64, 64]
optimizer: {name: adam, beta1: 0.8}
learning_rate: 0.01
schedule: {name: cosine, warmup: 100}
epochs: 2000
dropout: 0.1
stop: {accuracy: 0.99, patience: 500}
```

Parts can be your own: [own-parts.md](own-parts.md). This page is made from what checks the configs, by
`python -m autodiff.experiment.config.page`.
"""
OF_KINDS = {
    "activation": "Of each hidden layer; a list gives each its own.",
    "optimizer": "`momentum` and `weight_decay` are fields of the config, and may also be written here.",
    "dataset": "The points that are classified.",
    "layer": "What each hidden layer computes before its normalisation and its activation.",
    "norm": "Between a hidden layer and its activation.",
    "schedule": "The learning rate at each step, as PyTorch's schedules have it.",
}
AFTERWARDS = """
## How a run is measured

Losses and accuracies in logs, tables and pictures are those of the network in evaluation: without dropout, with the
running means of `norm: batch`, and the loss without `l1` and `label_smoothing`. `stop` judges by the held-out points if
there are some, at the epochs at which they are measured, else by those trained on: `accuracy` ends a run when it is
reached, `patience` when the loss has not been lower for so many epochs. The record then says why it ended.
"""


def page() -> str:
    """Return the page."""
    lines = [HEAD, "| field | must be | default |", "|---|---|---|"]
    lines += [_row(name, field) for name, field in Config.model_fields.items()]
    for name, field in Config.model_fields.items():
        if within := fields_within(field):
            lines += ["", f"## {name}", "", "| setting | must be |", "|---|---|"]
            lines += [f"| `{setting}` | {wanted(about)} |" for setting, about in within.items()]
    for kind, about in OF_KINDS.items():
        lines += ["", f"## {kind}", "", about, "", "| name | what it is | settings |", "|---|---|---|"]
        lines += [
            f"| `{part.name}` | {_meaning(part)} | {'; '.join(_settings(part))} |"
            for part in KINDS[kind].parts.values()
        ]
    return "\n".join(lines) + "\n" + AFTERWARDS


def _row(name: str, field: FieldInfo) -> str:
    default = (
        "needed" if field.is_required() else _shown(field.get_default(call_default_factory=True, validated_data={}))
    )
    return f"| `{name}` | {wanted(field)} | {default} |"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"`{value.name if isinstance(value, Choice) else value}`"


def _meaning(part: Part) -> str:
    return " ".join((inspect.getdoc(part.make) or "").partition("\n\n")[0].split()).rstrip(".").replace("|", "\\|")


def _settings(part: Part) -> Iterator[str]:
    fields = fields_of(part).model_fields
    beside = {name: Config.model_fields[name] for name in BESIDE if name in part.settings and part.kind == "optimizer"}
    for name, field in {**fields, **beside}.items():
        default = part.settings[name].default
        shown = (
            "needed"
            if field.is_required() and name in fields
            else ""
            if default is None
            else f"`{str(default).lower()}`"
        )
        yield f"`{name}`: {wanted(field)}" + (f" ({shown})" if shown else "")


if __name__ == "__main__":
    print(page(), end="")
