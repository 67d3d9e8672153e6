"""One line on the terminal that tells how a run goes. On anything but a terminal there is none.

Rich has a finer bar, but importing it takes longer than a short run.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from autodiff.experiment.training import Report

SECONDS_BETWEEN = 0.1
BAR = 24  # columns
ERASE = "\r\x1b[K"


def wanted(quiet: bool) -> bool:
    """Tell whether progress may be shown: stderr is a terminal that can erase a line, and nobody asked for silence."""
    unwanted = quiet or os.environ.get("CI") or os.environ.get("TERM") == "dumb"
    return not unwanted and sys.stderr is not None and sys.stderr.isatty()


class Progress:
    """Shows the epoch, loss and accuracy of the present run; shows nothing unless `visible`."""

    def __init__(self, visible: bool) -> None:
        self.visible = visible

    @contextmanager
    def of(self, name: str, epochs: int) -> Iterator[Report]:
        """Yield the function that a run calls after every epoch."""
        started = time.monotonic()
        due = started

        def report(epoch: int, loss: float, accuracy: float) -> None:
            nonlocal due
            now = time.monotonic()
            if now < due:
                return
            due = now + SECONDS_BETWEEN
            done = epoch / epochs
            bar = "#" * int(done * BAR)
            left = f"{(now - started) * (1 - done) / done:.0f} s left" if epoch else ""
            self._show(f"{name} [{bar:<{BAR}}] {epoch}/{epochs}  loss {loss:.4f}  accuracy {accuracy:6.1%}  {left}")

        try:
            yield report if self.visible else _silent
        finally:
            self._erase()

    @contextmanager
    def note(self, text: str) -> Iterator[None]:
        """Show a line while the block runs."""
        self._show(text)
        try:
            yield
        finally:
            self._erase()

    def _show(self, line: str) -> None:
        if self.visible:
            columns = shutil.get_terminal_size().columns
            print(ERASE + line[: columns - 1], end="", file=sys.stderr, flush=True)

    def _erase(self) -> None:
        if self.visible:
            print(ERASE, end="", file=sys.stderr, flush=True)


def _silent(epoch: int, loss: float, accuracy: float) -> None:
    pass
