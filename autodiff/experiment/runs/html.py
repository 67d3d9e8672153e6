"""Pictures of a run within a page: in a notebook, and in the report."""

import base64
from html import escape
from pathlib import Path

import numpy as np

from autodiff.experiment.runs.curve import means_of, scale_of
from autodiff.experiment.runs.text import loss_text
from autodiff.experiment.training.curves import HELD_OUT, TRAINING, Curves

WIDTH, HEIGHT = 360, 150  # of the curve's area, in pixels
LEFT, MARGIN, TEXT = 78, 10, 12  # around it, and the size of letters
DASHES = {TRAINING[0]: "", HELD_OUT[0]: ' stroke-dasharray="5 3"'}


def picture(path: Path) -> str:
    """Return a picture as a URL; nothing if there is none."""
    try:
        return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
    except OSError:
        return ""


def curve_svg(curves: Curves) -> str:
    """Return the losses over the epochs as an SVG in the colour of the text around it; nothing if none is finite.

    Of many epochs the means of equal parts are drawn. The scale is logarithmic where they span a decade.
    """
    epochs = len(curves[TRAINING[0]])
    means = {name: means_of(curves[name], min(WIDTH, epochs)) for name in DASHES if name in curves}
    scale = scale_of(np.concatenate([*means.values()]))
    if scale is None:
        return ""
    right, bottom = LEFT + WIDTH, MARGIN + HEIGHT
    lines = []
    for name, values in means.items():
        heights = bottom - HEIGHT * scale.shares(values)
        places = LEFT + np.linspace(0, WIDTH, len(values))
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(places, heights, strict=True) if y == y)
        lines.append(f'<polyline points="{points}" stroke-width="1.5"{DASHES[name]}/>')
    said = "loss" + (", dashed on held-out points" if len(means) > 1 else "")
    said += ", log scale" if scale.logarithmic else ""
    texts = [
        (LEFT - 6, MARGIN + TEXT, "end", loss_text(scale.greatest)),
        (LEFT - 6, bottom, "end", loss_text(scale.least)),
        (LEFT, bottom + TEXT + 4, "start", "0"),
        (right, bottom + TEXT + 4, "end", f"epoch {epochs - 1}"),
        (right, MARGIN + TEXT, "end", said),
    ]
    words = "".join(f'<text x="{x}" y="{y}" text-anchor="{side}">{escape(text)}</text>' for x, y, side, text in texts)
    width, height = right + MARGIN, bottom + TEXT + 2 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{escape(said)}, over {epochs - 1} epochs" style="max-width:100%">'
        f'<g fill="none" stroke="currentColor"><path d="M{LEFT} {MARGIN}V{bottom}H{right}" opacity="0.5"/>'
        f'{"".join(lines)}</g><g fill="currentColor" font-family="sans-serif" font-size="{TEXT}">{words}</g></svg>'
    )
