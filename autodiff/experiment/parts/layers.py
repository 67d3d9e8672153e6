"""Layers that take the place of each other before an activation."""

from typing import Any

import autodiff as ad
from autodiff.experiment import register


@register.layer
def linear(inputs: int, outputs: int, rng: Any, dtype: Any, init: Any, bias: bool = True) -> Any:
    """x @ weight.T + bias."""
    return ad.Linear(inputs, outputs, bias, rng=rng, dtype=dtype, init=init)
