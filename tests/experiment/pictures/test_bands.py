import imageio.v3 as imageio
import numpy as np
import pytest

from autodiff.experiment.pictures import Curve, Setting, render_bands
from autodiff.experiment.pictures.palette import CURVE_COLORS, rgb_of

WHITE = 255


def curve(loss, accuracy=0.5):
    loss = np.asarray(loss, float)
    return Curve(np.arange(len(loss)), loss, np.full(len(loss), accuracy))


def setting(title="a setting", losses=(1.0, 2.0, 3.0), last=10, held_out=(), accuracy=0.5):
    training = tuple(curve(np.full(last + 1, loss), accuracy) for loss in losses)
    return Setting(title, training, tuple(curve(np.full(last + 1, loss), accuracy) for loss in held_out))


def drawn(settings, folder):
    render_bands(settings, folder / "curves.png")
    assert [path.name for path in folder.iterdir()] == ["curves.png"]
    return imageio.imread(folder / "curves.png")[:, :, :3].astype(int)


def is_near(picture, color, within=6):
    return (np.abs(picture - rgb_of([color])[0]) <= within).all(axis=2)


def shade(color, over=WHITE):
    """The colour of a band alone, over a grey."""
    red, green, blue = (over + (rgb_of([color])[0] - over) * 0.18).round().astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


def losses_plot(picture):
    """The plot of the losses, without its title and the names."""
    return picture[120 : len(picture) // 2 - 80, 196:1500]


def test_every_setting_is_a_line_of_its_colour_within_its_band_in_both_plots(tmp_path):
    settings = [setting(f"setting {i}", np.array([0.8, 1, 1.25]) * 4.0**i, accuracy=0.1 + 0.15 * i) for i in range(6)]
    picture = drawn(settings, tmp_path)
    assert picture.shape[1] == 2000
    for color in CURVE_COLORS:
        assert is_near(picture, color)[: len(picture) // 2].sum() > 500
        assert is_near(picture, color)[len(picture) // 2 :].sum() > 500
        rows, _ = is_near(losses_plot(picture), shade(color)).nonzero()
        lines, _ = is_near(losses_plot(picture), color).nonzero()
        assert rows.min() < lines.min() <= lines.max() < rows.max()


def test_the_median_and_the_band_are_where_their_losses_are(tmp_path):
    """On a logarithmic axis, by the lines of losses that cross the plot."""
    losses = 10 ** np.linspace(-1, 1, 21)  # so the median is 1, and the band from 10**-0.8 to 10**0.8
    plot = losses_plot(drawn([setting(losses=losses)], tmp_path))[:, 600:1200]
    rows = np.flatnonzero(is_near(plot, shade(CURVE_COLORS[0])).mean(axis=1) > 0.5)
    line = np.flatnonzero(is_near(plot, CURVE_COLORS[0]).mean(axis=1) > 0.9).mean()
    assert line - rows.min() == pytest.approx(rows.max() - line, abs=3)
    crossing = np.flatnonzero(is_near(plot, shade(CURVE_COLORS[0], over=0xDD)).all(axis=1))  # losses of 5 to 0.2
    assert (rows.max() - rows.min()) / (crossing.max() - crossing.min()) == pytest.approx(1.6 / np.log10(25), abs=0.01)


def test_held_out_points_have_the_band_and_training_points_a_thin_line_beside_it(tmp_path):
    plot = losses_plot(drawn([setting(losses=[0.1] * 3, held_out=[1, 2, 3])], tmp_path))[:, 600:1200]
    rows = np.flatnonzero(is_near(plot, CURVE_COLORS[0], within=60).mean(axis=1) > 0.9)
    held_out, training = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    assert len(training) < len(held_out)
    band = np.flatnonzero(is_near(plot, shade(CURVE_COLORS[0])).mean(axis=1) > 0.5)
    assert band.min() < held_out.min() <= held_out.max() < band.max() < training.min()


@pytest.mark.parametrize("held_out", [True, False])
def test_where_half_the_runs_have_diverged_the_median_ends_and_the_band_reaches_the_edge(tmp_path, held_out):
    ending = np.r_[np.full(6, 2.0), np.nan]
    curves = tuple(curve(loss) for loss in (np.ones(101), ending, ending))
    plot = losses_plot(drawn([Setting("s", curves, curves if held_out else ())], tmp_path))
    columns = np.flatnonzero(is_near(plot, CURVE_COLORS[0]).sum(axis=0) > 2)  # thicker than what leads to its name
    early, late = plot[:, columns.max() - 100], plot[:, columns.max() + 100]
    assert columns.max() < 900
    assert not is_near(early[None], shade(CURVE_COLORS[0]))[0, :4].any()
    assert is_near(late[None], shade(CURVE_COLORS[0]))[0, :4].all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "losses",
    [[1], [1, 1e77], [1, 1e199], [1, 1.7e308], [1, np.inf], [1, np.nan], [np.nan], [np.inf, np.inf], [0, 0], [5e-324]],
)
def test_any_loss_is_drawn_or_left_out_without_a_warning(tmp_path, losses):
    one, three = (tuple(curve(np.array(losses) * (1 + 0.01 * seed)) for seed in range(seeds)) for seeds in (1, 3))
    assert drawn([Setting("one seed", one, one), Setting("three", three), setting("other")], tmp_path).size


@pytest.mark.parametrize("settings", [6, 7, 30])
def test_settings_that_do_not_fit_in_one_pair_of_plots_get_further_ones(tmp_path, settings):
    picture = drawn([setting(f"setting {i}") for i in range(settings)], tmp_path)
    axis = (picture[:, 200:1400].max(axis=2) < 60).mean(axis=1) > 0.95
    assert np.count_nonzero(np.diff(axis.astype(int)) == 1) == 2 * -(-settings // 6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("title", ["$a_1$ | b", "学習", "a\nb", "", "a very long name, " * 20])
def test_names_in_any_script_and_of_any_length_are_drawn(tmp_path, title):
    assert drawn([setting(title), setting("another")], tmp_path).shape[1] == 2000


@pytest.mark.parametrize("settings", [[], [Setting("nothing", ())]])
def test_nothing_cannot_be_drawn(tmp_path, settings):
    with pytest.raises(ValueError, match="every setting needs at least one run"):
        render_bands(settings, tmp_path / "curves.png")
