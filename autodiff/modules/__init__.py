"""Networks: modules, the layers they are made of, activations and losses."""

from autodiff.modules.activations import (
    ELU,
    GELU,
    SELU,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Sine,
    Softmax,
    Softplus,
    Tanh,
)
from autodiff.modules.attention import MultiheadAttention
from autodiff.modules.containers import (
    ModuleDict,
    ModuleList,
    Sequential,
)
from autodiff.modules.convolution import Conv1d, Conv2d
from autodiff.modules.dropout import (
    Dropout,
)
from autodiff.modules.embedding import (
    Embedding,
)
from autodiff.modules.linear import (
    Linear,
)
from autodiff.modules.losses import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
)
from autodiff.modules.module import (
    Buffer,
    Module,
    Parameter,
)
from autodiff.modules.normalization import (
    BatchNorm1d,
    BatchNorm2d,
    LayerNorm,
    RMSNorm,
)
from autodiff.modules.pooling import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from autodiff.modules.recurrent import GRU, LSTM, RNN
from autodiff.modules.shaping import (
    Flatten,
    Identity,
)

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "AvgPool1d",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Buffer",
    "Conv1d",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
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
    "MaxPool1d",
    "MaxPool2d",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiheadAttention",
    "NLLLoss",
    "Parameter",
    "RMSNorm",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Sine",
    "SmoothL1Loss",
    "Softmax",
    "Softplus",
    "Tanh",
]
