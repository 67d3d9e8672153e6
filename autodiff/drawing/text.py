"""Pictures as text: in the language of Graphviz, and in Mermaid's."""

from collections.abc import Callable, Iterator
from html import escape

from autodiff.drawing.picture import Box, Picture, Place

FILL = {"input": "#eef1f5", "parameter": "#dbe9f6", "operation": "#ffffff", "module": "#f6efdd"}
LINE, INK, GRADIENT, MODULE = "#5b6675", "#1f2933", "#b3431e", "#9aa5b1"


def dot(picture: Picture) -> str:
    """Return the picture in the language of Graphviz."""
    lines = [
        "digraph {",
        f'  graph [rankdir=TB, bgcolor=white, fontname="Helvetica", fontsize=11, fontcolor="{INK}", nodesep=0.3, '
        "ranksep=0.4]",
        f'  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11, color="{LINE}", '
        f'fontcolor="{INK}", margin="0.12,0.06"]',
        f'  edge [fontname="Helvetica", fontsize=9, color="{LINE}", fontcolor="{LINE}", arrowsize=0.7]',
    ]

    def cluster(i: int, title: str) -> str:
        style = f'style="rounded"; color="{MODULE}"; labeljust=l'
        return f"subgraph cluster_{i} {{ label=<{escape(title)}>; {style};"

    lines += in_places(picture, lambda key, box: f"n{key} [{dot_attributes(box)}]", cluster, "}")
    for arrow in picture.arrows:
        label = f" [label=<{escape(arrow.argument)}>]" if arrow.argument else ""
        lines.append(f"  n{arrow.start} -> n{arrow.end}{label}")
    return "\n".join([*lines, "}"])


def dot_attributes(box: Box) -> str:
    """Return the label of a box and its colour."""
    rows = [f"<B>{escape(box.title)}</B>"]
    rows += [f"<I>{escape(box.name)}</I>"] if box.name else []
    rows += [f'<FONT POINT-SIZE="9" COLOR="{LINE}">{escape(box.kind_of_array)}</FONT>'] if box.kind_of_array else []
    rows += [escape(box.value)] if box.value else []
    rows += [f'<FONT COLOR="{GRADIENT}">gradient {escape(box.gradient)}</FONT>'] if box.gradient else []
    tooltip = escape(box.line or box.title).replace("\\", "\\\\")
    return f'label=<{"<BR/>".join(rows)}>, fillcolor="{FILL[box.kind]}", tooltip="{tooltip}"'


def mermaid(picture: Picture) -> str:
    """Return the picture in Mermaid's language, which GitHub, GitLab and notebooks draw."""
    lines = ["flowchart TB"]
    lines += in_places(
        picture,
        lambda key, box: f'n{key}["{mermaid_label(box)}"]:::{box.kind}',
        lambda i, title: f'subgraph m{i}["{for_mermaid(title)}"]',
        "end",
    )
    for arrow in picture.arrows:
        label = f'|"{for_mermaid(arrow.argument)}"|' if arrow.argument else ""
        lines.append(f"  n{arrow.start} -->{label} n{arrow.end}")
    kinds = {box.kind for box in picture.boxes.values()}
    lines += [f"  classDef {kind} fill:{FILL[kind]},stroke:{LINE},color:{INK}" for kind in sorted(kinds)]
    return "\n".join(lines)


def mermaid_label(box: Box) -> str:
    """Return the label of a box."""
    rows = [
        f"<b>{for_mermaid(box.title)}</b>",
        *(for_mermaid(text) for text in (box.name, box.kind_of_array, box.value)),
    ]
    rows += [f"gradient {for_mermaid(box.gradient)}"] if box.gradient else []
    return "<br/>".join(filter(None, rows))


def for_mermaid(text: str) -> str:
    """Return text that stands for itself in a label: what means something to Mermaid, by its number."""
    return "".join(f"#{ord(letter)};" if letter in '"#<>&`\\[](){}|' else letter for letter in text)


def in_places(
    picture: Picture, box_line: Callable[[int, Box], str], opening: Callable[[int, str], str], closing: str
) -> Iterator[str]:
    """Yield the lines of the boxes, those of each module within its frame."""
    numbers: dict[Place, int] = {}

    def within(place: Place, indent: str) -> Iterator[str]:
        inner: dict[Place, None] = {}
        for key, box in picture.boxes.items():
            if box.place == place:
                yield indent + box_line(key, box)
            elif box.place[: len(place)] == place:
                inner[box.place[: len(place) + 1]] = None
        for one in inner:
            yield indent + opening(numbers.setdefault(one, len(numbers)), one[-1])
            yield from within(one, indent + "  ")
            yield indent + closing

    return within((), "  ")
