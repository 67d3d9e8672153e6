"""Recurrent layers: names, shapes, definitions and initial values are PyTorch's, so that models load there."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

import autodiff.functional as functional
from autodiff.arrays import DEFAULT_FLOAT
from autodiff.modules.checks import check_size
from autodiff.modules.initialisation import Uniform
from autodiff.modules.linear import affine
from autodiff.modules.module import Module


class Recurrent(Module):
    """What the recurrent layers have in common.

    gates: how many times hidden_size a step computes. states: of what a step passes on to the next. dropout: the
    probability of an element to be dropped, in training, of what a layer but the last passes on to the next.
    """

    gates = 1
    states = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        rng: np.random.Generator | None = None,
        dtype: DTypeLike = DEFAULT_FLOAT,
    ) -> None:
        name = type(self).__name__
        self.input_size = check_size(name, "input_size", input_size)
        self.hidden_size = check_size(name, "hidden_size", hidden_size)
        self.num_layers = check_size(name, "num_layers", num_layers)
        self.bias, self.batch_first, self.bidirectional = bias, batch_first, bidirectional
        start, bound, rows = Uniform(name, rng, dtype), 1 / math.sqrt(hidden_size), self.gates * hidden_size
        self.dropout, self.rng = dropout, start.rng
        for end in self.ends():
            width = input_size if end.startswith("_l0") else hidden_size * (1 + bidirectional)
            setattr(self, f"weight_ih{end}", start.draw(bound, rows, width))
            setattr(self, f"weight_hh{end}", start.draw(bound, rows, hidden_size))
            if bias:
                setattr(self, f"bias_ih{end}", start.draw(bound, rows))
                setattr(self, f"bias_hh{end}", start.draw(bound, rows))

    def ends(self) -> list[str]:
        """Return the ends of the parameters' names, one for each layer and direction."""
        directions = ("", "_reverse") if self.bidirectional else ("",)
        return [f"_l{layer}{direction}" for layer in range(self.num_layers) for direction in directions]

    def forward(self, x: Any, state: Any = None) -> Any:
        """Return the last layer's hidden state at every step, and the states of all layers after the last step.

        x: (length, samples, input_size), with batch_first (samples, length, input_size), or (length, input_size).
        state: (layers, samples, hidden_size) before the first step, by default 0; of an LSTM a pair of these. With two
        directions, the layers are twice as many, forwards and backwards in turn, and a step's hidden states stand one
        after the other.
        """
        if np.ndim(x) not in (2, 3) or np.shape(x)[-1] != self.input_size or 0 in np.shape(x)[:1]:
            allowed = f"(length, samples, {self.input_size}), of one step at least"
            raise ValueError(f"{type(self).__name__} takes an input of shape {allowed}, found {np.shape(x)}")
        alone = np.ndim(x) == 2
        steps = x[:, None] if alone else np.swapaxes(x, 0, 1) if self.batch_first else x
        first = self.first_states(state, steps.shape[1], alone)
        directions = 1 + self.bidirectional
        last: list[Sequence[Any]] = []
        while len(last) < directions * self.num_layers:
            if last and self.dropout:
                steps = functional.dropout(steps, self.dropout, self.rng, self.training)
            outputs = []
            for backwards in range(directions):
                before = [one[len(last)] for one in first]
                output, after = self.run(steps, before, self.ends()[len(last)], bool(backwards))
                outputs.append(output)
                last.append(after)
            steps = np.concatenate(outputs, axis=-1) if self.bidirectional else outputs[0]
        states = tuple(np.stack(one) for one in zip(*last, strict=True))
        if alone:
            steps, states = steps[:, 0], tuple(one[:, 0] for one in states)
        elif self.batch_first:
            steps = np.swapaxes(steps, 0, 1)
        return steps, states if self.states > 1 else states[0]

    def first_states(self, state: Any, samples: int, alone: bool) -> Sequence[Any]:
        """Return what comes before the first step, each of shape (layers, samples, hidden_size)."""
        shape = (len(self.ends()), samples, self.hidden_size)
        if state is None:
            return [np.zeros(shape, self.weights("ih", "_l0")[0].dtype)] * self.states
        given = state if self.states > 1 else (state,)
        first = [one[:, None] if alone else one for one in given]
        if len(first) != self.states or any(one.shape != shape for one in first):
            wanted = "a pair of states" if self.states > 1 else "a state"
            allowed, found = (shape[0], shape[2]) if alone else shape, ", ".join(str(np.shape(one)) for one in given)
            raise ValueError(f"{type(self).__name__} takes {wanted} of shape {allowed}, found {found}")
        return first

    def run(self, x: Any, state: Sequence[Any], end: str, backwards: bool) -> tuple[Any, Sequence[Any]]:
        """Return the hidden state of one layer in one direction at every step, and its states after the last."""
        inputs = np.unstack(affine(x, *self.weights("ih", end)))
        weight, bias = self.weights("hh", end)
        outputs = []
        for one in inputs[::-1] if backwards else inputs:
            state = self.step(one, state, affine(state[0], weight, bias))
            outputs.append(state[0])
        return np.stack(outputs[::-1] if backwards else outputs), state

    def weights(self, kind: str, end: str) -> tuple[Any, Any]:
        """Return the weights and the bias of what comes in (ih) or of the hidden state (hh)."""
        return getattr(self, f"weight_{kind}{end}"), getattr(self, f"bias_{kind}{end}") if self.bias else None

    def step(self, x: Any, state: Sequence[Any], hidden: Any) -> Sequence[Any]:
        """Return the states after a step.

        x, hidden: what the weights make of the input and of the hidden state, (samples, gates * hidden_size).
        """
        raise NotImplementedError

    def extra_repr(self) -> str:
        """Return the sizes, and the settings that are not usual."""
        usual = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}
        further = [f", {name}={getattr(self, name)}" for name in usual if getattr(self, name) != usual[name]]
        return f"{self.input_size}, {self.hidden_size}{''.join(further)}"


class RNN(Recurrent):
    """A layer whose hidden state is tanh(W_ih @ x + b_ih + W_hh @ h + b_hh) of an input x and the one before, h.

    nonlinearity: "tanh" or "relu". The parameters of the first layer are weight_ih_l0, (hidden_size, input_size),
    weight_hh_l0, bias_ih_l0 and bias_hh_l0; backwards, weight_ih_l0_reverse and so on. They start even from
    -1 / sqrt(hidden_size) to 1 / sqrt(hidden_size). rng: draws them; without it they are other ones in every run.

    >>> output, state = ad.RNN(3, 4, num_layers=2, rng=np.random.default_rng(0))(np.ones((5, 1, 3), np.float32))
    >>> output.shape, state.shape
    ((5, 1, 4), (2, 1, 4))
    """

    def __init__(self, *sizes: Any, nonlinearity: Literal["tanh", "relu"] = "tanh", **settings: Any) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: nonlinearity must be 'tanh' or 'relu', found {nonlinearity!r}")
        self.nonlinearity = nonlinearity
        super().__init__(*sizes, **settings)

    def step(self, x: Any, state: Sequence[Any], hidden: Any) -> Sequence[Any]:
        """Return the hidden state after a step."""
        return (functional.relu(x + hidden) if self.nonlinearity == "relu" else np.tanh(x + hidden),)


class GRU(Recurrent):
    """Gated recurrent units (Cho et al. 2014); the parameters are an `RNN`'s, with three times the rows.

    These are those of the reset gate, the update gate and the new state, in this order.

    >>> output, state = ad.GRU(3, 4, batch_first=True, rng=np.random.default_rng(0))(np.ones((2, 5, 3), np.float32))
    >>> output.shape, state.shape
    ((2, 5, 4), (1, 2, 4))
    """

    gates = 3

    def step(self, x: Any, state: Sequence[Any], hidden: Any) -> Sequence[Any]:
        """Return the hidden state after a step."""
        both, new = 2 * self.hidden_size, slice(2 * self.hidden_size, None)
        gates = functional.sigmoid(x[:, :both] + hidden[:, :both])
        reset, update = gates[:, : self.hidden_size], gates[:, self.hidden_size :]
        candidate = np.tanh(x[:, new] + reset * hidden[:, new])
        return (candidate + update * (state[0] - candidate),)


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber 1997); the parameters are an `RNN`'s, with four times the rows.

    These are those of the input gate, the forget gate, the new cell and the output gate, in this order. The states are
    pairs: the hidden state and the cell.

    >>> output, (hidden, cell) = ad.LSTM(3, 4, bidirectional=True)(np.ones((5, 2, 3), np.float32))
    >>> output.shape, hidden.shape, cell.shape
    ((5, 2, 8), (2, 2, 4), (2, 2, 4))
    """

    gates = 4
    states = 2

    def step(self, x: Any, state: Sequence[Any], hidden: Any) -> Sequence[Any]:
        """Return the hidden state and the cell after a step."""
        size = self.hidden_size
        total = x + hidden
        kept = functional.sigmoid(total[:, : 2 * size])
        cell = kept[:, size:] * state[1] + kept[:, :size] * np.tanh(total[:, 2 * size : 3 * size])
        return functional.sigmoid(total[:, 3 * size :]) * np.tanh(cell), cell
