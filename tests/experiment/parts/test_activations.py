"""The activations of a config compute what the engine's functions do, with the settings that they are given."""

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.experiment import parts, register

X = np.linspace(-3, 3, 13)
OTHERWISE = {
    "leaky_relu": ({"negative_slope": 0.3}, np.where(X > 0, X, 0.3 * X)),
    "elu": ({"alpha": 0.5}, np.where(X > 0, X, 0.5 * np.expm1(np.minimum(X, 0)))),
    "gelu": ({"approximate": "tanh"}, X / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (X + 0.044715 * X**3)))),
    "hardtanh": ({"low": -2.0, "high": 0.5}, np.clip(X, -2, 0.5)),
    "sine": ({"omega": 30.0}, np.sin(30 * X)),
}
PLAIN = {
    "relu": np.maximum(X, 0), "sigmoid": 1 / (1 + np.exp(-X)), "tanh": np.tanh(X),
    "leaky_relu": np.where(X > 0, X, 0.01 * X), "elu": np.where(X > 0, X, np.expm1(X)), "selu": F.selu(X),
    "gelu": F.gelu(X), "silu": X / (1 + np.exp(-X)), "softplus": np.log1p(np.exp(X)), "hardtanh": np.clip(X, -1, 1),
    "mish": X * np.tanh(np.log1p(np.exp(X))), "identity": X, "sine": np.sin(X),
}  # fmt: skip


def test_all_are_there() -> None:
    assert parts.activations.__name__.endswith("activations")
    assert list(register.activation.parts) == list(PLAIN)
    assert {name for name, part in register.activation.parts.items() if part.settings} == set(OTHERWISE)


@pytest.mark.parametrize("name", PLAIN)
def test_it_is_the_function_of_its_name(name: str) -> None:
    found = register.activation.parts[name].make(ad.Tensor(X))
    np.testing.assert_allclose(found.data, np.asarray(PLAIN[name]), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", OTHERWISE)
def test_its_settings_reach_it(name: str) -> None:
    settings, expected = OTHERWISE[name]
    found = register.activation.parts[name].make(ad.Tensor(X), **settings)
    np.testing.assert_allclose(found.data, expected, rtol=1e-12, atol=1e-15)
