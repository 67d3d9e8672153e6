"""A picture that does not move: drawn by matplotlib on a white page, kept as a PNG."""

from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from autodiff.experiment.files import replacing

from .axes import DPI, drawn, new_figure

SHARPNESS = 2  # pixels of the file a pixel of the layout: thin lines stay crisp on a slide
TALLEST = 60_000  # pixels that Agg can draw


def new_page(width: int, height: int) -> Figure:
    """Return an empty white figure of a size in pixels of the layout."""
    figure = new_figure(width, height)
    figure.patch.set_alpha(1)
    return figure


def write_still(figure: Figure, path: Path) -> None:
    """Write a page as a PNG of twice its size, or of less where that could not be drawn, atomically."""
    height = figure.get_figheight() * DPI
    figure.set_dpi(DPI * min(SHARPNESS, TALLEST / height))
    pixels = Image.fromarray(drawn(figure)).convert("RGB")
    picture = pixels.quantize(256, dither=Image.Dither.NONE)  # a third of the size
    with replacing(path) as temporary:
        picture.save(temporary, format="PNG")  # savefig would draw everything twice
