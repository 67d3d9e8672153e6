import numpy as np

import autodiff as ad


def test_activations_are_the_functions():
    x = ad.Tensor([[-1.0, 0.0, 2.0]])
    np.testing.assert_array_equal(ad.ReLU()(x).data, [[0, 0, 2]])
    np.testing.assert_array_equal(ad.Sigmoid()(x).data, ad.functional.sigmoid(x).data)
    np.testing.assert_array_equal(ad.Tanh()(x).data, np.tanh(x.data))
    np.testing.assert_array_equal(ad.Softmax()(x).data, ad.functional.softmax(x).data)
    np.testing.assert_array_equal(ad.Softmax(axis=0)(x).data, [[1, 1, 1]])
