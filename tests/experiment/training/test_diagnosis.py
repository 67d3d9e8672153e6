import math
from typing import Any

import pytest

from autodiff.experiment.training.diagnosis import findings
from autodiff.experiment.training.health import LayerHealth

EPOCHS = (0, 1, 10, 100, 200, 300, 400)


def layer(name: str, **changed: Any) -> list[LayerHealth]:
    """Return a layer that is well, but for what is changed: at all epochs, or a value for each."""
    well = {
        "gradient_norm": 1.0,
        "update_norm": 1e-3,
        "weight_norm": 1.0,
        "units": None,
        "dead": None,
        "saturated": None,
    }
    rows = []
    for i, epoch in enumerate(EPOCHS):
        values = {field: value[i] if isinstance(value, list) else value for field, value in (well | changed).items()}
        if epoch == 0:
            values |= {"gradient_norm": None, "update_norm": None}
        rows.append(LayerHealth(epoch, name, **values))
    return rows


def together(*layers: list[LayerHealth]) -> list[LayerHealth]:
    """Return the rows of layers as they are measured, epoch by epoch."""
    return [row for rows in zip(*layers, strict=True) for row in rows]


def test_nothing_is_said_where_all_is_well_or_nothing_was_measured() -> None:
    assert findings([]) == []
    assert findings(together(layer("0", units=100, dead=0.09), layer("2", units=10, saturated=0.0))) == []
    assert findings(layer("0")[:1]) == []


def test_units_that_are_lost_are_counted_with_the_epoch_since_when_there_are_no_fewer() -> None:
    dead = layer("2", units=100, dead=[0.0, 0.5, 0.4, 0.41, 0.4, 0.41, 0.41])
    assert findings(together(layer("0"), dead)) == [
        "layer 2: 41 of 100 units are dead since epoch 300; try leaky_relu or a smaller learning_rate"
    ]
    saturated = layer("0", units=10, saturated=[0.0, 0.0, 0.2, 0.3, 0.4, 0.3, 0.2])
    assert findings(saturated) == [
        "layer 1: 2 of 10 units are saturated since epoch 10; try a smaller learning_rate, a norm or relu"
    ]
    assert findings(layer("0", units=10, dead=[0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.0])) == []  # they came back


@pytest.mark.parametrize(
    ("gradients", "told"),
    [
        ([1.0, 2.0, 1.0, 1999.0, 1.0, 1.0, 1.0], ""),
        ([1.0, 2.0, 1.0, 2500.0, 9, 1.0, 1.0], "its gradient explodes: at epoch 100 it is 1,250 times that of epoch 1"),
        ([1.0, 2.0, 1.0, 2.0, math.nan, 1.0, 1.0], "its gradient is no finite number at epoch 200"),
        ([1.0, 2.0, 1.0, 2.0, 1.0, 1.0, math.inf], "its gradient is no finite number at epoch 400"),
    ],
)  # fmt: skip
def test_a_gradient_explodes_beyond_a_thousand_times_its_first(gradients: list[float], told: str) -> None:
    advice = "try clip_norm or a smaller learning_rate"
    assert findings(layer("0", gradient_norm=gradients)) == ([f"layer 1: {told}; {advice}"] if told else [])


def test_a_gradient_vanishes_if_the_first_layer_has_a_thousandth_of_the_last_ones_for_long() -> None:
    for epoch, first in ((1, [0.0, 3e-4, 1e-4, 2e-4, 1.0, 1.0, 1.0]), (200, [1.0, 1.0, 1.0, 1.0, 3e-4, 2e-4, 9e-4])):
        assert findings(together(layer("0", gradient_norm=first), layer("2"))) == [
            f"layer 1: its gradient vanishes: at epoch {epoch} it is 3e-04 of that of layer 2; "
            "try relu, a norm or fewer layers"
        ]
    for well in ([0.0, 1e-4, 1e-4, 1.0, 1e-4, 1e-4, 1.0], [1.0, 1.0, 1.0, 1.0, 1e-4, 1e-4, 2e-3]):
        assert findings(together(layer("0", gradient_norm=well), layer("2"))) == []
    # A network whose first layer wakes up late does not explode:
    assert findings(together(layer("0", gradient_norm=[0, 1e-9, 1.0, 1.0, 1.0, 1.0, 1.0]), layer("2"))) == []
    assert findings(together(layer("0", gradient_norm=0.0), layer("2", gradient_norm=0.0))) == []


@pytest.mark.parametrize(
    ("updates", "told"),
    [
        ([0, 9, 9, 9, 0.2, 0.3, 0.4], "about 3e-01 of its weights, which is too much to settle; {smaller}"),
        ([0, 9, 9, 9, 0.2, 0.3, 0.1], ""),
        ([0, 9, 9, 9, 2e-7, 0, 9e-7], "about 2e-07 of its weights, so it hardly moves; {larger}"),
        ([0, 0, 0, 0, 0, 1e-6, 0], ""),
    ],
)  # fmt: skip
def test_updates_are_too_large_or_too_small_if_they_are_so_to_the_end(updates: list[float], told: str) -> None:
    told = told.replace("{smaller}", "try a smaller learning_rate")
    told = told.replace("{larger}", "if it is not good enough yet, try a larger learning_rate")
    expected = [f"layer 1: its updates are {told}"] if told else []
    assert findings(layer("0", update_norm=[2 * update for update in updates], weight_norm=2.0)) == expected
