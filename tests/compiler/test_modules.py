"""Every kind of layer, captured: what it returns, learns and keeps is what it does without."""

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(12, 6)).astype(np.float32)
IMAGES = RANDOM.normal(size=(4, 3, 5, 5)).astype(np.float32)
WORDS = RANDOM.integers(0, 7, (4, 6))


def rng():
    return np.random.default_rng(1)


LAYERS = {
    "Linear": (lambda: ad.Linear(6, 6, rng=rng()), ROWS),
    "Linear without bias": (lambda: ad.Linear(6, 6, bias=False, rng=rng()), ROWS),
    "Dropout": (lambda: ad.Dropout(0.4, rng=rng()), ROWS),
    "LayerNorm": (lambda: ad.LayerNorm(6), ROWS),
    "RMSNorm": (lambda: ad.RMSNorm(6), ROWS),
    "BatchNorm1d": (lambda: ad.BatchNorm1d(6), ROWS),
    "BatchNorm1d over all batches": (lambda: ad.BatchNorm1d(6, momentum=None), ROWS),
    "BatchNorm2d": (lambda: ad.BatchNorm2d(3), IMAGES),
    "Embedding": (lambda: ad.Embedding(7, 3, rng=rng()), WORDS),
    "Embedding with padding": (lambda: ad.Embedding(7, 3, padding_idx=2, rng=rng()), WORDS),
    "Flatten": (ad.Flatten, IMAGES),
    "ModuleList": (lambda: Chain(ad.ModuleList([ad.Linear(6, 6, rng=rng()), ad.Tanh()])), ROWS),
    "ModuleDict": (lambda: Chain(ad.ModuleDict({"a": ad.Linear(6, 6, rng=rng()), "b": ad.Tanh()}).values()), ROWS),
    **{
        kind.__name__: (kind, ROWS)
        for kind in (
            *(ad.ReLU, ad.LeakyReLU, ad.ELU, ad.SELU, ad.GELU, ad.SiLU, ad.Mish, ad.Softplus, ad.Hardtanh, ad.Sigmoid),
            *(ad.LogSigmoid, ad.Tanh, ad.Sine, ad.Softmax, ad.LogSoftmax, ad.Identity),
        )
    },
}


class Chain(ad.Module):
    def __init__(self, parts):
        self.parts = [*parts] if not isinstance(parts, ad.Module) else parts

    def forward(self, x):
        for part in self.parts:
            x = part(x)
        return x


def training_step(layer, x):
    """Return a step that trains the layer and a scale before it, and the two of them."""
    model = ad.Module()
    model.layer = layer
    model.scale = ad.Parameter(np.ones(x.shape[-1:], np.float32))
    optimizer = ad.Adam(model.parameters(), learning_rate=0.01)

    def step(x):
        y = layer(x * model.scale if x.dtype == np.float32 else x)
        loss = np.mean(np.square(y - 0.5))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step, model


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_captured_layer_does_what_it_does_without(name, training):
    make, x = LAYERS[name]
    (plain, ours), (step, captured) = training_step(make(), x), training_step(make(), x)
    ours.train(training)
    captured.train(training)
    step = ad.capture(step)
    for i in range(8):
        given = np.roll(x, i, axis=-1)
        np.testing.assert_allclose(step(given).data, plain(given).data, rtol=1e-4, atol=1e-6)
    assert step.program is not None
    expected = ours.state_dict()
    for key, values in captured.state_dict().items():
        np.testing.assert_allclose(values, expected[key], rtol=1e-3, atol=1e-5)


LOSSES = {
    "MSELoss": (ad.MSELoss, ROWS),
    "L1Loss": (ad.L1Loss, ROWS),
    "SmoothL1Loss": (ad.SmoothL1Loss, ROWS),
    "HuberLoss": (ad.HuberLoss, ROWS),
    "BCEWithLogitsLoss": (lambda: ad.BCEWithLogitsLoss(pos_weight=[1.0] * 6), np.abs(ROWS) % 1),
    "KLDivLoss": (lambda: ad.KLDivLoss("batchmean"), np.abs(ROWS) % 1),
    "CrossEntropyLoss": (ad.CrossEntropyLoss, np.arange(12) % 6),
    "CrossEntropyLoss with everything": (
        lambda: ad.CrossEntropyLoss(weight=np.ones(6, np.float32), label_smoothing=0.1, ignore_index=2),
        np.arange(12) % 6,
    ),
    "NLLLoss": (ad.NLLLoss, np.arange(12) % 6),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_captured_loss_is_what_it_is_without(name):
    make, targets = LOSSES[name]
    loss = make()
    gradient = ad.value_and_grad(lambda x: loss(x, targets))
    captured = ad.capture(gradient)
    for i in range(6):
        x = np.roll(ROWS, i)
        for found, expected in zip(captured(x), gradient(x), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert captured.program is not None


def test_a_captured_loss_on_more_axes():
    scores, labels = RANDOM.normal(size=(4, 3, 5)).astype(np.float32), RANDOM.integers(0, 3, (4, 5))
    gradient = ad.value_and_grad(lambda x: F.cross_entropy(x, labels))
    captured = ad.capture(gradient)
    for i in range(6):
        for found, expected in zip(captured(scores + i), gradient(scores + i), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_dropout_draws_anew_in_each_captured_call():
    layer = ad.Dropout(0.5, rng=rng())
    captured = ad.capture(lambda x: layer(x))
    ones = np.ones(60, np.float32)
    drawn = [tuple(captured(ad.Tensor(ones)).data) for _ in range(10)]
    assert len(set(drawn)) == 10
    other = ad.Dropout(0.5, rng=rng())
    assert drawn == [tuple(other(ad.Tensor(ones)).data) for _ in range(10)]


# Modes and freezing


def captured_training():
    model = ad.Sequential(ad.Linear(6, 4, rng=rng()), ad.BatchNorm1d(4), ad.Dropout(0.5, rng=rng()), ad.Linear(4, 1))
    step, _ = training_step(model, ROWS)
    step = ad.capture(step)
    for _ in range(6):
        step(ROWS)
    return model, step


def test_a_captured_training_step_goes_on_after_an_evaluation():
    model, step = captured_training()
    model.eval()
    predict = ad.capture(lambda x: model(x))
    for _ in range(6):
        np.testing.assert_allclose(predict(ROWS).data, model(ROWS).data, rtol=1e-5, atol=1e-6)
    batches = model[1].num_batches_tracked.item()
    model.train()
    step(ROWS)
    assert model[1].num_batches_tracked.item() == batches + 1
    predict(ROWS)
    assert model[1].num_batches_tracked.item() == batches + 2


def test_a_captured_step_does_not_train_what_is_frozen_meanwhile():
    model, step = captured_training()
    before = model.state_dict()
    model[0].weight.requires_grad = False
    for _ in range(7):
        step(ROWS)
    np.testing.assert_array_equal(model[0].weight.data, before["0.weight"])
    model[0].weight.requires_grad = True
    step(ROWS)
    assert not np.array_equal(model[0].weight.data, before["0.weight"])


def test_a_captured_step_leaves_what_was_frozen_before():
    model = ad.Sequential(ad.Linear(6, 4, rng=rng()), ad.Linear(4, 1, rng=rng()))
    model[0].requires_grad_(False)
    step, _ = training_step(model, ROWS)
    step, before = ad.capture(step), model.state_dict()
    for _ in range(6):
        step(ROWS)
    after = model.state_dict()
    assert [name for name in after if not np.array_equal(after[name], before[name])] == ["1.weight", "1.bias"]
    model[0].requires_grad_(True)
    for _ in range(7):
        step(ROWS)
    after = model.state_dict()
    assert [name for name in after if not np.array_equal(after[name], before[name])] == [*after]
