"""What the page computes is what `adrun predict` says, for every activation, every layer and every kind of data."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from autodiff.experiment.config.load import load_all
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.parts import activations
from autodiff.experiment.pictures.view import view_of
from autodiff.experiment.progress import Progress
from autodiff.experiment.register import KINDS
from autodiff.experiment.report.write import write_report
from autodiff.experiment.runs import run as running
from autodiff.experiment.runs.place import claimed
from autodiff.experiment.runs.predict import predictions, predictor
from autodiff.experiment.runs.recall import recalled
from autodiff.experiment.runs.record import read_record
from autodiff.experiment.runs.run import Options
from autodiff.experiment.studies.findings import Findings

POINTS = 1000
PRECISION = 1e-5
HOSTILE = "</script><img src=x onerror=alert(1)>"
BASE = {"activation": "tanh", "optimizer": "sgd", "learning_rate": 0.3, "epochs": 20, "frames": 2, "hidden": [6]}
SETTINGS = [
    {"name": "leaky_relu", "negative_slope": 0.3},
    {"name": "elu", "alpha": 2.0},
    {"name": "gelu", "approximate": "tanh"},
    {"name": "hardtanh", "low": -0.5, "high": 2.0},
    {"name": "sine", "omega": 3.0},
]
ACTIVATIONS = [name for name, part in KINDS["activation"].parts.items() if part.make.__module__ == activations.__name__]
FILE = {"name": "csv", "label": "kind"}
KINDS_OF_NETWORK: dict[str, dict[str, Any]] = {
    **{name: {"activation": name} for name in ACTIVATIONS},
    "settings": {"activation": SETTINGS, "hidden": [6, 5, 4, 6, 5]},
    "batch": {"norm": {"name": "batch", "epsilon": 0.01}},
    "layer": {"norm": {"name": "layer", "epsilon": 0.01}, "hidden": [5, 4]},
    "dropout": {"dropout": 0.5, "layer": {"name": "linear", "bias": False}, "hidden": [7, 5]},
    "four": {"dataset": FILE | {"file": "four.csv", "features": ["a", "b", "c", HOSTILE]}},
    "one": {"dataset": FILE | {"file": "one.csv", "features": ["a"]}},
    "twenty": {"dataset": FILE | {"file": "twenty.csv", "features": ["a", "b"]}},
}
CLASSES = {
    "four.csv": [HOSTILE, "b & c", "'\"`"],
    "one.csv": ["no", "yes"],
    "twenty.csv": [f"kind {k}" for k in range(20)],
}


def write_points(path: Path, features: list[str], classes: list[str]) -> None:
    """Write a file of points around a centre for each class."""
    rng = np.random.default_rng(len(classes))
    centres = rng.normal(size=(len(classes), len(features))) * 3
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*features, "kind"])
        for _ in range(15):
            for name, centre in zip(classes, centres, strict=True):
                writer.writerow([*(centre + rng.normal(size=len(features))), name])


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kinds")
    for fields in KINDS_OF_NETWORK.values():
        if "dataset" in fields:
            file = fields["dataset"]["file"]
            write_points(folder / file, fields["dataset"]["features"], CLASSES[file])
    files = []
    for name, fields in KINDS_OF_NETWORK.items():
        files.append(folder / f"{name}.yaml")
        files[-1].write_text(yaml.safe_dump(BASE | {"dataset": {"points_per_class": 10}} | fields))
    outcomes = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "draw", lambda *arguments: None)
        for experiment in load_all(files):
            with claimed(folder, experiment.name) as place:
                outcomes.append(running.run(experiment, Options(folder), Progress(visible=False), place, Interrupts()))
    for page, some in (("first", outcomes[:10]), ("second", outcomes[10:])):
        write_report(Findings(some), folder / f"{page}.html")
    return folder


def predicted(results: Path, name: str, points: Any) -> Any:
    """Return the probabilities that `adrun predict` gives for points (n, d): (n, classes)."""
    text = io.StringIO()
    csv.writer(text).writerows(np.asarray(points).tolist())
    told = predictions(
        predictor(read_record(results / name)), io.BytesIO(text.getvalue().encode()), "points", probabilities=True
    )
    rows = list(csv.reader(io.StringIO(b"".join(told).decode())))
    return np.array([row[1:] for row in rows[1:]], float)


@pytest.mark.parametrize("page", ["first", "second"])
def test_every_network_is_computed_as_adrun_predict_does(results: Path, opened: Any, page: str) -> None:
    shown = opened(results / f"{page}.html")
    names = shown.evaluate("report.runs.map(run => run.name)")
    assert names == (list(KINDS_OF_NETWORK)[:10] if page == "first" else list(KINDS_OF_NETWORK)[10:])
    for name in names:
        training = recalled(read_record(results / name))
        view = view_of(training.points, training.about)
        places = view.place(training.points)
        around = np.random.default_rng(0).uniform(places.min(axis=0) - 1, places.max(axis=0) + 1, (POINTS, 2))
        found = shown.evaluate(
            "([name, grid]) => [...panels.find(p => p.run.name === name).probabilities(Float64Array.from(grid))]",
            [name, around.T.ravel().tolist()],
        )
        expected = predicted(results, name, around if view.lift is None else view.lift(around))
        assert expected.std() > 0.01, name
        np.testing.assert_allclose(np.reshape(found, (-1, POINTS)).T, expected, atol=PRECISION, err_msg=name)
    assert shown.said == []


def test_points_of_any_number_of_features_are_saved_with_what_is_predicted(
    results: Path, opened: Any, tmp_path: Path
) -> None:
    page = opened(results / "second.html")
    page.evaluate("select(panels.find(p => p.run.name === 'four'))")
    with page.page.expect_download() as download:
        page.page.locator("#predictions").click()
    download.value.save_as(tmp_path / "saved.csv")
    with (tmp_path / "saved.csv").open() as stream:
        heading, *rows = list(csv.reader(stream))
    assert heading[:5] == ["a", "b", "c", HOSTILE, "class"]
    expected = predicted(results, "four", np.array([row[:4] for row in rows], float))
    np.testing.assert_allclose(np.array([row[5:] for row in rows], float), expected, atol=PRECISION)


def test_classes_axes_and_planes_are_told_and_text_is_text(results: Path, opened: Any) -> None:
    page = opened(results / "second.html")
    legends = page.page.locator("#legends").text_content()
    for said in (*CLASSES["four.csv"], "component 1", "two principal components", "each class has a row", "kind 19"):
        assert said in legends
    for run in page.evaluate("report.runs.map(run => run.name)"):
        page.evaluate("name => select(panels.find(p => p.run.name === name))", run)
    page.evaluate("select(panels.find(p => p.run.name === 'four'))")
    assert HOSTILE in page.page.locator("#probabilities").text_content()
    assert page.page.locator("img[src=x]").count() == 0
    assert page.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(results: Path, opened: Any, scheme: str) -> None:
    page = opened(results / "second.html", 360, scheme, bypass_csp=True)
    assert page.violations() == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_twenty_classes_have_twenty_markers(results: Path, opened: Any) -> None:
    page = opened(results / "second.html")
    pictures = page.evaluate(
        "(() => { const set = panels.find(p => p.run.name === 'twenty').set;"
        " return set.classes.map((_, k) => { const one = {...set, colors: set.colors.map(() => '#000000')};"
        " return markerOf(one, k).toDataURL(); }); })()"
    )
    assert len(set(pictures)) == 20
