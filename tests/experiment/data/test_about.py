import json

import numpy as np

from autodiff.experiment.data.about import NOTHING, About, Scaling


def test_features_are_standardised_and_back():
    features = np.random.default_rng(0).normal([3, -1e6, 0], [0.01, 1e3, 5], size=(500, 3))
    scaling = Scaling.of(features)
    scaled = scaling.apply(features)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-12)
    np.testing.assert_allclose(scaling.undo(scaled), features, rtol=1e-12)
    np.testing.assert_allclose(scaling.deviation, np.sqrt(np.var(features, axis=0)), rtol=1e-12)


def test_a_constant_feature_becomes_zero():
    features = np.column_stack([np.full(1000, 0.1), np.arange(1000.0)])
    scaled = Scaling.of(features).apply(features)
    assert np.abs(scaled[:, 0]).max() < 1e-12
    assert np.isfinite(scaled).all()


def test_what_is_known_is_kept_as_plain_values():
    about = About(("a", "b"), ("yes", "no"), Scaling((0.1, 1e-30), (2.0, 3.0)))
    assert About.of_plain(json.loads(json.dumps(about.plain()))) == about
    assert About.of_plain(json.loads(json.dumps(NOTHING.plain()))) == NOTHING
