"""What is known of points beside their numbers: what their columns and classes are called, and how they were scaled."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from autodiff.experiment.data.arrays import Features

CONSTANT = 1e-13  # of the mean: a deviation that roundings make


@dataclass(frozen=True)
class Scaling:
    """The means and standard deviations (d,) by which features were standardised, in their own units."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def of(cls, features: Features) -> "Scaling":
        """Return that by which features (n, d) get a mean of 0 and a deviation of 1; constant ones get 0."""
        mean, deviation = features.mean(axis=0), features.std(axis=0)
        deviation = np.where(deviation > CONSTANT * np.abs(mean), deviation, 1.0)
        return cls(tuple(mean.tolist()), tuple(deviation.tolist()))

    def apply(self, features: Features) -> Features:
        """Return features (n, d) standardised."""
        return (features - self.mean) / self.deviation

    def undo(self, features: Features) -> Features:
        """Return standardised features (n, d) in their own units."""
        return features * self.deviation + self.mean


@dataclass(frozen=True)
class About:
    """The names of features and of classes, none if they have only numbers; and how the features were scaled, if so."""

    feature_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    scaling: Scaling | None = None

    def plain(self) -> dict[str, Any]:
        """Return all as plain values."""
        return asdict(self)

    @classmethod
    def of_plain(cls, values: Mapping[str, Any]) -> "About":
        """Return what plain values stand for. Raises KeyError and TypeError where they are not those of `plain`."""
        scaling = values["scaling"]
        return cls(
            tuple(map(str, values["feature_names"])),
            tuple(map(str, values["class_names"])),
            scaling and Scaling(tuple(map(float, scaling["mean"])), tuple(map(float, scaling["deviation"]))),
        )


NOTHING = About()
"""What is known of points that were generated."""
