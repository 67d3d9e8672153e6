"""docs/from-pytorch.md: the left column in PyTorch has the value of the right one here."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

import autodiff as ad
from autodiff import functional

PAGE = (Path(__file__).parents[2] / "docs" / "from-pytorch.md").read_text()
ROWS = re.findall(r"^\| `(.+?)` \| `(.+?)` \|$", PAGE, re.MULTILINE)
RANDOM = np.random.default_rng(0)
SHAPES = {"t": (2, 3), "u": (3,), "v": (3,), "x": (4, 2), "logits": (4, 3)}
ARRAYS = {name: RANDOM.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}
LABELS = np.array([0, 2, 1, 1])


def in_torch(code):
    variables = {name: torch.tensor(array, requires_grad=True) for name, array in ARRAYS.items()}
    names = {"torch": torch, "F": torch.nn.functional, "labels": torch.tensor(LABELS), **variables}
    return eval(code, names), list(variables.values())


def here(code):
    variables = {name: ad.Tensor(array, requires_grad=True) for name, array in ARRAYS.items()}
    names = {"ad": ad, "np": np, "F": functional, "labels": LABELS, **variables}
    return eval(code, names), list(variables.values())


def plain(value):
    return value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(getattr(value, "data", value))


@pytest.mark.parametrize(("left", "right"), ROWS)
def test_both_columns_have_the_same_value_and_gradients(left, right):
    (expected, theirs), (found, ours) = in_torch(left), here(right)
    np.testing.assert_allclose(plain(found), plain(expected), rtol=2e-5, atol=1e-6)
    assert plain(found).dtype.kind == plain(expected).dtype.kind
    if isinstance(expected, torch.Tensor) and expected.requires_grad and isinstance(found, ad.Tensor) and found.node:
        expected.sum().backward()
        np.sum(found).backward()
        for one, other in zip(theirs, ours, strict=True):
            gradient = np.zeros(other.shape) if other.grad is None else other.grad.data
            wanted = np.zeros(other.shape) if one.grad is None else one.grad.numpy()
            np.testing.assert_allclose(gradient, wanted, rtol=2e-5, atol=1e-6)


def test_pos_weight_and_ignored_labels():
    u, v = ARRAYS["u"], np.abs(ARRAYS["v"])
    for reduction in ("mean", "sum", "none"):
        expected = torch.nn.functional.binary_cross_entropy_with_logits(
            torch.tensor(u), torch.tensor(v), pos_weight=torch.tensor([1.0, 2.0, 3.0]), reduction=reduction
        )
        found = functional.binary_cross_entropy_with_logits(
            ad.Tensor(u), v, pos_weight=[1.0, 2.0, 3.0], reduction=reduction
        )
        np.testing.assert_allclose(plain(found), plain(expected), rtol=1e-5)
        for weights in (None, [1.0, 2.0, 3.0]):
            expected = torch.nn.functional.cross_entropy(
                torch.tensor(ARRAYS["logits"]),
                torch.tensor(LABELS),
                ignore_index=1,
                reduction=reduction,
                weight=None if weights is None else torch.tensor(weights),
                label_smoothing=0.0,
            )
            found = functional.cross_entropy(
                ad.Tensor(ARRAYS["logits"]), LABELS, ignore_index=1, reduction=reduction, weights=weights
            )
            np.testing.assert_allclose(plain(found), plain(expected), rtol=1e-5)
