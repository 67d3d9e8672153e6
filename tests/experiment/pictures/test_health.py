import re
from pathlib import Path

import numpy as np
import pytest

from autodiff.experiment.pictures import render_lost_units, render_moves
from autodiff.experiment.training.health import LayerHealth


def rows(gradient: float | None = 1.0, dead: float | None = 0.0) -> list[LayerHealth]:
    first = LayerHealth(0, "0", None, None, 2.0, 10, dead, None)
    return [first, *(LayerHealth(e, "0", gradient, 0.1, 2.0, 10, dead, None) for e in (1, 10, 100))]


@pytest.mark.parametrize("gradient", [1.0, 0.0, 1e300, float("inf"), float("nan")])
def test_gradients_and_updates_of_every_layer_are_drawn_whatever_they_are(tmp_path: Path, gradient: float) -> None:
    layers = {f"run & <{i}>": rows(gradient) for i in range(14)}
    render_moves(layers, tmp_path / "moves.svg")
    drawing = (tmp_path / "moves.svg").read_text()
    for i in range(14):
        assert drawing.count(f"run &amp; &lt;{i}&gt;") >= 2
    assert drawing.count("update, as a share of the weights") == 2  # twelve layers, and two


def test_shares_of_lost_units_are_where_they_belong(tmp_path: Path) -> None:
    heights = {}
    for share in (0.0, 0.5, 1.0):
        render_lost_units({"one": rows(dead=share)}, tmp_path / "lost.svg")
        paths = re.findall(r'<path d="M ([^"]*)"[^>]*stroke-width: 1.5', (tmp_path / "lost.svg").read_text())
        lines = [np.array(re.findall(r"[\d.]+", path), float).reshape(-1, 2) for path in paths]
        heights[share] = next(line[0, 1] for line in lines if len(line) == 4)
    assert heights[0.0] > heights[0.5] > heights[1.0]
    assert heights[0.5] == pytest.approx((heights[0.0] + heights[1.0]) / 2, abs=0.01)
