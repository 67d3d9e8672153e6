"""Being asked to stop: Ctrl-C (SIGINT), SIGTERM and SIGHUP end a run in order, and whatever comes after the first of
them changes nothing.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Interrupts:
    """Whether this process was asked to stop. The first signal raises KeyboardInterrupt, unless it is held back."""

    def __init__(self) -> None:
        self.asked = False
        self.holding = 0

    def listen(self) -> None:
        """Take the process's signals from now on. A signal that it was started to ignore stays ignored."""
        for name in NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self.take)

    def take(self, number: int, frame: FrameType | None) -> None:
        """Note a signal; raise KeyboardInterrupt if it is the first."""
        first, self.asked = not self.asked, True
        if first and not self.holding:
            raise KeyboardInterrupt

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Let signals wait while the block runs, which writes files or looks at `asked` itself."""
        self.holding += 1
        try:
            yield
        finally:
            self.holding -= 1

    @contextmanager
    def let_through(self) -> Iterator[None]:
        """Let a signal interrupt the block, within one that holds them back."""
        if self.asked:
            raise KeyboardInterrupt
        holding, self.holding = self.holding, 0
        try:
            yield
        finally:
            self.holding = holding
