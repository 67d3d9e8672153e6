import numpy as np

import autodiff as ad


def lion_of_the_paper(values, gradients, rate, beta1, beta2, decay):
    """Return the values after program 1 of Chen et al. 2023, a number at a time."""
    momentum = [0.0] * len(values)
    for gradient in gradients:
        for i, g in enumerate(gradient):
            update = momentum[i] * beta1 + g * (1 - beta1)
            momentum[i] = g * (1 - beta2) + momentum[i] * beta2
            update = (update > 0) - (update < 0) + values[i] * decay
            values[i] -= update * rate
    return values


def test_the_steps_are_those_of_the_paper():
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(200, 4))
    gradients[:, 3] = 0.0
    p = ad.Parameter(np.array([1.0, -2.0, 0.5, 3.0]))
    optimizer = ad.Lion([p], 0.01, betas=(0.9, 0.99), weight_decay=0.1)
    for gradient in gradients:
        p.grad = ad.Tensor(gradient)
        optimizer.step()
    expected = lion_of_the_paper([1.0, -2.0, 0.5, 3.0], gradients.tolist(), 0.01, 0.9, 0.99, 0.1)
    np.testing.assert_allclose(p.data, expected, rtol=1e-12)
