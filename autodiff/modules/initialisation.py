"""Initial values that PyTorch's layers draw evenly."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autodiff.functional.activations import check_generator
from autodiff.modules.module import Parameter


class Uniform:
    """Draws parameters evenly from an interval around 0; without a generator they are other ones in every run.

    name: of the layer, for errors.
    """

    def __init__(self, name: str, rng: np.random.Generator | None, dtype: DTypeLike) -> None:
        self.rng = np.random.default_rng() if rng is None else rng
        self.dtype = dtype
        check_generator(name, self.rng, "uniform")

    def draw(self, bound: float, *shape: Any) -> Parameter:
        """Return numbers from -bound to bound."""
        return Parameter(self.rng.uniform(-bound, bound, shape).astype(self.dtype))
