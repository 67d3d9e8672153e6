"""jax.lax.scan: all steps of a round in one call, whose losses come at its end."""

from importlib import import_module
from typing import Any

from benchmarks.training.contestants.jax_network import make_step
from benchmarks.training.work import Row, Training


def make(row: Row) -> Training:
    """Return the training of a row."""
    jax = import_module("jax")
    function, state, data = make_step(row)

    def rounds(state: Any, points: Any, labels: Any, count: int) -> Any:
        return jax.lax.scan(lambda state, _: function(state, points, labels), state, length=count)

    compiled = jax.jit(rounds, static_argnums=3, donate_argnums=0)

    def run(count: int) -> list[float]:
        nonlocal state
        state, losses = compiled(state, *data, count)
        return [float(loss) for loss in losses.tolist()]

    return Training(run)
