import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812

X = np.random.default_rng(0).normal(size=(2, 3, 6, 8))


@pytest.mark.parametrize("kind", ["max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d"])
@pytest.mark.parametrize("settings", [(2,), (3, 2), (2, 1, 1)], ids=str)
def test_a_layer_is_its_function(kind, settings):
    name = "".join(part.capitalize() for part in kind.split("_"))
    np.testing.assert_array_equal(getattr(ad, name)(*settings)(X), getattr(F, kind)(X, *settings))


def test_the_text_of_a_layer_shows_its_settings():
    assert repr(ad.MaxPool2d(2, padding=1)) == "MaxPool2d(kernel_size=2, stride=2, padding=1)"
