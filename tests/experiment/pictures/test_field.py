import numpy as np
import pytest

from autodiff.experiment.pictures.field import Extent, Field, boundary_distance, extent_of, interpolate
from autodiff.experiment.pictures.palette import Palette

WIDTH, HEIGHT = 880, 656
EXTENT = Extent(-1.05, 1.1, -1.0, 1.05)
FLOAT64 = np.dtype(np.float64)


def random_network(activation, classes, seed, scale):
    rng = np.random.default_rng(seed)
    W, b, V = rng.normal(size=(2, 100)) * scale, rng.normal(size=100) * scale / 2, rng.normal(size=(100, classes))
    if activation == "relu":
        return lambda points: np.maximum(points @ W + b, 0) @ V
    return lambda points: 1 / (1 + np.exp(-(points @ W + b))) @ V


def classes_at_pixel_centers(logits, width=WIDTH, height=HEIGHT):
    x = EXTENT.left + (np.arange(width) + 0.5) / width * (EXTENT.right - EXTENT.left)
    y = EXTENT.top - (np.arange(height) + 0.5) / height * (EXTENT.top - EXTENT.bottom)
    rows = [logits(np.stack([x, np.full(width, height_of_row)], axis=1)).argmax(axis=1) for height_of_row in y]
    return np.stack(rows)


@pytest.mark.parametrize("style", ["soft", "crisp"])
@pytest.mark.parametrize("scale", [3, 10])
@pytest.mark.parametrize("classes", range(2, 8))
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_fills_have_the_class_that_the_network_has_at_the_center_of_the_pixel(activation, classes, scale, style):
    logits = random_network(activation, classes, seed=classes, scale=scale)
    palette = Palette(classes, style)
    indices = Field(EXTENT, WIDTH, HEIGHT, 4, palette).paint(logits, FLOAT64).indices
    expected = classes_at_pixel_centers(logits)
    fill = indices < palette.first_inked
    assert (indices[fill] // palette.levels != expected[fill]).sum() <= 0.0005 * indices.size
    assert fill.mean() > 0.97


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_ink_lies_within_two_pixels_of_a_change_of_class_and_on_every_change(activation):
    logits = random_network(activation, 3, seed=1, scale=6)
    palette = Palette(3, "crisp")
    indices = Field(EXTENT, WIDTH, HEIGHT, 4, palette).paint(logits, FLOAT64).indices
    ink, expected = indices >= palette.first_inked, classes_at_pixel_centers(logits)
    windows = np.lib.stride_tricks.sliding_window_view(expected, (5, 5))
    near = windows.min(axis=(2, 3)) != windows.max(axis=(2, 3))
    assert near.any()
    assert (ink[2:-2, 2:-2] & ~near).mean() < 0.0001
    beside = (expected[:, 1:] != expected[:, :-1]) & ~(ink[:, 1:] | ink[:, :-1])
    assert beside.mean() < 0.0001


def test_a_straight_boundary_has_the_coverage_of_its_distance():
    palette = Palette(2, "crisp")
    extent = Extent(0, 16, 0, 16)  # one unit a pixel

    def logits(points):
        distance = (points - 8.3) @ np.array([0.6, 0.8])
        return np.stack([50 * distance, -50 * distance], axis=1)

    indices = Field(extent, 16, 16, 4, palette).paint(logits, FLOAT64).indices
    x, y = np.meshgrid(np.arange(16) + 0.5, 15.5 - np.arange(16))
    distance = (x - 8.3) * 0.6 + (y - 8.3) * 0.8
    steps = np.rint((1.25 - np.abs(distance)).clip(0, 1) * palette.ink_steps).astype(int)
    expected = palette.under_ink[np.where(distance > 0, 0, 1), steps]
    assert np.count_nonzero(indices != expected) == 0


def test_the_boundary_distance_is_exact_for_linear_logits():
    rows, columns, cells = np.mgrid[0:4, 0:4, 0:20].reshape(3, 16, 20)
    x, y = columns + 4.0 * cells - 40, rows + cells - 12.5
    logits = np.stack([3 * x + 4 * y, np.zeros_like(x), np.full_like(x, -999)])
    along_x, along_y = np.zeros((2, 3, 4, 20))
    along_x[0], along_y[0] = 3, 4
    distance = boundary_distance(logits - logits.max(axis=0), along_x, along_y)
    np.testing.assert_allclose(distance, np.abs(3 * x + 4 * y) / 5)


@pytest.mark.parametrize("classes", [2, 3, 5, 7])
def test_the_boundary_distance_is_the_least_from_the_top_class_to_any_other(classes):
    rng = np.random.default_rng(classes)
    margins = rng.normal(size=(classes, 16, 200))
    margins -= margins.max(axis=0)
    along_x, along_y = rng.normal(size=(2, classes, 4, 200))
    distance = boundary_distance(margins, along_x, along_y).reshape(4, 4, 200)
    for row, column, cell in np.ndindex(4, 4, 200):
        own = margins[:, 4 * row + column, cell]
        slope = np.stack([along_x[:, row, cell], along_y[:, column, cell]], axis=1)
        top, others = own.argmax(), np.arange(classes) != own.argmax()
        to_each = -own[others] / np.linalg.norm(slope[others] - slope[top], axis=1)
        np.testing.assert_allclose(distance[row, column, cell], to_each.min())


def test_where_two_classes_are_equal_everywhere_there_is_no_boundary():
    palette = Palette(3, "soft")

    def logits(points):
        return np.stack([points[:, 0], points[:, 0], points[:, 0] - 3], axis=1)

    assert (Field(EXTENT, 48, 48, 4, palette).paint(logits, FLOAT64).indices < palette.levels).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "logits",
    [
        lambda points: np.zeros((len(points), 3)),
        lambda points: np.full((len(points), 3), np.nan),
    ],
    ids=["constant", "nan"],
)
def test_a_network_that_knows_nothing_is_painted_nearly_white_without_a_line(logits):
    assert (Field(EXTENT, 48, 48, 4, Palette(3, "soft")).paint(logits, FLOAT64).indices == 0).all()


def test_a_logit_that_is_not_a_number_counts_as_zero():
    def logits(points):
        return np.tile([np.nan, 2.0, -1.0], (len(points), 1))

    assert (Field(EXTENT, 48, 48, 4, Palette(3, "crisp")).paint(logits, FLOAT64).indices == 1).all()


@pytest.mark.parametrize("scale", [1e6, 1e12, 1e300, np.inf])
def test_huge_and_infinite_logits_keep_their_classes(scale):
    palette = Palette(2, "crisp")

    def logits(points):
        sign = np.where(points[:, 0] > 0.013, 1.0, -1.0)
        return np.stack([sign * scale, -sign * scale], axis=1)

    indices = Field(EXTENT, WIDTH, HEIGHT, 4, palette).paint(logits, FLOAT64).indices
    fill = indices < palette.first_inked
    wrong = fill & (indices != classes_at_pixel_centers(logits))
    # A jump between corners is drawn in the middle of its cell: at most half a cell is wrong on each side.
    assert wrong.mean() < 2 / WIDTH


def test_huge_logits_in_float32_lose_no_differences():
    palette = Palette(2, "crisp")

    def logits(points):
        return 1e6 + np.stack([points[:, 0], -points[:, 0]], axis=1)

    indices = Field(EXTENT, WIDTH, HEIGHT, 4, palette).paint(logits, FLOAT64).indices
    fill = indices < palette.first_inked
    assert (indices[fill] == classes_at_pixel_centers(logits)[fill]).all()


def test_the_fill_rises_with_the_top_probability_from_one_over_classes_to_one():
    palette = Palette(2, "soft")
    levels = palette.levels

    def logits(points):
        return np.stack([points[:, 0], np.zeros(len(points))], axis=1)

    indices = Field(Extent(0, 8, 0, 1), 800, 16, 4, palette).paint(logits, FLOAT64).indices[0]
    x = (np.arange(800) + 0.5) / 100
    confidence = 2 / (1 + np.exp(-x)) - 1
    away = x > 0.1  # from the line at zero
    assert np.abs(indices[away] - confidence[away] * (levels - 1)).max() <= 0.51
    assert indices[-1] == levels - 1


def turned(network, by):
    return lambda points: network(points) * 1.2 + by * points[:, :1] * [0.3, 0, -0.3]


@pytest.mark.parametrize(("activation", "by"), [("relu", 10.0), ("sigmoid", 0.5)])
@pytest.mark.parametrize("style", ["soft", "crisp"])
def test_after_what_is_shown_classes_are_new_and_levels_of_classes_that_stay_old(activation, by, style):
    palette = Palette(3, style)
    field = Field(EXTENT, WIDTH, HEIGHT, 4, palette)
    one = random_network(activation, 3, seed=3, scale=3)
    before, exact = field.paint(one, FLOAT64), field.paint(turned(one, by), FLOAT64)
    shown = field.paint(turned(one, by), FLOAT64, before)
    assert shown.fills is before.fills
    fills = (shown.ink == 0) & (exact.ink == 0)
    assert (shown.indices[fills] // palette.levels == exact.indices[fills] // palette.levels).all()
    stayed = fills & palette.same_class(before.fills.indices, exact.fills.indices)
    assert (shown.indices[stayed] == before.fills.indices[stayed]).all()
    assert stayed.mean() > 0.8
    swept = fills & ~stayed
    assert swept.any()
    assert np.abs(shown.indices[swept].astype(int) - exact.indices[swept]).max() <= 1  # corners afar are interpolated
    assert (style == "soft") == (shown.indices[stayed] != exact.indices[stayed]).any()


@pytest.mark.parametrize("by", [0.003, 0.03, 0.3])
def test_after_what_is_shown_lines_are_new_but_for_a_quarter_of_a_pixel_and_leave_no_traces(by):
    field = Field(EXTENT, WIDTH, HEIGHT, 4, Palette(3, "crisp"))
    network = random_network("sigmoid", 3, seed=3, scale=3)
    painting, held = None, 0
    for i in range(6):
        exact = field.paint(turned(network, i * by), FLOAT64)
        painting = field.paint(turned(network, i * by), FLOAT64, painting)
        assert np.abs(painting.ink.astype(int) - exact.ink).max() <= 1  # one step of four
        held += (painting.ink != exact.ink).sum()
        in_cells = [part.ink.reshape(HEIGHT // 4, 4, WIDTH // 4, 4).max(axis=(1, 3)) for part in (painting, exact)]
        np.testing.assert_array_equal(in_cells[0] > 0, in_cells[1] > 0)
    assert held > 0


def test_fills_are_painted_anew_after_four_frames_and_at_once_where_much_has_faded_or_been_swept():
    field = Field(EXTENT, 160, 160, 4, Palette(2, "soft"))

    def network(confidence, turn=1.0):
        return lambda points: confidence * points * [1, turn]

    shown = first = field.paint(network(3.0), FLOAT64)
    faded = np.abs(field.paint(network(5.4), FLOAT64).fills.level - first.fills.level) > 1.5
    assert 0.01 < faded.mean() < 0.12
    for age in range(1, 4):
        shown = field.paint(network(5.4), FLOAT64, shown)
        assert (shown.age, shown.fills) == (age, first.fills)
    np.testing.assert_array_equal(
        field.paint(network(5.4), FLOAT64, shown).fills.indices, field.paint(network(5.4), FLOAT64).fills.indices
    )
    assert field.paint(network(3.0), FLOAT64, shown).fills is first.fills  # nothing has faded
    for other in (network(12.0), network(-3.0)):
        np.testing.assert_array_equal(field.paint(other, FLOAT64, first).indices, field.paint(other, FLOAT64).indices)


def test_the_corners_in_between_are_evaluated_near_the_boundary_alone():
    count = 0

    def logits(points):
        nonlocal count
        count += len(points)
        return 40 * points @ np.array([[1, -1], [0.5, -0.5]])

    Field(EXTENT, WIDTH, HEIGHT, 4, Palette(2, "soft")).paint(logits, FLOAT64)
    assert 2_000 < count < 0.3 * (WIDTH / 4 + 1) * (HEIGHT / 4 + 1)


def test_interpolation_is_exact_for_bilinear_values():
    y, x = np.mgrid[0:4, 0:6].astype(np.float32)
    pixels = interpolate(3 + 8 * x + 4 * y + 2 * x * y, 4).reshape(12, 20)
    v, u = (np.mgrid[0:12, 0:20] + 0.5) / 4
    np.testing.assert_array_equal(pixels, (3 + 8 * u + 4 * v + 2 * u * v).astype(np.uint8))


def test_the_network_gets_points_of_the_features_precision_and_never_integers():
    seen = []

    def logits(points):
        seen.append(points.dtype)
        return np.asarray(points, float)

    field = Field(EXTENT, 48, 48, 4, Palette(2, "crisp"))
    for dtype in (np.float32, np.float64, np.int64):
        field.paint(logits, np.dtype(dtype))
    assert list(dict.fromkeys(seen)) == [np.float32, np.float64]
    assert seen[-1] == np.float64


def test_the_extent_has_a_margin_even_for_one_point_and_scales_of_their_own_for_features_of_different_ranges():
    assert extent_of(np.array([[0.0, 1.0], [10.0, 1.0]]), aspect=1.0) == Extent(-0.5, 10.5, 0.0, 2.0)


@pytest.mark.parametrize("aspect", [0.8, 1.0, 1.4, 2.0])
@pytest.mark.parametrize("width", [0.5, 1.0, 2.0])
def test_a_unit_is_as_long_across_as_up_and_down_and_the_points_are_in_the_middle(width, aspect):
    features = np.array([[3.0, -1.0], [3.0 + width, 0.0]])
    extent = extent_of(features, aspect)
    across, down = extent.right - extent.left, extent.top - extent.bottom
    assert across / down == pytest.approx(aspect)
    assert (extent.left + extent.right, extent.bottom + extent.top) == pytest.approx((6.0 + width, -1.0))
    assert across >= 1.1 * width - 1e-9
    assert down >= 1.1 - 1e-9
    assert across == pytest.approx(1.1 * width) or down == pytest.approx(1.1)
