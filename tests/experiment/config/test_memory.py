import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff.experiment.config import memory
from autodiff.experiment.config.config import Config
from benchmarks.memory import peak

CONFIG: dict[str, Any] = {"activation": "relu", "optimizer": "sgd", "learning_rate": 0.03, "epochs": 12}


def needed(**changed: Any) -> int:
    return memory.together([Config.model_validate(CONFIG | changed).needs()])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's own")
@pytest.mark.parametrize(
    "fields",
    [
        {"hidden": [1000], "dataset": {"points_per_class": 8000}},
        {"activation": "sigmoid", "hidden": [400, 400], "dataset": {"points_per_class": 8000}, "dtype": "float64"},
        {"activation": "sigmoid", "hidden": [1000], "dataset": {"points_per_class": 8000}, "batch_size": 1000},
        {"hidden": [1000], "dataset": {"points_per_class": 100, "test_points_per_class": 8000}},
        {
            "activation": "sigmoid",
            "hidden": [1000],
            "dataset": {"points_per_class": 8000, "test_points_per_class": 8000},
        },
        {"hidden": [1024, 1024], "dataset": {"points_per_class": 10}, "optimizer": "adam", "frames": 10},
    ],
)
def test_a_run_takes_at_most_what_was_estimated_and_little_less(fields: dict[str, Any]) -> None:
    assert 1 <= needed(**fields) / peak(Config.model_validate(CONFIG | fields)) <= 1.3


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's own")
def test_so_does_one_of_many_features(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=(20_000, 80))
    rows = [f"{','.join(map(repr, row))},{i % 3}" for i, row in enumerate(numbers.tolist())]
    (tmp_path / "wide.csv").write_text("\n".join(rows))
    fields = {"hidden": [16], "frames": 2, "dataset": {"name": "csv", "file": str(tmp_path / "wide.csv")}}
    assert 1 <= needed(**fields) / peak(Config.model_validate(CONFIG | fields)) <= 1.3


@given(st.sampled_from(["relu", "sigmoid", "tanh"]), st.lists(st.integers(1, 300), min_size=1, max_size=4), st.data())
def test_more_of_anything_needs_no_less(activation: str, hidden: list[int], data: st.DataObject) -> None:
    fields: dict[str, Any] = {"activation": activation, "hidden": hidden, "dataset": {"points_per_class": 100}}
    more = data.draw(
        st.sampled_from(
            [
                {"hidden": [*hidden, 5]},
                {"hidden": [width + 1 for width in hidden]},
                {"dataset": {"points_per_class": 101}},
                {"dataset": {"points_per_class": 100, "test_points_per_class": 101}},
                {"dtype": "float64"},
                {"frames": 61, "epochs": 100},
                {"optimizer": "adam"},
            ]
        )
    )
    assert needed(**fields | more) >= needed(**fields)


def test_networks_that_are_kept_count_for_the_runs_that_follow() -> None:
    one = memory.Needs(training=100, kept=30)
    assert memory.together([one, one, one]) - memory.PROCESS == 160


def test_a_config_that_needs_more_than_is_allowed_is_refused() -> None:
    wide = {"activation": "sigmoid", "hidden": [1300], "epochs": 5, "dataset": {"points_per_class": 33333}}
    with pytest.raises(ValueError, match=r"would need about 2\.\d GB with 99,999 points and 6 frames"):
        needed(**wide)
    assert max(needed(**wide, batch_size=100), needed(**wide | {"hidden": [600]})) < 2 * 1024**3
