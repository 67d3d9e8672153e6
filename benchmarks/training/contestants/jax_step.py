"""jax.jit, one call a step: forward, backward and optimizer in one program that reuses the state's memory."""

from importlib import import_module

from benchmarks.training.contestants.jax_network import make_step
from benchmarks.training.work import Row, Training, repeated


def make(row: Row) -> Training:
    """Return the training of a row."""
    function, state, data = make_step(row)
    compiled = import_module("jax").jit(function, donate_argnums=0)

    def step() -> float:
        nonlocal state
        state, loss = compiled(state, *data)
        return float(loss)

    return repeated(step)
