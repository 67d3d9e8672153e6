"""State that a replay would not see: whatever a step can read is followed, or refused by its name.

Each case makes a function of one number and a change after which the function returns another one. Captured, it has to
return that, or to refuse.
"""

import array
import collections
import configparser
import contextvars
import copy
import ctypes
import dataclasses
import datetime
import enum
import fractions
import functools
import importlib
import inspect
import io
import itertools
import logging
import operator
import os
import pathlib
import pkgutil
import queue
import random
import sys
import threading
import types
import typing
import weakref

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.refusing import outcome

RATE = 2.0


class Box:
    def __init__(self, value):
        self.value = value


class PrivateSlots:
    __slots__ = ("__value", "__weakref__", "_other")

    def __init__(self, value):
        self.__value = value

    def read(self):
        return self.__value

    def write(self, value):
        self.__value = value


def members_of_a_set():
    found = {1.0}
    return (lambda x: x * sum(found)), lambda: (found.clear(), found.add(3.0))


def a_member_of_a_set_in_its_place():
    found = {"a", "b"}
    return (lambda x: x * (2.0 if "a" in found else 3.0)), lambda: (found.discard("a"), found.add("c"))


def an_object_in_a_set():
    found = {Box(2.0)}
    return (lambda x: x * sum(box.value for box in found)), lambda: setattr(next(iter(found)), "value", 3.0)


def an_object_in_a_frozen_set():
    found = frozenset([Box(2.0)])
    return (lambda x: x * sum(box.value for box in found)), lambda: setattr(next(iter(found)), "value", 3.0)


def an_object_that_is_a_key():
    found = {Box(2.0): "a"}
    return (lambda x: x * sum(box.value for box in found)), lambda: setattr(next(iter(found)), "value", 3.0)


def an_event():
    fast = threading.Event()
    return (lambda x: x * (3.0 if fast.is_set() else 2.0)), fast.set


def a_lock():
    lock = threading.Lock()
    return (lambda x: x * (3.0 if lock.locked() else 2.0)), lock.acquire


def a_semaphore():
    semaphore = threading.Semaphore(1)
    return (lambda x: x * (3.0 if semaphore._value else 2.0)), semaphore.acquire


def a_queue():
    waiting = queue.SimpleQueue()
    return (lambda x: x * (2.0 + waiting.qsize())), lambda: waiting.put(1)


def a_thread_local():
    local = threading.local()
    local.scale = 2.0
    return (lambda x: x * local.scale), lambda: setattr(local, "scale", 3.0)


def a_subclass_of_a_thread_local():
    class Settings(threading.local):
        scale = 2.0

    settings = Settings()
    return (lambda x: x * settings.scale), lambda: setattr(settings, "scale", 3.0)


def a_context_variable():
    scale = contextvars.ContextVar("scale", default=2.0)
    return (lambda x: x * scale.get()), lambda: scale.set(3.0)


def a_context():
    scale = contextvars.ContextVar("scale")
    context = contextvars.copy_context()
    context.run(scale.set, 2.0)
    return (lambda x: x * context[scale]), lambda: context.run(scale.set, 3.0)


def a_bound_method_of_a_dict():
    settings = {"scale": 2.0}
    get = settings.get
    return (lambda x: x * get("scale")), lambda: settings.update(scale=3.0)


def a_bound_method_of_a_list():
    found = [2.0]
    count = found.count
    return (lambda x: x * (1.0 + count(2.0))), lambda: found.insert(0, 2.0)


def an_operator_of_a_list():
    found = [2.0]
    item = found.__getitem__
    return (lambda x: x * item(0)), lambda: found.insert(0, 3.0)


def an_operator_of_an_object():
    class Number:
        value = 2.0

        def __float__(self):
            return self.value

    number = Number()
    convert = number.__float__
    return (lambda x: x * convert()), lambda: setattr(number, "value", 3.0)


def a_view_of_a_dict():
    settings = {"scale": 2.0}
    values = settings.values()
    return (lambda x: x * sum(values)), lambda: settings.update(scale=3.0)


def an_attribute_of_a_function():
    def helper(x):
        return x * helper.scale

    helper.scale = 2.0
    return (lambda x: helper(x)), lambda: setattr(helper, "scale", 3.0)


def an_attribute_of_the_function_itself():
    def function(x):
        return x * function.scale

    function.scale = 2.0
    return function, lambda: setattr(function, "scale", 3.0)


def an_attribute_of_a_partial():
    helper = functools.partial(Box)
    helper.scale = 2.0
    return (lambda x: x * helper.scale), lambda: setattr(helper, "scale", 3.0)


def a_mapping_proxy():
    settings = {"scale": 2.0}
    proxy = types.MappingProxyType(settings)
    return (lambda x: x * proxy["scale"]), lambda: settings.update(scale=3.0)


def the_keys_of_a_mapping_proxy():
    settings = {"scale": 2.0}
    proxy = types.MappingProxyType(settings)
    return (lambda x: x * (2.0 + ("more" in proxy))), lambda: settings.update(more=3.0)


def the_dict_of_a_class():
    class Settings:
        scale = 2.0

    attributes = Settings.__dict__
    return (lambda x: x * attributes["scale"]), lambda: setattr(Settings, "scale", 3.0)


def a_config_parser():
    settings = configparser.ConfigParser()
    settings.read_string("[step]\nscale = 2.0\n")
    return (lambda x: x * settings.getfloat("step", "scale")), lambda: settings.set("step", "scale", "3.0")


def a_section_of_a_config_parser():
    settings = configparser.ConfigParser()
    settings.read_string("[step]\nscale = 2.0\n")
    section = settings["step"]
    return (lambda x: x * float(section["scale"])), lambda: settings.set("step", "scale", "3.0")


def the_environment():
    os.environ["SCALE_OF_A_STEP"] = "2.0"
    return (lambda x: x * float(os.environ["SCALE_OF_A_STEP"])), lambda: os.environ.update(SCALE_OF_A_STEP="3.0")


def the_environment_in_a_variable():
    environ = os.environ
    environ["SCALE_OF_A_STEP"] = "2.0"
    return (lambda x: x * float(environ["SCALE_OF_A_STEP"])), lambda: environ.update(SCALE_OF_A_STEP="3.0")


def a_list_of_a_standard_module():
    return (lambda x: x * (3.0 if "--fast" in sys.argv else 2.0)), lambda: sys.argv.append("--fast")


def a_number_of_ctypes():
    scale = ctypes.c_double(2.0)
    return (lambda x: x * scale.value), lambda: setattr(scale, "value", 3.0)


def a_structure_of_ctypes():
    class Settings(ctypes.Structure):
        _fields_ = (("scale", ctypes.c_double),)

    settings = Settings(2.0)
    return (lambda x: x * settings.scale), lambda: setattr(settings, "scale", 3.0)


def an_array_of_ctypes():
    scales = (ctypes.c_double * 1)(2.0)
    return (lambda x: x * scales[0]), lambda: scales.__setitem__(0, 3.0)


def an_array_of_python():
    scales = array.array("d", [2.0])
    return (lambda x: x * scales[0]), lambda: scales.__setitem__(0, 3.0)


def a_byte_array():
    scales = bytearray([2])
    return (lambda x: x * scales[0]), lambda: scales.__setitem__(0, 3)


def a_memory_view():
    scales = bytearray([2])
    view = memoryview(scales)
    return (lambda x: x * view[0]), lambda: scales.__setitem__(0, 3)


def a_weak_reference():
    box = [Box(2.0)]
    reference = weakref.ref(box[0])
    return (lambda x: x * (2.0 if reference() else 3.0)), box.clear


def what_a_weak_reference_leads_to():
    box = Box(2.0)
    reference = weakref.ref(box)
    return (lambda x: x * reference().value), lambda: setattr(box, "value", 3.0)


def a_weak_proxy():
    box = Box(2.0)
    proxy = weakref.proxy(box)
    return (lambda x: x * proxy.value), lambda: setattr(box, "value", 3.0)


def a_weak_set():
    boxes = [Box(2.0)]
    found = weakref.WeakSet(boxes)
    return (lambda x: x * sum(box.value for box in found)), lambda: setattr(boxes[0], "value", 3.0)


def a_dict_of_weak_keys():
    box = Box(2.0)
    scales = weakref.WeakKeyDictionary({box: 2.0})
    return (lambda x: x * sum(scales.values())), lambda: scales.__setitem__(box, 3.0)


def a_dict_of_weak_values():
    box = Box(2.0)
    scales = weakref.WeakValueDictionary({"a": box})
    return (lambda x: x * scales["a"].value), lambda: setattr(box, "value", 3.0)


def a_private_slot():
    settings = PrivateSlots(2.0)
    return (lambda x: x * settings.read()), lambda: settings.write(3.0)


def a_private_slot_of_a_base():
    class Settings(PrivateSlots):
        __slots__ = ()

    settings = Settings(2.0)
    return (lambda x: x * settings.read()), lambda: settings.write(3.0)


def a_private_attribute():
    class Settings:
        def __init__(self):
            self.__scale = 2.0

        def read(self):
            return self.__scale

        def write(self, scale):
            self.__scale = scale

    settings = Settings()
    return (lambda x: x * settings.read()), lambda: settings.write(3.0)


def a_method_overridden_later():
    class Base:
        def scale(self):
            return 2.0

    class Derived(Base):
        pass

    settings = Derived()
    return (lambda x: x * settings.scale()), lambda: setattr(Derived, "scale", lambda self: 3.0)


def a_class_attribute_overridden_later():
    class Base:
        scale = 2.0

    class Derived(Base):
        pass

    settings = Derived()
    return (lambda x: x * settings.scale), lambda: setattr(Derived, "scale", 3.0)


def a_method_overridden_in_the_object():
    class Settings:
        def scale(self):
            return 2.0

    settings = Settings()
    return (lambda x: x * settings.scale()), lambda: setattr(settings, "scale", lambda: 3.0)


def a_method_of_a_dunder_name():
    class Settings:
        def __len__(self):
            return 2

    settings = Settings()
    return (lambda x: x * len(settings)), lambda: setattr(Settings, "__len__", lambda self: 3)


def a_constructor():
    class Settings:
        def __new__(cls):
            made = super().__new__(cls)
            made.scale = found[0]
            return made

    found = [2.0]
    return (lambda x: x * Settings().scale), lambda: found.__setitem__(0, 3.0)


def the_order_of_a_dict():
    scales = {"a": 2.0, "b": 3.0}
    return (lambda x: x * next(iter(scales.values()))), lambda: scales.update(a=scales.pop("a"))


def the_order_of_a_dict_whose_last_key_stays():
    scales = {"a": 2.0, "b": 3.0, "c": 4.0}
    return (lambda x: x * next(iter(scales.values()))), lambda: [scales.update({k: scales.pop(k)}) for k in "ac"]


def the_order_of_an_ordered_dict():
    scales = collections.OrderedDict(a=2.0, b=3.0)
    return (lambda x: x * next(iter(scales.values()))), lambda: scales.move_to_end("a")


def an_attribute_of_a_dict():
    class Settings(dict):
        scale = 2.0

    settings = Settings()
    settings.scale = 2.0
    return (lambda x: x * settings.scale), lambda: setattr(settings, "scale", 3.0)


def an_attribute_of_a_list():
    class Settings(list):
        pass

    settings = Settings()
    settings.scale = 2.0
    return (lambda x: x * settings.scale), lambda: setattr(settings, "scale", 3.0)


def an_attribute_of_a_number():
    class Number(float):
        pass

    number = Number(1.0)
    number.scale = 2.0
    return (lambda x: x * number.scale), lambda: setattr(number, "scale", 3.0)


def the_default_of_a_dict():
    scales = collections.defaultdict(lambda: value[0])
    value = [2.0]
    return (lambda x: x * (scales["a"], scales.clear())[0]), lambda: value.__setitem__(0, 3.0)


def a_text_stream():
    stream = io.StringIO("2.0")
    return (lambda x: x * float(stream.getvalue())), lambda: (stream.seek(0), stream.write("3.0"))


def a_logger():
    logger = logging.getLogger("tests.compiler.out_of_sight")
    return (lambda x: x * (3.0 if logger.disabled else 2.0)), lambda: setattr(logger, "disabled", True)


def a_counter():
    count = itertools.count(2)
    return (lambda x: x * count.__reduce__()[1][0]), lambda: next(count)


def a_cached_property():
    class Settings:
        value = 2.0

        @functools.cached_property
        def scale(self):
            return self.value

    settings = Settings()

    def change():
        del settings.scale
        settings.value = 3.0

    return (lambda x: x * settings.scale), change


def what_a_context_manager_holds():
    import contextlib

    held = [2.0]

    @contextlib.contextmanager
    def scale():
        yield held[0]

    def function(x):
        with scale() as factor:
            return x * factor

    return function, lambda: held.__setitem__(0, 3.0)


def what_a_function_of_the_engine_holds():
    held = [2.0]

    def scaled(x):
        return np.sum(x * held[0] * x / 2)

    gradient = ad.grad(scaled)
    return (lambda x: gradient(x)), lambda: held.__setitem__(0, 3.0)


def the_defaults_of_a_function():
    def helper(scale=2.0):
        return scale

    return (lambda x: x * helper()), lambda: setattr(helper, "__defaults__", (3.0,))


def the_keyword_defaults_of_a_function():
    def helper(*, scale=2.0):
        return scale

    return (lambda x: x * helper()), lambda: setattr(helper, "__kwdefaults__", {"scale": 3.0})


def the_code_of_a_function():
    def helper():
        return 2.0

    return (lambda x: x * helper()), lambda: setattr(helper, "__code__", (lambda: 3.0).__code__)


def the_bases_of_a_class():
    class Slow:
        scale = 2.0

    class Fast:
        scale = 3.0

    class Settings(Slow):
        pass

    settings = Settings()
    return (lambda x: x * settings.scale), lambda: setattr(Settings, "__bases__", (Fast,))


def the_class_of_an_object():
    class Slow:
        scale = 2.0

    class Fast:
        scale = 3.0

    settings = Slow()
    return (lambda x: x * settings.scale), lambda: setattr(settings, "__class__", Fast)


def an_attribute_of_a_metaclass():
    class Kind(type):
        scale = 2.0

    class Settings(metaclass=Kind):
        pass

    return (lambda x: x * Settings.scale), lambda: setattr(Kind, "scale", 3.0)


def what_a_module_makes_of_other_names():
    scales = {"scale": 2.0}
    module = types.ModuleType("module_of_capture")
    module.__getattr__ = lambda name: scales[name]
    return (lambda x: x * module.scale), lambda: scales.update(scale=3.0)


def a_property_of_a_module():
    class Module(types.ModuleType):
        @property
        def scale(self):
            return self.__dict__["held"] + 0.0

    module = Module("module_of_capture")
    module.held = 2.0
    return (lambda x: x * module.scale), lambda: setattr(module, "held", 3.0)


def an_attribute_that_a_module_has_not_yet():
    module = types.ModuleType("module_of_capture")
    return (lambda x: x * (3.0 if hasattr(module, "fast") else 2.0)), lambda: setattr(module, "fast", True)


def an_attribute_that_a_module_has_not_yet_beside_one_that_goes():
    module = types.ModuleType("module_of_capture")
    module.other, module.last = 1.0, 2.0

    def change():
        del module.last
        module.scale = 3.0

    return (lambda x: x * getattr(module, "scale", 2.0)), change


def an_attribute_that_an_object_has_not_yet():
    box = Box(1.0)
    return (lambda x: x * getattr(box, "scale", 2.0)), lambda: setattr(box, "scale", 3.0)


def a_slot_that_is_not_set_yet():
    class Settings:
        __slots__ = ("scale",)

    settings = Settings()
    return (lambda x: x * getattr(settings, "scale", 2.0)), lambda: setattr(settings, "scale", 3.0)


def a_variable_that_is_not_set_yet():
    def function(x):
        try:
            return x * scale
        except NameError:
            return x * 2.0

    def change():
        nonlocal scale
        scale = 3.0

    if random.random() > 1:
        scale = 1.0
    return function, change


def a_global_variable_that_is_not_set_yet():
    def function(x):
        try:
            return x * SCALE_OF_A_STEP
        except NameError:
            return x * 2.0

    globals().pop("SCALE_OF_A_STEP", None)
    return function, lambda: globals().update(SCALE_OF_A_STEP=3.0)


def a_key_that_a_dict_has_not_yet():
    scales = {}
    return (lambda x: x * scales.get("scale", 2.0)), lambda: scales.update(scale=3.0)


def an_attribute_of_a_module_by_another_name():
    module, names = types.ModuleType("module_of_capture"), ["sca" + "le"]
    module.scale = 2.0
    return (lambda x: x * getattr(module, names[0])), lambda: setattr(module, "scale", 3.0)


def an_attribute_of_a_module_that_another_name_would_have():
    module, names = types.ModuleType("module_of_capture"), ["sca" + "le"]
    return (lambda x: x * getattr(module, names[0], 2.0)), lambda: setattr(module, "scale", 3.0)


def an_attribute_in_the_dict_of_a_module():
    module, names = types.ModuleType("module_of_capture"), ["sca" + "le"]
    module.scale = 2.0
    return (lambda x: x * vars(module)[names[0]]), lambda: setattr(module, "scale", 3.0)


def an_attribute_of_a_module_by_an_attrgetter():
    module, read = types.ModuleType("module_of_capture"), operator.attrgetter("scale")
    module.scale = 2.0
    return (lambda x: x * read(module)), lambda: setattr(module, "scale", 3.0)


def an_attribute_of_a_module_by_an_alias_of_getattr():
    module, get, name = types.ModuleType("module_of_capture"), getattr, "sca" + "le"
    module.scale = 2.0
    return (lambda x: x * get(module, name)), lambda: setattr(module, "scale", 3.0)


def an_attribute_of_a_module_by_an_alias_that_it_has_not_yet():
    module, get, name = types.ModuleType("module_of_capture"), getattr, "sca" + "le"
    return (lambda x: x * get(module, name, 2.0)), lambda: setattr(module, "scale", 3.0)


def an_attribute_of_a_module_in_a_text():
    module = types.ModuleType("module_of_capture")
    module.scale = 2.0
    return (lambda x: x * float("{.scale}".format(module))), lambda: setattr(module, "scale", 3.0)  # noqa: UP032


def an_attribute_that_a_module_has_not_yet_before_one_that_comes_back():
    module = types.ModuleType("module_of_capture")
    module.other, module.last = 1.0, 2.0

    def change():
        del module.other, module.last
        module.scale = 3.0
        module.last = 2.0

    def function(x):
        try:
            return x * module.scale
        except AttributeError:
            return x * 2.0

    return function, change


def an_attribute_in_another_dict_of_an_object():
    box = Box(1.0)

    def change():
        box.__dict__ = {"value": box.value, "scale": 3.0}

    return (lambda x: x * box.value * getattr(box, "scale", 2.0)), change


def what_is_no_longer_the_dict_of_an_object():
    box = Box(2.0)
    attributes = vars(box)

    def change():
        box.__dict__ = dict(attributes)
        attributes["value"] = 3.0

    return (lambda x: x * attributes["value"] + 0 * box.value), change


def a_module_by_its_name():
    module = sys.modules["module_of_capture"] = types.ModuleType("module_of_capture")
    module.scale = 2.0
    return (lambda x: x * importlib.import_module("module_of_capture").scale), lambda: setattr(module, "scale", 3.0)


def a_module_by_pythons_function():
    module = sys.modules["module_of_capture"] = types.ModuleType("module_of_capture")
    module.scale = 2.0
    return (lambda x: x * __import__("module_of_capture").scale), lambda: setattr(module, "scale", 3.0)


def a_module_among_those_that_there_are():
    module = sys.modules["module_of_capture"] = types.ModuleType("module_of_capture")
    module.scale = 2.0
    return (lambda x: x * sys.modules["module_of_capture"].scale), lambda: setattr(module, "scale", 3.0)


def a_variable_among_the_global_ones():
    globals().pop("SCALE_OF_A_STEP", None)
    return (lambda x: x * globals().get("SCALE_OF_A_STEP", 2.0)), lambda: globals().update(SCALE_OF_A_STEP=3.0)


def a_variable_in_a_text():
    return (lambda x: x * eval("RATE")), lambda: globals().update(RATE=3.0)


def the_environment_by_a_function():
    os.environ["SCALE_OF_A_STEP"] = "2.0"
    return (lambda x: x * float(os.getenv("SCALE_OF_A_STEP"))), lambda: os.environ.update(SCALE_OF_A_STEP="3.0")


def the_environment_by_a_function_in_a_variable():
    getenv, os.environ["SCALE_OF_A_STEP"] = os.getenv, "2.0"
    return (lambda x: x * float(getenv("SCALE_OF_A_STEP"))), lambda: os.environ.update(SCALE_OF_A_STEP="3.0")


def an_object_of_a_random_state():
    state = np.random.RandomState(0)
    return (lambda x: x * state.uniform()), lambda: None


def a_random_number_of_python():
    rng = random.Random(0)
    return (lambda x: x * rng.random()), lambda: None


def a_method_of_a_generator():
    draw = np.random.default_rng(0).uniform
    return (lambda x: x * draw()), lambda: None


class ParameterOfTheUsers(ad.Parameter):
    rate = 2.0


class TensorWithSlots(ad.Tensor):
    __slots__ = ("rate",)


def attribute_of_a_parameter():
    w = ParameterOfTheUsers(1.0)
    w.scale = 2.0
    return (lambda x: x * w.scale), lambda: setattr(w, "scale", 3.0)


def attribute_of_the_class_of_a_parameter():
    kind = type("Local", (ParameterOfTheUsers,), {"__module__": __name__, "rate": 2.0})
    w = kind(1.0)
    return (lambda x: x * w.rate), lambda: setattr(kind, "rate", 3.0)


def method_of_a_parameter():
    kind = type("Local", (ParameterOfTheUsers,), {"__module__": __name__, "scaled": lambda self, x: x * 2.0})
    w = kind(1.0)
    return (lambda x: w.scaled(x)), lambda: setattr(kind, "scaled", lambda self, x: x * 3.0)


def slot_of_a_tensor():
    w = TensorWithSlots(1.0)
    w.rate = 2.0
    return (lambda x: x * w.rate), lambda: setattr(w, "rate", 3.0)


def attribute_of_a_captured_function():
    @ad.capture
    def other(x):
        return x

    other.scale = 2.0
    return (lambda x: x * other.scale), lambda: setattr(other, "scale", 3.0)


def attribute_given_later_to_a_captured_function():
    other = ad.capture(lambda x: x)
    return (lambda x: x * (3.0 if hasattr(other, "scale") else 2.0)), lambda: setattr(other, "scale", 3.0)


class NumberWithSlots(float):
    __slots__ = ("scale",)


class Text(str):
    scale = 2.0


class Day(datetime.date):
    pass


class Part(fractions.Fraction):
    scale = 2.0


class Place(type(pathlib.Path())):
    scale = 2.0


def slot_of_a_number():
    number = NumberWithSlots(1.0)
    number.scale = 2.0
    return (lambda x: x * number.scale), lambda: setattr(number, "scale", 3.0)


def equal_number_with_another_slot():
    box = Box(NumberWithSlots(1.0))
    box.value.scale = 2.0
    other = NumberWithSlots(1.0)
    other.scale = 3.0
    return (lambda x: x * box.value.scale), lambda: setattr(box, "value", other)


def attribute_of_the_class_of_a_text():
    kind = type("Local", (Text,), {"__module__": __name__})
    text = kind("a")
    return (lambda x: x * text.scale), lambda: setattr(kind, "scale", 3.0)


def attribute_of_a_date():
    day = Day(2020, 1, 1)
    day.scale = 2.0
    return (lambda x: x * day.scale), lambda: setattr(day, "scale", 3.0)


def attribute_of_the_class_of_a_fraction():
    kind = type("Local", (Part,), {"__module__": __name__})
    part = kind(1, 2)
    return (lambda x: x * part.scale), lambda: setattr(kind, "scale", 3.0)


def attribute_of_the_class_of_a_path():
    kind = type("Local", (Place,), {"__module__": __name__})
    path = kind("a")
    return (lambda x: x * path.scale * len(str(path))), lambda: setattr(kind, "scale", 3.0)


def attribute_of_a_class_that_types_made():
    kind = types.new_class("Made", (), {}, lambda names: names.update(scale=2.0, __module__="types"))
    made = kind()
    return (lambda x: x * made.scale), lambda: setattr(kind, "scale", 3.0)


def row_of_a_structured_array():
    rows = np.zeros(2, [("scale", float)])
    rows["scale"] = 2.0
    row = rows[0]
    return (lambda x: x * row["scale"]), lambda: rows.__setitem__("scale", 3.0)


def globals_of_a_frame():
    return (lambda x: x * sys._getframe().f_globals["RATE"]), lambda: globals().__setitem__("RATE", 3.0)


def globals_of_the_current_frame():
    return (lambda x: x * inspect.currentframe().f_globals["RATE"]), lambda: globals().__setitem__("RATE", 3.0)


def variable_by_its_full_name():
    name = f"{__name__}:RATE"
    return (lambda x: x * pkgutil.resolve_name(name)), lambda: globals().__setitem__("RATE", 3.0)


def globals_of_another_function():
    return (lambda x: x * members_of_a_set.__globals__["RATE"]), lambda: globals().__setitem__("RATE", 3.0)


def state_of_the_numpy_generator():
    def peek(x):
        state = np.random.get_state()  # noqa: NPY002
        drawn = np.random.rand()  # noqa: NPY002
        np.random.set_state(state)  # noqa: NPY002
        return x + drawn

    return peek, lambda: np.random.seed(4)  # noqa: NPY002


def state_of_the_python_generator():
    def peek(x):
        state = random.getstate()
        drawn = random.random()
        random.setstate(state)
        return x + drawn

    return peek, lambda: random.seed(4)


def state_of_bits():
    bits = np.random.PCG64(0)

    def peek(x):
        state = bits.state
        drawn = np.random.Generator(bits).normal()
        bits.state = state
        return x + drawn

    return peek, bits.random_raw


def copy_of_a_generator():
    rng = np.random.default_rng(0)
    return (lambda x: x + copy.deepcopy(rng).normal()), rng.random


def state_of_a_generator():
    rng = np.random.default_rng(0)
    return (lambda x: x + rng.bit_generator.state["state"]["state"] % 7), rng.random


def members_of_a_set_replaced_by_equal_ones():
    found = {0.0}
    return (lambda x: np.copysign(x, next(iter(found)))), lambda: (found.clear(), found.add(-0.0))


def keys_replaced_by_equal_ones():
    table = {1: None}
    return (lambda x: x * (3.0 if isinstance(next(iter(table)), float) else 2.0)), lambda: (
        table.clear(),
        table.__setitem__(1.0, None),
    )


def slots_from_an_iterator():
    held = type("Local", (), {"__slots__": iter(["scale"]), "__module__": __name__})()
    held.scale = 2.0
    return (lambda x: x * held.scale), lambda: setattr(held, "scale", 3.0)


def private_slot_of_a_renamed_class():
    class Renamed:
        __slots__ = ("__value",)

        def __init__(self):
            self.__value = 2.0

        def read(self):
            return self.__value

        def write(self):
            self.__value = 3.0

    Renamed.__name__ = "Other"
    held = Renamed()
    return (lambda x: x * held.read()), held.write


CASES = [
    case for case in list(globals().values())
    if isinstance(case, types.FunctionType) and case.__module__ == __name__ and case is not outcome
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case.__name__.replace("_", " ") for case in CASES])
def test_what_a_step_reads_is_followed_or_refused(case, monkeypatch):
    monkeypatch.setenv("SCALE_OF_A_STEP", "")
    monkeypatch.setattr(sys, "argv", [*sys.argv])
    monkeypatch.setitem(globals(), "RATE", RATE)
    monkeypatch.setitem(globals(), "SCALE_OF_A_STEP", None)
    monkeypatch.setitem(sys.modules, "module_of_capture", None)
    is_followed_or_refused(*case())
    logging.getLogger("tests.compiler.out_of_sight").disabled = False


def is_followed_or_refused(function, change):
    step = ad.capture(function, check_every=0)  # for a check of a replay would see what the guard has to
    for call in range(16):
        if call == 8:
            change()
        found, refusal = outcome(step, 1.0)
        if refusal:
            assert "capture" in refusal or "replay" in refusal
            return
    assert found == function(1.0)


# Modules


@pytest.fixture
def write_module(tmp_path, monkeypatch):
    """Write modules, and forget them at the end."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write(path, text):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
        importlib.invalidate_caches()

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_module_within_a_module(write_module):
    write_module("outer_of_capture/__init__.py", "")
    write_module("outer_of_capture/inner.py", "scale = 2.0\n")
    outer = importlib.import_module("outer_of_capture")
    inner = importlib.import_module("outer_of_capture.inner")
    is_followed_or_refused(lambda x: x * outer.inner.scale, lambda: setattr(inner, "scale", 3.0))


def test_a_module_in_an_object(write_module):
    write_module("held_by_capture.py", "scale = 2.0\n")
    box = Box(importlib.import_module("held_by_capture"))
    is_followed_or_refused(lambda x: x * box.value.scale, lambda: setattr(box.value, "scale", 3.0))


def test_a_name_imported_in_the_step(write_module):
    write_module("read_by_capture.py", "scale = 2.0\n")

    def function(x):
        from read_by_capture import scale

        return x * scale

    is_followed_or_refused(function, lambda: setattr(sys.modules["read_by_capture"], "scale", 3.0))


def test_a_module_imported_in_the_step(write_module):
    write_module("package_of_capture/__init__.py", "")
    write_module("package_of_capture/values.py", "scale = 2.0\n")

    def function(x):
        import package_of_capture.values as values

        return x * values.scale

    is_followed_or_refused(function, lambda: setattr(sys.modules["package_of_capture.values"], "scale", 3.0))


def test_a_module_imported_by_a_relative_name_in_the_step(write_module):
    write_module("relative_of_capture/__init__.py", "")
    write_module("relative_of_capture/values.py", "scale = 2.0\n")
    write_module(
        "relative_of_capture/steps.py", "def function(x):\n    from .values import scale\n    return x * scale\n"
    )
    steps = importlib.import_module("relative_of_capture.steps")
    is_followed_or_refused(
        lambda x: steps.function(x), lambda: setattr(sys.modules["relative_of_capture.values"], "scale", 3.0)
    )


def test_a_global_of_an_installed_package(write_module, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    write_module("site-packages/installed_for_capture.py", "scale = 2.0\n\ndef scaled(x):\n    return x * scale\n")
    package = importlib.import_module("installed_for_capture")
    is_followed_or_refused(lambda x: package.scaled(x), lambda: setattr(package, "scale", 3.0))


def test_a_class_attribute_of_an_installed_package(write_module, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    write_module("site-packages/classes_for_capture.py", "class Settings:\n    scale = 2.0\n")
    settings = importlib.import_module("classes_for_capture").Settings()
    is_followed_or_refused(lambda x: x * settings.scale, lambda: setattr(type(settings), "scale", 3.0))


@pytest.mark.parametrize("name", ["colorsys", "chunk"])
def test_a_module_of_the_users_with_a_name_of_the_standard_library(write_module, monkeypatch, name):
    monkeypatch.delitem(sys.modules, name, raising=False)
    write_module(f"{name}.py", "scale = 2.0\n\ndef scaled(x):\n    return x * scale\n")
    module = importlib.import_module(name)
    is_followed_or_refused(lambda x: module.scaled(x), lambda: setattr(module, "scale", 3.0))


def test_an_object_of_a_module_with_a_name_of_the_standard_library(write_module, monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    write_module("colorsys.py", "class Settings:\n    scale = 2.0\n")
    settings = importlib.import_module("colorsys").Settings()
    is_followed_or_refused(lambda x: x * settings.scale, lambda: setattr(type(settings), "scale", 3.0))


def test_a_builtin_shadowed_later(monkeypatch):
    monkeypatch.delitem(globals(), "max", raising=False)
    is_followed_or_refused(lambda x: x * max(2.0, 1.0), lambda: monkeypatch.setitem(globals(), "max", lambda *_: 3.0))


def test_a_builtin_replaced_later(monkeypatch):
    def change():
        monkeypatch.setattr("builtins.pow", lambda *_: 3.0)

    is_followed_or_refused(lambda x: x * pow(2.0, 1.0), change)


def test_a_builtin_shadowed_in_the_module_of_a_helper(write_module):
    write_module("helper_of_capture.py", "def scaled(x):\n    return x * abs(-2.0)\n")
    helper = importlib.import_module("helper_of_capture")
    is_followed_or_refused(lambda x: helper.scaled(x), lambda: setattr(helper, "abs", lambda _: 3.0))


# What is refused, in which words; and what is not


def test_an_object_that_cannot_be_followed_is_named_with_what_to_pass_instead():
    fast = threading.Event()
    _, refusal = outcome(ad.capture(lambda x: x * (2 if fast.is_set() else 1)), 1.0)
    assert "fast is a threading.Event, whose state a replay would not see; pass fast.is_set() as an argument" in refusal


def test_an_object_in_an_attribute_that_the_step_does_not_name_is_none_of_its_business():
    class Model:
        def __init__(self):
            self.lock, self.scale, self.log = threading.Lock(), np.array([2.0]), io.StringIO()
            self.batches = iter([1, 2])

        def save(self):
            with self.lock:
                self.log.write("saved")

        def predict(self, x):
            return x * self.scale

    model = Model()
    step = ad.capture(lambda x: model.predict(x))
    for i in range(8):
        np.testing.assert_array_equal(step(np.array([1.0 * i])), [2.0 * i])


def test_an_object_that_a_method_names_which_the_step_calls_is_refused():
    class Model:
        def __init__(self):
            self.lock, self.scale = threading.Lock(), np.array([2.0])

        def predict(self, x):
            with self.lock:
                return x * self.scale

    model = Model()
    _, refusal = outcome(ad.capture(lambda x: model.predict(x)), np.ones(1))
    assert "model.lock is a _thread.lock" in refusal


@pytest.mark.parametrize(
    "value",
    [
        range(3), slice(1, 2), ..., frozenset(["a"]), {"a": {1, 2}}, (1, (2, "a")), np.float32(1.0), np.dtype("f4"),
        collections.namedtuple("Point", "x y")(1, 2), types.SimpleNamespace(a=1), np.exp, np.sum, len, float, ad.Tanh,
        ad.no_grad(), collections.Counter("aab"), collections.ChainMap({"a": 1}), list[int], int | None, "a".join,
        importlib.import_module("datetime").timedelta(1), importlib.import_module("fractions").Fraction(1, 2),
        importlib.import_module("pathlib").Path("a"), importlib.import_module("re").compile("a"),
        importlib.import_module("decimal").Decimal(1), importlib.import_module("enum").Enum("Kind", "A B").A,
        np.poly1d([1.0, 2.0]), functools.lru_cache(lambda: 1), functools.singledispatch(lambda x: x), np, os,
        ValueError("a"),
        importlib.import_module("operator").itemgetter(0), importlib.import_module("argparse").Namespace(a=1),
        importlib.import_module("dataclasses").make_dataclass("Point", ["x", "y"])(1, 2),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_cannot_change_or_is_watched_may_be_reached(value):
    step = ad.capture(lambda x: x * (2.0 if value is not None else 1.0))
    for i in range(8):
        assert step(1.0 * i) == 2.0 * i


class Point(typing.NamedTuple):
    x: float = 2.0
    y: float = 3.0


class Kind(enum.Enum):
    FAST = 1
    SLOW = 2


@dataclasses.dataclass
class Configuration:
    kind: Kind = Kind.FAST
    point: Point = Point()  # noqa: RUF009 - it cannot change
    names: list[str] = dataclasses.field(default_factory=list)


@functools.singledispatch
def doubled(value):
    return value * 2


@functools.lru_cache
def cached(value):
    return value * 2.0


def test_ordinary_python_in_a_step_is_taken():
    configuration = Configuration()

    @ad.capture
    def step(x):
        assert isinstance(x, np.ndarray), "an array"
        with np.errstate(all="ignore"):
            scaled = doubled(x) * configuration.point.y * cached(configuration.point.x)
        return scaled if configuration.kind is Kind.FAST and not configuration.names else x

    for i in range(8):
        np.testing.assert_array_equal(step(np.full(2, float(i))), [24.0 * i, 24.0 * i])


# What no code of the step names


class Trainer:
    """An object with a step, of which its loop uses more than the step does."""

    total = 0

    def __init__(self):
        self.w = ad.Tensor(np.ones(2), requires_grad=True)
        self.scales = [1.0]
        self.losses, self.history, self.seen = [], {"loss": [], "more": {}}, set()
        self.status, self.best, self.flag = "begun", None, False

    def train_step(self, x):
        loss = np.sum(x @ self.w) * self.scales[0]
        self.w.grad = None
        loss.backward()
        self.w.data -= 0.1 * self.w.grad.data
        return loss


def after_step(trainer, i, loss):
    trainer.losses.append(loss)
    trainer.history["loss"].append(loss)
    trainer.history["more"][f"step {i}"] = i
    trainer.seen.add(i)
    trainer.status, trainer.best, trainer.flag = f"after {i}", loss if i > 3 else None, i % 2 == 0
    Trainer.total += 1


def test_logs_beside_a_step_that_no_code_of_it_names_may_change_from_call_to_call():
    trainer = Trainer()
    step = ad.capture(trainer.train_step)
    expected = Trainer()
    for i in range(30):
        x = np.full((3, 2), 1.0 + i)
        after_step(trainer, i, step(x).item())
        np.testing.assert_allclose(trainer.losses[-1], expected.train_step(x).item())
    assert len(step.programs) == 1


@pytest.mark.parametrize(
    ("read", "change"),
    [
        (lambda self: len(self.losses), lambda self: self.losses.append(1)),
        (lambda self: len(getattr(self, "loss" + "es")), lambda self: self.losses.append(1)),
        (lambda self: len(vars(self)["losses"]), lambda self: self.losses.append(1)),
        (lambda self: len([*self.__dict__.values()][2]), lambda self: self.losses.append(1)),
        (lambda self: {"begun": 1, "after": 2}[self.status], lambda self: setattr(self, "status", "after")),
        (lambda self: matched(self), lambda self: setattr(self, "status", "after")),
        (lambda self: len(operator.attrgetter("losses")(self)), lambda self: self.losses.append(1)),
        (lambda self: len(self.history["loss"]), lambda self: self.history["loss"].append(1)),
        (lambda self: 1 + (self.best is None), lambda self: setattr(self, "best", "a")),
        (lambda self: 1 + (0 in self.seen), lambda self: self.seen.add(0)),
        (lambda self: len(OTHER), lambda self: OTHER.append(1)),
    ],
    ids=["named", "getattr", "vars", "dict", "text", "match", "attrgetter", "within", "None", "set", "by another way"],
)
def test_what_code_may_come_upon_is_watched(read, change):
    trainer = Trainer()
    trainer.others = OTHER
    step = ad.capture(lambda x: x * read(trainer), check_every=0)
    for i in range(14):
        if i == 9:
            change(trainer)
        assert outcome(step, float(i))[0] in (i * read(trainer), None)


OTHER = [1]


def matched(trainer):
    match trainer:
        case Trainer(status="begun"):
            return 1
    return 2


class Settings:
    def __init__(self):
        vars(self).update(mode="a", scale=1.0, sizes=[1])


class Net(ad.Module):
    def __init__(self, settings):
        self.settings, self.w = settings, ad.Parameter(np.ones(2))
        for name, value in {"kind": "a"}.items():
            setattr(self, name, value)

    def forward(self, x):
        factor = 1.0 if self.settings.mode == "a" and self.kind == "a" else 2.0
        return x * self.w * factor * self.settings.scale * len(self.settings.sizes)


class Descent(ad.SGD):
    def __init__(self, parameters, settings):
        super().__init__(parameters, 0.1)
        self.settings = settings

    def update(self, *args, **keywords):
        updated = super().update(*args, **keywords)
        return updated * (1.0 if self.settings.mode == "a" else 2.0) if updated is not None else None


MODE = operator.attrgetter("mode")


@pytest.mark.parametrize(
    "change",
    [
        lambda net: setattr(net.settings, "mode", "b"),
        lambda net: setattr(net.settings, "scale", 3.0),
        lambda net: net.settings.sizes.append(1),
        lambda net: setattr(net, "kind", "b"),
    ],
    ids=["text", "a float", "a list", "of the module"],
)
@pytest.mark.parametrize("inside", [lambda net: net, ad.Sequential], ids=["alone", "in another"])
def test_what_methods_read_that_the_engine_calls_is_watched(inside, change):
    net = Net(Settings())
    model = inside(net)
    step = ad.capture(lambda x: np.sum(model(x)), check_every=0)
    for i in range(24):
        if i == 12:
            change(net)
        x = np.ones(2) * i
        assert step(x).item() == np.sum(model(x)).item()


def test_what_an_attrgetter_reads_is_watched():
    settings = Settings()
    settings.mode = "a"
    step = ad.capture(lambda x: x * (2 if MODE(settings) == "a" else 1), check_every=0)
    for i in range(24):
        settings.mode = "a" if i < 12 else "b"
        np.testing.assert_array_equal(step(np.ones(2)), np.full(2, 2.0 if i < 12 else 1.0))
