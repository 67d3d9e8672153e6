"""The parts of a network and of its training that adrun brings along. Importing this registers them."""

from autodiff.experiment.parts import activations, layers, norms, optimizers, schedules

__all__ = ["activations", "layers", "norms", "optimizers", "schedules"]
