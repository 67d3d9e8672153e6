"""Loss and accuracy of all runs over the epochs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from autodiff.experiment.files import replacing

from .film import Film
from .palette import CURVE_COLORS, INK

GRID_COLOR = "#DDDDDD"


def render_curves(films: Sequence[Film], path: Path) -> None:
    """Write the loss and the accuracy of all runs over the epochs as one PNG, 1500 by 675 pixels, atomically."""
    figure = Figure(figsize=(10, 4.5), dpi=150, layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    draw_losses(loss, films)
    draw_accuracies(accuracy, films)
    for axes, title in ((loss, "loss"), (accuracy, "training accuracy")):
        epoch_axis(axes, films)
        axes.set_title(title, loc="left", color=INK, fontweight="bold", fontsize=11)
        axes.set_xlabel("epoch", color=INK)
        axes.spines[["top", "right"]].set_visible(False)
    handles = [curve_line(i, film.title) for i, film in enumerate(films)]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, labelcolor=INK)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")  # type: ignore[no-untyped-call]
    with replacing(path) as temporary:
        picture.save(temporary, format="PNG")  # savefig would draw everything twice


def curve_line(index: int, label: str) -> Line2D:
    """Return a line without data in the colour and the dashes of a run."""
    color = CURVE_COLORS[index % len(CURVE_COLORS)]
    line = Line2D([], [], color=color, linewidth=1.4, label=label)
    if index >= len(CURVE_COLORS):
        line.set_linestyle((0, (3, 1.2)))
    return line


def draw_losses(axes: Axes, films: Sequence[Film]) -> None:
    """Draw the losses of all runs on a logarithmic axis; what a logarithm cannot show is left out."""
    shown = []
    for i, film in enumerate(films):
        drawable = np.isfinite(film.curve.loss) & (film.curve.loss > 0)
        line = curve_line(i, film.title)
        line.set_data(film.curve.epochs[drawable], film.curve.loss[drawable])
        axes.add_line(line)
        shown.append(film.curve.loss[drawable])
    values = np.concatenate(shown)
    lowest, highest = (float(values.min()), float(values.max())) if values.size else (0.1, 1.0)
    axes.set_yscale("log")
    axes.set_ylim(lowest / 1.25, highest * 1.25)
    axes.set_yticks(loss_ticks(lowest / 1.25, highest * 1.25))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.minorticks_off()
    axes.yaxis.grid(color=GRID_COLOR, linewidth=0.8)
    axes.set_axisbelow(True)


def loss_ticks(lowest: float, highest: float) -> list[float]:
    """Return powers of ten between two losses, thinned to seven at most, or steps of 1, 2, 5 where they are few."""
    exponents = np.arange(np.floor(np.log10(lowest)), np.ceil(np.log10(highest)) + 1)
    decades = [d for d in 10.0**exponents if lowest <= d <= highest]
    if len(decades) >= 2:
        return decades[:: -(-len(decades) // 7)]
    return [t for d in 10.0**exponents for t in (d, 2 * d, 5 * d) if lowest <= t <= highest]


def draw_accuracies(axes: Axes, films: Sequence[Film]) -> None:
    """Draw the accuracies of all runs in per cent."""
    for i, film in enumerate(films):
        line = curve_line(i, film.title)
        line.set_data(film.curve.epochs, film.curve.accuracy)
        axes.add_line(line)
    axes.set_ylim(0, 1.02)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.yaxis.grid(color=GRID_COLOR, linewidth=0.8)
    axes.set_axisbelow(True)


def epoch_axis(axes: Axes, films: Sequence[Film]) -> None:
    """Set the epochs' axis: logarithmic from epoch 1 on, since most happens early, with epoch 0 as one more decade."""
    last = max(1, *(film.epochs for film in films))
    axes.set_xscale("symlog", linthresh=1, linscale=0.5)
    axes.set_xlim(0, last)
    ticks = [0, *(10**k for k in range(len(str(last))))]
    axes.set_xticks(ticks)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.xaxis.minorticks_off()
