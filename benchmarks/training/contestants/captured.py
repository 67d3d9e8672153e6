"""This project's engine, the step captured once and then replayed as a program over its own buffers."""

import autodiff as ad
from benchmarks.training.contestants.eager import make_step
from benchmarks.training.work import Row, Training, repeated


def make(row: Row) -> Training:
    """Return the training of a row."""
    step = ad.capture(make_step(row))

    def facts() -> dict[str, float]:
        return {"compile_seconds": step.compile_seconds, "peak_bytes": step.program.peak_bytes}

    return repeated(lambda: float(step()), facts)
