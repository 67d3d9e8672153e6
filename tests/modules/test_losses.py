import numpy as np
import pytest

import autodiff as ad


def test_the_loss_module_is_the_function():
    logits = ad.Tensor([[1.0, 2.0], [3.0, 1.0]], requires_grad=True)
    loss = ad.CrossEntropyLoss()(logits, [0, 1])
    assert loss.item() == ad.functional.cross_entropy(logits, [0, 1]).item()
    loss.backward()
    assert logits.grad is not None


@pytest.mark.parametrize("kind", [ad.CrossEntropyLoss, ad.NLLLoss])
def test_classes_may_be_on_the_last_axis(kind):
    scores, labels = np.random.default_rng(0).normal(size=(2, 5, 3)), np.zeros((2, 5), int)
    last, second = kind(axis=-1)(ad.Tensor(scores), labels), kind()(ad.Tensor(np.moveaxis(scores, -1, 1)), labels)
    np.testing.assert_allclose(last.data, second.data, rtol=1e-12)


LOSSES = [
    *(ad.BCELoss, ad.BCEWithLogitsLoss, ad.CrossEntropyLoss, ad.HuberLoss, ad.KLDivLoss, ad.L1Loss, ad.MSELoss),
    *(ad.NLLLoss, ad.SmoothL1Loss),
]


@pytest.mark.parametrize("kind", LOSSES)
def test_an_unknown_reduction_is_refused_when_the_loss_is_made(kind):
    with pytest.raises(ValueError, match=f"{kind.__name__}: reduction must be 'mean', .*'none', found 'average'"):
        kind(reduction="average")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ad.CrossEntropyLoss(label_smoothing=1.5),
            "CrossEntropyLoss: label_smoothing must be from 0 to 1",
        ),
        (lambda: ad.SmoothL1Loss(beta=-1.0), "SmoothL1Loss: beta must be 0 or more, found -1.0"),
        (lambda: ad.SmoothL1Loss(beta=np.nan), "SmoothL1Loss: beta must be 0 or more, found nan"),
        (lambda: ad.HuberLoss(delta=0.0), "HuberLoss: delta must be above 0, found 0.0"),
    ],
)
def test_settings_that_are_none_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_weights_are_a_buffer_which_is_saved_and_not_learned():
    loss = ad.CrossEntropyLoss(weight=[1.0, 2.0])
    assert list(loss.state_dict()) == ["weight"]
    assert list(loss.parameters()) == []
    loss.load_state_dict({"weight": [2.0, 1.0]})
    logits = np.array([[1.0, 2.0], [3.0, 1.0]], np.float32)
    expected = ad.functional.cross_entropy(logits, [0, 1], weights=[2.0, 1.0])
    np.testing.assert_allclose(loss(ad.Tensor(logits), [0, 1]).data, expected, rtol=1e-6)
