"""ad.load_run."""

import doctest
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
from autodiff.experiment.config.load import Experiment, load
from autodiff.experiment.config.own_code import use
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.progress import Progress
from autodiff.experiment.runs import loading
from autodiff.experiment.runs.place import claimed
from autodiff.experiment.runs.run import Options, Outcome, run
from autodiff.experiment.training.training import train

ROOT = Path(__file__).parents[3]
SHOWCASE = ROOT / "results" / "showcase"


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Return a run with a picture and held-out points."""
    folder = tmp_path_factory.mktemp("runs")
    path = folder / "one.yaml"
    path.write_text(
        "{activation: tanh, optimizer: sgd, learning_rate: 0.1, epochs: 120, hidden: [6, 5], frames: 2, "
        "dataset: {points_per_class: 10, test_points_per_class: 7}}"
    )
    results = folder / "results"
    with claimed(results, "one") as place:
        return run(
            Experiment("one", load(path)), Options(results, width=400), Progress(visible=False), place, Interrupts()
        )


@pytest.fixture
def copied(outcome: Outcome, tmp_path: Path) -> Path:
    """Return the folder of such a run that may be damaged."""
    return Path(shutil.copytree(outcome.folder, tmp_path / "results" / "one"))


def test_config_and_log_are_what_the_run_had_and_measured(outcome: Outcome) -> None:
    loaded = ad.load_run(outcome.folder)
    assert loaded.name == "one"
    assert loaded.config == outcome.experiment.config.resolved()
    assert type(loaded.config["dataset"]) is dict
    assert loaded.summary == json.loads((outcome.folder / "summary.json").read_text())
    assert list(loaded.log) == ["epoch", "loss", "accuracy", "test_loss", "test_accuracy"]
    assert loaded.log["epoch"].tolist() == list(range(121))
    again = train(outcome.experiment.config, lambda epoch, measured: None)
    for name, values in again.curves.items():
        np.testing.assert_array_equal(loaded.log[name], values)


def test_the_model_is_the_network_that_was_measured_last(outcome: Outcome) -> None:
    loaded = ad.load_run(outcome.folder)
    assert isinstance(loaded.model, ad.Module)
    assert not loaded.model.training
    again = train(outcome.experiment.config, lambda epoch, measured: None)
    logits = loaded.model(loaded.inputs(again.points.features)).data
    accuracy = np.mean(logits.argmax(axis=1) == again.points.labels)
    assert accuracy == pytest.approx(loaded.log["accuracy"][-1])
    assert loaded.model is loaded.model


def test_a_name_is_looked_for_in_results_and_the_working_directory_may_change_afterwards(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copied.parents[1])
    loaded = ad.load_run("one")
    assert repr(loaded).endswith("written to results/one>")
    monkeypatch.chdir("/")
    assert len([*loaded.model.parameters()]) == 6
    assert "<img" in loaded._repr_html_()


def test_the_examples_of_its_docstring_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = doctest.testmod(loading, extraglobs={"ad": ad, "np": np}, optionflags=doctest.ELLIPSIS)
    assert done.attempted > 3
    assert done.failed == 0


def test_points_of_a_file_are_scaled_for_the_model_also_when_the_file_is_gone(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal([5, -300], [2, 50], (40, 2)).round(3)
    rows = [f"{x},{y},{'high' if y > -300 else 'low'}" for x, y in points.tolist()]
    (tmp_path / "points.csv").write_text("\n".join(["x,y,kind", *rows]) + "\n")
    config = tmp_path / "one.yaml"
    config.write_text(
        "{activation: relu, optimizer: adam, learning_rate: 0.05, epochs: 60, hidden: [8], "
        "dataset: {name: csv, file: points.csv, label: kind, test_fraction: 0}}"
    )
    with claimed(tmp_path / "results", "one") as place:
        options = Options(tmp_path / "results", animate=False)
        run(Experiment("one", load(config)), options, Progress(visible=False), place, Interrupts())
    (tmp_path / "points.csv").unlink()
    loaded = ad.load_run(tmp_path / "results" / "one")
    inputs = loaded.inputs(points)
    assert inputs.dtype == np.float32
    np.testing.assert_allclose([inputs.mean(axis=0), inputs.std(axis=0)], [[0, 0], [1, 1]], atol=1e-5)
    kinds = np.array(["high", "low"])[loaded.model(inputs).data.argmax(axis=1)]
    assert np.mean(kinds == np.where(points[:, 1] > -300, "high", "low")) > 0.9
    assert loaded.config["dataset"]["label"] == "kind"
    json.dumps(loaded.config)  # plain values alone


def test_code_of_ones_own_is_run_when_it_is_given_and_not_before(tmp_path: Path) -> None:
    example = ROOT / "examples" / "swish.py"
    config = tmp_path / "one.yaml"
    config.write_text("{activation: {name: swish, beta: 2.0}, optimizer: adam, learning_rate: 0.05, epochs: 3}")
    train = ["train", str(config), "--code", str(example), "--results", str(tmp_path), "--no-report", "--no-gif"]
    subprocess.run([sys.executable, "-m", "autodiff", *train], cwd=ROOT, check=True, capture_output=True)
    loaded = ad.load_run(tmp_path / "one")
    assert loaded.config["activation"] == {"name": "swish", "beta": 2.0}
    assert repr(loaded).startswith("<run one: ")
    kept = tmp_path / "one" / "code" / "swish.py"
    with pytest.raises(ValueError, match=r"was made with swish\.py; code is never run from a record") as raised:
        _ = loaded.model
    advice = str(raised.value).partition("give it with ")[2]
    try:
        model = eval(advice, {"ad": ad}).model
        x = np.array([[0.5, -0.5]], np.float32)
        hidden = model[0](x).data
        np.testing.assert_allclose(model[1](hidden), hidden / (1 + np.exp(-2 * hidden)), rtol=1e-5)
    finally:
        use([])
    with pytest.raises(ValueError, match="no such file"):
        ad.load_run(tmp_path / "one", code=[kept.with_name("swash.py")])


# What there is not


def test_a_run_that_is_not_there_is_no_such_file() -> None:
    with pytest.raises(FileNotFoundError, match=r"relu-adm: no such run in .*did you mean relu-adam\?") as raised:
        ad.load_run(SHOWCASE / "relu-adm")
    assert raised.value.__suppress_context__


def test_a_comparison_is_no_run() -> None:
    with pytest.raises(ValueError, match="is a comparison, not a run"):
        ad.load_run(SHOWCASE / "comparison")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("summary.json", "{", "is damaged"),
        ("summary.json", "[]", "is no run's summary"),
        ("log.csv", "epoch,loss,accuracy\n0,what\n", "is damaged: not every line"),
        ("log.csv", None, "cannot be read"),
    ],
)
def test_a_damaged_run_is_one_clear_error(copied: Path, file: str, content: str | None, message: str) -> None:
    damage(copied / file, content)
    with pytest.raises(ValueError, match=rf"{re.escape(file)}.*{message}") as raised:
        ad.load_run(copied)
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("model.safetensors", None, r"has no model\.safetensors \(train it again\)"),
        ("model.safetensors", "what", r"model\.safetensors: is damaged"),
        ("config.yaml", "activation: [", r"config\.yaml:1"),
    ],
)
def test_what_is_wrong_with_the_model_is_told_when_it_is_asked_for(
    copied: Path, file: str, content: str | None, message: str
) -> None:
    damage(copied / file, content)
    loaded = ad.load_run(copied)
    with pytest.raises(ValueError, match=message):
        _ = loaded.model


def test_a_model_of_another_network_is_told(copied: Path) -> None:
    shutil.copyfile(SHOWCASE / "relu-adam" / "model.safetensors", copied / "model.safetensors")
    with pytest.raises(ValueError, match=r"model\.safetensors: is damaged: it is not of the network"):
        _ = ad.load_run(copied).model


def damage(path: Path, content: str | None) -> None:
    if content is None:
        os.unlink(path)
    else:
        path.write_text(content)


def test_a_run_that_was_cut_off_has_its_log_and_says_so(put: Callable[..., Path], tmp_path: Path) -> None:
    folder = put(tmp_path / ".running" / "one", "running")
    (folder / "config.yaml").write_text(
        "{activation: relu, optimizer: adam, learning_rate: 0.01, epochs: 4, hidden: [5]}"
    )
    loaded = ad.load_run(tmp_path / "one")
    assert loaded.log["loss"].tolist() == pytest.approx([1 / (i + 1) for i in range(5)])
    assert "one: ReLU + Adam, interrupted; `adrun train" in repr(loaded)
    assert "--resume` goes on" in loaded._repr_html_()
    with pytest.raises(ValueError, match="it is running, or was cut off"):
        _ = loaded.model


# What a notebook shows


def test_a_notebook_shows_the_sentence_the_picture_and_the_curve(outcome: Outcome) -> None:
    html = ad.load_run(outcome.folder)._repr_html_()
    assert f"<p>{outcome.sentence}</p>" in html
    assert html.count("<img") == html.count("<svg") == 1
    assert 'src="data:image/png;base64,' in html
    assert not re.search(r"(src|href)=\"(?!data:)", html)


def test_without_a_picture_the_rest_is_shown(copied: Path) -> None:
    (copied / "boundary.png").unlink()
    html = ad.load_run(copied)._repr_html_()
    assert "<img" not in html
    assert "<svg" in html


@pytest.mark.skipif(os.name == "nt", reason="names with such characters are for other systems")
def test_any_name_is_shown_as_it_is(copied: Path) -> None:
    named = copied.with_name("<img src=x onerror=alert(1)>\"'&")
    copied.rename(named)
    html = ad.load_run(named)._repr_html_()
    assert "<img src=x" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;&amp;" in html
