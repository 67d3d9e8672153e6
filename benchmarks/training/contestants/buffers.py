"""NumPy by hand over buffers made once, with the fastest kernels that NumPy has for each operation.

What makes it fast, most important first:

- Points are taken in blocks whose arrays stay in the processor's cache from one operation to the next.
- Arrays have shape (features, points). Each hidden array ends in a constant row, by which a weight matrix with the bias
  as its last column adds the bias, and by which the matrix product for its gradient sums that of the bias.
- Every buffer starts at a cache line, and so does each of its rows, for which blocks are filled up to a multiple of 16
  points: otherwise vector loads touch two lines each. The points added have a gradient of 0.
- Results are written over an operand wherever it is not needed again: the gradient of a hidden array over the array.
- Activations are computed in a form that takes fewer passes, see `NegatedReLU` and `DoubledSigmoid`.
- All parameters are one array, so that the optimizer is ten operations whatever the number of layers.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.training.contestants.kernels import (
    ROW_MULTIPLE,
    Values,
    aligned,
    fastest_product_with_transpose,
    scalar,
)
from benchmarks.training.work import BETAS, CLASSES, EPSILON, MOMENTUM, Row, Training, make_problem, repeated

BLOCK_ELEMENTS = 120_000
"""Of the widest hidden array of a block, in which it has half a megabyte."""


class NegatedReLU:
    """ReLU in a network whose input, and with it every product, is negated: it holds -relu(x).

    Then the sign bit alone says where a value counts. Shifted over the whole integer it is a mask, and a bitwise `and`
    is faster than `maximum` and than any product with a comparison.
    """

    input_factor, constant, negated = -1.0, -1.0, True

    def __init__(self, values: Values) -> None:
        self.bits = values.view(np.int32)
        self.mask = aligned(values.shape).view(np.int32)
        self.shift = np.array(31, np.int32)

    @staticmethod
    def factors(layer: int, last: int) -> float:
        return 1.0

    def forward(self) -> None:
        np.right_shift(self.bits, self.shift, self.mask)
        np.bitwise_and(self.bits, self.mask, self.bits)

    def prepare(self) -> None:
        """Compute what the backward pass needs of the values, before the gradient is written over them."""

    def backward(self) -> None:
        np.bitwise_and(self.bits, self.mask, self.bits)


class DoubledSigmoid:
    """The sigmoid in a network whose products are halved: from x / 2 it makes 2 * sigmoid(x) = 1 + tanh(x / 2).

    NumPy's tanh costs less than its exp. The halves are factors of the weights.
    """

    input_factor, constant, negated = 1.0, 2.0, False

    def __init__(self, values: Values) -> None:
        self.values, self.slope = values, aligned(values.shape)
        self.one, self.two = scalar(1), scalar(2)

    @staticmethod
    def factors(layer: int, last: int) -> float:
        return (0.5 if layer else 1.0) * (0.5 if layer < last else 1.0)

    def forward(self) -> None:
        np.tanh(self.values, self.values)
        np.add(self.values, self.one, self.values)

    def prepare(self) -> None:
        """Compute the slope, which is that of 1 + tanh, before the gradient is written over the values."""
        np.subtract(self.two, self.values, self.slope)
        np.multiply(self.slope, self.values, self.slope)

    def backward(self) -> None:
        np.multiply(self.values, self.slope, self.values)


class CrossEntropy:
    """The sum of the cross-entropies of a block of logits (classes, points), and its gradient with respect to them.

    Reductions along the first axis are sums of rows. The logarithms of the totals stand below the shifted logits, so
    that one scalar product with constants gives the loss. Logits and slope may be wider than there are labels.
    """

    def __init__(self, logits: Values, slope: Values, labels: NDArray[np.int64], negated: bool) -> None:
        count = len(labels)
        self.logits, self.slope, self.negated = logits[:, :count], slope[:, :count], negated
        self.largest, self.totals = aligned((count,)), aligned((count,))
        terms, self.exponentials = aligned((CLASSES + 1, count)), aligned((CLASSES, count))
        self.shifted, self.logarithms, self.terms = terms[:-1], terms[-1], terms.reshape(-1)
        self.targets, signs = aligned((CLASSES, count)), aligned(terms.shape)
        self.targets[labels, np.arange(count)] = 1
        signs[:-1], signs[-1] = -self.targets, 1
        self.signs = signs.reshape(-1)

    def compute(self) -> float:
        logits, shifted, exponentials, largest = self.logits, self.shifted, self.exponentials, self.largest
        if self.negated:
            np.minimum.reduce(logits, axis=0, out=largest)
            np.subtract(largest, logits, shifted)
        else:
            np.maximum.reduce(logits, axis=0, out=largest)
            np.subtract(logits, largest, shifted)
        np.exp(shifted, exponentials)
        np.add.reduce(exponentials, axis=0, out=self.totals)
        np.log(self.totals, self.logarithms)
        loss = np.dot(self.terms, self.signs)
        np.divide(exponentials, self.totals, exponentials)
        if self.negated:
            np.subtract(self.targets, exponentials, self.slope)
        else:
            np.subtract(exponentials, self.targets, self.slope)
        return float(loss)


class Buffers:
    """The arrays of a block, and its activations: all but its data. Blocks of the same size share them."""

    def __init__(self, count: int, widths: list[int], activation: type[NegatedReLU] | type[DoubledSigmoid]) -> None:
        self.columns = -(-count // ROW_MULTIPLE) * ROW_MULTIPLE
        self.hidden = [aligned((width + 1, self.columns)) for width in widths]
        for values in self.hidden:
            values[-1] = activation.constant
        self.activations = [activation(values[:-1]) for values in self.hidden]
        self.logits, self.slope = aligned((CLASSES, self.columns)), aligned((CLASSES, self.columns))


class Block:
    """Forward and backward pass over some of the points."""

    def __init__(
        self, points: Values, labels: NDArray[np.int64], buffers: Buffers, weights: list[Values], sums: list[Values]
    ) -> None:
        hidden, activations, layers = buffers.hidden, buffers.activations, range(len(buffers.hidden))
        inputs = aligned((points.shape[1] + 1, buffers.columns))
        inputs[:-1, : len(points)], inputs[-1, : len(points)] = points.T, 1
        inputs *= activations[0].input_factor
        entering, backs = [inputs, *hidden], [*(values[:-1] for values in hidden), buffers.slope]
        self.forward = [(weights[i], entering[i], backs[i], activations[i].forward) for i in layers]
        self.last = weights[-1], entering[-1], buffers.logits
        self.loss = CrossEntropy(buffers.logits, buffers.slope, labels, activations[0].negated)
        products = [fastest_product_with_transpose(*each) for each in zip(backs, entering, sums, strict=True)]
        self.last_product = products[-1]
        self.backward = [
            (activations[i], weights[i + 1][:, :-1].T, backs[i + 1], backs[i], products[i]) for i in reversed(layers)
        ]

    def compute(self) -> float:
        """Return the sum of the losses, the sums of the gradients written to `sums`."""
        for weight, before, after, activate in self.forward:
            np.matmul(weight, before, after)
            activate()
        np.dot(*self.last)
        loss = self.loss.compute()
        self.last_product()
        for activation, transposed, above, back, product in self.backward:
            activation.prepare()
            np.matmul(transposed, above, back)
            activation.backward()
            product()
        return loss


class Adam:
    """Adam over one array, with the factors of its running means left to the two scalars that change at each step."""

    def __init__(self, parameters: Values, gradient: Values, learning_rate: float) -> None:
        self.parameters, self.gradient, self.learning_rate = parameters, gradient, learning_rate
        self.mean, self.square, self.scratch = (aligned(parameters.shape) for _ in range(3))
        self.beta1, self.beta2, self.epsilon, self.rate = map(scalar, (*BETAS, 0, 0))
        self.count = 0

    def step(self) -> None:
        self.count += 1
        (beta1, beta2), mean, square, scratch = BETAS, self.mean, self.square, self.scratch
        correction = ((1 - beta2**self.count) / (1 - beta2)) ** 0.5
        self.epsilon.fill(EPSILON * correction)
        self.rate.fill(self.learning_rate * (1 - beta1) * correction / (1 - beta1**self.count))
        np.multiply(mean, self.beta1, mean)
        np.add(mean, self.gradient, mean)
        np.multiply(self.gradient, self.gradient, scratch)
        np.multiply(square, self.beta2, square)
        np.add(square, scratch, square)
        np.sqrt(square, scratch)
        np.add(scratch, self.epsilon, scratch)
        np.divide(mean, scratch, scratch)
        np.multiply(scratch, self.rate, scratch)
        np.subtract(self.parameters, scratch, self.parameters)


class Momentum:
    """SGD with momentum over one array."""

    def __init__(self, parameters: Values, gradient: Values, learning_rate: float) -> None:
        self.parameters, self.gradient = parameters, gradient
        self.velocity, self.scratch = aligned(parameters.shape), aligned(parameters.shape)
        self.momentum, self.rate = scalar(MOMENTUM), scalar(learning_rate)

    def step(self) -> None:
        np.multiply(self.velocity, self.momentum, self.velocity)
        np.add(self.velocity, self.gradient, self.velocity)
        np.multiply(self.velocity, self.rate, self.scratch)
        np.subtract(self.parameters, self.scratch, self.parameters)


def make(row: Row) -> Training:
    """Return the training of a row."""
    problem = make_problem(row)
    activation = NegatedReLU if row.activation == "ReLU" else DoubledSigmoid
    shapes = [(outputs, inputs + 1) for inputs, outputs in pairwise(row.widths)]
    sizes = [outputs * inputs for outputs, inputs in shapes]
    parameters, factors, gradient, part, gradient_factors = (aligned((sum(sizes),)) for _ in range(5))

    def matrices(flat: Values) -> list[Values]:
        pieces = np.split(flat, np.cumsum(sizes)[:-1])
        return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]

    for layer, (matrix, (weight, bias)) in enumerate(zip(matrices(parameters), problem.layers, strict=True)):
        matrix[:, :-1], matrix[:, -1] = weight, bias
        matrices(factors)[layer][:] = activation.factors(layer, len(shapes) - 1)
    np.divide(factors, row.points, gradient_factors)
    has_factors = bool((factors != 1).any())
    scaled = aligned(parameters.shape) if has_factors else parameters

    count = -(-row.points * max(row.hidden) // BLOCK_ELEMENTS)
    length = -(-row.points // (count * ROW_MULTIPLE)) * ROW_MULTIPLE
    shared: dict[int, Buffers] = {}
    blocks: list[Block] = []
    for start in range(0, row.points, length):
        points, labels = problem.points[start : start + length], problem.labels[start : start + length]
        if len(points) not in shared:
            shared[len(points)] = Buffers(len(points), list(row.hidden), activation)
        sums = part if blocks else gradient
        blocks.append(Block(points, labels, shared[len(points)], matrices(scaled), matrices(sums)))
    first, *others = blocks
    optimizer = (Adam if row.optimizer == "Adam" else Momentum)(parameters, gradient, row.learning_rate)

    def step() -> float:
        if has_factors:
            np.multiply(parameters, factors, scaled)
        loss = first.compute()
        for block in others:
            loss += block.compute()
            np.add(gradient, part, gradient)
        np.multiply(gradient, gradient_factors, gradient)
        optimizer.step()
        return loss / row.points

    return repeated(step)
