"""Whether arguments are like those of another call, so that one program can take both."""

import datetime
import functools
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.record.matching import match_for

Pair = namedtuple("Pair", "left right")
Twin = namedtuple("Twin", "left right")
Swapped = namedtuple("Swapped", "right left")
A, B = np.arange(6.0).reshape(2, 3), np.ones(4, np.float32)


@dataclass
class Settings:
    rate: float = 0.1
    units: object = 3
    note: str = field(default="", compare=False)


class Always:
    __slots__ = ("what",)

    def __init__(self, what):
        self.what = what

    def __eq__(self, other):
        return True

    __hash__ = None


class Text(str):
    pass


def noted(text, note):
    made = Text(text)
    made.note = note
    return made


class Model:
    def __init__(self):
        self.w = A

    def forward(self, x):
        return x


MODEL = Model()

ALIKE = [
    (A, A + 1),
    (A, A.copy(order="F")),
    (1.5, -2.5),
    (np.float32(1), np.float32(2)),
    (ad.Tensor(A), ad.Tensor(A + 1)),
    ([A, {"k": (1.5, 3)}], [A + 1, {"k": (2.5, 3)}]),
    (Pair(A, 2), Pair(A + 1, 2)),
    ({}, {}),
    ({1: A}, {1: A}),
    (3, 3),
    (10**30, 10**30),
    ("a", "a"),
    ((None, True), (None, True)),
    (Settings(), Settings()),
    (Settings(units=[1, (2, 3)]), Settings(units=[1, (2, 3)])),
    (SimpleNamespace(n=3), SimpleNamespace(n=3)),
    (list, list),
    (Decimal("1.0"), Decimal("1.0")),
    (range(3), range(3)),
    (slice(0, 2), slice(0, 2)),
    ({1, 2}, {1, 2}),
    (MODEL.forward, MODEL.forward),
    (np.random.default_rng, np.random.default_rng),
    (Always(1), Always(1)),
]

UNLIKE = [
    (A, A.astype(np.float32)),
    (A, A[:1]),
    (A, 1.5),
    (A, ad.Tensor(A)),
    (A, A.view(type("Kind", (np.ndarray,), {}))),
    (1.5, 1),
    (1.5, np.float64(1.5)),
    (np.float32(1), np.float64(1)),
    (ad.Tensor(A), ad.Tensor(A, requires_grad=True)),
    (1, True),
    (True, 1),
    (None, False),
    ("a", "b"),
    ("a", Text("a")),
    (noted("a", 1), noted("a", 2)),
    ([A], (A,)),
    ((A, 2), Pair(A, 2)),
    (Pair(A, 2), Twin(A, 2)),
    (Pair(A, B), Swapped(A, B)),
    ([A], [A, A]),
    ({"a": A, "b": A}, {"b": A, "a": A}),
    ({"a": A}, {"b": A}),
    ({"a": A}, OrderedDict(a=A)),
    ({"a": A}, defaultdict(int, a=A)),
    ({1: A}, {True: A}),
    ({1: A}, {1.0: A}),
    ({0.0: A}, {-0.0: A}),
    (Settings(), Settings(rate=0.2)),
    (Settings(0.0), Settings(-0.0)),
    (Settings(), Settings(note="other")),
    (Settings(units=[1]), Settings(units=[True])),
    (Settings(units=A), Settings(units=A.copy())),
    (Always(1), Always(2)),
    (Decimal("1.0"), Decimal("1.00")),
    (range(0, 3, 2), range(0, 4, 2)),
    ({0, 8}, {8, 0}),
    (frozenset({1}), frozenset({1.0})),
    (
        datetime.datetime(2020, 1, 1, 12, tzinfo=ZoneInfo("UTC")),
        datetime.datetime(2020, 1, 1, 12, tzinfo=datetime.UTC),
    ),
    (MODEL.forward, Model().forward),
    (functools.partial(max, 1), functools.partial(max, 1)),
    (np.array(["a"]), np.array(["a"])),
    (object(), object()),
    (MODEL, Model()),
]


@pytest.mark.parametrize(("before", "now"), ALIKE, ids=lambda part: repr(part)[:20])
def test_alike(before, now):
    assert match_for((before,), {}, False)((now,), {}) is not None
    assert match_for((), {"x": before}, False)((), {"x": now}) is not None


@pytest.mark.parametrize(("before", "now"), UNLIKE, ids=lambda part: repr(part)[:20])
def test_unlike(before, now):
    match = match_for((A, before), {}, False)
    assert match((A, before), {}) is not None or getattr(before, "requires_grad", False)
    assert match((A, now), {}) is None
    assert match_for(([before],), {}, False)(([now],), {}) is None


def test_the_number_of_arguments_and_the_names_of_keywords():
    match = match_for((A,), {"y": A}, False)
    assert match((A,), {"y": A}) is not None
    for args, keywords in (((), {"y": A}), ((A, A), {"y": A}), ((A,), {}), ((A,), {"z": A}), ((A,), {"y": A, "z": A})):
        assert match(args, keywords) is None


def test_the_inputs_come_in_the_order_of_the_arguments():
    tensor = ad.Tensor(B)
    found = match_for((A, 3, [1.5, "a"]), {"k": {"b": tensor, "a": (B, None)}}, False)(
        (A, 3, [2.5, "a"]), {"k": {"b": tensor, "a": (B, None)}}
    )
    assert found is not None
    assert [found[0] is A, found[1], found[2] is tensor.data, found[3] is B, len(found)] == [True, 2.5, True, True, 4]


def test_an_equal_dtype_that_is_another_object():
    assert match_for((A,), {}, False)((A.astype(np.dtype("float64", align=True)),), {}) is not None
    swapped = np.dtype(">f8")
    assert match_for((A.astype(swapped),), {}, False)((A.astype(np.dtype(">f8")),), {}) is not None
    assert match_for((A,), {}, False)((A.astype(swapped),), {}) is None


def test_the_layout_in_memory_counts_where_it_is_asked_for():
    match = match_for((A,), {}, True)
    assert match((A + 1,), {}) is not None
    assert match((np.asfortranarray(A),), {}) is None
    assert match((np.repeat(A, 2, 1)[:, ::2],), {}) is None
    assert match_for((A[:1],), {}, True)((np.asfortranarray(A[:1]),), {}) is not None  # its first axis is no step
