"""Limits to gradients."""

from collections.abc import Iterable

import numpy as np

from autodiff.optimizers.settings import positive
from autodiff.tensor import Tensor


def clip_grad_norm(parameters: Iterable[Tensor] | Tensor, max_norm: float) -> Tensor:
    """Make all gradients together no longer than `max_norm`, and return how long they were, a 0-d Tensor.

    Their length is the square root of the sum of the squares of all elements; where it is larger, each gradient is
    multiplied by max_norm / (length + 1e-6) (Pascanu, Mikolov & Bengio 2013; as torch.nn.utils.clip_grad_norm_).
    Parameters without a gradient are left out.

    Raises ValueError for a `max_norm` that is not above 0.

    >>> p = ad.Parameter([1.0, 2.0])
    >>> np.sum(p * [3.0, 4.0]).backward()
    >>> ad.clip_grad_norm([p], max_norm=1.0)
    Tensor(5.)
    >>> np.round(p.grad, 3)
    Tensor([0.6, 0.8])
    """
    positive("max_norm", max_norm)
    moving = [one for one in ([parameters] if isinstance(parameters, Tensor) else parameters) if one.grad is not None]
    gradients = [one.grad.data for one in moving if one.grad is not None]
    if not gradients:
        return Tensor(0.0)
    squares = [np.sum(gradient * gradient) for gradient in gradients]
    length = np.sqrt(sum(squares[1:], start=squares[0]))
    share = np.minimum(max_norm / (length + 1e-6), 1.0)
    for one, gradient in zip(moving, gradients, strict=True):
        one.grad = Tensor(gradient * share.astype(gradient.dtype))
    return Tensor(length)
