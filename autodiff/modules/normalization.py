"""Layers that bring what passes through them to mean 0 and variance 1."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

import autodiff.functional as functional
from autodiff.arrays import DEFAULT_FLOAT
from autodiff.functional.losses import in_half
from autodiff.functional.normalization import by_channel, channel_axes, moments, scaled, values_per_channel
from autodiff.modules.checks import check_shape, check_size
from autodiff.modules.module import Buffer, Module, Parameter
from autodiff.tensor import unwrap


class LayerNorm(Module):
    """Every sample with mean 0 and variance 1 over its last axes, times weight, plus bias (Ba et al. 2016).

    normalized_shape: the lengths of those axes, one or several. eps: is added to the variance.
    elementwise_affine: whether there are a weight and a bias, both of that shape, which start at 1 and at 0.
    bias: whether there is a bias. Raises ValueError for an input with other last axes.

    >>> ad.LayerNorm(2)(ad.Tensor([[1.0, 3.0], [-5.0, 5.0]])).data.round(3)
    array([[-1.,  1.],
           [-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: DTypeLike = DEFAULT_FLOAT,
    ) -> None:
        self.normalized_shape = as_shape("LayerNorm", normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.weight = Parameter(np.ones(self.normalized_shape, dtype)) if elementwise_affine else None
        self.bias = Parameter(np.zeros(self.normalized_shape, dtype)) if elementwise_affine and bias else None

    def forward(self, x: Any) -> Any:
        """Return `functional.layer_norm(x, normalized_shape, weight, bias, eps)`."""
        check_last_axes(self, x, self.normalized_shape)
        return functional.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the settings."""
        affine = f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        return f"{self.normalized_shape}, eps={self.eps}, {affine}"


class RMSNorm(Module):
    """Every sample over the root of its mean square over the last axes, times weight (Zhang & Sennrich 2019).

    normalized_shape: the lengths of those axes, one or several. eps: is added to the mean square; by default the
    input's distance from 1 to the next number. elementwise_affine: whether there is a weight, which starts at 1.
    Raises ValueError for an input with other last axes.

    >>> ad.RMSNorm(2)(ad.Tensor([[3.0, 3.0], [-5.0, 5.0]])).data.round(3)
    array([[ 1.,  1.],
           [-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: DTypeLike = DEFAULT_FLOAT,
    ) -> None:
        self.normalized_shape = as_shape("RMSNorm", normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.weight = Parameter(np.ones(self.normalized_shape, dtype)) if elementwise_affine else None

    def forward(self, x: Any) -> Any:
        """Return `functional.rms_norm(x, normalized_shape, weight, eps)`."""
        check_last_axes(self, x, self.normalized_shape)
        return functional.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


def as_shape(kind: str, lengths: int | Sequence[int]) -> tuple[int, ...]:
    """Return the lengths of one axis or several as a shape."""
    several = lengths if isinstance(lengths, Sequence) else [lengths]
    return tuple(check_size(kind, "normalized_shape", length) for length in several)


def check_last_axes(layer: Module, x: Any, lengths: tuple[int, ...]) -> None:
    """Raise ValueError, which names the layer, unless the last axes of its input have these lengths."""
    check_shape(layer, x, f"({', '.join(['...', *map(str, lengths)])})", np.shape(x)[-len(lengths) :] == lengths)


class BatchNorm(Module):
    """What `BatchNorm1d` and `BatchNorm2d` are but for the axes of their inputs."""

    axes: ClassVar[dict[int, str]]
    """How an input is shown, by its number of axes."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
        dtype: DTypeLike = DEFAULT_FLOAT,
    ) -> None:
        self.num_features = check_size(type(self).__name__, "num_features", num_features)
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.weight = Parameter(np.ones(num_features, dtype)) if affine else None
        self.bias = Parameter(np.zeros(num_features, dtype)) if affine and bias else None
        self.running_mean = Buffer(np.zeros(num_features, dtype)) if track_running_stats else None
        self.running_var = Buffer(np.ones(num_features, dtype)) if track_running_stats else None
        self.num_batches_tracked = Buffer(np.array(0)) if track_running_stats else None

    def forward(self, x: Any) -> Any:
        """Return x normalised with the batch's statistics while training, with the running ones in evaluation."""
        shape = np.shape(x)
        allowed = " or ".join(self.axes.values()).replace("channels", str(self.num_features))
        check_shape(self, x, allowed, len(shape) in self.axes and shape[1] == self.num_features)
        if shape and getattr(x, "dtype", None) == np.float16:
            return in_half(self.normalised, x)
        return self.normalised(x)

    def normalised(self, x: Any) -> Any:
        """Return the result for an input that fits."""
        if self.running_mean is not None and not self.training:
            return functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, self.eps)
        count = values_per_channel(x)
        if count == 1:
            raise ValueError(
                f"{self!r} takes more than one value for each channel, whose variance would be 0; found an input "
                f"of shape {np.shape(x)}; eval() makes a trained layer use its running statistics"
            )
        mean, centred, variance = moments(x, channel_axes(x))
        self.track(unwrap(mean), unwrap(variance) * (count / (count - 1)))
        return scaled(centred, variance, self.eps, by_channel(self.weight, x), by_channel(self.bias, x))

    def track(self, mean: NDArray[Any], variance: NDArray[Any]) -> None:
        """Let the running statistics, if there are any, move towards those of a batch; in place, for captured steps."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        batches = self.num_batches_tracked.data
        batches += 1
        share = 1 / batches if self.momentum is None else self.momentum
        for running, found in ((self.running_mean.data, mean), (self.running_var.data, variance)):
            running *= 1 - share
            running += share * found.reshape(-1)

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(BatchNorm):
    """Every channel with mean 0 and variance 1 over the batch, times weight, plus bias (Ioffe & Szegedy 2015).

    In evaluation, the running mean and variance of the batches seen in training take the place of the batch's: the
    buffers running_mean and running_var, each moved by `momentum` of the way to the batch's, or their means over all
    batches if that is None. running_var takes the unbiased variance.
    eps: is added to the variance. affine: whether there are a weight, which starts at 1, and a bias, which starts at 0.
    bias: whether there is a bias. track_running_stats: without, the batch's statistics are used in evaluation too.
    Inputs are (samples, num_features) or (samples, num_features, length). Raises ValueError for others, and for one
    value a channel, which has no variance.

    >>> layer = ad.BatchNorm1d(1)
    >>> layer(ad.Tensor([[1.0], [3.0]])).data.round(3), layer.running_mean
    (array([[-1.],
           [ 1.]], dtype=float32), Tensor([0.2]))
    """

    axes: ClassVar[dict[int, str]] = {2: "(samples, channels)", 3: "(samples, channels, length)"}


class BatchNorm2d(BatchNorm):
    """`BatchNorm1d` for images: (samples, num_features, height, width).

    >>> ad.BatchNorm2d(3)(ad.Tensor(np.ones((2, 3, 4, 4)))).shape
    (2, 3, 4, 4)
    """

    axes: ClassVar[dict[int, str]] = {4: "(samples, channels, height, width)"}
