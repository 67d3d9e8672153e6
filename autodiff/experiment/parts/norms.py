"""Layers between a hidden layer and its activation that bring what passes to mean 0 and variance 1."""

from typing import Annotated, Any

from pydantic import Field

import autodiff as ad
from autodiff.experiment import register
from autodiff.experiment.parts.settings import Positive

Share = Annotated[float, Field(gt=0, le=1, description="a number above 0, up to 1")]


@register.norm
def layer(features: int, dtype: Any, epsilon: Positive = 1e-5) -> Any:
    """Every point by itself, over all units of the layer (Ba et al. 2016)."""
    return ad.LayerNorm(features, epsilon, dtype=dtype)


@register.norm
def batch(features: int, dtype: Any, epsilon: Positive = 1e-5, momentum: Share = 0.1) -> Any:
    """Every unit by itself, over the points of a batch; in evaluation with running means (Ioffe & Szegedy 2015)."""
    return ad.BatchNorm1d(features, epsilon, momentum, dtype=dtype)
