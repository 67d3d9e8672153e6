"""Samples of linear algebra. Matrices have well separated eigenvalues and singular values."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.rules import decompositions, einsum, linalg, norms
from autodiff.samples.builders import (
    Maker,
    Random,
    Sample,
    Shape,
    both,
    call,
    lists_of,
    of_shapes,
    spaced,
    strided,
    with_arguments,
)

MATMUL: list[list[Shape]] = [
    [(3,), (3,)],
    [(2, 3), (3,)],
    [(3,), (3, 2)],
    [(2, 3), (3, 4)],
    [(5, 2, 3), (5, 3, 2)],
    [(5, 2, 3), (3, 2)],
    [(2, 3), (5, 3, 2)],
    [(2, 1, 2, 3), (4, 3, 2)],
    [(4, 2, 3), (3,)],
    [(3,), (4, 3, 2)],
    [(0, 3), (3, 2)],
    [(2, 0), (0, 2)],
]


def regular(random: Random, *shape: int) -> Any:
    """Return matrices with singular values between 1 and 4, at least 0.5 apart."""
    rows, columns = shape[-2:]
    left, _ = np.linalg.qr(random.normal(size=(*shape[:-2], rows, rows)))
    right, _ = np.linalg.qr(random.normal(size=(*shape[:-2], columns, columns)))
    size = min(rows, columns)
    return (left[..., :size] * np.linspace(1, 4, size)) @ right[..., :size, :]


def singular(random: Random) -> list[Sample]:
    """Return square matrices without an inverse: one that lacks a rank, one that lacks two, zeros, and a stack."""
    lacking = np.stack([regular(random, 4, 3) @ regular(random, 3, 4), regular(random, 4, 2) @ regular(random, 2, 4)])
    return [call(lacking[0]), call(lacking[1]), call(np.zeros((3, 3))), call(np.zeros((2, 2))), call(lacking)]


def matrices(*shapes: Shape) -> Maker:
    """Return samples of a function of one matrix, or of a stack of them."""
    return lambda random: [call(regular(random, *shape)) for shape in shapes]


def symmetrized(a: Any) -> Any:
    """Return the symmetric part of a matrix."""
    return (a + np.matrix_transpose(a)) / 2


def definite(random: Random, *shape: int) -> Any:
    """Return symmetric matrices with eigenvalues between 1 and 16."""
    root = regular(random, *shape)
    return symmetrized(root @ np.matrix_transpose(root))


def symmetric_samples(random: Random) -> list[Sample]:
    """Return symmetric matrices, which stay so when an element is moved."""
    return [Sample((definite(random, *shape),), {}, symmetrized) for shape in [(3, 3), (2, 3, 3), (1, 1)]]


def triangle_samples(random: Random) -> list[Sample]:
    """Return symmetric matrices given by their lower triangle and by their upper."""
    return [call(definite(random, 3, 3)), call(definite(random, 2, 2, 2)), call(definite(random, 3, 3), "U")]


def solve_samples(random: Random) -> list[Sample]:
    """Return systems with a vector, with a matrix, and stacks of either that are broadcast."""
    return [
        call(regular(random, 3, 3), spaced(random, (3,))),
        call(regular(random, 3, 3), spaced(random, (3, 2))),
        call(regular(random, 2, 3, 3), spaced(random, (3, 2))),
        call(regular(random, 3, 3), spaced(random, (2, 3, 1))),
        call(regular(random, 2, 3, 3), spaced(random, (3,))),
    ]


def norm_samples(random: Random) -> list[Sample]:
    """Return vectors and matrices with every order of norm."""
    vectors = [None, 2, 1, 3, 0.5, math.inf, -math.inf, -1]
    calls = [call(spaced(random, (4,)), order) for order in vectors]
    calls += [
        call(spaced(random, (3, 4)), order, axis)
        for order, axis in zip(vectors, [0, 1, -1, 0, 1, 0, 1, 0], strict=True)
    ]
    calls += [call(regular(random, 3, 4), order) for order in (None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)]
    calls += [call(regular(random, 2, 3, 4), order, (1, 2)) for order in ("fro", "nuc", 2, 1)]
    calls += [call(spaced(random, (3, 4)), 2, 1, True), call(regular(random, 2, 3, 4), "fro", (0, -1), True)]
    return [
        *calls,
        call(spaced(random, (2, 3, 2))),
        call(spaced(random, (2, 3)), keepdims=True),
        call(spaced(random, (4,)), 0),
    ]


def einsum_samples(random: Random) -> list[Sample]:
    """Return products, traces, sums, diagonals, ellipses, repeated operands, implicit output and numbered axes."""
    cases: list[tuple[str, list[Shape]]] = [
        ("ij,jk->ik", [(2, 3), (3, 2)]),
        ("ij,jk", [(2, 3), (3, 2)]),
        ("ba", [(2, 3)]),
        ("ij->", [(2, 3)]),
        ("ij->j", [(2, 3)]),
        ("ii->", [(3, 3)]),
        ("ii->i", [(3, 3)]),
        ("iij->ij", [(2, 2, 3)]),
        ("i,j->ij", [(2,), (3,)]),
        ("ij,ij->", [(2, 3), (2, 3)]),
        ("bij,bjk->bik", [(2, 2, 3), (2, 3, 2)]),
        ("...ij,...jk->...ik", [(2, 2, 3), (3, 2)]),
        ("...ij,jk", [(2, 2, 3), (3, 2)]),
        ("...,...->...", [(2, 1, 3), (2, 3)]),
        ("ij,j,j->i", [(2, 3), (3,), (3,)]),
        ("ij,kl->il", [(2, 3), (2, 2)]),
        ("i,,i->", [(3,), (), (3,)]),
        ("i->i", [(0,)]),
        ("i,i->", [(1,), (3,)]),
        ("ij,jk->ik", [(2, 1), (3, 2)]),
    ]
    calls = [call(subscripts, *[spaced(random, shape) for shape in shapes]) for subscripts, shapes in cases]
    numbered = call(spaced(random, (2, 3)), [0, 1], spaced(random, (3, 2)), [1, 2], [2, 0])
    return [*calls, numbered, call(spaced(random, (2, 2)), [..., 0])]


SAMPLES: dict[Callable[..., Any], Maker] = {
    np.matmul: both(of_shapes(*MATMUL), lambda random: [call(strided(random), strided(random).T)]),
    np.vecdot: both(
        of_shapes([(3,), (3,)], [(2, 3), (2, 3)], [(2, 1, 3), (4, 3)]),
        lambda random: [call(spaced(random, (3, 2)), spaced(random, (3, 2)), axis=0)],
    ),
    np.linalg.vecdot: both(
        of_shapes([(2, 3), (3,)]), lambda random: [call(spaced(random, (3, 2)), spaced(random, (3, 2)), axis=-2)]
    ),
    np.matvec: of_shapes([(2, 3), (3,)], [(4, 2, 3), (4, 3)], [(2, 3), (4, 3)]),
    np.vecmat: of_shapes([(2,), (2, 3)], [(4, 2), (4, 2, 3)], [(4, 2), (2, 3)]),
    np.dot: of_shapes(
        [(3,), (3,)], [(2, 3), (3, 2)], [(2, 3), (3,)], [(), (3,)], [(2, 2, 3), (2, 3, 2)], [(2,), (3, 2, 2)]
    ),
    np.inner: of_shapes([(3,), (3,)], [(2, 3), (4, 3)], [(2, 3), (3,)], [(), (3,)], [(2, 2, 3), (2, 3)]),
    np.vdot: of_shapes([(3,), (3,)], [(2, 3), (2, 3)]),
    np.outer: of_shapes([(2,), (3,)], [(2, 2), (3,)]),
    np.linalg.outer: of_shapes([(2,), (3,)]),
    np.tensordot: both(
        of_shapes([(2, 3, 4), (3, 4, 2)], [(2, 3), (2, 3)]),
        lambda random: [
            call(spaced(random, (2, 3)), spaced(random, (3, 4)), 1),
            call(spaced(random, (2,)), spaced(random, (3,)), 0),
            call(spaced(random, (2, 3, 4)), spaced(random, (4, 2)), ((-1, 0), (0, 1))),
        ],
    ),
    np.linalg.tensordot: of_shapes([(2, 3, 4), (3, 4, 2)]),
    np.kron: of_shapes([(2, 3), (3, 2)], [(2,), (3,)], [(2, 2), (3,)], [(), (2, 2)]),
    np.cross: both(
        of_shapes([(3,), (3,)], [(2, 3), (2, 3)], [(2, 3), (3,)]),
        lambda random: [
            call(spaced(random, (3, 2)), spaced(random, (3, 2)), axis=0),
            call(spaced(random, (3, 2)), spaced(random, (2, 3)), axisa=0, axisb=1, axisc=0),
        ],
    ),
    np.linalg.cross: of_shapes([(2, 3), (2, 3)]),
    np.trace: with_arguments(((3, 4), ()), ((3, 3), (1,)), ((2, 3, 3), (0, 1, 2))),
    np.einsum: einsum_samples,
    einsum.contract: lambda random: [
        call(spaced(random, (2, 3)), spaced(random, (3, 2)), subscripts="ij,jk->ki"),
        call(spaced(random, (2, 3)), subscripts="ij->j"),
    ],
    np.linalg.matrix_power: lambda random: [call(regular(random, 3, 3), n) for n in (0, 1, 2, 5, -2)],
    np.linalg.multi_dot: lists_of([(2, 3), (3, 4), (4, 2)], [(3,), (3, 2)], [(2, 3), (3, 2), (2,)]),
    np.linalg.inv: matrices((3, 3), (2, 3, 3), (1, 1)),
    np.linalg.solve: solve_samples,
    np.linalg.det: both(matrices((3, 3), (2, 3, 3), (1, 1)), singular),
    linalg.cofactors: matrices((3, 3), (2, 4, 4), (1, 1)),
    linalg.second_minors: lambda random: [
        call(spaced(random, shape), regular(random, *shape)) for shape in [(3, 3), (2, 4, 4)]
    ],
    np.linalg.pinv: both(
        matrices((3, 3), (4, 2), (2, 4), (2, 4, 3)),
        lambda random: [call(regular(random, 4, 2), rtol=1e-6), call(regular(random, 2, 3), 1e-9)],
        lambda random: [call(definite(random, 3, 3), hermitian=True)],
    ),
    decompositions.pseudo_inverse: matrices((3, 3), (4, 2), (2, 4), (2, 4, 3)),
    np.linalg.cond: both(
        matrices((3, 3), (4, 3), (2, 3, 3)),
        lambda random: [call(regular(random, 3, 3), p) for p in (-2, 1, math.inf, "fro")],
    ),
    np.linalg.lstsq: lambda random: [
        call(regular(random, 4, 2), spaced(random, (4,))),
        call(regular(random, 4, 2), spaced(random, (4, 3))),
        call(regular(random, 2, 4), spaced(random, (2,)), 1e-9),
        call(regular(random, 3, 3), spaced(random, (3,)), -1),
    ],
    np.linalg.tensorinv: lambda random: [
        call(regular(random, 6, 6).reshape(6, 2, 3), 1),
        call(regular(random, 4, 4).reshape(2, 2, 4)),
    ],
    np.linalg.tensorsolve: lambda random: [
        call(regular(random, 6, 6).reshape(2, 3, 6), spaced(random, (2, 3))),
        call(regular(random, 6, 6).reshape(6, 2, 3), spaced(random, (6,))),
        call(regular(random, 6, 6).reshape(2, 6, 3), spaced(random, (6,)), (0,)),
    ],
    np.linalg.slogdet: matrices((3, 3), (2, 3, 3)),
    linalg.log_abs_determinant: matrices((3, 3)),
    np.linalg.cholesky: lambda random: [
        call(definite(random, 3, 3)),
        call(definite(random, 2, 3, 3)),
        call(definite(random, 3, 3), upper=True),
    ],
    decompositions.cholesky_factor: symmetric_samples,
    np.linalg.eigh: triangle_samples,
    np.linalg.eigvalsh: triangle_samples,
    decompositions.eigenvalues: symmetric_samples,
    decompositions.eigenvectors: symmetric_samples,
    np.linalg.svd: both(
        matrices((3, 3)),
        lambda random: [call(regular(random, *shape), full_matrices=False) for shape in [(4, 3), (3, 4), (2, 4, 2)]],
        lambda random: [call(regular(random, 4, 3), compute_uv=False)],
        lambda random: [call(definite(random, 3, 3), hermitian=True)],
        lambda random: [call(-definite(random, 3, 3), True, False, True)],
    ),
    np.linalg.svdvals: matrices((3, 4)),
    decompositions.singular_values: matrices((3, 4), (2, 3, 3)),
    decompositions.left_vectors: matrices((4, 3), (3, 4), (2, 3, 3)),
    decompositions.right_vectors: matrices((4, 3), (3, 4), (2, 3, 3)),
    np.linalg.qr: both(
        matrices((3, 3), (4, 2), (2, 4), (2, 4, 3)), lambda random: [call(regular(random, 3, 2), mode="r")]
    ),
    decompositions.orthogonal_factor: matrices((3, 3), (4, 2)),
    decompositions.triangular_factor: matrices((3, 3), (4, 2)),
    norms.power_norm: with_arguments(((2, 3), (3,)), ((4,), (1.5,))),
    np.linalg.norm: norm_samples,
    np.linalg.matmul: of_shapes([(2, 3), (3, 4)]),
    np.linalg.matrix_transpose: of_shapes([(2, 3)]),
    np.linalg.diagonal: both(of_shapes([(2, 3, 4)]), with_arguments(((3, 3), ()), offset=1)),
    np.linalg.trace: both(of_shapes([(2, 3, 4)]), with_arguments(((3, 3), ()), offset=1)),
    np.linalg.vector_norm: both(
        of_shapes([(2, 3)], [(2, 3, 2)]),
        with_arguments(((2, 3), ()), axis=1, keepdims=True, ord=3),
        with_arguments(((2, 3, 2), ()), axis=(2, 0)),
        with_arguments(((2, 3, 2), ()), axis=(0, 1), ord=1, keepdims=True),
        with_arguments(((2, 3, 2), ()), axis=(0, -1), ord=math.inf),
        with_arguments(((2, 3, 2), ()), ord=3, keepdims=True),
    ),
    np.linalg.matrix_norm: both(matrices((2, 3, 4)), lambda random: [call(regular(random, 3, 4), ord="nuc")]),
}
