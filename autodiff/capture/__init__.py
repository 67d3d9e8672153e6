"""capture: records one step, and replays it as a program over arrays that are allocated once.

- `errors` and `trace`: what is refused, and what is recorded. `environment` finds the arrays that a function reaches,
  `recorded` stands for an array while `recorder` writes down what is called on it, `recording` is one such run, and
  `agreement` compares two. `arguments` tells arrays from constants.
- `program` holds the calls, and `listing` shows them. The passes improve them: `versions`, `simplify` and `lower` leave
  out what is not needed; `kernels`, `products`, `parts` and `blocks` say the same in faster calls; `uses` tells who
  reads what. `compiler` puts the passes in order.
- `memory` shares the memory of `arrays` among what is left, `layout` opens it, and `code` writes the function.
- `guard` and `check` see to it that a replay does what the function does; `captured` is what the user calls.
"""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from autodiff.capture.captured import Captured, capture
from autodiff.capture.errors import CaptureError

__all__ = ["CaptureError", "Captured", "capture"]


class CallablePackage(ModuleType):
    """Lets `ad.capture(step)` work, though importing this package makes `ad.capture` the name of the package."""

    def __call__(self, function: Callable[..., Any], exact: bool = False) -> Captured:
        """Return `capture(function, exact)`."""
        return capture(function, exact)


sys.modules[__name__].__class__ = CallablePackage
CallablePackage.__call__.__doc__ = capture.__doc__
