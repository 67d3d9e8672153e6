"""The public names of autodiff; `import autodiff` loads them as they are asked for."""

from typing import TYPE_CHECKING

from autodiff import functional, rules
from autodiff.aliases import tensor
from autodiff.anomaly import AnomalyError
from autodiff.compiler.captured import capture
from autodiff.compiler.record.errors import CaptureError
from autodiff.declarations import differentiable, rule
from autodiff.drawing.draw import Drawing, draw
from autodiff.graph import GraphFreedError
from autodiff.model_files import load, load_metadata, save
from autodiff.modes import detect_anomaly, no_grad
from autodiff.modules import (
    ELU,
    GELU,
    GRU,
    LSTM,
    RNN,
    SELU,
    AvgPool1d,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    BCELoss,
    BCEWithLogitsLoss,
    Buffer,
    Conv1d,
    Conv2d,
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
    MaxPool1d,
    MaxPool2d,
    Mish,
    Module,
    ModuleDict,
    ModuleList,
    MSELoss,
    MultiheadAttention,
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
from autodiff.optimizers.adagrad import Adagrad
from autodiff.optimizers.adam import Adam, AdamW, NAdam
from autodiff.optimizers.clipping import clip_grad_norm
from autodiff.optimizers.lion import Lion
from autodiff.optimizers.muon import Muon
from autodiff.optimizers.optimizer import Optimizer
from autodiff.optimizers.parameter_groups import ParameterGroups
from autodiff.optimizers.rmsprop import RMSprop
from autodiff.optimizers.schedules import CosineAnnealingLR, ExponentialLR, LinearLR, Schedule, StepLR
from autodiff.optimizers.sgd import SGD
from autodiff.recompute import RecomputedDifferentlyError, checkpoint
from autodiff.registry import MissingRuleError
from autodiff.saved import ChangedArrayError
from autodiff.tensor import Tensor
from autodiff.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

if TYPE_CHECKING:  # `import autodiff` loads these two by themselves
    from autodiff import gradcheck
    from autodiff.experiment.runs.loading import load_run

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "AnomalyError",
    "AvgPool1d",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Buffer",
    "CaptureError",
    "ChangedArrayError",
    "Conv1d",
    "Conv2d",
    "CosineAnnealingLR",
    "CrossEntropyLoss",
    "Drawing",
    "Dropout",
    "Embedding",
    "ExponentialLR",
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
    "LinearLR",
    "Lion",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "Mish",
    "MissingRuleError",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiheadAttention",
    "Muon",
    "NAdam",
    "NLLLoss",
    "Optimizer",
    "Parameter",
    "ParameterGroups",
    "RMSNorm",
    "RMSprop",
    "ReLU",
    "RecomputedDifferentlyError",
    "Schedule",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Sine",
    "SmoothL1Loss",
    "Softmax",
    "Softplus",
    "StepLR",
    "Tanh",
    "Tensor",
    "capture",
    "checkpoint",
    "clip_grad_norm",
    "detect_anomaly",
    "differentiable",
    "draw",
    "functional",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "load",
    "load_metadata",
    "load_run",
    "no_grad",
    "rule",
    "rules",
    "save",
    "tensor",
    "value_and_grad",
    "vjp",
]
