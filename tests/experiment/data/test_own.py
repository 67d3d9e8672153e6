from pathlib import Path

import numpy as np
import pytest

from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import load
from autodiff.experiment.config.write import as_yaml
from autodiff.experiment.data.making import Sample, sample
from autodiff.experiment.errors import InputError
from autodiff.experiment.training.training import State, train

GENERATOR = np.random.default_rng(0)
FEATURES = GENERATOR.normal([100, -2, 0], [5, 0.1, 1], size=(50, 3))
LABELS = GENERATOR.integers(0, 3, 50)
NAMES = ("blue", "green", "red")


def config_of(tmp_path: Path, dataset: str, more: str = "") -> Config:
    rows = [f"{a!r},{b!r},{NAMES[k]},{c!r}" for (a, b, c), k in zip(FEATURES.tolist(), LABELS, strict=True)]
    (tmp_path / "points.csv").write_text("\n".join(["size,weight,colour,age", *rows]))
    config = tmp_path / "one.yaml"
    text = f"activation: relu\noptimizer: sgd\nlearning_rate: 0.1\nepochs: 3\ndataset: {{name: csv, {dataset}}}\n"
    config.write_text(text + more)
    return load(config)


def problems_of(tmp_path: Path, dataset: str, more: str = "") -> list[str]:
    with pytest.raises(InputError) as caught:
        config_of(tmp_path, dataset, more)
    return [problem.removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


def drawn(config: Config, seed: int = 0) -> Sample:
    data = config.dataset
    return sample(data.part, data.settings, np.random.default_rng(9), np.random.default_rng(seed))


def test_rows_are_standardised_by_those_that_are_trained_on(tmp_path: Path) -> None:
    config = config_of(tmp_path, "file: points.csv, label: colour, features: [age, size]")
    points, held_out, about = drawn(config)
    assert about.feature_names == ("age", "size")
    assert about.class_names == NAMES
    np.testing.assert_allclose(points.features.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(points.features.std(axis=0), 1, rtol=1e-12)
    raw = np.concatenate([about.scaling.undo(some.features) for some in (points, held_out)])
    labels = np.concatenate([points.labels, held_out.labels])
    found = sorted(zip(raw[:, 0], raw[:, 1], labels, strict=True))
    expected = sorted(zip(FEATURES[:, 2], FEATURES[:, 0], LABELS, strict=True))
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_share_of_every_class_is_held_out_another_one_with_another_seed(tmp_path: Path) -> None:
    config = config_of(tmp_path, "file: points.csv, label: colour, test_fraction: 0.3")
    counts = np.rint(0.3 * np.bincount(LABELS)).astype(int)
    one, again, other = (drawn(config, seed) for seed in (1, 1, 2))
    assert np.bincount(one.held_out.labels).tolist() == counts.tolist()
    assert config.size == (3, 3, 50 - counts.sum(), counts.sum())
    assert np.array_equal(one.held_out.features, again.held_out.features)
    assert not np.array_equal(one.held_out.features, other.held_out.features)
    none = drawn(config_of(tmp_path, "file: points.csv, label: colour, test_fraction: 0"))
    assert none.held_out is None
    assert len(none.points.labels) == 50


def test_a_config_with_every_default_filled_in_is_the_same(tmp_path: Path) -> None:
    config = config_of(tmp_path, "file: points.csv, label: 3, features: [1, age]")
    (tmp_path / "resolved.yaml").write_text(as_yaml(config))
    assert load(tmp_path / "resolved.yaml") == config
    dataset = config.resolved()["dataset"]
    assert dataset["file"]["name"] == "points.csv"
    assert dataset["test_fraction"] == 0.2
    assert "features" not in config_of(tmp_path, "file: points.csv, label: colour").resolved()["dataset"]


def test_a_run_that_is_gone_on_with_has_the_same_rows(tmp_path: Path) -> None:
    config = config_of(tmp_path, "file: points.csv, label: colour", "hidden: [5]\nbatch_size: 7\n")
    config = config.model_copy(update={"epochs": 20})
    states: list[State] = []
    whole = train(config, lambda epoch, measured: None, keep=lambda session: states.append(session.state()))
    resumed = train(config, lambda epoch, measured: None, resumed=states[13])
    assert np.array_equal(resumed.held_out.features, whole.held_out.features)
    for name, values in whole.state.parameters.items():
        assert np.array_equal(resumed.state.parameters[name], values)


@pytest.mark.parametrize(
    ("dataset", "line"),
    [
        ("file: point.csv", "one.yaml:5:28: dataset.file: * no such file (did you mean points.csv?)"),
        ("label: colour", "one.yaml:5:10: dataset.file: is missing; it must be the path of a file, relative to this *"),
        ("file: points.csv, label: color", "one.yaml:5:47: dataset.label: points.csv has no column 'color' (did *"),
        ("file: points.csv, label: 9", "one.yaml:5:47: dataset.label: points.csv has the columns 1 to 4, and no *"),
        ("file: points.csv, label: [a]", "one.yaml:5:47: dataset.label: must be the name of a column, or its *"),
        ("file: points.csv, label: colour, features: [ag]", "one.yaml:5:65: dataset.features: * (did you mean age?)"),
        ("file: points.csv, features: []", "one.yaml:5:50: dataset.features: must be a list of columns, by their *"),
        ("file: points.csv, test_fraction: 1", "one.yaml:5:55: dataset.test_fraction: must be a number from 0 *"),
        ("file: points.csv, classes: 3", "one.yaml:5:40: dataset.classes: unknown field; *"),
        ("file: points.csv, label: size, features: [age]", "points.csv:1:1: size has more than 20 different labels, *"),
        ("file: points.csv, label: age", "points.csv:2:*: colour: must be a number, found '*"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_where_it_was_written(tmp_path: Path, dataset: str, line: str) -> None:
    problem = problems_of(tmp_path, dataset)[0]
    start, _, rest = line.partition("*")
    assert problem.startswith(start)
    assert all(piece in problem for piece in rest.split("*"))


def test_a_batch_of_more_than_the_rows_that_are_trained_on_is_refused(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, "file: points.csv, label: colour", "batch_size: 50\n")
    assert "batch_size: must be at most 41, the number of points, found 50" in problem


def test_more_than_memory_allows_is_refused(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, "file: points.csv, label: colour", "hidden: [4096, 4096, 4096, 4096]\n")
    assert "hidden: would need about" in problem
