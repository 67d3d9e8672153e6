import imageio.v3 as imageio
import numpy as np
import pytest

from autodiff.experiment.pictures import Outcomes, render_seeds, seeds
from autodiff.experiment.pictures.axes import Box
from autodiff.experiment.pictures.palette import CURVE_COLORS, rgb_of


def outcomes(title="a setting", accuracy=(0.9, 0.95, 0.99), epochs=(10, 100, 1000)):
    return Outcomes(title, np.array(accuracy, float), np.array(epochs, float))


def drawn(settings, folder):
    render_seeds(settings, folder / "seeds.png")
    assert [path.name for path in folder.iterdir()] == ["seeds.png"]
    picture = imageio.imread(folder / "seeds.png")[:, :, :3].astype(int)
    assert picture.shape[1] == 2000
    return picture


def dots(picture, color=CURVE_COLORS[0]):
    """The middles (n, 2) of the patches of a colour: across and down."""
    above_the_axis = picture[: len(picture) - 116]
    near = (np.abs(above_the_axis - rgb_of([color])[0]) <= 40).all(axis=2)
    left = {tuple(place) for place in np.argwhere(near).tolist()}
    middles = []
    while left:
        edge = [left.pop()]
        patch = []
        while edge:
            row, column = edge.pop()
            patch.append((column, row))
            around = {(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)} & left
            left -= around
            edge += around
        if len(patch) > 20:
            middles.append(np.mean(patch, axis=0))
    return np.array(sorted(map(tuple, middles))).reshape(-1, 2)


def test_every_seed_is_a_dot_in_both_panels_where_its_numbers_are(tmp_path):
    accuracy, epochs = dots(drawn([outcomes()], tmp_path)).reshape(2, 3, 2)
    assert np.ptp(accuracy[:, 1]) < 2
    left, middle, right = accuracy[:, 0]
    assert (middle - left) / (right - left) == pytest.approx(5 / 9, abs=0.01)
    left, middle, right = epochs[:, 0]  # on a logarithmic axis
    assert (middle - left) / (right - left) == pytest.approx(1 / 2, abs=0.01)


def test_runs_that_diverged_or_never_got_there_have_lanes_of_their_own(tmp_path):
    settings = [outcomes(accuracy=[np.nan, 0.95, 0.96, 0.99], epochs=[np.nan, np.inf, 100, 1000])]
    picture = drawn(settings, tmp_path)
    middles = dots(picture)
    assert len(middles) == 8
    lanes = [tuple(picture[130, round(x)]) for x, _ in middles]
    assert [lane == (243, 243, 243) for lane in lanes] == [True] + [False] * 5 + [True] * 2


def test_without_such_runs_there_are_no_lanes(tmp_path):
    assert (drawn([outcomes()], tmp_path) == 243).all(axis=2).sum() < 100


def test_the_median_is_marked_behind_the_dots(tmp_path):
    picture = drawn([outcomes(accuracy=[0.9, 0.94, 0.99])], tmp_path)
    x, y = dots(picture)[1]
    column = picture[130 : round(y) + 70, round(x)].max(axis=1) < 60
    assert column.sum() > 60
    assert tuple(picture[round(y), round(x)]) == tuple(rgb_of([CURVE_COLORS[0]])[0])


@pytest.mark.parametrize(("seeds", "settings"), [(3, 12), (100, 2)])
def test_all_dots_are_seen_apart_in_the_row_of_their_setting(tmp_path, seeds, settings):
    rng = np.random.default_rng(seeds)
    every = [
        outcomes(f"setting {i}", np.round(rng.uniform(0.95, 1, seeds) * 300) / 300, rng.integers(50, 60, seeds) * 10)
        for i in range(settings)
    ]
    picture = drawn(every, tmp_path)
    rows = np.array_split(np.arange(len(picture)), settings)
    for i, color in enumerate(CURVE_COLORS[: min(settings, 6)]):
        if color == "#000000":
            continue  # text is nearly so
        middles = dots(picture, color)
        assert len(middles) == 2 * seeds * len(range(i, settings, 6))
    assert len(rows[0]) >= 90


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("title", ["$a_1$ | b", "学習", "a\nb", "", "a very long name, " * 20])
def test_names_in_any_script_and_of_any_length_are_drawn(tmp_path, title):
    assert len(drawn([outcomes(title), outcomes("another")], tmp_path)) < 800


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("accuracy", [[0.5], [1.0, 1.0], [0.0], [np.nan], [np.nan, 0.99], [0, 1]])
@pytest.mark.parametrize("epochs", [[0], [np.inf], [np.nan], [7], [1e6]])
def test_any_outcome_is_drawn_without_a_warning(tmp_path, accuracy, epochs):
    assert len(dots(drawn([outcomes("one", accuracy, epochs * len(accuracy))], tmp_path))) == 2 * len(accuracy)


def test_many_settings_make_the_picture_taller(tmp_path):
    twelve, forty = (len(drawn([outcomes(f"setting {i}") for i in range(n)], tmp_path)) for n in (12, 40))
    assert forty > 3 * twelve


@pytest.mark.parametrize("settings", [[], [outcomes(accuracy=(), epochs=())]])
def test_nothing_cannot_be_drawn(tmp_path, settings):
    with pytest.raises(ValueError, match="every setting needs at least one seed"):
        render_seeds(settings, tmp_path / "seeds.png")


def test_an_axis_without_numbers_has_no_ticks() -> None:
    panel = seeds.panel_of("epochs to 95 %", [np.array([np.inf, np.inf])], "log", "never", Box(0, 0, 500, 0))
    assert seeds.panel_ticks(panel) == []
