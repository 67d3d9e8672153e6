import dataclasses

import imageio.v3 as imageio
import numpy as np
import pytest

from autodiff.experiment.pictures import Curve, Film, HeldOut, render_curves
from autodiff.experiment.pictures.curves import MOST_DASHED, NAME_GAP, spread, thinned
from autodiff.experiment.pictures.palette import CURVE_COLORS


def make_film(title="run", last=10, loss=None, accuracy=None):
    epochs = np.arange(last + 1)
    curve = Curve(epochs, 1 / (1.0 + epochs) if loss is None else loss, epochs / last if accuracy is None else accuracy)
    return Film(title, np.zeros((1, 2)), np.zeros(1, int), last, (), curve)


def drawn(films, folder):
    render_curves(films, folder / "curves.png")
    return imageio.imread(folder / "curves.png")[:, :, :3]


def rgb(color):
    return tuple(bytes.fromhex(color[1:]))


def test_every_run_is_drawn_in_its_colour_in_both_plots_and_beside_its_name(tmp_path):
    films = [make_film(f"run {i}", loss=np.full(11, 0.9**i), accuracy=np.full(11, 0.9**i)) for i in range(6)]
    picture = drawn(films, tmp_path)
    assert picture.shape[1] == 2000
    for color in CURVE_COLORS:
        rows, columns = (picture == rgb(color)).all(axis=2).nonzero()
        for half in (rows < len(picture) / 2, rows > len(picture) / 2):
            assert half.sum() > 500
            assert columns[half].min() < 300
            assert columns[half].max() > 1800


@pytest.mark.parametrize(
    "losses", [[1, 1e77], [1, 1e199], [1, 1e297], [1, 1.7e308], [1, np.inf], [1, 1e-199], [1, 5e-324], [1, 0]]
)
def test_any_loss_is_drawn_or_left_out_without_a_warning(tmp_path, losses):
    assert drawn([make_film("one", loss=np.array(losses, float), accuracy=np.ones(2), last=1)], tmp_path).size


def test_names_of_curves_that_end_together_do_not_overlap(tmp_path):
    one, twelve = ([make_film(f"run {i}", last=10) for i in range(runs)] for runs in (1, 12))
    beside = [drawn(films, tmp_path)[:, 1900:].min(axis=2).min(axis=1) < 128 for films in (one, twelve)]
    texts = [np.count_nonzero(np.diff(rows.astype(int)) == 1) for rows in beside]
    assert texts == [2, 24]  # lines of text in two plots


@pytest.mark.parametrize("runs", [13, 40])
def test_more_runs_than_can_be_told_apart_get_further_plots_of_the_same_scales(tmp_path, runs):
    films = [make_film(f"run {i}", loss=np.full(11, 1.0 + i)) for i in range(runs)]
    picture = drawn(films, tmp_path)
    pairs = -(-runs // 12)
    assert len(picture) > pairs * len(drawn(films[:12], tmp_path)) * 0.8
    axis = (picture[:, 200:1500].max(axis=2) < 60).mean(axis=1) > 0.95
    assert np.count_nonzero(np.diff(axis.astype(int)) == 1) == 2 * pairs


def test_a_picture_of_a_thousand_runs_can_be_drawn(tmp_path):
    assert len(drawn([make_film(f"run {i}") for i in range(1000)], tmp_path)) < 2**16


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "title", ["$a_1$ | b", "_hidden_name", "100 %", "\\alpha\\beta", "学習", "a\nb", "{x} and {y}", "a$b$", "__"]
)
def test_names_are_drawn_as_they_are_whatever_matplotlib_would_make_of_them(tmp_path, title):
    """They fill the room that their characters take."""
    dark = drawn([make_film(title)], tmp_path)[:, 1000:].min(axis=2) < 128
    columns = 500 + np.flatnonzero(dark.any(axis=0)) / 2
    assert columns.max() == pytest.approx(1000 - NAME_GAP, abs=8)


def test_an_empty_name_can_be_drawn(tmp_path):
    assert (drawn([make_film("")], tmp_path) != 255).any()


def test_curves_that_end_early_or_cannot_be_drawn_have_their_names(tmp_path):
    nothing = np.full(11, np.nan)
    films = [
        make_film("whole"),
        dataclasses.replace(make_film("early", last=3), epochs=10),
        make_film("not", loss=nothing),
    ]
    beside = drawn(films, tmp_path)[:, 1900:].min(axis=2).min(axis=1) < 128
    assert np.count_nonzero(np.diff(beside.astype(int)) == 1) == 6


@pytest.mark.parametrize("seed", range(20))
def test_places_are_apart_within_their_bounds_in_order_and_the_nearest_there_are(seed):
    rng = np.random.default_rng(seed)
    count, gap, low, high = int(rng.integers(1, 9)), 10.0, 0.0, 100.0
    wanted = rng.uniform(-20, 120, count).round()
    places = spread(wanted, gap, low, high)
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(places[order]) >= gap - 1e-9).all()
    assert low + gap / 2 - 1e-9 <= places.min() <= places.max() <= high - gap / 2 + 1e-9
    best = ((places - wanted) ** 2).sum()
    for _ in range(500):  # no other allowed places are nearer
        free = np.sort(rng.uniform(low + gap / 2, high - gap / 2 - gap * (count - 1), count)) + gap * np.arange(count)
        mixed = places[order] + rng.uniform(0, 1) * (free - places[order])
        assert ((mixed - wanted[order]) ** 2).sum() >= best - 1e-6


def with_held_out(film, loss=None, accuracy=None, last=10):
    curve = make_film(loss=loss, accuracy=accuracy, last=last).curve
    return dataclasses.replace(film, held_out=HeldOut(np.zeros((1, 2)), np.zeros(1, int), curve))


def strokes(picture, color, level):
    """Return the lengths of what is drawn in a colour along a row where a curve is level, within the plots."""
    drawn = (picture[level, 200:1500] == rgb(color)).all(axis=1).astype(int)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], drawn, [0]])))
    return edges[1::2] - edges[::2]


def test_curves_of_training_are_solid_and_those_of_held_out_points_dashed(tmp_path):
    runs = [make_film(f"run {i}", loss=np.full(11, 0.5**i), accuracy=np.full(11, 0.1 * i + 0.05)) for i in range(4)]
    alone = [drawn([with_held_out(film, film.curve.loss * 0.01, film.curve.accuracy)], tmp_path) for film in runs]
    assert all((picture != alone[0]).any() for picture in alone[1:])
    films = [with_held_out(film, film.curve.loss * 0.8, film.curve.accuracy + 0.5) for film in runs]
    picture = drawn(films, tmp_path)
    for half in np.array_split(picture, 2):
        for color in CURVE_COLORS[:4]:
            longest = [strokes(half, color, row).max(initial=0) for row in range(len(half))]
            counts = [len(strokes(half, color, row)) for row in range(len(half))]
            assert max(longest) == 1300  # across all that is looked at
            assert 50 < max(counts) < 200


def test_the_range_of_losses_holds_those_of_held_out_points(tmp_path):
    film = make_film(loss=np.full(11, 1.0))
    upper = drawn([with_held_out(film, np.full(11, 1e-3))], tmp_path)
    (rows,) = (upper == rgb(CURVE_COLORS[0])).all(axis=2)[:700, 300:1400].any(axis=1).nonzero()
    assert np.ptp(rows) > 400  # of the 528 pixels of the plot


def test_more_runs_than_colours_are_drawn_without_held_out_points(tmp_path):
    films = [make_film(f"run {i}", loss=np.full(11, 1.0 + i)) for i in range(7)]
    without = [drawn(films[:count], tmp_path) for count in (6, 7)]
    tested = [with_held_out(film) for film in films]
    assert not np.array_equal(drawn(tested[:6], tmp_path), without[0])
    assert np.array_equal(drawn(tested, tmp_path), without[1])


@pytest.mark.parametrize("losses", [[1, np.nan], [np.inf, np.inf], [1, 1e-200], [1, 1.7e308]])
def test_any_loss_on_held_out_points_is_drawn_or_left_out_without_a_warning(tmp_path, losses):
    film = make_film("one", loss=np.ones(2), accuracy=np.ones(2), last=1)
    assert drawn([with_held_out(film, np.array(losses, float), np.ones(2), last=1)], tmp_path).size


@pytest.mark.parametrize("count", [0, 1, 2, 50, 10_001])
def test_a_dashed_curve_has_few_points_and_both_its_ends(count):
    epochs = np.arange(count)
    kept = thinned(Curve(epochs, epochs * 2.0, epochs * 3.0))
    assert kept.epochs.tolist() == sorted(set(kept.epochs.tolist()))
    assert len(kept.epochs) <= MOST_DASHED + 1
    assert kept.epochs.tolist()[:1] == epochs.tolist()[:1]
    assert kept.epochs.tolist()[-1:] == epochs.tolist()[-1:]
    assert np.array_equal(kept.loss, kept.epochs * 2.0)
