"""The points that a network learns to tell apart: sets that are generated, and files. Importing this registers them."""

from autodiff.experiment.data import generated, own, spiral

__all__ = ["generated", "own", "spiral"]
