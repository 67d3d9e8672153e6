"""Random numbers that a replay would not draw: whoever draws them, the state of their generator has moved."""

import random
import threading
from typing import Any

import numpy as np

from autodiff.compiler.record.environment import Environment
from autodiff.compiler.record.errors import CaptureError
from autodiff.compiler.record.trace import Function

DRAWING = frozenset(["random", *random.__all__, *np.random.__all__])
"""What code mentions that draws from the generators that all share."""
ADVICE = "draw from a np.random.Generator that the function reaches, as np.random.default_rng makes it"


class RandomStates:
    """The state of the generators of `random` and `np.random`, and of those like them that a step reaches.

    Another thread may draw from those that all share. Where there are others, a step is taken to have drawn only if
    its code mentions what draws; of one that draws all the same, the checks of the first replays tell.
    """

    def __init__(self, environment: Environment) -> None:
        shared = [(random._inst, "random"), (np.random.mtrand._rand, "np.random")]
        if threading.active_count() > 1 and not environment.mentioned & DRAWING:
            shared = []
        self.before = [(generator, name, state_of(generator)) for generator, name in [*shared, *environment.states]]

    def check(self, function: Function) -> None:
        """Raise CaptureError if one of them has moved since a function was called."""
        code = getattr(function, "__code__", None)
        step = f"the step at {code.co_filename}:{code.co_firstlineno}" if code else "the step"
        for generator, name, before in self.before:
            if state_of(generator) != before:
                raise CaptureError(f"{step} draws from {name}, which a replay would not repeat; {ADVICE}")


def state_of(generator: Any) -> Any:
    """Return the state of a random.Random or a np.random.RandomState, in a form that compares."""
    if isinstance(generator, random.Random):
        return generator.getstate()
    name, key, *rest = generator.get_state(legacy=True)
    return name, key.tobytes(), *rest
