import math

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812

POINTS = np.concatenate([np.linspace(-7, 7, 20_001), np.geomspace(1e-30, 1, 200), -np.geomspace(1e-30, 1, 200)])


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float16, 1e-3), (np.float32, 4e-7), (np.float64, 1e-15)])
def test_the_error_function_has_the_digits_of_its_dtype(dtype, tolerance):
    points = POINTS.astype(dtype)
    expected = [math.erf(point) for point in points]
    found = F.erf(points)
    assert found.dtype == dtype
    smallest = np.finfo(dtype).smallest_subnormal
    np.testing.assert_allclose(found.astype(np.float64), expected, rtol=tolerance, atol=smallest)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_error_function_is_one_far_out(dtype):
    points = np.array([4.5, 1e4, math.inf, -6, -1e4, -math.inf, math.nan], dtype) * np.array(1.4, dtype)
    np.testing.assert_array_equal(F.erf(points), [1, 1, 1, -1, -1, -1, math.nan])


@pytest.mark.parametrize("approximate", ["none", "tanh"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gelu_is_zero_or_its_argument_far_out(approximate, dtype):
    points = np.array([-math.inf, -1e4, -30, 30, 1e4, math.inf, math.nan], dtype)
    np.testing.assert_array_equal(F.gelu(points, approximate), [0, 0, 0, 30, 1e4, math.inf, math.nan])


@pytest.mark.parametrize("approximate", ["none", "tanh"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_slope_of_gelu_is_one_or_zero_far_from_zero(dtype, approximate):
    far = np.array([50, 84, 90, 100, 1000, 60000, np.inf, -50, -84, -90, -100, -1000, -60000, -np.inf], dtype)
    x = ad.Tensor(far, requires_grad=True)
    np.sum(F.gelu(x, approximate), dtype=np.float64).backward()
    np.testing.assert_array_equal(x.grad.data, far > 0)
    slopes = ad.grad(lambda v: np.sum(F.gelu(v, approximate), dtype=np.float64))
    np.testing.assert_array_equal(ad.grad(lambda v: np.sum(slopes(v), dtype=np.float64))(far), np.zeros(14))
