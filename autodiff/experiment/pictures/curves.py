"""Loss and accuracy of all runs over the epochs, each curve with its name at its end.

On held-out points they are dashed, beside the solid ones of training. With more runs than there are colours, dashes
tell runs apart, and curves are too many as it is: those of held-out points are then left out.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.scale import SymmetricalLogTransform
from numpy.typing import NDArray

from .axes import Box, add_axes, draw_text, place, points
from .film import Curve, Film
from .names import fitted
from .palette import CURVE_COLORS, INK, curve_style
from .still import new_page, write_still
from .text import font

MOST_TOGETHER = 12  # curves in one pair of plots; what is more gets another pair
WIDTH, LEFT, TOP, PLOT_HEIGHT = 1000, 96, 56, 264
PLOT_GAP, PAIR_GAP, BOTTOM = 60, 148, 84
TITLE_SIZE, TEXT_SIZE = 24, 20
LINE_HEIGHT = 26  # of a name
LEADER, SAMPLE, NAME_GAP, LONGEST_NAME = 24, 40, 8, 300
CURVE_WIDTH, HELD_OUT_WIDTH = 2.2, 1.6
HELD_OUT_DASHES = (3, 1.5)
MOST_DASHED = 200  # points of a dashed curve
DRAWABLE = 1e-200, 1e200  # losses: matplotlib's axes overflow a little beyond what they show
GRID_COLOR = "#DDDDDD"
EPOCH_0 = 0.5  # the width of what is before epoch 1, in decades


def render_curves(films: Sequence[Film], path: Path) -> None:
    """Write the loss and the accuracy of all runs over the epochs as one PNG, 2000 pixels wide, atomically.

    Up to 12 runs share a pair of plots; more get further pairs below it, of the same scales.
    """

    held_out = [film.held_out.curve for film in films if film.held_out is not None]
    tested = bool(held_out) and len(films) <= len(CURVE_COLORS)
    limits = loss_range([film.curve for film in films] + (held_out if tested else []))

    def draw(loss: Axes, accuracy: Axes, group: range) -> None:
        together = films[group.start : group.stop]
        curves = [film.curve for film in together]
        draw_losses(loss, curves, limits, plain=tested)
        draw_accuracies(accuracy, curves, plain=tested)
        if tested:
            draw_held_out(loss, accuracy, together)

    titles = "loss", "accuracy" if tested else "training accuracy"
    last = max(film.epochs for film in films)
    draw_pairs([film.title for film in films], MOST_TOGETHER, last, titles, draw, path, plain=tested)


def draw_pairs(
    names: Sequence[str],
    together: int,
    last: int,
    titles: tuple[str, str],
    draw: Callable[[Axes, Axes, range], None],
    path: Path,
    note: str = "",
    plain: bool = False,
) -> None:
    """Write pairs of plots, each loss over accuracy of so many curves `together`, which are named, as one PNG.

    `draw` draws the curves of a range on a pair of axes, as their first lines in their order. `last` is the last epoch,
    `titles` stand over the two plots, and a note behind the first; if curves are plain, it is said which are held out.
    """
    groups = [range(i, min(i + together, len(names))) for i in range(0, len(names), together)]
    shown = [fitted([names[i] for i in group], [LONGEST_NAME] * len(group), font(TEXT_SIZE)) for group in groups]
    right = right_edge(shown)
    plot_height = max(PLOT_HEIGHT, LINE_HEIGHT * len(groups[0]))
    pair_height = 2 * plot_height + PLOT_GAP
    height = TOP + len(groups) * (pair_height + PAIR_GAP) - PAIR_GAP + BOTTOM
    figure = new_page(WIDTH, height)
    for i, (group, beside) in enumerate(zip(groups, shown, strict=True)):
        top = TOP + i * (pair_height + PAIR_GAP)
        upper = Box(LEFT, top, right - LEFT, plot_height)
        lower = Box(LEFT, top + plot_height + PLOT_GAP, right - LEFT, plot_height)
        loss, accuracy = add_axes(figure, upper, TEXT_SIZE), add_axes(figure, lower, TEXT_SIZE)
        draw(loss, accuracy, group)
        for axes, box, title in ((loss, upper, titles[0]), (accuracy, lower, titles[1])):
            epoch_axis(axes, last)
            head(axes, title)
            name_curves(axes, box, axes.lines[: len(group)], beside, plain=plain)
        draw_text(
            figure, LEFT + font(TITLE_SIZE, bold=True).getlength(titles[0]) + TEXT_SIZE, top - 16, note, TEXT_SIZE
        )
        if plain:
            draw_kinds(figure, right, top)
        loss.tick_params(labelbottom=False)
        accuracy.set_xlabel("epoch", color=INK, fontsize=points(TEXT_SIZE))
    write_still(figure, path)


def right_edge(shown: Sequence[Sequence[str]]) -> int:
    """Return where plots end, so that there is room for the names beside them."""
    widest = max(font(TEXT_SIZE).getlength(name) for group in shown for name in group)
    return WIDTH - round(LEADER + SAMPLE + 2 * NAME_GAP + widest)


def epoch_places(names: Sequence[str], together: int, last: int, epochs: Sequence[int]) -> list[float]:
    """Return where epochs are in a picture of curves with these names by `draw_pairs`, as shares of its width."""
    groups = [names[i : i + together] for i in range(0, len(names), together)]
    right = right_edge([fitted(group, [LONGEST_NAME] * len(group), font(TEXT_SIZE)) for group in groups])
    along = SymmetricalLogTransform(10, 1, EPOCH_0)
    shares = along.transform(np.asarray(epochs, float)) / along.transform(float(max(1, last)))
    return [float((LEFT + share * (right - LEFT)) / WIDTH) for share in shares]


def head(axes: Axes, title: str) -> None:
    """Write a title over axes, which are open above and to the right."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, loc="left", color=INK, fontweight="bold", fontsize=points(TITLE_SIZE), parse_math=False)


def curve_line(run: int, width: float, *, plain: bool = False) -> Line2D:
    """Return a line without data in the colour and, unless it is plain, the dashes of a run; `width` in pixels."""
    color, dashes = curve_style(run)
    dashed = dashes and not plain
    return Line2D([], [], color=color, linewidth=points(width), linestyle=(0, dashes) if dashed else "solid")


def held_out_line(color: str) -> Line2D:
    """Return a line without data as curves on held-out points have."""
    return Line2D([], [], color=color, linewidth=points(HELD_OUT_WIDTH), linestyle=(0, HELD_OUT_DASHES))


def draw_held_out(loss: Axes, accuracy: Axes, films: Sequence[Film]) -> None:
    """Draw the losses and the accuracies of all runs on held-out points, below those of training."""
    for i, film in enumerate(films):
        if film.held_out is None:
            continue
        curve, (color, _) = thinned(film.held_out.curve), curve_style(i)
        drawable = drawable_losses(curve.loss)
        for axes, epochs, values in (
            (loss, curve.epochs[drawable], curve.loss[drawable]),
            (accuracy, curve.epochs, curve.accuracy),
        ):
            line = held_out_line(color)
            line.set_data(epochs, values)
            line.set_zorder(1.9)  # lines have 2
            axes.add_line(line)


def thinned(curve: Curve) -> Curve:
    """Return a curve at epochs some pixels apart: dashes along what goes up and down within a pixel run together."""
    places = np.log1p(curve.epochs) / np.log1p(max(1, curve.epochs.max(initial=1))) * MOST_DASHED
    kept = np.unique(np.rint(places), return_index=True)[1]
    if len(kept):
        kept[-1] = len(curve.epochs) - 1  # it ends where the run did
    return Curve(curve.epochs[kept], curve.loss[kept], curve.accuracy[kept])


def draw_kinds(figure: Figure, right: int, top: int) -> None:
    """Say above a plot, up to its right edge, which lines are of training and which of held-out points."""
    height, x = top - 20, float(right)
    training = Line2D([], [], color=INK, linewidth=points(CURVE_WIDTH))
    for name, line in (("held out", held_out_line(INK)), ("training", training)):
        x -= font(TEXT_SIZE).getlength(name)
        draw_text(figure, x, height, name, TEXT_SIZE)
        place(figure, line, [x - NAME_GAP - SAMPLE, x - NAME_GAP], [height, height])
        x -= 2 * NAME_GAP + SAMPLE + LEADER


def name_curves(axes: Axes, box: Box, lines: Sequence[Line2D], names: Sequence[str], *, plain: bool = False) -> None:
    """Write the name of each curve to the right of its plot, as near to its end as the others allow, with its line."""
    figure, right = axes.figure.figure, box.left + box.width
    assert isinstance(figure, Figure)
    ends = [end_of(line, axes, box) for line in lines]
    heights = spread([end[1] for end in ends], LINE_HEIGHT, box.top, box.top + box.height)
    for i, ((x, y), height, name) in enumerate(zip(ends, heights, names, strict=True)):
        color = lines[i].get_color()
        leader = Line2D([], [], color=color, linewidth=points(1))
        place(figure, leader, [right, right + LEADER], [y, height])
        if x < right - 1:  # it ended before: what leads from there is no part of it
            dots = Line2D([], [], color=color, linewidth=points(1), linestyle=(0, (1, 4)))
            place(figure, dots, [x, right], [y, y])
        sample = curve_line(i, CURVE_WIDTH, plain=plain)
        place(figure, sample, [right + LEADER, right + LEADER + SAMPLE], [height, height])
        draw_text(figure, right + LEADER + SAMPLE + NAME_GAP, height, name, TEXT_SIZE)


def end_of(line: Line2D, axes: Axes, box: Box) -> tuple[float, float]:
    """Return the last point of a curve in pixels of the picture; for one without points, the lower right corner."""
    x, y = line.get_data()
    if not len(np.asarray(x)):
        return box.left + box.width, box.top + box.height
    across, up = axes.transAxes.inverted().transform(axes.transData.transform((x[-1], y[-1])))  # type: ignore[index, arg-type]
    return box.left + across * box.width, box.top + (1 - up) * box.height


def spread(wanted: Sequence[float], gap: float, lowest: float, highest: float) -> NDArray[np.float64]:
    """Return places at least a gap apart, half a gap within two bounds, and in sum of squares nearest to those wanted.

    Less their number times the gap, sorted places only have to rise: that is isotonic regression, solved by pooling
    adjacent violators (Barlow et al., "Statistical Inference under Order Restrictions", 1972).
    """
    order = np.argsort(wanted, kind="stable")
    pools: list[tuple[float, int]] = []
    for height in np.asarray(wanted, float)[order] - gap * np.arange(len(order)):
        pools.append((float(height), 1))
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            (mean, count), (before, others) = pools.pop(), pools.pop()
            pools.append(((mean * count + before * others) / (count + others), count + others))
    rising = np.repeat([mean for mean, _ in pools], [count for _, count in pools])
    rising = rising.clip(lowest + gap / 2, highest - gap / 2 - gap * (len(order) - 1))
    places = np.empty(len(order))
    places[order] = rising + gap * np.arange(len(order))
    return places


def draw_losses(axes: Axes, curves: Sequence[Curve], limits: tuple[float, float], *, plain: bool = False) -> None:
    """Draw the losses of all runs on a logarithmic axis; what a logarithm cannot show is left out."""
    for i, curve in enumerate(curves):
        shown = drawable_losses(curve.loss)
        line = curve_line(i, CURVE_WIDTH, plain=plain)
        line.set_data(curve.epochs[shown], curve.loss[shown])
        axes.add_line(line)
    loss_axis(axes, limits)


def loss_axis(axes: Axes, limits: tuple[float, float]) -> None:
    """Set the losses' axis: logarithmic, with few ticks."""
    lowest, highest = limits
    axes.set_yscale("log")
    axes.set_ylim(lowest, highest)
    axes.set_yticks(loss_ticks(lowest, highest))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.minorticks_off()
    axes.yaxis.grid(color=GRID_COLOR, linewidth=points(1))
    axes.set_axisbelow(True)


def drawable_losses(losses: NDArray[Any]) -> NDArray[np.bool]:
    """Return which losses a logarithmic axis can show."""
    least, most = DRAWABLE
    drawable: NDArray[np.bool] = (losses >= least) & (losses <= most)
    return drawable


def loss_range(curves: Sequence[Curve]) -> tuple[float, float]:
    """Return the limits of an axis that shows all losses."""
    return range_of(np.concatenate([curve.loss for curve in curves]))


def range_of(losses: NDArray[Any]) -> tuple[float, float]:
    """Return the limits of an axis that shows those of some losses that can be drawn."""
    values = losses[drawable_losses(losses)]
    lowest, highest = (float(values.min()), float(values.max())) if values.size else (0.1, 1.0)
    return lowest / 1.25, highest * 1.25


def loss_ticks(lowest: float, highest: float) -> list[float]:
    """Return powers of ten between two losses, thinned to seven at most, or steps of 1, 2, 5 where they are few."""
    exponents = np.arange(np.floor(np.log10(lowest)), np.ceil(np.log10(highest)) + 1)
    decades = [d for d in 10.0**exponents if lowest <= d <= highest]
    if len(decades) >= 2:
        return decades[:: -(-len(decades) // 7)]
    return [t for d in 10.0**exponents for t in (d, 2 * d, 5 * d) if lowest <= t <= highest]


def draw_accuracies(axes: Axes, curves: Sequence[Curve], *, plain: bool = False) -> None:
    """Draw the accuracies of all runs in per cent."""
    for i, curve in enumerate(curves):
        line = curve_line(i, CURVE_WIDTH, plain=plain)
        line.set_data(curve.epochs, curve.accuracy)
        axes.add_line(line)
    accuracy_axis(axes)


def accuracy_axis(axes: Axes) -> None:
    """Set the accuracies' axis, in per cent."""
    axes.set_ylim(0, 1.02)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.yaxis.grid(color=GRID_COLOR, linewidth=points(1))
    axes.set_axisbelow(True)


def epoch_axis(axes: Axes, last: int) -> None:
    """Set the epochs' axis: logarithmic from epoch 1 on, since most happens early, with epoch 0 as one more decade."""
    last = max(1, last)
    axes.set_xscale("symlog", linthresh=1, linscale=EPOCH_0)
    axes.set_xlim(0, last)
    ticks = [0, *(10**k for k in range(len(str(last))))]
    axes.set_xticks(ticks)
    if ticks[-1] == last:
        axes.get_xticklabels()[-1].set_horizontalalignment("right")  # it would be cut at the edge of the picture
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.xaxis.minorticks_off()
