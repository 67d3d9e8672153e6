import time
from dataclasses import replace

import pytest

from autodiff.experiment.studies.progress import StudyProgress

from .made_up import outcome

ERASE = "\r\x1b[K"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a clock that stands still until its only entry is changed."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setenv("COLUMNS", "100")
    return now


def test_one_line_tells_of_all_runs(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    shown = StudyProgress(True, [1000, 1000, 1000, 1000])
    with shown.shown():
        shown.show_running([0, 0])
        clock[0] += 30
        shown.ended(outcome("one"))
        shown.ended(replace(outcome("two"), error="two: failed"))
        shown.show_running([500, 500])
    lines = capsys.readouterr().err.split(ERASE)
    assert lines == [
        "",
        "0 of 4 runs done  2 running  0 failed",
        "1 of 4 runs done  2 running  1 failed  10 s left",
        "",
    ]


def test_where_progress_is_not_wanted_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    shown = StudyProgress(False, [10])
    with shown.shown():
        shown.show_running([5])
        assert shown.ended(outcome("one")).experiment.name == "one"
    assert capsys.readouterr().err == ""
