"""Text over a frame, in figures that stay where they are: DejaVu Sans has digits of one width."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from .palette import Palette

Font = ImageFont.FreeTypeFont
Texts = list[tuple[float, str]]  # the x of its right end, and a text


@cache
def font(size: int, bold: bool = False) -> Font:
    """Return DejaVu Sans, which matplotlib brings along, of a size in pixels."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(folder / name), size, layout_engine=ImageFont.Layout.BASIC)


def write(canvas: NDArray[np.uint8], palette: Palette, texts: Texts, baseline: int, face: Font) -> None:
    """Write texts on one baseline of a white part of a canvas of palette indices."""
    ascent, descent = face.getmetrics()
    left = max(0, int(min(x - face.getlength(text) for x, text in texts)) - 2)
    right = int(max(x for x, _ in texts)) + 3
    band = canvas[baseline - ascent : baseline + descent, left:right]
    mask = Image.new("L", (band.shape[1], band.shape[0]))
    draw = ImageDraw.Draw(mask)
    for x, text in texts:
        draw.text((x - left, ascent), text, fill=255, font=face, anchor="rs")
    covered = np.asarray(mask)
    np.copyto(band, palette.greys[covered], where=covered > 0)


def fitted(text: str, width: float, face: Font) -> str:
    """Return the text, or as much of its beginning as fits a width in pixels, with an ellipsis."""
    if face.getlength(text) <= width:
        return text
    while text and face.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"


def columns(
    labels: Sequence[str], values: Sequence[Sequence[str]], right: int, gap: int, face: Font
) -> tuple[Texts, list[Texts]]:
    """Return the texts of `label value  label value ...` up to an x on the right: the labels, and each row of `values`.

    Labels stand still, and values are aligned on the right in the room of the widest, so that nothing jitters.
    """
    fixed: Texts = []
    ends: list[float] = []
    x = float(right)
    for label, column in reversed(list(zip(labels, zip(*values, strict=True), strict=True))):
        ends.insert(0, x)
        x -= max(face.getlength(value) for value in column) + gap / 3
        fixed.insert(0, (x, label))
        x -= face.getlength(label) + gap
    return fixed, [list(zip(ends, row, strict=True)) for row in values]


def left_of(texts: Texts, face: Font) -> float:
    """Return the x where the leftmost of some texts begins."""
    return min(x - face.getlength(text) for x, text in texts)


def loss_text(loss: float) -> str:
    """Return a loss in four decimals, or in powers of ten where those would say nothing."""
    return f"{loss:.4f}" if 0.001 <= loss < 1000 or loss == 0 else f"{loss:.2e}"


def accuracy_text(accuracy: float) -> str:
    """Return an accuracy from 0 to 1 in per cent."""
    return f"{100 * accuracy:.1f} %"
