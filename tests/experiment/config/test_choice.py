"""Parts in a config: by name, with settings, and what is said of wrong ones."""

import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from autodiff.experiment import register
from autodiff.experiment.config.choice import fields_of
from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import load
from autodiff.experiment.config.overrides import overrides_of
from autodiff.experiment.config.write import as_yaml
from autodiff.experiment.errors import InputError

REST = "learning_rate: 0.1\nepochs: 10\n"
RELU, SGD = "activation: relu\n", "optimizer: sgd\n"


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    with register.unchanged():
        yield


def config_of(tmp_path: Path, text: str, *assignments: str) -> Config:
    file = tmp_path / "a.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file, overrides_of(assignments, None))


def problems_of(tmp_path: Path, text: str, *assignments: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        config_of(tmp_path, text, *assignments)
    return [problem.removeprefix(f"{tmp_path}{os.sep}a.yaml:") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("written", "resolved"),
    [
        ("activation: leaky_relu", "leaky_relu"),
        ("activation: {name: leaky_relu}", "leaky_relu"),
        ("activation: {name: leaky_relu, negative_slope: 0.01}", "leaky_relu"),
        ("activation: {name: leaky_relu, negative_slope: null}", "leaky_relu"),
        ("activation: {name: leaky_relu, negative_slope: 1}", {"name": "leaky_relu", "negative_slope": 1.0}),
        ("activation: [leaky_relu]", "leaky_relu"),
        ("hidden: [5, 6]\nactivation: [tanh, relu]", ["tanh", "relu"]),
        ("hidden: [5, 6]\nactivation: [tanh, {name: elu, alpha: 2}]", ["tanh", {"name": "elu", "alpha": 2.0}]),
        ("hidden: [5, 6]\nactivation: [relu, relu]", "relu"),
    ],
)
def test_a_part_is_its_name_alone_where_its_settings_are_the_defaults(
    tmp_path: Path, written: str, resolved: Any
) -> None:
    config = config_of(tmp_path, f"{written}\n{SGD}{REST}")
    assert config.resolved()["activation"] == resolved
    assert config_of(tmp_path, as_yaml(config)).resolved() == config.resolved()
    assert pickle.loads(pickle.dumps(config)) == config


def test_each_hidden_layer_has_its_activation(tmp_path: Path) -> None:
    config = config_of(tmp_path, f"activation: [tanh, elu]\nhidden: [5, 6]\n{SGD}{REST}")
    assert [one.name for one in config.activations] == ["tanh", "elu"]
    assert config.title == "Tanh, ELU + SGD"
    config = config_of(tmp_path, f"activation: tanh\nhidden: [5, 6]\n{SGD}{REST}")
    assert [one.name for one in config.activations] == ["tanh", "tanh"]
    assert config.title == "Tanh + SGD"


@pytest.mark.parametrize(
    ("written", "resolved"),
    [
        ("optimizer: {name: adam, beta1: 0.9, epsilon: 1e-8}", {"optimizer": "adam"}),
        (
            "optimizer: {name: adam, beta1: 0.8}",
            {"optimizer": {"name": "adam", "beta1": 0.8, "beta2": 0.999, "epsilon": 1e-8}},
        ),
        ("optimizer: {name: sgd, momentum: 0.9}", {"optimizer": "sgd", "momentum": 0.9}),
        ("optimizer: sgd\nmomentum: 0.9", {"optimizer": "sgd", "momentum": 0.9}),
        ("optimizer: {name: sgd}", {"optimizer": "sgd", "momentum": 0.0}),
        (
            "optimizer: {name: sgd, momentum: 0.9, nesterov: true}",
            {"optimizer": {"name": "sgd", "nesterov": True}, "momentum": 0.9},
        ),
        ("optimizer: {name: adamw, weight_decay: 0.1}", {"optimizer": "adamw", "weight_decay": 0.1}),
    ],
)
def test_momentum_and_weight_decay_may_be_written_in_either_place(tmp_path: Path, written: str, resolved: Any) -> None:
    config = config_of(tmp_path, f"{RELU}{written}\n{REST}")
    found = config.resolved()
    assert {name: found.get(name) for name in resolved} == resolved
    assert config_of(tmp_path, as_yaml(config)).resolved() == found
    assert ("momentum" in found) == (config.optimizer.name == "sgd")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "activation: {name: relu, negative_slope: 0.1}",
            "1:26: activation.negative_slope: unknown field; it is a setting of leaky_relu, and relu has no settings",
        ),
        (
            "activation: {name: leaky_relu, negative_slop: 0.1}",
            "1:32: activation.negative_slop: unknown field (did you mean activation.negative_slope?)",
        ),
        (
            "activation: {name: leaky_relu, negative_slope: steep}",
            "1:48: activation.negative_slope: must be 0 or a positive number, found 'steep'",
        ),
        ("activation: {name: rleu}", "1:20: activation.name: must be one of relu, "),
        ("activation: {negative_slope: 1}", "1:13: activation.name: is missing; it must be one of relu, "),
        ("activation: {name: leaky_relu, seed: 1}", "1:32: activation.seed: unknown field (did you mean seed?)"),
        ("activation: []", "1:13: activation: must be one of relu, "),
        ("activation: [tanh, sgd]", "1:20: activation[1]: must be one of relu, "),
        ("activation: [{name: elu, alpha: 0}]", "1:33: activation[0].alpha: must be a positive number, found 0"),
        ("activation: [tanh, relu]", "1:1: hidden: must have as many layers as there are activations, 2, found 1"),
    ],
)
def test_what_is_wrong_with_an_activation_is_told_where_it_is(tmp_path: Path, written: str, said: str) -> None:
    [problem] = problems_of(tmp_path, f"{written}\n{SGD}{REST}")
    assert problem.startswith(said)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "optimizer: {name: sgd, beta1: 0.9}",
            "2:24: optimizer.beta1: unknown field; it is a setting of adam, adamw, nadam, lion, and sgd has nesterov",
        ),
        ("optimizer: {name: adam, beta1: 1}", "2:32: optimizer.beta1: must be a number from 0 up to, but below, 1, "),
        (
            "optimizer: {name: adam, momentum: 0.9}",
            "2:35: optimizer.momentum: is for optimizer sgd or rmsprop; adam has none",
        ),
        (
            "optimizer: {name: sgd, momentum: 2}",
            "2:34: optimizer.momentum: must be a number from 0 up to, but below, 1",
        ),
        (
            "optimizer: {name: sgd, momentum: 0.9}\nmomentum: 0.8",
            "2:34: optimizer.momentum: is given beside the optimizer, too; keep one of the two",
        ),
        ("optimizer: {name: sgd, nesterov: true}", "1:1: momentum: must be above 0 with nesterov, such as 0.9"),
        ("optimizer: {name: sgd, nesterov: 1}", "2:34: optimizer.nesterov: must be true or false, found 1"),
        ("optimizer: {name: sgd, lr: 0.1}", "2:24: optimizer.lr: unknown field (did you mean learning_rate?)"),
    ],
)
def test_what_is_wrong_with_an_optimizer_is_told_where_it_is(tmp_path: Path, written: str, said: str) -> None:
    [problem] = problems_of(tmp_path, f"{RELU}{written}\n{REST}")
    assert problem.startswith(said)


def test_a_setting_can_be_set_from_the_command_line(tmp_path: Path) -> None:
    config = config_of(tmp_path, f"activation: leaky_relu\n{SGD}{REST}", "activation.negative_slope=0.2")
    assert config.resolved()["activation"] == {"name": "leaky_relu", "negative_slope": 0.2}
    [problem] = problems_of(tmp_path, RELU + SGD + REST, "activation.alpha=2")
    assert problem == (
        "--set activation.alpha=2: activation.alpha: unknown field; it is a setting of elu, and relu has no settings"
    )
    [problem] = problems_of(tmp_path, RELU + SGD + REST, "optimizer.momentum=2")
    assert problem.startswith("--set optimizer.momentum=2: optimizer.momentum: must be a number from 0")


def test_ones_own_part_is_checked_by_the_types_of_its_signature(tmp_path: Path) -> None:
    @register.activation
    def bent(
        x: Any,
        slope: float,
        steps: Annotated[int, Field(ge=1, lt=9)] = 2,
        mode: Literal["up", "down"] = "up",
        knots: list[float] | None = None,
        any_number=3,
    ) -> Any: ...

    config = config_of(tmp_path, f"activation: {{name: bent, slope: 2, steps: 1e0, knots: [1, 2.5]}}\n{SGD}{REST}")
    assert config.resolved()["activation"] == {
        "name": "bent", "slope": 2.0, "steps": 1, "mode": "up", "knots": [1.0, 2.5], "any_number": 3,
    }  # fmt: skip
    wrong = "{name: bent, steps: 9, mode: upp, knots: [1, x], any_number: true}"
    assert [problem.partition(": ")[2] for problem in problems_of(tmp_path, f"activation: {wrong}\n{SGD}{REST}")] == [
        "activation.slope: is missing; it must be a number",
        "activation.steps: must be a whole number, at least 1, below 9, found 9",
        "activation.mode: must be one of up, down, found 'upp' (did you mean up?)",
        "activation.knots[1]: must be a number, found 'x'",
        "activation.any_number: must be a number, found true",
    ]


def test_a_part_whose_settings_no_config_can_give_is_told_by_its_line() -> None:
    class Odd: ...

    @register.activation
    def odd(x: Any, of: Odd = Odd()) -> Any: ...  # noqa: B008

    with pytest.raises(InputError, match=r"test_choice.py:\d+: activation odd: no config can give its settings: "):
        fields_of(register.activation.parts["odd"])

    @register.activation
    def wrong(x: Any, slope: float = "steep") -> Any: ...  # type: ignore[assignment]

    with pytest.raises(InputError, match=r"wrong: the default of slope must be a number, found 'steep'"):
        fields_of(register.activation.parts["wrong"])
