"""The pictures of a run: the boundary as it evolves, all runs in one grid, and their curves.

Importing this package imports no drawing library; drawing does.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .film import MOST_RUNS, WIDTH, Animation, Curve, Film, Frame, HeldOut, Style, Words
from .study import Heatmap, Outcomes, Setting, Swept, Votes
from .surroundings import shielded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .health import Layers

__all__ = [
    "MOST_RUNS",
    "WIDTH",
    "Animation",
    "Curve",
    "Film",
    "Frame",
    "Heatmap",
    "HeldOut",
    "Outcomes",
    "Setting",
    "Style",
    "Swept",
    "Votes",
    "Words",
    "render_agreement",
    "render_bands",
    "render_boundary",
    "render_confusion",
    "render_curves",
    "render_grid",
    "render_heatmap",
    "render_lost_units",
    "render_moves",
    "render_seeds",
    "render_sweep",
]


def render_boundary(film: Film, folder: Path, *, style: Style, animation: Animation, width: int = WIDTH) -> list[Path]:
    """Write boundary.gif (or .webp, .apng) and boundary.png, its last frame, into a folder; return their paths.

    They are `width` by 0.8 `width` pixels. Raises ValueError for a film without frames, or not of 2 to 20 classes.
    """
    with shielded():
        from .boundary import render_boundary

        return render_boundary(film, folder, style=style, animation=animation, width=width)


def render_grid(films: Sequence[Film], folder: Path, *, style: Style, animation: Animation) -> Path:
    """Write boundaries.gif (or .webp, .apng), 1 to 12 runs in one grid, into a folder; return its path.

    Raises ValueError for no films or more than 12, a film without frames, or not of 2 to 20 classes.
    """
    with shielded():
        from .grid import render_grid

        return render_grid(films, folder, style=style, animation=animation)


def render_curves(films: Sequence[Film], path: Path) -> None:
    """Write the loss and the accuracy of all runs over the epochs as one PNG."""
    with shielded():
        from .curves import render_curves

        render_curves(films, path)


def render_moves(layers: "Layers", path: Path) -> None:
    """Write the norm of each layer's gradient, and how large its updates are for its weights, over the epochs."""
    with shielded():
        from .health import render_moves

        render_moves(layers, path)


def render_lost_units(layers: "Layers", path: Path) -> None:
    """Write the shares of each layer's units that are dead, and saturated, over the epochs."""
    with shielded():
        from .health import render_lost_units

        render_lost_units(layers, path)


def render_bands(settings: Sequence[Setting], path: Path) -> None:
    """Write the median loss and accuracy of each setting over the epochs, with 10-90 % bands, as one PNG.

    Raises ValueError for no settings or one without runs.
    """
    with shielded():
        from .bands import render_bands

        render_bands(settings, path)


def render_seeds(outcomes: Sequence[Outcomes], path: Path, *, of: str = "held-out", threshold: float = 0.95) -> None:
    """Write each seed's final accuracy `of` some points, and its epochs to a threshold, as dots by setting; one PNG.

    Raises ValueError for no settings or one without seeds.
    """
    with shielded():
        from .seeds import render_seeds

        render_seeds(outcomes, path, of=of, threshold=threshold)


def render_sweep(lines: Sequence[Swept], path: Path, *, field: str, of: str = "held-out") -> None:
    """Write the median accuracy `of` some points at each value of a swept field, with 10-90 % bands, as one PNG.

    Raises ValueError for no configs, or one without values or seeds.
    """
    with shielded():
        from .sweep import render_sweep

        render_sweep(lines, path, field=field, of=of)


def render_heatmap(
    maps: Sequence[Heatmap],
    path: Path,
    *,
    across: tuple[str, Sequence[str]],
    down: tuple[str, Sequence[str]],
    of: str = "held-out",
) -> None:
    """Write the accuracy `of` some points at each pair of two swept fields' values, one panel a config, as one PNG.

    `across` and `down` are the names of the fields, and their values as texts. Raises ValueError for no configs, or
    accuracies of another shape.
    """
    with shielded():
        from .heatmap import render_heatmap

        render_heatmap(maps, path, across=across, down=down, of=of)


def render_confusion(counts: "NDArray[Any]", classes: Sequence[str], path: Path, *, title: str, of: str) -> None:
    """Write which class is taken for which (classes, classes), the true one by row, as one PNG.

    of: which points are counted, such as held-out. Raises ValueError for a table of another shape, or without points.
    """
    with shielded():
        from .confusion import render_confusion

        render_confusion(counts, classes, path, title=title, of=of)


def render_agreement(settings: Sequence[Votes], path: Path) -> None:
    """Write for each setting the class that most seeds choose at each place, faded by their share, as one PNG.

    Raises ValueError for no settings, one without seeds, or not 2 to 20 classes.
    """
    with shielded():
        from .agreement import render_agreement

        render_agreement(settings, path)
