import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.modules import activations

X = np.array([[-3.0, -1.0, -0.25, 0.0], [0.25, 1.0, 3.0, 30.0]])
FUNCTIONS = {
    "ReLU": (ad.ReLU(), F.relu),
    "LeakyReLU": (ad.LeakyReLU(0.2), lambda x: F.leaky_relu(x, 0.2)),
    "ELU": (ad.ELU(0.5), lambda x: F.elu(x, 0.5)),
    "SELU": (ad.SELU(), F.selu),
    "GELU": (ad.GELU(), F.gelu),
    "GELU by a tanh": (ad.GELU("tanh"), lambda x: F.gelu(x, "tanh")),
    "SiLU": (ad.SiLU(), F.silu),
    "Mish": (ad.Mish(), F.mish),
    "Softplus": (ad.Softplus(), F.softplus),
    "Hardtanh": (ad.Hardtanh(-0.5, 2.0), lambda x: F.hardtanh(x, -0.5, 2.0)),
    "Sigmoid": (ad.Sigmoid(), F.sigmoid),
    "LogSigmoid": (ad.LogSigmoid(), F.log_sigmoid),
    "Tanh": (ad.Tanh(), np.tanh),
    "Sine": (ad.Sine(), np.sin),
    "Softmax": (ad.Softmax(), F.softmax),
    "Softmax along an axis": (ad.Softmax(axis=0), lambda x: F.softmax(x, 0)),
    "LogSoftmax": (ad.LogSoftmax(0), lambda x: F.log_softmax(x, 0)),
    "Identity": (ad.Identity(), lambda x: x),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_activation_is_its_function_in_value_and_gradient(name, dtype):
    module, function = FUNCTIONS[name]
    for training in (True, False):
        one, other = (ad.Tensor(X, requires_grad=True, dtype=dtype) for _ in range(2))
        found, expected = module.train(training)(one), function(other)
        np.testing.assert_array_equal(found.data, expected.data)
        np.sum(found * X.astype(dtype)).backward()
        np.sum(expected * X.astype(dtype)).backward()
        np.testing.assert_array_equal(one.grad.data, other.grad.data)
        assert found.dtype == one.grad.dtype == dtype


def test_every_activation_has_a_row_here():
    kinds = {type(module).__name__ for module, _ in FUNCTIONS.values()}
    from_file = {name for name, value in vars(activations).items() if value.__class__ is type} - {"Module"}
    assert "GELU" in from_file
    assert from_file <= kinds


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ad.GELU("fast"), "GELU: approximate must be 'none' or 'tanh', found 'fast'"),
        (lambda: ad.Hardtanh(1.0, 1.0), r"Hardtanh: min_val must be below max_val, found 1\.0 and 1\.0"),
    ],
)
def test_settings_that_are_none_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_repr_shows_the_settings():
    assert repr(ad.Softmax(axis=0)) == "Softmax(axis=0)"
    assert repr(ad.LogSoftmax()) == "LogSoftmax(axis=-1)"
