from itertools import pairwise

import imageio.v3 as imageio
import matplotlib
import numpy as np
import pytest

from autodiff.experiment.pictures import Heatmap, render_heatmap
from autodiff.experiment.pictures.heatmap import COLORS, Field, ink_on, layout_for
from autodiff.experiment.pictures.palette import INK
from tests.experiment.pictures.test_palette import SEEN_BY, XYZ, delta_e_2000, lab, linear


def drawn(maps, folder, across=None, down=None):
    rows, columns = maps[0].accuracies.shape
    across = across or ("learning_rate", [f"{0.1 * i:g}" for i in range(columns)])
    down = down or ("hidden", [f"[{10 * i}]" for i in range(rows)])
    render_heatmap(maps, folder / "heatmap.png", across=across, down=down)
    assert [path.name for path in folder.iterdir()] == ["heatmap.png"]
    return imageio.imread(folder / "heatmap.png")[:, :, :3].astype(int)


def corners(picture, panels, shape, i=0):
    """The colour of each cell, near its upper left corner."""
    rows, columns = shape
    fields = [f"{0.1 * j:g}" for j in range(columns)], [f"[{10 * j}]" for j in range(rows)]
    layout = layout_for(panels, Field("learning_rate", fields[0]), Field("hidden", fields[1]))
    box = layout.panel(i, columns, rows)
    down = 2 * (box.top + np.arange(rows) * layout.cell[1]) + 10
    across = 2 * (box.left + np.arange(columns) * layout.cell[0]) + 10
    return picture[down[:, None], across]


def test_every_cell_has_the_colour_of_its_accuracy_on_one_scale_for_all_configs(tmp_path):
    values = np.linspace(0.5, 1, 24).reshape(2, 3, 4)
    picture = drawn([Heatmap(f"config {i}", each) for i, each in enumerate(values)], tmp_path)
    for i, each in enumerate(values):
        expected = 255 * matplotlib.colormaps[COLORS](2 * each - 1)[:, :, :3]
        assert np.abs(corners(picture, 2, (3, 4), i) - expected).max() <= 8


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_colours_of_the_scale_are_told_apart_by_all_eyes_and_lighter_is_more(eyes):
    colors = [matplotlib.colors.to_hex(matplotlib.colormaps[COLORS](share)) for share in np.linspace(0, 1, 8)]
    seen = lab(colors, eyes)
    assert (np.diff(seen[:, 0]) > 5).all()
    assert min(delta_e_2000(one, other) for one, other in pairwise(seen)) > 5


def test_ink_stands_out_from_every_colour_of_the_scale():
    for share in np.linspace(0, 1, 101):
        color = np.array(matplotlib.colormaps[COLORS](share)[:3])
        ink = ink_on(color)
        assert ink in (INK, "white")
        lightness = [linear([each])[0] @ XYZ[1] + 0.05 for each in (matplotlib.colors.to_hex(color), INK, "#FFFFFF")]
        here, dark, white = lightness
        contrast = {INK: max(here / dark, dark / here), "white": white / here}
        assert contrast[ink] == max(contrast.values())
        assert contrast[ink] > 4


def test_a_cell_whose_runs_all_failed_is_white_hatched_and_says_so(tmp_path):
    values = np.array([[0.5, 0.7, np.nan], [0.9, -np.inf, 0.8]])
    picture = drawn([Heatmap("config", values)], tmp_path)
    box = layout_for(1, Field("learning_rate", ["0", "0.1", "0.2"]), Field("hidden", ["[0]", "[10]"])).panel(0, 3, 2)
    cells = picture[2 * box.top : 2 * (box.top + box.height), 2 * box.left : 2 * (box.left + box.width)]
    for (row, column), value in np.ndenumerate(values):
        cell = np.array_split(np.array_split(cells, 2, axis=0)[row], 3, axis=1)[column]
        hatched = (np.abs(cell - 0xBB) <= 8).all(axis=2).sum() > 300
        text = (cell.max(axis=2) < 60).sum() > 100
        assert hatched == (not np.isfinite(value))
        assert text or np.isfinite(value)


def test_the_best_of_each_config_is_framed(tmp_path):
    values = np.array([[[0.5, 0.7, 0.6], [0.9, 0.65, 0.8]], [[0.5, 0.9, 0.6], [0.55, 0.65, 0.8]]])
    picture = drawn([Heatmap(f"config {i}", each) for i, each in enumerate(values)], tmp_path)
    layout = layout_for(2, Field("learning_rate", ["0", "0.1", "0.2"]), Field("hidden", ["[0]", "[10]"]))
    for i, each in enumerate(values):
        box = layout.panel(i, 3, 2)
        framed = [
            bool((picture[2 * (box.top + row * layout.cell[1]) + 1, x : x + 2 * layout.cell[0]].max(axis=1) < 60).all())
            for row in range(2)
            for x in [2 * (box.left + column * layout.cell[0]) for column in range(3)]
        ]
        best = each.ravel() == each.max()
        above = np.r_[best[:3], best[3:] | best[:3]]  # a frame is the lower edge of the cell above, too
        assert framed[:3] == best[:3].tolist()
        assert framed[3:] == above[3:].tolist()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(1, 1), (1, 20), (20, 1), (20, 20), (2, 40)])
def test_cells_of_any_number_are_large_enough_for_what_stands_in_them(tmp_path, shape):
    values = np.linspace(0, 1, shape[0] * shape[1]).reshape(shape)
    picture = drawn([Heatmap("config", values)], tmp_path)
    assert (picture.shape[1] <= 2000) == (shape[1] <= 20)
    layout = layout_for(1, Field("f", ["0.0001"] * shape[1]), Field("g", ["[100,100]"] * shape[0]))
    assert layout.cell[0] >= 42
    assert layout.text >= 12


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0, np.nan])
@pytest.mark.parametrize("panels", [1, 12])
def test_equal_or_no_accuracies_are_drawn(tmp_path, value, panels):
    assert drawn([Heatmap(f"config {i}", np.full((2, 2), value)) for i in range(panels)], tmp_path).size


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("text", ["$a_1$ | b", "学習", "a\nb", "", "a very long name, " * 20])
def test_names_and_values_in_any_script_and_of_any_length_are_drawn(tmp_path, text):
    fields = (text, [text + "1", text + "2"])
    picture = drawn([Heatmap(text, np.array([[0.1, 0.2], [0.3, 0.4]]))], tmp_path, fields, fields)
    assert picture.shape[0] < 1000
    assert picture.shape[1] <= 2000


def test_accuracies_of_another_shape_are_refused(tmp_path):
    with pytest.raises(ValueError, match="accuracies for 1 by 2 values"):
        drawn([Heatmap("config", np.ones((2, 1)))], tmp_path, ("f", ["1", "2"]), ("g", ["1"]))
