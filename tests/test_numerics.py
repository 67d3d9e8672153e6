"""Where plain formulas go wrong: masks that meet infinities, half precision, cancellation, overflow, infinities."""

import math
from fractions import Fraction

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.gradcheck import leaf, variable_slots, with_values
from autodiff.registry import full_name, functions
from autodiff.samples import samples_of

INF = math.inf


def slopes(function, *points, dtype=np.float64):
    """Return the gradients of the sum of a function's elements with respect to every argument."""
    arrays = [np.asarray(point, dtype) for point in points]
    return ad.grad(lambda *x: np.sum(function(*x)), tuple(range(len(arrays))))(*arrays)


# A mask by multiplication makes NaN of an infinite gradient

MASKS = [
    *(np.maximum, np.minimum, np.fmax, np.fmin, np.where, np.clip, np.select, np.heaviside, np.nan_to_num),
    *(np.max, np.min, np.amax, np.amin, np.nanmax, np.nanmin, np.nansum, np.median, np.quantile, np.sort),
    *(np.partition, np.tril, np.triu, np.diag, np.diagonal, np.take, np.insert, np.delete, np.pad, np.choose),
    *(np.compress, np.extract, np.take_along_axis, np.repeat, np.concatenate, np.flip),
    *(F.relu, F.leaky_relu, F.hardtanh, F.dropout),
]


@pytest.mark.parametrize("function", MASKS, ids=full_name)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_an_infinite_gradient_does_not_reach_what_has_no_part_in_the_value(function):
    for sample in samples_of(function):
        if sample.keywords.get("reflect_type") == "odd":
            continue  # whose slopes cancel each other, where the value does depend on the argument
        slots = list(variable_slots(sample.arguments))
        variables = [sample.arguments[i] if j is None else sample.arguments[i][j] for i, j in slots]

        def gradients(g, slots=slots, variables=variables, sample=sample):
            leaves = [leaf(array) for array in variables]
            value = functions[function](*with_values(sample.arguments, slots, leaves), **sample.keywords)
            if value.requires_grad:
                value.backward(np.full(value.shape, g))
            return [np.zeros(one.shape) if one.grad is None else one.grad.data for one in leaves]

        for finite, infinite in zip(gradients(1.0), gradients(INF), strict=True):
            np.testing.assert_array_equal(infinite[finite == 0], 0, err_msg=repr(sample))


@pytest.mark.parametrize(
    "flat",
    [
        F.relu,
        lambda x: np.maximum(x, 0),
        lambda x: np.fmax(0, x),
        lambda x: np.clip(x, 0, None),
        lambda x: F.hardtanh(x, 0, INF),
        lambda x: np.where(x > 0, x, 0),
        lambda x: -np.minimum(-x, 0),
        lambda x: np.select([x > 0], [x]),
    ],
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_root_of_what_is_flat_has_no_slope_there(flat, dtype):
    found = slopes(lambda x: np.sqrt(flat(x)), [-1, 4, -INF], dtype=dtype)[0]
    np.testing.assert_array_equal(found, np.array([0, 0.25, 0], dtype))


@pytest.mark.parametrize(
    "length", [np.linalg.norm, np.linalg.vector_norm, np.std, np.nanstd, lambda x: np.linalg.norm(x, 3)]
)
def test_the_root_of_a_norm_or_deviation_of_0_has_no_slope(length):
    np.testing.assert_array_equal(slopes(lambda x: np.sqrt(length(x)), np.zeros(3))[0], 0)


def test_a_dropped_infinity_is_0():
    x = np.array([INF, -INF, 1.0, INF] * 10)
    found = F.dropout(ad.Tensor(x), 0.5, np.random.default_rng(0)).data
    assert not np.isnan(found).any()
    assert (found == 0).any()


LOGITS = np.array([[2.0, -INF, 1.0], [0.5, 3.0, -INF]])
ONE_HOT = np.eye(3)[[0, 1]]
LOSS = -np.log(np.array([1 / (1 + np.exp(-1.0)), 1 / (1 + np.exp(-2.5))]))
TEMPERED = {
    "class numbers": lambda x: F.cross_entropy(x, np.array([0, 1])),
    "one-hot": lambda x: F.cross_entropy(x, ONE_HOT),
    "weights": lambda x: F.cross_entropy(x, np.array([0, 1]), weights=[1.0, 1.0, 5.0]),
    "weights of probabilities": lambda x: F.cross_entropy(x, ONE_HOT, weights=[1.0, 1.0, 0.0]),
    "none": lambda x: np.mean(F.cross_entropy(x, np.array([0, 1]), reduction="none")),
    "none of probabilities": lambda x: np.mean(F.cross_entropy(x, ONE_HOT, reduction="none")),
    "sum": lambda x: F.cross_entropy(x, np.array([0, 1]), reduction="sum") / 2,
    "nll": lambda x: F.nll(F.log_softmax(x), np.array([0, 1])),
    "nll with weights": lambda x: F.nll(F.log_softmax(x), np.array([0, 1]), weights=np.ones(3)),
    "kl_div": lambda x: F.kl_div(F.log_softmax(x), ONE_HOT) * 3,
}


@pytest.mark.parametrize("name", TEMPERED)
@pytest.mark.parametrize("mode", ["recorded", "no_grad", "array", "create_graph"])
def test_a_class_that_cannot_be_costs_nothing(name, mode):
    x = ad.Tensor(LOGITS, requires_grad=True)
    if mode == "no_grad":
        with ad.no_grad():
            loss = TEMPERED[name](x)
    else:
        loss = TEMPERED[name](LOGITS if mode == "array" else x)
    np.testing.assert_allclose(loss.data if isinstance(loss, ad.Tensor) else loss, LOSS.mean(), rtol=1e-14)
    if mode in ("recorded", "create_graph"):
        loss.backward(create_graph=mode == "create_graph")
        np.testing.assert_allclose(x.grad.data, (F.softmax(LOGITS) - ONE_HOT) / 2, atol=1e-14)


# Half precision ends at 65,504: more elements than that cannot be counted in it

MANY = 70_000


@pytest.mark.parametrize(
    "function",
    [
        *(np.mean, np.max, np.min, np.nanmax, np.average, np.ptp),
        F.logsumexp,
        lambda x: np.mean(x[:, None], axis=0, keepdims=True),
        lambda x: np.max(x.reshape(2, -1), axis=1),
        lambda x: F.mse(x, np.zeros(MANY, np.float16)),
        lambda x: F.huber(x, np.zeros(MANY, np.float16)),
        lambda x: F.cross_entropy(x.reshape(-1, 2), np.zeros(MANY // 2, int)),
        lambda x: F.cross_entropy(x.reshape(-1, 1) * np.ones(2, np.float16), np.zeros(MANY, int)),
        lambda x: F.cross_entropy(x.reshape(-1, 1) * np.ones(2, np.float16), np.zeros(MANY, int), weights=[1.0, 2.0]),
        lambda x: F.nll(x.reshape(-1, 1) * np.ones(2, np.float16), np.zeros(MANY, int)),
        lambda x: F.cross_entropy(x, np.array(0)),
        lambda x: F.cross_entropy(x, np.array(0), label_smoothing=0.1),
        lambda x: F.log_softmax(x)[:2],
        lambda x: F.softmax(x)[:2] * 1000,
        lambda x: np.nanmean(x / 64),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")  # NumPy's average converts the count
def test_half_precision_counts_further_than_it_reaches(function):
    """Compare with single precision, which counts exactly."""
    x = np.ones(MANY, np.float16)
    values, gradients = [], []
    for dtype in (np.float16, np.float32):
        value, gradient = ad.value_and_grad(lambda x: np.sum(function(x)))(x.astype(dtype))
        assert value.dtype == gradient.dtype == dtype
        values.append(value)
        gradients.append(gradient)
        with ad.no_grad():
            np.testing.assert_allclose(np.sum(function(ad.Tensor(x.astype(dtype)))).data, value, rtol=1e-2)
    np.testing.assert_allclose(*values, rtol=1e-2)
    np.testing.assert_allclose(*gradients, rtol=1e-2, atol=1e-6)


# Cancellation, overflow and underflow: a slope in single precision is the one in double precision

SIZES = [1e-30, 1e-20, 1e-10, 1e-4, 0.01, 0.3, 0.999, 1.0, 1.5, 10.0, 30.0, 1e3, 1e7, 1e15, 1e25]
POINTS = np.array([*SIZES, *[-size for size in SIZES]])
ONE = [
    *(np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.sqrt, np.cbrt, np.square, np.reciprocal),
    *(np.arcsin, np.arccos, np.arctan, np.sinh, np.cosh, np.arcsinh, np.arccosh, np.arctanh, np.absolute),
    *(F.softplus, F.log_sigmoid, F.elu, F.erf, F.relu),
]
TWO = [
    *(np.add, np.multiply, np.divide, np.logaddexp, np.logaddexp2, np.arctan2, np.hypot, np.maximum, np.minimum),
    lambda a, b: F.logsumexp(np.stack([a, b]), axis=0),
]


def assert_rounded(found, expected):
    """Compare with what a wider precision gave: but for what is too large or too small for single precision."""
    small, large = np.finfo(np.float32).smallest_normal, np.finfo(np.float32).max
    for one, other in zip(found, expected, strict=True):
        with np.errstate(over="ignore"):
            rounded = other.astype(np.float32)
        wrong = ~np.isclose(one, rounded, rtol=2e-5, atol=small, equal_nan=True) & ~(np.absolute(other) > large / 100)
        assert not wrong.any(), (np.argwhere(wrong).tolist(), one[wrong], other[wrong])


@pytest.mark.parametrize("function", ONE, ids=full_name)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_slope_of_one_number_keeps_its_digits(function):
    points = POINTS.astype(np.float32)
    assert_rounded(slopes(function, points, dtype=np.float32), slopes(function, points.astype(np.float64)))


@pytest.mark.parametrize("function", TWO, ids=full_name)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_slope_of_two_numbers_keeps_its_digits(function):
    a, b = (part.reshape(-1) for part in np.meshgrid(POINTS, POINTS))
    pairs = a.astype(np.float32), b.astype(np.float32)
    assert_rounded(
        slopes(function, *pairs, dtype=np.float32), slopes(function, *[part.astype(np.float64) for part in pairs])
    )


@pytest.mark.parametrize(
    ("function", "points", "expected"),
    [
        (np.arcsinh, [1e200], [1e-200]),
        (np.arctan2, [1e-200, 1e-200], [5e199, -5e199]),
        (np.arctan2, [1e200, -1e200], [-5e-201, -5e-201]),
        (np.hypot, [3e200, 4e200], [0.6, 0.8]),
        (np.logaddexp, [1e17, 1e17], [0.5, 0.5]),
        (np.logaddexp, [1e300, 1.0], [1, 0]),
        (np.logaddexp2, [1e17, 1e17], [0.5, 0.5]),
        (np.arcsin, [1 - 2**-53], [1 / math.sqrt(2**-53 * (2 - 2**-53))]),
        (np.arctanh, [1 - 2**-53], [1 / (2**-53 * (2 - 2**-53))]),
        (np.expm1, [-50.0], [math.exp(-50)]),
        (F.binary_cross_entropy_with_logits, [40.0, 1.0], [-math.exp(-40), -40.0]),
        (F.binary_cross_entropy, [1e-10, 0.0], [1 / (1 - 1e-10), math.log1p(-1e-10) - math.log(1e-10)]),
    ],
)
def test_the_slope_at_the_ends_of_double_precision_is_that_of_the_formula(function, points, expected):
    found = slopes(function, *points)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=2e-17)


# Rounded quotients


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("function", "whole"), [(np.remainder, math.floor), (np.fmod, math.trunc)])
def test_the_slope_of_a_remainder_by_its_divisor_is_the_true_quotient(function, whole, dtype):
    random = np.random.default_rng(0)
    divisors = np.concatenate([[0.1, 0.2, 0.3, 0.7, 1.1, 3], random.uniform(0.05, 2, 200)]).astype(dtype)
    divisors = np.concatenate([divisors, -divisors])
    multiples = (np.round(random.uniform(-40, 40, divisors.size)) * divisors).astype(dtype)
    multiples[:6] = 1
    exact = [-whole(Fraction(float(a)) / Fraction(float(b))) for a, b in zip(multiples, divisors, strict=True)]
    np.testing.assert_array_equal(slopes(function, multiples, divisors, dtype=dtype)[1], np.array(exact, dtype))


# Infinities: the slope there is the limit of the slopes on the way

EXTREME = [
    *(np.exp, np.expm1, np.log, np.log1p, np.sqrt, np.cbrt, np.reciprocal, np.tanh, np.arctan, np.arcsinh, np.absolute),
    *(F.relu, F.leaky_relu, F.elu, F.selu, F.hardtanh, F.sigmoid, F.softplus, F.log_sigmoid, F.silu, F.erf, F.gelu),
    lambda x: F.gelu(x, "tanh"),
]
EXTREME_PAIRS = [
    *(np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp),
    *(np.logaddexp2, np.hypot, np.arctan2, np.copysign),
    lambda a, b: F.logsumexp(np.stack([a, b]), axis=0),
    lambda a, b: F.binary_cross_entropy_with_logits(a, b, reduction="none"),
]


def limit(function, *points):
    """Return the slopes with large numbers in place of infinities, where two such agree."""
    far = [slopes(function, *[np.clip(point, -end, end) for point in points]) for end in (1e70, 1e75)]
    return [np.where(np.isclose(one, other, rtol=1e-6, atol=1e-60), other, np.nan) for one, other in zip(*far)]  # noqa: B905


@pytest.mark.parametrize("function", [*EXTREME, *EXTREME_PAIRS], ids=full_name)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_slope_at_infinity_is_the_limit(function):
    ends = [-INF, -1.5, 0.25, 1.0, INF]
    points = [np.array(ends)]
    if function in EXTREME_PAIRS:
        points = [part.reshape(-1) for part in np.meshgrid(ends, ends)]
        if function is EXTREME_PAIRS[-1]:
            points[1] = np.clip(points[1], 0, 1)  # labels
        single = np.isfinite(points[0]) | np.isfinite(points[1])  # two infinities at once have no one limit
        points = [part[single] for part in points]
    for found, expected in zip(slopes(function, *points), limit(function, *points), strict=True):
        known = ~np.isnan(expected)
        np.testing.assert_allclose(found[known], expected[known], rtol=1e-6, atol=1e-50)


@pytest.mark.parametrize(
    ("function", "points", "value", "expected"),
    [
        (np.logaddexp, [1, INF], INF, [0, 1]),
        (np.logaddexp, [INF, INF], INF, [0.5, 0.5]),
        (np.logaddexp, [-INF, -INF], -INF, [0.5, 0.5]),
        (np.logaddexp, [-INF, 1], 1, [0, 1]),
        (np.logaddexp2, [INF, 1], INF, [1, 0]),
        (F.logsumexp, [[1, INF]], INF, [[0, 1]]),
        (F.logsumexp, [[INF, INF]], INF, [[0.5, 0.5]]),
        (F.kl_div, [[-INF, math.log(0.5)], [0, 0.5]], 0, [[0, -0.25], [INF, 0.5]]),
        (F.binary_cross_entropy_with_logits, [INF, 1], 0, [0, -INF]),
        (F.binary_cross_entropy_with_logits, [-INF, 0], 0, [0, INF]),
        (F.binary_cross_entropy_with_logits, [INF, 0], INF, [1, -INF]),
        (F.silu, [-INF], 0, [0]),
        (F.gelu, [-INF], 0, [0]),
        (F.gelu, [INF], INF, [1]),
        (np.hypot, [INF, 1], INF, [1, 0]),
        (np.hypot, [2, -INF], INF, [0, -1]),
        (np.arctan2, [1, INF], 0, [0, 0]),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_infinities_have_their_limits(function, points, value, expected):
    arrays = [np.asarray(point, np.float64) for point in points]
    leaves = [leaf(array) for array in arrays]
    found = function(*leaves)
    np.testing.assert_allclose(np.sum(found.data), value, atol=1e-15)
    with ad.no_grad():
        np.testing.assert_allclose(np.sum(function(*leaves).data), value, atol=1e-15)
    for one, other in zip(slopes(function, *points), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-15)


# Powers


@pytest.mark.parametrize("power", [np.power, np.float_power])
def test_the_hessian_of_a_power_is_symmetric(power):
    a, b = (part.reshape(-1) for part in np.meshgrid([0.25, 1.0, 3.0, 1e-3], [-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0]))
    by_both = ad.grad(lambda b: np.sum(ad.grad(lambda a: np.sum(power(a, b)))(a)))(b)
    by_both_again = ad.grad(lambda a: np.sum(ad.grad(lambda b: np.sum(power(a, b)))(b)))(a)
    expected = a ** (b - 1) * (1 + b * np.log(a))
    np.testing.assert_allclose(by_both, expected, rtol=1e-12)
    np.testing.assert_allclose(by_both_again, expected, rtol=1e-12)


@pytest.mark.parametrize("exponent", [0, 0.0, np.float64(0), np.zeros(5)])
def test_a_power_of_exponent_0_has_no_slope_anywhere(exponent):
    found = slopes(lambda x: x**exponent, [0.0, 1e-320, 2.0, -3.0, INF])[0]
    np.testing.assert_array_equal(found, 0)


# Nothing to reduce


@pytest.mark.parametrize("function", [F.softmax, F.log_softmax])
@pytest.mark.parametrize(("shape", "axis"), [((3, 0), -1), ((0, 3), -1), ((0, 3), 0), ((0,), -1), ((2, 0), (0, 1))])
def test_softmax_of_nothing_is_nothing(function, shape, axis):
    x = ad.Tensor(np.zeros(shape), requires_grad=True)
    out = function(x, axis)
    assert out.shape == shape
    np.sum(out).backward()
    assert x.grad.shape == shape


def test_the_logarithm_of_a_sum_of_nothing_is_minus_infinity():
    x = ad.Tensor(np.zeros((3, 0)), requires_grad=True)
    out = F.logsumexp(x, axis=1)
    np.testing.assert_array_equal(out.data, np.full(3, -INF))
    assert F.logsumexp(x, axis=1, keepdims=True).shape == (3, 1)
    np.sum(out).backward()
    assert x.grad.shape == (3, 0)
