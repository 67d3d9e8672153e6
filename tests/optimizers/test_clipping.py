import numpy as np
import pytest

import autodiff as ad


def test_gradients_that_are_short_keep_their_bits():
    p = ad.Parameter(np.array([1.0, 2.0], np.float32))
    gradient = np.array([0.1, 0.3], np.float32)
    p.grad = ad.Tensor(gradient)
    assert ad.clip_grad_norm([p], 10.0).dtype == np.float32
    assert p.grad.data.tobytes() == gradient.tobytes()


def test_one_tensor_or_none_with_a_gradient():
    p = ad.Parameter(np.array([1.0, 2.0]))
    assert ad.clip_grad_norm(p, 1.0).item() == 0
    p.grad = ad.Tensor(np.array([6.0, 8.0]))
    assert ad.clip_grad_norm(p, 5.0).item() == 10
    np.testing.assert_allclose(p.grad.data, [3.0, 4.0], rtol=1e-6)


def test_what_shared_the_array_of_a_gradient_stays():
    p, array = ad.Parameter(np.ones(2)), np.array([6.0, 8.0])
    p.grad = ad.Tensor(array)
    kept = p.grad
    ad.clip_grad_norm([p], 1.0)
    np.testing.assert_array_equal(kept.data, [6.0, 8.0])


@pytest.mark.parametrize("value", [0, -1.0, np.nan])
def test_a_limit_that_is_not_above_0_is_refused(value):
    with pytest.raises(ValueError, match="max_norm must be a finite number above 0"):
        ad.clip_grad_norm([ad.Parameter(1.0)], value)


def test_it_is_captured():
    rng = np.random.default_rng(0)
    start, x = rng.normal(size=(3, 2)), rng.normal(size=(20, 3))

    def train(way):
        p = ad.Parameter(start.copy())
        optimizer = ad.SGD([p], 0.5, momentum=0.9)

        @way
        def step():
            loss = np.sum((x @ p) ** 2)
            optimizer.zero_grad()
            loss.backward()
            length = ad.clip_grad_norm([p], 0.1)
            optimizer.step()
            return loss, length

        return [[value.item() for value in step()] for _ in range(12)] + p.data.tolist()

    np.testing.assert_allclose(train(ad.capture), train(lambda step: step), rtol=1e-10)
