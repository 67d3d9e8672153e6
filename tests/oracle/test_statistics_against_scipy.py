"""Intervals and p-values beside SciPy's: the same resamples where it takes our generator, the same limits where not."""

import numpy as np
import pytest
from scipy import stats

from autodiff.experiment.studies import statistics

SAMPLES = {
    "normal": lambda rng, n: np.abs(rng.normal(size=n)),
    "skewed": lambda rng, n: rng.exponential(size=n),
    "tied": lambda rng, n: rng.integers(0, 5, size=n).astype(float),
}


def sample(name, count, seed=0):
    return SAMPLES[name](np.random.default_rng(seed), count)


def bootstrapped(statistic, *samples, **options):
    """Return SciPy's percentile interval, from a generator like ours."""
    options = {"method": "percentile", "n_resamples": statistics.RESAMPLES, "vectorized": True} | options
    found = stats.bootstrap(samples, statistic, rng=np.random.default_rng(statistics.SEED), **options)
    return found.confidence_interval


@pytest.mark.parametrize("count", [2, 3, 5, 10, 21, 100])
@pytest.mark.parametrize("name", SAMPLES)
def test_the_interval_of_the_median(name, count):
    """Ours does not depend on the order of the numbers: SciPy gets them ordered, and draws the same ones."""
    values = np.sort(sample(name, count))
    np.testing.assert_allclose(statistics.summary(values).interval, bootstrapped(np.median, values), rtol=1e-12)


@pytest.mark.parametrize("count", [5, 10, 21])
@pytest.mark.parametrize("name", SAMPLES)
def test_paired_intervals(name, count):
    """SciPy keeps pairs together by itself."""
    a, b = sample(name, count, seed=1) + 1, 2 * sample(name, count, seed=2) + 1
    difference = lambda x, y, axis: np.median(x - y, axis=axis)
    ratio = lambda x, y, axis: np.median(y / x, axis=axis)
    improvement = lambda x, y, axis: np.mean((x < y) + (x == y) / 2, axis=axis)

    def expected(statistic, by):
        order = np.argsort(by, kind="stable")
        return bootstrapped(statistic, a[order], b[order], paired=True)

    found = statistics.compare(a, b, smaller_is_better=True)
    np.testing.assert_allclose(found.difference.interval, expected(difference, a - b), rtol=1e-12)
    np.testing.assert_allclose(statistics.ratio(a, b).interval, expected(ratio, b / a), rtol=1e-12)
    np.testing.assert_allclose(found.probability.interval, expected(improvement, np.sign(b - a)), rtol=1e-12)


@pytest.mark.parametrize(("m", "n"), [(8, 8), (10, 15)])
def test_the_probability_of_improvement_of_independent_runs(m, n):
    """It is the statistic of Mann and Whitney, a share of all pairs."""
    a, b = sample("normal", m, seed=1), sample("normal", n, seed=2) - 0.2
    share = lambda x, y, axis: stats.mannwhitneyu(x, y, axis=axis).statistic / (m * n)
    found = statistics.probability_of_improvement(a, b, smaller_is_better=False)
    assert found.value == pytest.approx(share(a, b, 0))
    np.testing.assert_allclose(found.interval, bootstrapped(share, a, b), atol=0.02)  # of other resamples


@pytest.mark.parametrize("seeds", [1, 5, 6, 20, 101])
def test_the_sign_test(seeds):
    for better in range(seeds + 1):
        expected = stats.binomtest(better, seeds).pvalue
        assert statistics.sign_test(better, seeds - better) == pytest.approx(expected, rel=1e-10)


def test_wilcoxon_agrees_where_all_differences_are_of_one_sign():
    """All of n differences are positive in one of 2^n cases, which is the extreme one for either test."""
    for seeds in (5, 6, 10, 20):
        expected = stats.wilcoxon(np.arange(1.0, seeds + 1), method="exact").pvalue
        assert statistics.sign_test(seeds, 0) == pytest.approx(expected)


def test_quantiles():
    values = sample("normal", 17)
    expected = stats.mstats.mquantiles(values, [0.25, 0.75], alphap=1, betap=1)  # type 7
    np.testing.assert_allclose(statistics.summary(values).quartiles, expected)
