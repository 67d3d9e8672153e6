"""Infinities, ties and few seeds, by hand. tests/oracle/ compares intervals and p-values with SciPy."""

import itertools
import math
import statistics as standard

import numpy as np
import pytest

from autodiff.experiment.studies.statistics import compare, probability_of_improvement, ratio, sign_test, summary

INF = math.inf
NAN = math.nan


def drawn(count, seed=0):
    return np.random.default_rng(seed).normal(size=count).tolist()


# Summaries


@pytest.mark.parametrize("count", [2, 3, 4, 5, 20, 21])
def test_median_and_quartiles_are_those_of_the_standard_library(count):
    values = drawn(count)
    found = summary(values)
    assert found.seeds == count
    first, median, third = standard.quantiles(values, n=4, method="inclusive")
    np.testing.assert_allclose([found.quartiles[0], found.median, found.quartiles[1]], [first, median, third])


def test_the_interval_holds_the_median_and_shrinks_with_more_seeds():
    widths = []
    for count in (10, 100, 1000):
        found = summary(drawn(count))
        assert found.interval is not None
        assert found.interval[0] < found.median < found.interval[1]
        widths.append(found.interval[1] - found.interval[0])
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


def test_medians_are_resampled_as_often_as_counting_says():
    """Of 27 resamples of three numbers, 7 have the smallest as their median, 13 the middle one, 7 the largest.

    So the ends of the interval, at 2.5 and 97.5 %, are the smallest and the largest. Of nine numbers, the median of a
    resample is the r-th or a smaller one if five or more of nine draws are.
    """
    assert summary([1, 2, 4]).interval == (1, 4)
    share = [sum(math.comb(9, k) * r**k * (9 - r) ** (9 - k) for k in range(5, 10)) / 9**9 for r in range(9)]
    assert share[1] < 0.025 < share[2]
    assert summary([1, 2, 3, 4, 5, 6, 7, 8, 9]).interval == (2, 8)


def test_the_interval_of_an_even_number_is_that_of_all_its_resamples():
    values = [1, 2, 4, 8, 16, 32]
    medians = np.median(list(itertools.product(values, repeat=6)), axis=1)
    assert summary(values).interval == tuple(np.quantile(medians, [0.025, 0.975]))


def test_one_value_has_no_interval():
    found = summary([3.5])
    assert (found.median, found.quartiles, found.interval) == (3.5, (3.5, 3.5), None)


@pytest.mark.parametrize("values", [[1, 2, 3, 9, 27, 81], [5, 5, 5, 1], [INF, 1, 2, INF, INF]])
def test_the_order_of_seeds_changes_nothing(values):
    assert summary(values) == summary(values[::-1]) == summary(sorted(values))
    assert summary(values) == summary(np.array(values))


@pytest.mark.parametrize(
    ("values", "median", "quartiles"),
    [
        ([1, 2, INF], 2, (1.5, INF)),
        ([1, INF, INF], INF, (INF, INF)),
        ([1, 2, 3, INF], 2.5, (1.75, INF)),
        ([1, 2, INF, INF], INF, (1.75, INF)),
        ([INF, INF], INF, (INF, INF)),
        ([-INF, 1, 2], 1, (-INF, 1.5)),
        ([-INF, INF], 0, (0, 0)),
        ([1, 2, 3, 4, INF], 3, (2, 4)),
    ],
)
def test_what_never_came_is_later_than_all_that_did(values, median, quartiles):
    found = summary(values)
    assert (found.median, found.quartiles) == (median, quartiles)
    assert found.interval is not None
    assert not any(math.isnan(end) for end in found.interval)


def test_the_interval_reaches_as_far_as_never():
    values = [10, 20, 30, 40, 50, INF, INF, INF]
    assert summary(values).interval == (summary([10, 20, 30, 40, 50, 60, 70, 80]).interval[0], INF)
    assert summary([INF] * 5).interval == (INF, INF)


@pytest.mark.parametrize("values", [[], [1, NAN], [[1, 2]]])
def test_nan_and_nothing_are_refused(values):
    with pytest.raises(ValueError, match="expected a list of one or more numbers, none of them NaN, found"):
        summary(values)
    with pytest.raises(ValueError, match="expected a list"):
        compare(values, values, smaller_is_better=True)
    with pytest.raises(ValueError, match="expected a list"):
        probability_of_improvement([1], values, smaller_is_better=True)


# Pairs


def test_unequal_numbers_of_seeds_are_refused():
    with pytest.raises(ValueError, match="as many numbers of A as of B, found 2 and 1"):
        compare([1, 2], [1], smaller_is_better=True)
    with pytest.raises(ValueError, match="found 1 and 2"):
        ratio([1], [1, 2])


def test_wins_and_ties_are_counted():
    found = compare([1, 2, 3, INF, INF, 4], [2, 2, 1, INF, 5, INF], smaller_is_better=True)
    assert (found.seeds, found.better, found.worse, found.ties) == (6, 2, 2, 2)
    assert found.infinite == (2, 2)
    assert found.probability.value == 0.5
    assert found.difference.value == 0
    assert compare([1, 2, 3], [2, 2, 4], smaller_is_better=False).worse == 2


@pytest.mark.parametrize("smaller_is_better", [True, False])
def test_the_other_way_round_says_the_opposite(smaller_is_better):
    a, b = drawn(20), [value + 2 for value in drawn(20, seed=1)]
    one = compare(a, b, smaller_is_better=smaller_is_better)
    other = compare(b, a, smaller_is_better=smaller_is_better)
    assert {one.verdict.outcome, other.verdict.outcome} == {"better", "worse"}
    assert (one.verdict.outcome == "better") is smaller_is_better
    assert (one.better, one.worse, one.p_value) == (other.worse, other.better, other.p_value)
    assert one.difference.value == -other.difference.value
    assert one.probability.value == 1 - other.probability.value


def test_the_difference_is_that_of_pairs():
    seeds = np.arange(20) * 100.0
    found = compare(seeds + 1, seeds, smaller_is_better=False)
    assert (found.difference.value, found.difference.interval) == (1, (1, 1))
    assert found.verdict.outcome == "better"
    assert probability_of_improvement(seeds + 1, seeds, smaller_is_better=False).value == (190 + 20) / 400


def test_the_probability_of_improvement_takes_every_pair():
    a, b = [1, 2, 3, INF], [2, INF, 0]
    scores = [0.5 if x == y else float(x < y) for x, y in itertools.product(a, b)]
    assert probability_of_improvement(a, b, smaller_is_better=True).value == sum(scores) / 12
    assert probability_of_improvement(a, b, smaller_is_better=False).value == (12 - sum(scores)) / 12
    found = probability_of_improvement(a, b, smaller_is_better=True)
    assert found.interval is not None
    assert 0 <= found.interval[0] < found.value < found.interval[1] <= 1
    assert probability_of_improvement([1], [2], smaller_is_better=True).interval is None


def test_independent_runs_are_resampled_independently():
    found = probability_of_improvement(drawn(10), drawn(10), smaller_is_better=True)
    assert found.interval is not None
    assert found.interval[0] < 0.4 < found.value == 0.5 < 0.6 < found.interval[1]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([10], [77], 7.7),
        ([1, 1, 1], [2, 3, 9], 3),
        ([1, 1, INF, INF], [2, 4, INF, INF], 3),  # where neither came nothing is said
        ([1, 1, 1], [INF, INF, 2], INF),
        ([INF, INF, 1], [1, 1, 2], 0),
        ([0, 0, 4], [0, 5, 4], 1),
        ([0], [5], INF),
    ],
)
def test_ratios(a, b, expected):
    found = ratio(a, b)
    assert found is not None
    assert found.value == pytest.approx(expected)
    assert (found.interval is None) == (len(a) == 1)


def test_no_ratio_is_told_where_neither_came_or_of_negative_numbers():
    assert ratio([INF, INF], [INF, INF]) is None
    assert ratio([1, 2], [-1, 2]) is None
    assert compare([INF], [INF], smaller_is_better=True).ratio is None


def test_a_single_pair_that_says_something_has_a_ratio_without_an_interval():
    found = ratio([1, INF], [3, INF])
    assert (found.value, found.interval) == (3, None)


def test_a_comparison_tells_how_many_times_the_better_is_ahead():
    a, b = [10, 20, 30, 40, 50, 60], [20, 40, 60, 80, 150, 180]
    for found in (compare(a, b, smaller_is_better=True), compare(b, a, smaller_is_better=True)):
        assert found.ratio is not None
        assert (found.ratio.value, found.ratio.interval) == (2, (2, 3))


# Verdicts


def test_the_sign_test_counts_coins():
    assert sign_test(5, 0) == 2 / 32
    assert sign_test(0, 6) == 2 / 64
    assert sign_test(3, 3) == sign_test(0, 0) == 1
    assert sign_test(15, 5) == sign_test(5, 15) == pytest.approx(0.04139, abs=1e-5)  # a table of the binomial
    assert sign_test(14, 6) == pytest.approx(0.11532, abs=1e-5)
    assert sign_test(5000, 5000) == 1


@pytest.mark.parametrize(
    ("gains", "outcome", "why"),
    [
        ([5], "cannot tell", "one seed: no spread"),
        (
            [1, 2, 3, 4, 5],
            "cannot tell",
            "5 seeds are too few: by chance alone one of two wins them all in 6.2% of cases",
        ),
        ([1, 2, 3, 4, 5, 6], "better", "p = 0.031, and the 95 % interval"),
        ([-1, -2, -3, -4, -5, -6], "worse", "p = 0.031, and the 95 % interval"),
        ([0] * 14 + [1] * 6, "cannot tell", "holds 0"),  # the sign test alone would reject
        ([9] * 8 + [-1] * 2, "cannot tell", "sign test: p = 0.11"),  # the interval alone would claim it
        ([1] * 15 + [-1] * 5, "better", "p = 0.041"),
        ([0] * 20, "cannot tell", "holds 0"),
        ([INF] * 6, "better", "p = 0.031"),
        ([INF] * 5 + [-INF] * 5, "cannot tell", "holds 0"),
    ],
)
def test_a_difference_is_claimed_where_test_and_interval_do(gains, outcome, why):
    found = compare(gains, [0] * len(gains), smaller_is_better=False).verdict
    assert found.outcome == outcome
    assert why in found.why


def test_at_most_one_in_twenty_claims_is_false():
    """Of all 2^n ways in which n coins fall, counted. A whole simulation is `python -m benchmarks.coverage`."""
    for seeds in (5, 6, 7, 8, 9, 12, 20):
        claims = 0
        for heads in range(seeds + 1):
            gains = [1] * heads + [-1] * (seeds - heads)
            found = compare(gains, [0] * seeds, smaller_is_better=False).verdict
            claims += math.comb(seeds, heads) * (found.outcome != "cannot tell")
        assert claims / 2**seeds <= 0.05
        assert (claims > 0) == (seeds >= 6)
