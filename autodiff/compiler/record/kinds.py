"""What capture knows of an object by its type, and of code by the file that it is from.

Whatever is not known here has state that a replay would not see.
"""

import sys
from functools import lru_cache
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, GenericAlias, ModuleType, UnionType
from typing import Any

import numpy as np

from autodiff.compiler.record.errors import ENGINE, STANDARD

PLAIN = (int, float, complex, str, bytes, type(None), np.generic, np.dtype)
"""What is compared by its value."""
CONSTANT = (range, slice, type(Ellipsis), type(NotImplemented), CodeType, GenericAlias, UnionType, np.ufunc)
"""What cannot change, as it holds nothing or nothing that can."""
CONSTANT_ELSEWHERE = {
    *((f"datetime.{name}") for name in ("date", "datetime", "time", "timedelta", "timezone")),
    *("zoneinfo.ZoneInfo", "decimal.Decimal", "fractions.Fraction", "uuid.UUID", "re.Pattern", "pathlib.PurePath"),
    *("builtins.wrapper_descriptor", "builtins.method_descriptor", "builtins.classmethod_descriptor"),
    *("builtins.getset_descriptor", "builtins.member_descriptor", "typing.TypeVar", "operator.itemgetter"),
    "_collections._tuplegetter",
    *("operator.attrgetter", "operator.methodcaller", "numpy._ArrayFunctionDispatcher"),
}
"""The same, by the names of their types, so that none of these modules is imported for it."""
TRUSTED = ("numpy", "scipy", "matplotlib", "PIL", "torch", "jax", "_pytest")
"""Libraries whose functions hold nothing that a step's result depends on; pytest's run in every `assert` of a test."""
ROOMS = ("compiler", "drawing", "functional", "modules", "optimizers", "rules", "samples")
"""The engine's packages: what other packages there are within its own, use it as any user does."""
PYTHON_MADE, MADE_IN_C = 1 << 9, 1 << 8
"""Flags of a type: that it was made while Python runs, and that its attributes cannot be set."""


def check_class(value: Any) -> None:
    """Raise TypeError for an object that says to be of another class than it is, as proxies do."""
    if value.__class__ is not type(value):
        raise TypeError(f"its __class__ is {value.__class__}, and its type is not")


def is_constant(value: Any) -> bool:
    """Return whether an object can never be other than it is."""
    if isinstance(value, PLAIN):
        return not getattr(value, "__dict__", None)
    if isinstance(value, CONSTANT):
        return True
    if type(value).__name__ == "cython_function_or_method":  # as np.random.default_rng is
        return is_trusted_name(value.__module__) and "." not in value.__qualname__
    return any(f"{kind.__module__}.{kind.__qualname__}" in CONSTANT_ELSEWHERE for kind in type(value).__mro__)


def is_array(value: Any) -> bool:
    """Return whether something is an array, or stands for one, that holds all it is: no objects, no mask, no matrix."""
    kind = type(value)
    ordinary = kind in (np.ndarray, np.memmap) or not issubclass(kind, np.ndarray)
    return isinstance(value, np.ndarray) and ordinary and not value.dtype.hasobject


@lru_cache(maxsize=4096)
def native_base(kind: type) -> type:
    """Return the class written in C that another is made from: object, for an ordinary class."""
    return next(base for base in kind.__mro__ if is_native(base))


def is_native(kind: type) -> bool:
    """Return whether a class is written in C, so that its objects may hold what no attribute shows."""
    if not kind.__flags__ & PYTHON_MADE or kind.__flags__ & MADE_IN_C:
        return True
    return isinstance(vars(kind).get("__new__"), BuiltinFunctionType)


def is_trusted_function(function: FunctionType) -> bool:
    """Return whether a function belongs to Python, the engine or a trusted library."""
    return is_trusted_file(function.__code__.co_filename)


def is_trusted_class(kind: type) -> bool:
    """Return whether a class does."""
    return is_trusted_name(kind.__module__)


def attributes_of_module(module: ModuleType) -> dict[str, Any]:
    """Return what a module holds, without asking it: a lazy one would load, and others may raise."""
    held: dict[str, Any] = object.__getattribute__(module, "__dict__")
    return held


def is_trusted_module(module: ModuleType) -> bool:
    """Return whether a module does: by its file, for a user's may have the name of one of Python's."""
    held = attributes_of_module(module)
    file = held.get("__file__")
    if not isinstance(file, str):
        origin = getattr(held.get("__spec__"), "origin", None)
        return origin in ("built-in", "frozen") or held.get("__name__") in sys.builtin_module_names
    return is_trusted_file(file)


@lru_cache(maxsize=4096)
def is_trusted_name(name: str) -> bool:
    """Return whether the module of this name does."""
    module = sys.modules.get(name)
    return isinstance(module, ModuleType) and is_trusted_module(module)


@lru_cache(maxsize=4096)
def is_trusted_file(file: str) -> bool:
    """Return whether a file belongs to Python, the engine or a trusted library."""
    if file.startswith("<frozen "):
        return True
    if file.startswith(ENGINE + "/"):
        beneath = Path(file).relative_to(ENGINE).parts
        return len(beneath) == 1 or beneath[0] in ROOMS
    parts = Path(file).parts
    for packages in ("site-packages", "dist-packages"):
        if packages in parts:
            return parts[len(parts) - parts[::-1].index(packages)] in TRUSTED
    return file.startswith(STANDARD)


def type_name(value: Any) -> str:
    """Return the name of an object's type, with its module: threading.Event."""
    kind = type(value)
    return (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )
