import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812

needs_graphviz = pytest.mark.skipif(shutil.which("dot") is None and not os.environ.get("CI"), reason="needs Graphviz")


def boxes_of(drawing):
    """Return the boxes by their titles."""
    return {box.title: box for box in drawing.picture.boxes.values()}


def arrows_of(drawing):
    """Return the arrows by titles, with the argument."""
    boxes = drawing.picture.boxes
    return {(boxes[a.start].title, a.argument, boxes[a.end].title) for a in drawing.picture.arrows}


def leaves():
    return [ad.Tensor(value, requires_grad=True) for value in (2.0, -3.0, 10.0)]


def network():
    rng = np.random.default_rng(0)
    model = ad.Sequential(ad.Linear(2, 4, rng=rng), ad.ReLU(), ad.Linear(4, 3, rng=rng))
    return model, rng.normal(size=(5, 2)).astype(np.float32), np.array([0, 1, 2, 0, 1])


def test_values_and_gradients_of_five_operations():
    a, b, c = leaves()
    drawing = ad.draw(lambda: np.tanh((a * b + c) / 4) ** 2)
    boxes = boxes_of(drawing)
    assert [*boxes] == ["a", "b", "c", "np.multiply", "np.add", "np.divide(·, 4)", "np.tanh", "np.power(·, 2)"]
    values = {title: float(box.value) for title, box in boxes.items()}
    assert values == pytest.approx(
        dict(zip(boxes, [2, -3, 10, -6, 4, 1, np.tanh(1), np.tanh(1) ** 2], strict=True)), rel=1e-3
    )
    # by hand, from the end: 1, 2 tanh, (1 - tanh^2) of that, a quarter, and the factors
    of_tanh = 2 * np.tanh(1)
    of_quotient = of_tanh * (1 - np.tanh(1) ** 2)
    of_sum = of_quotient / 4
    gradients = [of_sum * -3, of_sum * 2, of_sum, of_sum, of_sum, of_quotient, of_tanh, 1]
    found = {title: float(box.gradient) for title, box in boxes.items()}
    assert found == pytest.approx(dict(zip(boxes, gradients, strict=True)), rel=1e-3)
    assert ("a", "a", "np.multiply") in arrows_of(drawing)
    assert ("np.tanh", "", "np.power(·, 2)") in arrows_of(drawing)
    assert all(leaf.grad is None for leaf in (a, b, c))


def test_a_tensor_shows_the_variables_on_its_way():
    a, b, c = leaves()
    product = a * b
    loss = np.tanh(product + c)
    boxes = boxes_of(ad.draw(loss))
    assert (boxes["np.multiply"].name, boxes["np.multiply"].value) == ("product", "-6")
    assert boxes["np.tanh"].name == "loss"
    loss.backward()  # the drawing has not freed the graph
    with pytest.raises(ValueError, match="the graph was freed by backward"):
        ad.draw(loss)


def test_modules_are_frames_around_what_they_made():
    model, x, labels = network()
    drawing = ad.draw(lambda: F.cross_entropy(model(x), labels))
    places = {box.title: box.place for box in drawing.picture.boxes.values()}
    assert places["relu"] == ("model: Sequential", "1: ReLU")
    assert places["x"] == places["labels"] == ()
    assert {box.place for box in drawing.picture.boxes.values() if box.title == "weight"} == {
        ("model: Sequential", "0: Linear"),
        ("model: Sequential", "2: Linear"),
    }


def test_a_training_step_shows_what_its_own_backward_pass_did():
    model, x, labels = network()
    optimizer = ad.SGD(model.parameters(), 0.1)

    def step():
        loss = F.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    before = model.state_dict()["0.bias"]
    box = next(box for box in ad.draw(step).picture.boxes.values() if box.title == "bias")
    gradient = np.array(re.findall(r"-?[\d.]+(?:e-?\d+)?", box.gradient), float)
    np.testing.assert_allclose(before - 0.1 * gradient, model.state_dict()["0.bias"], atol=1e-4)


def test_depth_folds_modules():
    model, x, labels = network()
    loss = lambda: F.cross_entropy(model(x), labels)
    whole = boxes_of(ad.draw(loss, depth=0))
    assert [*whole] == ["x", "mean_cross_entropy", "labels", "model: Sequential"]
    assert whole["model: Sequential"].name == "3 operations, 4 parameters"
    assert ("0: Linear", "", "1: ReLU") in arrows_of(ad.draw(loss, depth=1))


def test_thousands_of_values_are_folded_or_refused_with_what_to_do():
    rng = np.random.default_rng(0)
    deep = ad.Sequential(*[ad.Sequential(*[ad.Linear(2, 2, rng=rng) for _ in range(60)]) for _ in range(20)])
    assert len(ad.draw(lambda: np.sum(deep(np.ones((1, 2), np.float32)))).picture.boxes) == 22

    def long():
        x = ad.Tensor(1.0, requires_grad=True)
        for _ in range(1000):
            x = np.sin(x)
        return x

    with pytest.raises(ValueError, match=r"1,001 values, .* 150 can be read; put parts of it into modules"):
        ad.draw(long)


@pytest.mark.parametrize(
    ("what", "args", "error", "message"),
    [
        (lambda: 3.0, (), TypeError, "the function returned 3.0"),
        (ad.Tensor([1.0]), (), ValueError, "computed from nothing that requires a gradient"),
        (ad.Tensor([1.0], requires_grad=True), (1,), TypeError, "arguments for a function only"),
        ("loss", (), TypeError, "takes a tensor or a function, found a str"),
    ],
)
def test_what_has_no_graph_is_refused(what, args, error, message):
    with pytest.raises(error, match=message):
        ad.draw(what, *args)


def test_a_captured_function_is_refused_with_what_to_do():
    w = ad.Parameter([1.0])
    with pytest.raises(ad.CaptureError, match="give them the function itself"):
        ad.draw(ad.capture(lambda: np.sum(w * w)))


@needs_graphviz
def test_a_picture_is_svg_with_all_that_is_written_in_it(tmp_path):
    a, b, c = leaves()
    drawing = ad.draw(lambda: np.tanh(a * b + c))
    drawing.save(tmp_path / "graph.svg")
    texts = [e.text for e in ElementTree.parse(tmp_path / "graph.svg").iter() if e.tag.endswith("text")]
    assert {"a", "b", "c", "np.multiply", "np.add", "np.tanh"} <= set(texts)
    assert drawing._repr_svg_().startswith("<?xml")
    assert drawing._repr_markdown_() is None  # which JupyterLab would show instead


def test_without_graphviz_the_picture_is_text_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    w = ad.Parameter([1.0])
    drawing = ad.draw(lambda: np.sum(w * w))
    assert drawing._repr_svg_() is None
    assert drawing._repr_markdown_().startswith("```mermaid\nflowchart TB\n")
    with pytest.raises(RuntimeError, match=r"apt install graphviz.*print\(drawing.mermaid\)"):
        drawing.save(tmp_path / "graph.svg")
    for ending, start in {".dot": "digraph {", ".mmd": "flowchart TB", ".md": "```mermaid"}.items():
        drawing.save(tmp_path / f"graph{ending}")
        assert (tmp_path / f"graph{ending}").read_text().startswith(start)
    with pytest.raises(ValueError, match=r"saved as \.svg, \.dot or \.mmd, found 'graph.png'"):
        drawing.save(tmp_path / "graph.png")


def test_graphviz_is_not_loaded_before_it_draws():
    code = "import autodiff as ad, sys; ad.draw; print('graphviz' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
