"""Writes through views and in place, in a captured step and between its calls: followed, or refused."""

import numpy as np
import pytest

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from tests.compiler.comparing import check

X = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)
LABELS = np.array([0, 1, 0, 1, 1, 0])


def network():
    return ad.Sequential(ad.Linear(3, 4, rng=np.random.default_rng(1)), ad.Tanh())


def by_hand(model, update):
    """Return a training step whose update is written by hand."""

    def step(x):
        loss = F.cross_entropy(model(x), LABELS)
        loss.backward()
        with ad.no_grad():
            for p in model.parameters():
                update(p)
                p.grad = None
        return loss

    return step


def in_place(p):
    p -= 0.1 * p.grad


def by_elements(p):
    p[...] = p - 0.1 * p.grad


def by_rows(p):
    for row, g in zip(p, p.grad, strict=True):
        if row.shape:
            row -= 0.1 * g


def through_a_transpose(p):
    p.T[...] -= 0.1 * p.grad.T


def through_detach(p):
    view = p.detach()
    view -= 0.1 * p.grad


def through_data(p):
    p.data -= 0.1 * p.grad.data


def several(p):
    p *= 0.99
    p += -0.1 * p.grad
    p /= 1.01


UPDATES = [in_place, by_elements, by_rows, through_a_transpose, through_detach, through_data, several]


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("update", UPDATES, ids=lambda update: update.__name__)
def test_an_update_by_hand_is_followed(update, exact):
    models = network(), network()
    plain, captured = by_hand(models[0], update), ad.capture(by_hand(models[1], update), exact=exact)
    arrays = [p.data for p in models[1].parameters()]
    for _ in range(9):
        np.testing.assert_allclose(captured(X).data, plain(X).data, rtol=1e-6)
    assert captured.program
    for p, q, array in zip(models[0].parameters(), models[1].parameters(), arrays, strict=True):
        np.testing.assert_allclose(q.data, p.data, rtol=1e-5, atol=1e-7)
        assert q.data is array


def test_writes_between_the_calls_are_followed():
    models = network(), network()
    plain, captured = by_hand(models[0], in_place), ad.capture(by_hand(models[1], in_place))
    for i in range(12):
        np.testing.assert_allclose(captured(X).data, plain(X).data, rtol=1e-5)
        for model in models:
            weight = model.layers[0].weight
            with ad.no_grad():
                if i == 6:
                    weight[0, 0] = 5.0
                if i == 8:
                    weight *= 0.5
                if i == 10:
                    weight[1][2] = -3.0


def rows_of_what_was_computed(x):
    h = np.tanh(x)
    h[0][1] = 2.0
    for row in h:
        row[0] = np.sum(row)
    h.T[1] *= 3
    h += 1.0
    return h


def kept_views(x):
    h = x * 2
    first, second = h[0], h[1:]
    h[0, 0] = np.sum(second)
    second[0] += first
    return h, first, second


def of_a_new_tensor(x):
    t = ad.Tensor(np.zeros((6, 3), np.float32)) + 0 * x
    row = t[0]
    row[:] = x[0]
    t[1][0] = np.sum(row)
    return t, row


def gradients(x):
    def loss(w):
        h = w * x
        h[0][:] = np.sin(h[1])
        h.reshape(-1)[4] = 2.0
        h *= h[2]
        return np.sum(h * h)

    return ad.grad(loss)(x * 0.5)


@pytest.mark.parametrize(
    "function", [rows_of_what_was_computed, kept_views, of_a_new_tensor, gradients], ids=lambda f: f.__name__
)
def test_a_function_that_writes_through_views_is_followed(function):
    captured = ad.capture(function)
    for scale in np.linspace(0.5, 2, 8, dtype=np.float32):
        found, expected = captured(ad.Tensor(X * scale)), function(ad.Tensor(X * scale))
        for one, other in zip(
            *(part if isinstance(part, tuple) else [part] for part in (found, expected)), strict=True
        ):
            np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-5)
    assert captured.program


def test_views_of_parameters_that_the_step_reaches_are_followed():
    def make():
        p = ad.Parameter(X)
        view = p[0]

        def step(x):
            with ad.no_grad():
                view[1] = np.sum(x)
                p[0, 0] = np.sum(p * x)
                view[2] += 1.0
            return np.sum(p * p) + np.sum(view)

        return step, p

    (plain, p), (inside, q) = make(), make()
    captured = ad.capture(inside)
    for scale in np.linspace(0.5, 1, 8, dtype=np.float32):
        np.testing.assert_allclose(captured(X * scale).data, plain(X * scale).data, rtol=1e-5)
        np.testing.assert_allclose(q.data, p.data, rtol=1e-5)


# Refused


def called_often(step):
    for i in range(8):
        step(np.int64(i % 3))


def test_a_view_that_the_step_does_not_reach_is_not_left_behind():
    t = ad.Tensor(X)
    views = {"row": t[0]}

    def step(i):
        t[0, 0] = 1.0
        return np.sum(t * i)

    with pytest.raises(RuntimeError, match="another tensor shares that the step does not reach"):
        called_often(ad.capture(step))
    assert views


def test_a_view_at_a_recorded_place_is_not_written_to():
    def step(i):
        t = ad.Tensor(X) * 2
        row = t[i]
        row[0] = 5.0
        return t

    with pytest.raises(RuntimeError, match="where i is recorded"):
        called_often(ad.capture(step))


@pytest.mark.parametrize(
    "function",
    [
        lambda x, out: np.cumsum(x, out=out),
        lambda x, out: np.cumprod(x, out=out),
        lambda x, out: np.take(x, [1, 0], out=out),
        lambda x, out: np.round(x, out=out),
        lambda x, out: np.einsum("i,i->i", x, x, out=out),
        lambda x, out: np.concatenate([x[:1], x[1:]], out=out),
        lambda x, out: np.stack([x[0], x[1]], out=out),
        lambda x, out: np.mean(x[None], axis=0, out=out),
        lambda x, out: np.dot(np.ones((2, 2)), x, out=out),
        lambda x, out: np.exp(x, out=out),
    ],
    ids=["cumsum", "cumprod", "take", "round", "einsum", "concatenate", "stack", "mean", "dot", "exp"],
)
def test_functions_that_write_into_a_given_array(function):
    def run(capture):
        out = np.zeros(2)
        step = capture(lambda x: function(x, out) * 2)
        return [*(step(np.array([1.0, 0.5 * i])) for i in range(8)), out]

    check(run, exact=True)
