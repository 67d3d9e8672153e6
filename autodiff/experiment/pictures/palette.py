"""The colours of the pictures, all of them in one palette of at most 256, built once for all frames."""

from collections.abc import Sequence
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from .film import Style

# The first seven are those of Okabe & Ito, "Color Universal Design" (2008), whose eighth, black, is kept for lines and
# text. The others were found by a search for colours that differ from these, and among each other, by a delta E 2000 of
# 10 for every kind of colour vision, and by more from the ink. The first of them differ most.
CLASS_COLORS = (
    "#E69F00", "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#554444", "#BBDDBB", "#11EEEE",
    "#224488", "#667777", "#1100EE", "#BB2200", "#8877FF", "#882222", "#555566", "#AABB77", "#BBAAAA", "#776655",
)  # fmt: skip
Marker = str | tuple[float, ...] | tuple[tuple[float, float], ...]
_HOURGLASS = ((-1.0, 1.0), (1.0, 1.0), (-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0))
_ARROW = ((0.0, 1.0), (1.0, -1.0), (0.0, -0.3), (-1.0, -1.0), (0.0, 1.0))
_BAR = ((-0.4, 1.0), (0.4, 1.0), (0.4, -1.0), (-0.4, -1.0), (-0.4, 1.0))
_HALF_DISC = (*((cos(pi * i / 12), sin(pi * i / 12) - 0.5) for i in range(13)), (1.0, -0.5))


def _turned(shape: tuple[tuple[float, float], ...], turn: complex) -> tuple[tuple[float, float], ...]:
    """Return a shape turned by a number of length 1."""
    turned = [complex(*corner) * turn for corner in shape]
    return tuple((corner.real, corner.imag) for corner in turned)


CLASS_MARKERS: tuple[Marker, ...] = (
    "o", "s", "^", "D", "v", "P", "X", _HOURGLASS, "*", "<", ">", _BAR, _turned(_HOURGLASS, 1j), "d", _turned(_BAR, 1j),
    _HALF_DISC, _ARROW, (4, 1, 0), _turned(_HALF_DISC, -1), _turned(_ARROW, -1),
)  # fmt: skip
# Curves of runs: found by a search for colours that differ by a delta E 2000 of 20 for every kind of colour vision, and
# by a contrast of 3 from white. Dashes differ too, so that a colour and its dashes come together again after 30 runs.
CURVE_COLORS = ("#DD7711", "#000000", "#2288FF", "#770055", "#115511", "#3300EE")
CURVE_DASHES: tuple[tuple[float, ...], ...] = ((), (6, 2), (2, 1.5), (8, 2, 2, 2), (4, 1.5, 1.2, 1.5, 1.2, 1.5))
INK = "#1A1A1A"

STRONGEST_FILL = 0.64  # how much of its class colour a fill carries where the network is sure
WEAKEST_FILL = 0.06  # and where it knows nothing: nearly white, yet each class has its own
MOST_LEVELS = 7  # of fill a class: more are hardly seen, and cost bytes
INK_STEPS = 4
GREYS = 8
MARKER_BLENDS = 4
CURVE_BLENDS = 3
TRANSPARENT = 255  # an index without an entry: fills leave it free


class Palette:
    """Palette indices for everything drawn with `classes` classes (2 to 20) and the colours of some curves.

    Fill `level` of class `k` has the index `k * levels + level`. Ink is the dark colour of lines, rims and text; it
    lies over a fill in `ink_steps` steps of coverage, the last of which hides the fill. `rgb` has shape (256, 3).

    Raises ValueError when there are too few or too many classes.
    """

    def __init__(self, classes: int, style: Style, curve_colors: Sequence[str] = ()) -> None:
        if not 2 <= classes <= len(CLASS_COLORS):
            raise ValueError(
                f"{classes} classes cannot be drawn: 2 to {len(CLASS_COLORS)} can, each in a colour that is told apart"
            )
        self.classes = classes
        blends = INK_STEPS - 1  # between none and full
        self.ink_steps = INK_STEPS
        tints = 1 if style == "crisp" else min(6, 110 // (classes * blends))  # steps of fill told apart under ink
        rest = classes * tints * blends + GREYS + classes * MARKER_BLENDS + len(curve_colors) * CURVE_BLENDS
        self.levels = 1 if style == "crisp" else min(MOST_LEVELS, (255 - rest) // classes)

        colors = rgb_of(CLASS_COLORS[:classes])
        ink, white = rgb_of([INK, "#FFFFFF"])
        fills = mix(white, colors[:, None], fill_strengths(self.levels)[:, None])
        tinted = mix(white, colors[:, None], fill_strengths(tints)[:, None])
        coverage = np.linspace(0, 1, blends + 2)[1:-1, None]
        inked = mix(tinted[:, :, None], ink, coverage)
        solids = [
            mix(white, ink, np.linspace(0, 1, GREYS)[:, None]),
            mix(colors[:, None], ink, np.linspace(0, 1, MARKER_BLENDS, endpoint=False)[:, None]),
            mix(white, rgb_of(curve_colors)[:, None], np.linspace(1, 0, CURVE_BLENDS, endpoint=False)[:, None]),
        ]
        entries = np.concatenate([part.reshape(-1, 3) for part in (fills, inked, *solids)])
        self.first_inked = fills.size // 3
        self.first_solid = self.first_inked + inked.size // 3
        self.size = len(entries)
        self.rgb = np.zeros((256, 3), np.uint8)
        self.rgb[: self.size] = entries.round()
        self.white = self.first_solid
        self.ink = self.first_solid + GREYS - 1
        # The grey of text that covers a pixel by 0..255.
        self.greys = (self.white + np.rint(np.arange(256) / 255 * (GREYS - 1))).astype(np.uint8)
        self.under_ink = self._under_ink(tints, blends)

    def _under_ink(self, tints: int, blends: int) -> NDArray[np.uint8]:
        """Return the table (256, ink_steps + 1) of what an index becomes under some steps of ink."""
        table = np.repeat(np.arange(256, dtype=np.uint8)[:, None], blends + 2, axis=1)
        steps = np.arange(1, blends + 1)
        for k in range(self.classes):
            for level in range(self.levels):
                tint = round(level * (tints - 1) / max(1, self.levels - 1))
                table[k * self.levels + level, 1:-1] = self.first_inked + (k * tints + tint) * blends + steps - 1
        for index in range(self.first_inked, self.first_solid):
            own = (index - self.first_inked) % blends + 1  # ink over ink: the thicker of the two
            table[index, 1:-1] = index - own + np.maximum(own, steps)
        table[: self.first_solid, -1] = self.ink
        return table

    def ink_step(self, coverage: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Return the steps of ink nearest to a coverage from 0 to 1."""
        steps: NDArray[np.uint8] = np.rint(coverage * self.ink_steps).astype(np.uint8)
        return steps

    def inked(self, indices: NDArray[np.uint8], steps: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return what some indices become under some steps of ink."""
        inked: NDArray[np.uint8] = self.under_ink.reshape(-1).take(indices * np.intp(self.under_ink.shape[1]) + steps)
        return inked

    def same_class(self, one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.bool]:
        """Return where both are fills, of one class."""
        fills = (one < self.first_inked) & (other < self.first_inked)
        same: NDArray[np.bool] = fills & (one // self.levels == other // self.levels)
        return same

    def nearest_solid(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the indices of the greys, marker and curve colours nearest to some colours (n, 3)."""
        packed = rgb.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
        colors, where = np.unique(packed, return_inverse=True)
        unpacked = np.stack([colors >> 16, colors >> 8 & 255, colors & 255], axis=1).astype(np.int32)
        solids = self.rgb[self.first_solid : self.size].astype(np.int32)
        distance = ((unpacked[:, None] - solids) ** 2).sum(axis=2)
        nearest: NDArray[np.uint8] = (self.first_solid + distance.argmin(axis=1)).astype(np.uint8)
        return nearest[where]


def curve_style(run: int) -> tuple[str, tuple[float, ...]]:
    """Return the colour and the dashes (lengths on and off, in line widths) of the curve of a run."""
    repeats = run // len(CURVE_COLORS)
    return CURVE_COLORS[run % len(CURVE_COLORS)], CURVE_DASHES[(run + repeats) % len(CURVE_DASHES)]


def rgb_of(colors: Sequence[str]) -> NDArray[np.float64]:
    """Return '#RRGGBB' colours as an array (n, 3) from 0 to 255."""
    return np.array([list(bytes.fromhex(color[1:])) for color in colors], float).reshape(-1, 3)


def mix(one: NDArray[np.float64], other: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `share` of the other colour over one colour."""
    return one + (other - one) * share


def fill_strengths(levels: int) -> NDArray[np.float64]:
    """Return the share of its class colour that a fill of each level carries, weakest first."""
    return np.linspace(WEAKEST_FILL, STRONGEST_FILL, levels) if levels > 1 else np.array([STRONGEST_FILL])
