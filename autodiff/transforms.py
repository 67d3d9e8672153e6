"""Functions of functions: gradients, Jacobians and their products with vectors, of any order.

Plain functions on arrays in, arrays out. A differentiated argument may be an array or lists, tuples and dicts of
arrays; the result has the same structure. Within one another, or given Tensors that require a gradient, transforms
return Tensors, so that they can be nested freely: `grad(grad(f))`, `jacobian(grad(f))`.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec

import numpy as np

from autodiff.arrays import as_array
from autodiff.modes import modes, recording
from autodiff.tensor import Tensor, gradients, wrap
from autodiff.trees import Tree, flatten, rebuild

P = ParamSpec("P")

# Gradients of scalars


def grad(function: Callable[P, Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[P, Any]:
    """Return a function that computes the gradient of a scalar-valued `function` with respect to its arguments.

    argnums: which positional arguments, one (its gradient is returned) or several (a tuple of gradients is).
    has_aux: whether the function returns its value and something else; then the result is (gradient, that).
    Integer arrays raise TypeError; Python numbers are taken as float32.

    >>> ad.grad(np.tanh)(0.0)
    array(1., dtype=float32)
    >>> ad.grad(lambda x, y: np.sum(x * y), argnums=(0, 1))(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    (array([3., 4.]), array([1., 2.]))
    """
    with_value = value_and_grad(function, argnums, has_aux)

    @wraps(function, (), ())  # so that help() and editors show its arguments
    def gradient(*args: P.args, **keywords: P.kwargs) -> Any:
        value, found = with_value(*args, **keywords)
        return (found, value[1]) if has_aux else found

    return gradient


def value_and_grad(
    function: Callable[P, Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[P, tuple[Any, Any]]:
    """Return a function that computes the value and the gradient of a scalar-valued `function`; see `grad`.

    With `has_aux` its result is ((value, aux), gradient).

    >>> ad.value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    (array(5.), array([2., 4.]))
    """

    check_argnums(argnums)

    @wraps(function, (), ())
    def with_gradient(*args: P.args, **keywords: P.kwargs) -> tuple[Any, Any]:
        traced = Traced(function, argnums, args, keywords, has_aux)
        output = constant(traced.output) if isinstance(traced.output, CONSTANTS) else traced.output
        if not isinstance(output, Tensor) or output.size != 1:
            advice = "; has_aux=True if it returns something besides" if isinstance(output, tuple) else ""
            raise TypeError(
                f"grad needs a function that computes a scalar from its arguments, found {kind(output)}{advice}"
            )
        value = traced.results(output)
        return value if has_aux else value[0], traced.finish(traced.pull_back(output, None, again=False))

    return with_gradient


# Vector-Jacobian and Jacobian-vector products


def vjp(function: Callable[..., Any], *args: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Return the value of a function and a function that multiplies a vector with its Jacobian from the left.

    The latter takes an array of the shape of the value, and returns the tuple of gradients, one an argument. It may be
    called more than once. With `has_aux`, the function returns something else besides its value, and so does this.

    >>> import numpy as np, autodiff as ad
    >>> value, pull_back = ad.vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> pull_back(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    traced = Traced(function, tuple(range(len(args))), args, {}, has_aux)
    output = tensor_from(traced.output, "vjp")

    def pull_back(g: Any) -> Any:
        found = traced.pull_back(output, g)
        return found if is_traced(g) else traced.finish(found)  # it is differentiated by g in turn

    return traced.results(output, pull_back)


def jvp(
    function: Callable[..., Any], args: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> tuple[Any, ...]:
    """Return the value of a function and the product of its Jacobian with a vector, the tangents.

    args, tangents: one an argument, each pair of the same structure and shapes. The product is the derivative of the
    vector-Jacobian product with respect to its vector, in which it is linear. With `has_aux`, the function returns
    something else besides its value, and so does this.

    >>> ad.jvp(lambda x: x**2, (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    (array([1., 4.]), array([ 2., 40.]))
    """
    check_same_structure("jvp", args, tangents)
    traced = Traced(function, tuple(range(len(args))), tuple(args), {}, has_aux, recorded=True, others=tangents)
    output = tensor_from(traced.output, "jvp")
    with recording(transforms=1):
        vector = Tensor(np.zeros_like(output._data), requires_grad=True)
        product = inner(traced.pull_back(output, vector), tuple(tangents))
    (found,) = differentiate(product, [vector], create_graph=traced.nested)
    return traced.results(output, found)


def hvp(function: Callable[..., Any], args: Sequence[Any], vectors: Sequence[Any]) -> Any:
    """Return the product of the Hessian of a scalar-valued function with a vector, without forming the Hessian.

    args, vectors: one an argument, each pair of the same structure and shapes. Returns a tuple, one an argument.

    >>> ad.hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 1.0]),))
    (array([ 6., 12.]),)
    """
    check_same_structure("hvp", args, vectors)
    positions = tuple(range(len(args)))

    def product(*inner_args: Any) -> Tensor:
        return inner(grad(function, positions)(*inner_args), tuple(vectors))

    traced = Traced(product, positions, tuple(args), {}, others=vectors)
    return traced.finish(traced.pull_back(traced.output, None, again=False))


# Jacobians and Hessians


def jacobian(function: Callable[P, Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[P, Any]:
    """Return a function that computes the Jacobian: of shape (value's shape, argument's shape).

    Where the value or the argument is a structure of arrays, so is the Jacobian: for each part of the value the
    structure of the argument. With `has_aux`, the function returns its value and something else, and the result is
    (Jacobian, that).

    >>> ad.jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    check_argnums(argnums)

    @wraps(function, (), ())
    def with_respect_to(*args: P.args, **keywords: P.kwargs) -> Any:
        traced = Traced(function, argnums, args, keywords, has_aux)
        jacobians = [jacobian_of(tensor_from(part, "jacobian"), traced) for part in flatten(traced.output)]
        found = traced.results(rebuild(traced.output, iter(jacobians)))
        return found if has_aux else found[0]

    return with_respect_to


def jacobian_of(output: Tensor, traced: "Traced") -> Tree:
    """Return the Jacobian of one array that a function returned: a backward pass for each of its elements."""
    rows = []
    for i in range(output.size):
        unit = np.zeros_like(output._data, shape=output.size)
        unit[i] = 1
        rows.append(flatten(traced.pull_back(output, unit.reshape(output.shape))))
    if not rows:
        empty = [Tensor(np.zeros((*output.shape, *leaf.shape), leaf.dtype)) for leaf in traced.leaves]
        return traced.in_structure(empty)
    columns = [np.reshape(np.stack(list(one)), output.shape + one[0].shape) for one in zip(*rows, strict=True)]
    return traced.in_structure(columns)


def hessian(function: Callable[P, Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[P, Any]:
    """Return a function that computes the Hessian of a scalar-valued function: of shape (argument's, argument's).

    >>> ad.hessian(lambda x: x[0] * x[1])(np.array([3.0, 4.0]))
    array([[0., 1.],
           [1., 0.]])
    """
    return jacobian(grad(function, argnums, has_aux), argnums, has_aux)


# A function at its arguments


class Traced:
    """A function called with Tensors in place of the arguments it is differentiated by.

    has_aux: whether it returns its value, `output`, and something else, `aux`; that is one more of the results then.
    others: what it is multiplied with, which may be differentiated by in turn.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        argnums: int | tuple[int, ...],
        args: tuple[Any, ...],
        keywords: dict[str, Any],
        has_aux: bool = False,
        recorded: bool = False,
        others: Sequence[Any] = (),
    ) -> None:
        chosen = chosen_positions(argnums, len(args))
        given = flatten([*args, *keywords.values(), *others])
        self.nested = modes.get().transforms > 0 or any(map(is_traced, given))
        self.recorded = self.nested or recorded
        self.single = not isinstance(argnums, tuple)
        self.structure = [args[i] for i in chosen]
        variables = {i: rebuild(args[i], map(variable, flatten(args[i]))) for i in chosen}
        self.leaves = [leaf for i in chosen for leaf in flatten(variables[i])]
        with recording(transforms=1):
            value = function(*[variables.get(i, value) for i, value in enumerate(args)], **keywords)
        self.output, *self.aux = pair(value) if has_aux else [value]

    def pull_back(self, output: Tensor, g: Any, again: bool = True) -> Tree:
        """Return the gradients of the arguments, given that of the output, in the arguments' structure.

        again: whether there will be another pass over the graph, which must keep what it saved till then.
        """
        return self.in_structure(differentiate(output, self.leaves, self.recorded or is_traced(g), g, again))

    def in_structure(self, values: Sequence[Any]) -> Tree:
        """Return values, one a leaf, in the structure of the arguments: of the only one, or of a tuple of them."""
        remaining = iter(values)
        trees = [rebuild(structure, remaining) for structure in self.structure]
        return trees[0] if self.single else tuple(trees)

    def finish(self, tree: Tree) -> Tree:
        """Return what a transform computed as arrays, or as it is where an outer one goes on with it."""
        if self.nested:
            return tree
        return rebuild(tree, (leaf.data if isinstance(leaf, Tensor) else leaf for leaf in flatten(tree)))

    def results(self, *computed: Tree) -> tuple[Any, ...]:
        """Return what a transform computed and, with has_aux, what else the function returned; see `finish`."""
        return tuple(map(self.finish, (*computed, *self.aux)))


def is_traced(value: Any) -> bool:
    """Return whether a value belongs to a computation that is being recorded."""
    return isinstance(value, Tensor) and value.requires_grad


def chosen_positions(argnums: Any, count: int) -> list[int]:
    """Return the positions of the arguments to differentiate by; negative ones are counted from the end.

    Raises IndexError for one beyond the arguments, TypeError for what is no integer or tuple of integers.
    """
    check_argnums(argnums)
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)
    for i in chosen:
        if not -count <= i < count:
            raise IndexError(
                f"argnums names the argument {i}, found {count} arguments given by position; those given by name "
                "cannot be chosen"
            )
    return [i % count for i in chosen]


def check_argnums(argnums: Any) -> None:
    """Raise TypeError unless argnums is an integer or a tuple of integers."""
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    if not numbers or not all(isinstance(i, int | np.integer) for i in numbers):
        advice = "; a transform returns a function: write ad.grad(f)(x)" if hasattr(argnums, "shape") else ""
        raise TypeError(f"argnums must be an integer or a tuple of integers, such as (0, 1), found {argnums!r}{advice}")


def pair(output: Any) -> tuple[Any, Any]:
    """Return what a function returned, its value and something else. Raises TypeError if that is no pair."""
    if not isinstance(output, tuple) or len(output) != 2:
        found = f"a tuple of {len(output)}" if isinstance(output, tuple) else kind(output)
        raise TypeError(f"has_aux=True needs a function that returns a pair, (value, something else), found {found}")
    return output


def variable(value: Any) -> Tensor:
    """Return an argument as a Tensor to differentiate by: a leaf, or a new node on top of an outer transform's."""
    return +value if is_traced(value) else Tensor(value, requires_grad=True)


def differentiate(
    output: Tensor, variables: Sequence[Tensor], create_graph: bool, g: Any = None, retain_graph: bool = False
) -> list[Tensor]:
    """Return the gradient of an output with respect to each variable: zeros where it does not depend on one.

    g: the gradient of the output, 1 if it is a scalar. See `Tensor.backward` for the rest.
    """
    nodes = [value.node for value in variables if value.node is not None]
    retain_graph = retain_graph or create_graph
    found = {} if output.node is None else gradients(output, g, nodes, create_graph, retain_graph)
    return [
        found[value.node] if value.node in found else wrap(np.zeros(value.shape, value.dtype), None)
        for value in variables
    ]


def inner(left: Tree, right: Tree) -> Tensor:
    """Return the sum over all parts and elements of the products of two structures of the same shapes."""
    products = [np.sum(a * b) for a, b in zip(flatten(left), flatten(right), strict=True)]
    total: Tensor = sum(products[1:], start=products[0])
    return total


CONSTANTS = np.ndarray | np.generic | float | int


def constant(value: Any) -> Tensor:
    """Return a value that does not depend on the arguments as a Tensor: its gradients are zeros."""
    return wrap(as_array(value), None) if np.asarray(value).dtype.kind in "biuf" else value


def tensor_from(value: Any, transform: str) -> Tensor:
    """Return the value of a function as a Tensor, or raise TypeError if it is no array."""
    if isinstance(value, CONSTANTS):
        return constant(value)
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{transform} needs a function that returns an array computed from its arguments, found {kind(value)}"
        )
    return value


def kind(value: Any) -> str:
    """Return what a value is, for an error."""
    return f"{type(value).__name__} of shape {value.shape}" if hasattr(value, "shape") else type(value).__name__


def check_same_structure(transform: str, left: Sequence[Any], right: Sequence[Any]) -> None:
    """Raise ValueError unless arguments and vectors have the same structure and shapes."""
    shapes = [[np.shape(leaf) for leaf in flatten(tuple(tree))] for tree in (left, right)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"{transform}: arguments of shapes {shapes[0]} need vectors of the same, found {shapes[1]}")
