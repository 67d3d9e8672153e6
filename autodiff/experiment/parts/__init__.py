"""The parts of a network and of its training that adrun brings along. Importing this registers them."""

from autodiff.experiment.parts import activations, layers, optimizers

__all__ = ["activations", "layers", "optimizers"]
