import csv
import io
import math

import pytest

from autodiff.experiment.studies.findings import Findings
from autodiff.experiment.studies.settings_table import comma_separated, markdown, plain

from .made_up import outcome


def findings() -> Findings:
    """Return those of two configs with three seeds each, of which one run diverged and one never got to 95 %."""
    good = [
        outcome(f"good,seed={i}", i, [0.9, 0.92, 0.94][i], [10, 30, 20][i], loss=[0.5, 0.3, 0.4][i]) for i in range(3)
    ]
    poor = [outcome(f"poor,seed={i}", i, 0.5, [400, None, 800][i], learning_rate=0.1) for i in range(2)]
    lost = outcome("poor,seed=2", 2, 0.4, None, loss=None, status="diverged", learning_rate=0.1)
    return Findings([*good, *poor, lost])


def test_a_terminal_shows_medians_with_their_intervals_and_never_as_later_than_all() -> None:
    head, good, poor = (line.split("  ") for line in plain(findings()).splitlines())
    cells = [[cell.strip() for cell in line if cell.strip()] for line in (head, good, poor)]
    assert cells[0] == ["config", "seeds", "accuracy", "IQR", "loss", "to 90%", "to 95%", "to 99%", "diverged"]
    assert cells[1] == [
        "good", "3", "92.00% (90.00 to 94.00)", "91.00 to 93.00", "0.4 (0.3 to 0.5)", "50", "20 (10 to 30)",
        "> 1,000", "0 of 3",
    ]  # fmt: skip
    assert cells[2][0] == "poor"
    assert cells[2][2:5] == ["50.00% (diverged to 50.00)", "diverged to 50.00", "0.5 (0.5 to inf)"]
    assert cells[2][6] == "> 1,000 (400 to > 1,000)"
    assert cells[2][-1] == "1 of 3"


def test_swept_fields_have_columns_of_their_own_and_leave_the_names() -> None:
    swept = [outcome(f"one,hidden={width},seed={seed}", seed, hidden=[width]) for width in (5, 10) for seed in range(2)]
    lines = plain(Findings(swept), swept=[("hidden",)]).splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["config", "hidden", "seeds"],
        ["one", "[5]", "2"],
        ["one", "[10]", "2"],
    ]


def test_a_narrow_terminal_keeps_the_accuracy() -> None:
    for line in plain(findings(), columns=50).splitlines():
        assert len(line) <= 50
    assert "92.00% (90.00 to 94.00)" in plain(findings(), columns=50).splitlines()[1]


def test_markdown_has_a_column_for_each_field_in_which_the_configs_differ() -> None:
    head, rule, good, poor = markdown(findings()).splitlines()
    assert [cell.strip() for cell in head.split("|")][1:5] == ["config", "learning rate", "seeds", "held-out accuracy"]
    assert set(rule) <= set("|-: ")
    assert [cell.strip() for cell in good.split("|")][2] == "0.01"
    assert [cell.strip() for cell in poor.split("|")][2] == "0.1"


def test_a_spreadsheet_has_all_numbers_in_full() -> None:
    good, poor = csv.DictReader(io.StringIO(comma_separated(findings())))
    assert (good["config"], good["learning_rate"], good["seeds"], good["diverged"]) == ("good", "0.01", "3", "0")
    names = [f"accuracy_{part}" for part in ("median", "interval_low", "interval_high", "quartile_1", "quartile_3")]
    assert [float(good[name]) for name in names] == pytest.approx([0.92, 0.9, 0.94, 0.91, 0.93])
    assert float(poor["loss_interval_high"]) == float(poor["epochs_to_0.95_median"]) == math.inf
