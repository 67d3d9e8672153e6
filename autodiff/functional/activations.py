"""Activations and other functions that NumPy lacks. At kinks their gradients are PyTorch's."""

import functools
import math
from collections.abc import Callable
from typing import Any, ParamSpec, cast

import numpy as np

from autodiff.declarations import composed, differentiable
from autodiff.functional.error_function import erf_values
from autodiff.rules.elementwise import masked, sigmoid
from autodiff.rules.reductions import restore

P = ParamSpec("P")

# Kinked at 0


@differentiable(x=lambda g, out: masked(g, out > 0))
def relu(x: Any) -> Any:
    """Return max(x, 0), elementwise; the gradient at 0 is 0.

    >>> F.relu(ad.Tensor([-1.0, 0.0, 2.0]))
    Tensor([0., 0., 2.])
    """
    return np.maximum(x, 0)


@differentiable(x=lambda g, x, slope: np.where(x > 0, g, g * slope))
def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """Return x where it is positive and slope * x elsewhere (Maas et al. 2013).

    >>> F.leaky_relu(ad.Tensor([-1.0, 2.0]), slope=0.25)
    Tensor([-0.25,  2.  ])
    """
    return np.where(x > 0, x, x * slope)


@differentiable(x=lambda g, x, alpha: g * np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0))))
def elu(x: Any, alpha: float = 1.0) -> Any:
    """Return x where it is positive and alpha * (exp(x) - 1) elsewhere (Clevert et al. 2016).

    >>> F.elu(ad.Tensor([0.0, 2.0]))
    Tensor([0., 2.])
    """
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


@composed()
def selu(x: Any) -> Any:
    """Return a scaled elu that keeps mean 0 and variance 1 (Klambauer et al. 2017).

    >>> F.selu(ad.Tensor([0.0, 1.0]))
    Tensor([0.      , 1.050701])
    """
    return 1.0507009873554805 * elu(x, 1.6732632423543772)


@differentiable(x=lambda g, x, low, high: masked(g, (x > low) & (x < high)))
def hardtanh(x: Any, low: float = -1.0, high: float = 1.0) -> Any:
    """Return x limited to an interval; unlike clip, the gradient at its ends is 0.

    >>> F.hardtanh(ad.Tensor([-3.0, 0.5, 3.0]))
    Tensor([-1. ,  0.5,  1. ])
    """
    return np.clip(x, low, high)


# Smooth


@differentiable(x=lambda g, x: g * sigmoid(x))
def softplus(x: Any) -> Any:
    """Return log(1 + exp(x)), elementwise, without overflow.

    >>> F.softplus(ad.Tensor([-200.0, 0.0, 200.0]))
    Tensor([  0.       ,   0.6931472, 200.       ])
    """
    return np.maximum(x, 0) + np.log1p(np.exp(-np.absolute(x)))


@composed()
def log_sigmoid(x: Any) -> Any:
    """Return log(sigmoid(x)), elementwise, without the loss of small probabilities.

    >>> F.log_sigmoid(ad.Tensor([-200.0, 0.0]))
    Tensor([-200.       ,   -0.6931472])
    """
    return -softplus(-x)


@differentiable(values=lambda g, weights: g * weights, weights=lambda g, values: g * values)
def weighed(values: Any, weights: Any) -> Any:
    """Return values * weights, which is 0 where a weight is, be the value infinite."""
    with np.errstate(invalid="ignore"):
        return masked(values * weights, weights != 0)


def silu_slope(x: Any) -> Any:
    """Return the derivative of silu."""
    share = sigmoid(x)
    return share + weighed(x, share * (1 - share))


@differentiable(x=lambda g, x: g * silu_slope(x))
def silu(x: Any) -> Any:
    """Return x * sigmoid(x), elementwise (Elfwing et al. 2018).

    >>> F.silu(ad.Tensor([0.0, 20.0]))
    Tensor([ 0., 20.])
    """
    return weighed(x, sigmoid(x))


def mish_slope(x: Any) -> Any:
    """Return the derivative of mish."""
    share = np.tanh(softplus(x))
    return share + weighed(x, (1 - share * share) * sigmoid(x))


@differentiable(x=lambda g, x: g * mish_slope(x))
def mish(x: Any) -> Any:
    """Return x * tanh(softplus(x)), elementwise (Misra 2019).

    >>> F.mish(ad.Tensor([0.0, 20.0]))
    Tensor([ 0., 20.])
    """
    return weighed(x, np.tanh(softplus(x)))


def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent, elementwise.

    >>> F.tanh(ad.Tensor([0.0, 20.0]))
    Tensor([0., 1.])
    """
    return np.tanh(x)


@differentiable(x=lambda g, x: g * (2 / math.sqrt(math.pi)) * np.exp(-x * x))
def erf(x: Any) -> Any:
    """Return the error function, elementwise: 2 / sqrt(pi) times the integral of exp(-t * t) from 0 to x.

    >>> F.erf(ad.Tensor([0.0, 5.0]))
    Tensor([0., 1.])
    """
    return erf_values(x)


def normal_share(x: Any, approximate: str) -> Any:
    """Return the normal distribution function, or its approximation by a tanh."""
    if approximate == "none":
        return (1 + erf(x * math.sqrt(0.5))) / 2
    if approximate == "tanh":
        near = np.clip(x, -SATURATED, SATURATED)
        return (1 + np.tanh(math.sqrt(2 / math.pi) * (near + 0.044715 * near * near * near))) / 2
    raise ValueError(f"gelu: approximate must be 'none' or 'tanh', found {approximate!r}")


def gelu_slope(x: Any, approximate: str, share: Any) -> Any:
    """Return the derivative of gelu: the distribution function, and x times the density."""
    if approximate == "none":
        near = np.clip(x, -FAR, FAR)
        return share + near * np.exp(near * near * -0.5) * (1 / math.sqrt(2 * math.pi))
    near = np.clip(x, -SATURATED, SATURATED)
    inner = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * near * near)  # of the tanh
    return share + inner * (2 * share * (1 - share)) * near


FAR = 100
"""The density is 0 there, and the share 0 or 1; times an infinite x, 0 would be no number."""
SATURATED = 20
"""The tanh is -1 or 1 there in every dtype, and float16 holds the cube of this."""


@differentiable(x=lambda g, x, approximate: g * gelu_slope(x, approximate, normal_share(x, approximate)))
def gelu(x: Any, approximate: str = "none") -> Any:
    """Return x times the normal distribution function of x (Hendrycks & Gimpel 2016).

    approximate: "none", or "tanh" for their approximation of the distribution function by a tanh.

    >>> F.gelu(ad.Tensor([0.0, 10.0]))
    Tensor([ 0., 10.])
    """
    return np.maximum(x, -FAR) * normal_share(x, approximate)


def fused_gelu(x: Any, approximate: str = "none") -> tuple[Any, Any]:
    """Return gelu, and with what `fused_gradient` need not compute the distribution function again."""
    share = normal_share(x, approximate)
    return np.maximum(x, -FAR) * share, (x, approximate, share)


gelu.fuse("x", lambda x, approximate="none": True, fused_gelu, lambda g, kept: g * gelu_slope(*kept))


# Along an axis


def in_single(forward: Callable[P, Any]) -> Callable[P, Any]:
    """Let a function of an array add up half precision numbers, which end at 65,504, in single precision."""

    @functools.wraps(forward)
    def compute(x: Any, *args: Any, **keywords: Any) -> Any:
        computed: Callable[..., Any] = forward
        if getattr(x, "dtype", None) != np.float16:
            return computed(x, *args, **keywords)
        return computed(x.astype(np.float32), *args, **keywords).astype(np.float16)

    return cast(Callable[P, Any], compute)


@differentiable(x=lambda g, out, axis: out * (g - np.sum(g * out, axis=axis, keepdims=True)))
@in_single
def softmax(x: Any, axis: int | tuple[int, ...] = -1) -> Any:
    """Return exp(x) / sum(exp(x)) along the axis: positive numbers that sum to 1.

    >>> F.softmax(ad.Tensor([[0.0, 0.0], [1000.0, 0.0]]))
    Tensor([[0.5, 0.5],
            [1. , 0. ]])
    """
    if not np.size(x):
        return +x
    exponentials = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return exponentials / np.sum(exponentials, axis=axis, keepdims=True)


@differentiable(x=lambda g, out, axis: g - np.exp(out) * np.sum(g, axis=axis, keepdims=True))
@in_single
def log_softmax(x: Any, axis: int | tuple[int, ...] = -1) -> Any:
    """Return log(softmax(x)) along the axis, without overflow and without the loss of small probabilities.

    >>> F.log_softmax(ad.Tensor([0.0, 1000.0]))
    Tensor([-1000.,     0.])
    """
    if not np.size(x):
        return +x
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def shares(x: Any, axis: Any) -> Any:
    """Return the gradient of logsumexp: softmax, and its limit where a largest element is infinite."""
    if not np.size(x):
        return +x
    largest = np.max(x, axis=axis, keepdims=True)
    limits = np.where(x < math.inf, -math.inf, 0).astype(x.dtype)
    return softmax(np.where(largest < math.inf, x, limits), axis)


@differentiable(x=lambda g, x, axis: restore(g, x.shape, axis) * shares(x, axis), accepts=["keepdims"])
@in_single
def logsumexp(x: Any, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Any:
    """Return log(sum(exp(x))) along the axis, by default of all elements, without overflow.

    >>> F.logsumexp(ad.Tensor([0.0, 1000.0]))
    Tensor(1000.)
    """
    if not np.size(x):
        return np.sum(x, axis=axis, keepdims=keepdims) - math.inf
    largest = np.max(x, axis=axis, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0)
    with np.errstate(divide="ignore"):  # the logarithm of an empty probability is -inf, as it should
        total = np.log(np.sum(np.exp(x - largest), axis=axis, keepdims=True)) + largest
    return total if keepdims else np.squeeze(total, axis=axis)


# Layers


@differentiable(
    x=lambda g, weight: g @ weight,
    weight=lambda g, x: by_rows(g).T @ by_rows(x),
    bias=lambda g: g,
)
def linear(x: Any, weight: Any, bias: Any) -> Any:
    """Return x @ weight.T + bias.

    x: (..., in_features). weight: (out_features, in_features). bias: (out_features,). Returns (..., out_features).

    >>> weight, bias = ad.Tensor([[1.0, 2.0]]), ad.Tensor([0.5])
    >>> F.linear(ad.Tensor([[3.0, 4.0]]), weight, bias)
    Tensor([[11.5]])
    """
    product = x @ weight.T
    return np.add(product, bias, out=product if product.dtype == bias.dtype else None)  # a second large array is slow


def by_rows(x: Any) -> Any:
    """Return an array of rows, whatever the number of axes in front: (..., features) as (rows, features)."""
    return x if x.ndim == 2 else np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


@composed()
def dropout(x: Any, probability: float = 0.5, rng: np.random.Generator | None = None, training: bool = True) -> Any:
    """Return x with elements set to 0 at random and the others scaled up to keep the mean (Srivastava et al. 2014).

    probability: that of an element to be dropped, from 0 to 1. rng: draws them; without it they are other ones
    in every run. training: if False, x is returned as it is.

    >>> rng = np.random.default_rng(0)
    >>> F.dropout(ad.Tensor(np.ones(4)), 0.5, rng)
    Tensor([2., 0., 0., 0.], dtype=float64)
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"dropout: probability must be from 0 to 1, found {probability}")
    if not training:
        return x
    rng = np.random.default_rng() if rng is None else rng
    check_generator("dropout", rng, "random")
    kept = rng.random(np.shape(x)) >= probability
    return masked(x, kept) * (1 / (1 - probability) if probability < 1 else 0)


def check_generator(name: str, rng: Any, method: str) -> None:
    """Raise TypeError for what does not draw random numbers, such as a seed."""
    if not hasattr(rng, method):
        seed = rng if isinstance(rng, int) else 0
        raise TypeError(f"{name}: rng must be a generator, found {rng!r}; write rng=np.random.default_rng({seed})")
