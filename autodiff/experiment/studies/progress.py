"""One line on the terminal that tells how the runs of a study go, all of them together."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from autodiff.experiment.progress import Progress, duration
from autodiff.experiment.runs.run import Outcome


class StudyProgress(Progress):
    """Shows how many runs are done, running and failed, and the time left; shows nothing unless `visible`."""

    def __init__(self, visible: bool, epochs: Sequence[int]) -> None:
        """`epochs` are those that each run is to be trained for."""
        super().__init__(visible)
        self.runs = len(epochs)
        self.epochs = sum(epochs)
        self.done = self.failed = self.epochs_done = 0
        self.started = time.monotonic()

    def ended(self, outcome: Outcome) -> Outcome:
        """Count a run that has ended; return it."""
        self.epochs_done += outcome.experiment.config.epochs
        if outcome.error:
            self.failed += 1
        else:
            self.done += 1
        return outcome

    def show_running(self, reached: Sequence[int]) -> None:
        """Show the line, given the epochs that the runs under way have reached."""
        epochs = self.epochs_done + sum(reached)
        seconds = time.monotonic() - self.started
        left = duration(seconds * (self.epochs - epochs) / epochs) + " left" if epochs else ""
        counts = f"{self.done} of {self.runs} runs done", f"{len(reached)} running", f"{self.failed} failed"
        self.show("  ".join(filter(None, [*counts, left])))

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Take the line away when the block ends."""
        try:
            yield
        finally:
            self.erase()
