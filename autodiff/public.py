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
    ELU,
    GELU,
    SELU,
    BatchNorm1d,
    BatchNorm2d,
    BCELoss,
    BCEWithLogitsLoss,
    Buffer,
    CrossEntropyLoss,
    Dropout,
    Embedding,
    Flatten,
    Hardtanh,
    HuberLoss,
    Identity,
    KLDivLoss,
    L1Loss,
    LayerNorm,
    LeakyReLU,
    Linear,
    LogSigmoid,
    LogSoftmax,
    Mish,
    Module,
    ModuleDict,
    ModuleList,
    MSELoss,
    NLLLoss,
    Parameter,
    ReLU,
    RMSNorm,
    Sequential,
    Sigmoid,
    SiLU,
    Sine,
    SmoothL1Loss,
    Softmax,
    Softplus,
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
    "ELU",
    "GELU",
    "SELU",
    "SGD",
    "Adam",
    "AdamW",
    "AnomalyError",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Buffer",
    "CaptureError",
    "ChangedArrayError",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "GraphFreedError",
    "Hardtanh",
    "HuberLoss",
    "Identity",
    "KLDivLoss",
    "L1Loss",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "Mish",
    "MissingRuleError",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "Optimizer",
    "Parameter",
    "RMSNorm",
    "ReLU",
    "RecomputedDifferentlyError",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Sine",
    "SmoothL1Loss",
    "Softmax",
    "Softplus",
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
