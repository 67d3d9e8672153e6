import os
import shutil
import subprocess

import pytest

from autodiff.drawing.picture import Arrow, Box, Picture
from autodiff.drawing.text import dot, mermaid

HOSTILE = '"]; end <b>&amp;|\\n\n{x}</b>'


def picture():
    boxes = {
        0: Box("input", HOSTILE, HOSTILE, "float32 (2,)", "[1., 2.]", "[3., 4.]", HOSTILE),
        1: Box("operation", "np.sum", place=(HOSTILE, "0: Linear")),
        2: Box("parameter", "weight", place=(HOSTILE,)),
    }
    return Picture(boxes, [Arrow(0, 1, HOSTILE), Arrow(2, 1, "")])


@pytest.mark.skipif(shutil.which("dot") is None and not os.environ.get("CI"), reason="needs Graphviz")
def test_graphviz_reads_text_of_any_kind_as_it_is():
    svg = subprocess.run(["dot", "-Tsvg"], input=dot(picture()), capture_output=True, text=True, check=True).stdout
    assert svg.count('class="node"') == 3
    assert svg.count('class="cluster"') == 2
    assert svg.count('class="edge"') == 2
    assert "&lt;b&gt;" in svg


def test_mermaid_gets_what_means_something_to_it_by_number():
    lines = mermaid(picture()).splitlines()
    assert sum(line.strip() == "end" for line in lines) == 2
    label = next(line for line in lines if line.startswith("  n0["))
    assert "<b>#34;#93;; end #60;b#62;#38;amp;#124;#92;n" in label
    assert "  n2 --> n1" in lines
