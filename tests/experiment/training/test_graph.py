import pytest

from autodiff.experiment.config.config import Config
from autodiff.experiment.errors import InputError
from autodiff.experiment.training.graph import draw_network, save

CONFIG = Config(activation="relu", optimizer="adam", learning_rate=0.01, epochs=10, hidden=[4, 5])


def test_the_network_is_drawn_with_its_loss_and_some_of_its_points():
    boxes = [*draw_network(CONFIG).picture.boxes.values()]
    assert [box.title for box in boxes if box.kind == "parameter"] == ["weight", "bias"] * 3
    assert {box.kind_of_array for box in boxes if box.title == "points"} == {"float32 (5, 2)"}
    assert all(box.kind_of_array.startswith("float32") for box in boxes if box.kind != "input")
    whole = [*draw_network(CONFIG, 0).picture.boxes.values()]
    assert [box.name for box in whole if box.kind == "module"] == ["5 operations, 6 parameters"]


def test_a_file_that_cannot_be_is_refused(tmp_path):
    drawing = draw_network(CONFIG)
    with pytest.raises(InputError, match=r"graph.png: a graph is written as \.svg, .* by its ending"):
        save(drawing, tmp_path / "graph.png")
    with pytest.raises(InputError, match="No such file or directory"):
        save(drawing, tmp_path / "nowhere" / "graph.dot")


def test_without_graphviz_it_is_text_with_a_note(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    path, note = save(draw_network(CONFIG), tmp_path / "graph.svg")
    assert path.name == "graph.mmd"
    assert path.read_text().startswith("flowchart TB")
    assert "apt install graphviz" in note
