"""Networks: modules, the layers they are made of, activations and losses."""

from autodiff.modules.activations import ReLU, Sigmoid, Softmax, Tanh
from autodiff.modules.containers import Sequential
from autodiff.modules.linear import Linear
from autodiff.modules.losses import CrossEntropyLoss
from autodiff.modules.module import Module, Parameter

__all__ = ["CrossEntropyLoss", "Linear", "Module", "Parameter", "ReLU", "Sequential", "Sigmoid", "Softmax", "Tanh"]
