from itertools import pairwise

import pytest

from autodiff.experiment.training.schedule import frame_epochs, health_epochs, is_tested, last_tested, next_tested


def test_ten_thousand_epochs_begin_densely_and_go_on_in_geometric_progression() -> None:
    epochs = frame_epochs(10_000, 60)
    assert epochs[:5] == [0, 1, 2, 4, 5]
    assert epochs[-1] == 10_000
    assert 50 <= len(epochs) <= 60
    ratios = [after / before for before, after in pairwise(epochs[25:])]
    assert max(ratios) / min(ratios) < 1.1
    assert sum(epoch <= 500 for epoch in epochs) > len(epochs) / 2


@pytest.mark.parametrize("frames", [2, 3, 4, 5, 10, 60, 1000])
@pytest.mark.parametrize("epochs", [1, 2, 3, 4, 5, 7, 59, 60, 61, 100, 1000, 1_000_000])
def test_frames_are_within_the_run_and_no_more_than_asked_for(epochs: int, frames: int) -> None:
    chosen = frame_epochs(epochs, frames)
    assert chosen == sorted(set(chosen))
    assert chosen[0] == 0
    assert chosen[-1] == epochs
    assert min(epochs + 1, frames) * 0.6 <= len(chosen) <= max(frames, 2)


def test_a_short_run_keeps_every_epoch() -> None:
    assert frame_epochs(5, 60) == [0, 1, 2, 3, 4, 5]


def test_held_out_points_are_measured_at_every_epoch_at_first_then_at_every_tenth_and_at_the_last() -> None:
    assert [epoch for epoch in range(134) if is_tested(epoch, 133)] == [*range(101), 110, 120, 130, 133]
    assert all(is_tested(epoch, 50) for epoch in range(51))


@pytest.mark.parametrize("epochs", [50, 100, 130, 133])
def test_the_next_and_the_last_test_are_those_nearest_by(epochs: int) -> None:
    tested = [epoch for epoch in range(epochs + 1) if is_tested(epoch, epochs)]
    for epoch in range(epochs):
        assert next_tested(epoch, epochs) == min(other for other in tested if other > epoch)
        assert last_tested(epoch, epochs) == max(other for other in tested if other <= epoch)


def test_health_is_measured_at_powers_of_two_at_the_end_and_where_networks_are_kept_not_too_near_each_other() -> None:
    powers = [2**k for k in range(11)]
    kept = [0, 3, 399, 450, 800, 860, 1300, 1900]
    assert health_epochs(1300, kept) == sorted([0, *powers, 450, 860, 1300])
    assert health_epochs(1, [0, 1]) == [0, 1]
    assert health_epochs(1300, range(1301)) == sorted([0, *powers, 400, 800, 1200, 1300])
