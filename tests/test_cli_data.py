"""Data of one's own on the command line: from a CSV file to a study, and records whatever becomes of the file."""

import csv
import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from autodiff.experiment.data.generated import blobs, moons
from tests.command_line import adrun, interrupted

CONFIG = """\
activation: tanh
optimizer: adam
learning_rate: 0.05
epochs: 30
frames: 3
hidden: [8]
"""
MOONS = CONFIG + "dataset: {name: csv, file: moons.csv, label: moon, features: [x, y], test_fraction: 0.2}\n"
WIDE = CONFIG + "dataset: {name: csv, file: wide.csv, test_fraction: 0.25}\n"
OTHERS = [
    ("moons", "points_per_class: 20, classes: 3"),
    ("circles", "points_per_class: 20"),
    ("rings", "points_per_class: 20, classes: 4"),
    ("blobs", "points_per_class: 20, classes: 20"),
    ("xor", "points_per_class: 20, test_points_per_class: 0"),
    ("checkerboard", "points_per_class: 20, noise: 0"),
    ("function", "points_per_class: 20, expression: cubic"),
]


def written(path: Path, heading: list[str], features: np.ndarray, labels: list[str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(
            [heading, *([*row, label] for row, label in zip(features.tolist(), labels, strict=True))]
        )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where two files of points are, in units of their own, and a config for each."""
    generator = np.random.default_rng(0)
    points = moons(2, 40, 0.1, generator)
    names = ["upper, left", "lower"]
    written(
        tmp_path / "moons.csv",
        ["x", "y", "moon"],
        points.features * [1000, 0.01] + [5000, 3],
        [names[k] for k in points.labels],
    )
    clouds = blobs(3, 30, 0.2, generator)
    wide = np.hstack(
        [clouds.features, clouds.features @ [[1, 2], [3, 4]] + generator.normal(size=(90, 2)), np.ones((90, 1))]
    )
    written(tmp_path / "wide.csv", ["a", "b", "c", "d", "e", "kind"], wide, [f"kind {k}" for k in clouds.labels])
    (tmp_path / "moons.yaml").write_text(MOONS)
    (tmp_path / "wide.yaml").write_text(WIDE)
    return tmp_path


def summary(record: Path) -> dict[str, object]:
    return dict(json.loads((record / "summary.json").read_text()))


def test_a_study_of_a_file_is_one_config_and_one_command(folder: Path) -> None:
    sweep = "learning_rate=0.03,0.05,0.1"
    done = adrun(folder, "compare", "moons.yaml", "--sweep", sweep, "--seeds", "2", "--jobs", "2")
    assert done.stderr.startswith("6 runs (1 config x 3 combinations x 2 seeds), 2 at once: about ")
    assert [line.split()[:3] for line in done.stdout.splitlines()[1:4]] == [
        ["moons", rate, "2"] for rate in ("0.03", "0.05", "0.1")
    ]
    assert {"sweep.png", "agreement.png", "curves.png", "table.md"} <= {
        p.name for p in (folder / "results" / "comparison").iterdir()
    }
    seeds = [folder / "results" / f"moons,learning_rate=0.1,seed={seed}" for seed in (0, 1)]
    assert all((seed / "data.csv").read_bytes() == (folder / "moons.csv").read_bytes() for seed in seeds)
    assert [(summary(seed)["points"], summary(seed)["test_points"]) for seed in seeds] == [(64, 16)] * 2
    one, other = (summary(seed)["data"]["scaling"]["mean"] for seed in seeds)
    assert one != other  # of other rows


def test_predict_takes_values_as_they_are_in_the_file_and_names_the_classes(folder: Path) -> None:
    adrun(folder, "train", "moons.yaml", "--no-gif", "--set", "epochs=300", "--name", "moons")
    final = summary(folder / "results" / "moons")["final"]
    right = final["accuracy"] * 64 + final["test_accuracy"] * 16
    labels = [row["moon"] for row in csv.DictReader((folder / "moons.csv").read_text().splitlines())]
    predicted = adrun(folder, "predict", "moons", "--data", "moons.csv").stdout.splitlines()
    found = [row["class"] for row in csv.DictReader(predicted)]
    assert sum(one == other for one, other in zip(found, labels, strict=True)) == pytest.approx(right)
    swapped = adrun(folder, "predict", "moons", "--probabilities", given="y,id,x\n3.01,7,5000\n").stdout
    plain = adrun(folder, "predict", "moons", "--probabilities", given="5000,3.01\n").stdout
    assert swapped == plain
    assert swapped.splitlines()[0] == 'class,probability_lower,"probability_upper, left"'
    assert "stdin:1: has no column 'y'" in adrun(folder, "predict", "moons", given="x,z\n1,2\n", code=2).stderr


def test_more_than_two_features_are_drawn_on_a_plane_and_counted_in_a_table(folder: Path) -> None:
    adrun(folder, "train", "wide.yaml")
    record = folder / "results" / "wide"
    assert {"boundary.gif", "boundary.png", "confusion.png"} <= {path.name for path in record.iterdir()}
    data = summary(record)["data"]
    assert data["feature_names"] == ["a", "b", "c", "d", "e"]
    assert data["class_names"] == ["kind 0", "kind 1", "kind 2"]
    assert len(data["scaling"]["mean"]) == 5
    shown = adrun(folder, "show", "wide").stdout
    assert "data.csv" in shown
    before = {name: (record / name).read_bytes() for name in ("boundary.gif", "boundary.png", "confusion.png")}
    adrun(folder, "draw", "wide")
    assert {name: (record / name).read_bytes() for name in before} == before
    adrun(folder, "compare", "wide.yaml", "--seeds", "2", "--set", "epochs=3", "--jobs", "1")


def test_one_feature_is_drawn_and_predicted(folder: Path) -> None:
    adrun(folder, "train", "moons.yaml", "--set", "dataset.features=[x]")
    assert (folder / "results" / "moons,features=x" / "boundary.png").exists()
    found = adrun(folder, "predict", "moons,features=x", given="x\n5000\n").stdout.splitlines()
    assert found[1] in ("lower", '"upper, left"')


def test_a_record_needs_its_file_no_more(folder: Path) -> None:
    adrun(folder, "train", "moons.yaml")
    record = folder / "results" / "moons"
    log = (record / "log.csv").read_bytes()
    (folder / "moons.csv").unlink()
    done = adrun(folder, "train", "moons.yaml", code=2)
    assert "moons.yaml:7:28: dataset.file: moons.csv: no such file" in done.stderr
    adrun(folder, "draw", "moons")
    adrun(folder, "predict", "moons", given="5000,3\n")
    adrun(folder, "compare", "results/moons")
    adrun(folder, "train", "results/moons/config.yaml", "--results", "again", "--no-gif")
    assert (folder / "again" / "moons" / "log.csv").read_bytes() == log
    shutil.move(record, folder / "elsewhere")
    adrun(folder, "draw", str(folder / "elsewhere"))
    (folder / "elsewhere" / "data.csv").unlink()
    assert (
        "data.csv is gone, where the record had its points"
        in adrun(folder, "draw", str(folder / "elsewhere"), code=2).stderr
    )


def test_a_file_that_has_changed_makes_another_run(folder: Path) -> None:
    adrun(folder, "train", "moons.yaml", "--no-gif")
    assert "done already" in adrun(folder, "train", "moons.yaml", "--no-gif", "--resume").stdout
    with (folder / "moons.csv").open("a") as stream:
        stream.write("5000,3,lower\r\n")
    done = adrun(folder, "train", "moons.yaml", "--no-gif", "--resume")
    assert "what stood there, of another config, is kept as results/moons.1" in done.stderr
    assert summary(folder / "results" / "moons")["points"] == 65
    assert "dataset.file.sha256" in adrun(folder, "diff", "moons", "moons.1").stdout


def test_a_run_that_was_cut_off_goes_on_with_the_same_file_alone(folder: Path) -> None:
    longer = ["--no-gif", "--set", "epochs=20000", "--set", "batch_size=16", "--name", "long"]
    interrupted(
        folder, "train", "moons.yaml", *longer, signals=[signal.SIGTERM], until="results/.running/long/checkpoint.*"
    )
    with (folder / "moons.csv").open("a") as stream:
        stream.write("5000,3,lower\r\n")
    refused = adrun(folder, "train", "moons.yaml", *longer, "--resume", code=1)
    assert "has another config (dataset.file, which has changed since)" in refused.stderr


def test_every_generated_set_is_trained_and_drawn(tmp_path: Path) -> None:
    for name, settings in OTHERS:
        text = CONFIG.replace("epochs: 30", "epochs: 2")
        (tmp_path / f"{name}.yaml").write_text(f"{text}dataset: {{name: {name}, {settings}}}\n")
    adrun(tmp_path, "train", *(f"{name}.yaml" for name, _ in OTHERS))
    assert all((tmp_path / "results" / name / "boundary.gif").exists() for name, _ in OTHERS)
