"""The network and the optimizer that a config describes."""

import copy
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

import autodiff as ad
from autodiff.experiment.config.choice import BESIDE, Choice
from autodiff.experiment.config.config import Config
from autodiff.experiment.errors import InputError
from autodiff.experiment.register import Part

Layer = Callable[[NDArray[Any]], NDArray[Any]]  # of values (features, n)

POINTS_AT_ONCE = 1024  # the hidden layer of so many points stays in the cache: twice as fast

MODULES: dict[str, type[ad.Module]] = {"relu": ad.ReLU, "sigmoid": ad.Sigmoid, "tanh": ad.Tanh}


class Activation(ad.Module):
    """An activation that is a function."""

    def __init__(self, choice: Choice) -> None:
        self.name, self.function, self.settings = choice.name, choice.part.make, dict(choice.settings)

    def forward(self, x: Any) -> Any:
        """Return the function of x."""
        return self.function(x, **self.settings)

    def extra_repr(self) -> str:
        """Return its name and settings."""
        return ", ".join([self.name, *(f"{name}={value}" for name, value in self.settings.items())])


def build_activation(choice: Choice, dtype: np.dtype[Any]) -> ad.Module:
    """Return the module of an activation. Raises InputError for one that returns another shape or dtype."""
    if isinstance(choice.part.make, type):
        module: ad.Module = choice.part.make(**choice.settings)
    else:
        module = MODULES[choice.name]() if choice.name in MODULES else Activation(choice)
    _tried(module, choice.part, np.linspace(-1, 1, 6, dtype=dtype).reshape(2, 3), (2, 3))
    return module


def build_layer(
    choice: Choice | None, inputs: int, outputs: int, rng: np.random.Generator, dtype: np.dtype[Any], init: Any
) -> ad.Module:
    """Return a hidden layer. Raises InputError for one of another shape or dtype."""
    if choice is None:
        return ad.Linear(inputs, outputs, rng=rng, dtype=dtype, init=init)
    offered = {"rng": rng, "dtype": dtype.name, "init": init}
    given = {name: offered[name] for name in choice.part.given}
    module: ad.Module = choice.part.make(inputs, outputs, **given, **choice.settings)
    _tried(module, choice.part, np.zeros((2, inputs), dtype), (2, outputs))
    return module


def _tried(module: ad.Module, part: Part, x: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Raise InputError unless a module gives an array of the shape that is wanted, in the dtype of its input."""
    where = f"{part.file}:{part.line}: {part.kind} {part.name}"
    if not isinstance(module, ad.Module):
        raise InputError([f"{where} must be an ad.Module, or return one, found {type(module).__name__}"])
    with ad.no_grad():
        found = module.eval()(x)
    module.train()
    if np.shape(found) != shape:
        raise InputError([f"{where} must make {shape} of {x.shape}, found {np.shape(found)}"])
    if getattr(found, "dtype", None) != x.dtype:
        advice = "numbers such as 2.0 keep it, arrays and parameters have their own"
        raise InputError([f"{where} must keep the dtype {x.dtype}, found {getattr(found, 'dtype', None)} ({advice})"])


def build_norm(choice: Choice, features: int, dtype: np.dtype[Any]) -> ad.Module:
    """Return a layer that normalises. Raises InputError for one of another shape or dtype."""
    given = {"dtype": dtype.name} if choice.part.given else {}
    module: ad.Module = choice.part.make(features, **given, **choice.settings)
    _tried(module, choice.part, np.linspace(-1, 1, 2 * features, dtype=dtype).reshape(2, features), (2, features))
    return module


def build_model(
    config: Config, rng: np.random.Generator, for_dropout: np.random.Generator | None = None
) -> ad.Sequential:
    """Return a network from the features through the hidden layers to one logit a class.

    Each hidden layer is followed by its normalisation, its activation and its dropout, as far as the config names some.
    Weights before a ReLU and its like start as He et al. (2015) draw them, all others as Glorot and Bengio (2010) do.
    """
    dtype = np.dtype(config.dtype)
    layers: list[ad.Module] = []
    inputs, classes = config.size[:2]
    for width, activation in zip(config.hidden, config.activations, strict=True):
        init = activation.part.facts.get("init", "glorot")
        layers.append(build_layer(config.layer, inputs, width, rng, dtype, init))
        if config.norm is not None:
            layers.append(build_norm(config.norm, width, dtype))
        layers.append(build_activation(activation, dtype))
        if config.dropout is not None:
            layers.append(ad.Dropout(config.dropout, rng=for_dropout))
        inputs = width
    return ad.Sequential(*layers, ad.Linear(inputs, classes, rng=rng, dtype=dtype, init="glorot"))


def build_optimizer(config: Config, model: ad.Module) -> ad.Optimizer:
    """Return the optimizer that trains the model's parameters."""
    choice = config.optimizer
    beside = {name: getattr(config, name) for name in BESIDE if name in choice.part.settings}
    optimizer: ad.Optimizer = choice.part.make(model.parameters(), config.learning_rate, **beside, **choice.settings)
    return optimizer


def build_schedule(config: Config, optimizer: ad.Optimizer) -> ad.Schedule | None:
    """Return what sets the learning rate of each step, if the config names it."""
    choice = config.schedule
    if choice is None:
        return None
    points = config.size.points
    steps = config.epochs * -(-points // (config.batch_size or points))
    schedule: ad.Schedule = choice.part.make(optimizer, steps, **choice.settings)
    return schedule


def has_modes(model: ad.Sequential) -> bool:
    """Tell whether a network may compute otherwise while it trains."""
    return not all(type(layer) in (ad.Linear, Activation, *IN_PLACE) for layer in model.layers)


class Snapshot:
    """The network as it was at one epoch: called with points (n, features) it returns their logits (n, classes).

    parameters: those of another epoch, instead of the model's as they are now.

    Pictures ask for millions of points. So where all layers are known here, they are plain NumPy, with the points along
    the last axis, and work in place: more than twice as fast as the network itself, which computes all others.
    """

    def __init__(self, model: ad.Sequential, parameters: dict[str, NDArray[Any]] | None = None) -> None:
        self.parameters = model.state_dict() if parameters is None else parameters
        self.dtype = next(model.parameters()).dtype
        known = all(is_linear(layer) or type(layer) in IN_PLACE for layer in model.layers)
        self.layers = in_place(model, self.parameters) if known else None
        self.network = None if known else evaluated(model)

    def __call__(self, points: NDArray[Any]) -> NDArray[Any]:
        """Evaluate the points with the kept parameters."""
        x = np.ascontiguousarray(points.T, self.dtype)
        # A diverging network overflows; BLAS at times flags as invalid what it computed beside a small matrix.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            parts = [self._part(x[:, i : i + POINTS_AT_ONCE]) for i in range(0, x.shape[1] or 1, POINTS_AT_ONCE)]
        return np.concatenate(parts, axis=1).T

    def _part(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the logits (classes, n) of some points (features, n)."""
        if self.network is not None:
            return self.network.of(self.parameters, np.ascontiguousarray(x.T)).T
        for layer in self.layers or ():
            x = layer(x)
        return x


class Evaluated:
    """A copy of a network, which evaluates points with the parameters of any epoch."""

    def __init__(self, model: ad.Sequential) -> None:
        self.model = copy.deepcopy(model).eval()
        self.parameters: dict[str, NDArray[Any]] = {}

    def of(self, parameters: dict[str, NDArray[Any]], points: NDArray[Any]) -> NDArray[Any]:
        """Return the logits (n, classes) of points (n, features)."""
        if parameters is not self.parameters:
            self.model.load_state_dict(parameters)
            self.parameters = parameters
        with ad.no_grad():
            logits: NDArray[Any] = self.model(points).data
        return logits


_evaluated: "WeakKeyDictionary[ad.Sequential, Evaluated]" = WeakKeyDictionary()


def evaluated(model: ad.Sequential) -> Evaluated:
    """Return the copy of a network that evaluates all its snapshots."""
    if model not in _evaluated:
        _evaluated[model] = Evaluated(model)
    return _evaluated[model]


def is_linear(layer: ad.Module) -> bool:
    """Tell whether a layer is a linear one with a bias."""
    return type(layer) is ad.Linear and layer.bias is not None


def in_place(model: ad.Sequential, parameters: dict[str, NDArray[Any]]) -> list[Layer]:
    """Return the layers of a network, all of which are known, with some parameters."""
    return [
        affine(parameters[f"{i}.weight"], parameters[f"{i}.bias"])
        if isinstance(layer, ad.Linear)
        else IN_PLACE[type(layer)]
        for i, layer in enumerate(model.layers)
    ]


def affine(weight: NDArray[Any], bias: NDArray[Any]) -> Layer:
    """Return a linear layer."""
    if weight.shape[1] > 2:
        return lambda x: add_in_place(weight @ x, bias)
    with_bias = np.hstack([weight, bias[:, None]])  # beside two rows, a third of ones is cheaper than an addition
    return lambda x: with_bias @ np.concatenate([x, np.ones_like(x[:1])])


def add_in_place(z: NDArray[Any], bias: NDArray[Any]) -> NDArray[Any]:
    """Add a bias (features,) to z."""
    z += bias[:, None]
    return z


def relu_in_place(z: NDArray[Any]) -> NDArray[Any]:
    """Replace z by max(z, 0)."""
    np.maximum(z, 0, out=z)
    return z


def sigmoid_in_place(z: NDArray[Any]) -> NDArray[Any]:
    """Replace z by 1 / (1 + exp(-z)), as (1 + tanh(z / 2)) / 2: NumPy's tanh is faster than exp and a division."""
    z *= 0.5
    np.tanh(z, out=z)
    z += 1
    z *= 0.5
    return z


def tanh_in_place(z: NDArray[Any]) -> NDArray[Any]:
    """Replace z by its hyperbolic tangent."""
    np.tanh(z, out=z)
    return z


IN_PLACE: dict[type[ad.Module], Layer] = {
    ad.ReLU: relu_in_place,
    ad.Sigmoid: sigmoid_in_place,
    ad.Tanh: tanh_in_place,
}
