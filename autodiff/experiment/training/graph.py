"""What `adrun graph` shows: the computation of a config's network and its loss, before it is trained."""

from pathlib import Path

import numpy as np

import autodiff as ad
from autodiff import functional as F  # noqa: N812 (the name by which the field knows it)
from autodiff.experiment.config.config import Config
from autodiff.experiment.errors import InputError
from autodiff.experiment.training.training import Session

POINTS = 5
"""Points that the network is drawn with."""
ENDINGS = (".svg", ".dot", ".gv", ".mmd", ".md")


def draw_network(config: Config, depth: int | None = None) -> ad.Drawing:
    """Return the graph of the loss of a config's network on a few of its points. depth: as `ad.draw` takes it."""
    session = Session(config)
    features, labels = session.points
    some = np.unique(np.linspace(0, len(labels) - 1, POINTS).astype(int))
    points, classes, model = features[some].astype(config.dtype), labels[some], session.model
    return ad.draw(lambda: F.cross_entropy(model(points), classes), depth=depth)


def save(drawing: ad.Drawing, path: Path) -> tuple[Path, str]:
    """Write a drawing to a file; without Graphviz an .svg as Mermaid's text beside it. Return the file and a note.

    Raises InputError for an ending that a drawing cannot have, and for a file that cannot be written.
    """
    if path.suffix not in ENDINGS:
        raise InputError([f"{path}: a graph is written as {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}, by its ending"])
    note = ""
    try:
        try:
            drawing.save(path)
        except RuntimeError as error:
            path, note = path.with_suffix(".mmd"), str(error).partition(", or take")[0]
            drawing.save(path)
    except OSError as error:
        raise InputError([f"{path}: {error.strerror}"]) from None
    return path, note
