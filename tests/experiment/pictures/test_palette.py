from itertools import combinations, pairwise

import numpy as np
import pytest

from autodiff.experiment.data.points import MOST_CLASSES
from autodiff.experiment.pictures.palette import (
    CLASS_COLORS,
    CLASS_MARKERS,
    CURVE_COLORS,
    CURVE_DASHES,
    INK,
    MOST_LEVELS,
    TRANSPARENT,
    Palette,
    curve_style,
    rgb_of,
)

# Machado, Oliveira & Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency" (2009), at
# severity 1: matrices for linear RGB.
SEEN_BY = {
    "all": np.eye(3),
    "protanopes": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopes": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopes": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# IEC 61966-2-1 (sRGB): from linear RGB to CIE XYZ for the white D65.
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(colors):
    share = rgb_of(colors) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(colors, eyes="all"):
    """CIE 1976 L*a*b* of '#RRGGBB' colours as some eyes see them."""
    seen = (linear(colors) @ np.transpose(SEEN_BY[eyes])).clip(0, 1)
    t = seen @ XYZ.T / XYZ.sum(axis=1)
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def delta_e_2000(one, other):
    """CIEDE2000, after Sharma, Wu & Dalal, "The CIEDE2000 Color-Difference Formula" (2005)."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(chroma**7 / (chroma**7 + 25.0**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    dl, dc, dh = l2 - l1, c2 - c1, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    lightness, c = (l1 + l2) / 2, (c1 + c2) / 2
    if c1 * c2 == 0:
        h = h1 + h2
    elif abs(h1 - h2) <= 180:
        h = (h1 + h2) / 2
    else:
        h = (h1 + h2 + (360 if h1 + h2 < 360 else -360)) / 2
    cosines = [np.cos(np.radians(angle)) for angle in (h - 30, 2 * h, 3 * h + 6, 4 * h - 63)]
    t = 1 + np.dot([-0.17, 0.24, 0.32, -0.20], cosines)
    sl = 1 + 0.015 * (lightness - 50) ** 2 / np.sqrt(20 + (lightness - 50) ** 2)
    sc, sh = 1 + 0.045 * c, 1 + 0.015 * c * t
    rotation = 60 * np.exp(-(((h - 275) / 25) ** 2))
    rt = -2 * np.sqrt(c**7 / (c**7 + 25.0**7)) * np.sin(np.radians(rotation))
    return np.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rt * (dc / sc) * (dh / sh))


def least_difference(colors, eyes):
    return min(delta_e_2000(one, other) for one, other in combinations(lab(colors, eyes), 2))


# From the table of test data of Sharma, Wu & Dalal.
@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.4900, -0.0010), (50, -2.4900, 0.0011), 7.2195),
        ((50, 2.5, 0), (61, -5, 29), 22.8977),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_difference_of_colours_is_the_published_one(one, other, difference):
    assert delta_e_2000(one, other) == pytest.approx(difference, abs=5e-5)


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_curves_are_told_apart_by_their_colour_alone(eyes):
    assert least_difference(CURVE_COLORS, eyes) > 20


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_classes_are_told_apart_by_their_colour_and_by_their_marker(eyes):
    assert least_difference(CLASS_COLORS, eyes) > 10
    assert min(delta_e_2000(*lab([color, INK], eyes)) for color in CLASS_COLORS) > 13
    assert len(set(CLASS_MARKERS)) == len(CLASS_MARKERS)


def test_curves_stand_out_from_white():
    """By 3 to 1, as WCAG 2.1 asks of graphics (1.4.11)."""
    luminance = linear(CURVE_COLORS) @ XYZ[1]
    assert (1.05 / (luminance + 0.05) >= 3).all()


def test_curves_of_thirty_runs_have_thirty_styles_and_neighbours_differ_in_their_dashes_too():
    styles = [curve_style(run) for run in range(len(CURVE_COLORS) * len(CURVE_DASHES))]
    assert len(set(styles)) == 30
    assert all(one[1] != other[1] for one, other in pairwise(styles))


@pytest.mark.parametrize("style", ["soft", "crisp"])
@pytest.mark.parametrize("curves", [0, 4, 6])
@pytest.mark.parametrize("classes", range(2, 21))
def test_every_colour_fits_in_the_palette_and_fills_are_told_apart(classes, curves, style):
    palette = Palette(classes, style, CURVE_COLORS[:curves])
    assert palette.size <= TRANSPARENT
    fills = palette.rgb[: classes * palette.levels]
    assert len(np.unique(fills, axis=0)) == len(fills)
    assert palette.levels == 1 if style == "crisp" else palette.levels >= (MOST_LEVELS if classes <= 7 else 2)


def test_every_class_has_its_own_colour_and_marker_the_first_seven_those_of_okabe_and_ito():
    okabe_ito = {"#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}
    assert set(CLASS_COLORS[:7]) == okabe_ito
    assert CLASS_COLORS[:3] == ("#E69F00", "#0072B2", "#009E73")
    assert len(set(CLASS_MARKERS)) == len(CLASS_MARKERS) == len(CLASS_COLORS) == MOST_CLASSES


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


@pytest.mark.parametrize("classes", [1, 21])
def test_too_few_or_too_many_classes_are_refused_with_the_reason(classes):
    with pytest.raises(
        ValueError, match=f"{classes} classes cannot be drawn: 2 to 20 can, each in a colour that is told"
    ):
        Palette(classes, "soft")
