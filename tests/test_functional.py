import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812

EXTREMES = [0.0, -0.0, 1.0, -1.0, 20.0, -20.0, 100.0, -100.0, 1e4, -1e4, 1e30, -1e30]


def gradient_of(function, x):
    leaf = ad.Tensor(x, requires_grad=True)
    np.sum(function(leaf)).backward()
    return leaf.grad.data


# Activations


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", [F.relu, F.sigmoid, F.tanh], ids=["relu", "sigmoid", "tanh"])
def test_activations_stay_finite_at_extremes_in_value_and_gradient(function, dtype):
    x = np.array(EXTREMES, dtype)
    assert np.isfinite(function(x)).all()
    assert np.isfinite(gradient_of(function, x)).all()


def test_sigmoid_is_its_formula():
    x = np.linspace(-30, 30, 101)
    expected = 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(F.sigmoid(x), expected, rtol=1e-15)
    np.testing.assert_allclose(gradient_of(F.sigmoid, x), expected * (1 - expected), rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(F.sigmoid(np.array([-np.inf, 0, np.inf])), [0, 0.5, 1])


def test_sigmoid_keeps_small_values_relative_to_themselves():
    np.testing.assert_allclose(F.sigmoid(np.array([-700.0])), np.exp(-700.0), rtol=1e-12)


def test_relu_is_its_formula_and_has_no_slope_at_0():
    x = np.array([-2.0, -0.0, 0.0, 3.0])
    np.testing.assert_array_equal(F.relu(x), [0, 0, 0, 3])
    np.testing.assert_array_equal(gradient_of(F.relu, x), [0, 0, 0, 1])


def test_the_gradient_of_relu_is_0_up_to_0_and_at_nan():
    x = np.array([-1, -0.0, 0.0, np.nan, 1e-45, 2, np.inf], np.float32)
    leaf = ad.Tensor(x, requires_grad=True)
    g = np.arange(1, 8, dtype=np.float32)
    F.relu(leaf).backward(g)
    np.testing.assert_array_equal(leaf.grad.data, [0, 0, 0, 0, 5, 6, 7])
    np.testing.assert_array_equal(g, np.arange(1, 8))
    recorded = ad.Tensor(g, requires_grad=True)
    again = ad.grad(lambda x: np.sum(F.relu(x) * recorded))(leaf)
    np.testing.assert_array_equal(again.data, leaf.grad.data)
    again.backward(np.ones_like(g))
    np.testing.assert_array_equal(recorded.grad.data, [0, 0, 0, 0, 1, 1, 1])


def test_tanh_is_numpys():
    x = np.linspace(-3, 3, 7)
    np.testing.assert_array_equal(F.tanh(ad.Tensor(x)).data, np.tanh(x))


# Softmax


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", [F.softmax, F.log_softmax], ids=["softmax", "log_softmax"])
def test_softmax_stays_finite_at_extremes_in_value_and_gradient(function, dtype):
    x = np.array([[1e4, -1e4, 0], [1e30, 1e30, -1e30], [-1e30, -1e30, -1e30], [88, 89, 710]], dtype)
    assert np.isfinite(function(x)).all()
    assert np.isfinite(gradient_of(function, x)).all()


@pytest.mark.parametrize("axis", [-1, 0, (0, 1)])
def test_softmax_is_its_formula(axis):
    x = np.random.default_rng(0).normal(0, 3, (4, 5))
    expected = np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)
    np.testing.assert_allclose(F.softmax(x, axis=axis), expected, rtol=1e-13)
    np.testing.assert_allclose(F.log_softmax(x, axis=axis), np.log(expected), rtol=1e-12)
    np.testing.assert_allclose(F.softmax(ad.Tensor(x), axis).data, expected, rtol=1e-13)


def test_softmax_does_not_change_when_all_inputs_are_shifted():
    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(F.softmax(x + 1000), F.softmax(x), rtol=1e-13)


def test_softmax_of_minus_infinity_is_a_probability_of_0():
    x = np.array([0.0, -np.inf, 0.0])
    np.testing.assert_array_equal(F.softmax(x), [0.5, 0, 0.5])
    np.testing.assert_array_equal(F.log_softmax(x), [-np.log(2), -np.inf, -np.log(2)])


def test_log_softmax_keeps_what_the_logarithm_of_softmax_loses():
    np.testing.assert_allclose(F.log_softmax(np.array([0.0, -2000.0])), [0, -2000])


# Linear


def test_linear_is_its_formula():
    random = np.random.default_rng(0)
    x, weight, bias = random.normal(size=(2, 4, 3)), random.normal(size=(5, 3)), random.normal(size=5)
    np.testing.assert_allclose(F.linear(x, weight, bias), np.einsum("...i,oi->...o", x, weight) + bias, rtol=1e-12)


def test_the_gradient_of_linear_is_that_of_the_plain_expression():
    random = np.random.default_rng(0)
    for shape in [(4, 3), (2, 4, 3), (3,), (0, 3)]:
        inputs = [random.normal(size=shape), random.normal(size=(5, 3)), random.normal(size=5)]
        weights = random.normal(size=(*shape[:-1], 5))
        fused = ad.grad(lambda x, w, b, weights=weights: np.sum(F.linear(x, w, b) * weights), (0, 1, 2))(*inputs)
        plain = ad.grad(lambda x, w, b, weights=weights: np.sum((x @ w.T + b) * weights), (0, 1, 2))(*inputs)
        for one, other in zip(fused, plain, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_a_bias_of_one_row_gets_a_gradient_of_one_row():
    random = np.random.default_rng(0)
    x, weight, bias = random.normal(size=(4, 3)), random.normal(size=(5, 3)), random.normal(size=(1, 5))
    gradient = ad.grad(lambda x, w, b: np.sum(F.linear(x, w, b)), 2)(x, weight, bias)
    assert gradient.shape == (1, 5)
    np.testing.assert_array_equal(gradient, np.full((1, 5), 4.0))


def test_linear_takes_a_bias_of_another_dtype_and_leaves_its_inputs_alone():
    x, weight = np.ones((4, 3), np.float32), np.ones((5, 3), np.float32)
    for bias in (np.full(5, 1e-9), np.full(5, 2, np.float32)):
        found = F.linear(x, weight, bias)
        assert found.dtype == np.result_type(x, bias)
        np.testing.assert_array_equal(found, x @ weight.T + bias)
    assert (x == 1).all()
    assert (weight == 1).all()


# Cross-entropy


def test_cross_entropy_is_its_formula_for_class_numbers_one_hot_and_soft_labels():
    random = np.random.default_rng(0)
    logits, labels = random.normal(0, 3, (6, 4)), random.integers(0, 4, 6)
    soft = random.dirichlet(np.ones(4), size=6)
    log_probabilities = np.log(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))
    one_hot = np.eye(4)[labels]
    np.testing.assert_allclose(F.cross_entropy(logits, labels), -log_probabilities[np.arange(6), labels].mean())
    np.testing.assert_allclose(F.cross_entropy(logits, one_hot), F.cross_entropy(logits, labels), rtol=1e-14)
    np.testing.assert_allclose(F.cross_entropy(logits, soft), -(soft * log_probabilities).sum(axis=1).mean())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["numbers", "one-hot", "booleans", "list"])
def test_the_gradient_of_cross_entropy_is_softmax_minus_one_hot_over_the_number_of_samples(kind, dtype):
    random = np.random.default_rng(0)
    logits, labels = random.normal(0, 3, (6, 4)).astype(dtype), random.integers(0, 4, 6)
    one_hot = np.eye(4)[labels]
    given = {"numbers": labels, "one-hot": one_hot, "booleans": one_hot == 1, "list": one_hot.tolist()}[kind]
    loss, gradient = ad.value_and_grad(F.cross_entropy)(logits, given)
    assert loss.dtype == gradient.dtype == dtype
    np.testing.assert_allclose(gradient, (F.softmax(logits) - one_hot) / 6, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("labels", [[2, 0], (2, 0), np.array([2, 0], np.uint8), ad.Tensor(np.array([2, 0]))])
def test_class_numbers_come_as_lists_arrays_or_tensors(labels):
    logits = ad.Tensor(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), requires_grad=True)
    loss = F.cross_entropy(logits, labels)
    np.testing.assert_allclose(loss.item(), F.cross_entropy(logits.data, np.array([2, 0])))
    loss.backward()
    assert logits.grad is not None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_stays_finite_at_extremes_in_value_and_gradient(dtype):
    logits = np.array([[1e4, -1e4, 0], [1e30, 1e30, -1e30], [-1e30, -1e30, -1e30]], dtype)
    for labels in (np.array([0, 0, 0]), np.array([1, 2, 0]), np.eye(3, dtype=dtype)[[1, 2, 0]]):
        loss, gradient = ad.value_and_grad(F.cross_entropy)(logits, labels)
        assert np.isfinite(loss)
        assert np.isfinite(gradient).all()


def test_cross_entropy_of_a_sure_and_wrong_answer_is_the_difference_of_the_logits():
    assert F.cross_entropy(np.array([[1000.0, 0.0]]), np.array([1])) == 1000
    assert F.cross_entropy(np.array([[1000.0, 0.0]]), np.array([0])) == 0


def test_cross_entropy_of_several_axes_is_the_mean_over_all_samples():
    random = np.random.default_rng(0)
    logits, labels = random.normal(size=(2, 5, 3)), random.integers(0, 3, (2, 5))
    np.testing.assert_allclose(
        F.cross_entropy(logits, labels, axis=-1), F.cross_entropy(logits.reshape(10, 3), labels.reshape(10)), rtol=1e-14
    )
    np.testing.assert_allclose(
        F.cross_entropy(np.moveaxis(logits, -1, 1), labels), F.cross_entropy(logits, labels, axis=-1), rtol=1e-14
    )


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll], ids=["cross_entropy", "nll"])
def test_class_numbers_that_go_with_another_axis_tell_which(loss):
    scores = ad.Tensor(np.zeros((2, 5, 3)), requires_grad=True)
    with pytest.raises(ValueError, match=r"axis 1 need class numbers of shape \(2, 3\), found \(2, 5\); .*axis=-1"):
        loss(scores, np.zeros((2, 5), int))
    with pytest.raises(ValueError, match=r"classes on axis 1 need class numbers of shape \(2, 3\), found \(3,\)$"):
        loss(scores, np.zeros(3, int))
    with pytest.raises(ValueError, match=r"\(2, 5, 3\).*found \(2, 3, 5\)"):
        F.cross_entropy(scores, np.zeros((2, 3, 5)))


def test_cross_entropy_of_no_samples_is_0():
    loss, gradient = ad.value_and_grad(F.cross_entropy)(np.zeros((0, 3)), np.zeros(0, int))
    assert loss == 0
    assert gradient.shape == (0, 3)


def test_gradients_flow_to_soft_labels():
    logits, soft = np.array([[1.0, 2.0]]), np.array([[0.3, 0.7]])
    np.testing.assert_allclose(ad.grad(F.cross_entropy, 1)(logits, soft), -F.log_softmax(logits), rtol=1e-13)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0, 3]), "3 classes need labels from 0 to 2, found 0 to 3"),
        (np.array([-1, 2]), "3 classes need labels from 0 to 2, found -1 to 2"),
        (np.array([0, 1, 2]), r"logits of shape \(2, 3\) need class numbers of shape \(2,\), found \(3,\)"),
        (np.eye(3, dtype=int)[[0, 1]], r"need class numbers of shape \(2,\), found \(2, 3\)"),
        (
            np.array([0.0, 1.0]),
            r"dtype float64 are probabilities.*\(2, 3\), found \(2,\).*astype\(np\.int64\)",
        ),
        (np.ones((2, 4)), r"shape \(2, 3\), found \(2, 4\)"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, message):
    for logits in (np.zeros((2, 3)), ad.Tensor(np.zeros((2, 3)), requires_grad=True)):
        for given in (labels, ad.Tensor(labels)):
            with pytest.raises(ValueError, match=message):
                F.cross_entropy(logits, given)
            with pytest.raises(ValueError, match=message):
                F.cross_entropy(logits, given, label_smoothing=0.1)


# Normalisation


def test_normalisation_is_its_formula():
    x = np.random.default_rng(0).normal(2, 3, (5, 4, 6))
    mean, variance = x.mean(axis=(0, 2)), x.var(axis=(0, 2))
    by_channel = (x - mean[:, None]) / np.sqrt(variance[:, None] + 0.1)
    np.testing.assert_allclose(F.batch_norm(x, eps=0.1), by_channel, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(F.batch_norm(x, mean, variance, eps=0.1), by_channel, rtol=1e-12, atol=1e-12)
    rows = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + 0.1)
    np.testing.assert_allclose(F.layer_norm(x, 6, eps=0.1), rows, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(F.layer_norm(x, [6], 2 * np.ones(6), np.ones(6), 0.1), 2 * rows + 1, rtol=1e-12)
    roots = np.sqrt((x**2).mean(axis=(1, 2), keepdims=True) + 0.1)
    np.testing.assert_allclose(F.rms_norm(x, (4, 6), eps=0.1), x / roots, rtol=1e-12)


@pytest.mark.parametrize("function", [F.layer_norm, F.rms_norm], ids=["layer_norm", "rms_norm"])
@pytest.mark.parametrize("lengths", [3, (5, 4), (2, 5, 4, 1), ()])
def test_axes_that_do_not_fit_tell_both_shapes(function, lengths):
    with pytest.raises(ValueError, match=rf"{function.__name__}: x must have the shape \(\.\.\..*\), found \(4, 5\)"):
        function(ad.Tensor(np.ones((4, 5))), lengths)


# What users pass


GENERATORS = [0, np.int64(0), 0.5, np.random.default_rng, "0", np.random.PCG64(0), [0]]


@pytest.mark.parametrize("rng", GENERATORS, ids=lambda rng: type(rng).__name__)
def test_what_is_no_random_number_generator_says_what_to_write(rng):
    for attempt in (lambda: F.dropout(ad.Tensor([1.0]), 0.5, rng), lambda: ad.Linear(2, 3, rng=rng)):
        with pytest.raises(TypeError, match=r"rng must be a generator, found .* rng=np\.random\.default_rng\(0\)"):
            attempt()


def test_dropout_without_a_generator_draws_others_every_time():
    one, other = (F.dropout(ad.Tensor(np.ones(200))).data for _ in range(2))
    assert not np.array_equal(one, other)
    assert {*one} == {0, 2}


LISTS = {
    F.cross_entropy: (np.array([[0.2, 0.5], [0.1, 0.4]]), [0, 1]),
    F.nll: (np.log([[0.2, 0.8], [0.6, 0.4]]), [0, 1]),
    F.binary_cross_entropy: (np.array([0.2, 0.5]), [0, 1]),
    F.binary_cross_entropy_with_logits: (np.array([0.2, 0.5]), [0, 1]),
    F.kl_div: (np.log([0.2, 0.8]), [0.5, 0.5]),
    F.mse: (np.array([0.2, 0.5]), [0, 1]),
    F.l1: (np.array([0.2, 0.5]), [0, 1]),
    F.huber: (np.array([0.2, 0.5]), [0, 1]),
}


@pytest.mark.parametrize("loss", LISTS, ids=lambda loss: loss.__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [list, tuple])
def test_labels_may_come_in_a_list(loss, dtype, make):
    values, labels = LISTS[loss]
    expected = loss(ad.Tensor(values, requires_grad=True, dtype=dtype), np.array(labels))
    for point in (ad.Tensor(values, requires_grad=True, dtype=dtype), ad.Tensor(values, dtype=dtype)):
        found = loss(point, make(labels))
        np.testing.assert_allclose(found.data, expected.data, rtol=1e-6)
        assert found.dtype == dtype
