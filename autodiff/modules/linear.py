"""Linear layers and how their weights start."""

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

import autodiff.functional as functional
from autodiff.arrays import DEFAULT_FLOAT
from autodiff.functional.activations import check_generator
from autodiff.modules.checks import check_shape, check_size
from autodiff.modules.module import Module, Parameter


class Linear(Module):
    """x @ weight.T + bias, for x of shape (..., in_features); weight has shape (out_features, in_features).

    rng: draws the weights; without it they are other ones in every run.
    bias: whether there is one; without, the attribute is None.
    init: "he" for layers followed by ReLU (He et al. 2015: normal, variance 2 / in_features), "glorot" for sigmoid and
    tanh (Glorot & Bengio 2010: uniform within sqrt(6 / (in_features + out_features))). The bias starts at 0.
    Raises ValueError for an input with another number of features.

    >>> layer = ad.Linear(2, 3, rng=np.random.default_rng(0))
    >>> layer(ad.Tensor([[1.0, 2.0]])).shape, layer.weight.shape, layer.bias.shape
    ((1, 3), (3, 2), (3,))
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        rng: np.random.Generator | None = None,
        init: Literal["he", "glorot"] = "he",
        dtype: DTypeLike = DEFAULT_FLOAT,
    ) -> None:
        if init not in initialisations:
            raise ValueError(f"init must be one of {', '.join(initialisations)}, found {init!r}")
        self.in_features = check_size("Linear", "in_features", in_features)
        self.out_features = check_size("Linear", "out_features", out_features)
        rng = np.random.default_rng() if rng is None else rng
        check_generator("Linear", rng, "normal")
        self.weight = Parameter(initialisations[init](rng, (out_features, in_features)).astype(dtype))
        self.bias = Parameter(np.zeros(out_features, dtype)) if bias else None

    def forward(self, x: Any) -> Any:
        """Return x @ weight.T + bias, of shape (..., out_features)."""
        shape = getattr(x, "shape", None) or np.shape(x)  # np.shape of a Tensor takes as long as a small layer
        if shape[-1:] != (self.in_features,):
            check_shape(self, x, f"(..., {self.in_features})", False)
        return affine(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


def affine(x: Any, weight: Any, bias: Any) -> Any:
    """Return x @ weight.T + bias."""
    return x @ weight.T if bias is None else functional.linear(x, weight, bias)


def he(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return weights of shape (out, in) for layers followed by ReLU: normal, variance 2 / in (He et al. 2015)."""
    return rng.normal(0, math.sqrt(2 / shape[1]), shape)


def glorot(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return weights of shape (out, in): uniform, variance 2 / (in + out) (Glorot & Bengio 2010)."""
    bound = math.sqrt(6 / sum(shape))
    return rng.uniform(-bound, bound, shape)


initialisations = {"he": he, "glorot": glorot}
