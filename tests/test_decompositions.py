"""What is particular to matrix decompositions: vectors that are not unique, singular matrices."""

import numpy as np
import pytest

import autodiff as ad

SHAPES = [(5, 3), (3, 5), (12, 2), (2, 12), (2, 4, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_whole_singular_value_decomposition_is_numpys(shape):
    a = np.random.default_rng(0).normal(size=shape)
    for found, expected in zip(np.linalg.svd(ad.Tensor(a, requires_grad=True)), np.linalg.svd(a), strict=True):
        np.testing.assert_allclose(np.absolute(found.data), np.absolute(expected), atol=1e-12)
    u, s, vh = (part.data for part in np.linalg.svd(ad.Tensor(a, requires_grad=True)))
    middle = np.zeros(shape)
    middle[..., range(s.shape[-1]), range(s.shape[-1])] = s
    np.testing.assert_allclose(u @ middle @ vh, a, atol=1e-12)
    for square in (u, vh):
        np.testing.assert_allclose(square @ np.matrix_transpose(square), np.eye(len(square.T)) + 0 * square, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES[:4])
def test_a_gradient_flows_through_the_vectors_that_are_unique_and_into_no_other(shape):
    a = np.random.default_rng(1).normal(size=shape)
    size = min(shape)

    def of(full_matrices):
        def scalar(a):
            u, s, vh = np.linalg.svd(a, full_matrices=full_matrices)
            return np.sum(np.abs(u[:, :size]) * 2) + np.sum(s**2) + np.sum(np.abs(vh[:size]) * 3)

        return ad.grad(scalar)(a)

    np.testing.assert_allclose(of(True), of(False), rtol=1e-9)
    with pytest.raises(TypeError, match="further vectors of full_matrices=True, which are not unique"):
        ad.grad(lambda a: np.sum(np.linalg.svd(a)[0]) + np.sum(np.linalg.svd(a)[2]))(a)


@pytest.mark.parametrize("rank", [3, 2, 1, 0])
def test_the_gradient_of_a_singular_determinant_is_the_transpose_of_the_adjugate(rank):
    """The cofactors by their definition: the determinants of what is left without a row and a column, with signs."""
    random = np.random.default_rng(rank)
    a = random.normal(size=(2, 4, rank)) @ random.normal(size=(2, rank, 4))
    expected = np.empty_like(a)
    for i, j in np.ndindex(4, 4):
        minors = np.delete(np.delete(a, i, axis=1), j, axis=2)
        expected[:, i, j] = (-1) ** (i + j) * np.linalg.det(minors)
    found = ad.grad(lambda a: np.sum(np.linalg.det(a)))(a)
    np.testing.assert_allclose(found, expected, atol=1e-12)
