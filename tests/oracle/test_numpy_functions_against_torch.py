"""Value, gradient and second order of NumPy's functions and of ours beside PyTorch's, one line a function.

Each line says in PyTorch's words what the function does with the arguments of its samples.
"""

import math
import operator

import numpy as np
import pytest
import torch
from torch import linalg
from torch.nn import functional as TF  # noqa: N812

import autodiff as ad
from autodiff import functional as F  # noqa: N812
from autodiff.functional import activations, convolution, losses, pooling, windows
from autodiff.gradcheck import checked_functions
from autodiff.registry import full_name, functions
from autodiff.rules import decompositions, einsum, elementwise, fourier, indexing, norms, reductions, sequences, shaping
from autodiff.rules import linalg as our_linalg
from autodiff.samples import samples_of
from autodiff.samples.builders import Sample
from autodiff.transforms import differentiate

# NumPy's conventions in PyTorch's words


def over(axis, x):
    """Return an axis or several as PyTorch's `dim`: all of them if it is None."""
    return tuple(range(x.ndim)) if axis is None else axis


def flat(x, axis):
    """Return what a function works on along one axis, and that axis: the flattened array if it is None."""
    return (x.reshape(-1), 0) if axis is None else (x, axis)


def at_end(x, axis):
    """Return an array with the reduced axes as one, the last, and the shape that keepdims leaves."""
    axes = [i % x.ndim for i in (over(axis, x) if axis is None or isinstance(axis, tuple) else (axis,))]
    kept = [i for i in range(x.ndim) if i not in axes]
    moved = x.permute((*kept, *axes)).reshape([*[x.shape[i] for i in kept], math.prod(x.shape[i] for i in axes)])
    return moved, [1 if i in axes else n for i, n in enumerate(x.shape)]


def along_end(reduce):
    """Return a reduction over any axes from one that reduces the last."""

    def reduced(x, axis=None, keepdims=False, **keywords):
        moved, shape = at_end(x, axis)
        out = reduce(moved, **keywords)
        return out.reshape(shape) if keepdims else out

    return reduced


def sums(function):
    return along_end(lambda x, **keywords: function(x, dim=-1, **keywords))


def quantile(scale, computed=torch.quantile):
    def found(x, q, axis=None, keepdims=False):
        moved, shape = at_end(x, axis)
        q = torch.as_tensor(q, dtype=x.dtype) / scale
        if not moved.numel():
            return moved.sum(-1)
        out = computed(moved, q.reshape(-1), dim=-1).reshape((*q.shape, *moved.shape[:-1]))
        return out.reshape((*q.shape, *shape)) if keepdims else out

    return found


def spread_out(reduce):
    """Return var or std with NumPy's `ddof`."""

    def found(x, axis=None, keepdims=False, ddof=0, correction=None):
        correction = ddof if correction is None else correction
        return reduce(x, dim=over(axis, x), correction=correction, keepdim=keepdims)

    return found


def ignoring_nan(reduce):
    """Return var or std of the elements that are numbers."""

    def found(x, ddof=0, **keywords):
        numbers = torch.where(torch.isnan(x), torch.nan, x)
        return reduce(numbers, ddof, **keywords)

    return along_end(found)


def nanvar(x, ddof):
    counted = (~torch.isnan(x)).sum(-1)
    deviations = torch.nan_to_num(x - torch.nanmean(x, dim=-1, keepdim=True))
    return (deviations**2).sum(-1) / (counted - ddof)


def extended(extreme, fill):
    """Return nanmax or nanmin."""
    return along_end(lambda x: extreme(torch.where(torch.isnan(x), fill, x), dim=-1))


def average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    weights = torch.ones_like(a) if weights is None else weights
    if weights.shape != a.shape:
        axes = [i % a.ndim for i in (axis if isinstance(axis, tuple) else (axis,))]
        weights = weights.permute(np.argsort(axes).tolist())
        weights = weights.reshape([n if i in axes else 1 for i, n in enumerate(a.shape)])
    weights = weights.expand(a.shape)
    total = weights.sum(dim=over(axis, a), keepdim=keepdims)
    mean = (a * weights).sum(dim=over(axis, a), keepdim=keepdims) / total
    return (mean, total) if returned else mean


def diff(a, n=1, axis=-1, prepend=None, append=None):
    if not n:
        return a
    ends = [
        torch.full_like(a.narrow(axis, 0, 1), value) if isinstance(value, float) else value
        for value in (prepend, append)
    ]
    return torch.diff(a, n, axis, *ends)


def ediff1d(a, to_end=None, to_begin=None):
    parts = [to_begin, torch.diff(a.reshape(-1)), to_end]
    return torch.cat([torch.as_tensor(part, dtype=a.dtype).reshape(-1) for part in parts if part is not None])


def trapezoid(y, x=None, dx=1.0, axis=-1):
    if x is None:
        return torch.trapezoid(y, dx=dx, dim=axis)
    return torch.trapezoid(y.movedim(axis, -1), x if x.ndim == 1 else x.movedim(axis, -1), dim=-1)


def tensordot(a, b, axes=2):
    return torch.tensordot(a, b, dims=axes if isinstance(axes, int) else [[i % a.ndim for i in axes[0]], list(axes[1])])


def dot(a, b):
    return a * b if not a.ndim or not b.ndim else torch.tensordot(a, b, dims=([-1], [max(b.ndim - 2, 0)]))


def inner(a, b):
    return a * b if not a.ndim or not b.ndim else torch.inner(a, b)


def cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    axes = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    vectors = torch.broadcast_tensors(a.movedim(axes[0], -1), b.movedim(axes[1], -1))
    return linalg.cross(*vectors).movedim(-1, axes[2])


def multi_dot(arrays):
    return linalg.multi_dot(arrays) if len(arrays) > 1 else arrays[0]


def norm(x, ord=None, axis=None, keepdims=False):
    if ord in ("fro", "nuc") or (axis is None and x.ndim == 2 and ord is not None) or isinstance(axis, tuple):
        return linalg.matrix_norm(x, ord or "fro", dim=axis or (-2, -1), keepdim=keepdims)
    return linalg.vector_norm(x, 2 if ord is None else ord, dim=axis, keepdim=keepdims)


def lower(x, triangle="L"):
    """Return the symmetric matrix of which NumPy reads one triangle."""
    return x.tril() + x.tril(-1).mT if triangle == "L" else x.triu() + x.triu(1).mT


def qr(a, mode="reduced"):
    q, r = linalg.qr(a)
    return r if mode == "r" else (q, r)


def determinant(a):
    """Return the determinant by Laplace's expansion, a polynomial, so that it has derivatives at singular matrices."""
    if a.shape[-1] == 1:
        return a[..., 0, 0]
    minors = [determinant(torch.cat([a[..., 1:, :i], a[..., 1:, i + 1 :]], dim=-1)) for i in range(a.shape[-1])]
    return sum((-1) ** i * a[..., 0, i] * minor for i, minor in enumerate(minors))


def cofactors(a):
    return torch.autograd.grad(determinant(a).sum(), a, create_graph=True)[0]


def second_minors(direction, a):
    return torch.autograd.grad((cofactors(a) * direction).sum(), a, create_graph=True)[0]


def cond(x, p=None):
    if p in (None, -2):
        values = linalg.svdvals(x)
        return values[..., 0] / values[..., -1] if p is None else values[..., -1] / values[..., 0]
    return linalg.matrix_norm(x, p) * linalg.matrix_norm(linalg.inv(x), p)  # torch's own writes in place


def lstsq(a, b, rcond=None):
    x = linalg.pinv(a) @ b
    residuals = ((b - a @ x) ** 2).sum(0).reshape(-1) if a.shape[0] > a.shape[1] else torch.zeros(0, dtype=a.dtype)
    return x, residuals, linalg.matrix_rank(a).to(torch.int32), linalg.svdvals(a)


def svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    """Return the decomposition with each pair of vectors in the direction in which NumPy has it."""
    a = lower(a) if hermitian else a
    if not compute_uv:
        return linalg.svdvals(a)
    u, s, vh = linalg.svd(a, full_matrices=False)
    ours = np.linalg.svd(a.numpy(force=True), full_matrices=False, hermitian=hermitian)[0]
    signs = torch.sign((u * torch.tensor(ours)).sum(-2).detach())
    return u * signs[..., None, :], s, vh * signs[..., :, None]


def eigh(a, triangle="L"):
    """Return the decomposition with each vector in the direction in which NumPy has it."""
    values, vectors = linalg.eigh(lower(a, triangle))
    ours = np.linalg.eigh(a.numpy(force=True), triangle)[1]
    return values, vectors * torch.sign((vectors * torch.tensor(ours)).sum(-2, keepdim=True).detach())


def sinc(x):
    """Return torch.sinc with its second derivative at 0."""
    return torch.where(x == 0, 1 - (math.pi * x) ** 2 / 6, torch.sinc(torch.where(x == 0, 1, x)))


def select(conditions, choices, default=0):
    out = torch.as_tensor(default, dtype=torch.float64)
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        out = torch.where(condition, choice, out)
    return out


def clip(a, low=None, high=None, min=None, max=None):
    def bound(value, other):
        return torch.as_tensor(value, dtype=a.dtype) if isinstance(other, torch.Tensor) and value is not None else value

    low, high = low if min is None else min, high if max is None else max
    return torch.clamp(a, bound(low, high), bound(high, low))


def by_position(function):
    """Return a rearrangement by what NumPy's does with the positions of the elements."""

    def rearranged(a, *arguments, **keywords):
        positions = np.arange(a.numel()).reshape(a.shape)
        arguments = [value.numpy() if isinstance(value, torch.Tensor) else value for value in arguments]
        return a.reshape(-1)[torch.from_numpy(function(positions, *arguments, **keywords))]

    return rearranged


def insert(a, places, values, axis=None):
    values = torch.as_tensor(values, dtype=a.dtype)
    new = a.numel() + np.arange(values.numel()).reshape(values.shape)
    positions = np.insert(np.arange(a.numel()).reshape(a.shape), places, new, axis)
    return torch.cat([a.reshape(-1), values.reshape(-1)])[torch.from_numpy(positions)]


def append(a, values, axis=None):
    return torch.cat([a.reshape(-1), values.reshape(-1)] if axis is None else [a, values], 0 if axis is None else axis)


def block(rows):
    return torch.cat([row.reshape(1, *row.shape) if not row.ndim else row for row in rows], dim=-1)


def pad_named(a, widths, value):
    """Return an array padded along the axes that a dict names."""
    pairs = [(0, 0)] * a.ndim
    for axis, pair in widths.items():
        pairs[axis] = np.broadcast_to(pair, 2).tolist()
    return TF.pad(a, [n for pair in reversed(pairs) for n in pair], value=value)


def triangle(function):
    """Return tril or triu, of which NumPy makes a matrix of a vector."""
    return lambda a, k=0: function(a.expand(len(a), -1) if a.ndim == 1 else a, k)


def pad(a, width, mode="constant", constant_values=0.0):
    if mode != "constant" or isinstance(width, dict):
        return by_position(np.pad)(a, width, mode) if mode != "constant" else pad_named(a, width, constant_values)
    pairs = np.broadcast_to(width, (a.ndim, 2))[::-1].ravel().tolist()
    return TF.pad(a, pairs, value=constant_values)


def splitting(function):
    """Return a split by where NumPy cuts."""

    def cut(a, sections, axis=0):
        axis = {np.vsplit: 0, np.hsplit: min(a.ndim - 1, 1), np.dsplit: 2}.get(function, axis)
        parts = (np.array_split if function is np.array_split else np.split)(np.arange(a.shape[axis]), sections)
        return [a.index_select(axis, torch.from_numpy(part)) for part in parts]

    return cut


def take(a, indices, axis=None):
    a, axis = flat(a, axis)
    indices = torch.as_tensor(indices)
    found = a.index_select(axis, indices.reshape(-1))
    return found.reshape(*a.shape[:axis], *indices.shape, *a.shape[axis + 1 :])


def at_least(ndim):
    def reshaped(*arrays):
        views = [
            a.reshape([np.atleast_1d, np.atleast_2d, np.atleast_3d][ndim - 1](np.empty(a.shape)).shape) for a in arrays
        ]
        return views[0] if len(views) == 1 else views

    return reshaped


def bincount(x, weights, minlength=0):
    return torch.zeros(max(max(x) + 1, minlength), dtype=weights.dtype).index_add(0, torch.as_tensor(x), weights)


def quotient(a, b):
    return torch.floor(torch.as_tensor(a / b).detach())


def vander(x, count=None, increasing=False):
    powers = torch.stack([x**k for k in range(len(x) if count is None else count)], dim=-1)
    return powers if increasing else powers.flip(-1)


def gradient(f, *spacing, axis=None, edge_order=1):
    axes = tuple(range(f.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    spacing = spacing * len(axes) if len(spacing) == 1 and not getattr(spacing[0], "ndim", 0) else spacing or (1.0,)
    spacing = spacing * (len(axes) // len(spacing))
    found = []
    for h, one in zip(spacing, axes, strict=True):
        places = h if getattr(h, "ndim", 0) else torch.arange(f.shape[one], dtype=f.dtype) * h
        found.append(torch.gradient(f, spacing=(places,), dim=one, edge_order=edge_order)[0])
    return found[0] if len(found) == 1 else tuple(found)


def convolve(a, v, mode="full", swapped=False):
    """Return the convolution, by sums of shifted rows; of a correlation of swapped rows, the middle lies elsewhere."""
    whole = sum(TF.pad(a * v[i], (i, len(v) - 1 - i)) for i in range(len(v)))
    shorter, longer = sorted((len(a), len(v)))
    start = {"full": 0, "valid": shorter - 1, "same": shorter // 2 if swapped else (shorter - 1) // 2}[mode]
    return whole[start : start + {"full": len(whole), "valid": longer - shorter + 1, "same": longer}[mode]]


def polyval(p, x):
    powers = [x**k if isinstance(x, torch.Tensor) else torch.tensor(x, dtype=torch.float64) ** k for k in range(len(p))]
    return sum(p[i] * powers[len(p) - 1 - i] for i in range(len(p)))


def variables_in_rows(m, y, rowvar):
    m = m if rowvar or m.ndim < 2 else m.mT
    return m if y is None else torch.cat([torch.atleast_2d(m), torch.atleast_2d(y)])


def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None):
    correction = (0 if bias else 1) if ddof is None else ddof
    fweights = None if fweights is None else torch.as_tensor(fweights)
    aweights = None if aweights is None else torch.as_tensor(aweights, dtype=torch.float64)
    matrix = variables_in_rows(m, y, rowvar)
    return torch.cov(matrix, correction=correction, fweights=fweights, aweights=aweights)


def row_between(start, stop, num, endpoint, axis, between):
    start, stop = torch.broadcast_tensors(*[torch.as_tensor(one, dtype=torch.float64) for one in (start, stop)])
    parts = torch.arange(num, dtype=torch.float64) / max(num - endpoint, 1)
    return between(start, stop, parts.reshape(-1, *[1] * start.ndim)).movedim(0, axis)


def linspace(start, stop, num, endpoint=True, axis=0, retstep=False):
    row = row_between(start, stop, num, endpoint, axis, lambda start, stop, part: start + part * (stop - start))
    return (row, (stop - start) / (num - endpoint)) if retstep else row


def geomspace(start, stop, num, endpoint=True, axis=0):
    return row_between(start, stop, num, endpoint, axis, lambda start, stop, part: start * (stop / start) ** part)


def unwrap(p, axis=-1):
    return p + torch.from_numpy(np.unwrap(p.detach().numpy(), axis=axis) - p.detach().numpy())


def reduced(x, reduction="mean"):
    ways = {"mean": torch.mean, "sum": torch.sum, "none": lambda x: x, "batchmean": lambda x: x.sum() / len(x)}
    return ways[reduction](x)


def labelled(loss, classes=1):
    """Return a loss of logits with labels and PyTorch's further arguments; `classes` is the axis of the classes."""

    def computed(logits, labels, weights=None, reduction="mean", axis=None, **keywords):
        if not logits.numel():
            return logits.sum()
        axis = min(classes, logits.ndim - 1) if axis is None else axis
        labels = labels.movedim(axis, -1) if labels.is_floating_point() else labels
        logits = logits.movedim(axis, -1)
        if weights is not None:
            keywords["weight"] = torch.as_tensor(weights, dtype=logits.dtype)
        rows = logits.reshape(-1, logits.shape[-1])
        soft = labels.is_floating_point()
        out = loss(rows, labels.reshape(rows.shape if soft else -1), reduction=reduction, **keywords)
        return out.reshape(logits.shape[:-1]) if reduction == "none" else out

    return computed


def pairwise(loss):
    return lambda a, b, reduction="mean": reduced(loss(a, b), reduction)


def softplus(x):
    return torch.logaddexp(x, torch.zeros_like(x))  # PyTorch's own is x itself above its threshold


TORCH = {
    # elementwise
    np.cbrt: lambda x: x ** (1 / 3),
    np.sinc: sinc,
    np.radians: torch.deg2rad,
    np.degrees: torch.rad2deg,
    np.fabs: torch.abs,
    np.rint: torch.round,
    **dict.fromkeys(elementwise.DEPRECATED, torch.trunc),
    np.round: lambda x, decimals=0: torch.round(x, decimals=decimals),
    np.around: lambda x, decimals=0: torch.round(x, decimals=decimals),
    np.real: torch.real,
    np.imag: torch.zeros_like,
    np.conjugate: torch.clone,
    np.angle: lambda x: torch.angle(x.detach()),
    np.modf: lambda x: (torch.frac(x), torch.trunc(x)),
    elementwise.fraction: torch.frac,
    np.divmod: lambda a, b: (quotient(a, b), a - b * quotient(a, b)),
    np.ldexp: lambda x, exponents: x * 2.0 ** torch.as_tensor(exponents, dtype=x.dtype),
    np.i0: torch.i0,
    np.nan_to_num: torch.nan_to_num,
    np.clip: clip,
    np.select: select,
    # reductions
    np.average: average,
    np.var: spread_out(torch.var),
    np.std: spread_out(torch.std),
    reductions.root: torch.sqrt,
    np.amax: sums(torch.amax),
    np.amin: sums(torch.amin),
    np.nanmax: extended(torch.amax, -math.inf),
    np.nanmin: extended(torch.amin, math.inf),
    np.ptp: along_end(lambda x: torch.amax(x, -1) - torch.amin(x, -1)),
    np.prod: sums(torch.prod),
    np.cumprod: lambda x, axis=None: torch.cumprod(*flat(x, axis)),
    np.cumsum: lambda x, axis=None: torch.cumsum(*flat(x, axis)),
    np.cumulative_prod: lambda x, axis=0: torch.cumprod(x, axis),
    np.cumulative_sum: lambda x, axis=0: torch.cumsum(x, axis),
    np.nancumprod: lambda x, axis=None: torch.cumprod(*flat(torch.nan_to_num(x, nan=1.0), axis)),
    np.nancumsum: lambda x, axis=None: torch.cumsum(*flat(torch.nan_to_num(x), axis)),
    np.nanmedian: lambda x, **keywords: quantile(1, torch.nanquantile)(x, 0.5, **keywords),
    np.nanpercentile: quantile(100, torch.nanquantile),
    np.nanquantile: quantile(1, torch.nanquantile),
    np.diff: diff,
    np.ediff1d: ediff1d,
    np.trapezoid: trapezoid,
    np.quantile: quantile(1),
    np.percentile: quantile(100),
    np.median: lambda x, **keywords: quantile(1)(x, 0.5, **keywords),
    np.nansum: sums(torch.nansum),
    np.nanmean: sums(torch.nanmean),
    np.nanvar: ignoring_nan(nanvar),
    np.nanstd: ignoring_nan(lambda x, ddof: torch.sqrt(nanvar(x, ddof))),
    np.nanprod: along_end(lambda x: torch.prod(torch.where(torch.isnan(x), 1, x), dim=-1)),
    # linear algebra
    np.einsum: torch.einsum,
    np.vecdot: lambda a, b, axis=-1: linalg.vecdot(a, b, dim=axis),
    np.linalg.vecdot: lambda a, b, axis=-1: linalg.vecdot(a, b, dim=axis),
    np.matvec: lambda a, b: (a @ b[..., None])[..., 0],
    np.vecmat: lambda a, b: (a[..., None, :] @ b)[..., 0, :],
    np.dot: dot,
    np.inner: inner,
    np.vdot: lambda a, b: torch.dot(a.reshape(-1), b.reshape(-1)),
    np.outer: lambda a, b: torch.outer(a.reshape(-1), b.reshape(-1)),
    np.linalg.outer: torch.outer,
    np.tensordot: tensordot,
    np.linalg.tensordot: tensordot,
    np.kron: torch.kron,
    np.cross: cross,
    np.linalg.cross: cross,
    np.trace: lambda a, offset=0, axis1=0, axis2=1: torch.diagonal(a, offset, axis1, axis2).sum(-1),
    np.linalg.trace: lambda a, offset=0: torch.diagonal(a, offset, -2, -1).sum(-1),
    np.linalg.matmul: torch.matmul,
    np.linalg.matrix_transpose: lambda x: x.mT,
    np.linalg.diagonal: lambda a, offset=0: torch.diagonal(a, offset, -2, -1),
    np.linalg.matrix_power: linalg.matrix_power,
    np.linalg.multi_dot: multi_dot,
    np.linalg.inv: linalg.inv,
    np.linalg.solve: lambda a, b: linalg.solve(a, b[..., None])[..., 0] if b.ndim == 1 else linalg.solve(a, b),
    np.linalg.det: determinant,
    our_linalg.cofactors: cofactors,
    our_linalg.second_minors: second_minors,
    np.linalg.pinv: lambda a, rcond=None, hermitian=False, **keywords: linalg.pinv(lower(a) if hermitian else a),
    decompositions.pseudo_inverse: linalg.pinv,
    np.linalg.cond: cond,
    np.linalg.lstsq: lstsq,
    np.linalg.tensorinv: linalg.tensorinv,
    np.linalg.tensorsolve: linalg.tensorsolve,
    our_linalg.log_abs_determinant: lambda a: linalg.slogdet(a)[1],
    np.linalg.slogdet: linalg.slogdet,
    np.linalg.cholesky: lambda a, upper=False: (
        linalg.cholesky(lower(a.mT), upper=True) if upper else linalg.cholesky(lower(a))
    ),
    decompositions.cholesky_factor: linalg.cholesky,
    decompositions.eigenvalues: linalg.eigvalsh,
    decompositions.eigenvectors: lambda a: eigh(a)[1],
    np.linalg.eigh: eigh,
    np.linalg.eigvalsh: lambda a, triangle="L": linalg.eigvalsh(lower(a, triangle)),
    np.linalg.svd: svd,
    np.linalg.svdvals: linalg.svdvals,
    decompositions.singular_values: linalg.svdvals,
    decompositions.left_vectors: lambda a: svd(a)[0],
    decompositions.right_vectors: lambda a: svd(a)[2],
    np.linalg.qr: qr,
    decompositions.orthogonal_factor: lambda a: linalg.qr(a)[0],
    decompositions.triangular_factor: lambda a: linalg.qr(a)[1],
    norms.power_norm: lambda x, power: linalg.vector_norm(x, power, dim=-1, keepdim=True),
    np.linalg.norm: norm,
    np.linalg.vector_norm: lambda x, axis=None, keepdims=False, ord=2: linalg.vector_norm(x, ord, axis, keepdims),
    np.linalg.matrix_norm: lambda x, keepdims=False, ord="fro": linalg.matrix_norm(x, ord, keepdim=keepdims),
    # shapes
    np.squeeze: lambda a, axis=None: torch.squeeze(a) if axis is None else torch.squeeze(a, axis),
    np.ravel: lambda a: a.reshape(-1),
    np.swapaxes: torch.swapaxes,
    np.moveaxis: torch.movedim,
    np.copy: torch.clone,
    np.atleast_1d: at_least(1),
    np.atleast_2d: at_least(2),
    np.atleast_3d: at_least(3),
    np.broadcast_arrays: torch.broadcast_tensors,
    np.meshgrid: lambda *xi, indexing="xy", sparse=False: (
        (xi[0][:, None], xi[1][None]) if sparse else torch.meshgrid(*xi, indexing=indexing)
    ),
    np.full_like: lambda a, value: torch.as_tensor(value, dtype=a.dtype).expand(a.shape) + 0 * a,
    shaping.join: lambda *arrays: torch.cat(arrays),
    np.vstack: torch.vstack,
    np.hstack: torch.hstack,
    np.dstack: torch.dstack,
    np.column_stack: torch.column_stack,
    np.append: append,
    np.block: block,
    **{function: splitting(function) for function in (np.split, np.array_split, np.vsplit, np.hsplit, np.dsplit)},
    np.flip: lambda a, axis=None: torch.flip(a, np.atleast_1d(over(axis, a)).tolist()),
    np.fliplr: torch.fliplr,
    np.flipud: torch.flipud,
    np.roll: lambda a, shift, axis=None: torch.roll(a, shift, axis),
    np.fft.fftshift: lambda x, axes=None: torch.fft.fftshift(x, axes),
    np.fft.ifftshift: lambda x, axes=None: torch.fft.ifftshift(x, axes),
    np.rot90: lambda a, k=1, axes=(0, 1): torch.rot90(a, k, axes),
    np.repeat: lambda a, repeats, axis=None: flat(a, axis)[0].repeat_interleave(
        torch.as_tensor(repeats), dim=flat(a, axis)[1]
    ),
    np.tile: lambda a, repeats: torch.tile(a, tuple(np.atleast_1d(repeats).tolist())),
    np.delete: by_position(np.delete),
    np.diagonal: torch.diagonal,
    np.take: take,
    np.take_along_axis: lambda a, indices, axis: (
        torch.take_along_dim(a, indices) if axis is None else torch.take_along_dim(a, indices, axis)
    ),
    np.compress: lambda condition, a, axis=None: take(a, np.flatnonzero(condition), axis),
    np.extract: lambda condition, a: a[condition],
    np.choose: lambda a, choices: torch.gather(
        torch.stack(torch.broadcast_tensors(*choices, torch.empty(a.shape))[:-1]), 0, a[None]
    )[0],
    np.insert: insert,
    np.sort: lambda a, axis=-1: torch.sort(*flat(a, axis)).values,
    np.unwrap: unwrap,
    np.diag: torch.diag,
    np.diagflat: torch.diagflat,
    np.tril: triangle(torch.tril),
    np.triu: triangle(torch.triu),
    np.pad: pad,
    shaping.pad_with_constants: lambda a, width, value=0.0: pad(a, width, constant_values=value),
    np.unstack: lambda x, axis=0: torch.unbind(x, axis),
    np.bincount: bincount,
    # rows
    np.gradient: gradient,
    sequences.whole_convolution: convolve,
    np.convolve: convolve,
    np.correlate: lambda a, v, mode="valid": convolve(a, v.flip(0), mode, len(a) < len(v)),
    np.polyval: polyval,
    np.vander: vander,
    np.cov: cov,
    np.corrcoef: lambda x, y=None, rowvar=True: torch.corrcoef(variables_in_rows(x, y, rowvar)),
    np.linspace: linspace,
    np.logspace: lambda start, stop, num, *rest, base=10.0, **keywords: (
        base ** linspace(start, stop, num, *rest, **keywords)
    ),
    np.geomspace: geomspace,
    np.fft.irfft: lambda a, n=None, axis=-1, norm=None: torch.fft.irfft(a + 0j, n, axis, norm),
    np.fft.hfft: lambda a, n=None, axis=-1, norm=None: torch.fft.hfft(a + 0j, n, axis, norm),
    fourier.waves: lambda a, n: torch.fft.irfft(a + 0j, n),
    fourier.cosines: lambda x: torch.fft.rfft(x).real,
    # functional
    F.leaky_relu: lambda x, slope=0.01: TF.leaky_relu(x, slope),
    F.elu: TF.elu,
    F.selu: TF.selu,
    F.hardtanh: lambda x, low=-1.0, high=1.0: TF.hardtanh(x, low, high),
    F.softplus: softplus,
    F.log_sigmoid: TF.logsigmoid,
    F.silu: TF.silu,
    F.erf: torch.erf,
    F.gelu: TF.gelu,
    F.logsumexp: lambda x, axis=None, keepdims=False: torch.logsumexp(x, dim=over(axis, x), keepdim=keepdims),
    F.cross_entropy: labelled(TF.cross_entropy),
    losses.mean_cross_entropy: labelled(TF.cross_entropy, -1),
    F.nll: labelled(TF.nll_loss),
    activations.weighed: lambda values, weights: values * weights,
    losses.picked: lambda log_p, labels: torch.gather(log_p, -1, labels[..., None])[..., 0],
    losses.logit_losses: lambda z, labels: softplus(z) - z * labels,
    losses.binary_losses: lambda p, labels: -(labels * torch.log(p) + (1 - labels) * torch.log(1 - p)),
    F.binary_cross_entropy: pairwise(lambda p, labels: -(labels * torch.log(p) + (1 - labels) * torch.log(1 - p))),
    F.binary_cross_entropy_with_logits: pairwise(lambda z, labels: softplus(z) - z * labels),
    F.kl_div: pairwise(lambda log_p, q: q * (torch.log(q) - log_p)),
    F.mse: TF.mse_loss,
    F.l1: TF.l1_loss,
    F.huber: TF.huber_loss,
}

IN_THE_OTHER_FILE = (
    {
        function
        for function in checked_functions()
        if isinstance(function, np.ufunc) and hasattr(torch, function.__name__) and function not in TORCH
    }
    | {
        *(
            np.matmul,
            np.where,
            np.sum,
            np.mean,
            np.max,
            np.min,
            np.power,
            np.reshape,
            np.transpose,
            np.matrix_transpose,
        ),
        *(np.expand_dims, np.broadcast_to, np.concatenate, np.stack, np.astype, operator.getitem, operator.setitem),
        *(F.relu, F.sigmoid, F.softmax, F.log_softmax, F.linear),
    }
    | {  # of windows and of layers, there with all their settings, and what they consist of
        *(F.conv1d, F.conv2d, F.max_pool1d, F.max_pool2d, F.avg_pool1d, F.avg_pool2d, F.scaled_dot_product_attention),
        *(convolution.correlate, windows.windows, windows.fold, windows.surrounded, pooling.largest),
        *(F.layer_norm, F.rms_norm, F.batch_norm, F.embedding, F.mish, F.smooth_l1),
    }
)
UNKNOWN_TO_TORCH = {
    *(np.remainder, np.fmod, np.floor_divide, np.heaviside),  # without a derivative for one of the arguments
    *(np.interp, np.apply_along_axis, np.piecewise, np.unique),  # nothing like it, or without a gradient
    *(np.partition, indexing.place, einsum.contract, elementwise.clip_between),  # nothing like it
    F.dropout,  # other random numbers
}


# Both sides


NUMPYS_ALONE = {
    "reflect_type",
    "dtype",
    "initial",
    "where",
    "mean",
    "method",
    "include_initial",
    "stat_length",
    "end_values",
}
"""Arguments that PyTorch has no word for."""


def is_numpys_alone(sample):
    """Return whether PyTorch has no word for what a sample asks for."""
    asked = {*sample.keywords, *(value for value in sample.arguments if isinstance(value, str))}
    return bool(asked & {*NUMPYS_ALONE, "maximum", "minimum", "mean", "median", "linear_ramp", "F"})


def variables(value, leaves, of_torch):
    """Return an argument with its float64 arrays, in lists too, as leaves, which are added to the list."""
    if isinstance(value, list) and any(isinstance(part, np.ndarray | list) for part in value):
        return [variables(part, leaves, of_torch) for part in value]
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype == np.float64:
        leaf = torch.tensor(value, requires_grad=True) if of_torch else ad.Tensor(value, requires_grad=True)
        leaves.append(leaf)
        return leaf
    return torch.tensor(value) if of_torch else value


def outputs(function, sample, leaves, of_torch):
    """Return the floating-point results of a function at a sample."""
    arguments = [variables(value, leaves, of_torch) for value in sample.arguments]
    if sample.before is not None:  # it makes matrices symmetric
        arguments = [
            (value + value.mT) / 2 if of_torch and isinstance(value, torch.Tensor) else
            value if isinstance(value, str) else sample.before(value)
            for value in arguments
        ]  # fmt: skip
    results = function(*arguments, **sample.keywords)
    return list(results) if isinstance(results, list | tuple) else [results]


def torch_gradients(scalar, leaves, **options):
    if not leaves or not scalar.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    found = torch.autograd.grad(scalar, leaves, allow_unused=True, **options)
    return [torch.zeros_like(leaf) if one is None else one for one, leaf in zip(found, leaves, strict=True)]


def assert_same(ours, theirs, what):
    assert [one.shape for one in ours] == [tuple(other.shape) for other in theirs], what
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(
            one.data, other.numpy(force=True), rtol=1e-8, atol=1e-9, err_msg=str(what), strict=True
        )


def weighted(parts, weights):
    return sum(((part * weight).sum() for part, weight in zip(parts, weights, strict=True)), start=0 * parts[0].sum())


def compare(ours, theirs, sample, orders=2):
    """Compare value, gradient and the gradient of its product with a random vector."""
    our_leaves, their_leaves = [], []
    mine, other = outputs(ours, sample, our_leaves, False), outputs(theirs, sample, their_leaves, True)
    assert_same(mine, other, sample)
    random = np.random.default_rng(0)
    for order in range(orders):
        weights = [np.asarray(random.uniform(0.5, 1.5, part.shape)) for part in mine]
        mine = differentiate(weighted(mine, weights), our_leaves, create_graph=True)
        scalar = weighted(other, [torch.tensor(weight) for weight in weights])
        other = torch_gradients(scalar, their_leaves, create_graph=order + 1 < orders, materialize_grads=False)
        assert_same(mine, other, (order + 1, sample))
        if not mine:
            break


@pytest.mark.parametrize("function", TORCH, ids=full_name)
def test_every_sample_agrees(function):
    samples = [sample for sample in samples_of(function) if not is_numpys_alone(sample)]
    assert samples
    for sample in samples:
        compare(functions.get(function, function), TORCH[function], sample)


def test_every_function_is_compared_somewhere():
    compared = {*TORCH, *IN_THE_OTHER_FILE, *UNKNOWN_TO_TORCH}
    assert sorted(full_name(function) for function in {*checked_functions()} - compared) == []


# Where a slope is a choice, and where a plain formula overflows, divides by 0 or loses all digits


def clamp_norm(order):
    return lambda x: np.linalg.norm(x, order), lambda x: linalg.vector_norm(x, order)


FAR = np.array([-1000.0, -40.0, 0.0, 40.0, 1000.0])
ZEROS = np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 5.0], [1.0, 2.0, 3.0]])
SATURATED = np.array([[1e4, 0.0, -1e4], [-1e4, 1e4, 0.0]])
LABELS = torch.tensor([1, 1])
POINTS = {
    **{f"norm of order {order} at 0": (*clamp_norm(order), np.zeros(3)) for order in (1, 2, 3, 0.5, 1.5, math.inf)},
    **{f"norm of order {order} with a 0": (*clamp_norm(order), np.array([0.0, 3, 4])) for order in (1, 2, 3, 0.5)},
    "norm of a matrix at 0": (np.linalg.norm, linalg.matrix_norm, np.zeros((2, 3))),
    "maximum norm with ties": (*clamp_norm(math.inf), np.array([2.0, -2, 1])),
    "minimum norm with ties": (*clamp_norm(-math.inf), np.array([2.0, -2, 3])),
    "prod with zeros": (lambda x: np.prod(x, axis=1), lambda x: torch.prod(x, 1), ZEROS),
    "prod of all with one zero": (np.prod, torch.prod, np.array([2.0, 0.0, 3.0])),
    "cumprod with zeros": (lambda x: np.cumprod(x, axis=1), lambda x: torch.cumprod(x, 1), ZEROS),
    "std of a constant": (lambda x: np.std(x, ddof=1), torch.std, np.full(4, 3.0)),
    "var of a constant": (np.var, lambda x: torch.var(x, correction=0), np.full(4, 3.0)),
    "squares at 0": (lambda x: x**2, lambda x: x**2, np.array([0.0, -1.0])),
    "first powers at 0": (lambda x: x**1, lambda x: x**1, np.array([0.0, -1.0])),
    "zeroth powers at 0": (lambda x: x**0, lambda x: x**0, np.array([0.0, -1.0])),
    "0 to powers": (lambda x: np.power(0.0, x), lambda x: torch.pow(0.0, x), np.array([1.0, 2.0])),
    "sigmoid": (F.sigmoid, torch.sigmoid, FAR),
    "softplus": (F.softplus, softplus, FAR),
    "log_sigmoid": (F.log_sigmoid, TF.logsigmoid, FAR),
    "silu": (F.silu, TF.silu, FAR),
    "gelu": (F.gelu, TF.gelu, FAR),
    "tanh": (np.tanh, torch.tanh, FAR),
    "log_softmax": (F.log_softmax, lambda x: torch.log_softmax(x, -1), SATURATED),
    "softmax": (F.softmax, lambda x: torch.softmax(x, -1), SATURATED),
    "logsumexp": (F.logsumexp, lambda x: torch.logsumexp(x, (0, 1)), SATURATED),
    "cross_entropy": (lambda x: F.cross_entropy(x, LABELS.numpy()), lambda x: TF.cross_entropy(x, LABELS), SATURATED),
    "cross_entropy with smoothing": (
        lambda x: F.cross_entropy(x, LABELS.numpy(), label_smoothing=0.1),
        lambda x: TF.cross_entropy(x, LABELS, label_smoothing=0.1),
        SATURATED,
    ),
    "binary_cross_entropy_with_logits": (
        lambda x: F.binary_cross_entropy_with_logits(x, np.ones(5)),
        lambda x: TF.binary_cross_entropy_with_logits(x, torch.ones(5, dtype=torch.float64)),
        FAR,
    ),
    "clip at its bounds": (lambda x: np.clip(x, -1, 1), lambda x: torch.clamp(x, -1, 1), np.array([-1.0, 1, 0, 2])),
    "hardtanh at its bounds": (F.hardtanh, TF.hardtanh, np.array([-1.0, 1, 0, 2])),
    "leaky_relu at 0": (F.leaky_relu, TF.leaky_relu, np.array([-1.0, -0.0, 0, 1])),
    "elu": (F.elu, TF.elu, np.array([-1000.0, -1, 0, 1, 1000])),
    "selu": (F.selu, TF.selu, np.array([-1000.0, -1, 0, 1, 1000])),
    "huber at its corner": (
        lambda x: F.huber(x, np.zeros(4), reduction="sum"),
        lambda x: TF.huber_loss(x, torch.zeros(4, dtype=torch.float64), reduction="sum"),
        np.array([-1.0, 0, 1, 2]),
    ),
    "l1 at 0": (
        lambda x: F.l1(x, np.zeros(3)),
        lambda x: TF.l1_loss(x, torch.zeros(3, dtype=torch.float64)),
        np.array([-1.0, 0, 1]),
    ),
    "arctan2 at the origin": (
        lambda x: np.arctan2(x[0], x[1]),
        lambda x: torch.atan2(x[0], x[1]),
        np.array([[0.0, 0, 1], [0, 1, 0]]),
    ),
    "max with ties": (lambda x: np.max(x, axis=0), lambda x: torch.amax(x, 0), np.array([[1.0, 2], [1, 3], [0, 3]])),
    "nan_to_num": (
        lambda x: np.nan_to_num(x, posinf=3.0),
        lambda x: torch.nan_to_num(x, posinf=3.0),
        np.array([math.inf, -math.inf, math.nan, 1]),
    ),
}
FIRST_ORDER = {"elu", "selu", "arctan2 at the origin", "softplus", "silu", "huber at its corner", "0 to powers"}


@pytest.mark.parametrize("name", POINTS)
def test_special_points_agree_without_a_warning(name):
    ours, theirs, point = POINTS[name]
    compare(ours, theirs, Sample((point,), {}), orders=1 if name.startswith("norm") or name in FIRST_ORDER else 2)


def test_a_root_at_0_has_its_value_and_an_infinite_slope():
    x, theirs = ad.Tensor(np.zeros(1), requires_grad=True), torch.zeros(1, dtype=torch.float64, requires_grad=True)
    root = np.sqrt(x)
    assert root.item() == 0
    root.backward()
    torch.sqrt(theirs).backward()
    assert x.grad.item() == theirs.grad.item() == math.inf


def test_hypot_at_0_is_the_norm_at_0():
    # PyTorch's own gradient of hypot is a NaN there
    found = ad.grad(lambda a, b: np.hypot(a, b), (0, 1))(np.float64(0), np.float64(0))
    theirs = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    linalg.vector_norm(theirs).backward()
    np.testing.assert_array_equal(np.stack(found), theirs.grad.numpy())


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("soft", [False, True])
def test_cross_entropy_agrees_with_every_setting(reduction, smoothing, weighted, soft):
    random = np.random.default_rng(1)
    labels = random.dirichlet(np.ones(4), size=6) if soft else random.integers(0, 4, 6)
    weights = random.uniform(0.5, 2, 4) if weighted else None
    sample = Sample((3 * random.standard_normal((6, 4)),), {})
    compare(
        lambda x: F.cross_entropy(x, labels, weights=weights, label_smoothing=smoothing, reduction=reduction),
        lambda x: TF.cross_entropy(
            x,
            torch.tensor(labels),
            weight=torch.tensor(weights) if weighted else None,
            label_smoothing=smoothing,
            reduction=reduction,
        ),
        sample,
    )
