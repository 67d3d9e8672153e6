"""The memory that a run will need, before it starts: an estimate that is never too low and little too high.

It is counted in arrays: what a step holds at once of its layers' outputs, of its parameters, and the networks that are
kept for the pictures. How many of each was measured: `python -m benchmarks.memory` compares the estimate with the peak
of whole runs.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

MEGABYTE = 1024**2
PROCESS = 112 * MEGABYTE  # Python, NumPy and the drawing libraries
POINT = 150  # bytes: the point itself, its label and its marker
FURTHER_FEATURE = 90  # of a point, beyond two: as text, as a number, scaled, in the run's dtype, and on the plane
# A step forwards and backwards holds the outputs of its largest layer so many times, and those of every layer.
LARGEST_LAYER = {"relu": 1.8, "sigmoid": 3.5, "tanh": 2.55}
EVERY_LAYER = {"relu": 1.4, "sigmoid": 1.3, "tanh": 1.25}
MEASURED_LAYER = {"relu": 2.3, "sigmoid": 3.1, "tanh": 2.6}  # a measurement only goes forwards
HELD_OUT_LAYER = {"relu": 1.6, "sigmoid": 2.65, "tanh": 1.6}  # and this one is made when there are no others yet
OTHERS = 3.0  # of the most that one of these takes, for kinds of layers of which no more is known
MOST_BESIDE = 36 * MEGABYTE  # of the lesser of training and measuring on held-out points: a larger one is given back
# While a captured step is checked, as it is now and then, there are copies of all that it changes.
LARGEST_WHILE_CHECKED = 9.0  # of the largest layer's parameters
WHILE_CHECKED = 4.0
OF_MOMENTUM = 4.0
OF_ADAM = 9.2
AFTERWARDS = 20.0


@dataclass(frozen=True)
class Needs:
    """The bytes that one run needs: at once while it trains, and kept from then on for the pictures."""

    training: int
    kept: int


def needs(
    *,
    kinds: Collection[str],
    widths: Sequence[int],
    points: int,
    test_points: int,
    batch: int,
    moments: float,
    itemsize: int,
    frames: int,
) -> Needs:
    """Return what a run needs.

    kinds: the activations by their names, and what other layers there are. widths: of all layers, from the features to
    the classes. points, test_points: that are trained on, and held out. batch: the points in a step.
    moments: of the optimizer, as OF_MOMENTUM and OF_ADAM. itemsize: bytes of a number.
    frames: the networks that are kept.
    """
    of_layers = [(inputs + 1) * outputs * itemsize for inputs, outputs in pairwise(widths)]
    parameters = sum(of_layers)
    largest = max(widths[1:])
    largest_layer, every_layer, measured, held_out_layer = (
        _most(table, kinds) for table in (LARGEST_LAYER, EVERY_LAYER, MEASURED_LAYER, HELD_OUT_LAYER)
    )
    step = (largest_layer * largest + every_layer * sum(widths)) * batch * itemsize
    if batch < points:
        step += measured * largest * points * itemsize
    held_out = held_out_layer * largest * test_points * itemsize
    step = max(step, held_out) + min(step, held_out, MOST_BESIDE)
    kept = frames * parameters
    every = WHILE_CHECKED + moments + frames
    checked = LARGEST_WHILE_CHECKED * max(of_layers) + every * parameters
    copies = max(checked, AFTERWARDS * parameters + 2 * kept)  # the kept ones once more, as they are written
    return Needs(
        round(step + copies + (POINT + FURTHER_FEATURE * max(0, widths[0] - 2)) * (points + test_points)), kept
    )


def _most(table: Mapping[str, float], kinds: Collection[str]) -> float:
    """Return the most that one of some kinds of layers takes; of none, as little as there is."""
    unknown = OTHERS * max(table.values())
    return max((table.get(name, unknown) for name in kinds), default=min(table.values()))


def together(runs: Sequence[Needs]) -> int:
    """Return the bytes that runs need one after the other in one process, each keeping its networks."""
    kept = peak = 0
    for run in runs:
        peak = max(peak, kept + run.training)
        kept += run.kept
    return PROCESS + max(peak, kept)


def gigabytes(count: int) -> str:
    """Return a number of bytes as people say it."""
    return f"{round(count / 1024**3, 1):g} GB"
