import numpy as np
import pytest

from autodiff.experiment.runs.curve import ASCII, BLOCKS, MARGIN, ROWS, curve


def heights(lines: list[str], levels: str) -> list[int]:
    """Return the heights of the columns, in parts of a row."""
    rows = [line[MARGIN:].ljust(200) for line in lines[:ROWS]]
    return [sum(levels.index(row[i]) for row in rows) for i in range(200)]


@pytest.mark.parametrize(("encoding", "levels"), [("utf-8", BLOCKS), ("ascii", ASCII), ("nonsense", ASCII)])
def test_the_height_of_a_column_is_the_logarithm_of_its_loss(encoding: str, levels: str) -> None:
    lines = curve(np.array([1000.0, 100.0, 10.0, 1.0]), MARGIN + 4, encoding)
    span = ROWS * (len(levels) - 1) - 1
    expected = [1 + round(share * span) for share in (1, 2 / 3, 1 / 3, 0)]
    assert heights(lines, levels)[:5] == [*expected, 0]
    assert lines[0].split()[0] == "1000.000000"
    assert lines[ROWS - 1].split()[0] == "1.000000"


def test_the_scale_is_linear_within_a_decade_and_where_a_loss_is_zero() -> None:
    for values in ([4.0, 3.0, 2.0], [100.0, 50.0, 0.0]):
        lines = curve(np.array(values), MARGIN + 3, "ascii")
        assert heights(lines, ASCII)[:3] == [24, 1 + round(23 / 2), 1]
    assert "log scale" in curve(np.geomspace(1, 100, 40), 80, "ascii")[-1]
    assert "log scale" not in curve(np.linspace(1, 2, 40), 80, "ascii")[-1]


def test_a_column_of_many_epochs_shows_their_mean_and_one_without_a_finite_loss_is_blank() -> None:
    values = np.array([3.0, 5.0, 2.0, np.nan, np.inf, np.nan, 1.0, 1.0])
    lines = curve(values, MARGIN + 4, "ascii")  # means 4, 2, none, 1
    assert heights(lines, ASCII)[:5] == [24, 1 + round(23 / 3), 0, 1, 0]


@pytest.mark.parametrize("columns", [1, 10, 20, 40, 80, 200])
@pytest.mark.parametrize("epochs", [1, 2, 7, 500])
def test_it_fits_the_terminal(columns: int, epochs: int) -> None:
    lines = curve(np.geomspace(1e-9, 1e9, epochs), columns, "utf-8")
    assert all(len(line) <= columns for line in lines)
    assert bool(lines) == (columns > MARGIN)


def test_what_cannot_be_drawn_is_not() -> None:
    assert curve(np.array([np.nan, np.inf]), 40, "utf-8") == []
    assert curve(np.empty(0), 40, "utf-8") == []
    assert set(heights(curve(np.array([0.5] * 9), 40, "ascii"), ASCII)[:9]) == {1 + round(0.5 * 23)}
