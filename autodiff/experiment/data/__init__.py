"""The points that a network learns to tell apart: sets that are generated. Importing this registers them."""

from autodiff.experiment.data import spiral

__all__ = ["spiral"]
