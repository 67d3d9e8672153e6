"""Optimizer: what all optimizers have in common."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.optimizers.learnable import learnable, moves
from autodiff.optimizers.settings import at_least_zero, positive
from autodiff.tensor import Tensor

State = dict[str, Any]


WORKING = {"parameters", "groups", "group_states", "moving", "alone_from"}  # the attributes that are no settings


class Optimizer:
    """Updates parameters in place from their `grad`. Those without one, and frozen ones, are left as they are.

    A call of NumPy takes longer than its work on a few hundred numbers. So parameters that take the same steps form a
    group and are updated as one flat array. The state of a group is a dict of flat arrays and numbers, filled by the
    first step that reaches it.
    """

    alone_from = 8_192  # elements from which copying a parameter next to others costs more than the calls it saves

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float, weight_decay: float) -> None:
        self.parameters = learnable(parameters)
        self.learning_rate = positive("learning_rate", learning_rate)
        self.weight_decay = at_least_zero("weight_decay", weight_decay)
        self.regroup([{} for _ in self.parameters])

    @property
    def members(self) -> list["Optimizer"]:
        """The optimizers that have settings of their own: this one, or those of which `ParameterGroups` consists."""
        return [self]

    def zero_grad(self) -> None:
        """Forget the gradients, so that the next backward pass starts anew."""
        for parameter in self.parameters:
            parameter.grad = None

    def step(self) -> None:
        """Move every parameter that has a gradient by one step."""
        if self.moving != (*map(moves, self.parameters),):
            self.regroup(self.states)
        for group, state in zip(self.groups, self.group_states, strict=True):
            if not moves(group[0]):
                continue
            if len(group) == 1:
                self.update(group[0].data, gradient_of(group[0]), state)
                continue
            arrays = [parameter.data for parameter in group]
            values = np.concatenate(arrays, axis=None)
            self.update(values, np.concatenate([gradient_of(parameter) for parameter in group], axis=None), state)
            for array, part in zip(arrays, parts(values, arrays), strict=True):
                array[...] = part

    def update(self, values: NDArray[Any], gradient: NDArray[Any], state: State) -> None:
        """Change values in place, each by itself; each kind of optimizer defines its own.

        values, gradient: those of a parameter, or of several one after the other in flat arrays.
        """
        raise NotImplementedError

    def regroup(self, states: Sequence[State]) -> None:
        """Form a group of the parameters that have a gradient, the same dtype and numbers, as of steps, in the state.

        states: one a parameter.
        """
        groups = defaultdict(list)
        for i, (parameter, state) in enumerate(zip(self.parameters, states, strict=True)):
            alone = i if parameter.size >= self.alone_from else None
            groups[moves(parameter), parameter.dtype, kind_of(state), alone].append(i)
        self.moving = (*map(moves, self.parameters),)  # tuples, so that a captured step need not look into them
        self.groups = tuple(tuple(self.parameters[i] for i in group) for group in groups.values())
        self.group_states = tuple(joined([states[i] for i in group]) for group in groups.values())

    @property
    def states(self) -> list[State]:
        """The state of every parameter, in their order. The arrays are parts of those of the groups, not copies."""
        found: dict[Tensor, State] = {}
        for group, state in zip(self.groups, self.group_states, strict=True):
            found.update((parameter, dict(state)) for parameter in group)
            for name, value in state.items():
                if is_array(value) and len(group) > 1:
                    for parameter, part in zip(group, parts(value, group), strict=True):
                        found[parameter][name] = part
        return [found[parameter] for parameter in self.parameters]

    def state_dict(self) -> dict[str, Any]:
        """Return copies of the settings and of every parameter's state, in the order of the parameters."""
        settings = {name: value for name, value in vars(self).items() if name not in WORKING}
        return {**settings, "states": [copy_state(state) for state in self.states]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set what `state_dict` returned.

        Raises ValueError, and changes nothing, when an entry is missing, unexpected or of another shape.
        """
        if faults := self.faults_of(state):
            raise ValueError(f"the state does not fit the {type(self).__name__}: {'; '.join(faults)}")
        for name, value in state.items():
            if name != "states" and getattr(self, name) != value:
                setattr(self, name, value)
        if not self.overwrite(state["states"]):
            self.regroup([copy_state(one) for one in state["states"]])

    def faults_of(self, state: Mapping[str, Any]) -> list[str]:
        """Return in what a state does not fit, in words."""
        expected = self.state_dict().keys()
        faults = [f"missing {name!r}" for name in expected if name not in state]
        faults += [f"unexpected {name!r}" for name in state if name not in expected]
        states = state.get("states", self.states)
        if len(states) != len(self.parameters):
            return [*faults, f"{len(states)} parameter states for {len(self.parameters)} parameters"]
        return faults + [
            f"{name!r} of parameter {i} has shape {value.shape}, the parameter {parameter.shape}"
            for i, (parameter, one) in enumerate(zip(self.parameters, states, strict=True))
            for name, value in one.items()
            if is_array(value) and value.shape != parameter.shape
        ]

    def overwrite(self, states: Sequence[State]) -> bool:
        """Write states, one a parameter, into the arrays that captured steps hold. Return whether they fit there."""
        new = dict(zip(self.parameters, states, strict=True))
        for group, state in zip(self.groups, self.group_states, strict=True):
            if len({kind_of(new[one]) for one in group}) > 1 or new[group[0]].keys() != state.keys():
                return False
        for group, state in zip(self.groups, self.group_states, strict=True):
            for name, value in state.items():
                if not is_array(value):
                    state[name] = new[group[0]][name]
                    continue
                for one, part in zip(group, parts(value, group) if len(group) > 1 else [value], strict=True):
                    part[...] = new[one][name]
        return True


def is_array(value: Any) -> bool:
    """Return whether a value of a state is an array rather than a number."""
    return isinstance(value, np.ndarray)


def kind_of(state: State) -> tuple[tuple[str, Any], ...]:
    """Return the names in a parameter's state and the numbers there: parameters that agree in these form a group."""
    return tuple((name, None if is_array(value) else value) for name, value in sorted(state.items()))


def copy_state(state: State) -> State:
    """Return the state of a parameter with its arrays copied."""
    return {name: value.copy() if is_array(value) else value for name, value in state.items()}


def joined(states: Sequence[State]) -> State:
    """Return the state of a group: the arrays of its parameters' states one after the other; the numbers are equal."""
    if len(states) == 1:
        return states[0]
    return {
        name: np.concatenate([state[name] for state in states], axis=None) if is_array(value) else value
        for name, value in states[0].items()
    }


def gradient_of(parameter: Tensor) -> NDArray[Any]:
    """Return the gradient of a parameter. Raises TypeError for what is no Tensor, ValueError for another shape."""
    try:
        gradient = parameter.grad._data  # type: ignore[union-attr]
    except AttributeError:
        raise TypeError(
            f"the grad of a parameter must be a Tensor, found {type(parameter.grad).__name__}; write "
            "p.grad = ad.Tensor(array)"
        ) from None
    if gradient.shape != parameter._data.shape:
        raise ValueError(f"the gradient of a parameter of shape {parameter.shape} has shape {gradient.shape}")
    return gradient


def parts(flat: NDArray[Any], group: Sequence[Any]) -> Iterator[NDArray[Any]]:
    """Yield the parts of a group's flat array, in the shapes of its arrays or Tensors."""
    start = 0
    for one in group:
        end = start + one.size
        yield flat[start:end].reshape(one.shape)
        start = end
