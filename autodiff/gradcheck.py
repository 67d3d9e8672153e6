"""Gradients against numerical ones: first and second order, by central differences in float64.

The derivative of f along an element is (f(x + h) - f(x - h)) / 2h, with an error of the order of h squared.
"""

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from autodiff.declarations import has_gradient
from autodiff.function import Function, Variadic
from autodiff.registry import full_name, functions
from autodiff.samples import samples_of
from autodiff.samples.builders import Sample
from autodiff.tensor import Tensor
from autodiff.transforms import differentiate

Order = Literal[1, 2]
Float64 = NDArray[np.float64]

STEP = 1e-6
TOLERANCE = 1e-5
"""Largest error allowed, relative to the largest element of the gradient; rounding leaves about 1e-9."""
SMALLEST_SCALE = 1e-2
"""Gradients smaller than this are compared absolutely."""


@dataclass(frozen=True)
class Comparison:
    """A gradient with respect to one argument beside its numerical value, where the two differ most."""

    argument: str
    error: float
    index: tuple[int, ...]
    found: float
    expected: float

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.error <= TOLERANCE  # a NaN is not

    def __str__(self) -> str:
        place = f"{self.argument}[{', '.join(map(str, self.index))}]" if self.index else self.argument
        return f"gradient of {place} found {self.found:.9g}, expected {self.expected:.9g}"


@dataclass(frozen=True)
class RuleReport:
    """How the rule of one function for one argument did over all samples."""

    name: str
    argument: str
    order: Order
    samples: int
    largest_error: float
    passed: bool
    message: str


def rule_names() -> list[str]:
    """Return the names of all functions that have derivative rules."""
    return sorted(full_name(function) for function in checked_functions())


def checked_functions() -> list[Callable[..., Any]]:
    """Return all registered functions that gradients flow through."""
    return [function for function in functions if has_gradient(function)]


def check_rules(names: Sequence[str] | None = None, orders: Sequence[Order] = (1, 2)) -> Iterator[RuleReport]:
    """Yield a report for each order and argument of the named functions, by default of all that have rules.

    A function without samples fails. Raises KeyError for a name that is no function with rules.
    """
    by_name = {full_name(function): function for function in checked_functions()}
    for name in sorted(by_name) if names is None else names:
        for order in orders:
            yield from check_rule(by_name[name], order)


def check_rule(function: Callable[..., Any], order: Order) -> list[RuleReport]:
    """Return a report for each argument of a registered function, over its samples."""
    name, samples = full_name(function), samples_of(function)
    if not samples:
        return [RuleReport(name, "", order, 0, math.nan, False, "it has no samples to check it on; add some")]
    found: dict[str, list[tuple[Comparison, Sample]]] = {}
    for sample in samples:
        for comparison in check_gradient(functions[function], sample.arguments, sample.keywords, order, sample.before):
            found.setdefault(comparison.argument, []).append((comparison, sample))
    reports = [report(name, argument, order, results) for argument, results in found.items()]
    rules = functions[function]
    untried = [] if not isinstance(rules, Function) else [argument for argument in rules.rules if argument not in found]
    return reports + [
        RuleReport(name, argument, order, 0, math.nan, False, "no sample has a variable for it; add some")
        for argument in untried
        if not isinstance(rules, Variadic)
    ]


def report(name: str, argument: str, order: Order, results: list[tuple[Comparison, Sample]]) -> RuleReport:
    """Return the report of one argument, with the worst sample named where it failed."""
    worst, sample = max(results, key=lambda result: math.inf if math.isnan(result[0].error) else result[0].error)
    message = "" if worst.passed else f"{worst} in {name}({sample!r})"
    return RuleReport(name, argument, order, len(results), worst.error, worst.passed, message)


def check_gradient(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    keywords: dict[str, Any] | None = None,
    order: Order = 1,
    before: Callable[[Tensor], Tensor] | None = None,
) -> list[Comparison]:
    """Compare the gradients of a function with numerical ones, for every float64 array among the arguments.

    An array inside a list counts as well. The output, of any shape, or several of them, is multiplied with random
    weights. In second order the gradient is in turn, and its derivative checked with respect to the arguments and to
    those weights, named `g`. `before` is applied to every variable, to keep it in the function's domain.
    """
    slots = list(variable_slots(arguments))
    names = [argument_name(function, i) for i, _ in slots]
    variables: list[Float64] = [arguments[i] if j is None else arguments[i][j] for i, j in slots]

    def outputs(inputs: Sequence[Tensor]) -> list[Tensor]:
        inside = [before(value) for value in inputs] if before else inputs
        result = function(*with_values(arguments, slots, inside), **(keywords or {}))
        return list(result) if isinstance(result, list | tuple) else [result]

    random = np.random.default_rng(0)
    weights = [random.uniform(0.5, 1.5, output.shape) for output in outputs([leaf(array) for array in variables])]
    if order == 1:
        return compare(lambda inputs, recorded: weighted_sum(outputs(inputs), weights), names, variables)
    directions = [random.uniform(0.5, 1.5, array.shape) for array in variables]

    def slope(inputs: Sequence[Tensor], recorded: bool) -> Tensor:
        points, seeds = list(inputs[: len(variables)]), inputs[len(variables) :]
        found = differentiate(weighted_sum(outputs(points), seeds), points, create_graph=recorded)
        return weighted_sum(found, directions)

    return compare(slope, names + ["g"] * len(weights), variables + weights)


def compare(
    function: Callable[[Sequence[Tensor], bool], Tensor], names: Sequence[str], variables: Sequence[Float64]
) -> list[Comparison]:
    """Compare the gradients of a scalar function of all variables with central differences.

    The function is also told whether its value has to be recorded, for numerical derivatives need the value alone.
    """
    leaves = [leaf(array) for array in variables]
    found = [gradient.data for gradient in differentiate(function(leaves, True), leaves, create_graph=False)]
    comparisons = []
    for position, (name, array) in enumerate(zip(names, variables, strict=True)):

        def value(changed: Float64, position: int = position) -> float:
            moved = [*leaves[:position], leaf(changed), *leaves[position + 1 :]]
            return float(function(moved, False).data)

        comparisons.append(worst_of(name, found[position], numerical_gradient(value, array)))
    return comparisons


def numerical_gradient(value: Callable[[Float64], float], array: Float64) -> Float64:
    """Return the central differences of a scalar function along every element of an array."""
    gradient = np.zeros(array.shape)
    for index in np.ndindex(array.shape):
        step = STEP * max(1.0, abs(float(array[index])))
        ends = []
        for moved in (array[index] - step, array[index] + step):
            changed = array.copy()
            changed[index] = moved
            ends.append(value(changed))
        gradient[index] = (ends[1] - ends[0]) / (2 * step)
    return gradient


def worst_of(name: str, found: Float64, expected: Float64) -> Comparison:
    """Return the element at which two gradients differ most, relative to the largest element of either."""
    if found.size == 0:
        return Comparison(name, 0.0, (), 0.0, 0.0)
    sizes = np.abs([found, expected])
    scale = np.max(sizes, initial=SMALLEST_SCALE, where=np.isfinite(sizes))
    with np.errstate(invalid="ignore"):  # inf - inf
        errors = np.abs(found - expected) / scale
    index = tuple(int(i) for i in np.unravel_index(np.argmax(errors), errors.shape))  # argmax finds NaN first
    return Comparison(name, float(errors[index]), index, float(found[index]), float(expected[index]))


def weighted_sum(outputs: Sequence[Any], weights: Sequence[Any]) -> Tensor:
    """Return the scalar sum of all outputs, each element times its weight."""
    return sum(
        (np.sum(output * weight) for output, weight in zip(outputs, weights, strict=True)),
        start=Tensor(0.0, dtype=float),
    )


def leaf(array: Float64) -> Tensor:
    """Return a Tensor that requires a gradient and keeps the strides of the array."""
    tensor = Tensor(array, requires_grad=True)
    tensor.data = array
    return tensor


def variable_slots(arguments: Sequence[Any]) -> Iterator[tuple[int, int | None]]:
    """Yield where the variables are: the position of an argument, and that within it if it is a list."""
    for i, argument in enumerate(arguments):
        if is_variable(argument):
            yield i, None
        elif isinstance(argument, list):
            yield from ((i, j) for j, part in enumerate(argument) if is_variable(part))


def is_variable(value: Any) -> bool:
    """Return whether a value is a float64 array."""
    return isinstance(value, np.ndarray) and value.dtype == np.float64


def with_values(arguments: Sequence[Any], slots: Sequence[tuple[int, int | None]], values: Sequence[Any]) -> list[Any]:
    """Return the arguments with other values in the slots of the variables."""
    changed = [list(argument) if isinstance(argument, list) else argument for argument in arguments]
    for (i, j), value in zip(slots, values, strict=True):
        if j is None:
            changed[i] = value
        else:
            changed[i][j] = value
    return changed


def argument_name(function: Callable[..., Any], position: int) -> str:
    """Return the name of a function's argument at that position."""
    if isinstance(function, Variadic):
        return "inputs"
    names = function.names if isinstance(function, Function) else tuple(inspect.signature(function).parameters)
    return names[min(position, len(names) - 1)]
