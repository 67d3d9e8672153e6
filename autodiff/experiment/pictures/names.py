"""The names of runs, cut to the room that a picture has for them."""

from collections import Counter
from collections.abc import Sequence

from .text import Font, drawable

ELLIPSIS = "…"


def fitted(names: Sequence[str], rooms: Sequence[float], face: Font) -> list[str]:
    """Return the names of runs in characters that can be drawn, each cut to its room in pixels.

    What is left out is where a name differs least from the others, and of that the middle. Names that differ are still
    told apart: by a number in front if there is no room for more.
    """
    whole = [drawable(name) for name in names]
    cut = [shortened(name, whole, room, face) for name, room in zip(whole, rooms, strict=True)]
    meant = Counter(shown for shown, _ in set(zip(cut, whole, strict=True)))
    return [
        shown if meant[shown] == 1 else numbered(name, i, room, face)
        for i, (shown, name, room) in enumerate(zip(cut, whole, rooms, strict=True), start=1)
    ]


def shortened(name: str, others: Sequence[str], room: float, face: Font) -> str:
    """Return a name with an ellipsis for what tells it from the fewest others, and of that the middle."""
    if face.getlength(name) <= room:
        return name
    told_apart = Counter(i for other in set(others) - {name} for i in difference(name, other))
    middle = (len(name) - 1) / 2
    kept: list[str] = list(name)
    for i in sorted(range(len(name)), key=lambda i: (told_apart[i], abs(i - middle))):
        kept[i] = ELLIPSIS
        shown = joined(kept)
        if face.getlength(shown) <= room:
            return shown
    return ELLIPSIS


def difference(name: str, other: str) -> range:
    """Return where a name differs from another: what lies between their common beginning and their common end."""
    shorter = min(len(name), len(other))
    start = next((i for i in range(shorter) if name[i] != other[i]), shorter)
    rest = shorter - start
    end = next((i for i in range(rest) if name[-1 - i] != other[-1 - i]), rest)
    return range(start, max(len(name) - end, start + 1))


def joined(characters: Sequence[str]) -> str:
    """Return characters as a text with one ellipsis for each row of them."""
    return "".join(c for i, c in enumerate(characters) if c != ELLIPSIS or i == 0 or characters[i - 1] != ELLIPSIS)


def numbered(name: str, number: int, room: float, face: Font) -> str:
    """Return a name behind its number."""
    prefix = f"{number}: "
    return prefix + shortened(name, [], room - face.getlength(prefix), face)
