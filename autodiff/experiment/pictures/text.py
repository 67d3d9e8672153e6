"""Text over a frame, in figures that stay where they are: DejaVu Sans has digits of one width."""

from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray
from PIL import ImageFont

from .film import Frame
from .palette import Palette

Font = ImageFont.FreeTypeFont
Texts = list[tuple[float, str]]  # the x of its right end, and a text


@cache
def font(size: int, bold: bool = False) -> Font:
    """Return DejaVu Sans, which matplotlib brings along, of a size in pixels."""
    return ImageFont.truetype(str(font_file(bold)), size, layout_engine=ImageFont.Layout.BASIC)


def font_file(bold: bool) -> Path:
    """Return where matplotlib keeps DejaVu Sans."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name


@cache
def drawn_characters() -> frozenset[int]:
    """Return the code points that DejaVu Sans has a shape for, regular and bold."""
    regular, bold = (FT2Font(str(font_file(bold))).get_charmap().keys() for bold in (False, True))
    return frozenset(regular & bold)


def drawable(text: str) -> str:
    """Return a text with its control characters, and what DejaVu Sans lacks, as codes such as \\u5b66.

    So names in any script can be drawn on any machine, and those that differ still do.
    """
    return "".join(
        character
        if ord(character) in drawn_characters() and character.isprintable()
        else character.encode("unicode_escape").decode()
        for character in text
    )


def write(canvas: NDArray[np.uint8], palette: Palette, texts: Texts, baseline: int, face: Font) -> None:
    """Write texts on one baseline of a white part of a canvas of palette indices."""
    for x, text in texts:
        covered, (left, top) = rendered(text, face)
        row, column = baseline + top, round(x) + left
        band = canvas[row : row + covered.shape[0], column : column + covered.shape[1]]
        np.copyto(band, palette.greys[covered], where=covered > 0)


@lru_cache(maxsize=2048)  # runs that are compared are drawn twice, at the same epochs
def rendered(text: str, face: Font) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Return how much of each pixel a text covers, 0 to 255, and where it begins, seen from its end on the baseline."""
    mask, (left, top) = face.getmask2(text, mode="L", anchor="rs")
    return np.array(mask, np.uint8).reshape(mask.size[::-1]), (left, top)


def readings(labels: Sequence[str], values: Sequence[Sequence[str]], right: float, gap: int, face: Font) -> list[Texts]:
    """Return the texts of `label value   label value   ...` up to an x on the right, for each row of `values`.

    Each value ends where those of the other rows end, so that figures do not jitter; its label stands one space before.
    """
    rows = [[f"{label} {value}".lstrip() for label, value in zip(labels, row, strict=True)] for row in values]
    widths = [max(face.getlength(text) for text in column) for column in zip(*rows, strict=True)]
    ends = [right - sum(widths[i + 1 :]) - gap * (len(widths) - 1 - i) for i in range(len(widths))]
    return [list(zip(ends, row, strict=True)) for row in rows]


def left_of(rows: Sequence[Texts], face: Font) -> float:
    """Return the x where the leftmost of some texts begins."""
    return min(x - face.getlength(text) for texts in rows for x, text in texts)


def loss_text(loss: float) -> str:
    """Return a loss in four decimals, or in powers of ten where those would say nothing."""
    return f"{loss:.4f}" if 0.001 <= loss < 1000 or loss == 0 else f"{loss:.2e}"


def accuracy_text(accuracy: float) -> str:
    """Return an accuracy from 0 to 1 in per cent."""
    return f"{100 * accuracy:.1f} %"


def figures(frame: Frame) -> list[tuple[str, str]]:
    """Return the loss and the accuracy of a frame, and those on the held-out points if there are some."""
    measured = [(frame.loss, frame.accuracy)]
    if frame.test_loss is not None and frame.test_accuracy is not None:
        measured.append((frame.test_loss, frame.test_accuracy))
    return [(loss_text(loss), accuracy_text(accuracy)) for loss, accuracy in measured]
