import imageio.v3 as imageio
import numpy as np
import pytest

from autodiff.experiment.pictures import Swept, render_sweep
from autodiff.experiment.pictures.palette import CURVE_COLORS, rgb_of
from autodiff.experiment.pictures.sweep import values_of, with_room
from tests.experiment.pictures.test_seeds import dots as patches


def swept(values, accuracies=None, title="a config"):
    accuracies = np.linspace(0.5, 0.9, len(values)) if accuracies is None else accuracies
    return Swept(title, tuple(values), tuple(np.atleast_1d(np.asarray(each, float)) for each in accuracies))


def drawn(lines, folder):
    render_sweep(lines, folder / "sweep.png", field="a field")
    assert [path.name for path in folder.iterdir()] == ["sweep.png"]
    picture = imageio.imread(folder / "sweep.png")[:, :, :3].astype(int)
    assert picture.shape[1] == 2000
    return picture


def line_at(picture, column, color=CURVE_COLORS[0]):
    """The row of a median in a column."""
    near = (np.abs(picture[:, column] - rgb_of([color])[0]) <= 30).all(axis=1)
    return np.flatnonzero(near).mean()


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ([1, 2, 3, 11], [0, 0.1, 0.2, 1]),
        ([0.01, 0.1, 10, 1], [0, 1 / 3, 1, 2 / 3]),
        ([-100, 0, 100], [0, 0.5, 1]),
        ([1, 20], [0, 1]),
        (["adam", "sgd", "adamw"], [0, 0.5, 1]),
    ],
)
def test_values_are_where_they_are_on_their_axis_or_side_by_side(tmp_path, values, places):
    """The axis is logarithmic for positive values that span more than a factor of 20."""
    picture = drawn([swept(values, [[0.5 + 0.4 * place] for place in places])], tmp_path)
    near = (np.abs(picture - rgb_of([CURVE_COLORS[0]])[0]) <= 30).all(axis=2)[:, 200:1640]
    columns = np.flatnonzero(near.sum(axis=0) > 12)  # no line but a dot is so high, unless it is steep
    rows = near.any(axis=1).nonzero()[0]
    if isinstance(values[0], str):
        runs = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
        middles = np.array([run.mean() for run in runs])
        assert len(middles) == len(values)
        np.testing.assert_allclose((middles - middles[0]) / np.ptp(middles), places, atol=0.01)
    else:  # accuracies rise with the places, so the line is straight
        first, last = near.any(axis=0).nonzero()[0][[12, -200]]
        assert rows.max() > rows.min()
        whole = near[:, first:last]
        heights = np.array([np.flatnonzero(column).mean() for column in whole.T if column.any()])
        along = np.flatnonzero(whole.any(axis=0))
        straight = np.polyval(np.polyfit(along, heights, 1), along)
        assert np.abs(straight - heights).max() < 14


def test_a_median_is_within_the_band_of_its_seeds(tmp_path):
    picture = drawn([swept([1, 2], [np.linspace(0.4, 0.8, 11)] * 2)], tmp_path)
    column = picture[:, 900]
    shade = np.abs(column - (255 + (rgb_of([CURVE_COLORS[0]])[0] - 255) * 0.18)).max(axis=1) <= 6
    rows = np.flatnonzero(shade)
    assert line_at(picture, 900) == pytest.approx((rows.min() + rows.max()) / 2, abs=3)
    assert rows.max() - rows.min() > 500


def test_where_most_runs_diverged_there_is_no_dot(tmp_path):
    line = swept([1, 2, 3], [[0.5, 0.6, 0.7], [0.6, np.nan, np.nan], [0.7, 0.8, np.nan]])
    picture = drawn([line], tmp_path)[:, :1640]
    gone = swept([1, 2, 3], [[np.nan], [np.nan], [np.nan]])
    assert len(patches(picture)) == 1
    assert (np.abs(drawn([gone], tmp_path)[:, :1500] - rgb_of([CURVE_COLORS[0]])[0]) <= 6).all(axis=2).sum() < 2000


@pytest.mark.parametrize("values", [[3, 1, 2], ["3", "1", "2"], [3, "1", 2]])
def test_numbers_are_sorted_and_texts_stay_in_their_order(values):
    texts = any(isinstance(value, str) for value in values)
    assert values_of([swept(values)]) == (["3", "1", "2"] if texts else [1, 2, 3])


def test_texts_without_room_are_left_out():
    assert with_room(["100", "200", "300"], [0, 500, 510]) == ["100", "200", ""]


@pytest.mark.parametrize("configs", [1, 6, 7, 13])
def test_more_configs_than_can_be_told_apart_get_further_plots(tmp_path, configs):
    picture = drawn([swept([1, 2, 3], title=f"config {i}") for i in range(configs)], tmp_path)
    axis = (picture[:, 200:1500].max(axis=2) < 60).mean(axis=1) > 0.95
    assert np.count_nonzero(np.diff(axis.astype(int)) == 1) == -(-configs // 6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("text", ["$a_1$ | b", "学習", "a\nb", "", "a very long name, " * 20])
def test_names_and_values_in_any_script_and_of_any_length_are_drawn(tmp_path, text):
    assert drawn([swept([text + "1", text + "2", text + "3"], title=text)], tmp_path).size


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [[0], [1], [1e-300, 1e300], [-1, 1e9], [0, 1e-9], list(range(100))])
@pytest.mark.parametrize("accuracy", [0.0, 1.0, np.nan])
def test_any_values_are_drawn_without_a_warning(tmp_path, values, accuracy):
    assert drawn([swept(values, [[accuracy]] * len(values))], tmp_path).size


@pytest.mark.parametrize("lines", [[], [swept([])], [swept([1], [[]])]])
def test_nothing_cannot_be_drawn(tmp_path, lines):
    with pytest.raises(ValueError, match="every config needs at least one value"):
        drawn(lines, tmp_path)
