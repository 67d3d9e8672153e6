import numpy as np
import pytest

from autodiff.experiment.pictures.swarm import block, swarm


def nearest(across, up):
    distance = np.hypot(across[:, None] - across, up[:, None] - up)
    return distance[~np.eye(len(across), dtype=bool)].min(initial=np.inf)


@pytest.mark.parametrize("count", [1, 2, 3, 20, 100])
@pytest.mark.parametrize("kinds", [1, 5, 1000])
def test_no_dot_covers_another_and_those_alone_stay_on_the_line(count, kinds):
    rng = np.random.default_rng(count)
    places = rng.integers(0, kinds, count) * 200.0 / kinds
    offsets = swarm(places, 6.0)
    assert nearest(places, offsets) >= 6 - 1e-6
    distance = np.abs(places[:, None] - places)
    alone = np.count_nonzero(distance < 6, axis=1) == 1
    assert (offsets[alone] == 0).all()
    assert np.abs(offsets).max() <= 6 * count / 2
    np.testing.assert_array_equal(swarm(places, 6.0), offsets)


def test_equal_numbers_are_stacked_evenly_around_the_line():
    assert sorted(swarm(np.full(5, 3.0), 2.0).tolist()) == [-4, -2, 0, 2, 4]


@pytest.mark.parametrize("count", [0, 1, 2, 7, 20, 100, 1000])
def test_a_block_is_centred_within_its_width_and_its_dots_do_not_cover_each_other(count):
    across, up = block(count, 5.0, 76.0)
    assert len(across) == len(up) == count
    assert nearest(across, up) >= 5 - 1e-9
    assert np.abs(across).max(initial=0) <= 38
    if count:
        assert up.max() == -up.min()
        assert across.mean() == pytest.approx(0)
