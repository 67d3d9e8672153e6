"""The JSON Schema agrees with the config itself, by a validator that knows neither."""

import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from autodiff.experiment.config import yaml_source
from autodiff.experiment.config.choice import fields_of
from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import load, without_absent
from autodiff.experiment.config.overrides import Override
from autodiff.experiment.config.schema import json_schema
from autodiff.experiment.errors import InputError
from autodiff.experiment.register import KINDS, REQUIRED, Part

ROOT = Path(__file__).parents[3]
SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
GOOD: dict[str, Any] = {"activation": "relu", "optimizer": "sgd", "learning_rate": 0.01, "epochs": 10}
FILES = sorted([*ROOT.glob("configs/*.yaml"), *ROOT.glob("results/showcase/*/config.yaml")])


def test_it_is_a_schema_of_the_draft_that_it_names() -> None:
    assert SCHEMA["$schema"] == VALIDATOR.META_SCHEMA["$id"]
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def keywords(schema: Any) -> set[str]:
    """Return the words with which a schema constrains, at any depth."""
    if isinstance(schema, list):
        return set().union(*map(keywords, schema))
    if not isinstance(schema, dict):
        return set()
    found = set(schema)
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            found |= set().union(*map(keywords, value.values()))
        elif key not in ("default", "enum", "const"):
            found |= keywords(value)
    return found


def test_every_word_is_one_of_json_schema() -> None:
    ignored_by_validators = {"title", "description", "default", "$schema", "$defs", "then"}
    assert keywords(SCHEMA) - ignored_by_validators <= set(VALIDATOR.VALIDATORS)


def test_every_field_is_described_in_our_words() -> None:
    assert list(SCHEMA["properties"]) == list(Config.model_fields)
    for name, field in Config.model_fields.items():
        assert SCHEMA["properties"][name]["description"] == field.description


def test_every_setting_of_every_part_is_there() -> None:
    assert set(SCHEMA["$defs"]) == {*KINDS, "Stop"}
    for kind in KINDS:
        alone, *parts = SCHEMA["$defs"][kind]["anyOf"]
        assert alone == {"enum": [one.name for one in KINDS[kind].parts.values() if not required_of(one)]}
        for part, fields in zip(KINDS[kind].parts.values(), parts, strict=True):
            assert list(fields["properties"])[: len(fields_of(part).model_fields) + 1] == [
                "name",
                *fields_of(part).model_fields,
            ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_every_config_of_the_repository_is_valid(file: Path) -> None:
    VALIDATOR.validate(yaml_source.parse(file.read_text(encoding="utf-8")).value)
    VALIDATOR.validate(load(file).resolved())


@pytest.mark.parametrize("page", ["README.md", "docs/data.md"])
def test_the_configs_of_the_pages_are_valid(page: str) -> None:
    texts = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)
    assert len(texts) == 2
    for text in texts:
        if "epochs" in text:  # the other one is a field alone
            VALIDATOR.validate(yaml_source.parse(text).value)


def test_configs_are_found() -> None:
    assert len(FILES) == 8
    assert "jsonschema" in str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])


def required_of(part: Part) -> list[str]:
    return [name for name, setting in part.settings.items() if setting.default is REQUIRED]


ODD: list[Any] = [
    None, True, False, 0, 1, 2, 3, 7, 8, 10, 11, 60, 1_000, 1_001, 1_000_000, 1_000_001, 2**64 - 1, 2**64, -1,
    0.0, 1.0, 1e4, 0.5, 0.999, 1.5, -0.5, 10.5, 1e300, "", "relu", "tanh", "sgd", "adam", "adamw", "float32", "float64",
    "soft", "crisp", "spiral", "ReLU", "1", [], [5], [0], [4096], [4097], [1.0, 2e0], [1.5], [True], [None], ["5"],
    [[5]], [5] * 32, [1] * 33, {}, {"a": 1}, {"name": "spiral"}, {"classes": 3.0}, {"noise": None}, {"clases": 3},
    {"name": "adam"}, {"name": "adam", "beta1": 0.8}, {"name": "adam", "beta1": 1}, {"name": "adam", "beta1": None},
    {"name": "sgd", "beta1": 0.9}, {"name": "sgd", "momentum": 0.5}, {"name": "sgd", "nesterov": 1}, {"beta1": 0.9},
    {"name": "leaky_relu", "negative_slope": 0.2}, {"name": "leaky_relu", "negative_slope": -1}, {"name": None},
    ["tanh"], ["tanh", 3], [{"name": "elu"}], [{"name": "elu", "alpha": 2}], ["elu", {"alpha": 2}], "leaky_relu",
    "cosine", "step", {"name": "step"}, {"name": "step", "step_size": 5}, {"name": "cosine", "warmup": 1.0}, "batch",
    {"name": "batch", "momentum": 0}, {"accuracy": 0.9}, {"accuracy": 2}, {"patience": 5}, {"patience": 0.5}, "linear",
    {"name": "linear", "bias": False},
]  # fmt: skip
FIELDS = [
    *Config.model_fields,
    "dataset.name",
    *(f"dataset.{name}" for name in KINDS["dataset"].parts["spiral"].settings),
    "zzz",
    "dataset.zzz",
    "<<",
]


def changed(key: str, value: Any) -> dict[str, Any]:
    first, dot, rest = key.partition(".")
    return GOOD | ({first: {rest: value}} if dot else {first: value})


def ours(values: dict[str, Any]) -> bool:
    """Tell whether adrun takes a config, apart from what contradicts itself."""
    try:
        Config.model_validate(without_absent(values))
    except ValidationError as error:
        return all(detail["type"] == "contradiction" for detail in error.errors())  # of several fields
    return True


@pytest.mark.parametrize("key", FIELDS)
def test_it_takes_and_refuses_what_we_do_for_every_field(key: str) -> None:
    verdicts = {bool(ours(changed(key, value))) for value in ODD}
    for value in ODD:
        values = changed(key, value)
        assert VALIDATOR.is_valid(values) == ours(values), (key, value)
    assert verdicts == {True, False} or "zzz" in key or key == "<<"


@given(st.fixed_dictionaries({}, optional={key: st.sampled_from(ODD) for key in Config.model_fields}))
def test_it_takes_and_refuses_what_we_do(values: dict[str, Any]) -> None:
    values = GOOD | values
    if values["optimizer"] not in ("adam", "adamw"):
        assert VALIDATOR.is_valid(values) == ours(values)


@pytest.mark.parametrize("name", Config.model_fields)
def test_a_field_that_is_needed_is_needed(name: str) -> None:
    without = {key: value for key, value in GOOD.items() if key != name}
    assert VALIDATOR.is_valid(without) == ours(without) == (name not in GOOD)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("momentum", [0, 0.9, None])
def test_momentum_is_for_sgd(tmp_path: Path, optimizer: str, momentum: float | None) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("".join(f"{key}: {value}\n" for key, value in GOOD.items()))
    overrides = [Override("", ("optimizer",), optimizer), Override("", ("momentum",), momentum)]
    taken = True
    try:
        load(file, overrides)
    except InputError:
        taken = False
    assert taken == (optimizer == "sgd" or momentum is None)
    assert VALIDATOR.is_valid(GOOD | {"optimizer": optimizer, "momentum": momentum}) == taken
