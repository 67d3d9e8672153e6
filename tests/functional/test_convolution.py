import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.functional import convolution


def by_loops(x, weight, bias, step, padding):
    """Return a convolution by its definition."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    height, width = weight.shape[2:]
    rows = range(0, x.shape[2] - height + 1, step)
    columns = range(0, x.shape[3] - width + 1, step)
    return np.array(
        [
            [
                [[np.sum(one[:, i : i + height, j : j + width] * kernel) + b for j in columns] for i in rows]
                for kernel, b in zip(weight, bias, strict=True)
            ]
            for one in x
        ]
    )


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("padding", [0, 1, 4])
def test_conv2d_is_its_definition(step, padding):
    random = np.random.default_rng(0)
    x, weight, bias = random.normal(size=(2, 3, 5, 6)), random.normal(size=(4, 3, 3, 2)), random.normal(size=4)
    found = F.conv2d(x, weight, bias, step, padding)
    np.testing.assert_allclose(found, by_loops(x, weight, bias, step, padding), rtol=1e-12, atol=1e-12)


def test_conv1d_is_numpys_correlation():
    x, weight = np.random.default_rng(0).normal(size=9), np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(F.conv1d(x[None], weight[None, None])[0], np.correlate(x, weight, "valid"))


def test_the_lengths_stay_with_padding_same():
    x = np.ones((1, 1, 5, 7), np.float32)
    for height, width, dilation in [(3, 3, 1), (2, 4, 1), (3, 2, 2), (1, 1, 1)]:
        weight = np.ones((2, 1, height, width), np.float32)
        assert F.conv2d(x, weight, padding="same", dilation=dilation).shape == (1, 2, 5, 7)


def test_a_group_of_the_output_sees_one_of_the_input():
    random = np.random.default_rng(0)
    x, weight = random.normal(size=(2, 4, 6)), random.normal(size=(6, 2, 3))
    halves = [F.conv1d(x[:, i * 2 : i * 2 + 2], weight[i * 3 : i * 3 + 3]) for i in range(2)]
    np.testing.assert_allclose(F.conv1d(x, weight, groups=2), np.concatenate(halves, axis=1), rtol=1e-12)


@pytest.mark.parametrize("step", [1, 2])
def test_single_precision_stays_so_forwards_and_backwards(step):
    x, weight, bias = (ad.Tensor(np.ones(shape, np.float32), requires_grad=True) for shape in [(1, 2, 4), (3, 2, 2), 3])
    out = F.conv1d(x, weight, bias, stride=step, padding=1)
    np.sum(out**2).backward()
    assert {out.dtype, x.grad.dtype, weight.grad.dtype, bias.grad.dtype} == {np.dtype(np.float32)}


def test_the_layout_that_one_convolution_leaves_is_what_the_next_one_reads():
    out = F.conv2d(np.ones((2, 3, 5, 5)), np.ones((4, 3, 3, 3)))
    assert np.moveaxis(out, 1, -1).flags.c_contiguous


WRONG = {
    "x without channels": ({"x": (5, 5)}, r"conv2d takes x of shape \(samples, channels, height, width\)"),
    "weights of another number of axes": ({"weight": (4, 3, 2)}, r"weights of 4 axes, found .* \(4, 3, 2\)"),
    "other channels": ({"weight": (4, 2, 3, 3)}, "take 2 channels, and x of shape .* has 3"),
    "groups that do not divide": ({"groups": 2}, "groups must divide the channels, 3 in and 4 out, found 2"),
    "groups of other channels": ({"groups": 3, "weight": (6, 3, 3, 3)}, "take 3 channels in each of 3 groups"),
    "no room": ({"weight": (4, 3, 8, 1)}, r"windows of \(8, 1\) elements, .* do not fit into \(5, 5\)"),
    "no room for what is spread": ({"dilation": 3}, r"\(3, 3\) apart, do not fit into \(5, 5\), padding included"),
    "a stride of 0": ({"stride": 0}, "stride must be a whole number or 2 of them, from 1 on, found 0"),
    "a stride that is no whole number": ({"stride": 1.5}, "stride must be .* found 1.5"),
    "three paddings": ({"padding": (1, 2, 3)}, r"padding must be .*, from 0 on, found \(1, 2, 3\)"),
    "an unknown padding": ({"padding": "full"}, "padding must be 'same', 'valid' or a whole number, found 'full'"),
    "same and a stride": ({"padding": "same", "stride": 2}, r"'same' keeps the lengths, which a stride of \(2, 2\)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(name):
    changes, message = WRONG[name]
    given = {"x": (1, 3, 5, 5), "weight": (4, 3, 3, 3), **changes}
    x, weight = (np.ones(given.pop(name)) for name in ("x", "weight"))
    for one in (x, ad.Tensor(x, requires_grad=True)):
        with pytest.raises(ValueError, match=message):
            F.conv2d(one, weight, **given)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("step", [1, 2])
def test_many_samples_are_taken_in_blocks_to_the_same_end(groups, step, monkeypatch):
    random = np.random.default_rng(0)
    x, weight = random.normal(size=(7, 4, 5, 4)), random.normal(size=(6, 4 // groups, 3, 2))

    def results():
        total = lambda x, weight: np.sum(np.sin(F.conv2d(x, weight, None, step, 1, groups=groups)))
        first = ad.grad(total, (0, 1))
        second = ad.grad(lambda x, weight: sum(np.sum(one**2) for one in first(x, weight)), (0, 1))
        captured = ad.capture(first)
        return [F.conv2d(x, weight, None, step, 1, groups=groups), *first(x, weight), *second(x, weight)] + [
            one for _ in range(5) for one in captured(x, weight)
        ]

    whole = results()
    monkeypatch.setattr(convolution, "BLOCK", {1: 1500, 2: 540}[step])  # two samples at a time, or three
    for one, other in zip(results(), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)


def test_blocks_cover_every_sample_once(monkeypatch):
    monkeypatch.setattr(convolution, "BLOCK", 3 * 2 * 3 * 5)
    for samples in (0, 1, 7):
        seen = np.zeros((2, samples, 3, 5))
        numbers = [i for some in convolution.blocks(seen) for i in range(samples)[some]]
        assert numbers == list(range(samples))
        assert len(convolution.blocks(seen)) == {0: 1, 1: 1, 7: 3}[samples]
