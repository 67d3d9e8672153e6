"""Differentiable functions that NumPy lacks: activations, losses and what layers compute."""

from autodiff.functional.activations import (
    dropout,
    elu,
    erf,
    gelu,
    hardtanh,
    leaky_relu,
    linear,
    log_sigmoid,
    log_softmax,
    logsumexp,
    mish,
    relu,
    selu,
    silu,
    softmax,
    softplus,
    tanh,
)
from autodiff.functional.attention import scaled_dot_product_attention
from autodiff.functional.convolution import conv1d, conv2d
from autodiff.functional.lookup import embedding
from autodiff.functional.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber,
    kl_div,
    l1,
    mse,
    nll,
    smooth_l1,
)
from autodiff.functional.normalization import batch_norm, layer_norm, rms_norm
from autodiff.functional.pooling import avg_pool1d, avg_pool2d, max_pool1d, max_pool2d
from autodiff.rules.elementwise import sigmoid

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "conv1d",
    "conv2d",
    "cross_entropy",
    "dropout",
    "elu",
    "embedding",
    "erf",
    "gelu",
    "hardtanh",
    "huber",
    "kl_div",
    "l1",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "max_pool1d",
    "max_pool2d",
    "mish",
    "mse",
    "nll",
    "relu",
    "rms_norm",
    "scaled_dot_product_attention",
    "selu",
    "sigmoid",
    "silu",
    "smooth_l1",
    "softmax",
    "softplus",
    "tanh",
]
