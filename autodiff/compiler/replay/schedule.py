"""The schedule: which replays of a program that is trusted are checked all the same."""

import sys

FIRST = 8
"""The first replay that is checked."""
EVERY = 1000
"""One in so many is checked, if nobody says otherwise."""
SHARE = 0.005
"""Of the time that is spent at most on those."""


class Schedule:
    """Checks the replays 8, 16, 32, ..., and then one in `every`: by default one in 1000, or fewer if checks take long.

    every: 0 for no check at all. replays: that there were. due: which of them is the next to be checked.
    """

    def __init__(self, every: int | None, now: float) -> None:
        self.every = EVERY if every is None else every
        self.sparing = every is None
        self.replays = 0
        self.due = min(FIRST, self.every) or sys.maxsize
        self.latest = 0  # that was checked
        self.since = now  # the time since then

    def checked(self, started: float, ended: float) -> None:
        """Note when a check began and ended, and set which is the next."""
        pace = max(started - self.since, 1e-9) / (self.due - self.latest)
        self.latest, self.since = self.due, ended
        if self.due < self.every:
            self.due = min(2 * self.due, self.every)
        else:
            affordable = int((ended - started) / (SHARE * pace)) if self.sparing else 0
            self.due += max(self.every, affordable)
