import csv
import io
from typing import Any

import numpy as np
import pytest

from autodiff.experiment.runs.summary import epochs_to
from autodiff.experiment.studies.table import comma_separated, markdown, plain


def summary(name: str, loss: float | None, reached: list[int | None]) -> dict[str, Any]:
    return {
        "name": name,
        "status": "done" if loss is not None else "diverged",
        "final": {"epoch": 9, "loss": loss, "accuracy": 0.5},
        "epochs_to_accuracy": dict(zip(("0.90", "0.95", "0.99"), reached, strict=True)),
        "seconds": {"training": 1.25, "drawing": 3.0},
        "config": {"optimizer": "adam", "learning_rate": 0.1, "dataset": {"noise": 0.2}},
    }


RUNS = [summary("relu-adam", 0.0123456789, [3, 40, None]), summary("x", None, [None, None, None])]


def test_the_plain_table_is_aligned() -> None:
    head, first, second = plain(RUNS).splitlines()
    assert head.split("  ")[0].strip() == "run"
    assert first.split() == ["relu-adam", "0.012346", "50.00%", "3", "40", "never", "1.25", "done"]
    assert second.split() == ["x", "not", "finite", "50.00%", "never", "never", "never", "1.25", "diverged"]
    for column in ("loss", "accuracy", "to 99%", "seconds"):
        end = head.index(column) + len(column)
        assert all(line[end - 1] != " " and line[end] == " " for line in (first, second))


@pytest.mark.parametrize("columns", [200, 82, 80, 79, 60, 50, 40])
def test_the_table_fits_a_terminal(columns: int) -> None:
    runs = [
        summary("sigmoid-adam,learning_rate=0.001", 0.0123, [3, 40, 10_000]) | {"status": "did not learn"},
        summary("sigmoid-adam,learning_rate=0.002", None, [None, None, None]),
    ]
    lines = plain(runs, columns).splitlines()
    assert max(map(len, lines)) <= max(columns, 49)
    assert len({line.partition("  ")[0] for line in lines[1:]}) == 2
    least_columns = {"loss": 0, "accuracy": 0, "status": 0, "to 95%": 60, "seconds": 82}
    assert {heading for heading in least_columns if heading in lines[0]} == {
        heading for heading, least in least_columns.items() if columns >= least
    }
    assert (plain(runs, 200) == plain(runs)) is True


def test_the_usual_names_fit_eighty_columns_whole() -> None:
    text = plain([summary("sigmoid-adam", 0.0123, [3, 40, 10_000]) | {"status": "did not learn"}], 80)
    assert "sigmoid-adam " in text
    assert text.splitlines()[0].split()[-2:] == ["seconds", "status"]


def test_the_markdown_table_has_a_cell_for_every_heading() -> None:
    lines = markdown(RUNS).splitlines()
    assert len(lines) == 4
    assert len({line.count("|") for line in lines}) == 1
    assert len({len(line) for line in lines}) == 1
    assert set(lines[1]) <= set("|-: ")


def test_the_csv_keeps_numbers_in_full_and_leaves_out_what_was_not_reached() -> None:
    rows = list(csv.DictReader(io.StringIO(comma_separated(RUNS))))
    assert float(rows[0]["final_loss"]) == 0.0123456789
    assert rows[0]["epochs_to_95_percent"] == "40"
    assert rows[0]["epochs_to_99_percent"] == ""
    assert rows[1]["final_loss"] == ""
    assert rows[1]["status"] == "diverged"


@pytest.mark.parametrize(("level", "epoch"), [(0.1, 0), (0.5, 2), (0.6, 3), (0.9, None)])
def test_epochs_to_is_the_first_epoch_that_reaches_the_level(level: float, epoch: int | None) -> None:
    assert epochs_to(np.array([0.1, 0.2, 0.5, 0.8, 0.4]), level) == epoch


def test_there_is_a_column_for_each_field_in_which_the_configs_differ() -> None:
    configs = [
        {"optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.9, "frames": 3, "dataset": {"noise": 0.2}},
        {"optimizer": "adam", "learning_rate": 0.1, "frames": 60, "dataset": {"noise": 0.25}},
    ]
    runs = [run | {"config": config} for run, config in zip(RUNS, configs, strict=True)]
    rows = list(csv.DictReader(io.StringIO(comma_separated(runs))))
    assert list(rows[0])[:5] == ["run", "optimizer", "momentum", "dataset.noise", "final_loss"]
    assert [row["momentum"] for row in rows] == ["0.9", ""]
    head, rule, first, second = (
        [cell.strip() for cell in line.split("|")[1:-1]] for line in markdown(runs).splitlines()
    )
    assert head[:5] == ["run", "optimizer", "momentum", "dataset.noise", "final loss"]
    assert [cell.endswith(":") for cell in rule[:5]] == [False, False, True, True, True]
    assert (first[1:4], second[1:4]) == (["sgd", "0.9", "0.2"], ["adam", "", "0.25"])


def test_a_bar_in_a_name_does_not_end_its_cell() -> None:
    [_, _, row] = markdown([summary("a|b", 0.5, [1, 2, 3])]).splitlines()
    assert row.startswith("| a\\|b ")


TESTED = [
    run | {"test_points": 30, "final": run["final"] | {"test_loss": loss, "test_accuracy": accuracy}}
    for run, loss, accuracy in zip(RUNS, (0.5, None), (0.25, 0.125), strict=True)
]


def test_held_out_points_have_columns_if_any_run_has_them() -> None:
    head, first, second, old = plain([*TESTED, RUNS[0] | {"name": "old"}]).splitlines()
    assert " ".join(head.split()).startswith("run loss accuracy test loss test accuracy to 90%")
    assert first.split()[:5] == ["relu-adam", "0.012346", "50.00%", "0.500000", "25.00%"]
    assert second.split()[:7] == ["x", "not", "finite", "50.00%", "not", "finite", "12.50%"]
    assert old.split()[:4] == ["old", "0.012346", "50.00%", "3"]
    rows = list(csv.DictReader(io.StringIO(comma_separated([*TESTED, RUNS[0]]))))
    assert [(row["test_loss"], row["test_accuracy"]) for row in rows] == [("0.5", "0.25"), ("", "0.125"), ("", "")]
    assert "test" not in plain(RUNS) + markdown(RUNS) + comma_separated(RUNS)
    assert len({line.count("|") for line in markdown([*TESTED, RUNS[0]]).splitlines()}) == 1


@pytest.mark.parametrize("columns", [79, 60, 50])
def test_of_held_out_points_the_accuracy_is_the_last_to_go(columns: int) -> None:
    lines = plain(TESTED, columns).splitlines()
    assert max(map(len, lines)) <= columns
    assert ("test accuracy" in lines[0]) is (columns > 56)
    assert "test loss" not in lines[0]
