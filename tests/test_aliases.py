"""PyTorch's names: each does what the name here does; docs/from-pytorch.md holds both."""

import re
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.aliases import METHODS

PAGE = (Path(__file__).parents[1] / "docs" / "from-pytorch.md").read_text()
ROWS = re.findall(r"^\| `(.+?)` \| `(.+?)` \|$", PAGE, re.MULTILINE)
RANDOM = np.random.default_rng(0)
ARRAYS = {
    "t": RANDOM.standard_normal((2, 3)).astype(np.float32),
    "u": RANDOM.standard_normal(3).astype(np.float32),
    "v": RANDOM.standard_normal(3).astype(np.float32),
    "x": RANDOM.standard_normal((4, 2)).astype(np.float32),
    "logits": RANDOM.standard_normal((4, 3)).astype(np.float32),
}
LABELS = np.array([0, 2, 1, 1])


def names():
    return {
        "ad": ad,
        "np": np,
        "F": F,
        "labels": LABELS,
        **{name: ad.Tensor(array, requires_grad=True) for name, array in ARRAYS.items()},
    }


def plain(value):
    return np.asarray(value.data if isinstance(value, ad.Tensor) else value)


def test_the_page_has_rows():
    assert len(ROWS) > 50


@pytest.mark.parametrize(("torch", "here"), ROWS)
def test_both_columns_are_the_same_here(torch, here):
    expected = plain(eval(here, names()))
    if "torch." in torch or "weight=" in torch or re.search(r"\.(std|var)\(", torch) or "numpy" in torch:
        return
    np.testing.assert_allclose(plain(eval(torch, names())), expected, rtol=1e-6)


def test_every_alias_is_on_the_page_or_tested_here():
    text = PAGE + Path(__file__).read_text()
    assert [name for name in METHODS if f".{name}(" not in text] == []


def test_the_others():
    t = ad.tensor([[1.0, -2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(t.min(dim=1).indices.data, [1, 0])
    assert t.long().dtype == np.int64
    assert t.long().float().dtype == np.float32
    np.testing.assert_array_equal(t.log_softmax(dim=1).data, F.log_softmax(t).data)
    np.testing.assert_array_equal(ad.tensor([0.0, 0.0]).copy_([1.0, 2.0]).data, [1, 2])
    assert t.numpy() is t.data
    assert t.std(axis=0, ddof=1).shape == (2,)
    assert t.size == 4
    assert isinstance(t.size, int)
    assert ad.tensor([True]).dtype == bool
    assert ad.tensor(np.ones(2)).dtype == np.float64
    assert F.one_hot(LABELS).shape == (4, 3)


@pytest.mark.parametrize(
    "call", [lambda t: t.var(dim=0), lambda t: t.std(unbiased=False), lambda t: t.std(keepdim=True)]
)
def test_what_has_two_meanings_is_refused(call):
    with pytest.raises(TypeError, match=r"divides by n in NumPy and by n - 1 in PyTorch; write t\.(var|std)\(axis=0"):
        call(ad.tensor([1.0, 2.0]))


# requires_grad


def test_requires_grad_is_set_and_taken_away():
    t = ad.tensor([1.0, 2.0])
    t.requires_grad = True
    np.sum(t * t).backward()
    np.testing.assert_array_equal(t.grad.data, [2, 4])
    assert t.requires_grad_(False) is t
    assert not (t * 2).requires_grad
    t.requires_grad_()
    t.requires_grad_(True)
    assert (t * 2).requires_grad


def test_requires_grad_of_what_was_computed_says_detach():
    y = ad.tensor([1.0], requires_grad=True) * 2
    y.requires_grad = True
    with pytest.raises(RuntimeError, match=r"write t\.detach\(\)"):
        y.requires_grad = False
    with pytest.raises(TypeError, match="only floating-point tensors"):
        ad.tensor([1]).requires_grad_()


# In place


def test_methods_in_place_return_the_tensor_and_reach_its_views():
    t = ad.tensor([[1.0, 2.0], [3.0, 4.0]])
    row = t[0]
    assert row.zero_() is row
    t.add_(1.0)
    np.testing.assert_array_equal(t.data, [[1, 1], [4, 5]])
    np.testing.assert_array_equal(row.data, [1, 1])


def test_a_leaf_is_not_written_to_while_recording():
    p = ad.Parameter([1.0, 2.0])
    for write in (p.zero_, lambda: p.add_(1.0), lambda: p.mul_(2.0), lambda: p.fill_(0.0)):
        with pytest.raises(RuntimeError, match="leaf"):
            write()
    data = p.data
    with ad.no_grad():
        p.mul_(2.0)
    np.testing.assert_array_equal(data, [2, 4])


def test_a_single_element_is_no_view_and_says_so():
    t = ad.tensor([1.0, 2.0])
    for write in (lambda: t[0].zero_(), lambda: t[0].__setitem__(..., 5.0)):
        with pytest.raises(TypeError, match=r"write t\[i\] = value"):
            write()
    element = t[0]
    element += 1
    np.testing.assert_array_equal(t.data, [1, 2])  # as in NumPy
    assert element.item() == 2


# Optimizers and layers


@pytest.mark.parametrize("kind", [ad.SGD, ad.Adam, ad.AdamW])
def test_lr_is_the_learning_rate(kind):
    optimizer = kind([ad.Parameter([1.0])], lr=0.25)
    assert optimizer.learning_rate == optimizer.lr == 0.25
    optimizer.lr = 0.5
    assert optimizer.learning_rate == 0.5
    assert "lr" not in optimizer.state_dict()
    with pytest.raises(TypeError):
        kind([ad.Parameter([1.0])], 0.1, lr=0.25)


def test_eps_is_epsilon():
    assert ad.Adam([ad.Parameter([1.0])], eps=1e-6).epsilon == 1e-6


def test_a_layer_needs_no_generator_and_no_bias():
    assert not np.array_equal(ad.Linear(20, 3).weight.data, ad.Linear(20, 3).weight.data)
    layer = ad.Linear(2, 3, bias=False)
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    assert repr(layer) == "Linear(in_features=2, out_features=3, bias=False)"
    x = ARRAYS["x"]
    np.testing.assert_array_equal(layer(x).data, x @ layer.weight.data.T)
    np.sum(layer(x)).backward()
    np.testing.assert_allclose(layer.weight.grad.data, np.tile(x.sum(axis=0), (3, 1)), rtol=1e-6)


def test_dim_is_the_axis_of_a_softmax():
    for kind in (ad.Softmax, ad.LogSoftmax):
        assert kind(dim=0).axis == kind(axis=0).axis == kind(0).axis == 0
        with pytest.raises(TypeError):
            kind(0, dim=1)


# Losses


def test_ignored_labels_count_nothing():
    logits, kept = ARRAYS["logits"], LABELS != 1
    for loss, scores in ((F.cross_entropy, logits), (F.nll, F.log_softmax(logits))):
        for reduction in ("mean", "sum"):
            for weights in (None, [1.0, 2.0, 3.0]):
                settings = {"weights": weights, "reduction": reduction}
                point = ad.Tensor(scores, requires_grad=True)
                found = loss(point, LABELS, ignore_index=1, **settings)
                np.testing.assert_allclose(found.data, loss(scores[kept], LABELS[kept], **settings), rtol=1e-6)
                assert found.dtype == np.float32
                found.backward()
                assert not point.grad.data[~kept].any()
        each = loss(ad.Tensor(scores), LABELS, ignore_index=1, reduction="none")
        assert not each.data[~kept].any()
    changed = np.where(LABELS == 1, -100, LABELS)
    np.testing.assert_allclose(
        F.nll_loss(F.log_softmax(logits), changed), F.nll(F.log_softmax(logits)[kept], LABELS[kept]), rtol=1e-6
    )


def test_positive_labels_count_more_by_pos_weight():
    logits, labels = ARRAYS["u"], np.array([0.0, 1.0, 0.25], np.float32)
    probabilities = 1 / (1 + np.exp(-logits.astype(float)))
    expected = -(3 * labels * np.log(probabilities) + (1 - labels) * np.log(1 - probabilities))
    found = F.binary_cross_entropy_with_logits(ad.Tensor(logits), labels, pos_weight=3.0, reduction="none")
    np.testing.assert_allclose(found.data, expected, rtol=1e-5)
    assert found.dtype == np.float32
