import numpy as np
import pytest

from autodiff.experiment.pictures import Curve
from autodiff.experiment.pictures.quantiles import epochs_shown, over_seeds, quantiles


@pytest.mark.parametrize("seeds", [1, 2, 3, 10, 20, 101])
def test_percentiles_of_finite_numbers_are_numpys(seeds):
    values = np.random.default_rng(seeds).normal(size=(seeds, 7))
    np.testing.assert_allclose(quantiles(values), np.quantile(values, [0.1, 0.5, 0.9], axis=0), rtol=1e-14)


@pytest.mark.filterwarnings("error")
def test_next_to_an_infinite_number_a_percentile_is_the_nearer_one_and_in_doubt_the_infinite_one():
    values = np.array([[1, 1, 1, np.inf, -np.inf], [2, 2, np.inf, np.inf, -np.inf], [3, np.inf, np.inf, np.inf, 0]])
    low, median, high = quantiles(values).tolist()
    assert low == [pytest.approx(1.2), pytest.approx(1.2), 1, np.inf, -np.inf]
    assert median == [2, 2, np.inf, np.inf, -np.inf]
    assert high == [pytest.approx(2.8), np.inf, np.inf, np.inf, 0]
    assert quantiles(np.array([[1, -np.inf], [np.inf, 0]]))[1].tolist() == [np.inf, -np.inf]


@pytest.mark.parametrize("last", [0, 1, 2, 10, 499, 10_000, 10**6])
def test_epochs_that_are_shown_begin_at_0_end_with_the_last_and_are_at_most_as_many_as_pixels(last):
    epochs = epochs_shown(last)
    assert (epochs[0], epochs[-1]) == (0, last)
    assert (np.diff(epochs) > 0).all()
    assert len(epochs) <= 501
    assert set(range(min(last, 30) + 1)) <= set(epochs.tolist())


def test_a_run_that_has_ended_counts_with_its_last_values_and_one_that_diverged_as_the_worst():
    whole = Curve(np.arange(4), np.array([4.0, 3, 2, 1]), np.array([0.2, 0.3, 0.4, 0.5]))
    early = Curve(np.arange(2), np.array([4.0, 3.5]), np.array([0.2, 0.25]))
    diverged = Curve(np.arange(3), np.array([5.0, 6, np.nan]), np.array([0.1, 0.9, 0.9]))
    (_, loss, _), (_, accuracy, _) = over_seeds([whole, early, diverged], np.arange(4))
    assert loss.tolist() == [4, 3.5, 3.5, 3.5]
    assert accuracy.tolist() == [0.2, 0.3, 0.25, 0.25]
    (_, loss, _), (_, accuracy, _) = over_seeds([whole, diverged, diverged], np.arange(4))
    assert loss.tolist() == [5, 6, np.inf, np.inf]
    assert accuracy.tolist() == [0.1, 0.9, -np.inf, -np.inf]


def test_a_curve_that_was_measured_now_and_then_counts_with_what_was_measured_last():
    sparse = Curve(np.array([0, 2]), np.array([4.0, 2.0]), np.array([0.2, 0.4]))
    (_, loss, _), _ = over_seeds([sparse], np.arange(5))
    assert loss.tolist() == [4, 4, 2, 2, 2]
