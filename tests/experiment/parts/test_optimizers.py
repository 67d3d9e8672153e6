"""The optimizers of a config are the engine's, each setting where it belongs."""

from typing import Any

import pytest

import autodiff as ad
from autodiff.experiment.config.config import Config
from autodiff.experiment.training.network import build_optimizer

FIELDS: dict[str, Any] = {"activation": "tanh", "learning_rate": 0.1, "epochs": 1}
BETAS = {"beta1": 0.7, "beta2": 0.8, "epsilon": 1e-3}


@pytest.mark.parametrize(
    ("optimizer", "kind", "expected"),
    [
        ({"name": "sgd", "nesterov": True, "momentum": 0.9}, ad.SGD, {"momentum": 0.9, "nesterov": True}),
        ({"name": "adam", **BETAS}, ad.Adam, {"betas": (0.7, 0.8), "epsilon": 1e-3}),
        ({"name": "adamw", **BETAS}, ad.AdamW, {"betas": (0.7, 0.8), "epsilon": 1e-3}),
        (
            {"name": "nadam", **BETAS, "momentum_decay": 0.1},
            ad.NAdam,
            {"betas": (0.7, 0.8), "epsilon": 1e-3, "momentum_decay": 0.1},
        ),
        (
            {"name": "rmsprop", "alpha": 0.5, "epsilon": 1e-3, "centered": True, "momentum": 0.6},
            ad.RMSprop,
            {"alpha": 0.5, "epsilon": 1e-3, "centered": True, "momentum": 0.6},
        ),
        (
            {"name": "adagrad", "learning_rate_decay": 0.1, "initial_accumulator_value": 0.2, "epsilon": 1e-3},
            ad.Adagrad,
            {"learning_rate_decay": 0.1, "initial_accumulator_value": 0.2, "epsilon": 1e-3},
        ),
        ({"name": "lion", "beta1": 0.7, "beta2": 0.8}, ad.Lion, {"betas": (0.7, 0.8)}),
    ],
)
def test_settings_reach_the_optimizer(optimizer: dict[str, Any], kind: type, expected: dict[str, Any]) -> None:
    config = Config.model_validate(FIELDS | {"optimizer": optimizer, "weight_decay": 0.05})
    made = build_optimizer(config, ad.Linear(2, 3))
    assert type(made) is kind
    found = {name: getattr(made, name) for name in expected}
    assert found == expected
    assert (made.learning_rate, made.weight_decay) == (0.1, 0.05)
