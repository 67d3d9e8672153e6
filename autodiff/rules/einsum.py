"""The derivative rule of np.einsum: the gradient of an operand is itself an einsum of all the others."""

import string
from typing import Any

import numpy as np

from autodiff.declarations import composed, variadic_rule
from autodiff.rules.elementwise import as_array


def contract(*operands: Any, subscripts: str) -> Any:
    """Return np.einsum of explicit subscripts, in which no operand names an axis twice."""
    if len(operands) > 2:  # in pairs: two arrays of booleans would be one of booleans, and sums of them lost
        dtype = np.result_type(*operands)
        operands = tuple(as_array(operand, dtype).astype(dtype, copy=False) for operand in operands)
    return np.einsum(subscripts, *operands, optimize=len(operands) > 2)


def contract_gradient(g: Any, i: int, inputs: list[Any], shapes: list[Any], subscripts: str) -> Any:
    """Return the gradient of the i-th operand: g and the other operands, with ones along what only it had at length."""
    terms, output = subscripts.split("->")
    names = terms.split(",")
    others = [(names[j], operand) for j, operand in enumerate(inputs) if j != i]
    found = {pair for j, name in enumerate(names) if j != i for pair in zip(name, shapes[j], strict=True)}
    own = zip(names[i], shapes[i], strict=True)
    alone = [(axis, length) for axis, length in own if axis not in output and (axis, length) not in found]
    parts = [(output, g), *others, *((axis, np.ones(length, g.dtype)) for axis, length in alone)]
    return contracted(*[part for _, part in parts], subscripts=f"{','.join(name for name, _ in parts)}->{names[i]}")


contracted = variadic_rule(contract, contract_gradient)


@composed(np.einsum)
def einsum(*operands: Any, optimize: Any = False) -> Any:
    """Return sums of products of axes named by letters, or by numbers in lists; see NumPy."""
    names, output, arrays = parse(operands)
    pairs = [distinct(name, array) for name, array in zip(names, arrays, strict=True)]
    return contracted(*[array for _, array in pairs], subscripts=f"{','.join(name for name, _ in pairs)}->{output}")


def parse(operands: tuple[Any, ...]) -> tuple[list[str], str, list[Any]]:
    """Return the names of every operand's axes and of the output's, written out, and the operands."""
    if isinstance(operands[0], str):
        subscripts, arrays = operands[0].replace(" ", ""), list(operands[1:])
    else:
        subscripts, arrays = from_lists(operands), list(operands[: len(operands) - len(operands) % 2 : 2])
    inputs, arrow, output = subscripts.partition("->")
    names = inputs.split(",")
    if len(names) != len(arrays):
        raise ValueError(f"np.einsum: {subscripts!r} names {len(names)} operands, found {len(arrays)}")
    unused = [letter for letter in string.ascii_letters[::-1] if letter not in subscripts]
    widths = [np.ndim(array) - len(name.replace("...", "")) for name, array in zip(names, arrays, strict=True)]
    widest = max([width for name, width in zip(names, widths, strict=True) if "..." in name], default=0)
    ellipsis = "".join(unused[:widest])
    if not arrow:
        letters = "".join(names).replace("...", "")
        once = sorted(letter for letter in set(letters) if letters.count(letter) == 1)
        output = ("..." if "..." in inputs else "") + "".join(once)
    names = [
        name.replace("...", ellipsis[widest - width :] if width > 0 else "")
        for name, width in zip(names, widths, strict=True)
    ]
    for name, array in zip(names, arrays, strict=True):
        if len(name) != np.ndim(array):
            raise ValueError(f"np.einsum: {subscripts!r} names {len(name)} axes of an operand of {np.ndim(array)} axes")
    return names, output.replace("...", ellipsis), arrays


def from_lists(operands: tuple[Any, ...]) -> str:
    """Return the subscripts of a call such as np.einsum(a, [0, 1], b, [1, 2], [0, 2])."""

    def term(numbers: Any) -> str:
        return "".join("..." if number is Ellipsis else string.ascii_letters[number] for number in numbers)

    inputs = ",".join(term(numbers) for numbers in operands[1 : len(operands) - len(operands) % 2 : 2])
    return f"{inputs}->{term(operands[-1])}" if len(operands) % 2 else inputs


def distinct(name: str, array: Any) -> tuple[str, Any]:
    """Return an operand with each axis named once: of axes with the same name, the diagonal."""
    for letter in dict.fromkeys(name):
        while name.count(letter) > 1:
            first = name.index(letter)
            second = name.index(letter, first + 1)
            array = np.diagonal(array, 0, first, second)  # the diagonal becomes the last axis
            name = name[:first] + name[first + 1 : second] + name[second + 1 :] + letter
    return name, array
