"""The public names of autodiff; `import autodiff` loads them as they are asked for."""

from typing import TYPE_CHECKING

from autodiff import functional, rules
from autodiff.aliases import tensor
from autodiff.anomaly import AnomalyError
from autodiff.compiler.captured import capture
from autodiff.compiler.record.errors import CaptureError
from autodiff.declarations import differentiable, rule
from autodiff.graph import GraphFreedError
from autodiff.model_files import load, load_metadata, save
from autodiff.modes import detect_anomaly, no_grad
from autodiff.modules import (
    GRU,
    LSTM,
    RNN,
    AvgPool1d,
    AvgPool2d,
    Conv1d,
    Conv2d,
    CrossEntropyLoss,
    Linear,
    MaxPool1d,
    MaxPool2d,
    Module,
    MultiheadAttention,
    Parameter,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
)
from autodiff.optimizers.adam import Adam, AdamW
from autodiff.optimizers.optimizer import Optimizer
from autodiff.optimizers.sgd import SGD
from autodiff.recompute import RecomputedDifferentlyError, checkpoint
from autodiff.registry import MissingRuleError
from autodiff.saved import ChangedArrayError
from autodiff.tensor import Tensor
from autodiff.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

if TYPE_CHECKING:
    from autodiff import gradcheck

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "SGD",
    "Adam",
    "AdamW",
    "AnomalyError",
    "AvgPool1d",
    "AvgPool2d",
    "CaptureError",
    "ChangedArrayError",
    "Conv1d",
    "Conv2d",
    "CrossEntropyLoss",
    "GraphFreedError",
    "Linear",
    "MaxPool1d",
    "MaxPool2d",
    "MissingRuleError",
    "Module",
    "MultiheadAttention",
    "Optimizer",
    "Parameter",
    "ReLU",
    "RecomputedDifferentlyError",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "Tensor",
    "capture",
    "checkpoint",
    "detect_anomaly",
    "differentiable",
    "functional",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "load",
    "load_metadata",
    "no_grad",
    "rule",
    "rules",
    "save",
    "tensor",
    "value_and_grad",
    "vjp",
]
