"""The names of classes beside their markers, in as many rows as they need."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from .axes import class_markers, draw_text, place
from .names import fitted
from .text import font

NUMBERED = 7  # so many classes can be told by their numbers in one or two short rows; the names of more need some rows
FEWEST_COLUMNS = 4  # a longer name is cut
GAP, BEHIND = 0.9, 1.2  # before a name, in which its marker stands, and behind it: in sizes of the type
SMALLER = 0.8  # the type, where there are more classes


@dataclass(frozen=True)
class Legend:
    """The names of classes, in order, in rows of so many columns; the width of a column in pixels of the layout."""

    names: tuple[str, ...]
    columns: int
    width: float
    font_size: int

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return -(-len(self.names) // self.columns)

    def draw(self, figure: Figure, left: float, heights: Sequence[float]) -> None:
        """Draw the rows around heights of the picture, in pixels of the layout."""
        size = self.font_size
        for i, (name, marker) in enumerate(zip(self.names, class_markers(len(self.names), 0.6 * size), strict=True)):
            x, y = left + i % self.columns * self.width, heights[i // self.columns]
            place(figure, marker, [x + 0.35 * size], [y])
            draw_text(figure, x + GAP * size, y, name, size)


def legend_of(names: Sequence[str], classes: int, width: float, font_size: int) -> Legend | None:
    """Return the legend of so many classes for rows of a width; None where their few numbers are all there is to tell.

    names: of the classes, none if they have only numbers.
    """
    if not names and classes <= NUMBERED:
        return None
    given = list(names) or [str(label) for label in range(classes)]
    size = font_size if len(given) <= NUMBERED else round(SMALLER * font_size)
    around = (GAP + BEHIND) * size
    shown = fitted(given, [width / FEWEST_COLUMNS - around] * len(given), font(size))
    column = max(map(font(size).getlength, shown)) + around
    return Legend(tuple(shown), min(len(shown), int((width + BEHIND * size) / column)), column, size)
