import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff.experiment.errors import InputError
from autodiff.experiment.terminal import agreed, columns_of, fitted, padded, terminal_columns


@pytest.mark.parametrize(
    ("text", "columns"), [("", 0), ("relu", 4), ("螺旋", 4), ("e\u0301", 1), ("é", 1), ("a\u200d", 1)]
)
def test_the_columns_of_a_text_are_those_that_a_terminal_gives_it(text: str, columns: int) -> None:
    assert columns_of(text) == columns


@given(st.text(), st.integers(0, 30))
def test_a_fitted_text_fits_and_keeps_its_beginning_and_its_end(text: str, columns: int) -> None:
    short = fitted(text, columns)
    assert columns_of(short) <= columns
    if columns_of(text) <= columns:
        assert short == text
    elif columns > 0:
        head, _, tail = short.partition("…") if "…" not in text else ("", "", "")
        assert text.startswith(head)
        assert text.endswith(tail)


def test_names_that_differ_at_their_ends_still_differ() -> None:
    names = [f"{prefix}-a-long-name-for-a-run-{end}" for prefix in ("one", "two") for end in range(3)]
    assert len({fitted(name, 15) for name in names}) == 6


def test_blanks_are_counted_in_columns() -> None:
    assert padded("螺旋", 6) == "螺旋  "
    assert padded("12", 4, right=True) == "  12"


def test_the_terminal_is_that_of_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    fcntl, pty, termios = (pytest.importorskip(name) for name in ("fcntl", "pty", "termios"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, b"\x28\x00\x39\x00\x00\x00\x00\x00")  # 40 lines of 57 columns
    with os.fdopen(theirs, "w") as stream:
        assert terminal_columns(stream) == 57
        monkeypatch.setenv("COLUMNS", "33")
        assert terminal_columns(stream) == 33
    os.close(ours)
    monkeypatch.setenv("COLUMNS", "none")
    assert terminal_columns(io.StringIO()) == terminal_columns(None) == 80


def test_in_a_notebook_whose_terminal_nobody_answers_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    assert agreed("remove it?", "--yes")
    monkeypatch.setenv("JPY_PARENT_PID", "4711")
    with pytest.raises(InputError, match="give --yes"):
        agreed("remove it?", "--yes")
