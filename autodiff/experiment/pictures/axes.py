"""What does not move: axes, ticks, points and legend, drawn once by matplotlib and kept as a layer over the fills."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator
from numpy.typing import NDArray

from .field import Extent
from .film import Part
from .names import fitted
from .palette import CLASS_COLORS, CLASS_MARKERS, INK, Marker, Palette
from .text import font

DPI = 100  # pixels of a layout an inch; a picture that is drawn larger than its layout has more of its own
TICK_GAP = 64  # pixels, or more, from one tick to the next
FEW_DIGITS = 1e-3, 1e4  # between which numbers beside an axis are short; others are written as 20k, or 20µ
BESIDE_NUMBERS = 14  # pixels between an axis, its numbers and its name
LARGEST_MARKER = 10
HOLLOW_RIM, HOLLOW_SIZE = 2, 0.8
SAMPLE_COLOR = "#777777"  # of a marker that stands for those of all classes


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels; `top` counts from the upper edge of the picture."""

    left: int
    top: int
    width: int
    height: int

    def cut(self, canvas: NDArray[Any]) -> NDArray[Any]:
        """Return the view of a canvas (height, width, ...) within the box."""
        return canvas[self.top : self.top + self.height, self.left : self.left + self.width]


def new_figure(width: int, height: int, scale: float = 1) -> Figure:
    """Return an empty, transparent figure of a size in pixels, `scale` times that of its layout."""
    dpi = DPI * scale
    figure = Figure(figsize=(width / dpi, height / dpi), dpi=dpi)
    figure.patch.set_alpha(0)
    return figure


def add_axes(figure: Figure, box: Box, font_size: int) -> Axes:
    """Add transparent axes over exactly the pixels of a box; `font_size` in pixels of the layout."""
    width, height = figure.get_size_inches() * figure.dpi
    bottom = height - box.top - box.height
    axes = figure.add_axes((box.left / width, bottom / height, box.width / width, box.height / height))
    axes.patch.set_alpha(0)
    axes.tick_params(labelsize=points(font_size), color=INK, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set_color(INK)
    return axes


def draw_points(axes: Axes, box: Box, parts: Sequence[Part], extent: Extent) -> None:
    """Draw points on axes over a box, each class in its colour and marker; a second part, held out, in hollow ones."""
    scale = axes.figure.dpi / DPI
    size = min(LARGEST_MARKER, 2 * round(box.width / scale / 100))  # even: others are snapped to the next pixel
    for hollow, (features, labels) in reversed(list(enumerate(parts))):
        markers = class_markers(len(CLASS_COLORS), HOLLOW_SIZE * size if hollow else size, hollow=bool(hollow))
        for k, handle in enumerate(markers):
            of_class = features[labels == k]
            if len(of_class):
                handle.set_data(of_class[:, 0], of_class[:, 1])
                axes.add_line(handle)
    axes.set(xlim=(extent.left, extent.right), ylim=(extent.bottom, extent.top))
    for axis, length, limits in (
        (axes.xaxis, box.width, (extent.left, extent.right)),
        (axes.yaxis, box.height, (extent.bottom, extent.top)),
    ):
        set_ticks(axis, max(2, int(length / scale) // TICK_GAP), limits)


def set_ticks(axis: Axis, most: int, limits: tuple[float, float]) -> None:
    """Let an axis have so many ticks at most, with short numbers."""
    axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10]))
    if not FEW_DIGITS[0] < max(map(abs, limits)) < FEW_DIGITS[1]:
        axis.set_major_formatter(EngFormatter(sep=""))


def name_axes(axes: Axes, names: tuple[str, str], box: Box, font_size: int, x: bool = True, y: bool = True) -> None:
    """Write the names of the axes over a box, as far as there is room; `font_size` in pixels of the layout.

    x, y: whether that axis is named. One without a name has no scale.
    """
    scale = axes.figure.dpi / DPI
    rooms = [box.width / scale, box.height / scale]
    across, up = fitted(names, rooms, font(font_size))
    if x:
        axes.set_xlabel(across, fontsize=points(font_size), color=INK, parse_math=False)
    if y:
        axes.set_ylabel(up, fontsize=points(font_size), color=INK, parse_math=False)
    if not up:
        axes.yaxis.set_ticks([])
    elif y:
        room = box.left / scale - BESIDE_NUMBERS - 1.4 * font_size
        numbers = axes.yaxis.get_major_formatter().format_ticks(list(axes.get_yticks()))
        longest = max(map(font(font_size).getlength, numbers), default=0)
        if longest > room:
            axes.tick_params(axis="y", labelsize=points(font_size * room / longest))


def class_markers(classes: int, size: float, *, hollow: bool = False) -> list[Line2D]:
    """Return one line without data for each class, in its colour and marker; `size` in pixels.

    Hollow ones are white, with a rim in the colour.
    """
    return [
        marker_line(marker, size, color, hollow=hollow)
        for color, marker in zip(CLASS_COLORS[:classes], CLASS_MARKERS, strict=False)
    ]


def marker_line(marker: Marker, size: float, color: str, *, hollow: bool) -> Line2D:
    """Return a line without data that shows its points alone; `size` in pixels."""
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,  # type: ignore[arg-type]  # matplotlib's types know no corners
        markersize=points(size),
        markerfacecolor="white" if hollow else color,
        markeredgecolor=color if hollow else INK,
        markeredgewidth=points(min(HOLLOW_RIM, size / 3) if hollow else 1),
    )


def draw_legend(figure: Figure, classes: int, left: float, heights: Sequence[float], font_size: int) -> float:
    """Draw `class`, and the marker and the number of each, in rows around heights of the picture; return the right end.

    All in pixels of the layout.
    """
    face, gap = font(font_size), 0.8 * font_size
    draw_text(figure, left, heights[0], "class", font_size)
    step = 1.7 * gap + face.getlength("0")
    columns = -(-classes // len(heights))
    for k, marker in enumerate(class_markers(classes, 0.6 * font_size)):
        x, y = left + face.getlength("class") + k % columns * step + gap, heights[k // columns]
        place(figure, marker, [x], [y])
        draw_text(figure, x + 0.7 * gap, y, str(k), font_size)
    return left + face.getlength("class") + columns * step


def draw_sample(figure: Figure, left: float, y: float, hollow: bool, font_size: int, name: bool = True) -> float:
    """Draw the marker of points to train on, or of held-out ones, and its name; return the right end.

    All in pixels of the layout.
    """
    size, text = 0.6 * font_size, ("held out" if hollow else "training") if name else ""
    place(figure, marker_line("o", size, SAMPLE_COLOR, hollow=hollow), [left + size / 2], [y])
    draw_text(figure, left + 1.6 * size, y, text, font_size)
    return left + 1.6 * size + font(font_size).getlength(text)


def draw_text(figure: Figure, x: float, y: float, text: str, font_size: int, bold: bool = False) -> None:
    """Write a text, as it stands, from a point of the picture on, centred in height; all in pixels of the layout."""
    width, height = figure.get_size_inches() * DPI
    figure.text(
        x / width,
        1 - y / height,
        text,
        fontsize=points(font_size),
        fontweight="bold" if bold else "normal",
        color=INK,
        verticalalignment="center_baseline",
        parse_math=False,
    )


def place(figure: Figure, line: Line2D, x: Sequence[float], y: Sequence[float]) -> None:
    """Add a line through points of the picture, in pixels of the layout."""
    width, height = figure.get_size_inches() * DPI
    line.set_data([a / width for a in x], [1 - b / height for b in y])
    line.set_transform(figure.transFigure)
    figure.add_artist(line)


def points(pixels: float) -> float:
    """Return pixels of a layout as the points in which matplotlib measures type, lines and markers."""
    return pixels * 72 / DPI


class Backdrop:
    """A drawn figure as palette indices: a canvas, and what lies over the fills of its plot areas."""

    def __init__(self, figure: Figure, areas: Sequence[Box], palette: Palette) -> None:
        rgba = drawn(figure)
        self.canvas = on_white(rgba, palette)
        self.overlays = [Overlay(area.cut(rgba), palette) for area in areas]


def drawn(figure: Figure) -> NDArray[np.uint8]:
    """Return a figure as RGBA pixels (height, width, 4), with its colours not multiplied by their opacity."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]


class Overlay:
    """Markers over one plot area. Opaque pixels have a colour of their own; through the others, the fill is seen.

    The others are the smoothed rims of the markers: as ink that covers the pixel in part, they fall into the same
    colours as the boundary line.
    """

    def __init__(self, rgba: NDArray[np.uint8], palette: Palette) -> None:
        flat = rgba.reshape(-1, 4)
        self.palette = palette
        self.opaque = (flat[:, 3] == 255).nonzero()[0]
        self.solid = palette.nearest_solid(flat[self.opaque, :3])
        self.rims = ((flat[:, 3] > 0) & (flat[:, 3] < 255)).nonzero()[0]
        self.steps = palette.ink_step(flat[self.rims, 3] / 255)

    def over(self, fill: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the fill of the plot area (height, width) with the markers on it."""
        flat = fill.flatten()
        flat[self.opaque] = self.solid
        flat[self.rims] = self.palette.inked(flat[self.rims], self.steps)
        return flat.reshape(fill.shape)


def on_white(rgba: NDArray[np.uint8], palette: Palette) -> NDArray[np.uint8]:
    """Return an RGBA picture over white as palette indices (greys, markers and curves)."""
    canvas = np.full(rgba.shape[:2], palette.white, np.uint8)
    covered = rgba[:, :, 3] > 0
    color = rgba[covered].astype(np.float32)
    share = color[:, 3:] / 255
    canvas[covered] = palette.nearest_solid((255 + (color[:, :3] - 255) * share).round().astype(np.uint8))
    return canvas
