"""Derivative rules of the elementwise functions. The engine undoes broadcasting, so no rule does.

Where a function has a kink or a tie, the gradient is PyTorch's: abs'(0) = 0, half to each side of a tied maximum.
"""

import numpy as np

from autodiff.function import no_gradient, rule

# Arithmetic

rule(np.add, a=lambda g: g, b=lambda g: g)
rule(np.subtract, a=lambda g: g, b=lambda g: -g)
rule(np.multiply, a=lambda g, b: g * b, b=lambda g, a: g * a)
rule(np.divide, a=lambda g, b: g / b, b=lambda g, b, out: -g * out / b)
rule(np.negative, x=lambda g: -g)
rule(np.positive, x=lambda g: g)
rule(
    np.power,
    a=lambda g, a, b: g * b * a ** (b - 1 + (b == 0)),  # a ** 0 has derivative 0, at a = 0 as well
    b=lambda g, a, out: g * out * np.log(a * np.ones_like(g) + (a == 0)),  # 0 ** b likewise
)

# Exponentials and roots

rule(np.exp, x=lambda g, out: g * out)
rule(np.log, x=lambda g, x: g / x)
rule(np.sqrt, x=lambda g, out: g / (2 * out))
rule(np.tanh, x=lambda g, out: g * (1 - out * out))

# Kinks and choices

rule(np.absolute, x=lambda g, x: g * np.sign(x))
rule(
    np.maximum,
    a=lambda g, a, b: np.where(a == b, g / 2, g * (a > b)),
    b=lambda g, a, b: np.where(a == b, g / 2, g * (b > a)),
)
rule(
    np.minimum,
    a=lambda g, a, b: np.where(a == b, g / 2, g * (a < b)),
    b=lambda g, a, b: np.where(a == b, g / 2, g * (b < a)),
)
rule(
    np.where,
    x=lambda g, condition: np.where(condition, g, 0),
    y=lambda g, condition: np.where(condition, 0, g),
)
rule(np.sign, x=lambda g: np.zeros_like(g))

# A change of dtype: the engine turns the gradient back

rule(np.astype, x=lambda g: g, accepts=["dtype", "copy"])

# No gradient

no_gradient(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)
no_gradient(np.isnan, np.isinf, np.isfinite, np.logical_and, np.logical_or, np.logical_not, np.logical_xor)
no_gradient(np.bitwise_and, np.bitwise_or, np.invert)
no_gradient(np.zeros_like, np.ones_like)
