"""The notebook of the examples runs, and shows what it is about; adrun shows no progress in one."""

import ast
import json
import re
import shlex
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "examples" / "look-inside.ipynb"
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@pytest.fixture
def execute(tmp_path, monkeypatch):
    """Return what runs the cells of a notebook in the Python of the tests, whatever else is installed here."""
    for name in ("JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("CI", "")

    def run(notebook, folder):
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            startup_timeout=300,
            iopub_timeout=300,  # of what is shown, which may come late
            resources={"metadata": {"path": str(folder)}},
        )
        client.execute()
        return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]

    return run


def test_the_notebook_is_committed_without_what_it_shows():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(cells) > 4
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)


def test_the_notebook_runs_and_shows_model_drawing_and_run(execute):
    summary = json.loads((ROOT / "results" / "showcase" / "relu-adam" / "summary.json").read_text())
    outputs = execute(nbformat.read(NOTEBOOK, as_version=4), NOTEBOOK.parent)
    assert [output.output_type for several in outputs for output in several] == ["execute_result"] * len(outputs)
    model, losses, drawing, run, best, kept, probabilities = (output.data for [output] in outputs)
    assert "(2): Linear(in_features=50, out_features=2, bias=True)" in model["text/html"]
    first, _, last = map(float, re.findall(r"[\d.e-]+(?=[,\]])", losses["text/plain"]))
    assert last < 0.1 < first
    assert ("image/svg+xml" in drawing) != ("text/markdown" in drawing)
    assert f"relu-adam: loss {summary['final']['loss']:.6f}, accuracy " in run["text/html"]
    assert {"<img", "<svg"} <= set(re.findall(r"<\w+", run["text/html"]))
    assert ast.literal_eval(best["text/plain"]) == pytest.approx(summary["test_best"])
    assert "<table>" in kept["text/html"]
    assert "Tensor([[" in probabilities["text/plain"]


def test_a_command_in_a_notebook_shows_what_it_found_and_nothing_that_moves(execute, tmp_path):
    config = ROOT / "configs" / "relu-adam.yaml"
    train = [sys.executable, "-m", "autodiff", "train", str(config), "--set", "epochs=30", "--no-report"]
    cell = nbformat.v4.new_code_cell(f"!{shlex.join(train)}")
    [shown] = execute(nbformat.v4.new_notebook(cells=[cell]), tmp_path)
    text = "".join(output.text for output in shown).replace("\r\n", "\n")
    assert text.startswith("relu-adam,epochs=30: loss ")
    assert len(text.splitlines()) == 1
    assert CONTROL.findall(text) == []
