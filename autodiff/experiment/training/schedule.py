"""At which epochs a run keeps its parameters, to be drawn later."""

from bisect import bisect_right
from collections.abc import Collection, Sequence

import numpy as np

TESTED_THROUGHOUT, TESTED_EVERY = 100, 10  # epochs
MEASURED_EVERY = 400
"""Epochs, or more: so the health of a training costs little of its time, however many networks are kept."""


def frame_epochs(epochs: int, frames: int) -> list[int]:
    """Return about `frames` epochs (at most so many) from 0 to the last: 0, 1, 2, 4, then in geometric progression.

    A network changes most in its first epochs: with even spacing everything has happened after a few frames.
    """
    if epochs < frames:
        return list(range(epochs + 1))
    first = [0, 1, 2, 4][: max(frames // 4, 1)]
    room = frames - len(first)
    # Rounded to whole epochs the early ones coincide: look for the finest progression that still fits.
    counts = range(1, 50 * room)
    finest = bisect_right(counts, room, key=lambda count: len(_progression(first[-1], epochs, count))) - 1
    return [*first, *_progression(first[-1], epochs, counts[finest])]


def health_epochs(epochs: int, kept: Collection[int]) -> list[int]:
    """Return at which of so many epochs the health of a training is measured: 0, 1, 2, 4, 8 and so on, and the last.

    Besides where a network is kept, unless that is soon after another such epoch: a measurement takes as long as a few
    epochs do.
    """
    chosen = {0, *(2**k for k in range(epochs.bit_length())), epochs}
    last = 0
    for epoch in sorted(kept):
        if last + MEASURED_EVERY <= epoch <= epochs:
            chosen.add(epoch)
            last = epoch
    return sorted(chosen)


def is_tested(epoch: int, epochs: int) -> bool:
    """Tell whether the held-out points are measured at an epoch of so many: at first at all, then at every tenth.

    A measurement takes most of the time of a step: at every epoch it would nearly double that of a run.
    """
    return epoch <= TESTED_THROUGHOUT or epoch % TESTED_EVERY == 0 or epoch == epochs


def next_tested(epoch: int, epochs: int) -> int:
    """Return the first epoch after one of so many at which the held-out points are measured."""
    after = epoch + 1
    return after if after <= TESTED_THROUGHOUT else min(-(-after // TESTED_EVERY) * TESTED_EVERY, epochs)


def last_tested(epoch: int, epochs: int) -> int:
    """Return the last epoch up to one of so many at which the held-out points are measured."""
    return epoch if is_tested(epoch, epochs) else epoch // TESTED_EVERY * TESTED_EVERY


def shared_frame_epochs(runs: Sequence[tuple[int, int]]) -> list[int]:
    """Return the frame epochs of several runs, given as (epochs, frames), at which all that still run can be compared.

    They are those of the longest run, and the last one of every other.
    """
    return sorted({*frame_epochs(*max(runs)), *(epochs for epochs, _ in runs)})


def _progression(after: int, last: int, count: int) -> list[int]:
    """Return at most `count` whole numbers above `after`, growing geometrically to `last`."""
    spaced = np.rint(np.geomspace(max(after, 1), last, count + 1)[1:]).astype(int)
    return [int(number) for number in np.unique(spaced) if number > after]
