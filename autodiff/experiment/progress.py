"""One line on the terminal that tells how a run goes. On anything but a terminal there is none.

Rich has a finer bar, but importing it takes longer than a short run.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from autodiff.experiment.terminal import NARROWEST_NAME, columns_of, fitted, in_notebook, terminal_columns

Report = Callable[[int, Mapping[str, float]], None]  # given the latest epoch and, by name, what was measured last

SECONDS_BETWEEN = 0.1
WIDEST_BAR, NARROWEST_BAR = 24, 8  # columns, between its brackets
LONGEST_LEFT = len("59 min 59 s left")
ERASE = "\r\x1b[K"
NO = ("", "0", "false", "no", "off")  # what a variable of the environment says when it does not mean yes


def wanted(quiet: bool) -> bool:
    """Tell whether progress may be shown: stderr is a terminal that can erase a line, and nobody asked for silence."""
    unwanted = quiet or os.environ.get("CI", "").lower() not in NO or os.environ.get("TERM") == "dumb"
    return not (unwanted or in_notebook()) and sys.stderr is not None and sys.stderr.isatty()


class Progress:
    """Shows the epoch, loss and accuracies of the present run; shows nothing unless `visible`.

    `position` is the present run's among those of the command, such as "run 2 of 4".
    """

    def __init__(self, visible: bool, position: str = "") -> None:
        self.visible = visible
        self.position = position

    @contextmanager
    def of(self, name: str, epochs: int) -> Iterator[Report]:
        """Yield the function to which a run tells, now and then, how it goes."""
        started = time.monotonic()
        due = started

        def report(epoch: int, measured: Mapping[str, float]) -> None:
            nonlocal due
            now = time.monotonic()
            if now < due:
                return
            due = now + SECONDS_BETWEEN
            left = duration((now - started) * (epochs - epoch) / epoch) + " left" if epoch else ""
            figures = (measured["loss"], measured["accuracy"], measured.get("test_accuracy"))
            self.show(line(name, self.position, epoch, epochs, figures, left, _room()))

        try:
            yield report if self.visible else _silent
        finally:
            self.erase()

    @contextmanager
    def note(self, text: str) -> Iterator[None]:
        """Show a line while the block runs."""
        self.show(f"{self.position}  {text}".strip())
        try:
            yield
        finally:
            self.erase()

    def show(self, text: str) -> None:
        """Show a line in place of the one that is shown."""
        if self.visible:
            print(ERASE + fitted(text, _room()), end="", file=sys.stderr, flush=True)

    def erase(self) -> None:
        """Take the line away."""
        if self.visible:
            print(ERASE, end="", file=sys.stderr, flush=True)


def line(
    name: str,
    position: str,
    epoch: int,
    epochs: int,
    figures: tuple[float, float, float | None],
    left: str,
    columns: int,
) -> str:
    """Return the line that fits the columns: first a long name is shortened and the bar gives way, then the count does.

    figures: the loss, the accuracy and, if there is one, that on the held-out points. They are the last to go.
    """
    loss, accuracy, tested = figures
    measured = [f"loss {_loss(loss)}", f"accuracy {accuracy:6.1%}"]
    if tested is not None:
        measured.append(f"held out {tested:6.1%}")
    count = f"{epoch:{len(str(epochs))}}/{epochs}"
    roomy = _joined([position, name, "[]", count, *measured, left.ljust(LONGEST_LEFT)])  # lest the bar's width change
    width = min(WIDEST_BAR, columns - columns_of(roomy))
    bar = f"[{'#' * int(epoch / epochs * width):<{width}}]" if width >= NARROWEST_BAR else ""
    choices = [
        [bar, count, *measured, left],
        [*measured, left],
        measured,
        measured[:2],
    ]
    for shown in choices:
        for before in (position, ""):
            room = columns - columns_of(_joined([before, "", *shown])) - 2
            if room >= min(NARROWEST_NAME, columns_of(name)):
                return _joined([before, fitted(name, room), *shown]).replace("  [", " [", 1)
    return fitted(_joined(measured[:2]), columns)


def _joined(parts: list[str]) -> str:
    return "  ".join(filter(None, parts))


def duration(seconds: float) -> str:
    """Return a time as people say it: 8 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _loss(loss: float) -> str:
    """Return a loss in six characters or a few more, however large it is."""
    return f"{loss:.4f}" if loss < 1000 else f"{loss:.2e}"


def _room() -> int:
    """Return the columns that a line may take without wrapping."""
    return terminal_columns(sys.stderr) - 1


def _silent(epoch: int, measured: Mapping[str, float]) -> None:
    pass
