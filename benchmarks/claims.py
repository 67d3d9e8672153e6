"""What holds over seeds of four claims that are often made of these networks, each with its figure.

Run it from the root of the repository on the records of a study, as `adrun compare --all --seeds 20` leaves them:
`python -m benchmarks.claims [RESULTS]`.
"""

import sys
from pathlib import Path

import numpy as np

from autodiff.experiment.runs.recall import recalled
from autodiff.experiment.runs.record import is_record, read_record
from autodiff.experiment.training.training import Training

NAMES = ("relu-adam", "relu-sgd", "sigmoid-adam", "sigmoid-sgd")
INNER = 0.5  # the radius of the inner half of each arm, where the arms are close to each other
LEVEL = 0.95


def main() -> None:
    results = Path(sys.argv[1] if len(sys.argv) > 1 else "results")
    headings = "config", "epochs to 95 %", "epochs in which the loss rises, %", "inner accuracy by epoch 1,000, %"
    print(f"| {' | '.join(headings)} | inner and outer accuracy at the end, % |")
    print("|---|---:|---:|---:|---:|")
    for name in NAMES:
        folders = [folder for folder in results.glob(f"{name},seed=*") if is_record(folder)]
        trainings = [recalled(read_record(folder)) for folder in sorted(folders)]
        figures = np.array([figures_of(training) for training in trainings])
        lower, median, upper = np.quantile(figures, [0.1, 0.5, 0.9], axis=0, method="inverted_cdf")
        cells = [f"{m:,.3g} ({a:,.3g} to {b:,.3g})" for a, m, b in zip(lower, median, upper, strict=True)]
        print(f"| {name}, {len(trainings)} seeds | {' | '.join(cells[:3])} | {', '.join(cells[3:])} |")


def figures_of(training: Training) -> list[float]:
    """Return the epochs to 95 % held-out accuracy, the share of rising losses, and accuracies in per cent."""
    accuracy = training.curves["test_accuracy"]
    reached = accuracy >= LEVEL
    epochs = float(reached.argmax()) if reached.any() else np.inf
    rises = 100 * float(np.mean(np.diff(training.loss) > 0))
    early = max(epoch for epoch in training.snapshots if epoch <= 1000)
    last = max(training.snapshots)
    return [epochs, rises, inner(training, early), inner(training, last), inner(training, last, outer=True)]


def inner(training: Training, epoch: int, outer: bool = False) -> float:
    """Return the accuracy, in per cent, on the held-out points nearer to the centre than INNER, or farther."""
    points = training.held_out
    assert points is not None
    chosen = (np.hypot(*points.features.T) < INNER) != outer
    found = training.snapshots[epoch](points.features[chosen]).argmax(axis=1)
    return 100 * float(np.mean(found == points.labels[chosen]))


if __name__ == "__main__":
    main()
