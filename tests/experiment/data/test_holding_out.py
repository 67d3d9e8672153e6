import numpy as np
import pytest

from autodiff.experiment.data.holding_out import counts_held_out, held_out_rows

LABELS = np.random.default_rng(0).permutation(np.repeat([0, 1, 2, 3], [100, 33, 2, 1]))


@pytest.mark.parametrize(
    ("fraction", "counts"),
    [(0.0, [0, 0, 0, 0]), (0.2, [20, 7, 0, 0]), (0.5, [50, 16, 1, 0]), (0.99, [99, 32, 1, 0])],
)
def test_every_class_holds_out_its_share_and_keeps_one(fraction, counts):
    assert counts_held_out(LABELS, fraction).tolist() == counts
    chosen = held_out_rows(LABELS, fraction, np.random.default_rng(1))
    assert np.bincount(LABELS[chosen], minlength=4).tolist() == counts


def test_the_generator_decides_and_every_point_has_the_same_chance():
    one, again, other = (held_out_rows(LABELS, 0.2, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    often = sum(held_out_rows(LABELS, 0.2, np.random.default_rng(seed)) for seed in range(1000))
    of_first = often[LABELS == 0]
    assert of_first.sum() == 20_000
    assert np.abs(of_first - 200).max() < 5 * np.sqrt(1000 * 0.2 * 0.8)
