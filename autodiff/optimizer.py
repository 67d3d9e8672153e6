"""Optimizers: SGD with momentum, Adam and AdamW, in PyTorch's definitions (documentation of torch.optim)."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.tensor import Tensor

State = dict[str, Any]


class Optimizer:
    """Updates parameters in place from their `grad`. Parameters without one are left as they are.

    The state of a parameter is a dict of arrays and numbers, filled by the first step that reaches it.
    """

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float, weight_decay: float) -> None:
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError("an optimizer needs at least one parameter, found none")
        if not all(isinstance(parameter, Tensor) and parameter.requires_grad for parameter in self.parameters):
            raise TypeError("an optimizer takes tensors that require a gradient, as from model.parameters()")
        if len(set(map(id, self.parameters))) < len(self.parameters):
            raise ValueError("an optimizer was given the same parameter twice, and would move it twice a step")
        self.learning_rate = positive("learning_rate", learning_rate)
        self.weight_decay = at_least_zero("weight_decay", weight_decay)
        self.states: list[State] = [{} for _ in self.parameters]

    def zero_grad(self) -> None:
        """Forget the gradients, so that the next backward pass starts anew."""
        for parameter in self.parameters:
            parameter.grad = None

    def step(self) -> None:
        """Move every parameter that has a gradient by one step."""
        for parameter, state in zip(self.parameters, self.states, strict=True):
            if parameter.grad is not None:
                self.update(parameter.data, parameter.grad._data, state)

    def update(self, values: NDArray[Any], gradient: NDArray[Any], state: State) -> None:
        """Change the values of one parameter in place; each kind of optimizer defines its own."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Return copies of the settings and of every parameter's state, in the order of the parameters."""
        settings = {name: value for name, value in vars(self).items() if name not in ("parameters", "states")}
        return {**settings, "states": [copy_state(state) for state in self.states]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set what `state_dict` returned.

        Raises ValueError, and changes nothing, when an entry is missing, unexpected or of another shape.
        """
        expected = self.state_dict().keys()
        faults = [f"missing {name!r}" for name in expected if name not in state]
        faults += [f"unexpected {name!r}" for name in state if name not in expected]
        states = state.get("states", self.states)
        if len(states) != len(self.parameters):
            faults.append(f"{len(states)} parameter states for {len(self.parameters)} parameters")
        else:
            faults += [
                f"{name!r} of parameter {i} has shape {value.shape}, the parameter {parameter.shape}"
                for i, (parameter, one) in enumerate(zip(self.parameters, states, strict=True))
                for name, value in one.items()
                if isinstance(value, np.ndarray) and value.shape != parameter.shape
            ]
        if faults:
            raise ValueError(f"the state does not fit the {type(self).__name__}: {'; '.join(faults)}")
        for name in expected - {"states"}:
            setattr(self, name, state[name])
        self.states = [copy_state(one) for one in states]


class SGD(Optimizer):
    """Stochastic gradient descent with momentum (Sutskever et al. 2013; as torch.optim.SGD, without dampening).

    velocity = momentum * velocity + gradient; value -= learning_rate * velocity. With `nesterov`, the value moves by
    gradient + momentum * velocity instead. `weight_decay` adds weight_decay * value to the gradient.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, learning_rate, weight_decay)
        self.momentum = at_least_zero("momentum", momentum)
        if nesterov and not momentum:
            raise ValueError("nesterov needs a momentum above 0")
        self.nesterov = nesterov

    def update(self, values: NDArray[Any], gradient: NDArray[Any], state: State) -> None:
        """Change the values of one parameter in place."""
        if self.weight_decay:
            gradient = gradient + self.weight_decay * values
        if self.momentum:
            if "velocity" not in state:
                state["velocity"] = np.zeros_like(values)
            velocity = state["velocity"]
            velocity *= self.momentum
            velocity += gradient
            gradient = gradient + self.momentum * velocity if self.nesterov else velocity
        values -= self.learning_rate * gradient


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, algorithm 1; as torch.optim.Adam).

    Running means of the gradient and of its square, corrected for their start at 0, give each element a step of its own
    length. `weight_decay` adds weight_decay * value to the gradient.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, learning_rate, weight_decay)
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas must be two numbers from 0 to below 1, found {betas}")
        self.betas = betas
        self.epsilon = at_least_zero("epsilon", epsilon)

    def update(self, values: NDArray[Any], gradient: NDArray[Any], state: State) -> None:
        """Change the values of one parameter in place."""
        if self.weight_decay:
            gradient = gradient + self.weight_decay * values
        self.move(values, gradient, state)

    def move(self, values: NDArray[Any], gradient: NDArray[Any], state: State) -> None:
        """Take the step of the algorithm, weight decay aside."""
        if not state:
            state.update(step=0, mean=np.zeros_like(values), square=np.zeros_like(values))
        state["step"] += 1
        mean, square, (beta1, beta2) = state["mean"], state["square"], self.betas
        mean += (1 - beta1) * (gradient - mean)
        square *= beta2
        square += (1 - beta2) * gradient * gradient
        corrected_rate = self.learning_rate / (1 - beta1 ** state["step"])
        deviation = np.sqrt(square)
        deviation *= (1 - beta2 ** state["step"]) ** -0.5
        deviation += self.epsilon
        values -= corrected_rate * mean / deviation


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2; as torch.optim.AdamW).

    Each step first multiplies the values by 1 - learning_rate * weight_decay.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, learning_rate, betas, epsilon, weight_decay)

    def update(self, values: NDArray[Any], gradient: NDArray[Any], state: State) -> None:
        """Change the values of one parameter in place."""
        values *= 1 - self.learning_rate * self.weight_decay
        self.move(values, gradient, state)


def copy_state(state: State) -> State:
    """Return the state of a parameter with its arrays copied."""
    return {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in state.items()}


def positive(name: str, value: float) -> float:
    """Return the value, or raise ValueError unless it is a finite number above 0."""
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a finite number above 0, found {value}")
    return value


def at_least_zero(name: str, value: float) -> float:
    """Return the value, or raise ValueError unless it is a finite number of 0 or more."""
    if not (np.isfinite(value) and value >= 0):
        raise ValueError(f"{name} must be a finite number, 0 or more, found {value}")
    return value
