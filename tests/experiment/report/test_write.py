import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import Experiment
from autodiff.experiment.errors import InputError, RunError
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.progress import Progress
from autodiff.experiment.report import data, write
from autodiff.experiment.report.write import page, records_of, reported, write_report
from autodiff.experiment.runs import run as running
from autodiff.experiment.runs.place import claimed
from autodiff.experiment.runs.record import read_record
from autodiff.experiment.runs.run import Options, Outcome
from autodiff.experiment.studies.findings import Findings


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "draw", lambda *arguments: None)


def trained(results: Path, name: str, **fields: Any) -> Outcome:
    values = {"activation": "relu", "optimizer": "sgd", "learning_rate": 0.1, "hidden": [4], "epochs": 12, "frames": 3}
    experiment = Experiment(name, Config.model_validate(values | {"dataset": {"points_per_class": 5}} | fields))
    with claimed(results, name) as place:
        return running.run(experiment, Options(results), Progress(visible=False), place, Interrupts())


def data_of(text: str) -> Any:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])  # type: ignore[index]


class Tags(HTMLParser):
    """The tags that are open at the end, and those that were closed without being open."""

    VOID = ("meta", "input", "img", "br", "path", "use", "rect")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.wrong.append(tag)


def test_the_networks_are_in_the_page_at_every_kept_epoch(tmp_path: Path) -> None:
    outcome = trained(tmp_path, "one")
    found = data_of(page(Findings([outcome]), tmp_path))
    [run] = found["runs"]
    frames = read_record(outcome.folder).frames()
    assert run["epochs"] == sorted(frames)
    numbers = np.frombuffer(base64.b64decode(run["parameters"]), np.float32).reshape(len(frames), run["size"])
    for row, epoch in zip(numbers, sorted(frames), strict=True):
        for layer, place in ((run["layers"][0], "0"), (run["layers"][2], "2")):
            weight = row[layer["weight"] :][: layer["inputs"] * layer["outputs"]].reshape(layer["outputs"], -1)
            np.testing.assert_array_equal(weight, frames[epoch][f"{place}.weight"])
            np.testing.assert_array_equal(row[layer["bias"] :][: layer["outputs"]], frames[epoch][f"{place}.bias"])
    points = np.frombuffer(base64.b64decode(found["dataSets"][0]["training"]["inputs"]), np.float32)
    assert points.shape == (30,)


def test_runs_with_the_same_points_share_them(tmp_path: Path) -> None:
    outcomes = [
        trained(tmp_path, "one"),
        trained(tmp_path, "two", optimizer="adam"),
        trained(tmp_path, "three", seed=1),
    ]
    found = data_of(page(Findings(outcomes[:2]), tmp_path))
    assert [run["data"] for run in found["runs"]] == [0, 0]
    found = data_of(page(Findings([outcomes[0], outcomes[2]]), tmp_path))
    assert len(found["dataSets"]) == len(found["runs"])


def test_it_is_whole_html_and_its_policy_knows_its_script_alone(tmp_path: Path) -> None:
    text = page(Findings([trained(tmp_path, "one"), trained(tmp_path, "two", activation="tanh")]), tmp_path)
    tags = Tags()
    tags.feed(text)
    assert (tags.open, tags.wrong) == ([], [])
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(script) == 1
    digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    assert f"default-src 'none'; script-src 'sha256-{digest}'" in text
    assert "$" not in re.sub(r"<(script|style).*?</\1>", "", text, flags=re.DOTALL)


def test_the_same_records_give_the_same_page(tmp_path: Path) -> None:
    findings = Findings([trained(tmp_path, "one")])
    assert page(findings, tmp_path) == page(findings, tmp_path)


def test_several_seeds_show_the_first_and_the_bands_of_all(tmp_path: Path) -> None:
    outcomes = [trained(tmp_path, f"one,seed={seed}", seed=seed) for seed in range(3)]
    text = page(Findings(outcomes), tmp_path)
    assert [run["name"] for run in data_of(text)["runs"]] == ["one,seed=0"]
    assert "fewer than 6 seeds" in text


def test_pictures_of_the_comparison_are_in_it(tmp_path: Path) -> None:
    findings = Findings([trained(tmp_path, "one")])
    assert "Agreement" not in page(findings, tmp_path)
    (tmp_path / "agreement.png").write_bytes(b"PNG")
    assert 'src="data:image/png;base64,UE5H" alt="the class' in page(findings, tmp_path)


def test_networks_too_large_for_a_page_are_seen_as_they_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = trained(tmp_path, "one")
    size = data_of(page(Findings([outcome]), tmp_path))["runs"][0]["size"]
    monkeypatch.setattr(data, "MOST_NUMBERS", 2 * size)
    [run] = data_of(page(Findings([outcome]), tmp_path))["runs"]
    assert run["epochs"] == [0, 12]
    monkeypatch.setattr(data, "MOST_NUMBERS", size - 1)
    [run] = data_of(page(Findings([outcome]), tmp_path))["runs"]
    assert (run["layers"], run["parameters"]) == (None, "")
    assert run["still"].startswith("It has too many parameters for this page")


def test_a_diverged_run_and_one_that_kept_nothing_have_a_page(tmp_path: Path) -> None:
    outcome = trained(tmp_path, "one", learning_rate=1e30)
    assert outcome.status == "diverged"
    [run] = data_of(page(Findings([outcome]), tmp_path))["runs"]
    assert len(run["epochs"]) == len(run["measured"])


def test_a_page_that_cannot_be_written_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = trained(tmp_path, "one")
    with pytest.raises(RunError, match=r"nowhere.*cannot be written: No such file"):
        write_report(Findings([outcome]), tmp_path / "nowhere" / "report.html")
    assert "cannot be written" in reported([outcome], tmp_path / "nowhere" / "report.html")
    monkeypatch.setattr(write, "page", lambda findings, folder: 1 / 0)
    assert reported([outcome], tmp_path / "a.html").endswith(
        "(ZeroDivisionError: division by zero); `adrun report` tries again"
    )
    (outcome.folder / "log.csv").write_text("nonsense\n1\n")
    monkeypatch.undo()
    assert "log.csv" in reported([outcome], tmp_path / "a.html")


def test_the_runs_are_those_named_or_all_that_ended(tmp_path: Path) -> None:
    for name in ("one", "two"):
        trained(tmp_path, name)
    assert [record.name for record in records_of((), tmp_path)] == ["one", "two"]
    assert [record.name for record in records_of(["two", "two"], tmp_path)] == ["two"]
    with pytest.raises(InputError, match="no such run"):
        records_of(["three"], tmp_path)
    summary = json.loads((tmp_path / "two" / "summary.json").read_text()) | {"status": "running"}
    (tmp_path / "two" / "summary.json").write_text(json.dumps(summary))
    assert [record.name for record in records_of((), tmp_path)] == ["one"]
    with pytest.raises(InputError, match="two: has no results yet"):
        records_of(["one", "two"], tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="has no run that has ended"):
        records_of((), tmp_path / "empty")


def section_of(text: str, name: str) -> str:
    found = re.search(rf'<section aria-labelledby="{name}">.*?</section>', text, re.DOTALL)
    return found[0] if found else ""


def test_the_health_of_the_trainings_is_said_and_drawn(tmp_path: Path) -> None:
    well, ill = trained(tmp_path, "one"), trained(tmp_path, "two", learning_rate=1e3)
    text = section_of(page(Findings([well]), tmp_path), "health")
    assert "<p>Nothing is off with gradients, updates and units.</p>" in text
    assert text.count("<svg") == 1
    text = section_of(page(Findings([well, ill]), tmp_path), "health")
    assert "<p>two: layer 1: 4 of 4 units are dead since epoch " in text
    assert "; try leaky_relu or a smaller learning_rate.</p>" in text
    assert text.count("<svg") == 2
    for title in ("norm of the gradient", "update, as a share of the weights", "dead units", "two, layer 1"):
        assert title in text


def test_records_that_do_not_tell_of_their_health_have_no_such_section(tmp_path: Path) -> None:
    one, two = trained(tmp_path, "one"), trained(tmp_path, "two", activation="tanh")
    (one.folder / "health.csv").unlink()
    assert section_of(page(Findings([one]), tmp_path), "health") == ""
    text = section_of(page(Findings([one, two]), tmp_path), "health")
    assert "Tanh + SGD, layer 1" in text
    assert "ReLU + SGD, layer 1" not in text
