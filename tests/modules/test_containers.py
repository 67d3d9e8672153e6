import numpy as np

import autodiff as ad


def rng():
    return np.random.default_rng(0)


def test_layers_of_sequential_are_named_by_number():
    model = ad.Sequential(ad.Linear(2, 3, rng=rng()), ad.ReLU(), ad.Sequential(ad.Linear(3, 1, rng=rng())))
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.0.weight", "2.0.bias"]
