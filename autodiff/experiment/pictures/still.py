"""A picture that does not move: drawn by matplotlib on a white page, kept as a PNG or as SVG."""

import io
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageChops

from autodiff.experiment.files import replacing

from .axes import DPI, drawn, new_figure
from .palette import INK

SHARPNESS = 2  # pixels of the file a pixel of the layout: thin lines stay crisp on a slide
LOST = 80  # of 255, between a colour and the one that stands for it
TALLEST = 60_000  # pixels that Agg can draw


def new_page(width: int, height: int) -> Figure:
    """Return an empty white figure of a size in pixels of the layout."""
    figure = new_figure(width, height)
    figure.patch.set_alpha(1)
    return figure


def write_still(figure: Figure, path: Path) -> None:
    """Write a page atomically: as an .svg on a transparent page, or as a PNG of twice its size.

    The PNG is smaller where that could not be drawn.
    """
    if path.suffix == ".svg":
        with replacing(path) as temporary:
            temporary.write_text(as_svg(figure), encoding="utf-8")
        return
    height = figure.get_figheight() * DPI
    figure.set_dpi(DPI * min(SHARPNESS, TALLEST / height))
    picture = in_few_colors(Image.fromarray(drawn(figure)).convert("RGB"))
    with replacing(path) as temporary:
        picture.save(temporary, format="PNG")  # savefig would draw everything twice


def as_svg(figure: Figure) -> str:
    """Return a page as SVG, with text as text, and lines and text in the colour of what stands around it."""
    text = io.StringIO()
    figure.patch.set_alpha(0)
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "adrun"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    drawing = text.getvalue()
    return drawing[drawing.index("<svg") :].replace(INK.lower(), "currentColor")


def in_few_colors(picture: Image.Image) -> Image.Image:
    """Return a picture in 256 colours, which makes a file a third of the size, unless one of its own would be lost."""
    fewer = picture.quantize(256, dither=Image.Dither.NONE)
    off = np.asarray(ImageChops.difference(picture, fewer.convert("RGB")))
    return fewer if off.max() < LOST else picture
