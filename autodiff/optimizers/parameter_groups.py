"""Parameters with settings of their own: several optimizers that work as one."""

from collections.abc import Mapping
from typing import Any

from autodiff.optimizers.optimizer import Optimizer


class ParameterGroups(Optimizer):
    """Several optimizers, each with its parameters and settings, that work as one.

    Raises ValueError where two of them have the same parameter, which would be moved twice a step.

    >>> body, head = ad.Parameter([1.0]), ad.Parameter([1.0])
    >>> optimizer = ad.ParameterGroups(ad.SGD([body], learning_rate=0.25), ad.Adam([head], learning_rate=0.5))
    >>> np.sum(body + head).backward()
    >>> optimizer.step()
    >>> body, head
    (Tensor([0.75], requires_grad=True), Tensor([0.5], requires_grad=True))
    """

    def __init__(self, *members: Optimizer) -> None:
        for i, member in enumerate(members):
            if not isinstance(member, Optimizer):
                raise TypeError(
                    f"ParameterGroups takes optimizers, found a {type(member).__name__} at position {i}; write "
                    "ad.ParameterGroups(ad.SGD(some, 0.1), ad.SGD(others, 0.01))"
                )
        self.groups_of = list(members)
        self.parameters = [parameter for member in members for parameter in member.parameters]
        if not members:
            raise ValueError("ParameterGroups needs at least one optimizer, found none")
        if len(set(map(id, self.parameters))) < len(self.parameters):
            raise ValueError("two optimizers have the same parameter, and would move it twice a step")

    @property
    def members(self) -> list[Optimizer]:
        """The optimizers themselves, whose settings can be read and set."""
        return [one for member in self.groups_of for one in member.members]

    def step(self) -> None:
        """Move every parameter that has a gradient by one step."""
        for member in self.groups_of:
            member.step()

    def state_dict(self) -> dict[str, Any]:
        """Return copies of the settings and states of all, as `groups`."""
        return {"groups": [member.state_dict() for member in self.groups_of]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set what `state_dict` returned.

        Raises ValueError, and changes nothing, where one of them does not fit.
        """
        if faults := self.faults_of(state):
            raise ValueError(f"the state does not fit the ParameterGroups: {'; '.join(faults)}")
        for member, one in zip(self.groups_of, state["groups"], strict=True):
            member.load_state_dict(one)

    def faults_of(self, state: Mapping[str, Any]) -> list[str]:
        """Return in what a state does not fit, in words."""
        states = state.get("groups")
        if not isinstance(states, list) or len(states) != len(self.groups_of):
            return [f"it is not of {len(self.groups_of)} groups"]
        return [
            f"group {i}: {fault}"
            for i, (member, one) in enumerate(zip(self.groups_of, states, strict=True))
            for fault in member.faults_of(one)
        ]
