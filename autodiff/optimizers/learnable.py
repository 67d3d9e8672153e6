"""What an optimizer can train."""

from collections.abc import Iterable, Mapping, Set
from typing import Any

from autodiff.modules.module import Parameter
from autodiff.tensor import Tensor


def learnable(parameters: Any) -> list[Tensor]:
    """Return the parameters as a list. Raises TypeError or ValueError for anything that a step could not train."""
    takes = "an optimizer takes a list of tensors that require a gradient, such as model.parameters(), found"
    if isinstance(parameters, Tensor):
        raise TypeError(f"{takes} one tensor, whose rows are other tensors than itself; put it in a list, [t]")
    if hasattr(parameters, "parameters"):
        raise TypeError(f"{takes} a {type(parameters).__name__}; write its .parameters()")
    if isinstance(parameters, Mapping):
        raise TypeError(f"{takes} a {type(parameters).__name__}; write its .values()")
    if isinstance(parameters, Set):
        raise TypeError(f"{takes} a {type(parameters).__name__}, which has no order, so that no state would fit it")
    if callable(parameters):
        raise TypeError(f"{takes} a function; call it, as in model.parameters()")
    if not isinstance(parameters, Iterable):
        raise TypeError(f"{takes} {parameters!r}")
    found = list(parameters)
    for i, parameter in enumerate(found):
        if not isinstance(parameter, Tensor):
            raise TypeError(f"{takes} a {type(parameter).__name__} at position {i}")
        if parameter.node is None:
            if isinstance(parameter, Parameter):  # frozen, for now
                continue
            raise TypeError(f"{takes} one without at position {i}; make it with requires_grad=True, or as ad.Parameter")
        maker = parameter.node.function
        if maker is not None:
            raise TypeError(
                f"an optimizer moves leaves, found at position {i} a tensor computed by {maker.name}, and what "
                "that computed it from would stay as it is; give the optimizer that, or make the value a "
                "leaf, ad.Parameter(t.detach())"
            )
    if not found:
        raise ValueError("an optimizer needs at least one parameter, found none (a generator can be used up only once)")
    if len(set(map(id, found))) < len(found):
        raise ValueError("an optimizer was given the same parameter twice, and would move it twice a step")
    return found


def moves(parameter: Tensor) -> bool:
    """Return whether a step moves a parameter: it has a gradient, and is not frozen."""
    return parameter.grad is not None and parameter.node is not None
