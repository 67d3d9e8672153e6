"""Convolution, pooling and attention beside PyTorch's: values, gradients and their derivatives, over many settings."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autodiff import functional as F  # noqa: N812
from tests.oracle.test_functions_against_torch import compare

THEIRS = torch.nn.functional
PROFILE = settings(max_examples=50, deadline=None, derandomize=True)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# Convolution

GRID = [
    {"stride": stride, "padding": padding, "dilation": dilation}
    for stride, padding, dilation in itertools.product((1, 2), (0, 2, "same", "valid"), (1, 2))
    if padding != "same" or stride == 1
]


@pytest.mark.parametrize("keywords", GRID, ids=str)
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_convolution_agrees_over_its_settings(axes, groups, keywords):
    x, weight, bias = normal(2, 4, *(7, 6)[:axes]), normal(6, 4 // groups, *(3, 2)[:axes], seed=1), normal(6, seed=2)
    ours, theirs = ((F.conv1d, THEIRS.conv1d), (F.conv2d, THEIRS.conv2d))[axes - 1]
    compare(ours, theirs, (x, weight, bias), {"groups": groups, **keywords}, keywords)


PAIRS = [
    {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2)},
    {"stride": (1, 3), "padding": (3, 0)},
    {"padding": (0, 5), "dilation": (2, 1)},  # wider than the windows
]


@pytest.mark.parametrize("keywords", PAIRS, ids=str)
def test_convolution_agrees_with_settings_for_each_axis(keywords):
    compare(F.conv2d, THEIRS.conv2d, (normal(2, 3, 6, 7), normal(4, 3, 3, 2, seed=1)), keywords, keywords)


def test_depthwise_convolution_and_no_sample_axis_agree():
    compare(F.conv2d, THEIRS.conv2d, (normal(3, 5, 5), normal(6, 1, 3, 3, seed=1), normal(6)), {"groups": 3}, "2d")
    compare(F.conv1d, THEIRS.conv1d, (normal(2, 5), normal(3, 2, 2, seed=1)), {"stride": 2}, "1d")


@st.composite
def convolutions(draw):
    axes, groups = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    inner, outer = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    lengths, kernel, stride, dilation = (
        tuple(draw(st.integers(1, most)) for _ in range(axes)) for most in (6, 3, 3, 2)
    )
    padding = tuple(draw(st.integers(0, 3)) for _ in range(axes))
    sizes = zip(lengths, kernel, dilation, padding, strict=True)
    assume(all(length + 2 * pad > spread * (size - 1) for length, size, spread, pad in sizes))
    x = normal(draw(st.integers(1, 3)), groups * inner, *lengths, seed=draw(st.integers(0, 9)))
    if draw(st.booleans()):  # channels last in memory, as one convolution leaves them to the next
        x = np.moveaxis(np.moveaxis(x, 1, -1).copy(), -1, 1)
    weight = normal(groups * outer, inner, *kernel, seed=1)
    return x, weight, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


@PROFILE
@given(convolutions())
def test_convolution_agrees_on_any_shape(drawn):
    x, weight, keywords = drawn
    ours, theirs = ((F.conv1d, THEIRS.conv1d), (F.conv2d, THEIRS.conv2d))[x.ndim - 3]
    compare(ours, theirs, (x, weight), keywords, (x.shape, weight.shape, keywords))


# Pooling

POOLS = {
    "max": ((F.max_pool1d, THEIRS.max_pool1d), (F.max_pool2d, THEIRS.max_pool2d)),
    "avg": ((F.avg_pool1d, THEIRS.avg_pool1d), (F.avg_pool2d, THEIRS.avg_pool2d)),
}


@st.composite
def poolings(draw):
    axes = draw(st.integers(1, 2))
    kernel = tuple(draw(st.integers(1, 4)) for _ in range(axes))
    stride = draw(st.none() | st.tuples(*[st.integers(1, 3)] * axes))
    padding = tuple(draw(st.integers(0, size // 2)) for size in kernel)
    lengths = tuple(draw(st.integers(max(size - 2 * pad, 1), 7)) for size, pad in zip(kernel, padding, strict=True))
    front = draw(st.sampled_from([(2, 3), (2,), (1, 1)]))
    random = np.random.default_rng(draw(st.integers(0, 9)))
    x = random.integers(0, 3, (*front, *lengths)) if draw(st.booleans()) else random.normal(size=(*front, *lengths))
    return x.astype(np.float64), (kernel, stride, padding)


@PROFILE
@given(poolings(), st.sampled_from(list(POOLS)))
def test_pooling_agrees_on_any_shape_and_with_ties(drawn, kind):
    x, (kernel, stride, padding) = drawn
    ours, theirs = POOLS[kind][len(kernel) - 1]
    what = (kind, x.shape, kernel, stride, padding)
    compare(
        lambda x: ours(x, kernel, stride, padding) ** 2,
        lambda x: theirs(x, kernel, stride, padding) ** 2,
        [x],
        {},
        what,
    )


def test_pooling_of_infinities_agrees():
    x = np.array([[[-math.inf, -math.inf, 1.0, -math.inf]]])
    compare(F.max_pool1d, lambda x, *settings: THEIRS.max_pool1d(x, *settings), (x, 2, 2), {}, "infinite")


# Attention


def attention(query, key, value, mask, **keywords):
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):  # the others have no second derivative
        return THEIRS.scaled_dot_product_attention(query, key, value, attn_mask=mask, **keywords)


SEEN = np.random.default_rng(3).random((2, 1, 4, 5)) < 0.5
SEEN[0, 0, 1] = False  # a query without a key
MASKS = {
    "none": None,
    "booleans": SEEN,
    "booleans of every sample": SEEN[0, 0],
    "numbers": normal(4, 5, seed=4),
    "numbers down to minus infinity": np.where(SEEN, 0.5, -math.inf).astype(np.float64),
}


@pytest.mark.parametrize("scale", [None, 0.7])
@pytest.mark.parametrize("mask", MASKS)
def test_attention_agrees_with_masks(mask, scale):
    query, key, value = normal(2, 3, 4, 6), normal(2, 3, 5, 6, seed=1), normal(2, 3, 5, 2, seed=2)
    compare(F.scaled_dot_product_attention, attention, (query, key, value, MASKS[mask]), {"scale": scale}, mask)


@pytest.mark.parametrize(
    "shapes", [((4, 3), (4, 3), (4, 3)), ((2, 5, 3), (2, 4, 3), (2, 4, 1)), ((2, 3, 1, 2),) * 3], ids=str
)
def test_attention_to_what_came_before_agrees(shapes):
    arrays = [normal(*shape, seed=i) for i, shape in enumerate(shapes)]
    compare(
        lambda *arrays: F.scaled_dot_product_attention(*arrays, is_causal=True),
        lambda *arrays: attention(*arrays, None, is_causal=True),
        arrays,
        {},
        shapes,
    )
