"""Whether the statistics of many seeds keep what they promise: a simulation.

Run it from the root of the repository, with SciPy: `python -m benchmarks.coverage [SIMULATIONS]`. In every simulation n
numbers are drawn whose true median is 0. Taken as a config's results, the 95 % interval of `summary` should hold 0 in
95 % of simulations. Taken as differences between two configs of which neither is better, the verdict of `compare`
should claim one in at most 5 %. Beside it are two rules that could stand in its place: that the interval of the median
difference excludes 0, and Wilcoxon's signed-rank test. Last, how often the verdict finds a true difference of 1, which
is one standard deviation.
"""

import sys
import warnings
from collections.abc import Callable
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from autodiff.experiment.studies.statistics import LEVEL, compare, summary

SIMULATIONS = 2_000
SEEDS = (3, 5, 6, 10, 20)
Numbers = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Numbers]
DISTRIBUTIONS: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "skewed": lambda rng, n: rng.exponential(size=n) - np.log(2),
    "tied": lambda rng, n: np.rint(rng.normal(size=n)),  # 38 % are 0
}


def main() -> None:
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else SIMULATIONS
    print("| seeds | numbers | interval holds | verdict claims | interval claims | Wilcoxon claims | verdict finds |")
    print("|---:|---|---:|---:|---:|---:|---:|")
    for seeds in SEEDS:
        for name, draw in DISTRIBUTIONS.items():
            rng = np.random.default_rng(seeds)
            shares = np.mean([simulated(draw(rng, seeds)) for _ in range(simulations)], axis=0)
            print(f"| {seeds} | {name} |", " | ".join(f"{share:.1%}" for share in shares), "|", flush=True)


def simulated(numbers: Numbers) -> tuple[bool, ...]:
    interval = summary(numbers.tolist()).interval
    assert interval is not None
    holds = interval[0] <= 0 <= interval[1]
    return holds, claims(numbers), not holds, wilcoxon_rejects(numbers), claims(numbers + 1)


def claims(differences: Numbers) -> bool:
    comparison = compare(differences.tolist(), [0.0] * len(differences), smaller_is_better=False)
    return comparison.verdict.outcome != "cannot tell"


def wilcoxon_rejects(differences: Numbers) -> bool:
    if not differences.any():
        return False
    sizes = np.abs(differences)
    tied = not sizes.all() or len(np.unique(sizes)) < len(sizes)
    with warnings.catch_warnings(action="ignore"):  # of few numbers that differ
        test = import_module("scipy.stats").wilcoxon(differences, method="asymptotic" if tied else "exact")
    return bool(test.pvalue <= LEVEL)


if __name__ == "__main__":
    main()
