"""Rules of the Fourier transforms that make real numbers of real ones.

The others make complex numbers, which a Tensor does not hold.
"""

from typing import Any

import numpy as np

from autodiff.declarations import composed, differentiable


def doubled(spectrum: Any, n: int, factor: float) -> Any:
    """Return a half spectrum with the frequencies that stand for two, their negative as well, times a factor."""
    size = spectrum.shape[-1]
    alone = (np.arange(size) == 0) | (2 * np.arange(size) == n)
    return np.where(alone, spectrum, spectrum * factor)


def waves_gradient(g: Any, n: int) -> Any:
    """Return the gradient of `waves` with respect to the amplitudes."""
    return doubled(cosines(g), n, 2) / n


@differentiable(x=waves_gradient)
def waves(x: Any, n: int) -> Any:
    """Return the n samples of the sum of cosines with the given amplitudes, n // 2 + 1 of them: np.fft.irfft."""
    return np.fft.irfft(x, n).astype(x.dtype)


@differentiable(x=lambda g, x_shape: waves(doubled(g, x_shape[-1], 0.5), x_shape[-1]) * x_shape[-1])
def cosines(x: Any) -> Any:
    """Return the products of samples with cosines, one for each frequency: the real part of np.fft.rfft."""
    return np.real(np.fft.rfft(x)).astype(x.dtype)


def inverse(a: Any, n: int | None, axis: int, norm: str | None, forward: float) -> Any:
    """Return the inverse transform of a half spectrum, of n samples, with the scale of the given kind."""
    n = 2 * (np.shape(a)[axis] - 1) if n is None else n
    if n < 1:
        raise ValueError(f"Invalid number of FFT data points ({n}) specified.")
    moved = np.moveaxis(a, axis, -1)
    size = n // 2 + 1
    missing = size - moved.shape[-1]
    if missing > 0:
        moved = np.concatenate([moved, np.zeros((*moved.shape[:-1], missing), a.dtype)], axis=-1)
    return np.moveaxis(waves(moved[..., :size], n) * n**forward, -1, axis)


SCALES: dict[str | None, float] = {None: 0, "backward": 0, "ortho": 0.5, "forward": 1}
"""By which power of the number of samples an inverse transform is larger than the ordinary one."""


@composed(np.fft.irfft)
def irfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """Return the samples of which a half spectrum is given, here of real numbers alone."""
    return inverse(a, n, axis, norm, SCALES[norm])


@composed(np.fft.hfft)
def hfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """Return the spectrum of samples of which a half is given, the other half being its mirror image."""
    return inverse(a, n, axis, norm, 1 - SCALES[norm])
