"""What it costs to find saved arrays that were changed: a training step with and without.

OMP_NUM_THREADS=1 python -m benchmarks.changes
"""

import statistics
from contextlib import ExitStack
from unittest.mock import patch

from benchmarks.operations import ROUNDS, microseconds
from benchmarks.training.contestants.eager import make_step
from benchmarks.training.work import SIZES, rows_of


def main() -> None:
    """Measure both in turn and print the medians."""
    step = make_step(rows_of(*SIZES[0])[0])
    step()
    with_check, without = [], []
    for _ in range(2 * ROUNDS):
        with_check.append(microseconds(step))
        with ExitStack() as stack:
            stack.enter_context(patch("autodiff.function.stamp", lambda value: None))
            stack.enter_context(patch("autodiff.function.is_reachable", lambda value: False))
            stack.enter_context(patch("autodiff.graph.check_unchanged", lambda *arguments: None))
            without.append(microseconds(step))
    ratio = statistics.median(with_check) / statistics.median(without)
    print(f"with the check {statistics.median(with_check):.1f} us, without {statistics.median(without):.1f} us")
    print(f"it costs {ratio - 1:.1%} of a step")


if __name__ == "__main__":
    main()
