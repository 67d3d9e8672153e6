"""The page that `adrun report` writes, in a real browser."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autodiff.experiment.pictures.palette import CLASS_COLORS
from tests.command_line import CONFIG, adrun

PRECISION = 1e-5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    texts = {"one": CONFIG, "two": CONFIG.replace("sgd", "adam").replace("relu", "sigmoid").replace("momentum", "# ")}
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    adrun(folder, "compare", "one.yaml", "two.yaml")
    return folder


@pytest.fixture
def page(folder: Path, opened: Any) -> Any:
    return opened(folder / "results" / "comparison" / "report.html")


def test_it_says_nothing_wrong_and_asks_nothing_of_a_network(page: Any) -> None:
    page.page.locator("#play").click()
    page.page.wait_for_timeout(500)
    assert page.said == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_it_may_ask_nothing_of_a_network(page: Any) -> None:
    assert page.evaluate("fetch('https://example.org/').then(() => 'asked', () => 'refused')") == "refused"
    assert "Content Security Policy" in " ".join(page.said)


def test_the_scrubber_moves_boundaries_figures_and_the_marker(page: Any) -> None:
    def state() -> list[Any]:
        return page.evaluate(
            "[...panels.map(p => p.canvas.toDataURL()), panels[0].words.textContent, "
            "document.getElementById('marker').style.left, document.getElementById('at').textContent]"
        )

    last = state()
    page.page.locator("#epoch").focus()
    page.page.keyboard.press("Home")
    page.settle()
    first = state()
    assert all(before != after for before, after in zip(last, first, strict=True))
    assert first[-1] == "epoch 0"
    page.page.keyboard.press("End")
    page.settle()
    assert state() == last


def test_figures_are_those_of_the_log(page: Any, folder: Path) -> None:
    for name in ("one", "two"):
        with (folder / "results" / name / "log.csv").open() as stream:
            log = {int(row["epoch"]): row for row in csv.DictReader(stream)}
        run = page.evaluate("name => report.runs.find(run => run.name === name)", name)
        assert run["epochs"] == sorted(run["epochs"])
        for epoch, measured in zip(run["epochs"], run["measured"], strict=True):
            assert measured["accuracy"] == pytest.approx(float(log[epoch]["accuracy"]), abs=1e-6)
            assert measured["loss"] == pytest.approx(float(log[epoch]["loss"]), rel=1e-5)


def test_predictions_are_those_of_adrun_predict(page: Any, folder: Path) -> None:
    points = np.random.default_rng(0).uniform(-1, 1, (1000, 2))
    (folder / "points.csv").write_text("".join(f"{x},{y}\n" for x, y in points))
    for name in ("one", "two"):
        told = adrun(folder, "predict", name, "--data", "points.csv", "--probabilities").stdout
        expected = np.array([row[1:] for row in csv.reader(io.StringIO(told))][1:], float)
        found = page.evaluate(
            "([name, grid]) => [...panels.find(p => p.run.name === name).probabilities(Float64Array.from(grid))]",
            [name, points.T.ravel().tolist()],
        )
        np.testing.assert_allclose(np.reshape(found, (-1, 1000)).T, expected, atol=PRECISION)


def test_a_point_can_be_looked_at_by_pointer_and_by_keyboard(page: Any) -> None:
    canvas = page.page.locator(".panel canvas").first
    canvas.hover(position={"x": 20, "y": 20})
    corner = page.page.locator("#where").text_content()
    canvas.focus()
    page.page.keyboard.press("Shift+ArrowRight")
    assert page.page.locator("#where").text_content() != corner
    shares = page.page.locator("#probabilities .number").all_text_contents()
    assert sum(float(share.rstrip(" %")) for share in shares) == pytest.approx(100, abs=0.05)


def test_every_unit_has_a_picture_the_heaviest_first(page: Any) -> None:
    assert page.page.locator("#units canvas").count() == page.evaluate("report.runs[0].layers[0].outputs")
    weights = page.evaluate("[...outgoing(panels[0], 1, report.runs[0].layers[0].outputs)]")
    shown = page.page.locator("#units figcaption").all_text_contents()
    numbers = [float(text) for text in shown if text not in ("dead", "saturated")]
    assert numbers == sorted(numbers, reverse=True)
    assert {f"{number:.2f}" for number in numbers} <= {f"{weight:.2f}" for weight in weights}


def test_dead_units_are_told(page: Any) -> None:
    page.evaluate("panels[0].numbers.fill(-1)")  # no point makes any of them positive, or all do
    page.evaluate("panels[0].set.points.inputs.fill(1)")
    page.evaluate("drawUnits()")
    assert set(page.page.locator("#units figcaption").all_text_contents()) == {"dead"}
    assert "dead (no training point" in page.page.locator("#unit-words").text_content()


def test_predictions_and_pictures_can_be_saved(page: Any, tmp_path: Path) -> None:
    with page.page.expect_download() as download:
        page.page.locator("#predictions").click()
    download.value.save_as(tmp_path / "points.csv")
    with (tmp_path / "points.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == page.evaluate("panels[0].set.points.labels.length")
    assert sum(float(rows[0][key]) for key in rows[0] if key.startswith("probability")) == pytest.approx(1)
    with page.page.expect_download() as download:
        page.page.locator(".panel button").first.click()
    download.value.save_as(tmp_path / "panel.png")
    assert (tmp_path / "panel.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("width", [360, 800, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_any_width(folder: Path, opened: Any, width: int, scheme: str) -> None:
    page = opened(folder / "results" / "comparison" / "report.html", width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(folder: Path, opened: Any, scheme: str) -> None:
    page = opened(folder / "results" / "comparison" / "report.html", scheme=scheme, bypass_csp=True)
    assert page.violations() == []


HOSTILE = "</script><img src=x onerror=alert(1)>"


def test_text_of_any_kind_is_text(folder: Path, opened: Any) -> None:
    name = "a<b>&quot;'onerror=alert(1) x='"
    adrun(folder, "train", "one.yaml", "--name", name, "--no-gif")
    record = folder / "results" / name
    summary = json.loads((record / "summary.json").read_text())
    summary["title"] = summary["command"][0] = summary["versions"][HOSTILE] = HOSTILE
    (record / "summary.json").write_text(json.dumps(summary))
    adrun(folder, "report", name, "-o", "hostile.html")
    page = opened(folder / "hostile.html")
    assert page.said == []
    assert page.page.locator("img[src=x]").count() == 0
    assert HOSTILE in page.page.locator("body").text_content()


def test_the_colours_are_those_of_the_pictures(page: Any) -> None:
    assert page.evaluate("report.dataSets[0].colors") == list(CLASS_COLORS[:3])


OWN = """
from autodiff import functional as F
from autodiff.experiment import register

@register.activation
def swish(x, beta: float = 1.0):
    return x * F.sigmoid(beta * x)
"""


def test_a_network_with_a_part_of_ones_own_shows_its_last_picture(folder: Path, opened: Any) -> None:
    (folder / "swish.py").write_text(OWN)
    (folder / "own.yaml").write_text(CONFIG.replace("relu", "swish"))
    adrun(folder, "train", "own.yaml", "--code", "swish.py", "--no-report")
    adrun(folder, "report", "own", "one", "--code", "swish.py", "-o", "own.html")
    page = opened(folder / "own.html", bypass_csp=True)
    assert page.violations() == []
    picture = page.page.locator(".panel img")
    assert picture.get_attribute("src").startswith("data:image/png;base64,")
    assert picture.evaluate("img => img.complete && img.naturalWidth > 0")
    assert "which this page cannot compute" in page.page.locator(".panel").first.text_content()
    assert page.page.locator(".panel").nth(1).locator("canvas").count() == 2
    page.page.locator("#epoch").focus()
    page.page.keyboard.press("Home")
    page.settle()
    assert page.said == []
    adrun(folder, "report", "own", "-o", "own.html", "--code", "swish.py")
    page = opened(folder / "own.html")
    assert not page.page.locator("#hidden-units").is_visible()
    assert page.said == []
