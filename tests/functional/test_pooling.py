import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812

IMAGE = np.array([[[1.0, 1.0, 0.0, 2.0], [1.0, 1.0, 3.0, 3.0], [0.0, 0.0, 4.0, 4.0], [-5.0, -6.0, 4.0, 4.0]]])


def test_the_largest_and_the_mean_of_every_window():
    np.testing.assert_array_equal(F.max_pool2d(IMAGE, 2), [[[1, 3], [0, 4]]])
    np.testing.assert_array_equal(F.avg_pool2d(IMAGE, 2), [[[1, 2], [-2.75, 4]]])
    np.testing.assert_array_equal(F.max_pool2d(IMAGE, (1, 3), 1), [[[1, 2], [3, 3], [4, 4], [4, 4]]])
    np.testing.assert_array_equal(F.avg_pool1d(IMAGE[0, :1], 2, 2, 1), [[0.5, 0.5, 1]])


def test_padding_is_never_the_largest():
    np.testing.assert_array_equal(F.max_pool1d(np.array([[-3.0, -2.0]]), 2, padding=1), [[-3, -2]])


def test_the_first_of_equal_elements_gets_the_gradient():
    found = ad.grad(lambda x: np.sum(F.max_pool2d(x, 2) * [[1, 2], [3, 4]]))(IMAGE)
    np.testing.assert_array_equal(found, [[[1, 0, 0, 0], [0, 0, 2, 0], [3, 0, 4, 0], [0, 0, 0, 0]]])


def test_windows_that_overlap_add_up():
    found = ad.grad(lambda x: np.sum(F.max_pool1d(x, 3, 1) * [1.0, 2.0]))(np.array([[0.0, 5.0, 1.0, 2.0]]))
    np.testing.assert_array_equal(found, [[0, 3, 0, 0]])


@pytest.mark.parametrize(
    "pool", [F.max_pool1d, F.max_pool2d, F.avg_pool1d, F.avg_pool2d], ids=lambda pool: pool.__name__
)
def test_single_precision_stays_so_forwards_and_backwards(pool):
    x = ad.Tensor(np.ones((2, 3, 4, 4), np.float32), requires_grad=True)
    out = pool(x, 2, 1, 1)
    np.sum(out**2).backward()
    assert {out.dtype, x.grad.dtype} == {np.dtype(np.float32)}


WRONG = {
    "no channels": ((3, 3), {}, r"takes x of shape \(\.\.\., channels, height, width\), found shape \(3, 3\)"),
    "a size of 0": ((1, 3, 3), {"kernel_size": (2, 0)}, r"kernel_size must be .* from 1 on, found \(2, 0\)"),
    "a stride of 0": ((1, 3, 3), {"stride": 0}, "stride must be a whole number or 2 of them, from 1 on, found 0"),
    "too much padding": ((1, 3, 3), {"padding": 2}, r"padding must be at most half of kernel_size, \(2, 2\), found 2"),
    "no room": ((1, 1, 3), {}, r"windows of \(2, 2\) elements, .* do not fit into \(1, 3\)"),
}


@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d], ids=lambda pool: pool.__name__)
@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(pool, name):
    shape, settings, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        pool(np.ones(shape), **{"kernel_size": 2, **settings})


@pytest.mark.parametrize("settings", [(2,), (3, 1), (2, 2, 1)], ids=str)
def test_a_change_of_the_input_before_the_backward_pass_is_refused(settings):
    x = ad.Tensor(IMAGE, requires_grad=True)
    given = x.data
    out = F.max_pool2d(x, *settings)
    given[0, 3, 3] = 9
    if len(settings) < 3:  # with padding, windows are on a copy
        with pytest.raises(ad.ChangedArrayError, match="largest saved 'seen' for the backward pass"):
            np.sum(out).backward()
    else:
        np.sum(out).backward()


def test_a_write_into_the_input_after_the_call_leaves_its_gradient():
    x = ad.Tensor(IMAGE, requires_grad=True)
    doubled = x * 2
    out = F.max_pool2d(doubled, 2)
    doubled[0, 3, 3] = 99
    np.sum(out).backward()
    np.testing.assert_array_equal(out.data, [[[2, 6], [0, 8]]])
    np.testing.assert_array_equal(x.grad.data, [[[2, 0, 0, 0], [0, 0, 2, 0], [2, 0, 2, 0], [0, 0, 0, 0]]])
