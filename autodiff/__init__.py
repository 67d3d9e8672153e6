"""A reverse-mode automatic differentiation engine in pure NumPy.

NumPy's own functions work on Tensors: `np.exp(t)`, `t @ w`, `np.sum(t, axis=0)`, `t[mask]`. The public names stand in
`autodiff.public`. They are loaded at the first use of one, so that adrun can refuse a config before NumPy is there.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autodiff.public import *  # noqa: F403
else:  # a type checker that saw this would take any misspelt name for one that is there

    def __getattr__(name: str) -> Any:
        if name == "gradcheck":  # which loads samples for every function, and few programs want them
            return import_module("autodiff.gradcheck")
        if name == "load_run":  # the one name that is adrun's, which knows the engine, and the engine not it
            return import_module("autodiff.experiment.runs.loading").load_run
        public = None if name.startswith("_") and name != "__all__" else import_module("autodiff.public")
        if not hasattr(public, name):
            raise AttributeError(f"module 'autodiff' has no attribute {name!r}")
        value = globals()[name] = getattr(public, name)
        return value

    class Package(ModuleType):
        """`ad.tensor` is a function, as in PyTorch: that tensor.py was imported does not make it the module."""

        def __setattr__(self, name: str, value: Any) -> None:
            if name != "tensor" or not isinstance(value, ModuleType):
                super().__setattr__(name, value)

    sys.modules[__name__].__class__ = Package


def __dir__() -> list[str]:
    return list(import_module("autodiff.public").__all__)
