import imageio.v3 as imageio
import numpy as np
import pytest

from autodiff.experiment.pictures import Votes, render_agreement
from autodiff.experiment.pictures.agreement import BOTTOM, LEFT, PANEL_SIZES, TOP, shares_of
from autodiff.experiment.pictures.field import Extent
from autodiff.experiment.pictures.palette import CLASS_COLORS, STRONGEST_FILL, rgb_of

FEATURES = np.array([[-1.0, -1.0], [1.0, 1.0]])


def split_at(x, classes=2, size=5.0):
    """A network that chooses class 0 left of an x, and class 1 right of it."""

    def logits(points):
        values = np.full((len(points), classes), -10.0 * size)
        values[:, 0], values[:, 1] = size * (x - points[:, 0]), size * (points[:, 0] - x)
        return values

    return logits


def votes(*splits, title="a setting", classes=2):
    return Votes(title, FEATURES, tuple(split_at(x, classes) for x in splits))


def drawn(settings, folder):
    render_agreement(settings, folder / "agreement.png")
    assert [path.name for path in folder.iterdir()] == ["agreement.png"]
    return imageio.imread(folder / "agreement.png")[:, :, :3].astype(int)


def faded(color, share):
    return 255 + (rgb_of([color])[0] - 255) * share


def test_shares_are_those_of_the_networks_that_choose_a_class():
    shares = shares_of([split_at(x) for x in (-0.5, 0.1, 0.2, 0.5)], np.float64, Extent(-1, 1, -1, 1), (20, 4))
    assert shares.shape == (2, 4, 20)
    left = np.array([sum(x > place for x in (-0.5, 0.1, 0.2, 0.5)) / 4 for place in np.linspace(-0.95, 0.95, 20)])
    assert (shares[0] >= left).all()
    assert (shares[0] <= left + 1 / 8).all()


def test_where_as_many_choose_either_class_the_surer_ones_decide():
    bold, shy = split_at(0.5, size=9.0), split_at(-0.5, size=0.1)
    shares = shares_of([bold, shy], np.float64, Extent(-1, 1, -1, 1), (4, 1))
    assert shares.argmax(axis=0).tolist() == [[0, 0, 0, 1]]


def test_the_plane_has_the_colour_of_the_class_most_choose_and_fades_where_fewer_do(tmp_path):
    picture = drawn([votes(-0.4, 0.0, 0.4)], tmp_path)
    width, height = PANEL_SIZES[1]
    area = picture[2 * TOP : 2 * (TOP + height), 2 * LEFT : 2 * (LEFT + width)]
    middle = area[len(area) // 2]
    edges = [20, -20]
    for edge, color in zip(edges, CLASS_COLORS, strict=False):
        assert np.abs(middle[edge] - faded(color, STRONGEST_FILL)).max() < 12
    near = [int(width * (1 - 0.1)), int(width * (1 + 0.1))]  # two of three agree there
    for column, color in zip(near, CLASS_COLORS, strict=False):
        assert np.abs(middle[column] - 255).max() < 0.8 * np.abs(faded(color, STRONGEST_FILL) - 255).max()
    line = np.flatnonzero(middle.max(axis=1) < 80)
    assert line.mean() == pytest.approx(width, abs=4)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("settings", [1, 4, 13])
@pytest.mark.parametrize("classes", [2, 7])
def test_every_setting_has_a_panel_and_the_legend_every_class(tmp_path, settings, classes):
    picture = drawn([votes(0.0, title=f"setting {i}", classes=classes) for i in range(settings)], tmp_path)
    legend = picture[2 * (TOP - 80) : 2 * (TOP - 50)]
    for color in CLASS_COLORS[:classes]:
        assert (np.abs(legend - rgb_of([color])[0]).max(axis=2) < 40).sum() > 80
    frames = (picture[:, : 2 * (LEFT + 200)].max(axis=2) < 60).sum(axis=1) > 300
    columns = {1: 1, 2: 2, 4: 2, 12: 4, 13: 4}[settings]
    assert np.count_nonzero(np.diff(frames.astype(int)) == 1) == 2 * -(-settings // columns)
    assert len(picture) > 2 * (TOP + BOTTOM)


@pytest.mark.filterwarnings("error")
def test_networks_that_diverged_and_those_that_choose_one_class_everywhere_are_drawn(tmp_path):
    nowhere = Votes("nan", FEATURES, (lambda points: np.full((len(points), 2), np.nan),))
    assert drawn([nowhere, votes(50.0), votes(-50.0, 50.0)], tmp_path).size


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("title", ["$a_1$ | b", "学習", "a\nb", "", "a very long name, " * 20])
def test_names_in_any_script_and_of_any_length_are_drawn(tmp_path, title):
    assert drawn([votes(0.0, title=title), votes(0.0)], tmp_path).size


@pytest.mark.parametrize("settings", [[], [votes()]])
def test_nothing_cannot_be_drawn(tmp_path, settings):
    with pytest.raises(ValueError, match="every setting needs at least one seed"):
        render_agreement(settings, tmp_path / "agreement.png")


def test_too_many_classes_are_refused(tmp_path):
    with pytest.raises(ValueError, match="21 classes cannot be drawn"):
        render_agreement([votes(0.0, classes=21)], tmp_path / "agreement.png")
