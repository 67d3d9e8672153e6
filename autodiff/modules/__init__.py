"""Networks: modules, the layers they are made of, activations and losses."""

from autodiff.modules.activations import ReLU, Sigmoid, Softmax, Tanh
from autodiff.modules.attention import MultiheadAttention
from autodiff.modules.containers import Sequential
from autodiff.modules.convolution import Conv1d, Conv2d
from autodiff.modules.linear import Linear
from autodiff.modules.losses import CrossEntropyLoss
from autodiff.modules.module import Module, Parameter
from autodiff.modules.pooling import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from autodiff.modules.recurrent import GRU, LSTM, RNN

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AvgPool1d",
    "AvgPool2d",
    "Conv1d",
    "Conv2d",
    "CrossEntropyLoss",
    "Linear",
    "MaxPool1d",
    "MaxPool2d",
    "Module",
    "MultiheadAttention",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
]
