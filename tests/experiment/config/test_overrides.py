"""What the command line sets is merged into what the file says, and each mistake names its option or its line."""

from pathlib import Path

import pytest

from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import load, load_all
from autodiff.experiment.config.overrides import Override, merged, overrides_of
from autodiff.experiment.errors import InputError

GOOD = "activation: relu\noptimizer: sgd\nlearning_rate: 1e-2\nepochs: 10\n"
WITH_DATASET = GOOD + "dataset: {noise: 0.5, points_per_class: 50}\n"


def config_of(folder: Path, text: str, *assignments: str) -> Config:
    file = folder / "a.yaml"
    file.write_text(text)
    return load(file, overrides_of(assignments, None))


def problems_of(folder: Path, text: str, *assignments: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        config_of(folder, text, *assignments)
    return [problem.replace(str(folder / "a.yaml"), "a.yaml") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("assignments", "classes", "noise", "points_per_class"),
    [
        (["dataset={classes: 4}"], 4, 0.5, 50),
        (["dataset.classes=4"], 4, 0.5, 50),
        (["dataset={}"], 3, 0.5, 50),
        (["dataset=null"], 3, 0.2, 100),
        (["dataset=null", "dataset.noise=0.3"], 3, 0.3, 100),
        (["dataset.noise=0.3", "dataset=null"], 3, 0.2, 100),
        (["dataset={noise: 0.3}", "dataset={noise: null}"], 3, 0.2, 50),
        (["dataset={noise: 0.3, classes: 4}", "dataset.noise=0.4"], 4, 0.4, 50),
        (["dataset.noise=0.4", "dataset={noise: 0.3, classes: 4}"], 4, 0.3, 50),
    ],
)
def test_fields_are_merged(
    tmp_path: Path, assignments: list[str], classes: int, noise: float, points_per_class: int
) -> None:
    settings = config_of(tmp_path, WITH_DATASET, *assignments).dataset.settings
    expected = {"classes": classes, "noise": noise, "points_per_class": points_per_class}
    assert settings == expected | {"test_points_per_class": 100}


def test_fields_may_be_set_where_the_file_has_none_or_is_wrong(tmp_path: Path) -> None:
    for text in (GOOD, GOOD + "dataset:\n", GOOD + "dataset: spiral\n"):
        assert config_of(tmp_path, text, "dataset={classes: 4}").size.classes == 4


def test_what_is_merged_is_merged_at_any_depth_and_changes_neither() -> None:
    old, new = {"a": {"b": {"c": 1, "d": 2}}, "e": 3}, {"a": {"b": {"c": 4}}, "e": {"f": 5}}
    assert merged(old, new) == {"a": {"b": {"c": 4, "d": 2}}, "e": {"f": 5}}
    assert old == {"a": {"b": {"c": 1, "d": 2}}, "e": 3}
    assert new == {"a": {"b": {"c": 4}}, "e": {"f": 5}}


def test_an_override_is_the_same_for_every_file(tmp_path: Path) -> None:
    files = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    files[0].write_text(WITH_DATASET)
    files[1].write_text(GOOD)
    overrides = overrides_of(["dataset={classes: 4}", "dataset.noise=0.3"], 5)
    first, second = (experiment.config for experiment in load_all(files, overrides))
    assert (first.dataset.settings["noise"], first.size.points, first.seed) == (0.3, 4 * 50, 5)
    assert (second.dataset.settings["noise"], second.size.points, second.seed) == (0.3, 4 * 100, 5)
    assert overrides == overrides_of(["dataset={classes: 4}", "dataset.noise=0.3"], 5)


def test_each_mistake_is_told_where_it_was_made(tmp_path: Path) -> None:
    wrong = GOOD + "dataset: {noise: -1, points_per_class: x}\n"
    assert [problem.split(": ")[:2] for problem in problems_of(tmp_path, wrong, "dataset={classes: 29}")] == [
        ["a.yaml:5:18", "dataset.noise"],
        ["a.yaml:5:40", "dataset.points_per_class"],
        ["--set dataset={classes", "29}"],
    ]
    twice = problems_of(tmp_path, GOOD, "dataset={classes: 4}", "dataset.noise=-3")
    assert [problem.split(": ")[0] for problem in twice] == ["--set dataset.noise=-3"]
    [of_the_file] = problems_of(tmp_path, GOOD + "dataset: {noise: 010}\n", "dataset={classes: 4}")
    assert of_the_file.startswith("a.yaml:5:18: dataset.noise: 010 is read as octal")
    assert config_of(tmp_path, GOOD + "dataset: {noise: 010}\n", "dataset={noise: 4}").dataset.settings["noise"] == 4


@pytest.mark.parametrize("assignment", ["foo={}", "foo={a: 1}", "epochs={}", "epochs={a: 1}", "dataset={foo: 1}"])
def test_fields_that_are_not_there_are_refused(tmp_path: Path, assignment: str) -> None:
    [problem] = problems_of(tmp_path, GOOD, assignment)
    assert problem.startswith(f"--set {assignment}: ")


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("[64,64]", [64, 64]),
        ("64,64", [64, 64]),
        ("64, 32", [64, 32]),
        ("64", [64]),
        (" 1e2,3 ", [100, 3]),
        ("[]", []),
    ],
)
def test_widths_need_no_brackets(tmp_path: Path, text: str, hidden: list[int]) -> None:
    assert config_of(tmp_path, GOOD, f"hidden={text}").hidden == hidden


@pytest.mark.parametrize("text", ["64,", "64,wide", "64;64", "wide", "064,64", "true", "'64,64,'"])
def test_what_is_no_list_of_numbers_stays_text(tmp_path: Path, text: str) -> None:
    [problem] = problems_of(tmp_path, GOOD, f"hidden={text}")
    assert problem.startswith(f"--set hidden={text}: hidden: must be a list ")


def test_a_mistake_stays_on_its_line(tmp_path: Path) -> None:
    assert [problem.isprintable() for problem in problems_of(tmp_path, GOOD, "epochs=a\nb", "a\x1bb=3")] == [True, True]
    with pytest.raises(InputError, match="must be key=value") as caught:
        overrides_of(["epochs\n"], None)
    assert str(caught.value).isprintable()


def test_a_comma_elsewhere_makes_no_list() -> None:
    assert Override.parse("learning_rate=0,1").value == "0,1"
    assert Override.parse("dataset.noise=1,2").value == "1,2"


@pytest.mark.parametrize(
    ("file", "option"),
    [
        ("epochs=50", "--set epochs=50"),
        ("learning-rate=0.1", "--set learning_rate=0.1"),
        ("lr=0.1", "--set learning_rate=0.1"),
        ("noise=0.3", "--set dataset.noise=0.3"),
        ("dataset.noise=0.3", "--set dataset.noise=0.3"),
        ("epoch=50", "--set epochs=50"),
        ("hidden=[64,64]", "--set 'hidden=[64,64]'"),
        ("dataset={classes: 4}", "--set 'dataset={classes: 4}'"),
    ],
)
def test_a_field_that_is_given_as_a_file_is_answered_with_its_option(file: str, option: str) -> None:
    with pytest.raises(InputError) as caught:
        load(Path(file))
    assert caught.value.problems == (f"{file}: no such file; a field is set with {option}",)


def test_another_missing_file_is_not_taken_for_a_field(tmp_path: Path) -> None:
    for name in ("relu,seed=1.yaml", "zzz=3", "runs=a/config.yaml"):
        with pytest.raises(InputError, match="no such file") as caught:
            load(tmp_path / name)
        assert "--set" not in str(caught.value)
