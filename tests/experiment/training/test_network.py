from typing import Any

import numpy as np
import pytest

from autodiff.experiment.config.config import Config
from autodiff.experiment.training.network import POINTS_AT_ONCE, Snapshot, build_model


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", {"name": "elu", "alpha": 0.5}, "sine"])
@pytest.mark.parametrize("hidden", [[100], [30, 20, 10], [2, 3]])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-6), ("float64", 1e-14)])
@pytest.mark.parametrize("count", [1, 2 * POINTS_AT_ONCE + 5])
def test_a_snapshot_computes_what_the_network_does(
    activation: str, hidden: list[int], dtype: str, tolerance: float, count: int
) -> None:
    fields: dict[str, Any] = {"optimizer": "sgd", "learning_rate": 0.1, "epochs": 1}
    config = Config.model_validate(fields | {"activation": activation, "hidden": hidden, "dtype": dtype})
    rng = np.random.default_rng(0)
    model = build_model(config, rng)
    for parameter in model.parameters():
        parameter.data = rng.normal(size=parameter.shape).astype(dtype)
    points = rng.normal(size=(count, 2))
    given = points.copy()
    expected = model(points.astype(dtype)).data
    found = Snapshot(model)(points)
    assert found.shape == (count, 3)
    assert found.dtype == dtype
    np.testing.assert_array_equal(points, given)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())
