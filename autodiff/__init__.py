"""A reverse-mode automatic differentiation engine in pure NumPy.

NumPy's own functions work on Tensors: `np.exp(t)`, `t @ w`, `np.sum(t, axis=0)`, `t[mask]`. The public names stand in
`autodiff.public`. They are loaded at the first use of one, so that adrun can refuse a config before NumPy is there.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autodiff.public import *  # noqa: F403


def __getattr__(name: str) -> Any:
    missing = AttributeError(f"module 'autodiff' has no attribute {name!r}")
    if name.startswith("_") and name != "__all__":
        raise missing
    public = import_module("autodiff.public")
    if not hasattr(public, name):
        raise missing
    globals()["tensor"] = public.tensor  # loading tensor.py made the name that file's
    value = globals()[name] = getattr(public, name)
    return value


def __dir__() -> list[str]:
    return [*globals(), *import_module("autodiff.public").__all__]
