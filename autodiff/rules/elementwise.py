"""Derivative rules of the elementwise functions. The engine undoes broadcasting, so no rule does.

Where a function has a kink or a tie, the gradient is PyTorch's: abs'(0) = 0, half to each side of a tied maximum, 1 at
the bounds of clip. Constants are Python numbers, which leave float32 as it is.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.declarations import composed, differentiable, no_gradient, rule


def as_array(values: Any, dtype: Any) -> Any:
    """Return Python numbers, in lists too, as an array of a dtype; an array as it is."""
    return values if hasattr(values, "dtype") else np.asarray(values, dtype)


BITS = {np.dtype(f"f{size}"): np.dtype(f"i{size}") for size in (2, 4, 8)}
"""The integers of the size of each floating-point dtype."""


def masked(g: Any, condition: Any) -> Any:
    """Return g where a condition holds and 0 elsewhere: a product with the condition makes NaN of an infinite g.

    The bits of numbers are multiplied in place of np.where, which takes four times as long for 30,000 numbers.
    """
    if type(g) is not np.ndarray or type(condition) is not np.ndarray or condition.shape != g.shape:
        return np.where(condition, g, 0)
    integers = BITS.get(g.dtype)
    if integers is None or condition.dtype != bool:
        return np.where(condition, g, 0)
    bits = condition.astype(integers)
    bits *= g.view(integers)
    return bits.view(g.dtype)


# Arithmetic

rule(np.add, a=lambda g: g, b=lambda g: g)
rule(np.subtract, a=lambda g: g, b=lambda g: -g)
rule(np.multiply, a=lambda g, b: g * b, b=lambda g, a: g * a)
rule(np.divide, a=lambda g, b: g / b, b=lambda g, b, out: -g * out / b)
rule(np.negative, x=lambda g: -g)
rule(np.positive, x=lambda g: g)
rule(np.reciprocal, x=lambda g, out: -g * out * out)
rule(np.square, x=lambda g, x: 2 * g * x)
rule(np.remainder, a=lambda g: g, b=lambda g, a, b: -g * np.floor_divide(a, b))  # a / b may be rounded up
rule(np.fmod, a=lambda g: g, b=lambda g, a, b, out: -g * np.rint((a - out) / b))
for power in (np.power, np.float_power):
    rule(
        power,
        a=lambda g, a, b: g * b * a ** one_less(a, b, g.dtype),
        b=lambda g, a, out: g * out * np.log(a * np.ones_like(g) + (a == 0)),  # 0 ** b has derivative 0
    )


def one_less(a: Any, b: Any, dtype: Any) -> Any:
    """Return the exponent b - 1 of the slope of a ** b; but 0 where b is 0, as the slope, and a too small for 1 / a."""
    if type(b) in (int, float):
        return b - 1 if b else 0
    return b - 1 + ((b == 0) & (np.absolute(a) < np.finfo(dtype).smallest_normal))


# Exponentials, logarithms and roots


@differentiable(x=lambda g, out: g * out * (1 - out))
def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)), elementwise.

    >>> F.sigmoid(ad.Tensor([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    with np.errstate(over="ignore"):  # exp(-x) may be inf, which gives 0, as it should
        return 1 / (1 + np.exp(-x))


def less(a: Any, b: Any, dtype: Any) -> Any:
    """Return a - b, which is 0 for two equal infinities."""
    same = (a == b) & np.isinf(a)
    return np.where(same, 0, as_array(a, dtype)) - np.where(same, 0, as_array(b, dtype))


rule(np.exp, x=lambda g, out: g * out)
rule(np.exp2, x=lambda g, out: g * out * math.log(2))
rule(np.expm1, x=lambda g, x: g * np.exp(x))
rule(np.log, x=lambda g, x: g / x)
rule(np.log2, x=lambda g, x: g / (x * math.log(2)))
rule(np.log10, x=lambda g, x: g / (x * math.log(10)))
rule(np.log1p, x=lambda g, x: g / (x + 1))
rule(
    np.logaddexp, a=lambda g, a, b: g * sigmoid(less(a, b, g.dtype)), b=lambda g, a, b: g * sigmoid(less(b, a, g.dtype))
)
rule(
    np.logaddexp2,
    a=lambda g, a, b: g * sigmoid(less(a, b, g.dtype) * math.log(2)),
    b=lambda g, a, b: g * sigmoid(less(b, a, g.dtype) * math.log(2)),
)
rule(np.sqrt, x=lambda g, out: g / (2 * out))
rule(np.cbrt, x=lambda g, out: g / (3 * out * out))

# Trigonometric and hyperbolic functions

rule(np.sin, x=lambda g, x: g * np.cos(x))
rule(np.cos, x=lambda g, x: -g * np.sin(x))
rule(np.tan, x=lambda g, out: g * (1 + out * out))
rule(np.arcsin, x=lambda g, x: g / np.sqrt((1 - x) * (1 + x)))
rule(np.arccos, x=lambda g, x: -g / np.sqrt((1 - x) * (1 + x)))
rule(np.arctan, x=lambda g, x: g / (1 + x * x))
rule(
    np.arctan2,
    a=lambda g, a, b: g * cosine(b, a, g.dtype) / length(a, b),
    b=lambda g, a, b: -g * cosine(a, b, g.dtype) / length(a, b),
)
rule(np.hypot, a=lambda g, a, b: g * cosine(a, b, g.dtype), b=lambda g, a, b: g * cosine(b, a, g.dtype))


def length(a: Any, b: Any) -> Any:
    """Return the length of the vector (a, b), whose squares may be too large or too small; 1 for 0."""
    return np.hypot(a, b) + ((a == 0) & (b == 0))


def cosine(a: Any, b: Any, dtype: Any) -> Any:
    """Return a / sqrt(a * a + b * b): its limit where a is infinite, 0 at the origin."""
    alone, a = np.isinf(a) & np.isfinite(b), as_array(a, dtype)
    return np.where(alone, np.sign(a), a) / np.where(alone, 1, length(a, b))


rule(np.sinh, x=lambda g, x: g * np.cosh(x))
rule(np.cosh, x=lambda g, x: g * np.sinh(x))
rule(np.tanh, x=lambda g, out: g * (1 - out * out))
rule(np.arcsinh, x=lambda g, x: g / np.hypot(x, 1))
rule(np.arccosh, x=lambda g, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)))
rule(np.arctanh, x=lambda g, x: g / ((1 - x) * (1 + x)))
rule(np.sinc, x=lambda g, x: g * sinc_slope(x))
for to_radians in (np.deg2rad, np.radians):
    rule(to_radians, x=lambda g: g * (math.pi / 180))
for to_degrees in (np.rad2deg, np.degrees):
    rule(to_degrees, x=lambda g: g * (180 / math.pi))


def sinc_slope(x: Any) -> Any:
    """Return the derivative of sin(pi x) / (pi x), by its Taylor series near 0, where the quotient loses digits."""
    near = np.absolute(x) < 0.1
    away = np.where(near, 1, x)
    terms = [(-1) ** k * 2 * k * math.pi ** (2 * k) / math.factorial(2 * k + 1) for k in range(1, 9)]
    series: Any = 0 * x
    for term in reversed(terms):
        series = series * (x * x) + term
    return np.where(near, series * x, (np.cos(math.pi * away) - np.sinc(away)) / away)


# Kinks and choices

for magnitude in (np.absolute, np.fabs):
    rule(magnitude, x=lambda g, x: g * np.sign(x))
rule(
    np.maximum,
    a=lambda g, a, b: halved(masked(g, a >= b), a == b),
    b=lambda g, a, b: halved(masked(g, b >= a), a == b),
)
rule(
    np.minimum,
    a=lambda g, a, b: halved(masked(g, a <= b), a == b),
    b=lambda g, a, b: halved(masked(g, b <= a), a == b),
)
rule(  # fmax and fmin choose the other side of a NaN
    np.fmax,
    a=lambda g, a, b: halved(masked(g, (a >= b) | np.isnan(b)), a == b),
    b=lambda g, a, b: halved(masked(g, (b >= a) | np.isnan(a)), a == b),
)
rule(
    np.fmin,
    a=lambda g, a, b: halved(masked(g, (a <= b) | np.isnan(b)), a == b),
    b=lambda g, a, b: halved(masked(g, (b <= a) | np.isnan(a)), a == b),
)


def halved(g: Any, ties: Any) -> Any:
    """Return g, and half of it at the ties."""
    return np.where(ties, g / 2, g)


rule(
    np.where,
    x=lambda g, condition: np.where(condition, g, 0),
    y=lambda g, condition: np.where(condition, 0, g),
)
rule(np.copysign, a=lambda g, a, out: g * np.sign(a) * np.sign(out), b=lambda g: np.zeros_like(g))
rule(np.heaviside, a=lambda g: np.zeros_like(g), b=lambda g, a: masked(g, a == 0))
rule(np.nan_to_num, x=lambda g, x: masked(g, np.isfinite(x)), accepts=["nan", "posinf", "neginf"])


@differentiable(
    a=lambda g, a, low, high: masked(g, (a >= low) & (a <= high)),
    low=lambda g, a, low, high: masked(g, (a < low) & (low < high)),
    high=lambda g, a, low, high: masked(g, (a > high) | (high < low)),
)
def clip_between(a: Any, low: Any, high: Any) -> Any:
    """Return np.clip(a, low, high)."""
    return np.clip(a, low, high)


@composed(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """Limit values to an interval; either end may be open."""
    low = a_min if min is None else min
    high = a_max if max is None else max
    return clip_between(a, -math.inf if low is None else low, math.inf if high is None else high)


@composed(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """Choose from the first of the arrays whose condition holds."""
    dtype, chosen = np.result_type(*choicelist, default), default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        chosen = np.where(condition, np.astype(choice, dtype) if hasattr(choice, "dtype") else choice, chosen)
    return chosen


# Steps, whose derivative is 0

DEPRECATED: list[Callable[..., Any]] = [np.fix] if np.lib.NumpyVersion(np.__version__) < "2.5.0" else []
"""Functions that NumPy warns of in later versions: np.fix is np.trunc."""

STEPS: list[Callable[..., Any]] = [np.sign, np.floor, np.ceil, np.trunc, np.rint, *DEPRECATED]
for step in STEPS:
    rule(step, x=lambda g: np.zeros_like(g))
for rounding in (np.round, np.around):
    rule(rounding, a=lambda g: np.zeros_like(g), accepts=["decimals"])
rule(np.floor_divide, a=lambda g: np.zeros_like(g), b=lambda g: np.zeros_like(g))

# Of complex numbers, real ones have these

rule(np.real, val=lambda g: g)
rule(np.conjugate, x=lambda g: g)
rule(np.angle, z=lambda g: np.zeros_like(g), accepts=["deg"])


@composed(np.imag)
def imag(val: Any) -> Any:
    """Return zeros, which cannot be written to: NumPy's neither."""
    return np.broadcast_to(np.zeros_like(val, shape=()), np.shape(val))


# Two results at once


@differentiable(x=lambda g: g)
def fraction(x: Any) -> Any:
    """Return what a number has behind the point, with its sign."""
    return np.modf(x)[0]


@composed(np.modf)
def modf(x: Any) -> Any:
    """Return what a number has behind the point, and the whole number before it."""
    return fraction(x), np.trunc(x)


@composed(np.divmod)
def divmod_of(a: Any, b: Any) -> Any:
    """Return the quotient rounded down, and the remainder."""
    return np.floor_divide(a, b), np.remainder(a, b)


rule(np.ldexp, a=lambda g, b: np.ldexp(g, b))

# The modified Bessel function, by the mean of an integrand that is periodic, of which 200 points leave no error

COSINES = np.cos(math.pi * (np.arange(200) + 0.5) / 200)


def bessel(x: Any, order: int) -> Any:
    """Return the integral of exp(x cos t) cos(t) ** order over a half turn, over pi (Abramowitz & Stegun 9.6.19)."""
    cosines = COSINES.astype(x.dtype)
    return np.mean(np.exp(x[..., None] * cosines) * cosines**order, axis=-1)


rule(np.i0, x=lambda g, x: g * bessel(x, 1))

# A change of dtype: the engine turns the gradient back

rule(np.astype, x=lambda g: g, accepts=["dtype", "copy"])

# No gradient

no_gradient(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)
no_gradient(np.isnan, np.isinf, np.isfinite, np.signbit, np.isclose, np.allclose, np.array_equal)
no_gradient(np.logical_and, np.logical_or, np.logical_not, np.logical_xor)
no_gradient(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift, np.gcd, np.lcm)
no_gradient(np.isreal, np.iscomplex, np.isrealobj, np.iscomplexobj, np.isposinf, np.isneginf, np.isin, np.array_equiv)
no_gradient(np.zeros_like, np.ones_like, np.empty_like)
no_gradient(np.shape, np.ndim, np.size, np.result_type, np.can_cast)
