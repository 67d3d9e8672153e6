import numpy as np
import pytest

import autodiff as ad
from autodiff.optimizers.muon import orthogonalized


@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (5, 2), (1, 4)])
def test_singular_vectors_stay_and_their_values_come_near_1(shape):
    matrix = np.random.default_rng(0).normal(size=shape)
    u, _, vt = np.linalg.svd(matrix, full_matrices=False)
    values = u.T @ orthogonalized(matrix, 10) @ vt.T
    assert np.all((np.diag(values) > 0.6) & (np.diag(values) < 1.3))
    np.testing.assert_allclose(values, np.diag(np.diag(values)), atol=1e-10)


def test_a_gradient_of_0_moves_nothing_but_by_decay():
    p = ad.Parameter(np.ones((2, 2)))
    p.grad = ad.Tensor(np.zeros((2, 2)))
    ad.Muon([p], 0.5, weight_decay=0.5).step()
    np.testing.assert_array_equal(p.data, np.full((2, 2), 0.75))


@pytest.mark.parametrize("shape", [(3,), (), (2, 2, 2)])
def test_a_parameter_that_is_no_matrix_is_refused(shape):
    with pytest.raises(ValueError, match=r"Muon moves matrices, found .* at position 1; .*ParameterGroups"):
        ad.Muon([ad.Parameter(np.ones((2, 2))), ad.Parameter(np.ones(shape))])


def test_it_trains_float32_matrices_beside_another_optimizer():
    rng = np.random.default_rng(0)
    model = ad.Sequential(ad.Linear(2, 16, rng=rng), ad.ReLU(), ad.Linear(16, 16, rng=rng), ad.ReLU())
    model = ad.Sequential(model, ad.Linear(16, 2, rng=rng))
    x = rng.normal(size=(64, 2)).astype(np.float32)
    labels = (x[:, 0] * x[:, 1] > 0).astype(int)
    matrices = [p for p in model.parameters() if p.ndim == 2]
    optimizer = ad.ParameterGroups(
        ad.Muon(matrices, 0.05), ad.AdamW([p for p in model.parameters() if p.ndim < 2], 0.01)
    )

    @ad.capture
    def step():
        loss = ad.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    losses = [step().item() for _ in range(100)]
    assert losses[-1] < 0.1 < losses[0]
    assert all(p.dtype == np.float32 for p in model.parameters())
