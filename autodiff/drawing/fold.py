"""Folding: what modules compute, drawn as one box each."""

from collections.abc import Iterable

from autodiff.drawing.picture import Arrow, Box, Picture, Place

READABLE = 150
"""Boxes that a picture may have."""


def folded(picture: Picture, depth: int | None) -> Picture:
    """Return the picture with the modules beyond a depth as one box each; by default as deep as can be read.

    depth: 0 for one box for each outermost module, 1 to look into those, and so on.

    Raises ValueError for a picture that has too many boxes all the same.
    """
    if depth is not None:
        return fold(picture, depth)
    deepest = max((len(box.place) for box in picture.boxes.values()), default=0)
    for depth in range(deepest, -1, -1):
        smaller = fold(picture, depth)
        if len(smaller.boxes) <= READABLE:
            return smaller
    raise ValueError(
        f"the computation has {len(picture.boxes):,} values, {len(smaller.boxes):,} with each module as one, and "
        f"{READABLE} can be read; put parts of it into modules and give ad.draw the function that calls them, or draw "
        "a part of it"
    )


def fold(picture: Picture, depth: int) -> Picture:
    """Return the picture with the modules beyond a depth as one box each."""
    result = Picture()
    places: dict[Place, int] = {}
    keys: dict[int, int] = {}
    for key, box in picture.boxes.items():
        if len(box.place) <= depth:
            keys[key] = key
            result.boxes[key] = box
            continue
        place = box.place[: depth + 1]
        keys[key] = places.setdefault(place, key)
    for place, key in places.items():
        result.boxes[key] = one_box(place, [box for box in picture.boxes.values() if box.place[: depth + 1] == place])
    arrows = [Arrow(keys[arrow.start], keys[arrow.end], arrow.argument) for arrow in picture.arrows]
    of_modules = set(places.values())
    arrows = [
        Arrow(arrow.start, arrow.end, "") if arrow.end in of_modules else arrow
        for arrow in arrows
        if arrow.start != arrow.end
    ]
    result.arrows = list(dict.fromkeys(arrows))
    return result


def one_box(place: Place, boxes: Iterable[Box]) -> Box:
    """Return a box for a whole module: how much it holds, and what it computed last."""
    boxes = list(boxes)
    operations = [box for box in boxes if box.kind == "operation"]
    parameters = [box for box in boxes if box.kind == "parameter"]
    counts = [f"{len(operations)} operations" if len(operations) != 1 else "1 operation"]
    counts += [f"{len(parameters)} parameters" if len(parameters) != 1 else "1 parameter"] * bool(parameters)
    last = operations[-1] if operations else boxes[-1]
    return Box("module", place[-1], ", ".join(counts), last.kind_of_array, last.value, last.gradient, "", place[:-1])
