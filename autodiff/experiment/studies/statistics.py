"""What the numbers of several seeds say: their spread, two configs seed by seed, and whether a difference can be told.

Numbers in, numbers out. `inf` stands for an epoch that never came: later than all that did. Infinities are ordered
and counted like any other number; a quantile that falls between a finite number and an infinite one is the infinite
one, and between -inf and inf it is 0. NaN is refused: the caller says how bad a diverged run is.

Intervals are percentile bootstrap intervals (Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13)
from a generator of fixed seed, and do not depend on the order of the numbers. They are called 95 % intervals, but of
fewer than six numbers not even smallest to largest holds the median so often, only in a share of 1 - 2^(1 - n).
`python -m benchmarks.coverage` measures them.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
AT_ONCE = 1_000
"""Resamples in memory."""
SEED = 0
ENDS = (0.025, 0.975)
LEVEL = 0.05
"""How often a comparison may claim a difference where there is none. Each has its own chance: of many, some will."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval, None where it rests on one seed."""

    value: float
    interval: Interval | None


@dataclass(frozen=True)
class Summary:
    """The spread of a config's seeds. The interval is that of the median."""

    seeds: int
    median: float
    interval: Interval | None
    quartiles: Interval


@dataclass(frozen=True)
class Verdict:
    """What can be told of A beside B, and from what."""

    outcome: Literal["better", "worse", "cannot tell"]
    why: str


@dataclass(frozen=True)
class Comparison:
    """A beside B, with the same seeds."""

    smaller_is_better: bool
    seeds: int
    better: int
    """Seeds in which A is better than B."""
    worse: int
    infinite: tuple[int, int]
    """Seeds in which A's number is infinite, and in which B's is."""
    difference: Estimate
    """The median of A's number less B's. It is 0 where both are infinite."""
    ratio: Estimate | None
    """`ratio(a, b)`, or `ratio(b, a)` where B is better in more seeds: how many times sooner, lower."""
    probability: Estimate
    """That A improves on B with the same seed: the share of seeds in which it does, ties counting a half.

    Agarwal et al. (2021) take every run of A with every run of B, as their runs are independent. Here the two runs of
    a seed share their data, and what the data do would count as noise across seeds. `probability_of_improvement` is
    the paper's.
    """
    p_value: float
    """Of the sign test."""
    verdict: Verdict

    @property
    def ties(self) -> int:
        """Seeds in which neither is better."""
        return self.seeds - self.better - self.worse


def summary(values: Sequence[float]) -> Summary:
    """Return the spread of these numbers, one a seed. Raises ValueError for NaN and for none at all."""
    ordered = np.sort(_numbers(values))
    median = _median(ordered)
    return Summary(len(ordered), median.value, median.interval, (_quantile(ordered, 0.25), _quantile(ordered, 0.75)))


def compare(a: Sequence[float], b: Sequence[float], *, smaller_is_better: bool) -> Comparison:
    """Return what the numbers of A and B say of each other; those of one place have one seed.

    Raises ValueError for NaN, for none at all, and where A and B have not equally many.
    """
    first, second = _pairs(a, b)
    with np.errstate(invalid="ignore", over="ignore"):
        differences = np.where(first == second, 0.0, first - second)
    gains = -differences if smaller_is_better else differences
    better, worse = int(np.sum(gains > 0)), int(np.sum(gains < 0))
    difference = _median(differences)
    p_value = sign_test(better, worse)
    return Comparison(
        smaller_is_better=smaller_is_better,
        seeds=len(gains),
        better=better,
        worse=worse,
        infinite=(int(np.sum(np.isinf(first))), int(np.sum(np.isinf(second)))),
        difference=difference,
        ratio=ratio(a, b) if better >= worse else ratio(b, a),
        probability=_mean_of_scores((1 + np.sign(gains)) / 2),
        p_value=p_value,
        verdict=_verdict(better, worse, len(gains), difference.interval, p_value),
    )


def ratio(a: Sequence[float], b: Sequence[float]) -> Estimate | None:
    """Return the median of b / a over pairs: how many times sooner A gets there.

    A pair in which both are infinite says nothing and is left out. Where only b is, or only a is 0, the ratio is inf;
    where only a is, 0; where both are 0, 1. None if no pair is left, or if a number is negative.
    """
    first, second = _pairs(a, b)
    told = np.isfinite(first) | np.isfinite(second)
    if min(first.min(), second.min()) < 0 or not told.any():
        return None
    first, second = first[told], second[told]
    with np.errstate(all="ignore"):
        return _median(np.where(first == second, 1.0, second / first))


def probability_of_improvement(a: Sequence[float], b: Sequence[float], *, smaller_is_better: bool) -> Estimate:
    """Return the probability that a run of A improves on an independent run of B: the share of all n x m pairs.

    Ties count a half; both sides are resampled, each by itself. Source: Agarwal et al. (2021), Deep Reinforcement
    Learning at the Edge of the Statistical Precipice, section 4.3. Raises ValueError for NaN and for none at all.
    """
    first, second = _numbers(a), _numbers(b)
    more, less = (second, first[:, None]) if smaller_is_better else (first[:, None], second)
    scores = (more > less) + 0.5 * (more == less)
    if scores.size == 1:
        return Estimate(float(scores.mean()), None)
    both = zip(_draws(len(first), SEED), _draws(len(second), SEED + 1), strict=True)
    sums = [np.sum(_times_drawn(rows) @ scores * _times_drawn(columns), axis=1) for rows, columns in both]
    return Estimate(float(scores.mean()), _interval(np.concatenate(sums) / scores.size))


def sign_test(better: int, worse: int) -> float:
    """Return how often a fair coin falls at least so unevenly to either side: the two-sided p-value, exact.

    It holds for any distribution, with infinities, and ties are left out. Source: Conover (1999), Practical
    Nonparametric Statistics, section 3.4.
    """
    tosses = better + worse
    tail = ways = 1
    for k in range(min(better, worse)):  # math.comb would begin anew for every k
        ways = ways * (tosses - k) // (k + 1)
        tail += ways
    return min(1.0, float(2 * tail / 2**tosses))


def _verdict(better: int, worse: int, seeds: int, interval: Interval | None, p_value: float) -> Verdict:
    """Claim a difference where the sign test and the interval of the differences both do.

    The interval alone claims too often with few seeds. The test by itself keeps to its level, and rejects nothing with
    fewer than six seeds; the interval sees to it that most seeds differ at all.
    """
    if interval is None:
        return Verdict("cannot tell", "one seed: no spread")
    if (by_chance := sign_test(seeds, 0)) > LEVEL:
        why = f"{seeds} seeds are too few: by chance alone one of two wins them all in {by_chance:.1%} of cases"
        return Verdict("cannot tell", why)
    if interval[0] <= 0 <= interval[1]:
        return Verdict("cannot tell", "the 95 % interval of the paired differences holds 0")
    if p_value > LEVEL:
        return Verdict("cannot tell", f"sign test: p = {p_value:.2g}")
    why = f"sign test: p = {p_value:.2g}, and the 95 % interval of the paired differences does not hold 0"
    return Verdict("better" if better > worse else "worse", why)


def _numbers(values: Sequence[float]) -> Floats:
    numbers = np.array(values, np.float64)
    if numbers.ndim != 1 or not numbers.size or np.isnan(numbers).any():
        raise ValueError(f"expected a list of one or more numbers, none of them NaN, found {values!r}")
    return numbers


def _pairs(a: Sequence[float], b: Sequence[float]) -> tuple[Floats, Floats]:
    if len(a) != len(b):
        raise ValueError(f"expected as many numbers of A as of B, found {len(a)} and {len(b)}")
    return _numbers(a), _numbers(b)


def _median(numbers: Floats) -> Estimate:
    ordered = np.sort(numbers)
    value = _quantile(ordered, 0.5)
    if len(ordered) == 1:
        return Estimate(value, None)
    lower, upper = ordered[_middle_ranks(len(ordered))]
    return Estimate(value, _interval(_between(lower, upper, 0.5)))


def _mean_of_scores(scores: Floats) -> Estimate:
    """Return the mean of numbers that are 0, 1/2 or 1, whose sums are exact in any order."""
    if len(scores) == 1:
        return Estimate(float(scores[0]), None)
    ordered = np.sort(scores)
    means = np.concatenate([ordered[ranks].mean(axis=1) for ranks in _draws(len(scores), SEED)])
    return Estimate(float(scores.mean()), _interval(means))


def _interval(resampled: Floats) -> Interval:
    ordered = np.sort(resampled)
    return _quantile(ordered, ENDS[0]), _quantile(ordered, ENDS[1])


def _quantile(ordered: Floats, level: float) -> float:
    """Return a quantile of ordered numbers as NumPy's default does (type 7 of Hyndman and Fan 1996), but never NaN."""
    position = level * (len(ordered) - 1)
    below = math.floor(position)
    return float(_between(ordered[below], ordered[math.ceil(position)], position - below))


def _between(lower: Any, upper: Any, part: float) -> Floats:
    """Return what lies at this part of the way; the module's text says what that is where one end is infinite."""
    with np.errstate(invalid="ignore"):
        found = lower * (1 - part) + upper * part
    return np.where(lower == upper, lower, np.where(np.isnan(found), 0.0, found))


def _draws(count: int, seed: int) -> Iterator[Integers]:
    """Yield the indices of RESAMPLES resamples with replacement, a resample a row, some rows at a time."""
    generator = np.random.default_rng(seed)
    for _ in range(RESAMPLES // AT_ONCE):
        yield generator.integers(0, count, (AT_ONCE, count))


@lru_cache(maxsize=8)
def _middle_ranks(count: int) -> Integers:
    """Return which of the ordered numbers are the middle two of each resample, (2, RESAMPLES); of odd ones the same."""
    middle = [(count - 1) // 2, count // 2]
    return np.concatenate([np.sort(ranks, axis=1)[:, middle] for ranks in _draws(count, SEED)]).T


def _times_drawn(indices: Integers) -> Floats:
    """Return how often each number was drawn in each resample. As floats, whose products are exact here too."""
    rows, count = indices.shape
    flat = (indices + count * np.arange(rows)[:, None]).ravel()
    return np.bincount(flat, minlength=rows * count).reshape(rows, count).astype(np.float64)
