import re

import pytest

from autodiff.experiment.progress import Progress, duration, line, wanted
from autodiff.experiment.terminal import columns_of


def shown(columns: int, name: str = "sigmoid-adam", loss: float = 0.0123, left: str = "3 s left") -> str:
    return line(name, "run 2 of 4", 4200, 10_000, (loss, 0.987, None), left, columns)


@pytest.mark.parametrize("name", ["a", "sigmoid-adam", "螺旋の実験", "a-very-long-name-for-a-run-in-a-folder-2"])
@pytest.mark.parametrize("loss", [0.0123, 1.3e8])
def test_the_line_fits_and_is_never_without_loss_and_accuracy(name: str, loss: float) -> None:
    for columns in range(32, 200):
        text = shown(columns, name, loss)
        assert columns_of(text) <= columns
        assert "loss " in text
        assert "accuracy  98.7%" in text


def test_at_eighty_columns_the_time_left_shows_and_the_position() -> None:
    text = shown(79)
    assert text.endswith("3 s left")
    assert text.startswith("run 2 of 4  sigmoid-adam")
    assert "4200/10000" in text


def test_at_fifty_columns_the_name_shows() -> None:
    assert shown(49) == "sigmoid-adam  loss 0.0123  accuracy  98.7%"


def test_the_bar_takes_the_room_that_is_left_and_does_not_move_with_the_time() -> None:
    widths = {}
    for columns in (79, 110, 200):
        bars = [re.search(r"\[(#* *)\]", shown(columns, left=left)) for left in ("", "9 s left", "59 min 59 s left")]
        widths[columns] = {len(bar[1]) if bar else 0 for bar in bars}
    assert widths[79] == {0}
    assert widths[200] == {24}
    assert len(widths[110]) == 1
    assert 8 <= widths[110].pop() < 24


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_a_duration_is_told_as_people_say_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("value", "shows"), [("true", False), ("1", False), ("false", True), ("0", True), ("", True)])
def test_ci_is_what_says_so(monkeypatch: pytest.MonkeyPatch, value: str, shows: bool) -> None:
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    monkeypatch.setenv("CI", value)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert wanted(quiet=False) is shows
    assert not wanted(quiet=True)


def test_a_notebook_which_gives_commands_a_terminal_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "")
    monkeypatch.setenv("TERM", "xterm-color")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    assert wanted(quiet=False)
    monkeypatch.setenv("JPY_PARENT_PID", "4711")
    assert not wanted(quiet=False)


@pytest.mark.parametrize("columns", range(32, 200, 3))
def test_the_accuracy_on_held_out_points_shows_where_there_is_room(columns: int) -> None:
    text = line("sigmoid-adam", "run 2 of 4", 4200, 10_000, (0.0123, 0.987, 0.95), "3 s left", columns)
    assert columns_of(text) <= columns
    assert "accuracy  98.7%" in text
    assert ("held out  95.0%" in text) is (columns >= 59)


def test_what_is_reported_shows(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(visible=True)
    with pytest.MonkeyPatch.context() as patch, progress.of("one", 300) as report:
        patch.setattr("autodiff.experiment.progress.SECONDS_BETWEEN", 0)
        patch.setenv("COLUMNS", "120")
        report(200, {"loss": 1.0, "accuracy": 0.5, "test_loss": 2.0, "test_accuracy": 0.25})
        report(201, {"loss": 1.0, "accuracy": 0.5})
    shown = capsys.readouterr().err.split("\r")
    assert sum("held out  25.0%" in text for text in shown) == 1
    assert sum("loss 1.0000  accuracy  50.0%" in text for text in shown) == 2
