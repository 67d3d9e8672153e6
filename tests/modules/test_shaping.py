import numpy as np
import pytest

import autodiff as ad


@pytest.mark.parametrize(
    ("axes", "shape"),
    [((), (2, 60)), ((0,), (120,)), ((1, 2), (2, 12, 5)), ((-2, -1), (2, 3, 20)), ((2, 2), (2, 3, 4, 5))],
)
def test_flatten_makes_axes_one(axes, shape):
    x = np.arange(120.0).reshape(2, 3, 4, 5)
    for given in (x, ad.Tensor(x)):
        np.testing.assert_array_equal(np.asarray(ad.Flatten(*axes)(given)), x.reshape(shape))
    assert ad.Flatten()(np.zeros((0, 3, 2))).shape == (0, 6)


@pytest.mark.parametrize(("axes", "shape"), [((), (3,)), ((2, 1), (1, 2, 3)), ((0, 3), (2, 2)), ((-3,), (2, 2))])
def test_axes_that_an_input_does_not_have_are_an_error_that_names_the_layer(axes, shape):
    with pytest.raises(ValueError, match=r"Flatten\(start_dim=.*\) takes an input .* that has these axes.*found \("):
        ad.Flatten(*axes)(ad.Tensor(np.zeros(shape)))


def test_identity_returns_what_it_is_given():
    x = ad.Tensor([1.0])
    assert ad.Identity()(x) is x
