import base64
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from autodiff.experiment.runs.html import HEIGHT, MARGIN, WIDTH, curve_svg, picture

SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg: str) -> tuple[list[list[tuple[float, float]]], list[str]]:
    """Return the points of the lines, with heights from 0 at the bottom to 1, and the texts."""
    root = ElementTree.fromstring(svg)
    lines = [
        [
            (float(x), (MARGIN + HEIGHT - float(y)) / HEIGHT)
            for x, y in (p.split(",") for p in line.attrib["points"].split())
        ]
        for line in root.iter(f"{SVG}polyline")
    ]
    return lines, [element.text or "" for element in root.iter(f"{SVG}text")]


def test_heights_are_logarithms_on_one_scale_for_both_losses() -> None:
    curves = {"loss": np.array([1000.0, 100.0, 10.0]), "test_loss": np.array([100.0, np.nan, 1.0])}
    (training, held_out), texts = drawn(curve_svg(curves))
    assert [y for _, y in training] == pytest.approx([1, 2 / 3, 1 / 3], abs=1e-3)
    assert [y for _, y in held_out] == pytest.approx([2 / 3, 0], abs=1e-3)
    assert [x for x, _ in held_out] == [training[0][0], training[2][0]]
    assert training[2][0] - training[0][0] == WIDTH
    assert texts == ["1000.000000", "1.000000", "0", "epoch 2", "loss, dashed on held-out points, log scale"]


def test_within_a_decade_the_scale_is_linear() -> None:
    (line,), texts = drawn(curve_svg({"loss": np.array([4.0, 3.0, 2.0])}))
    assert [y for _, y in line] == pytest.approx([1, 0.5, 0])
    assert texts[-1] == "loss"


def test_many_epochs_are_one_point_a_pixel_and_what_is_not_finite_is_left_out() -> None:
    values = np.linspace(2, 1, 50_000)
    values[40_000:] = np.nan
    svg = curve_svg({"loss": values})
    (line,), _ = drawn(svg)
    assert len(line) == WIDTH * 4 // 5
    assert len(svg) < 10_000


@pytest.mark.parametrize("values", [[], [np.nan], [np.inf, np.nan]])
def test_nothing_is_drawn_where_nothing_is_finite(values: list[float]) -> None:
    assert curve_svg({"loss": np.array(values)}) == ""


def test_a_picture_is_its_bytes_and_one_that_is_not_there_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    assert picture(tmp_path / "a.png") == "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
    assert picture(tmp_path / "b.png") == ""
