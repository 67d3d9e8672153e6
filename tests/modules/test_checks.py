import numpy as np
import pytest

import autodiff as ad
from autodiff.modules.checks import check_shape, check_size


def test_a_size_is_an_integer_of_1_or_more():
    assert check_size("Layer", "features", np.int32(3)) == 3
    assert type(check_size("Layer", "features", np.int32(3))) is int
    for value in (0, -1):
        with pytest.raises(ValueError, match=f"Layer: features must be 1 or more, found {value}"):
            check_size("Layer", "features", value)
    for value in (1.0, "1", None, True):
        with pytest.raises(TypeError, match=f"Layer: features must be an integer, found {value!r}"):
            check_size("Layer", "features", value)


def test_a_shape_that_does_not_fit_names_the_layer_and_both_shapes():
    check_shape(ad.ReLU(), np.ones(3), "(n,)", True)
    with pytest.raises(ValueError, match=r"^ReLU\(\) takes an input of shape \(n,\), found \(2, 3\)$"):
        check_shape(ad.ReLU(), ad.Tensor(np.ones((2, 3))), "(n,)", False)
