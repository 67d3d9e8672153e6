import numpy as np
import pytest

from autodiff.experiment.pictures.palette import CLASS_COLORS, CLASS_MARKERS, CURVE_COLORS, TRANSPARENT, Palette


@pytest.mark.parametrize("style", ["soft", "crisp"])
@pytest.mark.parametrize("curves", [0, 4, 6])
@pytest.mark.parametrize("classes", range(2, 8))
def test_every_colour_fits_in_the_palette_and_fills_are_told_apart(classes, curves, style):
    palette = Palette(classes, style, CURVE_COLORS[:curves])
    assert palette.size <= TRANSPARENT
    fills = palette.rgb[: classes * palette.levels]
    assert len(np.unique(fills, axis=0)) == len(fills)
    assert palette.levels >= (12 if style == "soft" else 1)


def test_every_class_has_its_own_okabe_ito_colour_and_marker():
    okabe_ito = {"#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}
    assert set(CLASS_COLORS) == okabe_ito
    assert CLASS_COLORS[:3] == ("#E69F00", "#0072B2", "#009E73")
    assert len(set(CLASS_MARKERS)) == len(CLASS_MARKERS) == len(CLASS_COLORS)


def test_fills_fade_from_their_class_colour_to_white():
    palette = Palette(3, "soft")
    for k, color in enumerate(CLASS_COLORS[:3]):
        fills = palette.rgb[k * palette.levels : (k + 1) * palette.levels].astype(float)
        share = (255 - fills) / (255 - np.array(list(bytes.fromhex(color[1:])), float) + 1e-9)
        channel = int(fills[-1].argmin())
        assert (np.diff(share[:, channel]) > 0).all()
        assert share[0, channel] < 0.1
        assert share[-1, channel] > 0.6


@pytest.mark.parametrize("style", ["soft", "crisp"])
def test_ink_over_a_fill_is_that_fill_darkened_and_full_ink_hides_it(style):
    palette = Palette(3, style)
    ink, rgb = palette.rgb[palette.ink].astype(float), palette.rgb.astype(float)
    for index in range(palette.first_inked):
        assert palette.under_ink[index, 0] == index
        assert palette.under_ink[index, -1] == palette.ink
        for step in range(1, palette.ink_steps):
            expected = rgb[index] + (ink - rgb[index]) * step / palette.ink_steps
            assert np.abs(rgb[palette.under_ink[index, step]] - expected).max() < 16


def test_ink_over_ink_is_the_thicker_of_the_two():
    palette = Palette(3, "soft")
    for below in range(palette.ink_steps + 1):
        for above in range(palette.ink_steps + 1):
            twice = palette.under_ink[palette.under_ink[5, below], above]
            assert twice == palette.under_ink[5, max(below, above)]


def test_drawn_colours_become_the_nearest_grey_marker_or_curve_colour():
    palette = Palette(2, "soft", ["#CC79A7"])
    drawn = np.array([[255, 255, 255], [26, 26, 26], [230, 159, 0], [0, 114, 178], [204, 121, 167], [231, 158, 2]])
    expected = np.array([[255, 255, 255], [26, 26, 26], [230, 159, 0], [0, 114, 178], [204, 121, 167], [230, 159, 0]])
    np.testing.assert_array_equal(palette.rgb[palette.nearest_solid(drawn.astype(np.uint8))], expected)


@pytest.mark.parametrize("classes", [1, 8])
def test_too_few_or_too_many_classes_are_refused_with_the_reason(classes):
    with pytest.raises(ValueError, match=f"{classes} classes cannot be drawn: 2 to 7 can.*black is kept for lines"):
        Palette(classes, "soft")
