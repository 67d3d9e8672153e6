import math

import numpy as np
import pytest

import autodiff as ad


def rng():
    return np.random.default_rng(0)


class Custom(ad.Module):
    def __init__(self):
        self.scale = ad.Parameter(np.ones(1))
        self.layers = [ad.Linear(2, 3, rng=rng()), ad.Linear(3, 2, rng=rng())]
        self.heads = {"left": ad.Linear(2, 1, rng=rng()), "right": [ad.Parameter(np.zeros(4)), (ad.ReLU(),)]}
        self.name = "not a parameter"
        self.constant = ad.Tensor(np.ones(3))

    def forward(self, x, factor=1.0):
        return x * self.scale * factor


# Parameters


def test_a_parameter_always_requires_a_gradient():
    assert ad.Parameter([1.0]).requires_grad
    with pytest.raises(TypeError, match="only floating-point"):
        ad.Parameter(np.array([1]))


def test_parameters_are_found_in_attributes_lists_tuples_and_dicts():
    assert [name for name, _ in Custom().named_parameters()] == [
        "scale",
        "layers.0.weight",
        "layers.0.bias",
        "layers.1.weight",
        "layers.1.bias",
        "heads.left.weight",
        "heads.left.bias",
        "heads.right.0",
    ]


def test_a_plain_tensor_is_no_parameter():
    model = Custom()
    assert all(parameter is not model.constant for parameter in model.parameters())
    assert all(isinstance(parameter, ad.Parameter) for parameter in model.parameters())


def test_a_shared_parameter_is_yielded_once():
    first = ad.Linear(2, 2, rng=rng())
    second = ad.Linear(2, 2, rng=rng())
    second.weight = first.weight
    model = ad.Sequential(first, second, first)
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    assert len(list(model.parameters())) == 3


def test_layers_of_sequential_are_named_by_number():
    model = ad.Sequential(ad.Linear(2, 3, rng=rng()), ad.ReLU(), ad.Sequential(ad.Linear(3, 1, rng=rng())))
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.0.weight", "2.0.bias"]


def test_a_parameter_added_later_is_found():
    model = Custom()
    model.extra = ad.Parameter([1.0])
    assert "extra" in dict(model.named_parameters())


# State


def test_a_state_round_trip_is_exact():
    source, target = ad.Linear(3, 2, rng=np.random.default_rng(1)), ad.Linear(3, 2, rng=np.random.default_rng(2))
    target.load_state_dict(source.state_dict())
    for name, parameter in source.named_parameters():
        np.testing.assert_array_equal(dict(target.named_parameters())[name].data, parameter.data)


def test_a_state_is_a_copy_both_ways():
    model = ad.Linear(3, 2, rng=rng())
    state = model.state_dict()
    state["bias"][:] = 7
    assert not model.bias.data.any()
    model.load_state_dict(state)
    state["bias"][:] = 8
    np.testing.assert_array_equal(model.bias.data, 7)


def test_a_loaded_state_takes_the_dtype_and_keeps_the_parameter():
    model = ad.Linear(3, 2, rng=rng())
    bias = model.bias
    model.load_state_dict({"weight": np.ones((2, 3)), "bias": [1, 2]})
    assert model.bias is bias
    assert model.weight.dtype == bias.dtype == np.float32
    np.testing.assert_array_equal(bias.data, [1, 2])


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        (lambda state: state.pop("0.bias"), ["missing '0.bias'"]),
        (lambda state: state.update(more=np.ones(1)), ["unexpected 'more'"]),
        (lambda state: state.update({"0.bias": np.ones(3)}), [r"'0.bias' has shape (3,), the parameter (2,)"]),
        (
            lambda state: (state.pop("1.bias"), state.update(more=1), state.update({"0.bias": 1.0})),
            ["missing '1.bias'", "unexpected 'more'", "'0.bias' has shape ()"],
        ),
        (lambda state: state.update({"1.bias": np.array(["a", "b"])}), ["1.bias"]),
        (lambda state: state.update({"1.bias": [[1.0], [2.0, 3.0]]}), ["1.bias"]),
    ],
    ids=["missing", "unexpected", "shape", "several", "text", "ragged"],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(change, messages):
    model = ad.Sequential(ad.Linear(3, 2, rng=rng()), ad.Linear(2, 2, rng=rng()))
    before = model.state_dict()
    state = {name: array + 1 for name, array in before.items()}
    change(state)
    with pytest.raises(ValueError, match="the state does not fit the Sequential") as caught:
        model.load_state_dict(state)
    for message in messages:
        assert message in str(caught.value)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


# repr


def test_repr_shows_the_tree():
    model = ad.Sequential(
        ad.Linear(2, 100, rng=rng()), ad.ReLU(), ad.Sequential(ad.Linear(100, 3, rng=rng()), ad.Softmax(axis=0))
    )
    assert repr(model) == "\n".join(
        [
            "Sequential()",
            "  (0): Linear(2, 100)",
            "  (1): ReLU()",
            "  (2): Sequential()",
            "    (0): Linear(100, 3)",
            "    (1): Softmax(axis=0)",
        ]
    )


def test_repr_names_modules_held_in_lists_and_dicts():
    lines = repr(Custom()).splitlines()
    assert lines[0] == "Custom()"
    assert "  (layers.1): Linear(3, 2)" in lines
    assert "  (heads.left): Linear(2, 1)" in lines
    assert "  (heads.right.1.0): ReLU()" in lines


# Calling


def test_a_module_calls_its_forward():
    np.testing.assert_array_equal(Custom()(np.ones(2), factor=3.0).data, [3, 3])
    with pytest.raises(NotImplementedError, match="Module defines no forward"):
        ad.Module()(1)


def test_linear_is_its_formula_for_any_number_of_axes_in_front():
    layer = ad.Linear(3, 2, rng=rng(), dtype=np.float64)
    layer.bias.data[:] = [1, 2]
    for shape in [(3,), (4, 3), (5, 4, 3), (0, 3)]:
        x = rng().normal(size=shape)
        result = layer(x)
        assert result.shape == (*shape[:-1], 2)
        np.testing.assert_allclose(result.data, x @ layer.weight.data.T + [1, 2], rtol=1e-12)


def test_linear_of_features_that_do_not_fit_tells_the_shapes():
    with pytest.raises(ValueError, match="matmul") as caught:
        ad.Linear(3, 2, rng=rng())(np.ones((4, 5), np.float32))
    assert caught.value.__notes__ == ["in linear of float32 (4, 5), float32 (2, 3), float32 (2,)"]


def test_activations_are_the_functions():
    x = ad.Tensor([[-1.0, 0.0, 2.0]])
    np.testing.assert_array_equal(ad.ReLU()(x).data, [[0, 0, 2]])
    np.testing.assert_array_equal(ad.Sigmoid()(x).data, ad.functional.sigmoid(x).data)
    np.testing.assert_array_equal(ad.Tanh()(x).data, np.tanh(x.data))
    np.testing.assert_array_equal(ad.Softmax()(x).data, ad.functional.softmax(x).data)
    np.testing.assert_array_equal(ad.Softmax(axis=0)(x).data, [[1, 1, 1]])


def test_the_loss_module_is_the_function():
    logits = ad.Tensor([[1.0, 2.0], [3.0, 1.0]], requires_grad=True)
    loss = ad.CrossEntropyLoss()(logits, [0, 1])
    assert loss.item() == ad.functional.cross_entropy(logits, [0, 1]).item()
    loss.backward()
    assert logits.grad is not None


def test_a_network_of_float32_stays_float32():
    model = ad.Sequential(
        ad.Linear(2, 8, rng=rng()),
        ad.ReLU(),
        ad.Linear(8, 8, rng=rng()),
        ad.Sigmoid(),
        ad.Linear(8, 3, rng=rng()),
        ad.Tanh(),
    )
    loss = ad.CrossEntropyLoss()(model(np.ones((4, 2), np.float32)), [0, 1, 2, 0])
    loss.backward()
    assert loss.dtype == np.float32
    assert {parameter.grad.dtype for parameter in model.parameters()} == {np.dtype(np.float32)}


# Initial values


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_he_weights_are_normal_with_variance_2_over_in(dtype):
    weight = ad.Linear(400, 300, rng=rng(), dtype=dtype).weight
    assert weight.shape == (300, 400)
    assert weight.dtype == dtype
    values = weight.data.astype(np.float64)
    assert abs(values.mean()) < 4 * math.sqrt(2 / 400 / values.size)
    assert abs(values.var() / (2 / 400) - 1) < 4 * math.sqrt(2 / values.size)
    assert abs(np.mean((values - values.mean()) ** 4) / values.var() ** 2 - 3) < 0.1  # a normal distribution's kurtosis


def test_glorot_weights_are_uniform_with_variance_2_over_in_plus_out():
    values = ad.Linear(400, 300, rng=rng(), init="glorot", dtype=np.float64).weight.data
    bound = math.sqrt(6 / 700)
    assert -bound <= values.min() < -0.999 * bound
    assert 0.999 * bound < values.max() <= bound
    assert abs(values.var() / (2 / 700) - 1) < 0.02
    assert abs(np.mean(values**4) / values.var() ** 2 - 1.8) < 0.02  # a uniform distribution's kurtosis


def test_biases_start_at_0():
    assert not ad.Linear(4, 3, rng=rng()).bias.data.any()


def test_the_same_generator_state_gives_the_same_weights():
    one, other = (ad.Linear(4, 3, rng=np.random.default_rng(5)).weight.data for _ in range(2))
    np.testing.assert_array_equal(one, other)
    generator = np.random.default_rng(5)
    first, second = (ad.Linear(4, 3, rng=generator).weight.data for _ in range(2))
    assert not np.array_equal(first, second)


def test_an_unknown_initialisation_is_refused():
    with pytest.raises(ValueError, match="init must be one of he, glorot, found 'xavier'"):
        ad.Linear(2, 3, rng=rng(), init="xavier")
