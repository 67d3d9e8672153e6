"""The pictures of a run: the boundary as it evolves, all runs in one grid, and their curves.

Importing this package imports no drawing library; drawing does.
"""

from collections.abc import Sequence
from pathlib import Path

from .film import MOST_RUNS, WIDTH, Animation, Curve, Film, Frame, Style
from .study import Outcomes, Setting
from .surroundings import shielded

__all__ = [
    "MOST_RUNS",
    "WIDTH",
    "Animation",
    "Curve",
    "Film",
    "Frame",
    "Outcomes",
    "Setting",
    "Style",
    "render_bands",
    "render_boundary",
    "render_curves",
    "render_grid",
    "render_seeds",
]


def render_boundary(film: Film, folder: Path, *, style: Style, animation: Animation, width: int = WIDTH) -> list[Path]:
    """Write boundary.gif (or .webp, .apng) and boundary.png, its last frame, into a folder; return their paths.

    They are `width` by 0.8 `width` pixels. Raises ValueError for a film without frames, or not of 2 to 7 classes.
    """
    with shielded():
        from .boundary import render_boundary

        return render_boundary(film, folder, style=style, animation=animation, width=width)


def render_grid(films: Sequence[Film], folder: Path, *, style: Style, animation: Animation) -> Path:
    """Write boundaries.gif (or .webp, .apng), 1 to 12 runs in one grid, into a folder; return its path.

    Raises ValueError for no films or more than 12, a film without frames, or not of 2 to 7 classes.
    """
    with shielded():
        from .grid import render_grid

        return render_grid(films, folder, style=style, animation=animation)


def render_curves(films: Sequence[Film], path: Path) -> None:
    """Write the loss and the accuracy of all runs over the epochs as one PNG."""
    with shielded():
        from .curves import render_curves

        render_curves(films, path)


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
