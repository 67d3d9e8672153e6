"""The places within an object: attributes, items, the variables of a function, whatever it can read from there."""

import dis
import functools
import importlib
import importlib.util
import operator
import os
import sys
from collections import defaultdict, deque
from collections.abc import Iterator
from functools import lru_cache, partial
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    MappingProxyType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any, NamedTuple

import numpy as np

from autodiff.compiler.record.errors import STANDARD
from autodiff.compiler.record.kinds import (
    PLAIN,
    TRUSTED,
    is_constant,
    is_native,
    is_trusted_class,
    is_trusted_function,
    is_trusted_module,
    native_base,
)
from autodiff.compiler.record.slot import Slot, present
from autodiff.tensor import Tensor

CONTAINERS = (list, dict, set, frozenset, tuple, deque, MappingProxyType)
ENGINE_NAME = __name__.split(".")[0]
DICT_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))
OPAQUE = ("autodiff.function", "autodiff.graph")
"""Modules of the engine whose objects stay what they are."""
OF_THE_SYSTEM = ("threading", "queue", "logging", "asyncio", "concurrent", "multiprocessing", "subprocess", "socket")
"""Modules of Python whose objects lead to threads, files and processes."""
OF_WRAPPERS: dict[type, tuple[str, ...]] = {
    property: ("fget", "fset", "fdel"),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    functools.cached_property: ("func",),
    functools._lru_cache_wrapper: ("__wrapped__",),
    partial: ("func", "args", "keywords", "__dict__"),
}
"""Where what wraps a function holds it."""
BY_NAME: tuple[Any, ...] = (eval, exec, globals, __import__, importlib.import_module, sys.modules)
"""What finds variables and modules by names that may not stand in the code, so that nobody can tell which."""
LOOKING = (getattr, hasattr, vars, dir, operator.attrgetter, operator.methodcaller)
DYNAMIC = {*(one.__name__ for one in LOOKING), "__dict__", "__getattribute__", "format", "format_map"}
"""What code mentions that may look for attributes whose names do not stand in it."""
OF_CLASSES = {
    *("__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__slots__", "__annotations__"),
    *("__dataclass_fields__", "__dataclass_params__", "__match_args__", "__abstractmethods__", "_abc_impl"),
    *("__parameters__", "__orig_bases__", "__firstlineno__", "__static_attributes__", "__annotate_func__"),
    *("__annotations_cache__", "__signature__", "_is_protocol", "__protocol_attrs__", "__hash__"),
}
"""Attributes that Python gives to classes, and changes as it likes."""


class Opaque:
    """What is not looked into: captured functions, which see to themselves."""


class Names(NamedTuple):
    """What a function mentions: global variables; attributes, and the texts that may name one; modules it imports."""

    variables: frozenset[str]
    attributes: frozenset[str]
    imports: frozenset[tuple[str, int]]


def slots_of(owner: Any, where: Slot) -> Iterator[Slot] | None:
    """Return the places within an object that was found at a place itself; None if it cannot be looked into."""
    name = where.name
    if is_by_name(owner):
        return None
    if owner is os.getenv:
        return iter([Slot(os, "environ", "attribute", "os.environ")])
    if isinstance(owner, Opaque | CellType | np.random.BitGenerator) or type(owner).__module__ in OPAQUE:
        return iter(())
    if isinstance(owner, FunctionType):
        return held_slots(owner) if is_trusted_function(owner) else function_slots(owner)
    if isinstance(owner, BuiltinFunctionType | MethodWrapperType):
        return bound_slots(owner, name)
    if isinstance(owner, type):
        return iter(()) if is_trusted_class(owner) else class_slots(owner)
    if isinstance(owner, MethodType):
        function = owner.__func__
        within = Slot(owner, "__self__", "attribute", type(owner.__self__).__name__)
        return iter((within, Slot(owner, "__func__", "attribute", getattr(function, "__name__", name))))
    for kind, attributes in OF_WRAPPERS.items():
        if isinstance(owner, kind):
            return iter([Slot(owner, attribute, "attribute", f"{name}.{attribute}") for attribute in attributes])
    if isinstance(owner, Tensor):
        parts = [Slot(owner, part, "attribute", f"{name}.{part}") for part in ("grad", "node")]
        return iter((Slot(owner, "_data", "attribute", name), *parts))
    if isinstance(owner, DICT_VIEWS):
        return constants([owner.mapping], name)  # type: ignore[attr-defined]
    if can_be_looked_into(owner):
        return object_slots(owner, where)
    return None


def can_be_looked_into(owner: Any) -> bool:
    """Return whether attributes and items are all that an object holds."""
    if isinstance(owner, Opaque) or type(owner).__module__ in OPAQUE:
        return False
    base = native_base(type(owner))  # type: ignore[arg-type]
    if base is object and is_trusted_class(type(owner)):
        return type(owner).__module__.split(".")[0] not in (*TRUSTED[1:], *OF_THE_SYSTEM)
    return base in (object, SimpleNamespace, *CONTAINERS) or issubclass(base, (BaseException, dict, *PLAIN))


def object_slots(owner: Any, where: Slot) -> Iterator[Slot]:
    """Yield the items and the attributes of a container or another object."""
    name = where.name
    if isinstance(owner, tuple):
        yield from (Slot(where, i, "entry", f"{name}[{i}]") for i in range(len(owner)))
    elif isinstance(owner, list | deque):
        yield from (Slot(owner, i, "item", f"{name}[{i}]") for i in range(len(owner)))
    elif isinstance(owner, dict | MappingProxyType):
        yield from constants([key for key in owner if not is_constant(key)], f"a key of {name}")
        yield from (Slot(owner, key, "item", f"{name}[{key!r}]") for key in owner)
    elif isinstance(owner, set | frozenset):
        yield from constants([member for member in owner if not is_constant(member)], f"a member of {name}")
    if isinstance(owner, defaultdict):
        yield Slot(owner, "default_factory", "attribute", f"{name}.default_factory")
    if type(owner) not in (*CONTAINERS, defaultdict):
        yield from (Slot(owner, key, "attribute", f"{name}.{key}") for key in attributes_of(owner))
        yield Slot(owner, "__class__", "attribute", type(owner).__name__)


def bound_slots(method: BuiltinFunctionType | MethodWrapperType, name: str) -> Iterator[Slot] | None:
    """Return what a function or a method written in C is bound to, unless it is one that draws random numbers."""
    if isinstance(method.__self__, np.random.Generator):
        return None
    return constants([method.__self__] if not isinstance(method.__self__, ModuleType | type) else [], name)


def constants(values: list[Any], name: str) -> Iterator[Slot]:
    """Yield places for what is found where it cannot be replaced."""
    return (Slot(tuple(values), i, "constant", name) for i in range(len(values)))


def attributes_of(owner: Any) -> list[str]:
    """Return the names of an object's attributes, be they in its dict or in slots of its class."""
    names = list(vars(owner)) if hasattr(owner, "__dict__") else []
    for kind in type(owner).__mro__:
        declared = kind.__dict__.get("__slots__", ()) if not is_native(kind) else ()
        for name in [declared] if isinstance(declared, str) else declared:
            if name[:2] != "__":
                names.append(name)
            elif name[-2:] != "__":  # as Python spells a private name outside of its class
                names.append(f"_{kind.__name__.lstrip('_')}{name}")
    return names


def class_slots(kind: type) -> Iterator[Slot]:
    """Yield the methods and other attributes of a class of the user's, and the classes that it is made from and of."""
    for key in vars(kind):
        if key not in OF_CLASSES:
            yield Slot(kind, key, "class", f"{kind.__name__}.{key}")
    for i, base in enumerate(kind.__bases__):
        if not is_trusted_class(base):
            yield Slot(kind.__bases__, i, "constant", base.__name__)
    if not is_trusted_class(type(kind)):
        yield Slot(kind, "__class__", "attribute", type(kind).__name__)


def function_slots(function: FunctionType) -> Iterator[Slot]:
    """Yield the variables of a function's closure, the globals that it names, its defaults, attributes and code."""
    yield Slot(function, "__code__", "attribute", f"the code of {function.__name__}")
    names = names_in(function.__code__)
    variables = [*closure_slots(function)]
    for variable in sorted(names.variables):
        if variable in function.__globals__:
            variables.append(Slot(function.__globals__, variable, "item", variable))
        else:  # one of Python's own, or one that is not there, for now
            yield Slot(function, variable, "builtin", variable)
    yield from variables
    imports = [Slot(sys.modules, module, "item", module) for module in sorted(imported(names, function))]
    yield from (slot for slot in imports if not is_trusted_module(slot.get()))
    seen: set[str] = set()
    for module in map(present, [*variables, *imports]):
        if issubclass(type(module), ModuleType):
            yield from module_slots(module, names.attributes, seen)
    for defaults in ("__defaults__", "__kwdefaults__"):
        yield Slot(function, defaults, "attribute", f"the defaults of {function.__name__}")


def closure_slots(function: FunctionType) -> Iterator[Slot]:
    """Yield the variables of a function's closure, and its attributes."""
    for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        yield Slot(cell, variable, "cell", variable)
    yield from (Slot(function, key, "attribute", f"{function.__name__}.{key}") for key in vars(function))


def held_slots(function: FunctionType) -> Iterator[Slot]:
    """Yield what a trusted function holds for its user, and not the objects of Python's that it works with."""
    for slot in closure_slots(function):
        kind = type(present(slot))
        if is_native(kind) or not is_trusted_class(kind) or kind.__module__.startswith(f"{ENGINE_NAME}."):
            yield slot


def module_slots(module: ModuleType, names: frozenset[str], seen: set[str]) -> Iterator[Slot]:
    """Yield those attributes of a module that are named, and those of the modules in it.

    Of Python's own modules only what has state, such as os.environ; of the engine's and the trusted libraries' nothing.
    """
    trusted = is_trusted_module(module)
    if module.__name__ in seen or (trusted and not is_of_python(module)):
        return
    seen.add(module.__name__)
    named = vars(module).keys() if not trusted and names & DYNAMIC else names & vars(module).keys()
    for attribute in sorted(named):
        value = vars(module)[attribute]
        if not trusted or is_by_name(value) or value is os.getenv or has_state(value):
            yield Slot(module, attribute, "attribute", f"{module.__name__}.{attribute}")
        if isinstance(value, ModuleType):
            yield from module_slots(value, names, seen)
    if not trusted and "__getattr__" in vars(module):
        yield Slot(module, "__getattr__", "attribute", f"{module.__name__}.__getattr__")
    if not is_trusted_class(type(module)):
        yield Slot(module, "__class__", "attribute", type(module).__name__)


def is_by_name(value: Any) -> bool:
    """Return whether an object finds variables or modules by names that may not stand in the code."""
    return any(value is one for one in BY_NAME)


def has_state(value: Any) -> bool:
    """Return whether an attribute of a module of Python's may change what a step reads, as os.environ."""
    return not (is_constant(value) or callable(value) or isinstance(value, ModuleType))


def is_of_python(module: ModuleType) -> bool:
    """Return whether a trusted module is one of Python's own."""
    file = vars(module).get("__file__") or STANDARD
    return file.startswith(STANDARD) and "site-packages" not in file


def imported(names: Names, function: FunctionType) -> set[str]:
    """Return the modules that a function imports while it runs, and those that they are in."""
    found = set()
    package = function.__globals__.get("__package__") or ""
    for name, level in names.imports:
        if package or not level:
            parts = importlib.util.resolve_name("." * level + name, package).split(".")
            found |= {".".join(parts[:i]) for i in range(1, len(parts) + 1)} & sys.modules.keys()
    return found


@lru_cache(maxsize=4096)
def names_in(code: CodeType) -> Names:
    """Return what a function mentions, and the functions within it."""
    steps = list(dis.get_instructions(code))
    variables = {step.argval for step in steps if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    attributes = {*code.co_names, *(text for text in code.co_consts if isinstance(text, str))}
    imports = {
        (step.argval, steps[i - 2].argval if isinstance(steps[i - 2].argval, int) else 0)
        for i, step in enumerate(steps)
        if step.opname == "IMPORT_NAME"
    }
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner = names_in(constant)
            variables |= inner.variables
            attributes |= inner.attributes
            imports |= inner.imports
    return Names(frozenset(variables), frozenset(attributes), frozenset(imports))


@lru_cache(maxsize=4096)
def names_of_trusted_bases(kind: type) -> frozenset[str]:
    """Return the attributes that the methods mention which a class has from the engine, or from Python's classes."""
    methods = [method for base in kind.__mro__ if is_trusted_class(base) for method in vars(base).values()]
    functions = [method for method in methods if isinstance(method, FunctionType)]
    return frozenset[str]().union(*(names_in(function.__code__).attributes for function in functions))
