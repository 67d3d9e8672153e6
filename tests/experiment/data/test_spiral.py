import numpy as np

from autodiff.experiment.data.spiral import arms, held_out_arms


def test_without_noise_the_arms_are_the_formula() -> None:
    features, labels = arms(3, 5, 0.0, np.random.default_rng(0))
    assert features.shape == (15, 2)
    assert labels.tolist() == [0] * 5 + [1] * 5 + [2] * 5
    for arm in range(3):
        for i in range(5):
            radius, angle = i / 4, 4 * (arm + i / 4)
            np.testing.assert_allclose(
                features[5 * arm + i], [radius * np.sin(angle), radius * np.cos(angle)], atol=1e-15
            )


def test_noise_turns_points_but_keeps_their_radius() -> None:
    features, _ = arms(4, 1000, 0.2, np.random.default_rng(0))
    radius = np.tile(np.linspace(0, 1, 1000), 4)
    np.testing.assert_allclose(np.hypot(*features.T), radius, atol=1e-12)
    clean, _ = arms(4, 1000, 0.0, np.random.default_rng(0))
    turned = np.angle(features[:, 0] + 1j * features[:, 1]) - np.angle(clean[:, 0] + 1j * clean[:, 1])
    turned = (turned[radius > 0] + np.pi) % (2 * np.pi) - np.pi
    assert abs(turned.mean()) < 0.02
    assert abs(turned.std() - 0.2) < 0.01


def test_the_generator_decides_the_points() -> None:
    first, again, other = (arms(3, 50, 0.2, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_held_out_points_are_of_the_same_arms_at_radii_of_their_own() -> None:
    features, labels = held_out_arms(3, 2000, 0.2, np.random.default_rng(0))
    assert np.bincount(labels).tolist() == [2000] * 3
    radius = np.hypot(*features.T)
    trained_on = np.hypot(*arms(3, 2000, 0.2, np.random.default_rng(1)).features.T)
    assert not np.isclose(radius[:, None], np.unique(trained_on)[[0, -1]], rtol=0, atol=1e-9).any()
    for arm in range(3):
        of_arm = np.sort(radius[labels == arm])
        assert np.abs(of_arm - (np.arange(2000) + 0.5) / 2000).max() < 1.63 / np.sqrt(2000)  # Kolmogorov's at 1 %
    angle = np.arctan2(*features.T)
    turned = (angle - 4 * (labels + radius) + np.pi) % (2 * np.pi) - np.pi
    assert abs(turned.mean()) < 0.01
    assert abs(turned.std() - 0.2) < 0.01


def test_without_noise_held_out_points_lie_on_the_formula() -> None:
    features, labels = held_out_arms(4, 50, 0.0, np.random.default_rng(0))
    radius = np.hypot(*features.T)
    angle = 4 * (labels + radius)
    np.testing.assert_allclose(features, np.column_stack([radius * np.sin(angle), radius * np.cos(angle)]), atol=1e-14)
