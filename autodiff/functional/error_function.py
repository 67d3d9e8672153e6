"""The error function in NumPy: in double precision the rational approximations of Sun Microsystems' fdlibm (1993).

NumPy computes each of the four for every number. In single precision one polynomial serves for all: erf is the tanh of
an odd function, and x is 4 where it is 1. Its coefficients make the largest relative error of erf small, by least
squares whose weights are multiplied with the errors again and again (Lawson 1961); SciPy's erf gave the values.
"""

from typing import Any

import numpy as np

SMALL = (
    [1.28379167095512558561e-01, -3.25042107247001499370e-01, -2.84817495755985104766e-02,
     -5.77027029648944159157e-03, -2.37630166566501626084e-05],
    [1.0, 3.97917223959155352819e-01, 6.50222499887672944485e-02, 5.08130628187576562776e-03,
     1.32494738004321644526e-04, -3.96022827877536812320e-06],
)  # fmt: skip
MIDDLE = (
    [-2.36211856075265944077e-03, 4.14856118683748331666e-01, -3.72207876035701323847e-01,
     3.18346619901161753674e-01, -1.10894694282396677476e-01, 3.54783043256182359371e-02,
     -2.16637559486879084300e-03],
    [1.0, 1.06420880400844228286e-01, 5.40397917702171048937e-01, 7.18286544141962662868e-02,
     1.26171219808761642112e-01, 1.36370839120290507362e-02, 1.19844998467991074170e-02],
)  # fmt: skip
LARGE = (
    [-9.86494403484714822705e-03, -6.93858572707181764372e-01, -1.05586262253232909814e+01,
     -6.23753324503260060396e+01, -1.62396669462573470355e+02, -1.84605092906711035994e+02,
     -8.12874355063065934246e+01, -9.81432934416914548592e+00],
    [1.0, 1.96512716674392571292e+01, 1.37657754143519042600e+02, 4.34565877475229228821e+02,
     6.45387271733267880336e+02, 4.29008140027567833386e+02, 1.08635005541779435134e+02,
     6.57024977031928170135e+00, -6.04244152148580987438e-02],
)  # fmt: skip
LARGEST = (
    [-9.86494292470009928597e-03, -7.99283237680523006574e-01, -1.77579549177547519889e+01,
     -1.60636384855821916062e+02, -6.37566443368389627722e+02, -1.02509513161107724954e+03,
     -4.83519191608651397019e+02],
    [1.0, 3.03380607434824582924e+01, 3.25792512996573918826e+02, 1.53672958608443695994e+03,
     3.19985821950859553908e+03, 2.55305040643316442583e+03, 4.74528541206955367215e+02,
     -2.24409524465858183362e+01],
)  # fmt: skip
AT_ONE = 8.45062911510467529297e-01


SINGLE = [
    1.1283792460956414, 1.0276989734648613e-01, -1.9543343120830155e-04, -6.146252079531126e-04,
    8.446191473946633e-05, -4.754657097435909e-06, 2.216033934407864e-08, 5.689325394045108e-09,
]  # fmt: skip


def erf_values(x: Any) -> Any:
    """Return the error function of an array, in its dtype, to the last digit or two."""
    dtype = getattr(x, "dtype", None)
    if dtype == np.float16:
        return erf_in_single(x.astype(np.float32)).astype(np.float16)
    return erf_in_single(x) if dtype == np.float32 else erf_in_double(x)


def erf_in_single(x: Any) -> Any:
    """Return the error function of an array in single precision."""
    near = np.clip(x, -4, 4)
    return np.tanh(near * polynomial(near * near, SINGLE))


def erf_in_double(x: Any) -> Any:
    """Return the error function of an array in double precision; SMALL and LARGE tell the size of x."""
    size = np.absolute(x)
    near = np.clip(x, -1, 1)
    small = near + near * quotient(near * near, SMALL)
    middle = AT_ONE + quotient(np.clip(size, 0.8, 1.3) - 1, MIDDLE)
    far = np.clip(size, 1.25, 6)
    inverse_square = 1 / (far * far)
    exponent = np.where(far < 1 / 0.35, quotient(inverse_square, LARGE), quotient(inverse_square, LARGEST))
    large = 1 - np.exp(-far * far - 0.5625 + exponent) / far
    return np.where(size < 0.84375, small, np.copysign(np.where(size < 1.25, middle, large), x))


def quotient(x: Any, coefficients: tuple[list[float], list[float]]) -> Any:
    """Return the quotient of two polynomials, given by their coefficients from the constant one up."""
    above, below = coefficients
    return polynomial(x, above) / polynomial(x, below)


def polynomial(x: Any, coefficients: list[float]) -> Any:
    """Return a polynomial by Horner's rule; Python coefficients leave float32 as it is."""
    value = x * coefficients[-1]
    for coefficient in coefficients[-2:0:-1]:
        value += coefficient
        value *= x
    value += coefficients[0]
    return value
